// The worker: every frame of a call passes through here, between encoder and packetizer, and between
// depacketizer and decoder. Whatever does not seal or open is dropped, and so is everything of a stream that nobody has
// described yet.

import init, { Call } from './sealframe_wasm.js';
import { codecId, codecOfMimeType, framingId, otherFraming, streamKind } from './codec.js';
import { FrameCrypto, calibrate } from './crypto.js';
import { answerOf } from './failure.js';
import { Keys } from './keys.js';
import { FrameMemory } from './memory.js';
import { CALL, checked, transformOf } from './messages.js';
import { groupSource, moduleSource } from './module.js';
import { InOrder } from './order.js';
import { StreamState } from './state.js';

/** Set by the `start` or the `join` message. Until then every frame is dropped. */
let call = null;
let frames = null;
/** Set by the `join` message alone: who gives us keys. */
let keys = null;
let framing = null;
let observe = false;
/** By number: what the page says a transform carries. May be there before the transform is. */
const described = new Map();
/** By number: the transforms that run. */
const running = new Map();

// Attached synchronously: a transform may be constructed before the module's first await ends.
self.onrtctransform = ({ transformer }) => {
  run(transformer.readable, transformer.writable, transformer.options, transformer).catch(die);
};

const requests = {
  async start({ secret, member, ...options }) {
    const { memory, threshold } = await load(options);
    call = new Call(secret, member);
    secret.fill(0);
    frames = new FrameCrypto(call, memory, threshold);
    return { threshold };
  },
  async join(options) {
    const { memory, threshold } = await load(options);
    keys = await Keys.enter(groupSource(), options, { post: (group) => self.postMessage({ group }), stop });
    call = keys.start((key) => Call.withKey(options.member, key), (core) => {
      frames = new FrameCrypto(core, memory, threshold);
      return frames;
    });
    const { session, identity } = keys.requests.state();
    return { threshold, session, identity, farewell: keys.requests.farewell() };
  },
  /** What is asked of the key management. */
  group({ ask, args }) {
    if (keys === null) throw 'NotStarted';
    return keys.requests[ask](args);
  },
  /** Old Chromium: the streams of createEncodedStreams, moved here. */
  transform({ readable, writable, options }) {
    run(readable, writable, options, null).catch(die);
  },
  /** Says what the transform of this number carries: `{from, kind, index, codec}`, or null for nothing. */
  describe({ number, stream }) {
    described.set(number, stream);
    running.get(number)?.describe(stream);
  },
  /** Frames that went in and came out of each transform so far. */
  counts: () => [...running].map(([number, { taken, passed }]) => ({ number, taken, passed })),
  announcement: () => started().announcement(),
  addMember: ({ from, announcement }) => started().addMember(from, announcement),
  removeMember({ from }) {
    started().removeMember(from);
    frames.forget();
  },
  ratchet: () => started().ratchet(),
  async tryOpen({ from, kind, index, codec, wire }) {
    started();
    const stream = { from, kind: streamKind(kind), index, framing: framingId(framing) };
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
  const memory = new FrameMemory(wasm.memory);
  framing = wanted;
  observe = observed;
  return { memory, threshold: threshold ?? await calibrate(memory) };
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
    self.postMessage({ id, result: await requests[request](checked(CALL, request, args)) });
  } catch (error) {
    self.postMessage({ id, error: answerOf(error) });
  }
};

function started() {
  if (call === null) throw 'NotStarted';
  return call;
}

/** What ends a stream is the page's to know: outside a promise it reaches the worker's `onerror`. */
function die(error) {
  setTimeout(() => {
    throw error;
  });
}

/** Passes frames on, in order, until the track ends. */
async function run(readable, writable, options, transformer) {
  const { number, direction } = transformOf(options);
  const transform = new Transform(number, direction, writable.getWriter(), transformer);
  transform.describe(described.get(number) ?? null);
  running.set(number, transform);
  const reader = readable.getReader();
  try {
    for (;;) {
      const { done, value: frame } = await reader.read();
      if (done) break;
      const wait = transform.take(frame);
      if (wait !== null) await wait;
    }
  } finally {
    running.delete(number);
    described.delete(number);
  }
}

