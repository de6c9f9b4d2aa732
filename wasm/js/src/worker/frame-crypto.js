// One frame at a time: small ones in WebAssembly, at once; large ones by WebCrypto, which has the processor's AES but
// costs several microseconds a call. Both make the same bytes.

import { isArranged } from '../shared/ids.js';
import { MAX_IN_FLIGHT } from './in-order.js';
import { Call, errorName } from '../../../build/sealframe_wasm.js';

/** Bytes from which WebCrypto is faster, unless measured. */
export const DEFAULT_THRESHOLD = 2048;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** Keys that are kept imported. Beyond it all are dropped and imported anew as they are needed. */
const MAX_KEYS = 256;

/** Seals and opens frames. What comes out is new bytes, or a string that says why not, or a promise of either. */
export class FrameCrypto {
  #call;
  #memory;
  #threshold;
  #front = Call.front();
  /** By KID: `{key}`, a CryptoKey, or null while it is being imported. */
  #sealing = new Map();
  #opening = new Map();
  /** How many keys the core had erased when these were looked at. */
  #erasures = 0;

  constructor(call, memory, threshold = DEFAULT_THRESHOLD) {
    this.#call = call;
    this.#memory = memory;
    this.#threshold = threshold;
  }

  /**
   * @param {{kind: number, index: number, framing: number}} stream and `codec`: as in `codec.js`, in numbers; its `kid` becomes
   * that of each frame that is sealed or opened
   */
  seal(stream, codec, frame) {
    const isLarge = this.#isLarge(stream, codec, frame);
    if (isLarge) this.dropErased();
    if (isLarge && this.#key(this.#sealing, this.#call.sendKid, 'encrypt')) {
      return this.#sealExternally(stream, codec, frame);
    }
    return this.#sealHere(stream, codec, frame);
  }

  /** As `seal`; `stream.from` is the member whose frame the server says it is. */
  open(stream, codec, frame) {
    if (this.#isLarge(stream, codec, frame)) return this.#openExternally(stream, codec, frame);
    return this.#openHere(stream, codec, frame);
  }

  #isLarge({ framing }, codec, frame) {
    return frame.length >= this.#threshold && !isArranged(framing, codec);
  }

  /**
   * Drops the imported keys once the core has erased or replaced one: none is used after it was,
   * and none outlives it. To be called after whatever changes keys otherwise than by a frame.
   */
  dropErased() {
    const { erasures } = this.#call;
    if (erasures === this.#erasures) return;
    this.#erasures = erasures;
    this.forget();
  }

  /** Drops every imported key. */
  forget() {
    this.#sealing.clear();
    this.#opening.clear();
  }

  #sealHere(stream, codec, frame) {
    const { kind, index, framing } = stream;
    return this.#here(frame, (length) => this.#call.seal(length, kind, index, framing, codec), stream);
  }

