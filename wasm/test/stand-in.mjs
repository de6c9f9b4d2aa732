// Runs a worker's script in this thread: what a page and a browser would give it, it is given here.

let count = 0;

/** A worker of `pkg`, a new one each time. */
export class StandIn {
  /** What it has said to its page. */
  said = [];
  /** Called with all that it says. */
  hear = () => {};
  #scope;
  #probe;

  /**
   * `probe` is a message that it answers once it has done all before, and what says so of the
   * answer.
   */
  static async start(script, probe = null) {
    const standIn = new StandIn();
    standIn.#probe = probe;
    const scope = {
      postMessage: (message) => {
        standIn.said.push(message);
        standIn.hear(message);
      },
      close: () => {},
    };
    globalThis.self = scope;
    await import(`../pkg/${script}?${count += 1}`);
    standIn.#scope = scope;
    return standIn;
  }

  async send(data) {
    globalThis.self = this.#scope;
    await this.#scope.onmessage({ data });
    await this.#settle();
  }

  /** Until something has been said. */
  async until(condition) {
    for (let turn = 0; turn < 2000; turn += 1) {
      const found = this.said.findLast(condition);
      if (found !== undefined) return found;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('it was not said');
  }

  /** Keys are derived elsewhere, and take a while. */
  async #settle() {
    if (this.#probe === null) return;
    this.#scope.onmessage({ data: this.#probe.message });
    const answer = await this.until(this.#probe.isAnswer);
    this.said.splice(this.said.indexOf(answer), 1);
  }

  /** The streams of a track, not yet in the worker's hands. */
  track() {
    return new Track(this.#scope);
  }

  /** A track that comes by a script transform, whose transformer has what is `more`. */
  async script(options, more = {}) {
    const track = this.track();
    const { readable, writable } = track;
    globalThis.self = this.#scope;
    this.#scope.onrtctransform({ transformer: { options, readable, writable, ...more } });
    await this.#settle();
    return track;
  }
}

/** Frames go in one by one. */
class Track {
  #scope;
  #source;
  #sink;
  #out = [];

  constructor(scope) {
    this.#scope = scope;
    this.readable = new ReadableStream({ start: (source) => { this.#source = source; } });
    this.writable = new WritableStream({
      start: (sink) => { this.#sink = sink; },
      write: (frame) => { this.#out.push(frame); },
    });
  }

  /** Lets a frame in, and waits for nothing. */
  give(frame) {
    globalThis.self = this.#scope;
    this.#source.enqueue(frame);
  }

  /** The frames that have come out since this was asked last. */
  taken() {
    return this.#out.splice(0);
  }

  /** The stream of frames breaks. */
  break(error) {
    globalThis.self = this.#scope;
    this.#source.error(error);
  }

  /** The stream that leads on breaks, and that alone. */
  breakOff(error) {
    globalThis.self = this.#scope;
    this.#sink.error(error);
  }

  /** The track ends. */
  end() {
    globalThis.self = this.#scope;
    this.#source.close();
  }

  /** What comes out for one frame: its bytes, or null if it is dropped. */
  async pass(frame) {
    globalThis.self = this.#scope;
    this.#source.enqueue(frame);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const [passed] = this.#out.splice(0);
    return passed === undefined ? null : new Uint8Array(passed.data);
  }
}

let clock = 0;

/** A browser's encoded frame; without a type it is one of sound. */
export function frameOf(bytes, { type, mimeType, ssrc = 77 } = {}) {
  const frame = { data: Uint8Array.from(bytes).buffer, timestamp: clock += 960 };
  frame.getMetadata = () => ({ synchronizationSource: ssrc, payloadType: 96, mimeType });
  if (type !== undefined) frame.type = type;
  return frame;
}
