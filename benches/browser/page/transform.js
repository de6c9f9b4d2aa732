// A worker for real transforms, with one contestant.

import { CONTESTANTS } from './contestants.js';

const answer = self.postMessage.bind(self);
self.onmessage = async ({ data: name }) => {
  const chosen = await CONTESTANTS[name]();
  self.onrtctransform = ({ transformer: { readable, writable, options } }) => {
    chosen.attach(options.direction, readable, writable, options);
  };
  answer('ready');
};
