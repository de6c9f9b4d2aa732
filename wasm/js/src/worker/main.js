// The worker: every frame of a call passes through here, between encoder and packetizer, and between
// depacketizer and decoder. Whatever does not seal or open is dropped, and so is everything of a stream that nobody has
// described yet.

import init, { FrameCore } from '../../../build/sealframe_wasm.js';
import { codecId, codecOf, framingId, otherFraming, streamKind } from '../shared/ids.js';
import { FrameCrypto, calibrate, kidOf } from './frame-crypto.js';
import { answerOf } from '../shared/errors.js';
import { Keys } from './key-manager.js';
import { LinearMemory } from '../formats/frame-memory.js';
import { CALL, checked, transformOf } from '../shared/protocol.js';
import { groupSource, moduleSource } from '../loader/browser.js';
import { InOrder } from './in-order.js';
import { isEmpty, read } from '../formats/frame-pump.js';
import { StreamState } from './stream-state.js';

/** Set by the `start` or the `join` message. Until then every frame is dropped. */
let call = null;
let frames = null;
/** Set by the `join` message alone: who gives us keys. */
let keys = null;
let framing = null;
let observe = false;
/** Whether there is a call, or one begins: a worker has one, and that is its last. */
let isTaken = false;
/** By number: what the page says a transform carries. May be there before the transform is. */
const described = new Map();
/** By number: what the connection's payload types are, by `[payloadType, codec]`. As above. */
const negotiated = new Map();
const NOTHING = new Map();
/** By number: the transforms that run. */
const running = new Map();

// Attached synchronously: a transform may be constructed before the module's first await ends.
self.onrtctransform = ({ transformer }) => {
  run(transformer.readable, transformer.writable, transformer.options, transformer);
};

const requests = {
  start: ({ secret, member, ...options }) => once(async () => {
    const { memory, threshold } = await load(options);
    call = new FrameCore(secret, member);
    frames = new FrameCrypto(call, memory, threshold);
    return { threshold };
  }, secret),
  join: (options) => once(async () => {
    const { memory, threshold } = await load(options);
    keys = await Keys.enter(groupSource(), options, { post: (group) => self.postMessage({ group }), stop });
    call = keys.start((number, key) => FrameCore.withKey(number, key), (core) => {
      frames = new FrameCrypto(core, memory, threshold);
      return frames;
    });
    const { session, identity } = keys.requests.state();
    return { threshold, session, identity, farewell: keys.requests.farewell() };
  }, options.identity),
  /** What is asked of the key management. */
  group({ ask, args }) {
    if (keys === null) throw 'NotStarted';
    return keys.requests[ask](args);
  },
  /** Old Chromium: the streams of createEncodedStreams, moved here. */
  transform({ readable, writable, options }) {
    run(readable, writable, options, null);
  },
  /** Says what the transform of this number carries: `{from, kind, index, codec}`, or null for nothing. */
  describe({ number, stream }) {
    described.set(number, stream);
    running.get(number)?.describe(stream);
  },
  /** Says which codec each payload type of this transform is. */
  codecs({ number, codecs }) {
    negotiated.set(number, new Map(codecs));
  },
  /** The page has no use for this transform any more: nothing is kept of it. */
  forget({ number }) {
    running.get(number)?.describe(null);
    for (const kept of [running, described, negotiated]) kept.delete(number);
  },
  /** Frames that went in and came out of each transform so far. */
  counts: () => [...running].map(([number, { taken, passed }]) => ({ number, taken, passed })),
  announcement: () => started().announcement(),
  addMember: ({ from, announcement }) => started().addMember(from, announcement),
  removeMember: ({ from }) => started().removeMember(from),
  ratchet: () => started().ratchet(),
  async tryOpen({ from, kind, index, codec, wire }) {
    started();
    const source = sourceOf(from);
    if (source === null) throw 'OtherMember';
    const stream = { from: source, kind: streamKind(kind), index, framing: framingId(framing) };
    const opened = await frames.open(stream, codecId(codec), wire);
    return typeof opened === 'string' ? { ok: false, code: opened } : { ok: true };
  },
  close() {
    end();
    self.close();
  },
};

