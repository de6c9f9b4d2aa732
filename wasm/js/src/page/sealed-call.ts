// The page's side of a call: starts the worker, makes peer connections end-to-end encrypted, and
// relays key messages.

import {
  type Fields, type OwnBytes, addressOf, booleanOf, bytesOf, fieldsOf, functionOf, memberOf, notByNew, oneOf, optional, platformOf, secretOf, shortOf, thresholdOf,
} from '../shared/arguments.js';
import { ConnectionGuard, type Described, type GuardOptions } from './connection-guard.js';
import { CHANNELS, checkNoChannels } from './data-channels.js';
import { claim } from './claim.js';
import { type Group, ofCall } from './group.js';
import { replaceMethod } from './methods.js';
import { type Target, followCodecs } from './negotiated-codecs.js';
import type { FrameSink, FrameSource } from '../shared/browser.js';
import type { Bytes } from '../shared/bytes.js';
import { type ErrorCode, SealframeError, errorOf, messageOf } from '../shared/errors.js';
import { KEMS, type Kem, ROLES, type Role } from '../shared/group-state.js';
import { type Codec, type Framing, type StreamKind, codecId, framingId, streamKind, supportedFramings } from '../shared/ids.js';
import type {
  CallAnswers, CallFields, CallName, CommonOptions, Direction, GroupAnswers, GroupFields, GroupName, Joined, NamedStream, NegotiatedCodecs, Notice, Reply, Request, TransformOptions,
} from '../shared/protocol.js';
import type { KeyChange, ObservedFrame, ReceivedStream, SentStream, Source, StreamState, Tried } from '../shared/streams.js';

export { SealframeError, supportedFramings };
export type { Bytes, Codec, ErrorCode, Framing, Group, StreamKind };
export type { SasErrorCode } from '../shared/errors.js';
export type * from '../shared/group-state.js';
export type * from '../shared/streams.js';

/** What the constructor below is called with by this module alone. */
const OURS = Symbol('ours');

/**
 * The worker of one call, from the package's own file, for an application that holds it itself.
 * Throws 'NotSupported' where there are no workers, as in Node.js.
 */
export function createWorker(): Worker {
  // Frameworks that render on a server evaluate any module there; calls are for browsers.
  if (typeof Worker !== 'function') throw new SealframeError('NotSupported', 'calls need a browser: there is no Worker here');
  return noting(() => new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'sealframe' }));
}

/** By worker: the address that it is loaded from. */
const addresses = new WeakMap<Worker, string | null>();

/**
 * Makes a worker, and notes its address. Bundlers write the address into the code themselves, so
 * nothing else knows it.
 */
function noting(make: () => Worker): Worker {
  const { Worker: Original } = globalThis;
  let address: string | null = null;
  globalThis.Worker = function Worker(url: string | URL, options?: WorkerOptions) {
    address = String(url);
    return new Original(url, options);
  } as unknown as typeof Original;
  try {
    const worker = make();
    addresses.set(worker, address);
    return worker;
  } catch (cause) {
    throw new SealframeError('WorkerFailed', `the worker cannot be started from ${address}: ${messageOf(cause)}. ${CURE}`, { cause });
  } finally {
    globalThis.Worker = Original;
  }
}

const CURE = 'It is served as JavaScript from the origin of the page, and what Content-Security-Policy and Trusted Types '
  + "it needs is in the package's README; Vite 7 and older need optimizeDeps: { exclude: ['sealframe'] }, esbuild needs "
  + "worker.js and the .wasm files beside the page's script, or else take sealframe/worker-inline.";

/** How long it may take to load the worker and its module. */
const START_TIMEOUT_MS = 60_000;
/**
 * How often the worker is asked whether it is there, and how many of these times it may be silent.
 */
const BEAT_MS = 1000;
const MAX_SILENT_BEATS = 5;
/** How long the worker may take to wipe its keys at the end. It ends in any case. */
const CLOSE_TIMEOUT_MS = 1000;