function ignore() {}

/** One sender's or receiver's frames. */
class Transform {
  taken = 0;
  passed = 0;
  #direction;
  #writer;
  #transformer;
  #number;
  #order = new InOrder((frame, result) => this.#finish(frame, result));
  /** What it carries, in words and in the core's numbers. */
  #named = null;
  #stream = null;
  #label = null;
  #state = null;
  #last = null;
  #kid = null;

  constructor(number, direction, writer, transformer) {
    this.#number = number;
    this.#direction = direction;
    this.#writer = writer;
    this.#transformer = transformer;
  }

  describe(named) {
    this.#named = named;
    this.#stream = null;
    // Whose frames are to be opened must be known.
    if (named === null || (this.#direction === 'open' && named.from === undefined)) return;
    const { from, kind, index } = named;
    this.#stream = { from, index, kind: streamKind(kind), framing: framingId(framing ?? 'full') };
    this.#label = { number: this.#number, direction: this.#direction, from, kind, index };
    this.#state = new StreamState(this.#label, (update) => this.#tell(update));
  }

  /** Returns a promise if the next frame should wait. */
  take(frame) {
    this.taken += 1;
    return this.work(frame);
  }

  /** As `take`, also for a frame that has waited. */
  work(frame) {
    if (call === null || this.#stream === null) return null;
    const codec = this.#codecOf(frame);
    if (codec === null) {
      this.count('UnknownCodec');
      return null;
    }
    const bytes = new Uint8Array(frame.data);
    const step = this.#direction === 'seal' ? 'seal' : 'open';
    return this.#order.push(frame, frames[step](this.#stream, codecId(codec), bytes));
  }

  /** As it was told, or as the connection negotiated it; never from the frame's own bytes. */
  #codecOf(frame) {
    return this.#named.codec ?? codecOfMimeType(frame.getMetadata().mimeType);
  }

  #finish(frame, result) {
    if (call === null) return;
    if (result === 'UnknownKey' && keys?.park(this, this.#named?.from, frame)) return;
    if (typeof result === 'string') return this.#failed(frame, result);
    this.count(null);
    this.#tellKey(this.#stream?.kid);
    if (observe) report(this.#direction, this.#named, new Uint8Array(frame.data), result);
    frame.data = result.buffer;
    this.passed += 1;
    // Not awaited: the next frame need not wait for this one's packets. A closed track ends the loop.
    this.#writer.write(frame).catch(ignore);
  }

  /** A frame that is dropped. Its sender may use the other framing: then it opens as such, and that is said. */
  async #failed(frame, code) {
    const [state, stream] = [this.#state, this.#stream];
    if (!this.count(code) || this.#direction === 'seal') return;
    const other = { ...stream, framing: otherFraming(stream.framing) };
    const opened = await frames.open(other, codecId(this.#codecOf(frame)), new Uint8Array(frame.data));
    if (typeof opened !== 'string') state.explain('OtherFraming');
  }

  /** What became of a frame: `code` is null if it was sealed or opened. */
  count(code) {
    if (this.#direction === 'open') keys?.count(this.#named?.from, code);
    return this.#state?.count(code);
  }

  #tellKey(kid) {
    // Described anew, and no frame of that has come yet.
    if (kid === undefined || kid === this.#kid) return;
    this.#kid = kid;
    if (this.#direction === 'open') keys?.soon();
    self.postMessage({ key: { ...this.#label, kid } });
  }

  #tell(update) {
    self.postMessage({ state: update });
    // Frames were missing until now: the decoder needs a new start.
    const starts = update.state === 'encrypted' && this.#last !== 'encrypted';
    this.#last = update.state;
    const isVideo = update.kind === 'camera' || update.kind === 'screen';
    if (starts && isVideo && this.#direction === 'open') {
      this.#transformer?.sendKeyFrameRequest?.()?.catch?.(() => {});
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
