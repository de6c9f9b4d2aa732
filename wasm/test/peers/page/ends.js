// One end of a call: a worker, given orders in the messages that its system's own client gives it.
// Both ends know one participant, alice, who sends.

const ALICE = 'alice';

/** livekit-client's protocol. */
export class LiveKitEnd {
  /** What the worker has said, by `kind`. */
  said = [];
  #worker;
  #path;

  /**
   * `path` is how frames reach the worker: `streams` of createEncodedStreams or a `script`
   * transform.
   */
  constructor(worker, path) {
    this.#worker = worker;
    this.#path = path;
    worker.onmessage = ({ data: { kind, data } }) => this.said.push({ kind, error: data.error?.message, ...data });
    worker.onerror = ({ message }) => this.said.push({ kind: 'crash', error: message });
    this.#send('init', { keyProviderOptions: OPTIONS, loglevel: 'warn' });
    this.#send('enable', { enabled: true, participantIdentity: ALICE });
  }

  /** `secret` is a passphrase, or bytes. */
  async setKey(secret, keyIndex) {
    const isText = typeof secret === 'string';
    const bytes = isText ? new TextEncoder().encode(secret) : secret;
    const key = await crypto.subtle.importKey('raw', bytes, isText ? 'PBKDF2' : 'HKDF', false, ['deriveBits', 'deriveKey']);
    this.#send('setKey', { participantIdentity: ALICE, isPublisher: true, key, keyIndex, updateCurrentKeyIndex: true });
  }

  ratchet(keyIndex) {
    this.#send('ratchetRequest', { participantIdentity: ALICE, keyIndex });
  }

  seal(sender, codec) {
    this.#attach('encode', sender, sender.track.id, codec);
  }

  open(receiver, codec) {
    this.#attach('decode', receiver, receiver.track.id, codec);
  }

  #attach(kind, target, trackId, codec) {
    const options = { participantIdentity: ALICE, trackId, codec, hasPacketTrailer: false };
    if (this.#path === 'script') {
      target.transform = new RTCRtpScriptTransform(this.#worker, { kind, ...options });
      return;
    }
    const { readable, writable } = target.createEncodedStreams();
    this.#send(kind, { ...options, readableStream: readable, writableStream: writable }, [readable, writable]);
  }

  #send(kind, data, transfer = []) {
    this.#worker.postMessage({ kind, data }, transfer);
  }
}

/** lib-jitsi-meet's protocol. */
export class JitsiEnd {
  said = [];
  #worker;
  #path;
  #key;

  constructor(worker, path) {
    this.#worker = worker;
    this.#path = path;
    worker.onerror = ({ message }) => this.said.push({ kind: 'crash', error: message });
    worker.postMessage({ operation: 'initialize', sharedKey: undefined });
    worker.postMessage({ operation: 'setEnabled', enabled: true });
  }

  async setKey(key, keyIndex) {
    this.#key = key;
    this.#worker.postMessage({ operation: 'setKey', participantId: ALICE, key, keyIndex });
  }

  /** As lib-jitsi-meet has it: the page derives the next key, and only the sender is told. */
  async ratchet(keyIndex) {
    const material = await crypto.subtle.importKey('raw', this.#key, 'HKDF', false, ['deriveBits']);
    const salt = new TextEncoder().encode('JFrameRatchetKey');
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info: new Uint8Array() };
    await this.setKey(new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256)), keyIndex);
  }

  seal(sender) {
    this.#attach('encode', sender);
  }

  open(receiver) {
    this.#attach('decode', receiver);
  }

  #attach(operation, target) {
    if (this.#path === 'script') {
      target.transform = new RTCRtpScriptTransform(this.#worker, { operation, participantId: ALICE });
      return;
    }
    const { readable: readableStream, writable: writableStream } = target.createEncodedStreams();
    const message = { operation, participantId: ALICE, readableStream, writableStream };
    this.#worker.postMessage(message, [readableStream, writableStream]);
  }
}

/** Our worker that is told which format it is to be. */
class ChosenEnd {
  said = [];
  #worker;
  #path;

  constructor(profile, worker, path) {
    this.#worker = worker;
    this.#path = path;
    worker.onmessage = ({ data: { error, state } }) => {
      if (error !== undefined) this.said.push({ kind: 'error', error: error.code });
      if (state !== undefined) this.said.push({ kind: state.state, error: state.code });
    };
    worker.onerror = ({ message }) => this.said.push({ kind: 'crash', error: message });
    this.ask('start', { profile });
  }

  async setKey(key, index) {
    this.ask('setKey', { participant: ALICE, index, key });
  }

  async ratchet(index) {
    this.ask('ratchet', { participant: ALICE, index });
  }

  seal(sender, codec) {
    this.#attach('seal', sender, codec);
  }

  open(receiver, codec) {
    this.#attach('open', receiver, codec);
  }

  ask(request, args, transfer = []) {
    this.#worker.postMessage({ id: 0, request, ...args }, transfer);
  }

  #attach(direction, target, codec) {
    const options = { direction, participant: ALICE, codec };
    if (this.#path === 'script') {
      target.transform = new RTCRtpScriptTransform(this.#worker, options);
      return;
    }
    const { readable, writable } = target.createEncodedStreams();
    this.ask('transform', { readable, writable, options }, [readable, writable]);
  }
}

export class ChosenLiveKitEnd extends ChosenEnd {
  constructor(...args) {
    super('livekit', ...args);
  }
}

export class ChosenJitsiEnd extends ChosenEnd {
  constructor(...args) {
    super('jitsi', ...args);
  }
}

/** Keys are secrets of epochs, which the index counts. */
export class DaveEnd extends ChosenEnd {
  #isSealing;

  constructor(worker, path, isSealing) {
    super('dave', worker, path);
    this.#isSealing = isSealing;
  }

  async setKey(secret, index) {
    this.ask('addEpoch', { participant: ALICE, epoch: BigInt(index), baseSecret: secret.slice(0, 16), isOurs: this.#isSealing });
  }
}

/** The defaults of livekit-client. */
const OPTIONS = {
  sharedKey: false,
  ratchetSalt: 'LKFrameEncryptionKey',
  ratchetWindowSize: 8,
  failureTolerance: 10,
  keyringSize: 16,
  keySize: 128,
};