async function load({ framing: wanted, threshold, observe: observed }) {
  const wasm = await init({ module_or_path: moduleSource() });
  const memory = new LinearMemory(wasm.memory);
  framing = wanted;
  observe = observed;
  return { memory, threshold: threshold ?? await calibrate(memory) };
}

/**
 * Two calls in one worker would have each other's streams: the second is refused, and the first
 * goes on. `secret` is wiped whatever comes of it.
 */
async function once(begin, secret) {
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
function end() {
  frames?.forget();
  call?.free();
  keys?.free();
  call = null;
  keys = null;
}

/** The key management has come to an end; with an error if it broke. */
function stop(error) {
  end();
  if (error !== null) die(error);
}

self.onmessage = async ({ data }) => {
  const { id, request, ...args } = Object(data);
  try {
    const result = await requests[request](checked(CALL, request, args));
    // It may have changed a key.
    if (call !== null) frames?.dropErased();
    self.postMessage({ id, result });
  } catch (error) {
    self.postMessage({ id, error: answerOf(error) });
  }
};

/** What the core calls a stream's source: an address, or a member's number where all share a secret; null for the other. */
function sourceOf(from) {
  if (typeof from !== (keys === null ? 'number' : 'string')) return null;
  return keys === null ? from : keys.sourceAt(from);
}

function started() {
  if (call === null) throw 'NotStarted';
  return call;
}

/**
 * What ends the call is the page's to know: outside a promise it reaches the worker's `onerror`.
 */
function die(error) {
  setTimeout(() => {
    throw error;
  });
}

/**
 * Passes frames on, in order, until the track ends. A stream that breaks is one stream: the page is
 * told which.
 */
async function run(readable, writable, options, transformer) {
  const { number, direction } = transformOf(options);
  const transform = new Transform(number, direction, transformer);
  running.set(number, transform);
  try {
    transform.describe(described.get(number) ?? null);
    await transform.run(readable, writable);
    running.delete(number);
  } catch (error) {
    // It stays: what it would have carried may be said later.
    transform.break(error);
  } finally {
    keys?.unpark(transform);
    described.delete(number);
    negotiated.delete(number);
  }
}

function ignore() {}

/** One sender's or receiver's frames. */
class Transform {
  taken = 0;
  passed = 0;
  #direction;
  #writer = null;
  #transformer;
  #number;
  #order = this.#newOrder();
  /** What it carries, in words and in the core's numbers. */
  #named = null;
  #stream = null;
  #label;
  #state;
  #last = null;
  /** The key of the last frame, in halves of its KID. */
  #kidLow;
  #kidHigh;
  /** What the browser said when the stream broke. */
  #broken = null;

  constructor(number, direction, transformer) {
    this.#number = number;
    this.#direction = direction;
    this.#transformer = transformer;
    this.#say({});
  }

  /** What was taken on before the stream became another leaves nowhere. */
  #newOrder() {
    const isOurs = () => order === this.#order;
    const order = new InOrder(
      (frame) => (isOurs() ? this.#work(frame) : undefined),
      (frame, result) => isOurs() && this.#finish(frame, result),
    );
    return order;
  }

  describe(named) {
    // What waits for a key was another stream's.
    keys?.unpark(this);
    const before = this.#named;
    if (['from', 'kind', 'index'].some((part) => before?.[part] !== named?.[part])) this.#order = this.#newOrder();
    this.#named = named;
    this.#stream = null;
    // Whose frames are to be opened must be known.
    if (named === null || (this.#direction === 'open' && named.from === undefined)) return;
    const { from, kind, index } = named;
    this.#stream = { from: undefined, index, kind: streamKind(kind), framing: framingId(framing ?? 'full') };
    this.#say({ from, kind, index });
    if (this.#broken !== null) this.#state.break(this.#broken);
  }

  /** Until the stream ends; rejects if it breaks. */
  async run(readable, writable) {
    this.#writer = writable.getWriter();
    await read(readable, this.#writer, (frame) => {
      this.taken += 1;
      this.add(frame);
      return this.#order.hasRoom ? undefined : this.#order.room();
    });
  }

  /** No frame comes any more, though the track has not ended. */
  break(error) {
    this.#broken = String(error?.message ?? error);
    this.#state.break(this.#broken);
  }

  /** Takes a frame, also one that has waited for its key. Frames leave in this order. */
  add(frame) {
    this.#order.add(frame);
  }

  /**
   * What is to become of a frame; undefined if it is dropped without a word, or has been laid
   * aside.
   */
  #work(frame) {
    if (call === null || this.#stream === null || isEmpty(frame)) return undefined;
    const codec = this.#codecOf(frame);
    if (codec === null) return 'UnknownCodec';
    const bytes = new Uint8Array(frame.data);
    if (this.#direction === 'seal') return frames.seal(this.#stream, codecId(codec), bytes);
    // Only now: described may be what comes before the call.
    this.#stream.from ??= sourceOf(this.#named.from);
    if (this.#stream.from === null) return 'OtherMember';
    const result = frames.open(this.#stream, codecId(codec), bytes);
    // Here, where the key is missed, and not where the frame would leave: its key may come in
    // between.
    if (result === 'UnknownKey' && keys?.park(this, frame)) return undefined;
    return result;
  }

  /** Never from the frame's own bytes. */
  #codecOf(frame) {
    return codecOf(frame, this.#named.codec ?? null, negotiated.get(this.#number) ?? NOTHING);
  }

  #finish(frame, result) {
    // It may have been described as nothing, or the call have ended.
    if (call === null || this.#stream === null) return;
    if (typeof result === 'string') {
      this.#fail(frame, result).catch(ignore);
      return;
    }
    try {
      if (observe) report(this.#direction, this.#named, new Uint8Array(frame.data), result);
      frame.data = result.buffer;
    } catch {
      this.count('Other');
      return;
    }
    this.count(null);
    this.#tellKey(this.#stream);
    this.passed += 1;
    // Not awaited: the next frame need not wait for this one's packets. What fails is told once.
    this.#writer.write(frame).catch(ignore);
  }

  /** A frame that is dropped. Its sender may use the other framing: then it opens as such, and that is said. */
  async #fail(frame, code) {
    const [state, stream] = [this.#state, this.#stream];
    if (!this.count(code) || this.#direction === 'seal') return;
    const codec = this.#codecOf(frame);
    if (codec === null) return;
    const other = { ...stream, framing: otherFraming(stream.framing) };
    const opened = await frames.open(other, codecId(codec), new Uint8Array(frame.data));
    if (typeof opened !== 'string') state.explain('OtherFraming');
  }

  /** What became of a frame: `code` is null if it was sealed or opened. */
  count(code) {
    if (this.#direction === 'open') keys?.count(this.#named?.from, code);
    return this.#state.count(code);
  }

  #tellKey(stream) {
    const { kidLow, kidHigh } = stream;
    // Described anew, and no frame of that has come yet.
    if (kidLow === undefined || (kidLow === this.#kidLow && kidHigh === this.#kidHigh)) return;
    this.#kidLow = kidLow;
    this.#kidHigh = kidHigh;
    if (this.#direction === 'open') keys?.soon();
    self.postMessage({ key: { ...this.#label, kid: kidOf(stream) } });
  }

  /** Begins a state, of what is known. */
  #say(stream) {
    this.#label = { number: this.#number, direction: this.#direction, ...stream };
    this.#state = new StreamState(this.#label, (update) => this.#tell(update));
  }

  #tell(update) {
    self.postMessage({ state: update });
    // Frames were missing until now: the decoder needs a new start.
    const starts = update.state === 'encrypted' && this.#last !== 'encrypted';
    this.#last = update.state;
    const isVideo = update.kind === 'camera' || update.kind === 'screen';
    if (starts && isVideo && this.#direction === 'open') {
      this.#transformer?.sendKeyFrameRequest?.()?.catch?.(ignore);
    }
  }
}

/** Shows the page what went in and out; it has the media anyway, a server must never see this. */
function report(direction, { from, kind, index }, before, after) {
  const [clear, wire] = direction === 'seal' ? [before, after] : [after, before];
  const observed = {
    direction: direction === 'seal' ? 'sealed' : 'opened',
    from,
    kind,
    index,
    clear: clear.slice(),
    wire: wire.slice(),
  };
  self.postMessage({ observed }, [observed.clear.buffer, observed.wire.buffer]);
}
