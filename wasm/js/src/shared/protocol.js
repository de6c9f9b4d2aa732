// The door of the workers: for each message that a worker takes, what its fields are. A message
// that is not listed is refused, and so is one with a field of the wrong type, before anything has
// changed. Bytes are the message's own, which nobody else has.

import {
  U32, U8, addressOf, bigintOf, booleanOf, fieldsOf, integerOf, memberOf, nameOf, oneOf, optional, platformOf, sessionOf, shortOf,
  stringOf, thresholdOf, viewOf, wipeIn,
} from './arguments.js';
import { codecId, framingId, streamKind } from './ids.js';
import { profileCodecOf } from '../formats/frame-info.js';
import { daveOptionsOf, jitsiOptionsOf, keyOptionsOf, liveKitOptionsOf, participantOf } from '../formats/options.js';

/**
 * The fields of a message by this name, checked; anything else in it is left out. One that is
 * refused is wiped.
 */
export function checked(table, name, fields) {
  try {
    if (!isListed(table, name)) throw new TypeError(`sealframe: there is no message '${String(name)}'`);
    return table[name](fieldsOf(fields, 'a message'));
  } catch (error) {
    wipeIn(fields);
    throw error;
  }
}

export const isListed = (table, name) => typeof name === 'string' && Object.hasOwn(table, name);

const nothing = () => ({});
const numberOf = (number) => integerOf(number, 'number', U32);
const checkedBy = (id) => (value) => {
  id(value);
  return value;
};
const framingOf = checkedBy(framingId);
const kindOf = checkedBy(streamKind);
const codecOf = checkedBy(codecId);

/** A page's stream of frames, or what `createEncodedStreams` gave. */
const streamsOf = (readable, writable) => [
  platformOf(readable, 'ReadableStream', 'getReader', 'readable'),
  platformOf(writable, 'WritableStream', 'getWriter', 'writable'),
];

/** Of whom a stream is: a member's number, or where keys come from a group an address. */
const sourceOf = (from) => (typeof from === 'string' ? addressOf(from, 'from') : memberOf(from, 'from'));

function streamOf(stream) {
  if (stream === null) return null;
  const { from, kind, index, codec = null } = fieldsOf(stream, 'a stream');
  return {
    from: optional(from, sourceOf),
    kind: kindOf(kind),
    index: shortOf(index, 'index'),
    codec: codec === null ? null : codecOf(codec),
  };
}

/** By payload type: `[payloadType, codec]` of each, in the connection's own words. */
function codecsOf(codecs) {
  if (!Array.isArray(codecs)) throw new TypeError('sealframe: codecs are to be an array');
  return codecs.map(([payloadType, codec]) => [integerOf(payloadType, 'a payload type', U8), stringOf(codec, 'codec')]);
}

/** The options of a transform of `worker.js`. */
export function transformOf(options) {
  const { number, direction } = fieldsOf(options, 'options');
  return { number: numberOf(number), direction: oneOf(direction, ['seal', 'open'], 'direction') };
}

const commonOf = ({ framing, threshold, observe = false }) => ({
  framing: framingOf(framing),
  threshold: optional(threshold, thresholdOf, 'threshold'),
  observe: booleanOf(observe, 'observe'),
});

export const KEMS = ['x25519', 'x-wing'];
export const ROLES = ['participant', 'recorder', 'bot'];

/** Of `worker.js`. */
export const CALL = {
  start: ({ secret, member, ...options }) =>
    ({ secret: viewOf(secret, 'secret'), member: memberOf(member), ...commonOf(options) }),
  join: ({ group, address, credential, identity, trust, kem, role, moderator, sends, ...options }) => ({
    group: viewOf(group, 'group', { least: 1 }),
    address: addressOf(address, 'address'),
    credential: viewOf(credential, 'credential'),
    identity: optional(identity, viewOf, 'identity'),
    trust: optional(trust, viewOf, 'trust'),
    kem: oneOf(kem, KEMS, 'kem'),
    role: oneOf(role, ROLES, 'role'),
    moderator: booleanOf(moderator, 'moderator'),
    sends: booleanOf(sends, 'sends'),
    ...commonOf(options),
  }),
  group: ({ ask, args }) => ({ ask, args: checked(GROUP, ask, args) }),
  transform({ readable: from, writable: to, options }) {
    const [readable, writable] = streamsOf(from, to);
    return { readable, writable, options: transformOf(options) };
  },
  describe: ({ number, stream }) => ({ number: numberOf(number), stream: streamOf(stream) }),
  codecs: ({ number, codecs }) => ({ number: numberOf(number), codecs: codecsOf(codecs) }),
  forget: ({ number }) => ({ number: numberOf(number) }),
  counts: nothing,
  announcement: nothing,
  addMember: ({ from, announcement }) => ({ from: memberOf(from, 'from'), announcement: viewOf(announcement, 'announcement') }),
  removeMember: ({ from }) => ({ from: memberOf(from, 'from') }),
  ratchet: nothing,
  tryOpen: ({ from, kind, index, codec, wire }) => ({
    from: sourceOf(from),
    kind: kindOf(kind),
    index: shortOf(index, 'index'),
    codec: codecOf(codec),
    wire: viewOf(wire, 'wire'),
  }),
  close: nothing,
};

