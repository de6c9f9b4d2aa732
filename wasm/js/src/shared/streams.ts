// What streams carry, and what is told of them.

import type { ErrorCode } from './errors.js';
import type { Codec, StreamKind } from './ids.js';

/** A stream of ours. `index` tells several of a kind apart; 0 unless given. */
export interface SentStream {
  kind: StreamKind;
  index?: number;
  /**
   * Taken from what the connection negotiated unless given, and whenever that changes. Sound of
   * which 'opus' is told may come with redundancy.
   */
  codec?: Codec | null;
}

/**
 * Of whom a stream is: an address in a call that was joined, a member's number where all share a
 * secret.
 */
export type Source = string | number;

/** A stream of somebody. */
export interface ReceivedStream extends SentStream {
  from: Source;
}

/** How a stream stands. */
export type State =
  /** Nothing has come, or its key is not known yet. */
  | 'waiting'
  /** Frames went through the worker, and the connection's own counters agree. */
  | 'encrypted'
  /** Frames come, and do not open or seal; `code` says why. */
  | 'failing'
  /** Media went past the worker, and have been turned off. */
  | 'leaking'
  /**
   * The browser's own stream of frames broke: nothing of it comes any more. Other streams go on.
   */
  | 'broken';

/** Why a stream is not encrypted. */
export type StateCode = ErrorCode | 'Bypassed' | 'StreamBroken';

/** What may be shown of a stream. */
export interface StreamState {
  direction: 'seal' | 'open';
  from?: Source | undefined;
  kind?: StreamKind | undefined;
  index?: number | undefined;
  state: State;
  code: StateCode | null;
  /** Of a stream that is broken: what the browser says. */
  message?: string;
  /** Frames sealed or opened so far. */
  opened: number;
  /**
   * Frames dropped so far, without those that have no bytes: they are padding, and nothing is said
   * of them.
   */
  failed: number;
}

/** A stream's frames are sealed, or open, with another key from now on. */
export interface KeyChange {
  direction: 'seal' | 'open';
  from?: Source | undefined;
  kind: StreamKind;
  index: number;
  /**
   * The key's KID (RFC 9605 section 4.3): the first of all, one that was announced anew, or the
   * next ratchet step.
   */
  kid: bigint;
}

/** One frame before and after, for demonstrations and tests. */
export interface ObservedFrame {
  direction: 'sealed' | 'opened';
  from?: Source | undefined;
  kind: StreamKind;
  index: number;
  clear: Uint8Array;
  wire: Uint8Array;
}

/** Whether a frame opened. */
export type Tried = { ok: true } | { ok: false; code: ErrorCode };
