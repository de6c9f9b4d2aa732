// From the stream of a track's frames to the stream that leads on, through one piece of work.

/**
 * Whether a frame carries nothing: padding of RTP reaches a receiver's transform so, and an
 * encoder's silence a sender's. There is nothing to be sealed or opened in it: it is dropped, and
 * counts as neither.
 */
export const isEmpty = (frame) => frame.data.byteLength === 0;

/**
 * Passes frames on, in order, until the track ends. `work` returns what a frame is to carry from
 * then on, or null, and the frame is dropped; what it throws goes to `fail`, and the frame is
 * dropped too. Rejects if the stream itself breaks.
 */
export async function pass(readable, writable, work, fail) {
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) return;
    try {
      if (isEmpty(frame)) continue;
      const bytes = work(frame);
      if (bytes === null) continue;
      frame.data = bytes.buffer;
    } catch (error) {
      fail(error);
      continue;
    }
    // Not awaited: the next frame need not wait for this one's packets. A closed track ends the loop.
    writer.write(frame).catch(ignore);
  }
}

function ignore() {}
