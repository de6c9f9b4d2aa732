// Frames in the formats of Jitsi, LiveKit and Discord, without a connection around them: for a worker of one's own, a bot, a
// gateway, a test. In Node.js too.

import {
  U8, U32, bigintOf, bytesOf, encoded, fieldsOf, integerOf, notByNew, shortOf, stringOf, timeOf, viewOf,
} from '../shared/arguments.js';
import { SealframeError } from '../shared/errors.js';
import { FrameRoom, LinearMemory } from './frame-memory.js';
import { labelled, labelledToSeal } from './frame-info.js';
import { moduleSource } from '../loader/profiles-browser.js';
import { daveOptionsOf, fromOf, jitsiOptionsOf, keyOptionsOf, liveKitOptionsOf } from './options.js';
import init, {
  DaveOpener as Opener, DaveSealer as Sealer, JitsiCryptor, LiveKitCryptor, Region, daveCode, davePairwiseFingerprint, errorName,
} from '../../../build/sealframe_profiles.js';

export { SealframeError };

/** What the constructors below are called with by this module alone. */
const OURS = Symbol('ours');
/** Bytes of a key of Jitsi, and of what follows from a key of LiveKit. */
const MATERIAL_LENGTH = 32;
/** Bytes that a group exports for a member of a DAVE call. */
const BASE_SECRET_LENGTH = 16;
/** Random bytes of LiveKit: fewer are no key of AES-128. */
const LEAST_KEY_LENGTH = 16;

/** One module for all of this thread. */
let loading;
let module;

