// Frames that came too early, before their key or before anybody said whose they are: kept for a moment, within bounds, in
// order.

/** How long a frame waits. */
export const WAIT_MS = 1000;
/** Frames of one stream that wait at once. Not of one member: what a frame says of that has not been authenticated yet. */
const MAX_FRAMES = 64;
/** Bytes of all frames that wait at once. */
const MAX_BYTES = 4 << 20;

/** By frame: until when it may wait, also if it has been taken out to be tried, whatever it waits for then. */
const untils = new WeakMap();

/** `from` is whatever says which frames are released together: a member's number, or a transform. */
export class Parking {
  /** `{transform, from, frame, length, until}`, in the order in which they came here. */
  #waiting = [];
  #bytes = 0;

  /** Whether there was room. */
  park(transform, from, frame, now) {
    const length = frame.data.byteLength;
    const until = untils.get(frame) ?? now + WAIT_MS;
    const ofStream = this.#waiting.filter((each) => each.transform === transform).length;
    if (until <= now || ofStream >= MAX_FRAMES || this.#bytes + length > MAX_BYTES) return false;
    untils.set(frame, until);
    this.#waiting.push({ transform, from, frame, length, until });
    this.#bytes += length;
    return true;
  }

  /**
   * When `expire` is to be called at the latest. A frame that was tried in between may have to go
   * before others.
   */
  get until() {
    return this.#waiting.reduce((least, { until }) => Math.min(least, until), Infinity);
  }

  /** What these frames waited for has come: they are tried again. */
  release(from) {
    for (const { transform, frame } of this.#take((each) => each.from === from)) transform.add(frame);
  }

  /** Drops what has waited for too long, and returns of which transforms, one for each frame. */
  expire(now) {
    return this.#take(({ until }) => until <= now).map(({ transform }) => transform);
  }

  /** Drops a member's frames: it is gone. */
  forget(from) {
    this.#take((each) => each.from === from);
  }

  /** Drops a stream's frames: it has ended, or carries something else from now on. */
  forgetTransform(transform) {
    this.#take((each) => each.transform === transform);
  }

  clear() {
    this.#take(() => true);
  }

  #take(isWanted) {
    const taken = [];
    const left = [];
    for (const each of this.#waiting) (isWanted(each) ? taken : left).push(each);
    this.#waiting = left;
    for (const { length } of taken) this.#bytes -= length;
    return taken;
  }
}
