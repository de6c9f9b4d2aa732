// The options of `start` of each class for other systems' formats: read once, checked, and given
// their defaults.

import { U8, booleanOf, fieldsOf, integerOf, nameOf, oneOf, optional, shortOf, stringOf } from '../shared/arguments.js';

/** Keys that LiveKit's ring has room for: the index on the wire is one byte. */
const MAX_KEYS = 256;

/** Options of `JitsiFrames.start`. */
export interface JitsiOptions {
  /** Where counts begin, 0 to 65535; at random unless given. */
  firstCount?: number | undefined;
}

/**
 * Checks the options of `JitsiFrames.start`.
 *
 * @internal
 */
export function jitsiOptionsOf(options: unknown = {}): JitsiOptions {
  const { firstCount } = fieldsOf(options, 'options');
  return { firstCount: optional(firstCount, shortOf, 'firstCount') };
}

const PEERS = ['livekit-client', 'native'] as const;

/** Options of `LiveKitFrames.start`. The first four are those of livekit-client's key provider. */
export interface LiveKitOptions {
  ratchetSalt?: string;
  keySize?: 128 | 256;
  /** 1 to 256. */
  keyringSize?: number;
  /** 0 to 255. */
  ratchetWindowSize?: number;
  /** Whose frames are made, where they differ; those of both open. */
  peer?: (typeof PEERS)[number];
  /** Where counts begin, 0 to 65535; at random unless given. */
  firstCount?: number | undefined;
}

/**
 * Checks the options of `LiveKitFrames.start`.
 *
 * @internal
 */
export function liveKitOptionsOf(options: unknown = {}): Required<LiveKitOptions> {
  const {
    ratchetSalt = 'LKFrameEncryptionKey', keySize = 128, keyringSize = 16, ratchetWindowSize = 8, peer = 'livekit-client', firstCount,
  } = fieldsOf(options, 'options');
  return {
    ratchetSalt: stringOf(ratchetSalt, 'ratchetSalt'),
    keySize: keySizeOf(keySize),
    keyringSize: integerOf(keyringSize, 'keyringSize', MAX_KEYS, 1),
    ratchetWindowSize: integerOf(ratchetWindowSize, 'ratchetWindowSize', U8),
    peer: oneOf(peer, PEERS, 'peer'),
    firstCount: optional(firstCount, shortOf, 'firstCount'),
  };
}

const CLEAR = ['without picture', 'parameter sets'] as const;

/** Options of `DaveSealer.start`. */
export interface DaveOptions {
  /**
   * Which units of H.264 and H.265 stay readable: those without a picture, or the parameter sets
   * alone.
   */
  clear?: (typeof CLEAR)[number];
}

/**
 * Checks the options of `DaveSealer.start`.
 *
 * @internal
 */
export function daveOptionsOf(options: unknown = {}): Required<DaveOptions> {
  const { clear = 'without picture' } = fieldsOf(options, 'options');
  return { clear: oneOf(clear, CLEAR, 'clear') };
}

const KDFS = ['PBKDF2', 'HKDF'] as const;

/** Options of `LiveKitFrames.setKey`. */
export interface KeyOptions {
  /** 'PBKDF2' for a passphrase and 'HKDF' for bytes, unless given. */
  kdf?: (typeof KDFS)[number];
  /** Whether frames are sealed with this key from now on, as they are unless told otherwise. */
  use?: boolean;
}

/**
 * Checks the options of `LiveKitFrames.setKey`; a key that is a string is a passphrase.
 *
 * @internal
 */
export function keyOptionsOf(options: unknown = {}, key: unknown): Required<KeyOptions> {
  const { kdf = typeof key === 'string' ? 'PBKDF2' : 'HKDF', use = true } = fieldsOf(options, 'options');
  return { kdf: oneOf(kdf, KDFS, 'kdf'), use: booleanOf(use, 'use') };
}

/**
 * Whose frame it is, where one key is shared.
 *
 * @internal
 */
export const fromOf = (from: unknown): string => stringOf(from, 'from');

/**
 * A participant of the worker.
 *
 * @internal
 */
export const participantOf = (name: unknown): string => nameOf(name, 'participant');

function keySizeOf(value: unknown): 128 | 256 {
  if (value !== 128 && value !== 256) throw new TypeError('sealframe: keySize is to be 128 or 256');
  return value;
}
