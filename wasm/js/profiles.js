// Frames in the formats of Jitsi, LiveKit and Discord, without a connection around them: for a worker of one's own, a bot, a
// gateway, a test. In Node.js too.

import { SealframeError } from './failure.js';
import { FrameMemory } from './memory.js';
import { labelled } from './profile-label.js';
import { moduleSource } from './profiles-module.js';
import init, {
  DaveOpener as Opener, DaveSealer as Sealer, JitsiCryptor, LiveKitCryptor, Region, daveCode, davePairwiseFingerprint, errorName,
} from './sealframe_profiles.js';

export { SealframeError };

/** One module for all of this thread. */
let loading;
let room;

async function load() {
  // A failed load may be tried again.
  loading ??= (async () => {
    const { memory } = await init({ module_or_path: await moduleSource() });
    room = { memory: new FrameMemory(memory), region: new Region() };
  })();
  try {
    await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

function run(bytes, work) {
  const { memory, region } = room;
  const result = memory.run(region, bytes, (length) => work(region, length));
  if (typeof result === 'number') throw new SealframeError(errorName(result));
  return result;
}

/** The module throws its codes as strings. */
function named(work) {
  try {
    return work();
  } catch (error) {
    throw typeof error === 'string' ? new SealframeError(error) : error;
  }
}

/** One participant of a Jitsi conference. */
export class JitsiFrames {
  #cryptor;

  /** Use `JitsiFrames.start`. */
  constructor(cryptor) {
    this.#cryptor = cryptor;
  }

  /** Counts begin at random unless `firstCount` says where. */
  static async start({ firstCount } = {}) {
    await load();
    return new JitsiFrames(named(() => new JitsiCryptor(firstCount)));
  }

  /** Takes 32 bytes, and seals with them from now on. Returns the index on the wire. */
  setKey(index, material) {
    return named(() => this.#cryptor.setKey(index, material));
  }

  removeKey(index) {
    this.#cryptor.removeKey(index);
  }

  /** Moves a key one step on. Others find out by its frames. */
  ratchet(index) {
    named(() => this.#cryptor.ratchet(index));
  }

  /** The present bytes of a key, for somebody who may listen from here on. */
  material(index) {
    return this.#cryptor.material(index);
  }

  seal(frame, info) {
    const { type, ssrc, rtpTimestamp } = labelled(info);
    return run(frame, (region, length) => this.#cryptor.seal(region, length, type, ssrc, rtpTimestamp));
  }

  open(wire, info) {
    const { type } = labelled(info);
    return run(wire, (region, length) => this.#cryptor.open(region, length, type));
  }

  /** Forgets what a stream of others has opened, once it has ended: its frames would open again. */
  forgetStream(ssrc) {
    this.#cryptor.forgetStream(ssrc);
  }

  /** Wipes all keys. */
  free() {
    this.#cryptor.free();
  }
}

/** One participant of a LiveKit room, or all of them where one key is shared. */
export class LiveKitFrames {
  #cryptor;
  #numbers = new Map();

  /** Use `LiveKitFrames.start`. */
  constructor(cryptor) {
    this.#cryptor = cryptor;
  }

  /** The first four as livekit-client's key provider has them; `peer` is `livekit-client` or `native`, whose frames are made. */
  static async start({
    ratchetSalt = 'LKFrameEncryptionKey', keySize = 128, keyringSize = 16, ratchetWindowSize = 8, peer = 'livekit-client', firstCount,
  } = {}) {
    await load();
    const salt = new TextEncoder().encode(ratchetSalt);
    const isNative = peer === 'native';
    return new LiveKitFrames(named(() =>
      new LiveKitCryptor(salt, keySize, keyringSize, ratchetWindowSize, firstCount, isNative)));
  }

  /**
   * Takes a key, and seals with it from now on unless `use` is false: a passphrase, or bytes, which go through PBKDF2 or HKDF
   * as livekit-client has them, or as `kdf` says. Returns the index on the wire.
   */
  setKey(index, key, { kdf = typeof key === 'string' ? 'PBKDF2' : 'HKDF', use = true } = {}) {
    const material = typeof key === 'string' ? new TextEncoder().encode(key) : key;
    return this.#cryptor.setMaterial(index, material, kdf === 'PBKDF2', use);
  }

  /** Moves a key one step on. It does not protect what was sealed before. */
  ratchet(index) {
    named(() => this.#cryptor.ratchet(index));
  }

  /** The bytes of a key's next step. */
  nextMaterial(index) {
    return this.#cryptor.next(index);
  }

  /** The present bytes of a participant's key, once it has been ratcheted. */
  material(index, from = '') {
    return this.#cryptor.material(this.#numberOf(from), index);
  }

  seal(frame, info) {
    const { codec, type, ssrc, rtpTimestamp } = labelled(info);
    return run(frame, (region, length) => this.#cryptor.seal(region, length, codec, type, ssrc, rtpTimestamp));
  }

  /** `from` tells participants apart where one key is shared: each has counts of its own. */
  open(wire, info, from = '') {
    const { codec, type } = labelled(info);
    const number = this.#numberOf(from);
    return run(wire, (region, length) => this.#cryptor.open(number, region, length, codec, type));
  }

  /** Forgets what a stream of a participant has opened, once it has ended: its frames would open again. */
  forgetStream(ssrc, from = '') {
    this.#cryptor.forgetStream(this.#numberOf(from), ssrc);
  }

  /** `{payload, iv, keyIndex}` of a data packet. `now` is in milliseconds, by any clock. */
  sealData(data, now = performance.now()) {
    const payload = run(data, (region, length) => this.#cryptor.sealData(region, length, now));
    return { payload, iv: this.#cryptor.iv, keyIndex: this.#cryptor.currentIndex };
  }

  openData({ payload, iv, keyIndex }, from = '') {
    const number = this.#numberOf(from);
    return run(payload, (region, length) => this.#cryptor.openData(number, region, length, keyIndex, iv));
  }

  /** Wipes all keys. */
  free() {
    this.#cryptor.free();
  }

  #numberOf(from) {
    let number = this.#numbers.get(from);
    if (number === undefined) {
      number = this.#cryptor.addParticipant();
      this.#numbers.set(from, number);
    }
    return number;
  }
}

/** Our own frames of one epoch of a DAVE call. */
export class DaveSealer {
  #sealer;

  /** Use `DaveSealer.start`. */
  constructor(sealer) {
    this.#sealer = sealer;
  }

  /**
   * With the 16 bytes that the MLS group exports for us. One for each secret: a second would repeat its nonces. `clear` says which
   * units of H.264 and H.265 stay readable: those `without picture`, or the `parameter sets` alone.
   */
  static async start(baseSecret, { clear = 'without picture' } = {}) {
    await load();
    return new DaveSealer(named(() => new Sealer(baseSecret, clear === 'parameter sets')));
  }

  /** Spends all nonces up to this one, a BigInt: goes on behind a sealer that is gone. */
  skipTo(nonce) {
    named(() => this.#sealer.skipTo(nonce));
  }

  /** The last nonce that was spent. */
  get nonces() {
    return this.#sealer.nonces;
  }

  seal(frame, info) {
    const { codec } = labelled(info);
    return run(frame, (region, length) => this.#sealer.seal(region, length, codec));
  }

  /** Wipes its keys. */
  free() {
    this.#sealer.free();
  }
}

/** One other member's frames of a DAVE call. */
export class DaveOpener {
  #opener;

  /** Use `DaveOpener.start`. */
  constructor(opener) {
    this.#opener = opener;
  }

  static async start() {
    await load();
    return new DaveOpener(new Opener());
  }

  /** Takes the 16 bytes that the group exports for this member in a new epoch, a BigInt. Those before are erased 10 s later. */
  addEpoch(epoch, baseSecret, now = performance.now()) {
    named(() => this.#opener.addEpoch(epoch, baseSecret, now));
  }

  open(wire, now = performance.now()) {
    return run(wire, (region, length) => this.#opener.open(region, length, now));
  }

  /** Of the frame that was last opened. */
  get epoch() {
    return this.#opener.epoch;
  }

  /** Of the frame that was last opened; its generation is above the low 24 bits. */
  get nonce() {
    return this.#opener.nonce;
  }

  /** Wipes its keys. */
  free() {
    this.#opener.free();
  }
}

/** The 30 digits that the members of a DAVE call compare, of an epoch's authenticator. */
export async function daveEpochCode(authenticator) {
  await load();
  return named(() => daveCode(authenticator, 30, 5));
}

/** The 45 digits that two members compare, each given as `{key, user}`: an identity key and a BigInt. Takes a second. */
export async function davePairwiseCode(one, other, version = 0) {
  await load();
  return named(() => daveCode(davePairwiseFingerprint(version, one.key, one.user, other.key, other.user), 45, 5));
}
