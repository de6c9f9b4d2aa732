// Frames without a connection around them: for a worker of one's own, a bot, a gateway, a test. In Node.js too.

import type { Bytes, Codec, Framing, StreamKind } from './index.js';

export { SealframeError } from './index.js';
export type { Bytes, Codec, ErrorCode, Framing, StreamKind } from './index.js';

/** One member of a call whose members share one secret: its keys, and frames sealed and opened with them. */
export class Frames {
  private constructor();
  static start(options: { secret: Bytes; member: number; framing?: Framing }): Promise<Frames>;
  announcement(): Uint8Array;
  addMember(from: number, announcement: Bytes): void;
  removeMember(from: number): void;
  ratchet(): void;
  sealer(stream: { kind: StreamKind; index?: number; codec: Codec }): Sealer;
  opener(stream: { from: number; kind: StreamKind; index?: number; codec: Codec }): Opener;
  /** Wipes all keys. This, its sealers and its openers refuse everything from now on: 'NotStarted'. */
  free(): void;
}

export class Sealer {
  private constructor();
  /** KID (RFC 9605 section 4.3) of the last frame. */
  readonly kid: bigint | null;
  /**
   * The sealed frame, as new bytes. One without bytes is sealed too, except where its codec must
   * have some. Throws a `SealframeError`.
   */
  seal(frame: Bytes): Uint8Array;
}

export class Opener {
  private constructor();
  /** KID of the last frame that opened; it changes when the sender has another key, or moves its key on. */
  readonly kid: bigint | null;
  /**
   * The clear frame, as new bytes. Throws a `SealframeError` for what does not open; then nothing
   * has changed. One without bytes, as padding of RTP is, is 'TooShort': drop it before.
   */
  open(wire: Bytes): Uint8Array;
}
