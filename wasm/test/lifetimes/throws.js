// The package's worker, whose streams break.

import './worker.js';

const run = self.onrtctransform;
self.onrtctransform = ({ transformer: { writable, options } }) => {
  const readable = new ReadableStream({ start: (source) => source.error(new Error('the stream is broken')) });
  run({ transformer: { readable, writable, options } });
};
