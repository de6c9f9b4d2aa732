// Frames leave in the order they came, also while some of them are still being worked on.

/** Frames in flight at once; more wait, and with them the encoder or the network. More gain nothing, and fill caches. */
export const MAX_IN_FLIGHT = 4;

/** A queue that is empty as long as nothing is slow: then `done` is called at once. */
export class InOrder {
  #done;
  /** `{frame, result, isReady}`, oldest first. */
  #waiting = [];
  #room = null;

  /** @param {Function} done called with each frame and its result, in order */
  constructor(done) {
    this.#done = done;
  }

  /** Takes a frame and its result or a promise of it, which must not reject. Returns a promise if the next frame should wait. */
  push(frame, result) {
    const isReady = !(result instanceof Promise);
    if (isReady && this.#waiting.length === 0) {
      this.#done(frame, result);
      return null;
    }
    const entry = { frame, result, isReady };
    this.#waiting.push(entry);
    if (!isReady) {
      result.then((settled) => {
        entry.result = settled;
        entry.isReady = true;
        this.#drain();
      });
    }
    if (this.#waiting.length < MAX_IN_FLIGHT) return null;
    return new Promise((resolve) => {
      this.#room = resolve;
    });
  }

  #drain() {
    const waiting = this.#waiting;
    while (waiting.length > 0 && waiting[0].isReady) {
      const { frame, result } = waiting.shift();
      this.#done(frame, result);
    }
    if (waiting.length >= MAX_IN_FLIGHT) return;
    this.#room?.();
    this.#room = null;
  }
}
