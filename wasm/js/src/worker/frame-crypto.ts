// One frame at a time: small ones in WebAssembly, at once; large ones by WebCrypto, which has the
// processor's AES but costs several microseconds a call. Both make the same bytes.

import type { OwnBytes } from '../shared/arguments.js';
import { OUTCOME, isArranged } from '../shared/ids.js';
import { FrameRoom, type LinearMemory } from '../formats/frame-memory.js';
import { MAX_IN_FLIGHT } from './in-order.js';
import { FrameCore, errorName } from '../../../build/sealframe_wasm.js';

/** No source has this number: frames from nowhere open nowhere. */
const NOBODY = 2 ** 32 - 1;
/** Bytes from which WebCrypto is faster, unless measured. */
export const DEFAULT_THRESHOLD = 2048;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** Keys that are kept imported. Beyond it all are dropped and imported anew as they are needed. */
const MAX_KEYS = 256;

/** What a stream of frames carries, in the numbers of `ids.ts`. */
export interface CoreStream {
  /** What the core calls the source of frames that are opened. */
  from?: number | undefined;
  kind: number;
  index: number;
  framing: number;
  /**
   * The halves of the KID of the last frame, which `kidOf` joins: a BigInt for each frame would
   * cost.
   */
  kidLow?: number | undefined;
  kidHigh?: number | undefined;
}

/** New bytes, or a code that says why not. */
export type Result = OwnBytes | string;

/**
 * Seals and opens frames: small ones at once, large ones by a promise.
 */
export class FrameCrypto {
  #core: FrameCore;
  #memory: LinearMemory;
  #room: FrameRoom;
  #threshold: number;
  #front = FrameCore.front();
  #sealing = new ImportedKeys('encrypt');
  #opening = new ImportedKeys('decrypt');
  /** How many keys the core had erased when these were looked at. */
  #erasures = 0;

  /** Frames of `threshold` bytes or more go to WebCrypto. */
  constructor(core: FrameCore, memory: LinearMemory, threshold = DEFAULT_THRESHOLD) {
    this.#core = core;
    this.#memory = memory;
    this.#room = new FrameRoom(memory, core);
    this.#threshold = threshold;
  }

  /**
   * Seals a frame of this codec, a number of `ids.ts`. `kidOf` the stream becomes the frame's KID.
   */
  seal(stream: CoreStream, codec: number, frame: OwnBytes): Result | Promise<Result> {
    if (this.#isLarge(stream, codec, frame)) {
      this.dropErased();
      if (this.#keyAt(this.#sealing, OUTCOME.sendKid) !== null) return this.#sealExternally(stream, codec, frame);
    }
    return this.#sealHere(stream, codec, frame);
  }

  /** Opens a frame of the source `stream.from`, which the server names. */
  open(stream: CoreStream, codec: number, frame: OwnBytes): Result | Promise<Result> {
    if (this.#isLarge(stream, codec, frame)) return this.#openExternally(stream, codec, frame);
    return this.#openHere(stream, codec, frame);
  }

  #isLarge({ framing }: CoreStream, codec: number, frame: OwnBytes): boolean {
    return frame.length >= this.#threshold && !isArranged(framing, codec);
  }

  /**
   * Drops the imported keys once the core has erased or replaced one: none is used or kept after
   * it. Call it after every change of keys that is not made by a frame.
   */
  dropErased(): void {
    const erasures = this.#room.word(OUTCOME.erasures);
    if (erasures === this.#erasures) return;
    this.#erasures = erasures;
    this.forget();
  }

  /** Drops every imported key. */
  forget(): void {
    this.#sealing.clear();
    this.#opening.clear();
  }

  #sealHere(stream: CoreStream, codec: number, frame: OwnBytes): Result {
    const { kind, index, framing } = stream;
    return this.#here(frame, (length) => this.#core.seal(length, kind, index, framing, codec), stream);
  }

  #openHere(stream: CoreStream, codec: number, frame: OwnBytes): Result {
    const { from = NOBODY, kind, index, framing } = stream;
    return this.#here(frame, (length) => this.#core.open(from, length, kind, index, framing, codec), stream);
  }

