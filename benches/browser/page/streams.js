// Encoded frames as a browser's transform receives them, and the two streams around a worker's
// transform.

/** Like an RTCEncodedVideoFrame, with the members that workers use. */
export class Frame {
  type = 'delta';

  constructor(bytes, timestamp) {
    this.data = bytes.buffer;
    this.timestamp = timestamp;
  }

  getMetadata() {
    return METADATA;
  }
}

const METADATA = Object.freeze({ synchronizationSource: 77, payloadType: 96, mimeType: 'video/VP8' });

/** Persistent streams, like those of a call: frames are written in batches and read. */
export class Passage {
  #source;
  #out = [];
  #wanted = 0;
  #arrived = () => {};

  /** @param {Function} attach called once with the transform's `readable` and `writable` */
  constructor(attach) {
    const readable = new ReadableStream({ start: (source) => { this.#source = source; } });
    const writable = new WritableStream({ write: (frame) => this.#take(frame) });
    attach(readable, writable);
  }

  /** Resolves to the frames read and the milliseconds for all of them. */
  async run(frames) {
    this.#out = [];
    this.#wanted = frames.length;
    const all = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${this.#out.length} of ${frames.length} frames came out`)), 20_000);
      this.#arrived = () => {
        clearTimeout(late);
        resolve(performance.now());
      };
    });
    const start = performance.now();
    for (const frame of frames) this.#source.enqueue(frame);
    return { ms: await all - start, frames: this.#out };
  }

  #take(frame) {
    this.#out.push(frame);
    if (this.#out.length === this.#wanted) this.#arrived();
  }
}
