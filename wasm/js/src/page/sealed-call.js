// The page's side of a call: starts the worker, makes peer connections end-to-end encrypted, and relays key messages.

import {
  addressOf, booleanOf, bytesOf, fieldsOf, functionOf, memberOf, notByNew, oneOf, optional, platformOf, secretOf, shortOf, thresholdOf,
} from '../shared/arguments.js';
import { CHANNELS, checkNoChannels } from './data-channels.js';
import { claim } from './claim.js';
import { codecId, framingId, streamKind, supportedFramings } from '../shared/ids.js';
import { SealframeError, errorOf } from '../shared/errors.js';
import { Group } from './group.js';
import { KEMS, ROLES } from '../shared/protocol.js';
import { replaceMethod } from './methods.js';
import { followCodecs } from './negotiated-codecs.js';
import { Protection } from './connection-guard.js';

export { SealframeError, supportedFramings };

/** What the constructor below is called with by this module alone. */
const OURS = Symbol('ours');

/** The worker of one call, from the file beside this one: for who wants to hold it themselves. */
export function createWorker() {
  // Any module may be evaluated anywhere, as frameworks do that render on a server; calls are for browsers.
  if (typeof Worker !== 'function') throw new SealframeError('NotSupported', 'calls need a browser: there is no Worker here');
  return noting(() => new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'sealframe' }));
}

/** By worker: the address that it is loaded from. */
const addresses = new WeakMap();

/** Makes a worker, and notes its address. Tools that bundle write that into the code themselves, so nobody else knows it. */
function noting(make) {
  const { Worker: Original } = globalThis;
  let address = null;
  globalThis.Worker = function Worker(url, options) {
    address = String(url);
    return new Original(url, options);
  };
  try {
    const worker = make();
    addresses.set(worker, address);
    return worker;
  } catch (cause) {
    throw new SealframeError('WorkerFailed', `the worker cannot be started from ${address}: ${cause.message}. ${CURE}`, { cause });
  } finally {
    globalThis.Worker = Original;
  }
}

const CURE = 'It is served as JavaScript from the origin of the page, and what Content-Security-Policy and Trusted Types '
  + "it needs is in the package's README; Vite 7 and older need optimizeDeps: { exclude: ['sealframe'] }, esbuild needs "
  + "worker.js and the .wasm files beside the page's script, or else take sealframe/worker-inline.";

/** So long it may take to load the worker and its module. */
const START_TIMEOUT_MS = 60_000;
/** So often the worker is asked whether it is there, and so many of these times it may be silent. */
const BEAT_MS = 1000;
const MAX_SILENT_BEATS = 5;
/** So long the worker may take to wipe its keys at the end. It ends in any case. */
const CLOSE_TIMEOUT_MS = 1000;

/** A call. Everything secret lives in its worker. */
export class SealedCall {
  #worker;
  #pending = new Map();
  #nextId = 0;
  #nextTransform = 0;
  /** Senders and receivers with a transform of ours, by object. */
  #transforms = new WeakMap();
  /** By number: senders that have one, as long as they are there. */
  #senders = new Map();
  #protections = new Set();
  /** Numbers of transforms that are being forgotten: nobody judges what is still said of them. */
  #leaving = new Set();
  #observe;
  #framing;
  /** Why the call has ended: nothing is answered and nothing told any more. */
  #ended = null;
  #closing = null;
  #beat;

  /**
   * Called with `{direction, from, kind, index, state, code, opened, failed}` when a stream's state
   * changes, and about once a second. `state` is 'waiting', 'encrypted', 'failing', 'leaking'
   * (media left or arrived past the worker, and have been turned off) or 'broken' (its own stream
   * of frames broke; the others go on). A stream that is sealed is called encrypted once the
   * connection's own counters agree.
   */
  onstate = () => {};
  /**
   * Called with `{direction, from, kind, index, kid}` when a stream's frames begin to be sealed, or to open, with another key:
   * the first of all, one that was announced anew, or the next ratchet step. `kid` is the key's, a BigInt.
   */
  onkey = () => {};
  /**
   * Called with an Error, once, if the worker breaks (`code` 'WorkerFailed') or does not answer for 5 s ('WorkerSilent'): then
   * the call is over, and no frame passes. Also if a connection cannot be protected; if it has a data channel all the same
   * ('DataChannelRefused'); or if its other side does not negotiate what full framing needs ('FramingRefused').
   */
  onerror = () => {};

  /** For every RTCPeerConnection of the call: in Chromium nothing flows then before a transform is attached. */
  rtcConfiguration = Object.freeze({ encodedInsertableStreams: true });