async function load() {
  // A failed load may be tried again.
  loading ??= (async () => {
    const { memory } = await init({ module_or_path: await moduleSource() });
    const [linear, region] = [new LinearMemory(memory), new Region()];
    module = { memory: linear, region, room: new FrameRoom(linear, region) };
  })();
  try {
    await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

function run(bytes, work) {
  const { region, room } = module;
  const result = room.run(bytes, (length) => work(region, length));
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

const frameOf = (frame) => viewOf(frame, 'a frame');
const indexOf = (index) => integerOf(index, 'index', U32);
const exactly = (length) => ({ least: length, most: length, code: 'KeyRefused' });

/** An object of the module, until it is freed. */
class Held {
  #object;

  constructor(object) {
    this.#object = object;
  }

  get() {
    if (this.#object === null) throw new SealframeError('NotStarted', 'freed');
    return this.#object;
  }

  free() {
    this.#object?.free();
    this.#object = null;
  }
}

/** One participant of a Jitsi conference. */
export class JitsiFrames {
  #held;

  /** Use `JitsiFrames.start`. */
  constructor(key, cryptor) {
    if (key !== OURS) throw notByNew('JitsiFrames.start');
    this.#held = new Held(cryptor);
  }

  /** Counts begin at random unless `firstCount` says where. */
  static async start(options) {
    const { firstCount } = jitsiOptionsOf(options);
    await load();
    return new JitsiFrames(OURS, named(() => new JitsiCryptor(firstCount)));
  }

  /** Takes 32 bytes, and seals with them from now on. Returns the index on the wire. */
  setKey(index, material) {
    indexOf(index);
    const bytes = viewOf(material, 'material', exactly(MATERIAL_LENGTH));
    return named(() => this.#held.get().setKey(index, bytes));
  }

  removeKey(index) {
    this.#held.get().removeKey(indexOf(index));
  }

  /** Moves a key one step on. Others find out by its frames. */
  ratchet(index) {
    indexOf(index);
    named(() => this.#held.get().ratchet(index));
  }

  /** The present bytes of a key, for somebody who may listen from here on. */
  material(index) {
    indexOf(index);
    const cryptor = this.#held.get();
    return module.memory.taken(cryptor.keyOffset(index), MATERIAL_LENGTH);
  }

  seal(frame, info) {
    const { type, ssrc, rtpTimestamp } = labelledToSeal(info);
    const cryptor = this.#held.get();
    return run(frameOf(frame), (region, length) => cryptor.seal(region, length, type, ssrc, rtpTimestamp));
  }

  open(wire, info) {
    const { type } = labelled(info);
    const cryptor = this.#held.get();
    return run(frameOf(wire), (region, length) => cryptor.open(region, length, type));
  }

  /** Forgets what a stream of others has opened, once it has ended: its frames would open again. */
  forgetStream(ssrc) {
    integerOf(ssrc, 'ssrc', U32);
    this.#held.get().forgetStream(ssrc);
  }

  /** Wipes all keys. */
  free() {
    this.#held.free();
  }
}

/** One participant of a LiveKit room, or all of them where one key is shared. */
export class LiveKitFrames {
  #held;
  #numbers = new Map();

  /** Use `LiveKitFrames.start`. */
  constructor(key, cryptor) {
    if (key !== OURS) throw notByNew('LiveKitFrames.start');
    this.#held = new Held(cryptor);
  }

  /** The first four as livekit-client's key provider has them; `peer` is `livekit-client` or `native`, whose frames are made. */
  static async start(options) {
    const { ratchetSalt, keySize, keyringSize, ratchetWindowSize, peer, firstCount } = liveKitOptionsOf(options);
    await load();
    const isNative = peer === 'native';
    return new LiveKitFrames(OURS, named(() =>
      new LiveKitCryptor(encoded(ratchetSalt), keySize, keyringSize, ratchetWindowSize, firstCount, isNative)));
  }

  /**
   * Takes a key, and seals with it from now on unless `use` is false: a passphrase, or bytes, which go through PBKDF2 or HKDF
   * as livekit-client has them, or as `kdf` says. Returns the index on the wire.
   */
  setKey(index, key, options) {
    indexOf(index);
    const { kdf, use } = keyOptionsOf(options, key);
    // A passphrase may be short, but it is there.
    const floor = { least: kdf === 'HKDF' ? LEAST_KEY_LENGTH : 1, code: 'KeyRefused' };
    const isText = typeof key === 'string';
    const material = viewOf(isText ? encoded(stringOf(key, 'key')) : key, 'key', floor);
    try {
      return named(() => this.#held.get().setMaterial(index, material, kdf === 'PBKDF2', use));
    } finally {
      if (isText) material.fill(0);
    }
  }

  /** Moves a key one step on. It does not protect what was sealed before. */
  ratchet(index) {
    indexOf(index);
    named(() => this.#held.get().ratchet(index));
  }

  /** The bytes of a key's next step. */
  nextMaterial(index) {
    indexOf(index);
    const cryptor = this.#held.get();
    return module.memory.taken(cryptor.nextOffset(index), MATERIAL_LENGTH);
  }

  /** The present bytes of a participant's key, once it has been ratcheted. */
  material(index, from = '') {
    indexOf(index);
    fromOf(from);
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    return module.memory.taken(cryptor.materialOffset(number, index), cryptor.materialLength(number, index));
  }

  seal(frame, info) {
    const { codec, type, ssrc, rtpTimestamp } = labelledToSeal(info);
    const cryptor = this.#held.get();
    return run(frameOf(frame), (region, length) => cryptor.seal(region, length, codec, type, ssrc, rtpTimestamp));
  }

  /** `from` tells participants apart where one key is shared: each has counts of its own. */
  open(wire, info, from = '') {
    const { codec, type } = labelled(info);
    fromOf(from);
    const bytes = frameOf(wire);
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    return run(bytes, (region, length) => cryptor.open(number, region, length, codec, type));
  }

  /** Forgets what a stream of a participant has opened, once it has ended: its frames would open again. */
  forgetStream(ssrc, from = '') {
    integerOf(ssrc, 'ssrc', U32);
    fromOf(from);
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    cryptor.forgetStream(number, ssrc);
  }

  /** `{payload, iv, keyIndex}` of a data packet. `now` is in milliseconds, by any clock. */
  sealData(data, now = performance.now()) {
    timeOf(now, 'now');
    const bytes = viewOf(data, 'data');
    const cryptor = this.#held.get();
    // 32 bits of it go into the nonce, beside a count.
    const payload = run(bytes, (region, length) => cryptor.sealData(region, length, Math.floor(now) % 2 ** 32));
    return { payload, iv: cryptor.iv, keyIndex: cryptor.currentIndex };
  }

  openData(packet, from = '') {
    const { payload, iv, keyIndex } = fieldsOf(packet, 'a packet');
    fromOf(from);
    integerOf(keyIndex, 'keyIndex', U8);
    const [bytes, nonce] = [viewOf(payload, 'payload'), viewOf(iv, 'iv')];
    const [cryptor, number] = [this.#held.get(), this.#numberOf(from)];
    return run(bytes, (region, length) => cryptor.openData(number, region, length, keyIndex, nonce));
  }

  /** Wipes all keys. */
  free() {
    this.#held.free();
  }

  #numberOf(from) {
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
  #held;

  /** Use `DaveSealer.start`. */
  constructor(key, sealer) {
    if (key !== OURS) throw notByNew('DaveSealer.start');
    this.#held = new Held(sealer);
  }

  /**
   * With the 16 bytes that the MLS group exports for us. One for each secret: a second would repeat its nonces. `clear` says which
   * units of H.264 and H.265 stay readable: those `without picture`, or the `parameter sets` alone.
   */
  static async start(baseSecret, options) {
    const { clear } = daveOptionsOf(options);
    // Taken before anything is waited for, and wiped once the module has it.
    const copy = bytesOf(baseSecret, 'baseSecret', exactly(BASE_SECRET_LENGTH));
    try {
      await load();
      return new DaveSealer(OURS, named(() => new Sealer(copy, clear === 'parameter sets')));
    } finally {
      copy.fill(0);
    }
  }

  /** Spends all nonces up to this one, a BigInt: goes on behind a sealer that is gone. */
  skipTo(nonce) {
    bigintOf(nonce, 'nonce');
    named(() => this.#held.get().skipTo(nonce));
  }

  /** The last nonce that was spent. */
  get nonces() {
    return this.#held.get().nonces;
  }

  seal(frame, info) {
    const { codec } = labelled(info);
    const sealer = this.#held.get();
    return run(frameOf(frame), (region, length) => sealer.seal(region, length, codec));
  }

  /** Wipes its keys. */
  free() {
    this.#held.free();
  }
}

/** One other member's frames of a DAVE call. */
export class DaveOpener {
  #held;

  /** Use `DaveOpener.start`. */
  constructor(key, opener) {
    if (key !== OURS) throw notByNew('DaveOpener.start');
    this.#held = new Held(opener);
  }

  static async start() {
    await load();
    return new DaveOpener(OURS, new Opener());
  }

  /** Takes the 16 bytes that the group exports for this member in a new epoch, a BigInt. Those before are erased 10 s later. */
  addEpoch(epoch, baseSecret, now = performance.now()) {
    bigintOf(epoch, 'epoch');
    timeOf(now, 'now');
    const secret = viewOf(baseSecret, 'baseSecret', exactly(BASE_SECRET_LENGTH));
    named(() => this.#held.get().addEpoch(epoch, secret, now));
  }

  open(wire, now = performance.now()) {
    timeOf(now, 'now');
    const opener = this.#held.get();
    return run(frameOf(wire), (region, length) => opener.open(region, length, now));
  }

  /** Of the frame that was last opened. */
  get epoch() {
    return this.#held.get().epoch;
  }

  /** Of the frame that was last opened; its generation is above the low 24 bits. */
  get nonce() {
    return this.#held.get().nonce;
  }

  /** Wipes its keys. */
  free() {
    this.#held.free();
  }
}

/** The 30 digits that the members of a DAVE call compare, of an epoch's authenticator. */
export async function daveEpochCode(authenticator) {
  const bytes = bytesOf(authenticator, 'authenticator');
  await load();
  return named(() => daveCode(bytes, 30, 5));
}

/** The 45 digits that two members compare, each given as `{key, user}`: an identity key and a BigInt. Takes a second. */
export async function davePairwiseCode(one, other, version = 0) {
  shortOf(version, 'version');
  const [our, their] = [identityOf(one), identityOf(other)];
  await load();
  return named(() => daveCode(davePairwiseFingerprint(version, our.key, our.user, their.key, their.user), 45, 5));
}

function identityOf(identity) {
  const { key, user } = fieldsOf(identity, 'an identity');
  bigintOf(user, 'user');
  return { key: bytesOf(key, 'key', { least: 1, code: 'DigitsRefused' }), user };
}
