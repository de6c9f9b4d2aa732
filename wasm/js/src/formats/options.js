// What `start` of each class for other systems' formats is told: read once, checked, and given its
// defaults.

import { U8, booleanOf, fieldsOf, integerOf, nameOf, oneOf, optional, shortOf, stringOf } from '../shared/arguments.js';

/** Keys that LiveKit's ring has room for: the index on the wire is one byte. */
const MAX_KEYS = 256;

export function jitsiOptionsOf(options = {}) {
  const { firstCount } = fieldsOf(options, 'options');
  return { firstCount: optional(firstCount, shortOf, 'firstCount') };
}

/** The first four as livekit-client's key provider has them; `peer` says whose frames are made. */
export function liveKitOptionsOf(options = {}) {
  const {
    ratchetSalt = 'LKFrameEncryptionKey', keySize = 128, keyringSize = 16, ratchetWindowSize = 8, peer = 'livekit-client', firstCount,
  } = fieldsOf(options, 'options');
  return {
    ratchetSalt: stringOf(ratchetSalt, 'ratchetSalt'),
    keySize: keySizeOf(keySize),
    keyringSize: integerOf(keyringSize, 'keyringSize', MAX_KEYS, 1),
    ratchetWindowSize: integerOf(ratchetWindowSize, 'ratchetWindowSize', U8),
    peer: oneOf(peer, ['livekit-client', 'native'], 'peer'),
    firstCount: optional(firstCount, shortOf, 'firstCount'),
  };
}

export function daveOptionsOf(options = {}) {
  const { clear = 'without picture' } = fieldsOf(options, 'options');
  return { clear: oneOf(clear, ['without picture', 'parameter sets'], 'clear') };
}

/** Of `setKey` in LiveKit's format; a string is a passphrase. */
export function keyOptionsOf(options = {}, key) {
  const { kdf = typeof key === 'string' ? 'PBKDF2' : 'HKDF', use = true } = fieldsOf(options, 'options');
  return { kdf: oneOf(kdf, ['PBKDF2', 'HKDF'], 'kdf'), use: booleanOf(use, 'use') };
}

/** Whose frame it is, where one key is shared. */
export const fromOf = (from) => stringOf(from, 'from');

/** A participant of the worker. */
export const participantOf = (name) => nameOf(name, 'participant');

function keySizeOf(value) {
  if (value !== 128 && value !== 256) throw new TypeError('sealframe: keySize is to be 128 or 256');
  return value;
}
