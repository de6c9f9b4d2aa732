// Frames into linear memory and out of it.

/** Linear memory as a worker uses it: one copy in, one copy out, and the work done in place between them. */
export class FrameMemory {
  #memory;
  #view = new Uint8Array();

  /** @param {WebAssembly.Memory} memory that of the module */
  constructor(memory) {
    this.#memory = memory;
  }

  /**
   * Does `work(length)`, a call to `call.seal` or `call.open`, on a copy of `frame`. Returns the result's bytes, or
   * the negative number that `errorName` spells.
   */
  run(call, frame, work) {
    const offset = call.reserve(frame.length);
    this.#bytes().set(frame, offset);
    const result = work(frame.length);
    // Looked at anew: the work may have made the memory grow.
    return result < 0 ? result : this.#bytes().slice(result, result + call.resultLength);
  }

  /**
   * A copy of bytes that the module holds out: a key, to be wiped. Undefined if it holds out none,
   * at 0.
   */
  taken(offset, length) {
    return offset === 0 ? undefined : this.#bytes().slice(offset, offset + length);
  }

  /** The whole of it. Growing gives it another buffer, and leaves the old one empty. */
  #bytes() {
    if (this.#view.length === 0) this.#view = new Uint8Array(this.#memory.buffer);
    return this.#view;
  }
}
