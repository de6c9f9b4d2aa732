// From the stream of a track's frames to the stream that leads on, through one piece of work.

/**
 * Whether a frame carries nothing: padding of RTP reaches a receiver's transform so, and an
 * encoder's silence a sender's. There is nothing to be sealed or opened in it: it is dropped, and
 * counts as neither.
 */
export const isEmpty = (frame) => frame.data.byteLength === 0;

/** So long the end of a track may take to be told on both of its sides, where one fails first. */
const GRACE_MS = 500;

/**
 * Hands each frame to `take`, and waits for what that returns, until the track ends. Rejects if
 * either stream breaks, the one that leads on too: frames that it would have taken leave nowhere.
 */
export async function read(readable, writer, take) {
  const reader = readable.getReader();
  let broken = null;
  writer.closed.catch((error) => setTimeout(() => {
    broken = { error };
    // What has ended meanwhile stays so.
    reader.cancel(error).catch(ignore);
  }, GRACE_MS));
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) break;
    const wait = take(frame);
    if (wait !== undefined) await wait;
  }
  if (broken !== null) throw broken.error;
}

/**
 * Passes frames on, in order, until the track ends. `work` returns what a frame is to carry from
 * then on, or null, and the frame is dropped; what it throws goes to `fail`, and the frame is
 * dropped too. Rejects if a stream itself breaks.
 */
export async function pass(readable, writable, work, fail) {
  const writer = writable.getWriter();
  await read(readable, writer, (frame) => {
    try {
      if (isEmpty(frame)) return;
      const bytes = work(frame);
      if (bytes === null) return;
      frame.data = bytes.buffer;
    } catch (error) {
      fail(error);
      return;
    }
    // Not awaited: the next frame need not wait for this one's packets. What fails is told once.
    writer.write(frame).catch(ignore);
  });
}

function ignore() {}
