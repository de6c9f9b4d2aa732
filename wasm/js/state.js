// What an interface may show of one stream: said when it changes, and once a second while frames flow.

/** Codes of single frames that a network delivers late or twice: they say nothing about the key. */
const HARMLESS = new Set(['Replayed', 'TooOld', 'StepErased']);
/** So many failures in a row, and the stream is failing. */
const PATIENCE = 5;
const REPORT_EVERY_MS = 1000;

export class StreamState {
  #stream;
  #tell;
  #update = { state: 'waiting', code: null, opened: 0, failed: 0 };
  #inARow = 0;
  #said = 0;

  /** `tell` is called with `{...stream, state, code, opened, failed}`; `opened` counts sealed frames too. */
  constructor(stream, tell) {
    this.#stream = stream;
    this.#tell = tell;
  }

  /** One more frame: `code` is null if it was sealed or opened. */
  count(code) {
    const update = this.#update;
    const before = update.state;
    if (code === null) {
      update.opened += 1;
      this.#inARow = 0;
      update.state = 'encrypted';
      update.code = null;
    } else {
      update.failed += 1;
      if (!HARMLESS.has(code)) {
        this.#inARow += 1;
        update.code = code;
        if (code === 'UnknownKey') update.state = 'waiting';
        else if (this.#inARow >= PATIENCE) update.state = 'failing';
      }
    }
    const now = performance.now();
    if (update.state !== before || now - this.#said >= REPORT_EVERY_MS) {
      this.#said = now;
      this.#tell({ ...this.#stream, ...update });
    }
  }
}