  /** Of a call that was joined: its members, who give each other their keys. Null if they share a secret. */
  group = null;

  /** Use `SealedCall.join` or `SealedCall.start`. */
  constructor(key, worker, { observe, framing } = {}) {
    if (key !== OURS) throw notByNew('SealedCall.join or SealedCall.start');
    this.#worker = worker;
    this.#observe = observe;
    this.#framing = framing;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = ({ message }) => this.#die(new SealframeError('WorkerFailed', this.#whyFailed(message)));
    worker.onmessageerror = () => this.#die(new SealframeError('WorkerFailed', 'worker failed: its answer cannot be read'));
  }

  /** A worker that cannot be loaded has no message. */
  #whyFailed(message) {
    if (message) return `worker failed: ${message}`;
    return `worker failed: it cannot be loaded from ${addresses.get(this.#worker) ?? 'where it was told to be'}. ${CURE}`;
  }

  /**
   * Enters a call in which each member has a key of its own, gives it to those who are in the call, and replaces it when one
   * of them leaves: see `group`, whose callbacks are to be set before the next task.
   *
   * @param {Uint8Array} options.group what the application calls the call: any bytes, the same for all members
   * @param {string} options.address what the server calls us, and whom it has messages relayed to: not empty, at most 255
   *   bytes, seen by everybody; the same again after a connection to the server was lost, or the page loaded again
   * @param {Uint8Array} options.credential what the others judge us by, which must name or sign our identity; at most 4096 bytes
   * @param {Uint8Array} [options.identity] 32 bytes that `group.exportIdentity` gave out; otherwise one is drawn for this call
   * @param {Uint8Array} [options.trust] what `group.exportTrust` gave out
   * @param {string} [options.kem] 'x25519' or 'x-wing', which a quantum computer does not open later; the same for all members
   * @param {string} [options.role] 'participant', 'recorder' or 'bot': everybody sees it
   * @param {boolean} [options.moderator] whether the others let us lock, unlock and remove
   * @param {boolean} [options.sends] whether we send frames, as we do unless told otherwise; see `group.setSending`
   *
   * The rest as in `start`.
   */
  static async join(given) {
    const {
      group, address, credential, identity, trust, kem = 'x25519', role = 'participant', moderator = false, sends = true,
      ...options
    } = fieldsOf(given, 'options');
    const common = commonOf(options);
    oneOf(kem, KEMS, 'kem');
    oneOf(role, ROLES, 'role');
    booleanOf(moderator, 'moderator');
    booleanOf(sends, 'sends');
    const own = {
      group: bytesOf(group, 'group', { least: 1 }),
      address: addressOf(address, 'address'),
      credential: bytesOf(credential, 'credential', { most: MAX_CREDENTIAL, code: 'Policy' }),
      trust: optional(trust, bytesOf, 'trust'),
      identity: optional(identity, bytesOf, 'identity', { least: SEED_LENGTH, most: SEED_LENGTH }),
    };
    return SealedCall.#begin('join', common, { ...own, kem, role, moderator, sends }, own.identity);
  }

  /**
   * Enters a call whose members share one secret: whoever has it can read what others seal, and pose as them.
   *
   * @param {Uint8Array} options.secret at least 16 random bytes that all members share
   * @param {number} options.member this member's number, unique in the call: 0..=65535
   * @param {string} [options.framing] 'compatible' (the few codec bytes that packetizers need stay readable) or 'full';
   *   all members must use the same, see `supportedFramings`
   * @param {Worker} [options.worker] one of its own for this call, made from `sealframe/worker` or by
   *   `sealframe/worker-inline`; otherwise the file `worker.js` beside this one is loaded
   * @param {number} [options.threshold] bytes from which frames go to WebCrypto; measured unless given
   * @param {Function} [options.observe] gets `{direction, kind, index, clear, wire}` of every frame; for
   *   demonstrations and tests
   */
  static async start(given) {
    const { secret, member, ...options } = fieldsOf(given, 'options');
    const common = commonOf(options);
    memberOf(member);
    const copy = secretOf(secret);
    return SealedCall.#begin('start', common, { secret: copy, member }, copy);
  }

  static async #begin(request, { framing, worker: given, threshold, observe }, own, secret) {
    const worker = given ?? createWorker();
    claim(worker, secret);
    const call = new SealedCall(OURS, worker, { observe, framing });
    const options = { ...own, framing, threshold, observe: observe !== undefined };
    try {
      const asked = call.#ask(request, options, secret === undefined ? [] : [secret.buffer]);
      const { threshold: measured, ...of } = await within(START_TIMEOUT_MS, asked, () =>
        new SealframeError('WorkerSilent', `the worker does not answer: is ${addresses.get(worker) ?? 'it'} sealframe's?`));
      call.threshold = measured;
      if (request === 'join') call.group = call.#groupOf(of);
    } catch (error) {
      call.#end(error);
      worker.terminate();
      throw error;
    }
    call.#beat = setInterval(call.#listen(), BEAT_MS);
    return call;
  }

  /** What notices that the worker is silent. It counts beats of the page: while a computer sleeps there are none. */
  #listen() {
    let silent = 0;
    return () => {
      if (silent === 0) this.#ask('counts', {}).then(() => { silent = 0; }, ignore);
      if (silent >= MAX_SILENT_BEATS) this.#die(new SealframeError('WorkerSilent', 'the worker does not answer'));
      silent += 1;
    };
  }

  #groupOf(of) {
    return new Group({
      ask: (...args) => this.#ask(...args),
      close: () => this.close(),
      end: (reason) => this.#finish(new SealframeError('Ended', `we are out of the call: ${reason}`)),
    }, of);
  }

  /** Of whom a stream is: an address where there is a group, a member's number where all share a secret. */
  #sourceOf(from) {
    return this.group === null ? memberOf(from, 'from') : addressOf(from, 'from');
  }

  /** How much of frames stays readable. */
  get framing() {
    return this.#framing;
  }

  /** A new RTCPeerConnection, protected from its first moment. `options` are those of `protect`. */
  createConnection(configuration = {}, options = {}) {
    fieldsOf(configuration, 'configuration');
    const dataChannels = channelsOf(options);
    const pc = new RTCPeerConnection({ ...configuration, ...this.rtcConfiguration });
    try {
      this.protect(pc, { dataChannels });
    } catch (error) {
      pc.close();
      throw error;
    }
    return pc;
  }

  /**
   * Makes a connection end-to-end encrypted, whatever is added to it and whenever: every sender and receiver, present
   * and future, gets a transform in the task that makes it, and nothing comes out of that until `protectSender` or
   * `protectReceiver` says what it carries. Frames of a sender are dropped until then; those of a receiver wait for it, up to
   * a second, the first 64 of each.
   *
   * What no transform sees is refused: tones of a keypad, and data channels unless `dataChannels` is 'unprotected'.
   *
   * Throws if Chromium would ignore a transform: make the connection with `rtcConfiguration` or by `createConnection`. Throws
   * if media may have been sent in clear before, if something has a transform of the application's, or if there are data
   * channels. A connection is protected by one call, for good; the second time nothing happens.
   */
  protect(pc, options = {}) {
    platformOf(pc, 'RTCPeerConnection', 'getTransceivers', 'a connection');
    const dataChannels = channelsOf(options);
    if (this.#ended !== null) throw this.#ended;
    if (protectors.get(pc) === this) return;
    if (protectors.has(pc)) throw new TypeError('sealframe: this RTCPeerConnection is protected by another call: make a new one');
    checkUnused(pc);
    if (dataChannels === 'refused') checkNoChannels(pc);
    protectors.set(pc, this);
    const protection = new Protection(pc, {
      framing: this.#framing,
      dataChannels,
      attach: (target, direction) => this.#attach(target, direction),
      counts: () => this.#ask('counts', {}),
      tell: (state) => this.onstate(state),
      forget: (target) => this.#forget(target),
      fail: (error) => this.#fail(error),
      done: () => this.#protections.delete(protection),
    });
    this.#protections.add(protection);
    followCodecs(pc, (target, codecs) => this.#tellCodecs(target, codecs));
  }

  /**
   * Says what an RTCRtpSender carries, and lets its frames through, sealed. `codec` is taken from what the connection
   * negotiated unless given.
   */
  protectSender(rtpSender, stream) {
    platformOf(rtpSender, 'RTCRtpSender', 'replaceTrack', 'a sender');
    const { kind, index = 0, codec = null } = fieldsOf(stream, 'a stream');
    this.#describe(rtpSender, 'seal', { kind, index, codec });
  }

  /**
   * Says what an RTCRtpReceiver carries and of whom, and lets its frames through, opened. `from` is the address that the server
   * gave, and frames open of the sessions that call themselves so, one after the other; where all share a secret it is a
   * member's number.
   */
  protectReceiver(rtpReceiver, stream) {
    platformOf(rtpReceiver, 'RTCRtpReceiver', 'getSynchronizationSources', 'a receiver');
    const { from, kind, index = 0, codec = null } = fieldsOf(stream, 'a stream');
    this.#sourceOf(from);
    this.#describe(rtpReceiver, 'open', { from, kind, index, codec });
  }

  /** Our present key, for the server to relay to others; only those who have the secret can read it. */
  announcement() {
    return this.#ask('announcement', {});
  }

  /** Installs the key that member `from` announces. Rejects with an Error whose `code` is 'WrongSecret', ... */
  async addMember(from, announcement) {
    memberOf(from, 'from');
    return this.#ask('addMember', { from, announcement: bytesOf(announcement, 'announcement') });
  }

  /** Wipes the keys of a member who left. */
  async removeMember(from) {
    memberOf(from, 'from');
    return this.#ask('removeMember', { from });
  }

  /** Moves our key on if it has sealed anything, so that the next newcomer opens nothing older. The others follow. */
  ratchet() {
    return this.#ask('ratchet', {});
  }

  /** Whether a sealed frame opens, and if not, why: `{ok: true}` or `{ok: false, code}`. One that did has been opened:
   * it does not open again. */
  async tryOpen(frame) {
    const { from, kind, index = 0, codec, wire } = fieldsOf(frame, 'a frame');
    this.#sourceOf(from);
    streamKind(kind);
    codecId(codec);
    shortOf(index, 'index');
    return this.#ask('tryOpen', { from, kind, index, codec, wire: bytesOf(wire, 'wire') });
  }

  /** Wipes all keys and ends the worker; no frame passes any more. Takes a second at most, and may be called again. */
  close() {
    return this.#finish(new SealframeError('Closed', 'the call is closed'));
  }

  #finish(why) {
    this.#closing ??= this.#close(why);
    return this.#closing;
  }

  async #close(why) {
    if (this.#ended !== null) return;
    this.#end(why);
    // A worker that is dead or busy does not answer, and is ended all the same.
    await within(CLOSE_TIMEOUT_MS, this.#post('close', {}), ignore).catch(ignore);
    this.#worker.terminate();
  }

  /** The worker is of no use any more. It ends, so that what is told is so: no frame passes. */
  #die(error) {
    if (this.#ended !== null) return;
    this.#end(error);
    this.#worker.terminate();
    this.onerror(error);
  }

  /** Nothing is answered any more. */
  #end(error) {
    this.#ended = error;
    clearInterval(this.#beat);
    for (const protection of this.#protections) protection.stop();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /** Tells of an error, unless the call has ended: then that has been told, or asked for. */
  #fail(error) {
    if (this.#ended === null) this.onerror(error);
  }

  /** Gives a sender or receiver its transform, once. Until it is described nothing comes out of it. */
  #attach(target, direction) {
    const before = this.#transforms.get(target);
    if (before !== undefined) return before.number;
    if (this.#ended !== null) throw this.#ended;
    const number = this.#nextTransform++;
    const options = { number, direction };
    if (typeof RTCRtpScriptTransform === 'function') {
      const transform = new RTCRtpScriptTransform(this.#worker, options);
      target.transform = transform;
      lock(target, transform);
    } else if (typeof target.createEncodedStreams === 'function') {
      const { readable, writable } = target.createEncodedStreams();
      lock(target, null);
      this.#send('transform', { readable, writable, options }, [readable, writable]);
    } else {
      throw new Error('sealframe: this browser has no encoded transforms');
    }
    this.#transforms.set(target, options);
    if (direction === 'seal') this.#senders.set(number, new WeakRef(target));
    return number;
  }

  /**
   * Says which codec each payload type of a sender or receiver is, if it is not what was said
   * before.
   */
  #tellCodecs(target, codecs) {
    const transform = this.#transforms.get(target);
    const said = JSON.stringify(codecs);
    if (transform === undefined || transform.isOver || this.#ended !== null || transform.codecs === said) return;
    transform.codecs = said;
    this.#send('codecs', { number: transform.number, codecs });
  }

  #describe(target, direction, stream) {
    // Checked here, where the caller can see it: the worker could only drop frames.
    streamKind(stream.kind);
    shortOf(stream.index, 'index');
    if (stream.codec !== null) codecId(stream.codec);
    const number = this.#attach(target, direction);
    if (this.#transforms.get(target).isOver) return;
    for (const protection of this.#protections) protection.described(target, number, stream);
    this.#send('describe', { number, stream });
  }

  /** The worker keeps nothing of a sender or receiver that its connection has no more. */
  #forget(target) {
    if (this.#ended !== null) return;
    const transform = this.#transforms.get(target);
    transform.isOver = true;
    const { number } = transform;
    this.#senders.delete(number);
    this.#leaving.add(number);
    this.#ask('forget', { number }).then(() => this.#leaving.delete(number), (error) => this.#fail(error));
  }

  /** For what no caller waits for: that it failed is reported. */
  #send(request, args, transfer) {
    this.#ask(request, args, transfer).catch((error) => this.#fail(error));
  }

  #ask(request, args, transfer) {
    return this.#ended === null ? this.#post(request, args, transfer) : Promise.reject(this.#ended);
  }

  #post(request, args, transfer = []) {
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, request, ...args }, transfer);
    return answer;
  }

  #receive({ id, result, error, state, key, keyFrame, observed, group }) {
    if (this.#ended !== null && id === undefined) return;
    if (group !== undefined) return this.group?.hear(group);
    if (state !== undefined) return this.#report(state);
    if (key !== undefined) return this.#reportKey(key);
    if (keyFrame !== undefined) return askForKeyFrame(this.#senders.get(keyFrame)?.deref());
    if (observed !== undefined) return this.#observe?.(observed);
    // Too late: it has been rejected.
    if (!this.#pending.has(id)) return;
    const { resolve, reject } = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) resolve(result);
    else reject(errorOf(error));
  }

  #reportKey({ number, ...change }) {
    this.onkey(change);
  }

  #report({ number, ...state }) {
    if (this.#leaving.has(number)) return;
    for (const protection of this.#protections) {
      const judged = protection.judge(number, state);
      if (judged !== null) return this.onstate(judged);
    }
    // Of a connection that is not under `protect`: the worker's word is all there is.
    this.onstate(state);
  }
}

