// Frames that came before their key: kept for a moment, within bounds, in order.

/** How long a frame waits. */
const WAIT_MS = 1000;
/** Frames of one member that wait at once. */
const MAX_FRAMES = 64;
/** Bytes of all frames that wait at once. */
const MAX_BYTES = 4 << 20;

export class Parking {
  /** `{transform, from, frame, length, until}`, in the order in which they came here. */
  #waiting = [];
  #bytes = 0;
  /** By frame: until when it may wait, also if it has been taken out to be tried. */
  #untils = new WeakMap();

  /** Whether there was room. */
  park(transform, from, frame, now) {
    const length = frame.data.byteLength;
    const until = this.#untils.get(frame) ?? now + WAIT_MS;
    const ofMember = this.#waiting.filter((each) => each.from === from).length;
    if (until <= now || ofMember >= MAX_FRAMES || this.#bytes + length > MAX_BYTES) return false;
    this.#untils.set(frame, until);
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

  /** A key of this member has come: its frames are tried again. */
  release(from) {
    for (const { transform, frame } of this.#take((each) => each.from === from)) transform.add(frame);
  }

  /** What has waited for too long is dropped. */
  expire(now) {
    for (const { transform } of this.#take(({ until }) => until <= now)) transform.count('UnknownKey');
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
