// The worker: every frame of a call passes through here, between encoder and packetizer, and
// between depacketizer and decoder. A frame that does not seal or open is dropped, and so is every
// outgoing frame of a stream that the page has not described yet; an incoming one waits for that,
// for a moment.

import init, { FrameCore } from '../../../build/sealframe_wasm.js';
import type { OwnBytes } from '../shared/arguments.js';
import { type EncodedFrame, type FrameSink, type FrameSource, type Transformer, scope } from '../shared/browser.js';
import { type Codec, type Framing, type StreamKind, codecId, codecOf, framingId, otherFraming, streamKind } from '../shared/ids.js';
import { type CoreStream, FrameCrypto, type Result, calibrate, kidOf } from './frame-crypto.js';
import { type ErrorCode, answerOf, messageOf } from '../shared/errors.js';
import { KeyManager } from './key-manager.js';
import { LinearMemory } from '../formats/frame-memory.js';
import {
  CALL, type CallAnswers, type CommonOptions, type Direction, type Handlers, type NamedStream, type Notice, type Reply, dispatch,
  transformOf,
} from '../shared/protocol.js';
import { groupSource, moduleSource } from '../loader/browser.js';
import { InOrder } from './in-order.js';
import { Parking, WAIT_MS } from './parking.js';
import { isEmpty, read } from '../formats/frame-pump.js';
import { StreamStatus, type Update } from './stream-state.js';
import type { ObservedFrame, Source, StateCode, StreamState } from '../shared/streams.js';

/** Set by the `start` or the `join` message. Until then every frame is dropped. */
let core: FrameCore | null = null;
let frames: FrameCrypto | null = null;
/** Set by the `join` message alone: what gives us keys. */
let keys: KeyManager | null = null;
let framing: Framing | null = null;
let observe = false;
/** Whether there is a call, or one begins: a worker has one, and that is its last. */
let isTaken = false;
/** By number: what the page says a transform carries. May be there before the transform is. */
const described = new Map<number, NamedStream | null>();
/**
 * By number: the codecs of the connection's payload types. May be there before the transform is.
 */
const negotiated = new Map<number, ReadonlyMap<number | undefined, string>>();
const NOTHING: ReadonlyMap<number | undefined, string> = new Map();
/** By number: the transforms that run. */
const running = new Map<number, Transform>();
/** By transform: frames that came before the page said whose they are. */
const early = new Parking<Transform>();

// Attached synchronously: a transform may be constructed before the module's first await ends.
scope.onrtctransform = ({ transformer }) => {
  void run(transformer.readable, transformer.writable, transformer.options, transformer);
};

const post = (message: Notice | Reply, transfer: Transferable[] = []): void => scope.postMessage(message, transfer);

const requests: Handlers<typeof CALL, CallAnswers> = {
  start: ({ secret, member, ...options }) => once(async () => {
    const { memory, threshold } = await load(options);
    core = new FrameCore(secret, member);
    frames = new FrameCrypto(core, memory, threshold);
    return { threshold };
  }, secret),
  join: (options) => once(async () => {
    const { memory, threshold } = await load(options);
    keys = await KeyManager.enter(groupSource(), options, { post: (group) => post({ group }), stop, restart });
    core = keys.start((number, key) => FrameCore.withKey(number, key), (started) => {
      frames = new FrameCrypto(started, memory, threshold);
      return frames;
    });
    return { threshold, ...keys.session };
  }, options.identity),
  group({ ask, args }) {
    if (keys === null) throw 'NotStarted';
    return keys.answer(ask, args);
  },
  transform({ readable, writable, options }) {
    void run(readable, writable, options, null);
  },
  describe({ number, stream }) {
    described.set(number, stream);
    running.get(number)?.describe(stream);
  },
  codecs({ number, codecs }) {
    negotiated.set(number, new Map(codecs));
  },
  forget({ number }) {
    running.get(number)?.describe(null);
    for (const kept of [running, described, negotiated]) kept.delete(number);
  },
  counts: () => [...running].map(([number, { taken, passed }]) => ({ number, taken, passed })),
  announcement: () => started().announcement(),
  addMember: ({ from, announcement }) => started().addMember(from, announcement),
  removeMember: ({ from }) => started().removeMember(from),
  ratchet: () => started().ratchet(),
  async tryOpen({ from, kind, index, codec, wire }) {
    started();
    const source = sourceOf(from);
    if (source === null || frames === null) throw 'OtherMember';
    const stream = { from: source, kind: streamKind(kind), index, framing: framingId(framing) };
    const opened = await frames.open(stream, codecId(codec), wire);
    return typeof opened === 'string' ? { ok: false, code: opened as ErrorCode } : { ok: true };
  },
  close() {
    end();
    scope.close();
  },
};

