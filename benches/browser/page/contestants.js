// The contestants. Each is set up as in a call, in a worker of its own, and gets the same frames
// through the same streams: its `attach(direction, readable, writable)` puts its transform between
// them; a call has several `track`s of a `kind`.

const SECRET = new Uint8Array(32).fill(7);

/** Messages of workers to their creator. */
const answers = [];

/** Loads a worker's script here, and captures its message handler: `send` passes it a message. */
async function loadWorker(url) {
  const ours = self.onmessage;
  self.postMessage = (message) => answers.push(message);
  await import(url);
  const theirs = { onmessage: self.onmessage, onrtctransform: self.onrtctransform };
  self.onmessage = ours;
  return {
    send: (data) => theirs.onmessage({ data }),
    transform: (options, readable, writable) =>
      theirs.onrtctransform({ transformer: { options, readable, writable } }),
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const CONTESTANTS = {
  /** Our worker: two of them in one, because a member does not open its own frames. */
  async sealframe() {
    const members = [];
    for (const member of [1, 2]) {
      const worker = await loadWorker(`/sealframe/worker.js?${member}`);
      await worker.send({ id: member, request: 'start', secret: SECRET.slice(), member, framing: 'compatible', observe: false });
      members.push(worker);
    }
    const [alice, bob] = members;
    const answerTo = (wanted) => answers.find(({ id }) => id === wanted).result;
    await alice.send({ id: 3, request: 'announcement' });
    await bob.send({ id: 4, request: 'addMember', from: 1, announcement: answerTo(3) });
    const { threshold } = answerTo(1);
    return {
      note: `threshold ${threshold} bytes`,
      attach(direction, readable, writable) {
        const worker = direction === 'seal' ? alice : bob;
        worker.send({ id: 5, request: 'describe', number: 0, stream: { from: 1, kind: 'camera', index: 0, codec: 'vp8' } });
        worker.transform({ number: 0, direction }, readable, writable);
      },
    };
  },

  /** livekit-client's worker, one key for both directions. */
  async livekit() {
    const worker = await loadWorker('/livekit/worker.mjs');
    const key = await crypto.subtle.importKey('raw', SECRET, 'HKDF', false, ['deriveBits', 'deriveKey']);
    const participantIdentity = 'alice';
    const options = { sharedKey: true, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 0, failureTolerance: 10 };
    worker.send({ kind: 'init', data: { keyProviderOptions: { keyringSize: 16, keySize: 128, ...options }, loglevel: 'error' } });
    worker.send({ kind: 'setKey', data: { key, keyIndex: 0, isPublisher: true, participantIdentity } });
    worker.send({ kind: 'enable', data: { enabled: true, participantIdentity } });
    await pause(100);
    return {
      attach(direction, readableStream, writableStream, { track = direction, kind = 'video' } = {}) {
        const codec = kind === 'video' ? 'vp8' : undefined;
        worker.send({
          kind: direction === 'seal' ? 'encode' : 'decode',
          data: { participantIdentity, trackId: track, codec, readableStream, writableStream, isReuse: false },
        });
      },
    };
  },

  /** lib-jitsi-meet's worker. */
  async jitsi() {
    const worker = await loadWorker('/jitsi/worker.js');
    const participantId = 'alice';
    await worker.send({ operation: 'initialize' });
    await worker.send({ operation: 'setKey', participantId, key: SECRET, keyIndex: 0 });
    await pause(100);
    return {
      attach(direction, readableStream, writableStream) {
        const operation = direction === 'seal' ? 'encode' : 'decode';
        worker.send({ operation, participantId, readableStream, writableStream });
      },
    };
  },

  /** The minimum with WebCrypto alone: a simple loop, frame by frame. */
  async webcrypto() {
    const key = await crypto.subtle.importKey('raw', SECRET.subarray(0, 16), 'AES-GCM', false, ['encrypt', 'decrypt']);
    const CLEAR = 3;
    const IV = 12;
    const counter = new Uint32Array(3);
    async function seal(frame) {
      if (frame.data.byteLength < CLEAR) return; // an encoder's empty frame
      counter[0] += 1;
      const iv = new Uint8Array(counter.buffer.slice());
      const clear = new Uint8Array(frame.data, 0, CLEAR);
      const parameters = { name: 'AES-GCM', iv, additionalData: clear };
      const body = new Uint8Array(await crypto.subtle.encrypt(parameters, key, new Uint8Array(frame.data, CLEAR)));
      const sealed = new Uint8Array(CLEAR + body.length + IV);
      sealed.set(clear);
      sealed.set(body, CLEAR);
      sealed.set(iv, CLEAR + body.length);
      frame.data = sealed.buffer;
    }
    async function open(frame) {
      if (frame.data.byteLength < CLEAR) return;
      const end = frame.data.byteLength - IV;
      const clear = new Uint8Array(frame.data, 0, CLEAR);
      const parameters = { name: 'AES-GCM', iv: new Uint8Array(frame.data, end), additionalData: clear };
      const body = new Uint8Array(await crypto.subtle.decrypt(parameters, key, new Uint8Array(frame.data, CLEAR, end - CLEAR)));
      const opened = new Uint8Array(CLEAR + body.length);
      opened.set(clear);
      opened.set(body, CLEAR);
      frame.data = opened.buffer;
    }
    return { attach: (direction, ...streams) => loop(direction === 'seal' ? seal : open, ...streams) };
  },

  /** The cost of the streams alone, read and written in a loop. */
  async nothing() {
    return { attach: (direction, ...streams) => loop(() => {}, ...streams) };
  },

  /** The same through a TransformStream, as in LiveKit's and Jitsi's workers. */
  async nothingPiped() {
    const attach = (direction, readable, writable) => {
      readable.pipeThrough(new TransformStream({ transform: (frame, out) => out.enqueue(frame) })).pipeTo(writable);
    };
    return { attach };
  },
};

async function loop(work, readable, writable) {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) return;
    await work(frame);
    writer.write(frame);
  }
}
