// Frames in the formats of Jitsi, LiveKit and Discord, without a connection around them: for a
// worker of one's own, a bot, a gateway, a test. In Node.js too. A frame without bytes, as padding
// of RTP is, does not open ('TooShort'): drop it before.

import { type FrameInfo, type SentFrameInfo, labelled, labelledToSeal } from './frame-info.js';
import { FrameRoom, LinearMemory } from './frame-memory.js';
import {
  type DaveOptions, type JitsiOptions, type KeyOptions, type LiveKitOptions, daveOptionsOf, fromOf, jitsiOptionsOf, keyOptionsOf,
  liveKitOptionsOf,
} from './options.js';
import { moduleSource } from '../loader/profiles-browser.js';
import {
  type Bounds, type OwnBytes, U8, U32, bigintOf, bytesOf, encoded, fieldsOf, integerOf, notByNew, shortOf, stringOf, timeOf,
  viewOf,
} from '../shared/arguments.js';
import type { Bytes } from '../shared/bytes.js';
import { type ErrorCode, SealframeError, withErrors } from '../shared/errors.js';
import init, {
  DaveOpener as Opener, DaveSealer as Sealer, JitsiCryptor, LiveKitCryptor, Region, daveCode, davePairwiseFingerprint, errorName,
} from '../../../build/sealframe_profiles.js';

export { SealframeError };
export type { Bytes, ErrorCode };
export type { FrameInfo, SentFrameInfo } from './frame-info.js';
export type { DaveOptions, JitsiOptions, KeyOptions, LiveKitOptions } from './options.js';
export type { FrameType, ProfileCodec } from '../shared/ids.js';

/** What the constructors below are called with by this module alone. */
const OURS = Symbol('ours');
/** Bytes of a key of Jitsi, and of what follows from a key of LiveKit. */
const MATERIAL_LENGTH = 32;
/** Bytes that a group exports for a member of a DAVE call. */
const BASE_SECRET_LENGTH = 16;
/** Random bytes of LiveKit: fewer are no key of AES-128. */
const LEAST_KEY_LENGTH = 16;

/** The module of this thread. */
interface Loaded {
  memory: LinearMemory;
  region: Region;
  room: FrameRoom;
}

let loading: Promise<Loaded> | undefined;
let loaded: Loaded | undefined;

