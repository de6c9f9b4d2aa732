// A participant's keys in LiveKit's format, in the module; or everybody's, where one key is shared.

import { LiveKitCryptor, errorName } from '../../../../build/sealframe_profiles.js';
import { memory, region, room } from '../sync-module.js';

const PBKDF2_ITERATIONS = 100_000;
/** Bytes of what follows from a key. */
const MATERIAL_LENGTH = 32;

export class LiveKitKeys {
  #cryptor;
  #salt;
  #tell;
  #ringSize;
  /** By index: what its material is for, HKDF or PBKDF2. */
  #algorithms = [];
  /** By identity. */
  #numbers = new Map();

  /**
   * `options` as livekit-client's key provider has them. `tell` is called with `{keyIndex, ratchetResult}` when a key
   * has moved on: by order, or because a frame has proven it.
   */
  constructor({ ratchetSalt, ratchetWindowSize, keyringSize, keySize }, tell) {
    this.#salt = new TextEncoder().encode(ratchetSalt);
    this.#cryptor = new LiveKitCryptor(this.#salt, keySize, keyringSize, ratchetWindowSize);
    this.#tell = tell;
    this.#ringSize = keyringSize;
  }

  /**
   * Installs what a `CryptoKey` for HKDF or PBKDF2 derives. A key that an index has begun with is not installed there again:
   * it would go back to before it was ratcheted.
   */
  async set(material, keyIndex = 0, isCurrent = true) {
    const { name } = material.algorithm;
    const derived = await derive(material, this.#salt);
    const index = this.#cryptor.set(keyIndex < 0 ? this.#cryptor.currentIndex : keyIndex, derived, name === 'PBKDF2', isCurrent);
    derived.fill(0);
    this.#algorithms[index] = name;
  }

  /** Moves a key one step on, the one that seals if no index is given. */
  async ratchet(given = -1) {
    const keyIndex = given < 0 ? this.#cryptor.currentIndex : given % this.#ringSize;
    const next = memory.taken(this.#cryptor.nextOffset(keyIndex), MATERIAL_LENGTH);
    if (next === undefined) throw 'UnknownKey';
    const material = await this.#imported(next, keyIndex);
    const derived = await derive(material, this.#salt);
    this.#cryptor.advance(keyIndex, derived);
    derived.fill(0);
    this.#tell({ keyIndex, ratchetResult: { chainKey: next.buffer, cryptoKey: material } });
  }

  /** What comes out is new bytes, or a string that says why not. */
  seal(frame, { codec, type, ssrc, rtpTimestamp }) {
    return this.#run(frame, (length) => this.#cryptor.seal(region, length, codec, type, ssrc, rtpTimestamp));
  }

  /** As `seal`, for a frame of this participant. */
  open(identity, wire, { codec, type }) {
    const number = this.#numberOf(identity);
    const opened = this.#run(wire, (length) => this.#cryptor.open(number, region, length, codec, type));
    this.#follow(number);
    return opened;
  }

  /** `{payload, iv, keyIndex}` of a data packet; throws a code. */
  sealData(data) {
    const payload = this.#run(data, (length) => this.#cryptor.sealData(region, length, performance.now()));
    if (typeof payload === 'string') throw payload;
    return { payload, iv: this.#cryptor.iv, keyIndex: this.#cryptor.currentIndex };
  }

  /** A participant's data packet; throws a code. */
  openData(identity, payload, iv, keyIndex) {
    const number = this.#numberOf(identity);
    const opened = this.#run(payload, (length) => this.#cryptor.openData(number, region, length, keyIndex, iv));
    this.#follow(number);
    if (typeof opened === 'string') throw opened;
    return opened;
  }

  /** Each participant has counts of its own, also under a key that all share. */
  #numberOf(identity) {
    let number = this.#numbers.get(identity);
    if (number === undefined) {
      number = this.#cryptor.addParticipant();
      this.#numbers.set(identity, number);
    }
    return number;
  }

  #run(bytes, work) {
    const result = room.run(bytes, work);
    return typeof result === 'number' ? errorName(result) : result;
  }

  /** Tells that a frame has proven a ratchet. The page may want to hand the key on, so it gets it. */
  #follow(number) {
    const keyIndex = this.#cryptor.takeRatcheted(number);
    if (keyIndex === undefined) return;
    const chainKey = memory.taken(this.#cryptor.materialOffset(number, keyIndex), this.#cryptor.materialLength(number, keyIndex));
    this.#imported(chainKey, keyIndex)
      .then((cryptoKey) => this.#tell({ keyIndex, ratchetResult: { chainKey: chainKey.buffer, cryptoKey } }));
  }

  #imported(bytes, keyIndex) {
    return crypto.subtle.importKey('raw', bytes, this.#algorithms[keyIndex], false, ['deriveBits', 'deriveKey']);
  }
}

/** 32 bytes: what frames are encrypted with, and the material of the next step. */
async function derive(material, salt) {
  const hash = 'SHA-256';
  const { name } = material.algorithm;
  const parameters = name === 'PBKDF2'
    ? { name, hash, salt, iterations: PBKDF2_ITERATIONS }
    : { name, hash, salt, info: new Uint8Array(128) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, material, 256));
}
