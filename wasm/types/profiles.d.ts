// Frames in the formats of Jitsi, LiveKit and Discord, without a connection around them. What each
// thing does is said once, where it is written: in `profiles.js`. A frame without bytes, as padding
// of RTP is, does not open ('TooShort'): drop it before.

import type { Bytes } from './index.js';

export { SealframeError } from './index.js';
export type { Bytes } from './index.js';

export type ProfileCodec = 'opus' | 'vp8' | 'vp9' | 'h264' | 'h265' | 'av1';

/** What the formats have to know of a frame. A receiver needs no SSRC and no timestamp: they come with it. */
export interface FrameInfo {
  /** null if it is not known. */
  codec?: ProfileCodec | null;
  /** What it is to its decoder; sound unless given. */
  type?: 'audio' | 'key' | 'delta' | 'empty';
  /** 0 to 2^32 - 1. */
  ssrc?: number;
  /** The frame's own, in units of the codec's clock: 0 to 2^32 - 1. */
  rtpTimestamp?: number;
}

/** A frame to be sealed as Jitsi and LiveKit do: nonces are made of its SSRC and timestamp. */
export interface SentFrameInfo extends FrameInfo {
  ssrc: number;
  rtpTimestamp: number;
}

/** One participant of a Jitsi conference. */
export class JitsiFrames {
  private constructor();
  static start(options?: { firstCount?: number }): Promise<JitsiFrames>;
  /** 32 bytes; any other number is 'KeyRefused'. An index is 0 to 2^32 - 1, and goes round in a ring of 16. */
  setKey(index: number, material: Bytes): number;
  removeKey(index: number): void;
  ratchet(index: number): void;
  material(index: number): Uint8Array | undefined;
  seal(frame: Bytes, info: SentFrameInfo): Uint8Array;
  open(wire: Bytes, info: FrameInfo): Uint8Array;
  forgetStream(ssrc: number): void;
  free(): void;
}

export interface LiveKitOptions {
  ratchetSalt?: string;
  keySize?: 128 | 256;
  /** 1 to 256. */
  keyringSize?: number;
  /** 0 to 255. */
  ratchetWindowSize?: number;
  /** Whose frames are made, where they differ; those of both open. */
  peer?: 'livekit-client' | 'native';
  /** 0 to 65535. */
  firstCount?: number;
}

export interface DataPacket {
  payload: Uint8Array;
  iv: Uint8Array;
  keyIndex: number;
}

export interface ReceivedDataPacket {
  payload: Bytes;
  /** 12 bytes. */
  iv: Bytes;
  keyIndex: number;
}

/** One participant of a LiveKit room, or all of them where one key is shared. */
export class LiveKitFrames {
  private constructor();
  static start(options?: LiveKitOptions): Promise<LiveKitFrames>;
  /** A passphrase that is not empty, or bytes: 16 at least with HKDF, one with PBKDF2. Fewer are 'KeyRefused'. */
  setKey(index: number, key: string | Bytes, options?: { kdf?: 'PBKDF2' | 'HKDF'; use?: boolean }): number;
  ratchet(index: number): void;
  nextMaterial(index: number): Uint8Array | undefined;
  material(index: number, from?: string): Uint8Array | undefined;
  seal(frame: Bytes, info: SentFrameInfo): Uint8Array;
  open(wire: Bytes, info: FrameInfo, from?: string): Uint8Array;
  forgetStream(ssrc: number, from?: string): void;
  sealData(data: Bytes, now?: number): DataPacket;
  openData(packet: ReceivedDataPacket, from?: string): Uint8Array;
  free(): void;
}

/** Our own frames of one epoch of a DAVE call. */
export class DaveSealer {
  private constructor();
  /** 16 bytes; any other number is 'KeyRefused'. */
  static start(baseSecret: Bytes, options?: { clear?: 'without picture' | 'parameter sets' }): Promise<DaveSealer>;
  skipTo(nonce: bigint): void;
  readonly nonces: bigint;
  seal(frame: Bytes, info: FrameInfo): Uint8Array;
  free(): void;
}

/** One other member's frames of a DAVE call. */
export class DaveOpener {
  private constructor();
  static start(): Promise<DaveOpener>;
  /** An epoch is 0 to 2^64 - 1. */
  addEpoch(epoch: bigint, baseSecret: Bytes, now?: number): void;
  open(wire: Bytes, now?: number): Uint8Array;
  readonly epoch: bigint;
  readonly nonce: bigint;
  free(): void;
}

export function daveEpochCode(authenticator: Bytes): Promise<string>;

export interface DaveIdentity {
  key: Bytes;
  user: bigint;
}

export function davePairwiseCode(one: DaveIdentity, other: DaveIdentity, version?: number): Promise<string>;
