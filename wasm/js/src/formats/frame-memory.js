// Frames into linear memory and out of it.

import { OUTCOME } from '../shared/ids.js';

/**
 * Linear memory as JavaScript sees it. Growing gives it another buffer and leaves the old one empty,
 * so each look takes the views that are whole.
 */
export class LinearMemory {
  #memory;
  #bytes = new Uint8Array();
  #words = new Uint32Array();

  /** @param {WebAssembly.Memory} memory that of the module */
  constructor(memory) {
    this.#memory = memory;
  }

  get bytes() {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#memory.buffer);
    return this.#bytes;
  }

  get words() {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#memory.buffer);
    return this.#words;
  }

  /**
   * A copy of bytes that the module holds out: a key, to be wiped. Undefined if it holds out none,
   * at 0.
   */
  taken(offset, length) {
    return offset === 0 ? undefined : this.bytes.slice(offset, offset + length);
  }
}

/**
 * Where the frames of one `FrameCore` or `Region` are worked on: one copy in, one call, one copy out.
 * Whatever else the call has to say it leaves in the words of `OUTCOME`, which cost no further call.
 */
export class FrameRoom {
  #memory;
  #owner;
  /** The place of its words among all of them. */
  #at;

  /** `owner` is the `FrameCore` or `Region`. */
  constructor(memory, owner) {
    this.#memory = memory;
    this.#owner = owner;
    this.#at = owner.outcome / 4;
  }

  /**
   * Does `work(length)`, a call that seals or opens, on a copy of `frame`. Returns the result's bytes,
   * or the negative number that `errorName` spells.
   */
  run(frame, work) {
    const { length } = frame;
    if (this.word(OUTCOME.roomLength) < length) this.#owner.reserve(length);
    this.#memory.bytes.set(frame, this.word(OUTCOME.room));
    const result = work(length);
    // Looked at anew: the work may have made the memory grow.
    return result < 0 ? result : this.#memory.bytes.slice(result, result + this.word(OUTCOME.length));
  }

  /** A word of `OUTCOME`. */
  word(place) {
    return this.#memory.words[this.#at + place];
  }

  /** A number of 64 bits, whose two words begin at `place`. */
  long(place) {
    return BigInt(this.word(place + 1)) << 32n | BigInt(this.word(place));
  }
}
