// The package's own worker inside a worker of the test's, which sees what a page never does: linear
// memory, and the keys that are handed to WebCrypto.

const memories = [];
const imported = [];
const answers = new Map();

for (const name of ['instantiate', 'instantiateStreaming']) {
  const original = WebAssembly[name];
  WebAssembly[name] = async (...args) => {
    const made = await original(...args);
    memories.push((made.instance ?? made).exports.memory);
    return made;
  };
}
const { importKey } = crypto.subtle;
SubtleCrypto.prototype.importKey = function (format, key, ...rest) {
  const copy = key.slice();
  return importKey.call(this, format, key, ...rest).then((made) => {
    imported.push({ key: copy, usages: made.usages });
    return made;
  });
};

const reply = self.postMessage.bind(self);
self.postMessage = ({ id, result, error }) => answers.get(id)?.(error === undefined ? result : Promise.reject(error));
self.close = () => {};

/** A member: the worker's script once more, under another name. */
async function member(number) {
  await import(`/worker.js?${number}`);
  const { onmessage, onrtctransform } = self;
  let next = 0;
  return {
    ask(request, args) {
      const id = `${number} ${next++}`;
      const answer = new Promise((resolve) => answers.set(id, resolve));
      onmessage({ data: { id, request, ...args } });
      return answer;
    },
    transform: (direction, streams) => onrtctransform({ transformer: { options: { number: 0, direction }, ...streams } }),
  };
}

const STREAM = { from: 1, kind: 'camera', index: 0, codec: 'vp8' };
/** Frames from here on go to WebCrypto. */
const THRESHOLD = 1000;

let pair;
let push;
let arrived;

const requests = {
  /** Two members who share a secret; what Alice is given, Bob opens. */
  async begin({ secret }) {
    const [alice, bob] = [await member(1), await member(2)];
    for (const [number, one] of [[1, alice], [2, bob]]) {
      const options = { secret: secret.slice(), member: number, framing: 'compatible', threshold: THRESHOLD, observe: false };
      await one.ask('start', options);
    }
    await bob.ask('addMember', { from: 1, announcement: await alice.ask('announcement') });
    const wire = new TransformStream();
    for (const one of [alice, bob]) await one.ask('describe', { number: 0, stream: STREAM });
    const readable = new ReadableStream({ start: (source) => { push = (frame) => source.enqueue(frame); } });
    alice.transform('seal', { readable, writable: wire.writable });
    bob.transform('open', { readable: wire.readable, writable: new WritableStream({ write: (frame) => arrived(frame) }) });
    pair = [alice, bob];
  },

  /**
   * Passes so many frames through both, one in ten of them large; returns how many bytes linear
   * memories have then.
   */
  async frames({ count }) {
    const sizes = [40, 160, 160, 160, 160, 500, 900, 160, 160, 3000];
    for (let sent = 0; sent < count; sent += 100) {
      let left = Math.min(100, count - sent);
      const all = new Promise((resolve) => { arrived = () => (left -= 1) === 0 && resolve(); });
      for (let place = left; place > 0; place -= 1) push({ data: new ArrayBuffer(sizes[place % sizes.length]), timestamp: 0 });
      await all;
    }
    return memories.map(({ buffer }) => buffer.byteLength);
  },

  /** How often each needle, and each key that WebCrypto has seen, is in each memory. */
  look({ needles }) {
    const keys = imported.map(({ key }) => key);
    return memories.map(({ buffer }) => {
      const memory = new Uint8Array(buffer);
      return { needles: needles.map((needle) => find(memory, needle)), keys: keys.map((key) => find(memory, key)) };
    });
  },

  /** Bob is told that Alice has left. */
  leave: () => pair[1].ask('removeMember', { from: 1 }),

  close: () => Promise.all(pair.map((one) => one.ask('close'))).then(() => null),

  /** The keys that have sealed, in hexadecimal. */
  sealedWith: () => imported.filter(({ usages }) => usages.includes('encrypt'))
    .map(({ key }) => Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('')),
};

function find(memory, needle) {
  let count = 0;
  for (let at = memory.indexOf(needle[0]); at !== -1; at = memory.indexOf(needle[0], at + 1)) {
    if (needle.every((byte, place) => memory[at + place] === byte)) count += 1;
  }
  return count;
}

// The worker's script sets this, and must not get what is ours.
let theirs = null;
Object.defineProperty(self, 'onmessage', { get: () => theirs, set: (value) => { theirs = value; } });
self.addEventListener('message', async ({ data: { request, ...args } }) => {
  try {
    reply({ result: await requests[request](args) });
  } catch (error) {
    reply({ error: String(error?.stack ?? JSON.stringify(error)) });
  }
});