async function load({ framing: wanted, threshold, observe: observed }: CommonOptions): Promise<{ memory: LinearMemory; threshold: number }> {
  const wasm = await init({ module_or_path: moduleSource() });
  const memory = new LinearMemory(wasm.memory);
  framing = wanted;
  observe = observed;
  return { memory, threshold: threshold ?? await calibrate(memory) };
}

/**
 * Two calls in one worker would have each other's streams: the second is refused, and the first
 * goes on. `secret` is wiped in any case.
 */
async function once<T>(begin: () => Promise<T>, secret: OwnBytes | undefined): Promise<T> {
  try {
    if (isTaken) throw 'WorkerInUse';
    isTaken = true;
    try {
      return await begin();
    } catch (error) {
      end();
      isTaken = false;
      throw error;
    }
  } finally {
    secret?.fill(0);
  }
}

/** No frame passes from here on, and no key is left. */
function end(): void {
  frames?.forget();
  core?.free();
  keys?.free();
  core = null;
  keys = null;
}

/** Has pictures begin again: newcomers can open what is sealed from here on, and nothing older. */
function restart(): void {
  for (const transform of running.values()) transform.restart();
}

/** The key management has come to an end; with an error if it broke. */
function stop(error: unknown): void {
  end();
  if (error !== null) die(error);
}

scope.onmessage = async ({ data }) => {
  const { id, request, ...args } = Object(data) as { id: number; request?: unknown };
  try {
    const result = await dispatch(CALL, requests, request, args);
    // It may have changed a key.
    if (core !== null) frames?.dropErased();
    post({ id, result });
  } catch (error) {
    post({ id, error: answerOf(error) });
  }
};

/**
 * What the core calls a stream's source, which is an address where members have a key each, and a
 * member's number where all share a secret; null for one of the other kind.
 */
function sourceOf(from: Source | undefined): number | null {
  if (keys === null) return typeof from === 'number' ? from : null;
  return typeof from === 'string' ? keys.sourceAt(from) : null;
}

function started(): FrameCore {
  if (core === null) throw 'NotStarted';
  return core;
}

/**
 * Tells the page what ends the call: thrown outside a promise, it reaches the worker's `onerror`.
 */
function die(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}

/**
 * Passes frames on, in order, until the track ends. A stream that breaks is one stream: the page is
 * told which.
 */
async function run(readable: FrameSource, writable: FrameSink, options: unknown, transformer: Transformer | null): Promise<void> {
  const { number, direction } = transformOf(options);
  const transform = new Transform(number, direction, transformer);
  running.set(number, transform);
  try {
    transform.describe(described.get(number) ?? null);
    await transform.run(readable, writable);
    running.delete(number);
  } catch (error) {
    // It stays: the page may say later what it would have carried.
    transform.break(error);
  } finally {
    keys?.unpark(transform);
    early.forget(transform);
    described.delete(number);
    negotiated.delete(number);
  }
}

function ignore(): void {}

const isVideo = (kind: StreamKind | undefined): boolean => kind === 'camera' || kind === 'screen';

/** One sender's or receiver's frames. */
class Transform {
  taken = 0;
  passed = 0;
  #direction: Direction;
  #writer: WritableStreamDefaultWriter<EncodedFrame> | null = null;
  #transformer: Transformer | null;
  #number: number;
  #order: InOrder<EncodedFrame, Result> = this.#newOrder();
  /** What it carries, in words and in the core's numbers. */
  #named: NamedStream | null = null;
  #stream: CoreStream | null = null;
  #label: Label;
  #state: StreamStatus<Label>;
  #last: StreamState['state'] | null = null;
  /** When a frame was sealed or opened last. */
  #lastAt = -Infinity;
  /** Whether the frame that is being counted is one that a decoder can start with. */
  #isKeyFrame = false;
  /** The key of the last frame, in halves of its KID. */
  #kidLow: number | undefined;
  #kidHigh: number | undefined;
  /** What the browser said when the stream broke. */
  #broken: string | null = null;

