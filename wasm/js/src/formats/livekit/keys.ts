// A participant's keys in LiveKit's format, in the module; or those of all, where one key is
// shared.

import type { FrameLabel } from '../frame-info.js';
import type { LiveKitOptions } from '../options.js';
import { memory, region, room } from '../sync-module.js';
import type { OwnBytes } from '../../shared/arguments.js';
import { LiveKitCryptor, errorName } from '../../../../build/sealframe_profiles.js';

const PBKDF2_ITERATIONS = 100_000;
/** Bytes of what follows from a key. */
const MATERIAL_LENGTH = 32;

/** The options of livekit-client's key provider. */
export type ProviderOptions = Required<Pick<LiveKitOptions, 'ratchetSalt' | 'ratchetWindowSize' | 'keyringSize' | 'keySize'>>
  & { sharedKey: boolean };

/** A key that has moved on. */
export interface Ratcheted {
  keyIndex: number;
  ratchetResult: { chainKey: ArrayBuffer; cryptoKey: CryptoKey };
}

/** A sealed data packet. */
export interface SealedData {
  payload: OwnBytes;
  iv: Uint8Array;
  keyIndex: number;
}

/** The keys of one participant, or of all. */
export class LiveKitKeys {
  #cryptor: LiveKitCryptor;
  #salt: OwnBytes;
  #tell: (ratcheted: Ratcheted) => void;
  #ringSize: number;
  /** By index: what its material is for, HKDF or PBKDF2. */
  #algorithms: string[] = [];
  /** By identity. */
  #numbers = new Map<string, number>();

  /** `tell` is called when a key has moved on: by order, or because a frame has proven it. */
  constructor({ ratchetSalt, ratchetWindowSize, keyringSize, keySize }: ProviderOptions, tell: (ratcheted: Ratcheted) => void) {
    this.#salt = new TextEncoder().encode(ratchetSalt);
    this.#cryptor = new LiveKitCryptor(this.#salt, keySize, keyringSize, ratchetWindowSize);
    this.#tell = tell;
    this.#ringSize = keyringSize;
  }

  /**
   * Installs what a `CryptoKey` for HKDF or PBKDF2 derives. A key that an index has begun with is
   * not installed there again: it would go back to before it was ratcheted.
   */
  async set(material: CryptoKey, keyIndex = 0, isCurrent = true): Promise<void> {
    const { name } = material.algorithm;
    const derived = await derive(material, this.#salt);
    const index = this.#cryptor.set(keyIndex < 0 ? this.#cryptor.currentIndex : keyIndex, derived, name === 'PBKDF2', isCurrent);
    derived.fill(0);
    this.#algorithms[index] = name;
  }

  /** Moves a key one step on, the one that seals if no index is given. */
  async ratchet(given = -1): Promise<void> {
    const keyIndex = given < 0 ? this.#cryptor.currentIndex : given % this.#ringSize;
    const next = memory.taken(this.#cryptor.nextOffset(keyIndex), MATERIAL_LENGTH);
    if (next === undefined) throw 'UnknownKey';
    const material = await this.#imported(next, keyIndex);
    const derived = await derive(material, this.#salt);
    this.#cryptor.advance(keyIndex, derived);
    derived.fill(0);
    this.#tell({ keyIndex, ratchetResult: { chainKey: next.buffer, cryptoKey: material } });
  }

  /** New bytes, or a code that says why not. */
  seal(frame: OwnBytes, { codec, type, ssrc, rtpTimestamp }: FrameLabel): OwnBytes | string {
    return this.#run(frame, (length) => this.#cryptor.seal(region, length, codec, type, ssrc, rtpTimestamp));
  }

  /** Opens a frame of this participant: new bytes, or a code that says why not. */
  open(identity: string, wire: OwnBytes, { codec, type }: FrameLabel): OwnBytes | string {
    const number = this.#numberOf(identity);
    const opened = this.#run(wire, (length) => this.#cryptor.open(number, region, length, codec, type));
    this.#follow(number);
    return opened;
  }

  /** Seals a data packet; throws a code. */
  sealData(data: OwnBytes): SealedData {
    const payload = this.#run(data, (length) => this.#cryptor.sealData(region, length, performance.now()));
    if (typeof payload === 'string') throw payload;
    return { payload, iv: this.#cryptor.iv, keyIndex: this.#cryptor.currentIndex };
  }

  /** Opens a participant's data packet; throws a code. */
  openData(identity: string, payload: OwnBytes, iv: OwnBytes, keyIndex: number): OwnBytes {
    const number = this.#numberOf(identity);
    const opened = this.#run(payload, (length) => this.#cryptor.openData(number, region, length, keyIndex, iv));
    this.#follow(number);
    if (typeof opened === 'string') throw opened;
    return opened;
  }

  /** Each participant has counts of its own, also under a key that all share. */
  #numberOf(identity: string): number {
    let number = this.#numbers.get(identity);
    if (number === undefined) {
      number = this.#cryptor.addParticipant();
      this.#numbers.set(identity, number);
    }
    return number;
  }

  #run(bytes: OwnBytes, work: (length: number) => number): OwnBytes | string {
    const result = room.run(bytes, work);
    return typeof result === 'number' ? errorName(result) : result;
  }

  /**
   * Tells that a frame has proven a ratchet. The page may want to hand the key on, so it gets it.
   */
  #follow(number: number): void {
    const keyIndex = this.#cryptor.takeRatcheted(number);
    if (keyIndex === undefined) return;
    const chainKey = memory.taken(this.#cryptor.materialOffset(number, keyIndex), this.#cryptor.materialLength(number, keyIndex));
    if (chainKey === undefined) return;
    void this.#imported(chainKey, keyIndex)
      .then((cryptoKey) => this.#tell({ keyIndex, ratchetResult: { chainKey: chainKey.buffer, cryptoKey } }));
  }

  #imported(bytes: OwnBytes, keyIndex: number): Promise<CryptoKey> {
    return crypto.subtle.importKey('raw', bytes, this.#algorithms[keyIndex] ?? 'HKDF', false, ['deriveBits', 'deriveKey']);
  }
}

/** 32 bytes: what frames are encrypted with, and the material of the next step. */
async function derive(material: CryptoKey, salt: OwnBytes): Promise<OwnBytes> {
  const hash = 'SHA-256';
  const { name } = material.algorithm;
  const parameters = name === 'PBKDF2'
    ? { name, hash, salt, iterations: PBKDF2_ITERATIONS }
    : { name, hash, salt, info: new Uint8Array(128) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256));
}