/** Options of both ways into a call. */
export interface CallOptions {
  /** The same for all members: 'compatible' unless given. */
  framing?: Framing;
  /**
   * One of its own for this call, or it is refused ('WorkerInUse'). Otherwise the package's own
   * file is loaded, which a page that requires Trusted Types must do itself.
   */
  worker?: Worker;
  /** Bytes from which frames go to WebCrypto; measured unless given. */
  threshold?: number;
  /** Gets every frame before and after, for demonstrations and tests. */
  observe?: (frame: ObservedFrame) => void;
}

/** Options of `SealedCall.joinWithSecret`. */
export interface JoinWithSecretOptions extends CallOptions {
  /** At least 16 random bytes that all members share; fewer are 'SecretTooShort'. */
  secret: Bytes;
  /** This member's id, unique in the call: 0 to 65535. */
  member: number;
}

/** Options of `SealedCall.join`. */
export interface JoinOptions extends CallOptions {
  /** What the application calls the call: the same bytes for all members, one at least. */
  group: Bytes;
  /**
   * What the server calls us: a string that is not empty, of at most 255 bytes; the same after a
   * break. Everybody sees it.
   */
  address: string;
  /**
   * What the others judge us by, which must name or sign our identity; at most 4,096 bytes, more
   * are 'Policy'.
   */
  credential: Bytes;
  /**
   * 32 bytes of `Group.exportIdentity`, any other number is 'Malformed'; otherwise an identity is
   * drawn for this call.
   */
  identity?: Bytes;
  /** What `Group.exportTrust` gave out. */
  trust?: Bytes;
  /** The same for all members. */
  kem?: Kem;
  role?: Role;
  /** Whether the others let us lock, unlock and remove. */
  moderator?: boolean;
  /** Whether we send frames, as we do unless told otherwise: see `Group.setSending`. */
  sends?: boolean;
}

/** What of a connection goes past every encoded transform. */
export interface ConnectionOptions {
  /**
   * 'refused' unless given: `createDataChannel` throws, and a channel that the other side opens is
   * closed. With 'unprotected' they are not encrypted end to end: every server that forwards them
   * can read them.
   */
  dataChannels?: 'refused' | 'unprotected';
}

/** A call. Everything secret lives in its worker. */
export class SealedCall {
  #worker: Worker;
  #pending = new Map<number, Pending>();
  #nextId = 0;
  #nextTransform = 0;
  /** Senders and receivers with a transform of ours, by object. */
  #transforms = new WeakMap<Target, OwnTransform>();
  /** By number: senders that have one, as long as they are there. */
  #senders = new Map<number, WeakRef<RTCRtpSender>>();
  #guards = new Set<ConnectionGuard>();
  /** Numbers of transforms that are being forgotten: what is still reported of them is ignored. */
  #leaving = new Set<number>();
  #observe: ((frame: ObservedFrame) => void) | undefined;
  #framing: Framing;
  /** Why the call has ended: nothing is answered and nothing reported any more. */
  #ended: SealframeError | null = null;
  #closing: Promise<void> | null = null;
  #beat: ReturnType<typeof setInterval> | undefined;
  #threshold = 0;
  #group: Group | null = null;

  /**
   * Called when a stream's state changes, and about once a second. A stream that is sealed is
   * called encrypted once the connection's own counters agree.
   */
  onstate: (state: StreamState) => void = () => {};
  /** Called when a stream's frames begin to be sealed, or to open, with another key. */
  onkey: (change: KeyChange) => void = () => {};
  /**
   * Called once, with a `SealframeError` 'WorkerFailed' or 'WorkerSilent', if the worker breaks or
   * does not answer for 5 s: the call is over, and no frame passes. Not called for an ending that
   * was asked for. Also called if a sender or receiver cannot be protected: then it is stopped;
   * with 'DataChannelRefused' if the other side opens a data channel (it is closed, and reported
   * once) or the page has one all the same (the connection is closed); and with 'FramingRefused' if
   * the other side of a connection does not negotiate what full framing needs: then its pictures do
   * not play.
   */
  onerror: (error: Error) => void = () => {};