  #here(frame: OwnBytes, work: (length: number) => number, stream?: CoreStream): Result {
    const result = this.#room.run(frame, work);
    // A frame that opens may move a key on.
    this.dropErased();
    if (typeof result === 'number') return errorName(result);
    if (stream) noteKid(stream, this.#room.word(OUTCOME.kid), this.#room.word(OUTCOME.kid + 1));
    return result;
  }

  #sealExternally(stream: CoreStream, codec: number, frame: OwnBytes): Result | Promise<Result> {
    const { kind, index, framing } = stream;
    const front = frame.subarray(0, this.#front);
    const params = this.#here(front, () => this.#core.beginExternalSeal(frame.length, kind, index, framing, codec));
    if (typeof params === 'string') return params;
    const key = this.#keyAt(this.#sealing, OUTCOME.kid);
    // The key has just been renewed: this counter is spent, the frame takes the next one.
    if (key === null) return this.#sealHere(stream, codec, frame);
    const { kidLow, kidHigh, headerLength, prefixLength } = this.#begun();
    const start = prefixLength + headerLength;
    return crypto.subtle.encrypt(algorithm(params, headerLength), key, frame).then((body) => {
      const sealed = new Uint8Array(start + body.byteLength);
      sealed.set(frame.subarray(0, prefixLength));
      sealed.set(params.subarray(0, headerLength), prefixLength);
      sealed.set(new Uint8Array(body), start);
      noteKid(stream, kidLow, kidHigh);
      return sealed;
    }, () => 'Other');
  }

  #openExternally(stream: CoreStream, codec: number, frame: OwnBytes): Result | Promise<Result> {
    const { from = NOBODY, kind, index, framing } = stream;
    const front = frame.subarray(0, this.#front);
    const params = this.#here(front, () => this.#core.beginExternalOpen(from, frame.length, kind, index, framing, codec));
    // A key that is not held may have to be derived, which the core does for a frame that it opens
    // itself.
    if (params === 'UnknownKey') return this.#openHere(stream, codec, frame);
    if (typeof params === 'string') return params;
    const key = this.#keyAt(this.#opening, OUTCOME.kid);
    if (key === null) return this.#openHere(stream, codec, frame);
    const { kidLow, kidHigh, headerLength, prefixLength } = this.#begun();
    const [kid, ctr] = [this.#room.long(OUTCOME.kid), this.#room.long(OUTCOME.ctr)];
    const body = frame.subarray(prefixLength + headerLength);
    return crypto.subtle.decrypt(algorithm(params, headerLength), key, body).then((payload) => {
      const refused = this.#core.finishExternalOpen(kid, ctr);
      // The member may have moved on.
      this.dropErased();
      if (refused < 0) return errorName(refused);
      noteKid(stream, kidLow, kidHigh);
      return new Uint8Array(payload);
    }, () => 'Unauthentic');
  }

  /** What is to be kept of the frame that was last begun: the next one overwrites the words. */
  #begun(): { kidLow: number; kidHigh: number; headerLength: number; prefixLength: number } {
    return {
      kidLow: this.#room.word(OUTCOME.kid),
      kidHigh: this.#room.word(OUTCOME.kid + 1),
      headerLength: this.#room.word(OUTCOME.headerLength),
      prefixLength: this.#room.word(OUTCOME.prefixLength),
    };
  }

  /**
   * The imported key of the KID at this place, or null while there is none: then the core works.
   */
  #keyAt(keys: ImportedKeys, place: number): CryptoKey | null {
    const [low, high] = [this.#room.word(place), this.#room.word(place + 1)];
    const found = keys.find(low, high);
    if (found !== undefined) return found.key;
    const kid = this.#room.long(place);
    const length = this.#core.keyLength(kid);
    if (length === 0) return null;
    const raw = this.#memory.taken(this.#core.keyOffset(kid), length);
    if (raw === undefined) return null;
    keys.import(low, high, raw);
    raw.fill(0);
    return null;
  }
}

interface ImportedKey {
  low: number;
  high: number;
  /** null while it is being imported. */
  key: CryptoKey | null;
}

/** Keys that WebCrypto has, by KID. */
class ImportedKeys {
  #usage: KeyUsage;
  /** By the low half of a KID. */
  #keys = new Map<number, ImportedKey>();
  /** The one that was last found: streams have long runs of one key. */
  #last: ImportedKey | undefined;

