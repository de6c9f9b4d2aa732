// Frames leave in the order they came, also while some of them are still being worked on.

/** Frames in flight at once; more wait, and with them the encoder or the network. */
const MAX_IN_FLIGHT = 16;

/** A queue that is empty as long as nothing is slow: then `done` is called at once. */
export class InOrder {
  #done;
  #waiting = 0;
  #tail = Promise.resolve();

  /** @param {Function} done called with each frame and its result, in order */
  constructor(done) {
    this.#done = done;
  }

  /** Takes a frame and its result or a promise of it. Returns a promise if the next frame should wait. */
  push(frame, result) {
    if (this.#waiting === 0 && !(result instanceof Promise)) {
      this.#done(frame, result);
      return null;
    }
    this.#waiting += 1;
    this.#tail = this.#tail.then(() => result).then((settled) => {
      this.#waiting -= 1;
      this.#done(frame, settled);
    });
    return this.#waiting >= MAX_IN_FLIGHT ? this.#tail : null;
  }
}