  #openHere(stream, codec, frame) {
    const { from, kind, index, framing } = stream;
    return this.#here(frame, (length) => this.#call.open(from, length, kind, index, framing, codec), stream);
  }

  #here(frame, work, stream) {
    const result = this.#memory.run(this.#call, frame, work);
    // A frame that opens may move a key on.
    this.dropErased();
    if (typeof result === 'number') return errorName(result);
    if (stream) stream.kid = this.#call.kid;
    return result;
  }

  #sealExternally(stream, codec, frame) {
    const { kind, index, framing } = stream;
    const call = this.#call;
    const front = frame.subarray(0, this.#front);
    const told = this.#here(front, () => call.beginExternalSeal(frame.length, kind, index, framing, codec));
    if (typeof told === 'string') return told;
    const { kid, headerLength, prefixLength } = call;
    const key = this.#sealing.get(kid)?.key;
    // The key has just been renewed: this counter is spent, the frame takes the next one.
    if (!key) return this.#sealHere(stream, codec, frame);
    const header = told.subarray(0, headerLength);
    return crypto.subtle.encrypt(parameters(told, headerLength), key, frame).then((body) => {
      const sealed = new Uint8Array(prefixLength + headerLength + body.byteLength);
      sealed.set(frame.subarray(0, prefixLength));
      sealed.set(header, prefixLength);
      sealed.set(new Uint8Array(body), prefixLength + headerLength);
      stream.kid = kid;
      return sealed;
    }, () => 'Other');
  }

  #openExternally(stream, codec, frame) {
    const { from, kind, index, framing } = stream;
    const call = this.#call;
    const front = frame.subarray(0, this.#front);
    const told = this.#here(front, () => call.beginExternalOpen(from, frame.length, kind, index, framing, codec));
    // A key that is not held may have to be derived, which the core does for a frame that it opens itself.
    if (told === 'UnknownKey') return this.#openHere(stream, codec, frame);
    if (typeof told === 'string') return told;
    const { kid, ctr, headerLength, prefixLength } = call;
    const key = this.#key(this.#opening, kid, 'decrypt');
    if (!key) return this.#openHere(stream, codec, frame);
    const body = frame.subarray(prefixLength + headerLength);
    return crypto.subtle.decrypt(parameters(told, headerLength), key, body).then((payload) => {
      const refused = call.finishExternalOpen(kid, ctr);
      // The member may have moved on.
      this.dropErased();
      if (refused < 0) return errorName(refused);
      stream.kid = kid;
      return new Uint8Array(payload);
    }, () => 'Unauthentic');
  }

  /** The imported key of a KID, or null while there is none: then the core works. */
  #key(keys, kid, usage) {
    const found = keys.get(kid);
    if (found !== undefined) return found.key;
    if (keys.size >= MAX_KEYS) keys.clear();
    const length = this.#call.keyLength(kid);
    if (length === 0) return null;
    const raw = this.#memory.taken(this.#call.keyOffset(kid), length);
    // If it is forgotten meanwhile, this is nobody's: another key may have this KID by then.
    const entry = { key: null };
    keys.set(kid, entry);
    crypto.subtle.importKey('raw', raw, 'AES-GCM', false, [usage]).then((imported) => { entry.key = imported; }, () => {});
    raw.fill(0);
    return null;
  }
}

/** `told` is `header ‖ nonce ‖ aad`. */
function parameters(told, headerLength) {
  const aadStart = headerLength + NONCE_LENGTH;
  return {
    name: 'AES-GCM',
    iv: told.subarray(headerLength, aadStart),
    additionalData: told.subarray(aadStart),
    tagLength: TAG_LENGTH * 8,
  };
}

/** Milliseconds that one measurement takes, and that code gets to become fast before. Clocks in browsers are coarse. */
const MEASURE_MS = 3;
const WARM_MS = 6;
const ROUNDS = 3;
const SIZES = [1024, 16_384];
const THRESHOLDS = { least: 1024, most: 16_384 };

/**
 * Bytes from which WebCrypto is faster in this browser, on this machine: both ways are measured at two sizes, as frames go
 * them, and where the two lines cross is the answer. Takes some 50 ms.
 */
export async function calibrate(memory) {
  const call = new Call(crypto.getRandomValues(new Uint8Array(32)), 0);
  const stream = { kind: 2, index: 0, framing: 0 };
  const ways = [Infinity, 0].map((threshold) => {
    const crypto = new FrameCrypto(call, memory, threshold);
    return { work: (frame) => crypto.seal(stream, 3, frame), least: SIZES.map(() => Infinity) };
  });
  for (const { work } of ways) await repeat(work, new Uint8Array(SIZES[0]), WARM_MS);
  // The least of several: whatever else the machine does can only add.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { work, least } of ways) {
      for (const [place, size] of SIZES.entries()) {
        least[place] = Math.min(least[place], await repeat(work, new Uint8Array(size), MEASURE_MS));
      }
    }
  }
  call.free();
  const [here, elsewhere] = ways.map(({ least: [at, then] }) => {
    const slope = (then - at) / (SIZES[1] - SIZES[0]);
    return { slope, start: at - slope * SIZES[0] };
  });
  // WebCrypto never gets ahead.
  if (here.slope <= elsewhere.slope) return THRESHOLDS.most;
  const crossing = (elsewhere.start - here.start) / (here.slope - elsewhere.slope);
  if (!Number.isFinite(crossing)) return DEFAULT_THRESHOLD;
  return Math.round(Math.min(Math.max(crossing, THRESHOLDS.least), THRESHOLDS.most));
}

/** Milliseconds of one frame. */
async function repeat(work, frame, ms) {
  const start = performance.now();
  let [frames, passed] = [0, 0];
  do {
    // As in a call: several are under way, and what is done at once is not waited for.
    const results = Array.from({ length: MAX_IN_FLIGHT }, () => work(frame));
    if (results[0] instanceof Promise) await Promise.all(results);
    frames += MAX_IN_FLIGHT;
    passed = performance.now() - start;
  } while (passed < ms);
  return passed / frames;
}