  constructor(usage: KeyUsage) {
    this.#usage = usage;
  }

  find(low: number, high: number): ImportedKey | undefined {
    let last = this.#last;
    if (last === undefined || last.low !== low || last.high !== high) {
      last = this.#keys.get(low);
      if (last === undefined || last.high !== high) return undefined;
      this.#last = last;
    }
    return last;
  }

  import(low: number, high: number, raw: OwnBytes): void {
    if (this.#keys.size >= MAX_KEYS) this.clear();
    // If the entry is dropped meanwhile, it stays dropped: another key may have this KID by then.
    const entry: ImportedKey = { low, high, key: null };
    this.#keys.set(low, entry);
    crypto.subtle.importKey('raw', raw, 'AES-GCM', false, [this.#usage]).then((imported) => { entry.key = imported; }, () => {});
  }

  clear(): void {
    this.#keys.clear();
    this.#last = undefined;
  }
}

/** Notes which key a stream's last frame had. */
function noteKid(stream: CoreStream, low: number, high: number): void {
  stream.kidLow = low;
  stream.kidHigh = high;
}

/** The KID of a stream's last frame, a BigInt; undefined before the first. */
export function kidOf({ kidLow, kidHigh }: Pick<CoreStream, 'kidLow' | 'kidHigh'>): bigint | undefined {
  return kidLow === undefined || kidHigh === undefined ? undefined : BigInt(kidHigh) << 32n | BigInt(kidLow);
}

/** `params` are `header ‖ nonce ‖ aad`. */
function algorithm(params: OwnBytes, headerLength: number): AesGcmParams {
  const aadStart = headerLength + NONCE_LENGTH;
  return {
    name: 'AES-GCM',
    iv: params.subarray(headerLength, aadStart),
    additionalData: params.subarray(aadStart),
    tagLength: TAG_LENGTH * 8,
  };
}

/** Milliseconds of one measurement, and of warming up before. Clocks in browsers are coarse. */
const MEASURE_MS = 3;
const WARM_MS = 6;
const ROUNDS = 3;
const SIZES = [1024, 16_384] as const;
const THRESHOLDS = { least: 1024, most: 16_384 };

/**
 * Bytes from which WebCrypto is faster in this browser, on this machine: both ways are measured at
 * two sizes, as frames go them, and where the two lines cross is the answer. Takes some 50 ms.
 */
export async function calibrate(memory: LinearMemory): Promise<number> {
  const core = new FrameCore(crypto.getRandomValues(new Uint8Array(32)), 0);
  const stream = { kind: 2, index: 0, framing: 0 };
  const ways = [Infinity, 0].map((threshold) => {
    const crypto = new FrameCrypto(core, memory, threshold);
    return { work: (frame: OwnBytes) => crypto.seal(stream, 3, frame), least: [Infinity, Infinity] as [number, number] };
  });
  for (const { work } of ways) await repeat(work, new Uint8Array(SIZES[0]), WARM_MS);
  // The least of several: whatever else the machine does can only add.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { work, least } of ways) {
      for (const place of [0, 1] as const) {
        least[place] = Math.min(least[place], await repeat(work, new Uint8Array(SIZES[place]), MEASURE_MS));
      }
    }
  }
  core.free();
  const lines = ways.map(({ least: [small, large] }) => {
    const slope = (large - small) / (SIZES[1] - SIZES[0]);
    return { slope, start: small - slope * SIZES[0] };
  });
  const [here, external] = lines as [Line, Line];
  // WebCrypto never gets ahead.
  if (here.slope <= external.slope) return THRESHOLDS.most;
  const crossing = (external.start - here.start) / (here.slope - external.slope);
  if (!Number.isFinite(crossing)) return DEFAULT_THRESHOLD;
  return Math.round(Math.min(Math.max(crossing, THRESHOLDS.least), THRESHOLDS.most));
}

/** Milliseconds of a frame by its length. */
interface Line {
  slope: number;
  start: number;
}

/** Milliseconds of one frame. */
async function repeat(work: (frame: OwnBytes) => Result | Promise<Result>, frame: OwnBytes, ms: number): Promise<number> {
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