const ofSession = ({ session }) => ({ session: sessionOf(session) });

/** What `worker.js` is asked of the key management. */
export const GROUP = {
  receive: ({ message }) => ({ message: viewOf(message, 'message') }),
  admit: ({ session, user, moderator }) =>
    ({ session: sessionOf(session), user: nameOf(user, 'user'), moderator: booleanOf(moderator, 'moderator') }),
  refuse: ofSession,
  dropMember: ({ address }) => ({ address: addressOf(address) }),
  reconnected: nothing,
  setSending: ({ sends }) => ({ sends: booleanOf(sends, 'sends') }),
  remove: ofSession,
  lock: nothing,
  unlock: nothing,
  rekey: nothing,
  startCheck: ofSession,
  confirmCheck: ofSession,
  cancelCheck: ofSession,
  pairwiseCode: ({ session, user }) => ({ session: sessionOf(session), user: nameOf(user, 'user') }),
  setVerified: ofSession,
  acceptIdentity: ofSession,
  exportTrust: nothing,
  exportIdentity: nothing,
  farewell: nothing,
  state: nothing,
};

/** The options of a transform of `profiles-worker.js`. */
export function profileTransformOf(options) {
  const { direction, participant, codec } = fieldsOf(options, 'options');
  return {
    direction: oneOf(direction, ['seal', 'open'], 'direction'),
    participant: participantOf(participant),
    codec: optional(codec, profileCodecOf),
  };
}

const keyIndexOf = (index, what = 'index') => integerOf(index, what, U32);

/** By profile: its options. */
const OPTIONS_OF = { jitsi: jitsiOptionsOf, livekit: liveKitOptionsOf, dave: daveOptionsOf };

/** Of `profiles-worker.js`. */
export const PROFILES = {
  start({ profile, options }) {
    oneOf(profile, ['jitsi', 'livekit', 'dave'], 'profile');
    return { profile, options: OPTIONS_OF[profile](options) };
  },
  setKey: ({ participant, index, key, options }) => ({
    participant: participantOf(participant),
    index: keyIndexOf(index),
    key: typeof key === 'string' ? stringOf(key, 'key') : viewOf(key, 'key'),
    options: optional(options, keyOptionsOf, key),
  }),
  ratchet: ({ participant, index }) => ({ participant: participantOf(participant), index: keyIndexOf(index) }),
  addEpoch: ({ participant, epoch, baseSecret, isOurs = false }) => ({
    participant: participantOf(participant),
    epoch: bigintOf(epoch, 'epoch'),
    baseSecret: viewOf(baseSecret, 'baseSecret'),
    isOurs: booleanOf(isOurs, 'isOurs'),
  }),
  forgetStream: ({ participant, ssrc }) => ({ participant: participantOf(participant), ssrc: integerOf(ssrc, 'ssrc', U32) }),
  remove: ({ participant }) => ({ participant: participantOf(participant) }),
  transform({ readable: from, writable: to, options }) {
    const [readable, writable] = streamsOf(from, to);
    return { readable, writable, options: profileTransformOf(options) };
  },
  close: nothing,
};

const ofJitsi = ({ participantId }) => ({ participantId: nameOf(participantId, 'participantId') });

function jitsiStreams({ operation, readableStream, writableStream, ...of }) {
  const [readable, writable] = streamsOf(readableStream, writableStream);
  return { ...jitsiTransformOf({ operation, ...of }), readableStream: readable, writableStream: writable };
}

/** The options of a transform of `jitsi-worker.js`. */
export function jitsiTransformOf(options) {
  const { operation, participantId } = fieldsOf(options, 'options');
  return { operation: oneOf(operation, ['encode', 'decode'], 'operation'), ...ofJitsi({ participantId }) };
}

