// From the stream of a track's frames to the stream that leads on, through one piece of work.

/**
 * Passes frames on, in order, until the track ends. `work` returns what a frame is to carry from then on, or null, and the
 * frame is dropped; what it throws goes to `fail`, and the frame is dropped too.
 */
export async function pass(readable, writable, work, fail) {
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) return;
    let bytes = null;
    try {
      bytes = work(frame);
    } catch (error) {
      fail(error);
    }
    if (bytes === null) continue;
    frame.data = bytes.buffer;
    // Not awaited: the next frame need not wait for this one's packets. A closed track ends the loop.
    writer.write(frame).catch(ignore);
  }
}

function ignore() {}
