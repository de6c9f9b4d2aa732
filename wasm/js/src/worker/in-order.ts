// Frames leave in the order they came, also while some of them are still being worked on.

/**
 * Frames in flight at once; more wait, and with them the encoder or the network. More gain nothing,
 * and fill caches.
 */
export const MAX_IN_FLIGHT = 4;

/** Wakes all that wait: they share one promise, so none is overtaken by one that comes later. */
export class Wakeup {
  #promise: Promise<void> | null = null;
  #resolve: (() => void) | null = null;

  /** Settles at the next `wake`. Look again then at what was waited for. */
  next(): Promise<void> {
    this.#promise ??= new Promise((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  wake(): void {
    const resolve = this.#resolve;
    this.#promise = null;
    this.#resolve = null;
    resolve?.();
  }
}

/**
 * The queue of a stream: every frame that is to be worked on goes through `add`, whether it has
 * just come or has waited for its key. It stays empty as long as nothing is slow: then a frame is
 * worked on and done at once.
 */
export class InOrder<F, R> {
  #work: (frame: F) => R | Promise<R> | undefined;
  #done: (frame: F, result: R | 'Other') => void;
  /** Frames that have not been worked on yet, oldest first. */
  #coming: F[] = [];
  /** Those that are being worked on, oldest first. */
  #inFlight: { frame: F; result: R | 'Other'; isReady: boolean }[] = [];
  #isAdvancing = false;
  #room = new Wakeup();

  /**
   * `work` is called with each frame, in order, and returns its result or a promise of it;
   * undefined if the frame has been taken away. `done` is called with each other frame
   * and its result, in order. What `work` throws, and what its promise rejects with, is the result
   * 'Other'; `done` must not throw.
   */
  constructor(work: (frame: F) => R | Promise<R> | undefined, done: (frame: F, result: R | 'Other') => void) {
    this.#work = work;
    this.#done = done;
  }

  /** Takes a frame. */
  add(frame: F): void {
    if (!this.#isAdvancing && this.hasRoom && this.#inFlight.length === 0) return this.#start(frame);
    this.#coming.push(frame);
    this.#advance();
  }

  /** Whether a new frame would be worked on at once. */
  get hasRoom(): boolean {
    return this.#coming.length === 0 && this.#inFlight.length < MAX_IN_FLIGHT;
  }

  /** Settles as soon as there is room. */
  async room(): Promise<void> {
    while (!this.hasRoom) await this.#room.next();
  }

  #start(frame: F): void {
    const result = this.#resultOf(frame);
    if (result === undefined) return;
    if (result instanceof Promise) return this.#wait(frame, result);
    if (this.#inFlight.length === 0) return this.#done(frame, result);
    this.#inFlight.push({ frame, result, isReady: true });
  }

  #resultOf(frame: F): R | Promise<R> | 'Other' | undefined {
    try {
      return this.#work(frame);
    } catch {
      return 'Other';
    }
  }

  #wait(frame: F, promise: Promise<R>): void {
    const entry: { frame: F; result: R | 'Other'; isReady: boolean } = { frame, result: 'Other', isReady: false };
    this.#inFlight.push(entry);
    const settle = (result: R | 'Other') => {
      entry.result = result;
      entry.isReady = true;
      this.#advance();
    };
    promise.then(settle, () => settle('Other'));
  }

  /** Does what can be done now. Frames that are added meanwhile are taken by the same round. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    for (;;) {
      const [first] = this.#inFlight;
      if (first?.isReady) {
        this.#inFlight.shift();
        this.#done(first.frame, first.result);
      } else if (this.#coming.length > 0 && this.#inFlight.length < MAX_IN_FLIGHT) {
        this.#start(this.#coming.shift() as F);
      } else {
        break;
      }
    }
    this.#isAdvancing = false;
    if (this.hasRoom) this.#room.wake();
  }
}
