// Frames into linear memory and out of it.

import { OUTCOME } from '../shared/ids.js';
import type { OwnBytes } from '../shared/arguments.js';

/**
 * Linear memory as JavaScript sees it. Growing gives it another buffer and leaves the old one
 * empty, so each look takes views that are whole.
 */
export class LinearMemory {
  #memory: WebAssembly.Memory;
  #bytes = new Uint8Array();
  #words = new Uint32Array();

  /** `memory` is the module's. */
  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  /** All of it, as bytes. */
  get bytes(): OwnBytes {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#memory.buffer as ArrayBuffer);
    return this.#bytes;
  }

  /** All of it, as words of 32 bits. */
  get words(): Uint32Array<ArrayBuffer> {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#memory.buffer as ArrayBuffer);
    return this.#words;
  }

  /**
   * A copy of bytes that the module holds out: a key, to be wiped. Undefined if it holds out none,
   * at 0.
   */
  taken(offset: number, length: number): OwnBytes | undefined {
    return offset === 0 ? undefined : this.bytes.slice(offset, offset + length);
  }
}

/** A `FrameCore` or a `Region`. */
export interface RoomOwner {
  /** Where its words lie. */
  readonly outcome: number;
  /** Makes room for a frame of this many bytes. */
  reserve(length: number): void;
}

/**
 * Where the frames of one owner are worked on: one copy in, one call, one copy out. Whatever else
 * the call has to say it leaves in the words of `OUTCOME`, which cost no further call.
 */
export class FrameRoom {
  #memory: LinearMemory;
  #owner: RoomOwner;
  /** The place of its words among all of them. */
  #at: number;

  constructor(memory: LinearMemory, owner: RoomOwner) {
    this.#memory = memory;
    this.#owner = owner;
    this.#at = owner.outcome / 4;
  }

  /**
   * Does `work(length)`, a call that seals or opens, on a copy of `frame`. Returns the result's
   * bytes, or the negative number that `errorName` spells.
   */
  run(frame: Uint8Array, work: (length: number) => number): OwnBytes | number {
    const { length } = frame;
    if (this.word(OUTCOME.roomLength) < length) this.#owner.reserve(length);
    this.#memory.bytes.set(frame, this.word(OUTCOME.room));
    const result = work(length);
    // Looked at again: the work may have made the memory grow.
    return result < 0 ? result : this.#memory.bytes.slice(result, result + this.word(OUTCOME.length));
  }

  /** A word of `OUTCOME`. */
  word(place: number): number {
    return this.#memory.words[this.#at + place] ?? 0;
  }

  /** A number of 64 bits, whose two words begin at `place`. */
  long(place: number): bigint {
    return BigInt(this.word(place + 1)) << 32n | BigInt(this.word(place));
  }
}
