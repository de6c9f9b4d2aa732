// What an interface may show of one stream: said when it changes, and once a second while frames flow.

/** Codes of single frames that a network delivers late or twice: they say nothing about the key. */
const HARMLESS = new Set(['Replayed', 'TooOld', 'StepErased']);
/** So many failures in a row, and the stream is failing. */
const PATIENCE = 5;
/** And a reason is looked for, then and each time after so many more. */
const PUZZLED_EVERY = 50;
const REPORT_EVERY_MS = 1000;

export class StreamState {
  #stream;
  #tell;
  #update = { state: 'waiting', code: null, opened: 0, failed: 0 };
  #inARow = 0;
  #reason = null;
  #said = 0;

  /** `tell` is called with `{...stream, state, code, opened, failed}`; `opened` counts sealed frames too. */
  constructor(stream, tell) {
    this.#stream = stream;
    this.#tell = tell;
  }

  /**
   * The stream itself has broken, and `message` says how: no frame of it comes any more. Other
   * streams go on.
   */
  break(message) {
    Object.assign(this.#update, { state: 'broken', code: 'StreamBroken', message });
    this.#report();
  }

  /** Why frames fail, until one does not. */
  explain(code) {
    if (this.#isOver) return;
    this.#reason = code;
    Object.assign(this.#update, { state: 'failing', code });
    this.#report();
  }

  /**
   * One more frame: `code` is null if it was sealed or opened; `isLate` says that it came before one that has opened, and so
   * says nothing about the stream as it is now. Returns whether frames have failed for long enough to look for a reason that
   * their codes do not give.
   */
  count(code, isLate = false) {
    if (this.#isOver) return false;
    const update = this.#update;
    const before = update.state;
    let isPuzzling = false;
    if (code === null) {
      update.opened += 1;
      this.#inARow = 0;
      this.#reason = null;
      update.state = 'encrypted';
      update.code = null;
    } else {
      update.failed += 1;
      if (!isLate && !HARMLESS.has(code)) {
        this.#inARow += 1;
        isPuzzling = this.#reason === null && this.#inARow % PUZZLED_EVERY === PATIENCE;
        update.code = this.#reason ?? code;
        if (update.code === 'UnknownKey') update.state = 'waiting';
        else if (this.#inARow >= PATIENCE) update.state = 'failing';
      }
    }
    if (update.state !== before || performance.now() - this.#said >= REPORT_EVERY_MS) this.#report();
    return isPuzzling;
  }

  /** What has broken is not mended by what was still being worked on. */
  get #isOver() {
    return this.#update.state === 'broken';
  }

  #report() {
    this.#said = performance.now();
    this.#tell({ ...this.#stream, ...this.#update });
  }
}
