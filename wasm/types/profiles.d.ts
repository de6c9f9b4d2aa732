// Frames in the formats of Jitsi, LiveKit and Discord, without a connection around them. What each thing does is said once, where it
// is written: in `profiles.js`.

export { SealframeError } from './index.js';

export type ProfileCodec = 'opus' | 'vp8' | 'vp9' | 'h264' | 'h265' | 'av1';

/** What the formats have to know of a frame. A receiver needs no SSRC and no timestamp: they come with it. */
export interface FrameInfo {
  /** null if it is not known. */
  codec?: ProfileCodec | null;
  /** What it is to its decoder; sound unless given. */
  type?: 'audio' | 'key' | 'delta' | 'empty';
  ssrc?: number;
  /** The frame's own, in units of the codec's clock: nonces are made of it. */
  rtpTimestamp?: number;
}

/** One participant of a Jitsi conference. */
export class JitsiFrames {
  private constructor();
  static start(options?: { firstCount?: number }): Promise<JitsiFrames>;
  setKey(index: number, material: Uint8Array): number;
  removeKey(index: number): void;
  ratchet(index: number): void;
  material(index: number): Uint8Array | undefined;
  seal(frame: Uint8Array, info: FrameInfo): Uint8Array;
  open(wire: Uint8Array, info: FrameInfo): Uint8Array;
  forgetStream(ssrc: number): void;
  free(): void;
}

export interface LiveKitOptions {
  ratchetSalt?: string;
  keySize?: 128 | 256;
  keyringSize?: number;
  ratchetWindowSize?: number;
  /** Whose frames are made, where they differ; those of both open. */
  peer?: 'livekit-client' | 'native';
  firstCount?: number;
}

export interface DataPacket {
  payload: Uint8Array;
  iv: Uint8Array;
  keyIndex: number;
}

/** One participant of a LiveKit room, or all of them where one key is shared. */
export class LiveKitFrames {
  private constructor();
  static start(options?: LiveKitOptions): Promise<LiveKitFrames>;
  setKey(index: number, key: string | Uint8Array, options?: { kdf?: 'PBKDF2' | 'HKDF'; use?: boolean }): number;
  ratchet(index: number): void;
  nextMaterial(index: number): Uint8Array | undefined;
  material(index: number, from?: string): Uint8Array | undefined;
  seal(frame: Uint8Array, info: FrameInfo): Uint8Array;
  open(wire: Uint8Array, info: FrameInfo, from?: string): Uint8Array;
  forgetStream(ssrc: number, from?: string): void;
  sealData(data: Uint8Array, now?: number): DataPacket;
  openData(packet: DataPacket, from?: string): Uint8Array;
  free(): void;
}

/** Our own frames of one epoch of a DAVE call. */
export class DaveSealer {
  private constructor();
  static start(baseSecret: Uint8Array, options?: { clear?: 'without picture' | 'parameter sets' }): Promise<DaveSealer>;
  skipTo(nonce: bigint): void;
  readonly nonces: bigint;
  seal(frame: Uint8Array, info: FrameInfo): Uint8Array;
  free(): void;
}

/** One other member's frames of a DAVE call. */
export class DaveOpener {
  private constructor();
  static start(): Promise<DaveOpener>;
  addEpoch(epoch: bigint, baseSecret: Uint8Array, now?: number): void;
  open(wire: Uint8Array, now?: number): Uint8Array;
  readonly epoch: bigint;
  readonly nonce: bigint;
  free(): void;
}

export function daveEpochCode(authenticator: Uint8Array): Promise<string>;

export interface DaveIdentity {
  key: Uint8Array;
  user: bigint;
}

export function davePairwiseCode(one: DaveIdentity, other: DaveIdentity, version?: number): Promise<string>;
