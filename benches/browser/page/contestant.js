// A worker in which one contestant seals and opens.

import { CONTESTANTS } from './contestants.js';
import { Frame, Passage } from './streams.js';

const answer = self.postMessage.bind(self);
const passages = {};
let timestamp = 0;

const requests = {
  async start({ name }) {
    const contestant = await CONTESTANTS[name]();
    for (const direction of ['seal', 'open']) {
      passages[direction] = new Passage((...streams) => contestant.attach(direction, ...streams));
    }
    return { note: contestant.note };
  },

  /** Seals `count` frames of `size` and opens them; returns milliseconds for each, and whether
   * the frames are unchanged. */
  async turn({ size, count }) {
    const right = bytes(size);
    const frames = Array.from({ length: count }, () => new Frame(right.slice(), timestamp += 3000));
    const sealed = await passages.seal.run(frames);
    const wire = sealed.frames[0].data.byteLength;
    const arrived = sealed.frames.map(({ data, timestamp: at }) => new Frame(new Uint8Array(data), at));
    const opened = await passages.open.run(arrived);
    for (const { data } of opened.frames) {
      const isRight = data.byteLength === size && new Uint8Array(data).every((byte, place) => byte === right[place]);
      if (!isRight) throw new Error('a frame came out changed');
    }
    return { seal: sealed.ms / count, open: opened.ms / count, wire };
  },
};

/** A frame of Alice's camera, with the first byte of a VP8 delta frame. */
function bytes(length) {
  const frame = Uint8Array.from({ length }, (_, place) => place * 31);
  frame[0] = 0x11;
  return frame;
}

self.onmessage = async ({ data: { id, request, ...args } }) => {
  try {
    answer({ id, result: await requests[request](args) });
  } catch (error) {
    answer({ id, error: String(error?.stack ?? error) });
  }
};
