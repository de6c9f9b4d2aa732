// The worker of an application that has a transform of its own: passes frames on as they are, and tells the page their bytes.

self.onrtctransform = async ({ transformer: { readable, writable } }) => {
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    self.postMessage(new Uint8Array(value.data));
    writer.write(value);
  }
};
