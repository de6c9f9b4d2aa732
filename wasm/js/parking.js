// Frames that came before their key: kept for a moment, within bounds, in order.

/** How long a frame waits. */
const WAIT_MS = 1000;
/** Frames of one member that wait at once. */
const MAX_FRAMES = 64;
/** Bytes of all frames that wait at once. */
const MAX_BYTES = 4 << 20;

export class Parking {
  /** `{transform, from, frame, length, until}`, oldest first. */
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

  /** When `expire` is to be called at the latest. */
  get until() {
    return this.#waiting[0]?.until ?? Infinity;
  }

  /** A key of this member has come: its frames are tried again. */
  release(from) {
    for (const { transform, frame } of this.#take((each) => each.from === from)) transform.work(frame);
  }

  /** What has waited for too long is dropped. */
  expire(now) {
    for (const { transform } of this.#take(({ until }) => until <= now)) transform.count('UnknownKey');
  }

  forget(from) {
    this.#take((each) => each.from === from);
  }

  clear() {
    this.#take(() => true);
  }

  #take(isWanted) {
    const taken = this.#waiting.filter(isWanted);
    this.#waiting = this.#waiting.filter((each) => !taken.includes(each));
    for (const { length } of taken) this.#bytes -= length;
    return taken;
  }
}