  /**
   * For every RTCPeerConnection of the call: in Chromium nothing flows then before a transform is
   * attached.
   */
  readonly rtcConfiguration: Readonly<{ encodedInsertableStreams: true }> = Object.freeze({ encodedInsertableStreams: true });

  /** Use `SealedCall.join` or `SealedCall.joinWithSecret`. */
  private constructor(key: symbol, worker: Worker, observe: ((frame: ObservedFrame) => void) | undefined, framing: Framing) {
    if (key !== OURS) throw notByNew('SealedCall.join or SealedCall.joinWithSecret');
    this.#worker = worker;
    this.#observe = observe;
    this.#framing = framing;
    worker.onmessage = ({ data }) => this.#receive(data as Reply | Notice);
    worker.onerror = ({ message }) => this.#die(new SealframeError('WorkerFailed', this.#whyFailed(message)));
    worker.onmessageerror = () => this.#die(new SealframeError('WorkerFailed', 'worker failed: its answer cannot be read'));
  }

  /** A worker that cannot be loaded has no message. */
  #whyFailed(message: string): string {
    if (message) return `worker failed: ${message}`;
    return `worker failed: it cannot be loaded from ${addresses.get(this.#worker) ?? 'where it was told to be'}. ${CURE}`;
  }

  /**
   * Enters a call in which each member has a key of its own, gives it to the members of the call,
   * and replaces it when one of them leaves: see `group`, whose callbacks are to be set before the
   * next task.
   */
  static async join(options: JoinOptions): Promise<SealedCall & { readonly group: Group }> {
    const {
      group, address, credential, identity, trust, kem = 'x25519', role = 'participant', moderator = false, sends = true, ...rest
    } = fieldsOf(options, 'options');
    const common = commonOf(rest);
    const own = {
      kem: oneOf(kem, KEMS, 'kem'),
      role: oneOf(role, ROLES, 'role'),
      moderator: booleanOf(moderator, 'moderator'),
      sends: booleanOf(sends, 'sends'),
      group: bytesOf(group, 'group', { least: 1 }),
      address: addressOf(address, 'address'),
      credential: bytesOf(credential, 'credential', { most: MAX_CREDENTIAL, code: 'Policy' }),
      trust: optional(trust, bytesOf, 'trust'),
      identity: optional(identity, bytesOf, 'identity', { least: SEED_LENGTH, most: SEED_LENGTH }),
    };
    const call = await SealedCall.#begin('join', common, own, own.identity);
    return call as SealedCall & { readonly group: Group };
  }

  /**
   * Enters a call whose members share one secret: whoever has it can read what others seal, and
   * pose as them.
   */
  static async joinWithSecret(options: JoinWithSecretOptions): Promise<SealedCall> {
    const { secret, member, ...rest } = fieldsOf(options, 'options');
    const common = commonOf(rest);
    const number = memberOf(member);
    const copy = secretOf(secret);
    return SealedCall.#begin('start', common, { secret: copy, member: number }, copy);
  }

  static async #begin<N extends 'start' | 'join'>(
    request: N,
    { framing, worker: given, threshold, observe }: Common,
    own: Omit<CallFields[N], keyof CommonOptions>,
    secret: OwnBytes | undefined,
  ): Promise<SealedCall> {
    const worker = given ?? createWorker();
    claim(worker, secret);
    const call = new SealedCall(OURS, worker, observe, framing);
    const options = { ...own, framing, threshold, observe: observe !== undefined } as CallFields[N];
    try {
      const asked = call.#ask(request, options, secret === undefined ? [] : [secret.buffer]);
      const answer = await within(START_TIMEOUT_MS, asked, () =>
        new SealframeError('WorkerSilent', `the worker does not answer: is ${addresses.get(worker) ?? 'it'} sealframe's?`));
      call.#threshold = answer.threshold;
      if (request === 'join') call.#group = call.#groupOf(answer as Joined);
    } catch (error) {
      call.#end(error as SealframeError);
      worker.terminate();
      throw error;
    }
    call.#beat = setInterval(call.#listen(), BEAT_MS);
    return call;
  }

  /** Of a call that was joined: its members. Null if they share a secret. */
  get group(): Group | null {
    return this.#group;
  }

  /** Bytes from which frames go to WebCrypto here. */
  get threshold(): number {
    return this.#threshold;
  }

  /**
   * Makes what notices that the worker is silent. It counts beats of the page: while a computer
   * sleeps there are none.
   */
  #listen(): () => void {
    let silent = 0;
    return () => {
      if (silent === 0) this.#ask('counts', {}).then(() => { silent = 0; }, ignore);
      if (silent >= MAX_SILENT_BEATS) this.#die(new SealframeError('WorkerSilent', 'the worker does not answer'));
      silent += 1;
    };
  }

  #groupOf(joined: Joined): Group {
    return ofCall.make({
      ask: async <N extends GroupName>(ask: N, args: GroupFields[N]) => await this.#ask('group', { ask, args }) as GroupAnswers[N],
      close: () => this.close(),
      end: (reason) => void this.#finish(new SealframeError('Ended', `we are out of the call: ${reason}`)),
    }, joined);
  }

  /**
   * Of whom a stream is: an address where there is a group, a member id where all share a secret.
   */
  #sourceOf(from: unknown): Source {
    return this.#group === null ? memberOf(from, 'from') : addressOf(from, 'from');
  }

  /** How much of frames stays readable. */
  get framing(): Framing {
    return this.#framing;
  }

  /** A new RTCPeerConnection, protected from its first moment. `options` are those of `protect`. */
  createConnection(configuration: RTCConfiguration = {}, options: ConnectionOptions = {}): RTCPeerConnection {
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
   * Makes a connection that was constructed with `rtcConfiguration` end-to-end encrypted, whatever
   * is added to it and whenever: every sender and receiver, present and future, gets a transform in
   * the task that makes it, and nothing comes out of a transform until `protectSender` or
   * `protectReceiver` says what it carries. Frames of a sender are dropped until then; those of a
   * receiver wait for it, up to a second, the first 64 of each. A connection is protected by one
   * call, for good; the second time nothing happens.
   *
   * Throws a `TypeError` if Chromium would ignore its transforms, if it may have sent media in
   * clear (elsewhere: if it has been negotiated), if it has a transform of the page's or is
   * protected by another call; and a `SealframeError` 'DataChannelRefused' if it has data channels.
   *
   * What no transform sees is refused: `insertDTMF` of its senders throws 'TonesRefused', and it
   * negotiates no `telephone-event`; data channels are refused unless `dataChannels` is
   * 'unprotected'; another `transform` and `createEncodedStreams` throw 'TransformRefused'.
   */
  protect(pc: RTCPeerConnection, options: ConnectionOptions = {}): void {
    platformOf(pc, 'RTCPeerConnection', 'getTransceivers', 'a connection');
    const dataChannels = channelsOf(options);
    if (this.#ended !== null) throw this.#ended;
    if (protectors.get(pc) === this) return;
    if (protectors.has(pc)) throw new TypeError('sealframe: this RTCPeerConnection is protected by another call: make a new one');
    checkUnused(pc);
    if (dataChannels === 'refused') checkNoChannels(pc);
    protectors.set(pc, this);
    const guard: ConnectionGuard = new ConnectionGuard(pc, { framing: this.#framing, dataChannels }, {
      attach: (target, direction) => this.#attach(target, direction).number,
      counts: () => this.#ask('counts', {}),
      tell: (state) => this.onstate(state),
      forget: (target) => this.#forget(target),
      fail: (error) => this.#fail(error),
      done: () => this.#guards.delete(guard),
    });
    this.#guards.add(guard);
    followCodecs(pc, (target, codecs) => this.#tellCodecs(target, codecs));
  }

  /** Says what a sender carries, and lets its frames through, sealed. */
  protectSender(sender: RTCRtpSender, stream: SentStream): void {
    platformOf(sender, 'RTCRtpSender', 'replaceTrack', 'a sender');
    const { kind, index = 0, codec = null } = fieldsOf(stream, 'a stream');
    this.#describe(sender, 'seal', { from: undefined, kind, index, codec });
  }

  /**
   * Says what a receiver carries and of whom, and lets its frames through, opened. `from` is the
   * address that the server gave: frames open of the sessions that have this address, one after the
   * other. Where all share a secret it is a member id.
   */
  protectReceiver(receiver: RTCRtpReceiver, stream: ReceivedStream): void {
    platformOf(receiver, 'RTCRtpReceiver', 'getSynchronizationSources', 'a receiver');
    const { from, kind, index = 0, codec = null } = fieldsOf(stream, 'a stream');
    this.#describe(receiver, 'open', { from: this.#sourceOf(from), kind, index, codec });
  }

  /**
   * Our present key, for the server to relay to others; only members that have the secret can read
   * it.
   */
  async announcement(): Promise<Uint8Array> {
    return this.#ask('announcement', {});
  }

  /** Installs the key that a member announces. Rejects with a `SealframeError`. */
  async addMember(from: number, announcement: Bytes): Promise<void> {
    memberOf(from, 'from');
    return this.#ask('addMember', { from, announcement: bytesOf(announcement, 'announcement') });
  }

  /** Wipes the keys of a member that left. */
  async removeMember(from: number): Promise<void> {
    memberOf(from, 'from');
    return this.#ask('removeMember', { from });
  }

  /**
   * Moves our key on if it has sealed anything, so that the next newcomer opens nothing older. The
   * others follow.
   */
  async ratchet(): Promise<void> {
    return this.#ask('ratchet', {});
  }

  /**
   * Whether a sealed frame opens, and if not, why. One that did has been opened: it does not open
   * again.
   */
  async tryOpen(frame: ReceivedStream & { codec: Codec; wire: Bytes }): Promise<Tried> {
    const { from, kind, index = 0, codec, wire } = fieldsOf(frame, 'a frame');
    const source = this.#sourceOf(from);
    const stream = checkedStream({ kind, index, codec });
    codecId(codec);
    return this.#ask('tryOpen', { from: source, ...stream, codec: codec as Codec, wire: bytesOf(wire, 'wire') });
  }

  /**
   * Wipes all keys and ends the worker; no frame passes any more, and no error is reported. It
   * never rejects, takes a second at most, and may be called again. Later requests are refused with
   * 'Closed'.
   */
  close(): Promise<void> {
    return this.#finish(new SealframeError('Closed', 'the call is closed'));
  }

  #finish(why: SealframeError): Promise<void> {
    this.#closing ??= this.#close(why);
    return this.#closing;
  }

  async #close(why: SealframeError): Promise<void> {
    if (this.#ended !== null) return;
    this.#end(why);
    // A worker that is dead or busy does not answer, and is ended all the same.
    await within(CLOSE_TIMEOUT_MS, this.#post('close', {}), ignore).catch(ignore);
    this.#worker.terminate();
  }

  /** Ends a worker that is of no use any more, so that no frame passes, and reports why. */
  #die(error: SealframeError): void {
    if (this.#ended !== null) return;
    this.#end(error);
    this.#worker.terminate();
    this.onerror(error);
  }

  /** Nothing is answered any more. */
  #end(error: SealframeError): void {
    this.#ended = error;
    clearInterval(this.#beat);
    for (const guard of this.#guards) guard.stop();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /** Reports an error, unless the call has ended: then that has been reported, or asked for. */
  #fail(error: Error): void {
    if (this.#ended === null) this.onerror(error);
  }

  /**
   * Gives a sender or receiver its transform, once. Until it is described nothing comes out of it.
   */
  #attach(target: Target & WithStreams, direction: Direction): OwnTransform {
    const before = this.#transforms.get(target);
    if (before !== undefined) return before;
    if (this.#ended !== null) throw this.#ended;
    const options: TransformOptions = { number: this.#nextTransform++, direction };
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
    const attached: OwnTransform = { number: options.number, isOver: false, codecs: null };
    this.#transforms.set(target, attached);
    if (direction === 'seal') this.#senders.set(options.number, new WeakRef(target as RTCRtpSender));
    return attached;
  }

  /** Says which codec each payload type of a sender or receiver is, if that has changed. */
  #tellCodecs(target: Target, codecs: NegotiatedCodecs): void {
    const transform = this.#transforms.get(target);
    const said = JSON.stringify(codecs);
    if (transform === undefined || transform.isOver || this.#ended !== null || transform.codecs === said) return;
    transform.codecs = said;
    this.#send('codecs', { number: transform.number, codecs });
  }

  #describe(target: Target, direction: Direction, { from, ...given }: { from: Source | undefined } & Given): void {
    // Checked here, where the caller can see it: the worker could only drop frames.
    const stream: NamedStream = { from, ...checkedStream(given) };
    const { number, isOver } = this.#attach(target, direction);
    if (isOver) return;
    const { from: source, ...sent } = stream;
    const described: Described = source === undefined ? sent : { from: source, ...sent };
    for (const guard of this.#guards) guard.described(target, number, described);
    this.#send('describe', { number, stream });
  }

  /** Has the worker drop what it keeps of a sender or receiver that its connection has no more. */
  #forget(target: Target): void {
    const transform = this.#transforms.get(target);
    if (this.#ended !== null || transform === undefined) return;
    transform.isOver = true;
    const { number } = transform;
    this.#senders.delete(number);
    this.#leaving.add(number);
    this.#ask('forget', { number }).then(() => this.#leaving.delete(number), (error: Error) => this.#fail(error));
  }

  /** Asks the worker for something that no caller waits for: a failure is reported. */
  #send<N extends CallName>(request: N, args: CallFields[N], transfer?: Transferable[]): void {
    this.#ask(request, args, transfer).catch((error: Error) => this.#fail(error));
  }

  #ask<N extends CallName>(request: N, args: CallFields[N], transfer?: Transferable[]): Promise<CallAnswers[N]> {
    return this.#ended === null ? this.#post(request, args, transfer) : Promise.reject(this.#ended);
  }

  #post<N extends CallName>(request: N, args: CallFields[N], transfer: Transferable[] = []): Promise<CallAnswers[N]> {
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#worker.postMessage({ id, request, ...args } as unknown as Request, transfer);
    return answer as Promise<CallAnswers[N]>;
  }

  #receive(message: Reply | Notice): void {
    if ('id' in message) return this.#settle(message);
    if (this.#ended !== null) return;
    if ('group' in message) {
      if (this.#group !== null) ofCall.receive(this.#group, message.group);
    } else if ('state' in message) {
      this.#report(message.state);
    } else if ('key' in message) {
      const { number: _, ...change } = message.key;
      this.onkey(change);
    } else if ('keyFrame' in message) {
      void askForKeyFrame(this.#senders.get(message.keyFrame)?.deref());
    } else if ('observed' in message) {
      this.#observe?.(message.observed);
    } else {
      message satisfies never;
    }
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    // Too late: it has been rejected.
    if (pending === undefined) return;
    this.#pending.delete(reply.id);
    if ('error' in reply) pending.reject(errorOf(reply.error));
    else pending.resolve(reply.result);
  }

  #report({ number, ...state }: StreamState & { number: number }): void {
    if (this.#leaving.has(number)) return;
    for (const guard of this.#guards) {
      const judged = guard.judge(number, state);
      if (judged !== null) return this.onstate(judged);
    }
    // Of a connection that is not under `protect`: the worker's word is all there is.
    this.onstate(state);
  }
}

/** A request that has not been answered. */
interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A transform of ours. */
interface OwnTransform {
  number: number;
  /** Whether its sender or receiver has been stopped. */
  isOver: boolean;
  /** What the worker was last told of its codecs. */
  codecs: string | null;
}

/** What older browsers have instead of script transforms. */
interface WithStreams {
  createEncodedStreams?(): { readable: FrameSource; writable: FrameSink };
}

/** What a caller gives of a stream. */
interface Given {
  kind: unknown;
  index: unknown;
  codec: unknown;
}

function checkedStream({ kind, index, codec }: Given): Omit<NamedStream, 'from'> {
  streamKind(kind);
  const place = shortOf(index, 'index');
  if (codec !== null) codecId(codec);
  return { kind: kind as StreamKind, index: place, codec: codec as Codec | null };
}

/** Bytes of an identity's seed. */
const SEED_LENGTH = 32;
/** Bytes of a credential. */
const MAX_CREDENTIAL = 4096;

/** The options of both ways into a call, checked. */
interface Common {
  framing: Framing;
  worker: Worker | undefined;
  threshold: number | undefined;
  observe: ((frame: ObservedFrame) => void) | undefined;
}

function commonOf({ framing = 'compatible', worker, threshold, observe }: Fields): Common {
  framingId(framing);
  return {
    framing: framing as Framing,
    worker: optional(worker, platformOf<Worker>, 'Worker', 'postMessage', 'worker'),
    threshold: optional(threshold, thresholdOf, 'threshold'),
    observe: optional(observe, functionOf<(frame: ObservedFrame) => void>, 'observe'),
  };
}

/** What an application says of a connection's data channels. */
function channelsOf(options: unknown): GuardOptions['dataChannels'] {
  const { dataChannels = 'refused' } = fieldsOf(options, 'options');
  return oneOf(dataChannels, CHANNELS, 'dataChannels');
}

/** By connection: the call that protects it. */
const protectors = new WeakMap<RTCPeerConnection, SealedCall>();

/** Throws if transforms of ours would come too late on this connection, or would be ignored. */
function checkUnused(pc: RTCPeerConnection): void {
  const { encodedInsertableStreams } = pc.getConfiguration() as { encodedInsertableStreams?: boolean };
  if (encodedInsertableStreams === false) {
    throw new TypeError('sealframe: construct this RTCPeerConnection with call.rtcConfiguration: '
      + 'Chromium ignores late transforms otherwise, and sends plain media');
  }
  // Media that were sent before and have stopped leave no other trace: no sender, direction or
  // counter.
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

function ignore(): void {}

/**
 * Has a sender's encoder make a key frame. Its other parameters stay: they are taken and put back
 * in one task.
 */
async function askForKeyFrame(sender: (RTCRtpSender & KeyFrames) | undefined): Promise<void> {
  try {
    const parameters = sender?.getParameters();
    if (parameters === undefined) return;
    await sender?.setParameters(parameters, { encodingOptions: parameters.encodings.map(() => ({ keyFrame: true })) });
  } catch {
    // It has ended, or the application is changing its parameters: a receiver asks once more.
  }
}

/** How Chromium's senders are asked for a key frame. */
interface KeyFrames {
  setParameters(parameters: RTCRtpSendParameters, options: { encodingOptions: { keyFrame: boolean }[] }): Promise<void>;
}

/** The promise, or after this time a rejection with what `why` gives. */
async function within<T>(ms: number, promise: Promise<T>, why: () => unknown): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(why()), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Keeps a transform: `transform = null` would let Firefox send plain media, and so would another
 * script's streams.
 */
function lock(target: Target, transform: RTCRtpScriptTransform | null): void {
  const refuse = () => {
    throw new SealframeError('TransformRefused', 'this transform encrypts; it cannot be replaced');
  };
  Object.defineProperty(target, 'transform', { get: () => transform, set: refuse });
  replaceMethod(target, 'createEncodedStreams', () => refuse);
}
