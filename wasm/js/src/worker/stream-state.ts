// What an interface may show of one stream: reported when it changes, and once a second while
// frames flow.

import type { State, StateCode } from '../shared/streams.js';

/** Codes of single frames that a network delivers late or twice: they say nothing about the key. */
const HARMLESS: ReadonlySet<string> = new Set(['Replayed', 'TooOld', 'StepErased']);
/** How many failures in a row make a stream failing. */
const PATIENCE = 5;
/** A reason is looked for then, and again each time after this many more. */
const PUZZLED_EVERY = 50;
const REPORT_EVERY_MS = 1000;

/** How a stream stands, and its frames so far; `opened` counts sealed frames too. */
export interface Update {
  state: State;
  code: StateCode | null;
  opened: number;
  failed: number;
  message?: string;
}

/** Follows one stream. */
export class StreamStatus<S extends object> {
  #stream: S;
  #tell: (update: S & Update) => void;
  #update: Update = { state: 'waiting', code: null, opened: 0, failed: 0 };
  #inARow = 0;
  #reason: StateCode | null = null;
  #reported = 0;

  /** `tell` is called with each update, and with the fields of `stream` in it. */
  constructor(stream: S, tell: (update: S & Update) => void) {
    this.#stream = stream;
    this.#tell = tell;
  }

  /**
   * The stream itself has broken, and `message` says how: no frame of it comes any more. Other
   * streams go on.
   */
  break(message: string): void {
    Object.assign(this.#update, { state: 'broken', code: 'StreamBroken', message } satisfies Partial<Update>);
    this.#report();
  }

  /** Says why frames fail, until one does not. */
  explain(code: StateCode): void {
    if (this.#isOver) return;
    this.#reason = code;
    Object.assign(this.#update, { state: 'failing', code } satisfies Partial<Update>);
    this.#report();
  }

  /**
   * Counts one more frame: `code` is null if it was sealed or opened. With `isLate` it came before
   * one that has opened, and so says nothing about the stream as it is now. Returns whether frames
   * have failed for long enough to look for a reason that their codes do not give.
   */
  count(code: StateCode | null, isLate = false): boolean {
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
    if (update.state !== before || performance.now() - this.#reported >= REPORT_EVERY_MS) this.#report();
    return isPuzzling;
  }

  /** A stream that has broken is not mended by frames that were still being worked on. */
  get #isOver(): boolean {
    return this.#update.state === 'broken';
  }

  #report(): void {
    this.#reported = performance.now();
    this.#tell({ ...this.#stream, ...this.#update });
  }
}