/** Of `jitsi-worker.js`. */
export const JITSI = {
  initialize: ({ sharedKey = false }) => ({ sharedKey: booleanOf(sharedKey, 'sharedKey') }),
  setEnabled: ({ enabled }) => ({ enabled: booleanOf(enabled, 'enabled') }),
  // Without a key, or with false, the one at the index is taken away; without an index, -1 for one,
  // it is the one before.
  setKey: ({ participantId, key = false, keyIndex = -1 }) => ({
    ...ofJitsi({ participantId }),
    key: key === false || key === null ? null : viewOf(key, 'key', { least: 32, most: 32, code: 'KeyRefused' }),
    keyIndex: integerOf(keyIndex, 'keyIndex', U32, -1),
  }),
  encode: jitsiStreams,
  decode: jitsiStreams,
  cleanup: ofJitsi,
  cleanupAll: nothing,
};

const identityOf = (identity) => stringOf(identity, 'participantIdentity');
/** Who shares a key is nobody in particular. */
const ofOwner = ({ participantIdentity, keyIndex }) => ({
  participantIdentity: optional(participantIdentity, identityOf),
  keyIndex: optional(keyIndex, integerOf, 'keyIndex', U32, -1),
});
function ofTrack({ trackId, previousTrackId, participantIdentity, codec, hasPacketTrailer, packetTrailer }) {
  return {
    trackId: stringOf(trackId, 'trackId'),
    previousTrackId: optional(previousTrackId, stringOf, 'previousTrackId'),
    participantIdentity: identityOf(participantIdentity),
    // livekit-client names codecs that the format has no rule for: of those, frames are refused.
    codec: optional(codec, stringOf, 'codec'),
    hasPacketTrailer: optional(hasPacketTrailer, booleanOf, 'hasPacketTrailer'),
    packetTrailer: optional(packetTrailer, trailerOf),
  };
}

function trailerOf(trailer) {
  const { timestamp = false, frameId = false } = fieldsOf(trailer, 'packetTrailer');
  return { timestamp: booleanOf(timestamp, 'timestamp'), frameId: booleanOf(frameId, 'frameId') };
}

function ofTrackStreams({ readableStream, writableStream, ...track }) {
  const [readable, writable] = streamsOf(readableStream, writableStream);
  return { ...ofTrack(track), readableStream: readable, writableStream: writable };
}

function cryptoKeyOf(key) {
  const { algorithm } = platformOf(key, 'CryptoKey', 'algorithm', 'key');
  oneOf(algorithm?.name, ['HKDF', 'PBKDF2'], 'the algorithm of a key');
  return key;
}

/** Of `livekit-worker.js`. */
export const LIVEKIT = {
  init({ keyProviderOptions = {} }) {
    const { sharedKey = false, ...options } = fieldsOf(keyProviderOptions, 'keyProviderOptions');
    return { keyProviderOptions: { ...liveKitOptionsOf(options), sharedKey: booleanOf(sharedKey, 'sharedKey') } };
  },
  enable: ({ enabled, participantIdentity }) =>
    ({ enabled: booleanOf(enabled, 'enabled'), participantIdentity: identityOf(participantIdentity) }),
  setKey: ({ key, updateCurrentKeyIndex, ...owner }) => ({
    ...ofOwner(owner),
    key: cryptoKeyOf(key),
    updateCurrentKeyIndex: optional(updateCurrentKeyIndex, booleanOf, 'updateCurrentKeyIndex'),
  }),
  ratchetRequest: ofOwner,
  encode: ofTrackStreams,
  decode: ofTrackStreams,
  updateCodec: ofTrack,
  removeTransform: ({ trackId, participantIdentity }) =>
    ({ trackId: stringOf(trackId, 'trackId'), participantIdentity: identityOf(participantIdentity) }),
  setRTPMap: ({ map }) => ({ map: platformOf(map, 'Map', 'get', 'map') }),
  setSifTrailer: ({ trailer }) => ({ trailer: viewOf(trailer, 'trailer') }),
  encryptDataRequest: ({ participantIdentity, payload, uuid }) =>
    ({ participantIdentity: identityOf(participantIdentity), payload: viewOf(payload, 'payload'), uuid: stringOf(uuid, 'uuid') }),
  decryptDataRequest: ({ participantIdentity, payload, iv, keyIndex, uuid }) => ({
    participantIdentity: identityOf(participantIdentity),
    payload: viewOf(payload, 'payload'),
    iv: viewOf(iv, 'iv'),
    keyIndex: integerOf(keyIndex, 'keyIndex', U8),
    uuid: stringOf(uuid, 'uuid'),
  }),
};