  constructor(number: number, direction: Direction, transformer: Transformer | null) {
    this.#number = number;
    this.#direction = direction;
    this.#transformer = transformer;
    this.#label = { number, direction };
    this.#state = this.#newState();
  }

  /** What was taken on before the stream became another leaves nowhere. */
  #newOrder(): InOrder<EncodedFrame, Result> {
    const isOurs = (): boolean => order === this.#order;
    const order: InOrder<EncodedFrame, Result> = new InOrder<EncodedFrame, Result>(
      (frame) => (isOurs() ? this.#work(frame) : undefined),
      (frame, result) => {
        if (isOurs()) this.#finish(frame, result);
      },
    );
    return order;
  }

  /** Says what it carries from now on; null for nothing. */
  describe(named: NamedStream | null): void {
    // Frames that wait for a key were another stream's.
    keys?.unpark(this);
    if (named === null) early.forget(this);
    const before = this.#named;
    if ((['from', 'kind', 'index'] as const).some((part) => before?.[part] !== named?.[part])) this.#order = this.#newOrder();
    this.#named = named;
    this.#stream = null;
    // Whose frames are to be opened must be known.
    if (named === null || (this.#direction === 'open' && named.from === undefined)) return;
    const { from, kind, index } = named;
    this.#stream = { from: undefined, index, kind: streamKind(kind), framing: framingId(framing ?? 'full') };
    this.#label = { number: this.#number, direction: this.#direction, from, kind, index };
    this.#state = this.#newState();
    if (this.#broken !== null) this.#state.break(this.#broken);
    early.expire(performance.now());
    early.release(this);
  }

  /** Until the stream ends; rejects if it breaks. */
  async run(readable: FrameSource, writable: FrameSink): Promise<void> {
    this.#writer = writable.getWriter();
    await read(readable, this.#writer, (frame) => {
      this.taken += 1;
      this.add(frame);
      return this.#order.hasRoom ? undefined : this.#order.room();
    });
  }

  /** No frame comes any more, though the track has not ended. */
  break(error: unknown): void {
    this.#broken = messageOf(error);
    this.#state.break(this.#broken);
  }

  /**
   * Lets the encoder make a key frame, if this sends pictures. Receivers may ask for one, but a
   * server passes few of their requests on: one in half a second, say, and the first was spent on a
   * frame that newcomers cannot open.
   */
  restart(): void {
    if (this.#direction !== 'seal' || this.passed === 0 || !isVideo(this.#named?.kind)) return;
    if (typeof this.#transformer?.generateKeyFrame === 'function') this.#transformer.generateKeyFrame().catch(ignore);
    // Chromium has it at the sender alone.
    else post({ keyFrame: this.#number });
  }

  /** Takes a frame, also one that has waited for its key. Frames leave in this order. */
  add(frame: EncodedFrame): void {
    this.#order.add(frame);
  }

  /** Seals or opens a frame; undefined if it is dropped without a word, or has been laid aside. */
  #work(frame: EncodedFrame): Result | Promise<Result> | undefined {
    if (core === null || frames === null || isEmpty(frame)) return undefined;
    if (this.#stream === null) return this.#keepEarly(frame);
    const codec = this.#codecOf(frame);
    if (codec === null) return 'UnknownCodec';
    const bytes = new Uint8Array(frame.data);
    if (this.#direction === 'seal') return frames.seal(this.#stream, codecId(codec), bytes);
    // Only now: a stream may be described before the call begins.
    this.#stream.from ??= sourceOf(this.#named?.from) ?? undefined;
    if (this.#stream.from === undefined) return 'OtherMember';
    const result = frames.open(this.#stream, codecId(codec), bytes);
    // Here, and not where the frame would leave: its key may come in between.
    if (result === 'UnknownKey' && keys?.park(this, frame)) return undefined;
    return result;
  }

  /**
   * Keeps an incoming frame that the page has not yet said whose it is: a server sends media while
   * it still tells of them, and the first frame is the one that a decoder needs. Outgoing frames do
   * not wait.
   */
  #keepEarly(frame: EncodedFrame): undefined {
    if (this.#direction !== 'open') return;
    const now = performance.now();
    early.expire(now);
    early.park(this, this, frame, now);
  }

  /** Never from the frame's own bytes. */
  #codecOf(frame: EncodedFrame): Codec | null {
    return codecOf(frame, this.#named?.codec ?? null, negotiated.get(this.#number) ?? NOTHING);
  }

  #finish(frame: EncodedFrame, result: Result): void {
    // It may have been described as nothing, or the call have ended.
    if (core === null || this.#stream === null || this.#named === null || this.#writer === null) return;
    if (typeof result === 'string') {
      this.#fail(frame, result as ErrorCode).catch(ignore);
      return;
    }
    try {
      if (observe) report(this.#direction, this.#named, new Uint8Array(frame.data), result);
      frame.data = result.buffer;
    } catch {
      this.count('Other');
      return;
    }
    this.#isKeyFrame = frame.type === 'key';
    this.count(null);
    this.#tellKey(this.#stream);
    this.passed += 1;
    // Not awaited: the next frame need not wait for this one's packets. A failure is reported once.
    this.#writer.write(frame).catch(ignore);
  }

  /**
   * Drops a frame. Its sender may use the other framing: then it opens as such, and that is the
   * reason reported.
   */
  async #fail(frame: EncodedFrame, code: ErrorCode): Promise<void> {
    const [state, stream] = [this.#state, this.#stream];
    if (!this.count(code) || this.#direction === 'seal' || stream === null || frames === null) return;
    const codec = this.#codecOf(frame);
    if (codec === null) return;
    const other = { ...stream, framing: otherFraming(stream.framing) };
    const opened = await frames.open(other, codecId(codec), new Uint8Array(frame.data));
    if (typeof opened !== 'string') state.explain('OtherFraming');
  }

  /** Counts a frame: `code` is null if it was sealed or opened. */
  count(code: StateCode | null, isLate = false): boolean {
    if (this.#direction === 'open') keys?.count(this.#named?.from, code);
    if (code === null) this.#lastAt = performance.now();
    return this.#state.count(code, isLate);
  }

  /** Counts a frame that has waited for its key in vain. */
  giveUp(): void {
    this.count('UnknownKey', performance.now() - this.#lastAt < WAIT_MS);
  }

  #tellKey(stream: CoreStream): void {
    const { kidLow, kidHigh } = stream;
    const { kind, index } = this.#label;
    // Described again, and no frame of that has come yet.
    if (kidLow === undefined || kind === undefined || index === undefined || (kidLow === this.#kidLow && kidHigh === this.#kidHigh)) return;
    this.#kidLow = kidLow;
    this.#kidHigh = kidHigh;
    if (this.#direction === 'open') keys?.soon();
    const kid = kidOf(stream);
    if (kid !== undefined) post({ key: { ...this.#label, kind, index, kid } });
  }

  #newState(): StreamStatus<Label> {
    return new StreamStatus(this.#label, (update) => this.#tell(update));
  }

  #tell(update: Label & Update): void {
    post({ state: update });
    // Frames were missing until now: the decoder needs a new start, unless this is one.
    const starts = update.state === 'encrypted' && this.#last !== 'encrypted';
    this.#last = update.state;
    if (starts && isVideo(update.kind) && this.#direction === 'open' && !this.#isKeyFrame) {
      this.#transformer?.sendKeyFrameRequest?.()?.catch(ignore);
    }
  }
}

/** What the page is told of a stream. */
type Label = Pick<StreamState, 'from' | 'kind' | 'index'> & { number: number; direction: Direction };

/** Shows the page what went in and out; it has the media anyway, a server must never see this. */
function report(direction: Direction, { from, kind, index }: NamedStream, before: OwnBytes, after: OwnBytes): void {
  const [clear, wire] = direction === 'seal' ? [before, after] : [after, before];
  const observed: ObservedFrame & { clear: OwnBytes; wire: OwnBytes } = {
    direction: direction === 'seal' ? 'sealed' : 'opened',
    from,
    kind,
    index,
    clear: clear.slice(),
    wire: wire.slice(),
  };
  post({ observed }, [observed.clear.buffer, observed.wire.buffer]);
}
