// An application's own transform worker: passes frames on unchanged, and sends the page their
// bytes.

self.onrtctransform = async ({ transformer: { readable, writable } }) => {
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    self.postMessage(new Uint8Array(value.data));
    writer.write(value);
  }
};
