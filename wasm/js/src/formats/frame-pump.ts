// Moves frames from the stream of a track to the stream that leads on, through one piece of work.

import type { EncodedFrame, FrameSink, FrameSource } from '../shared/browser.js';

/**
 * Whether a frame carries nothing: padding of RTP reaches a receiver's transform so, and an
 * encoder's silence a sender's. There is nothing to be sealed or opened in it: it is dropped, and
 * counts as neither.
 */
export const isEmpty = (frame: EncodedFrame): boolean => frame.data.byteLength === 0;

/** How long the end of a track may take to reach both of its sides, where one fails first. */
const GRACE_MS = 500;

/**
 * Hands each frame to `take`, and waits for what that returns, until the track ends. Rejects if
 * either stream breaks, the one that leads on too: frames that it would have taken leave nowhere.
 */
export async function read(
  readable: FrameSource,
  writer: WritableStreamDefaultWriter<EncodedFrame>,
  take: (frame: EncodedFrame) => Promise<void> | undefined,
): Promise<void> {
  const reader = readable.getReader();
  let broken: { error: unknown } | null = null;
  writer.closed.catch((error: unknown) => setTimeout(() => {
    broken = { error };
    // A stream that has ended meanwhile stays ended.
    reader.cancel(error).catch(ignore);
  }, GRACE_MS));
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) break;
    const wait = take(frame);
    if (wait !== undefined) await wait;
  }
  const end = broken as { error: unknown } | null;
  if (end !== null) throw end.error;
}

/**
 * Passes frames on, in order, until the track ends. `work` returns the bytes that a frame carries
 * from then on, or null to drop the frame; what it throws goes to `fail`, and the frame is dropped
 * too. Rejects if a stream itself breaks.
 */
export async function pump(
  readable: FrameSource,
  writable: FrameSink,
  work: (frame: EncodedFrame) => Uint8Array<ArrayBuffer> | null,
  fail: (error: unknown) => void,
): Promise<void> {
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
    // Not awaited: the next frame need not wait for this one's packets. A failure is reported once.
    writer.write(frame).catch(ignore);
  });
}

function ignore(): void {}
