// What a server sees of a sender: the bytes of each frame that arrives, and under which payload
// type.

self.onrtctransform = async ({ transformer: { readable, writable } }) => {
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) return;
    self.postMessage({ payloadType: frame.getMetadata().payloadType, wire: new Uint8Array(frame.data).slice() });
    writer.write(frame).catch(() => {});
  }
};