async function load(): Promise<void> {
  // A failed load may be tried again.
  loading ??= (async () => {
    const memory = new LinearMemory((await init({ module_or_path: await moduleSource() })).memory);
    const region = new Region();
    return { memory, region, room: new FrameRoom(memory, region) };
  })();
  try {
    loaded = await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** There once something of the module is: only `load` leads to that. */
function parts(): Loaded {
  if (loaded === undefined) throw new SealframeError('NotStarted');
  return loaded;
}

function run(bytes: OwnBytes, work: (region: Region, length: number) => number): OwnBytes {
  const { region, room } = parts();
  const result = room.run(bytes, (length) => work(region, length));
  if (typeof result === 'number') throw new SealframeError(errorName(result) as ErrorCode);
  return result;
}

const taken = (offset: number, length: number): OwnBytes | undefined => parts().memory.taken(offset, length);

const frameOf = (frame: unknown): OwnBytes => viewOf(frame, 'a frame');
const indexOf = (index: unknown): number => integerOf(index, 'index', U32);
const exactly = (length: number): Bounds => ({ least: length, most: length, code: 'KeyRefused' });

/** An object of the module, until it is freed. */
class Held<T extends { free(): void }> {
  #object: T | null;

  constructor(object: T) {
    this.#object = object;
  }

  get(): T {
    if (this.#object === null) throw new SealframeError('NotStarted', 'freed');
    return this.#object;
  }

  free(): void {
    this.#object?.free();
    this.#object = null;
  }
}

/** One participant of a Jitsi conference. */
export class JitsiFrames {
  #held: Held<JitsiCryptor>;

  /** Use `JitsiFrames.start`. */
  private constructor(key: symbol, cryptor: JitsiCryptor) {
    if (key !== OURS) throw notByNew('JitsiFrames.start');
    this.#held = new Held(cryptor);
  }

  /** Counts begin at random unless `firstCount` says where. */
  static async start(options?: JitsiOptions): Promise<JitsiFrames> {
    const { firstCount } = jitsiOptionsOf(options);
    await load();
    return new JitsiFrames(OURS, withErrors(() => new JitsiCryptor(firstCount)));
  }

  /**
   * Takes 32 bytes, and seals with them from now on; any other number is 'KeyRefused'. An index is
   * 0 to 2^32 - 1, and goes round in a ring of 16. Returns the index on the wire.
   */
  setKey(index: number, material: Bytes): number {
    indexOf(index);
    const bytes = viewOf(material, 'material', exactly(MATERIAL_LENGTH));
    return withErrors(() => this.#held.get().setKey(index, bytes));
  }

  /** Wipes the key at an index. */
  removeKey(index: number): void {
    this.#held.get().removeKey(indexOf(index));
  }

  /** Moves a key one step on. Others find out by its frames. */
  ratchet(index: number): void {
    indexOf(index);
    withErrors(() => this.#held.get().ratchet(index));
  }

  /** The present bytes of a key, for a participant that may listen from here on. */
  material(index: number): Uint8Array | undefined {
    indexOf(index);
    const cryptor = this.#held.get();
    return taken(cryptor.keyOffset(index), MATERIAL_LENGTH);
  }

  /** The sealed frame, as new bytes. Throws a `SealframeError`. */
  seal(frame: Bytes, info: SentFrameInfo): Uint8Array {
    const { type, ssrc, rtpTimestamp } = labelledToSeal(info);
    const cryptor = this.#held.get();
    return run(frameOf(frame), (region, length) => cryptor.seal(region, length, type, ssrc, rtpTimestamp));
  }

  /** The clear frame, as new bytes. Throws a `SealframeError` for a frame that does not open. */
  open(wire: Bytes, info: FrameInfo): Uint8Array {
    const { type } = labelled(info);
    const cryptor = this.#held.get();
    return run(frameOf(wire), (region, length) => cryptor.open(region, length, type));
  }

  /** Forgets what a stream of others has opened, once it has ended: its frames would open again. */
  forgetStream(ssrc: number): void {
    integerOf(ssrc, 'ssrc', U32);
    this.#held.get().forgetStream(ssrc);
  }

  /** Wipes all keys. */
  free(): void {
    this.#held.free();
  }
}

/** A sealed data packet. */
export interface DataPacket {
  payload: Uint8Array;
  iv: Uint8Array;
  keyIndex: number;
}

/** A data packet that has come. */
export interface ReceivedDataPacket {
  payload: Bytes;
  /** 12 bytes. */
  iv: Bytes;
  keyIndex: number;
}

/** One participant of a LiveKit room, or all of them where one key is shared. */
export class LiveKitFrames {
  #held: Held<LiveKitCryptor>;
  #numbers = new Map<string, number>();

  /** Use `LiveKitFrames.start`. */
  private constructor(key: symbol, cryptor: LiveKitCryptor) {
    if (key !== OURS) throw notByNew('LiveKitFrames.start');
    this.#held = new Held(cryptor);
  }

  /** Without keys. */
  static async start(options?: LiveKitOptions): Promise<LiveKitFrames> {
    const { ratchetSalt, keySize, keyringSize, ratchetWindowSize, peer, firstCount } = liveKitOptionsOf(options);
    await load();
    const isNative = peer === 'native';
    return new LiveKitFrames(OURS, withErrors(() =>
      new LiveKitCryptor(encoded(ratchetSalt), keySize, keyringSize, ratchetWindowSize, firstCount, isNative)));
  }

  /**
   * Takes a key, and seals with it from now on unless `use` is false. A passphrase, which is not
   * empty, goes through PBKDF2 and bytes through HKDF as in livekit-client, unless `kdf` says
   * otherwise; HKDF takes 16 bytes at least, PBKDF2 one, and fewer are 'KeyRefused'. Returns the
   * index on the wire.
   */
  setKey(index: number, key: string | Bytes, options?: KeyOptions): number {
    indexOf(index);
    const { kdf, use } = keyOptionsOf(options, key);
    // A passphrase may be short, but it is there.
    const floor: Bounds = { least: kdf === 'HKDF' ? LEAST_KEY_LENGTH : 1, code: 'KeyRefused' };
    const isText = typeof key === 'string';
    const material = viewOf(isText ? encoded(stringOf(key, 'key')) : key, 'key', floor);
    try {
      return withErrors(() => this.#held.get().setMaterial(index, material, kdf === 'PBKDF2', use));
    } finally {
      if (isText) material.fill(0);
    }
  }

  /** Moves a key one step on. It does not protect what was sealed before. */
  ratchet(index: number): void {
    indexOf(index);
    withErrors(() => this.#held.get().ratchet(index));
  }

  /** The bytes of a key's next step. */
  nextMaterial(index: number): Uint8Array | undefined {
    indexOf(index);
    const cryptor = this.#held.get();
    return taken(cryptor.nextOffset(index), MATERIAL_LENGTH);
  }

  /** The present bytes of a participant's key, once it has been ratcheted. */
  material(index: number, from = ''): Uint8Array | undefined {
    indexOf(index);
    fromOf(from);
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    return taken(cryptor.materialOffset(number, index), cryptor.materialLength(number, index));
  }

  /** The sealed frame, as new bytes. Throws a `SealframeError`. */
  seal(frame: Bytes, info: SentFrameInfo): Uint8Array {
    const { codec, type, ssrc, rtpTimestamp } = labelledToSeal(info);
    const cryptor = this.#held.get();
    return run(frameOf(frame), (region, length) => cryptor.seal(region, length, codec, type, ssrc, rtpTimestamp));
  }

  /**
   * The clear frame, as new bytes. `from` tells participants apart where one key is shared: each
   * has counts of its own. Throws a `SealframeError` for a frame that does not open.
   */
  open(wire: Bytes, info: FrameInfo, from = ''): Uint8Array {
    const { codec, type } = labelled(info);
    fromOf(from);
    const bytes = frameOf(wire);
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    return run(bytes, (region, length) => cryptor.open(number, region, length, codec, type));
  }

  /**
   * Forgets what a stream of a participant has opened, once it has ended: its frames would open
   * again.
   */
  forgetStream(ssrc: number, from = ''): void {
    integerOf(ssrc, 'ssrc', U32);
    fromOf(from);
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    cryptor.forgetStream(number, ssrc);
  }

  /** Seals a data packet. `now` is in milliseconds, by any clock. */
  sealData(data: Bytes, now = performance.now()): DataPacket {
    timeOf(now, 'now');
    const bytes = viewOf(data, 'data');
    const cryptor = this.#held.get();
    // 32 bits of it go into the nonce, beside a count.
    const payload = run(bytes, (region, length) => cryptor.sealData(region, length, Math.floor(now) % 2 ** 32));
    return { payload, iv: cryptor.iv, keyIndex: cryptor.currentIndex };
  }

  /** The bytes of a data packet. Throws a `SealframeError` for a packet that does not open. */
  openData(packet: ReceivedDataPacket, from = ''): Uint8Array {
    const { payload, iv, keyIndex } = fieldsOf(packet, 'a packet');
    fromOf(from);
    const index = integerOf(keyIndex, 'keyIndex', U8);
    const [bytes, nonce] = [viewOf(payload, 'payload'), viewOf(iv, 'iv')];
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    return run(bytes, (region, length) => cryptor.openData(number, region, length, index, nonce));
  }

  /** Wipes all keys. */
  free(): void {
    this.#held.free();
  }

  #numberOf(from: string): number {
    let number = this.#numbers.get(from);
    if (number === undefined) {
      number = this.#held.get().addParticipant();
      this.#numbers.set(from, number);
    }
    return number;
  }
}

/** Our own frames of one epoch of a DAVE call. */
export class DaveSealer {
  #held: Held<Sealer>;

  /** Use `DaveSealer.start`. */
  private constructor(key: symbol, sealer: Sealer) {
    if (key !== OURS) throw notByNew('DaveSealer.start');
    this.#held = new Held(sealer);
  }

  /**
   * With the 16 bytes that the MLS group exports for us; any other number is 'KeyRefused'. Take one
   * sealer for each secret: a second would repeat its nonces.
   */
  static async start(baseSecret: Bytes, options?: DaveOptions): Promise<DaveSealer> {
    const { clear } = daveOptionsOf(options);
    // Taken before anything is waited for, and wiped once the module has it.
    const copy = bytesOf(baseSecret, 'baseSecret', exactly(BASE_SECRET_LENGTH));
    try {
      await load();
      return new DaveSealer(OURS, withErrors(() => new Sealer(copy, clear === 'parameter sets')));
    } finally {
      copy.fill(0);
    }
  }

  /** Spends all nonces up to this one: goes on behind a sealer that is gone. */
  skipTo(nonce: bigint): void {
    bigintOf(nonce, 'nonce');
    withErrors(() => this.#held.get().skipTo(nonce));
  }

  /** The last nonce that was spent. */
  get nonces(): bigint {
    return this.#held.get().nonces;
  }

  /** The sealed frame, as new bytes. Throws a `SealframeError`. */
  seal(frame: Bytes, info: FrameInfo): Uint8Array {
    const { codec } = labelled(info);
    const sealer = this.#held.get();
    return run(frameOf(frame), (region, length) => sealer.seal(region, length, codec));
  }

  /** Wipes its keys. */
  free(): void {
    this.#held.free();
  }
}

/** One other member's frames of a DAVE call. */
export class DaveOpener {
  #held: Held<Opener>;

  /** Use `DaveOpener.start`. */
  private constructor(key: symbol, opener: Opener) {
    if (key !== OURS) throw notByNew('DaveOpener.start');
    this.#held = new Held(opener);
  }

  /** Without secrets. */
  static async start(): Promise<DaveOpener> {
    await load();
    return new DaveOpener(OURS, new Opener());
  }

  /**
   * Takes the 16 bytes that the group exports for this member in a new epoch, 0 to 2^64 - 1.
   * Secrets of earlier epochs are erased 10 s later. `now` is in milliseconds, by any clock.
   */
  addEpoch(epoch: bigint, baseSecret: Bytes, now = performance.now()): void {
    bigintOf(epoch, 'epoch');
    timeOf(now, 'now');
    const secret = viewOf(baseSecret, 'baseSecret', exactly(BASE_SECRET_LENGTH));
    withErrors(() => this.#held.get().addEpoch(epoch, secret, now));
  }

  /** The clear frame, as new bytes. Throws a `SealframeError` for a frame that does not open. */
  open(wire: Bytes, now = performance.now()): Uint8Array {
    timeOf(now, 'now');
    const opener = this.#held.get();
    return run(frameOf(wire), (region, length) => opener.open(region, length, now));
  }

  /** The epoch of the frame that was last opened. */
  get epoch(): bigint {
    return this.#held.get().epoch;
  }

  /** The nonce of the frame that was last opened; its generation is above the low 24 bits. */
  get nonce(): bigint {
    return this.#held.get().nonce;
  }

  /** Wipes its keys. */
  free(): void {
    this.#held.free();
  }
}

/** The 30 digits that the members of a DAVE call compare, of an epoch's authenticator. */
export async function daveEpochCode(authenticator: Bytes): Promise<string> {
  const bytes = bytesOf(authenticator, 'authenticator');
  await load();
  return withErrors(() => daveCode(bytes, 30, 5));
}

/** A member of a DAVE call. */
export interface DaveIdentity {
  /** Its identity key. */
  key: Bytes;
  /** Discord's number for it. */
  user: bigint;
}

/** The 45 digits that two members compare. Takes a second. */
export async function davePairwiseCode(one: DaveIdentity, other: DaveIdentity, version = 0): Promise<string> {
  shortOf(version, 'version');
  const [our, their] = [identityOf(one), identityOf(other)];
  await load();
  return withErrors(() => daveCode(davePairwiseFingerprint(version, our.key, our.user, their.key, their.user), 45, 5));
}

function identityOf(identity: unknown): { key: OwnBytes; user: bigint } {
  const { key, user } = fieldsOf(identity, 'an identity');
  const number = bigintOf(user, 'user');
  return { key: bytesOf(key, 'key', { least: 1, code: 'DigitsRefused' }), user: number };
}
