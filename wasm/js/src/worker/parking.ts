// Frames that came before their key: kept for a moment, within bounds, in order.

import type { EncodedFrame } from '../shared/browser.js';

/** How long a frame waits. */
const WAIT_MS = 1000;
/** Frames of one member that wait at once. */
const MAX_FRAMES = 64;
/** Bytes of all frames that wait at once. */
const MAX_BYTES = 4 << 20;

/** A stream whose frames may wait. */
export interface Stream {
  /** Takes a frame that has waited. */
  add(frame: EncodedFrame): void;
  /** Counts a frame that has failed. */
  count(code: 'UnknownKey'): unknown;
}

interface Waiting {
  stream: Stream;
  from: number;
  frame: EncodedFrame;
  length: number;
  until: number;
}

/** The frames of all streams that wait for keys. */
export class Parking {
  /** In the order in which they came here. */
  #waiting: Waiting[] = [];
  #bytes = 0;
  /** By frame: until when it may wait, also if it has been taken out to be tried. */
  #untils = new WeakMap<EncodedFrame, number>();

  /** Keeps a frame of member `from`, if there is room. Times are milliseconds of one clock. */
  park(stream: Stream, from: number, frame: EncodedFrame, now: number): boolean {
    const length = frame.data.byteLength;
    const until = this.#untils.get(frame) ?? now + WAIT_MS;
    const ofMember = this.#waiting.filter((each) => each.from === from).length;
    if (until <= now || ofMember >= MAX_FRAMES || this.#bytes + length > MAX_BYTES) return false;
    this.#untils.set(frame, until);
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

  /** A key of this member has come: its frames are tried again. */
  release(from: number): void {
    for (const { stream, frame } of this.#take((each) => each.from === from)) stream.add(frame);
  }

  /** Drops frames that have waited for too long. */
  expire(now: number): void {
    for (const { stream } of this.#take(({ until }) => until <= now)) stream.count('UnknownKey');
  }

  /** Drops a member's frames: it is gone. */
  forget(from: number): void {
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

  #take(isWanted: (each: Waiting) => boolean): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    for (const each of this.#waiting) (isWanted(each) ? taken : left).push(each);
    this.#waiting = left;
    for (const { length } of taken) this.#bytes -= length;
    return taken;
  }
}
