// Frames that came too early, before their key or before the page said whose they are: kept for a
// moment, within bounds, in order.

import type { EncodedFrame } from '../shared/browser.js';

/** How long a frame waits. */
export const WAIT_MS = 1000;
/**
 * Frames of one stream that wait at once. Not of one member: the member that a frame names has not
 * been authenticated yet.
 */
const MAX_FRAMES = 64;
/** Bytes of all frames that wait at once. */
const MAX_BYTES = 4 << 20;

/** A stream whose frames may wait. */
export interface Stream {
  /** Takes a frame that has waited. */
  add(frame: EncodedFrame): void;
  /** Counts a frame that has waited in vain. */
  giveUp(): void;
}

/**
 * By frame: until when it may wait, also if it has been taken out to be tried, whatever it waits
 * for then.
 */
const untils = new WeakMap<EncodedFrame, number>();

interface Waiting<K> {
  stream: Stream;
  from: K;
  frame: EncodedFrame;
  length: number;
  until: number;
}

/** Frames that wait. `K` says which are released together: a member's number, or a stream. */
export class Parking<K> {
  /** In the order in which they came here. */
  #waiting: Waiting<K>[] = [];
  #bytes = 0;

  /** Keeps a frame, if there is room. Times are milliseconds of one clock. */
  park(stream: Stream, from: K, frame: EncodedFrame, now: number): boolean {
    const length = frame.data.byteLength;
    const until = untils.get(frame) ?? now + WAIT_MS;
    const ofStream = this.#waiting.filter((each) => each.stream === stream).length;
    if (until <= now || ofStream >= MAX_FRAMES || this.#bytes + length > MAX_BYTES) return false;
    untils.set(frame, until);
    this.#waiting.push({ stream, from, frame, length, until });
    this.#bytes += length;
    return true;
  }

  /**
   * When `expire` is to be called at the latest. A frame that was tried in between may have to go
   * before others.
   */
  get until(): number {
    return this.#waiting.reduce((least, { until }) => Math.min(least, until), Infinity);
  }

  /** Tries these frames again: what they waited for has come. */
  release(from: K): void {
    for (const { stream, frame } of this.#take((each) => each.from === from)) stream.add(frame);
  }

  /** Drops frames that have waited for too long, and returns their streams, one for each frame. */
  expire(now: number): Stream[] {
    return this.#take(({ until }) => until <= now).map(({ stream }) => stream);
  }

  /** Drops these frames: what they waited for does not come. */
  forget(from: K): void {
    this.#take((each) => each.from === from);
  }

  /** Drops a stream's frames: it has ended, or carries something else from now on. */
  forgetStream(stream: Stream): void {
    this.#take((each) => each.stream === stream);
  }

  /** Drops all frames. */
  clear(): void {
    this.#take(() => true);
  }

  #take(isWanted: (each: Waiting<K>) => boolean): Waiting<K>[] {
    const taken: Waiting<K>[] = [];
    const left: Waiting<K>[] = [];
    for (const each of this.#waiting) (isWanted(each) ? taken : left).push(each);
    this.#waiting = left;
    for (const { length } of taken) this.#bytes -= length;
    return taken;
  }
}
