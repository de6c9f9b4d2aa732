// Frames leave in the order they came, also while some of them are still being worked on.

/**
 * Frames in flight at once; more wait, and with them the encoder or the network. More gain nothing,
 * and fill caches.
 */
export const MAX_IN_FLIGHT = 4;

/**
 * Wakes everybody who waits: they share one promise, so nobody's place is taken by who comes later.
 */
export class Wakeup {
  #promise = null;
  #resolve = null;

  /** Settles at the next `wake`. What was waited for is to be looked at again then. */
  next() {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  wake() {
    const resolve = this.#resolve;
    this.#promise = null;
    this.#resolve = null;
    resolve?.();
  }
}

/**
 * The one queue of a stream: every frame that is to be worked on goes through `add`, whether it has
 * just come or has waited for its key. Empty as long as nothing is slow: a frame is then worked on
 * and done at once.
 */
export class InOrder {
  #work;
  #done;
  /** Frames that have not been worked on yet, oldest first. */
  #coming = [];
  /** `{frame, result, isReady}` of those that are being worked on, oldest first. */
  #inFlight = [];
  #isAdvancing = false;
  #room = new Wakeup();

  /**
   * `work` is called with each frame, in order, and returns its result or a promise of it;
   * undefined if the frame is somebody else's from then on. `done` is called with each other frame
   * and its result, in order. What `work` throws, and what its promise rejects with, is the result
   * 'Other'; `done` must not throw.
   */
  constructor(work, done) {
    this.#work = work;
    this.#done = done;
  }

  /** Takes a frame. */
  add(frame) {
    if (!this.#isAdvancing && this.hasRoom && this.#inFlight.length === 0) return this.#start(frame);
    this.#coming.push(frame);
    this.#advance();
  }

  /** Whether a new frame would be worked on at once. */
  get hasRoom() {
    return this.#coming.length === 0 && this.#inFlight.length < MAX_IN_FLIGHT;
  }

  /** Settles as soon as there is room, for whoever waits. */
  async room() {
    while (!this.hasRoom) await this.#room.next();
  }

  #start(frame) {
    const result = this.#resultOf(frame);
    if (result === undefined) return;
    if (result instanceof Promise) return this.#wait(frame, result);
    if (this.#inFlight.length === 0) return this.#done(frame, result);
    this.#inFlight.push({ frame, result, isReady: true });
  }

  #resultOf(frame) {
    try {
      return this.#work(frame);
    } catch {
      return 'Other';
    }
  }

  #wait(frame, promise) {
    const entry = { frame, result: 'Other', isReady: false };
    this.#inFlight.push(entry);
    const settle = (result) => {
      entry.result = result;
      entry.isReady = true;
      this.#advance();
    };
    promise.then(settle, () => settle('Other'));
  }

  /** Does what can be done now. Frames that come of it are taken by the round that is under way. */
  #advance() {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    for (;;) {
      if (this.#inFlight[0]?.isReady) {
        const { frame, result } = this.#inFlight.shift();
        this.#done(frame, result);
      } else if (this.#coming.length > 0 && this.#inFlight.length < MAX_IN_FLIGHT) {
        this.#start(this.#coming.shift());
      } else {
        break;
      }
    }
    this.#isAdvancing = false;
    if (this.hasRoom) this.#room.wake();
  }
}