/** Bytes of an identity's seed. */
const SEED_LENGTH = 32;
/** Bytes of a credential. */
const MAX_CREDENTIAL = 4096;

/** What both ways into a call are told. */
function commonOf({ framing = 'compatible', worker, threshold, observe }) {
  framingId(framing);
  return {
    framing,
    worker: optional(worker, platformOf, 'Worker', 'postMessage', 'worker'),
    threshold: optional(threshold, thresholdOf, 'threshold'),
    observe: optional(observe, functionOf, 'observe'),
  };
}

/** What is said of a connection's data channels. */
function channelsOf(options) {
  const { dataChannels = 'refused' } = fieldsOf(options, 'options');
  return oneOf(dataChannels, CHANNELS, 'dataChannels');
}

/** By connection: the call that protects it. */
const protectors = new WeakMap();

/** Throws if transforms of ours would come too late on this connection, or would be ignored. */
function checkUnused(pc) {
  const { encodedInsertableStreams } = pc.getConfiguration();
  if (encodedInsertableStreams === false) {
    throw new TypeError('sealframe: construct this RTCPeerConnection with call.rtcConfiguration: '
      + 'Chromium ignores late transforms otherwise, and sends plain media');
  }
  // What was sent before and has stopped has left no other trace: no sender, no direction, no counter.
  const answered = pc.signalingState.endsWith('pranswer') ? pc.localDescription : pc.currentLocalDescription;
  const isUsed = /^m=(?:audio|video) /m.test(answered?.sdp ?? '');
  if (encodedInsertableStreams !== true && isUsed) {
    throw new TypeError('sealframe: this RTCPeerConnection may have sent plain media: protect it before it is negotiated');
  }
  const ends = pc.getTransceivers().flatMap(({ sender, receiver }) => [sender, receiver]);
  if (ends.some(({ transform }) => transform)) {
    throw new TypeError('sealframe: a sender or receiver of this RTCPeerConnection has another transform already, '
      + 'which may have sent plain media: protect it before');
  }
}

function ignore() {}

/** Has a sender's encoder make a key frame. What else its parameters are stays: they are taken and put back in one task. */
async function askForKeyFrame(sender) {
  try {
    const parameters = sender.getParameters();
    await sender.setParameters(parameters, { encodingOptions: parameters.encodings.map(() => ({ keyFrame: true })) });
  } catch {
    // It has ended, or the application is changing its parameters: a receiver asks once more.
  }
}

/** The promise, or after so long a rejection with what `why` gives. */
async function within(ms, promise, why) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(why()), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A transform stays: `transform = null` would let Firefox send plain media, and so would streams of another's. */
function lock(target, transform) {
  const refuse = () => {
    throw new SealframeError('TransformRefused', 'this transform encrypts; it cannot be replaced');
  };
  Object.defineProperty(target, 'transform', { get: () => transform, set: refuse });
  replaceMethod(target, 'createEncodedStreams', () => refuse);
}
