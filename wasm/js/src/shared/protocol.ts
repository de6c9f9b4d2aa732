// The messages between pages and workers. For each message that a worker takes there is a function
// that checks its fields; the types of requests follow from these functions, so a message that is
// not listed, or that a worker does not handle, does not compile. At run time, a message that is
// not listed is refused, and so is one with a field of a wrong type, before anything has changed.
// Bytes are the message's own, which nobody else has.

import {
  type Fields, type OwnBytes, U32, U8, addressOf, bigintOf, booleanOf, fieldsOf, integerOf, memberOf, nameOf, oneOf, optional, platformOf,
  sessionOf, shortOf, stringOf, thresholdOf, viewOf, wipeIn,
} from './arguments.js';
import type { FrameSink, FrameSource } from './browser.js';
import type { ErrorAnswer } from './errors.js';
import { type GroupEvent, type GroupState, type JoinRequest, KEMS, type Kem, ROLES, type Role } from './group-state.js';
import { type Codec, type Framing, type StreamKind, codecId, framingId, streamKind } from './ids.js';
import type { KeyChange, ObservedFrame, Source, StreamState, Tried } from './streams.js';
import { profileCodecOf } from '../formats/frame-info.js';
import { daveOptionsOf, jitsiOptionsOf, keyOptionsOf, liveKitOptionsOf, participantOf } from '../formats/options.js';

/** By name of a message: what checks its fields. */
export type Table = Readonly<Record<string, (fields: Fields) => unknown>>;

/** The fields of each message of a table. */
export type FieldsOf<T extends Table> = { [N in keyof T]: ReturnType<T[N]> };

/** What handles each message of a table: none is missing, and none is there that is not listed. */
export type Handlers<T extends Table, R extends Record<keyof T, unknown> = Record<keyof T, unknown>> = {
  [N in keyof T]: (fields: ReturnType<T[N]>) => R[N] | Promise<R[N]>;
};

/** Whether a table lists a message by this name. */
export const isListed = <T extends Table>(table: T, name: unknown): name is keyof T & string =>
  typeof name === 'string' && Object.hasOwn(table, name);

/**
 * The fields of a message by this name, checked; anything else in it is left out. One that is
 * refused is wiped.
 */
export function checked<T extends Table, N extends keyof T & string>(table: T, name: N, fields: unknown): ReturnType<T[N]>;
export function checked(table: Table, name: unknown, fields: unknown): unknown;
export function checked(table: Table, name: unknown, fields: unknown): unknown {
  try {
    const check = isListed(table, name) ? table[name] : undefined;
    if (check === undefined) throw new TypeError(`sealframe: there is no message '${String(name)}'`);
    return check(fieldsOf(fields, 'a message'));
  } catch (error) {
    wipeIn(fields);
    throw error;
  }
}

/** Hands a message to what handles it, checked. */
export function dispatch<T extends Table>(table: T, handlers: Handlers<T>, name: unknown, fields: unknown): unknown {
  const known = checked(table, name, fields) as ReturnType<T[keyof T]>;
  return handlers[name as keyof T](known);
}

const nothing = () => ({});
const numberOf = (number: unknown): number => integerOf(number, 'number', U32);
function framingOf(value: unknown): Framing {
  framingId(value);
  return value as Framing;
}
function kindOf(value: unknown): StreamKind {
  streamKind(value);
  return value as StreamKind;
}
function codecOf(value: unknown): Codec {
  codecId(value);
  return value as Codec;
}

/** A page's stream of frames, or what `createEncodedStreams` gave. */
const streamsOf = (readable: unknown, writable: unknown) => ({
  readable: platformOf<FrameSource>(readable, 'ReadableStream', 'getReader', 'readable'),
  writable: platformOf<FrameSink>(writable, 'WritableStream', 'getWriter', 'writable'),
});

const sourceOf = (from: unknown): Source => (typeof from === 'string' ? addressOf(from, 'from') : memberOf(from, 'from'));

/** What a transform carries, as the page says it. */
export interface NamedStream {
  from: Source | undefined;
  kind: StreamKind;
  index: number;
  /** null if the connection says it. */
  codec: Codec | null;
}

function streamOf(stream: unknown): NamedStream | null {
  if (stream === null) return null;
  const { from, kind, index, codec = null } = fieldsOf(stream, 'a stream');
  return {
    from: optional(from, sourceOf),
    kind: kindOf(kind),
    index: shortOf(index, 'index'),
    codec: codec === null ? null : codecOf(codec),
  };
}

/** Payload types and their codecs, in the connection's own words. */
export type NegotiatedCodecs = [payloadType: number, codec: string][];

function codecsOf(codecs: unknown): NegotiatedCodecs {
  if (!Array.isArray(codecs)) throw new TypeError('sealframe: codecs are to be an array');
  return codecs.map(([payloadType, codec]: unknown[]) => [integerOf(payloadType, 'a payload type', U8), stringOf(codec, 'codec')]);
}

/** Which way the frames of a transform go. */
export type Direction = 'seal' | 'open';
const DIRECTIONS: readonly Direction[] = ['seal', 'open'];

/** The options of a transform of the call's worker. */
export interface TransformOptions {
  number: number;
  direction: Direction;
}

/** Checks the options of a transform of the call's worker. */
export function transformOf(options: unknown): TransformOptions {
  const { number, direction } = fieldsOf(options, 'options');
  return { number: numberOf(number), direction: oneOf(direction, DIRECTIONS, 'direction') };
}

/** What both ways into a call are told. */
export interface CommonOptions {
  framing: Framing;
  threshold: number | undefined;
  observe: boolean;
}

const commonOf = ({ framing, threshold, observe = false }: Fields): CommonOptions => ({
  framing: framingOf(framing),
  threshold: optional(threshold, thresholdOf, 'threshold'),
  observe: booleanOf(observe, 'observe'),
});

/** What a member tells the worker with which it joins a call. */
export interface Entrance extends CommonOptions {
  group: OwnBytes;
  address: string;
  credential: OwnBytes;
  identity: OwnBytes | undefined;
  trust: OwnBytes | undefined;
  kem: Kem;
  role: Role;
  moderator: boolean;
  sends: boolean;
}

const ofSession = ({ session }: Fields) => ({ session: sessionOf(session) });

/** What the call's worker is asked of the key management. */
export const GROUP = {
  receive: ({ message }: Fields) => ({ message: viewOf(message, 'message') }),
  admit: ({ session, user, moderator }: Fields) =>
    ({ session: sessionOf(session), user: nameOf(user, 'user'), moderator: booleanOf(moderator, 'moderator') }),
  refuse: ofSession,
  dropMember: ({ address }: Fields) => ({ address: addressOf(address) }),
  reconnected: nothing,
  setSending: ({ sends }: Fields) => ({ sends: booleanOf(sends, 'sends') }),
  remove: ofSession,
  lock: nothing,
  unlock: nothing,
  rekey: nothing,
  startSas: ofSession,
  confirmSas: ofSession,
  cancelSas: ofSession,
  pairwiseCode: ({ session, user }: Fields) => ({ session: sessionOf(session), user: nameOf(user, 'user') }),
  setVerified: ofSession,
  acceptIdentity: ofSession,
  exportTrust: nothing,
  exportIdentity: nothing,
  farewell: nothing,
  state: nothing,
} satisfies Table;

/** The fields of each question about key management. */
export type GroupFields = FieldsOf<typeof GROUP>;
/** A question's name. */
export type GroupName = keyof GroupFields;
/** The answer to each question. */
export interface GroupAnswers extends Record<GroupName, unknown> {
  /** Why a message was of no use, or null. */
  receive: string | null;
  admit: void;
  refuse: void;
  /** Whether there was one. */
  dropMember: boolean;
  reconnected: void;
  setSending: void;
  remove: void;
  lock: void;
  unlock: void;
  rekey: void;
  startSas: void;
  confirmSas: void;
  cancelSas: void;
  pairwiseCode: string;
  setVerified: void;
  acceptIdentity: void;
  exportTrust: Uint8Array;
  exportIdentity: Uint8Array;
  farewell: Uint8Array;
  state: GroupState;
}

/** The messages of the call's worker, `worker/main.ts`. */
export const CALL = {
  /** Enters a call whose members share a secret. */
  start: ({ secret, member, ...options }: Fields) =>
    ({ secret: viewOf(secret, 'secret'), member: memberOf(member), ...commonOf(options) }),
  /** Enters a call whose members have a key each. */
  join: ({ group, address, credential, identity, trust, kem, role, moderator, sends, ...options }: Fields): Entrance => ({
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
  /** Asks something of the key management. */
  group: ({ ask, args }: Fields) => ({ ask: ask as GroupName, args: checked(GROUP, ask, args) as GroupFields[GroupName] }),
  /** Old Chromium: the streams of `createEncodedStreams`, moved to the worker. */
  transform: ({ readable, writable, options }: Fields) => ({ ...streamsOf(readable, writable), options: transformOf(options) }),
  /** Says what the transform of this number carries; null for nothing. */
  describe: ({ number, stream }: Fields) => ({ number: numberOf(number), stream: streamOf(stream) }),
  /** Says which codec each payload type of this transform is. */
  codecs: ({ number, codecs }: Fields) => ({ number: numberOf(number), codecs: codecsOf(codecs) }),
  /** The page has no use for this transform any more. */
  forget: ({ number }: Fields) => ({ number: numberOf(number) }),
  /** Asks for the frames that each transform has taken and passed on. */
  counts: nothing,
  announcement: nothing,
  addMember: ({ from, announcement }: Fields) => ({ from: memberOf(from, 'from'), announcement: viewOf(announcement, 'announcement') }),
  removeMember: ({ from }: Fields) => ({ from: memberOf(from, 'from') }),
  ratchet: nothing,
  /** Opens a frame, to say whether it opens. */
  tryOpen: ({ from, kind, index, codec, wire }: Fields) => ({
    from: sourceOf(from),
    kind: kindOf(kind),
    index: shortOf(index, 'index'),
    codec: codecOf(codec),
    wire: viewOf(wire, 'wire'),
  }),
  close: nothing,
} satisfies Table;

/** The fields of each message. */
export type CallFields = FieldsOf<typeof CALL>;
/** A message's name. */
export type CallName = keyof CallFields;

/** Frames that one transform has taken and passed on. */
export interface Counts {
  number: number;
  taken: number;
  passed: number;
}

/** What a member that has joined a call is called. */
export interface Joined {
  threshold: number;
  session: string;
  identity: string;
  /** The message with which this session leaves. */
  farewell: Uint8Array;
}

/** The answer to each message. */
export interface CallAnswers extends Record<CallName, unknown> {
  start: { threshold: number };
  join: Joined;
  group: GroupAnswers[GroupName];
  transform: void;
  describe: void;
  codecs: void;
  forget: void;
  counts: Counts[];
  announcement: Uint8Array;
  addMember: void;
  removeMember: void;
  ratchet: void;
  tryOpen: Tried;
  close: void;
}

/** From the page to the call's worker. */
export type Request = { [N in CallName]: { id: number; request: N } & CallFields[N] }[CallName];

/** The worker's answer to the request of this number. */
export type Reply = { id: number; result: unknown } | { id: number; error: ErrorAnswer };

/** What the key management has the page do. */
export type GroupNotice =
  /** Bytes for the server to relay to an address, or with null to all others. */
  | { message: { to: string | null; message: Uint8Array } }
  /** Something happened; with `farewell` if the new session leaves with other bytes. */
  | { event: GroupEvent | ({ type: 'joinRequested' } & JoinRequest); farewell?: Uint8Array };

/** From the worker to the page, without being asked. */
export type Notice =
  | { state: StreamState & { number: number } }
  | { key: KeyChange & { number: number } }
  | { observed: ObservedFrame }
  /** The encoder of this transform's sender is to make a key frame. */
  | { keyFrame: number }
  | { group: GroupNotice };

/** The options of a transform of the worker for other systems' formats. */
export interface ProfileTransformOptions {
  direction: Direction;
  participant: string;
  codec: string | undefined;
}

/** Checks the options of a transform of the worker for other systems' formats. */
export function profileTransformOf(options: unknown): ProfileTransformOptions {
  const { direction, participant, codec } = fieldsOf(options, 'options');
  return {
    direction: oneOf(direction, DIRECTIONS, 'direction'),
    participant: participantOf(participant),
    codec: optional(codec, profileCodecOf),
  };
}

const keyIndexOf = (index: unknown, what = 'index'): number => integerOf(index, what, U32);

/** By profile: what checks its options. */
const OPTIONS_OF = { jitsi: jitsiOptionsOf, livekit: liveKitOptionsOf, dave: daveOptionsOf };
/** A system whose format the worker takes. */
export type Profile = keyof typeof OPTIONS_OF;
/** A system and the options of its class. */
export type ProfileStart = { [P in Profile]: { profile: P; options: ReturnType<(typeof OPTIONS_OF)[P]> } }[Profile];

/** The messages of the worker for other systems' formats, `formats/worker.ts`. */
export const PROFILES = {
  /** Says of which system participants are. */
  start({ profile, options }: Fields): ProfileStart {
    const of = oneOf(profile, Object.keys(OPTIONS_OF) as Profile[], 'profile');
    return { profile: of, options: OPTIONS_OF[of](options) } as ProfileStart;
  },
  setKey: ({ participant, index, key, options }: Fields) => ({
    participant: participantOf(participant),
    index: keyIndexOf(index),
    key: typeof key === 'string' ? stringOf(key, 'key') : viewOf(key, 'key'),
    options: optional(options, keyOptionsOf, key),
  }),
  ratchet: ({ participant, index }: Fields) => ({ participant: participantOf(participant), index: keyIndexOf(index) }),
  addEpoch: ({ participant, epoch, baseSecret, isOurs = false }: Fields) => ({
    participant: participantOf(participant),
    epoch: bigintOf(epoch, 'epoch'),
    baseSecret: viewOf(baseSecret, 'baseSecret'),
    isOurs: booleanOf(isOurs, 'isOurs'),
  }),
  /** Forgets what a participant's stream has opened, once it has ended. */
  forgetStream: ({ participant, ssrc }: Fields) => ({ participant: participantOf(participant), ssrc: integerOf(ssrc, 'ssrc', U32) }),
  /** Wipes the keys of a participant that has left. */
  remove: ({ participant }: Fields) => ({ participant: participantOf(participant) }),
  /** Old Chromium: the streams of `createEncodedStreams`, moved to the worker. */
  transform: ({ readable, writable, options }: Fields) => ({ ...streamsOf(readable, writable), options: profileTransformOf(options) }),
  close: nothing,
} satisfies Table;

/** The fields of each message. */
export type ProfilesFields = FieldsOf<typeof PROFILES>;

const ofJitsi = ({ participantId }: Fields) => ({ participantId: nameOf(participantId, 'participantId') });

const OPERATIONS = ['encode', 'decode'] as const;
/** Which way frames go, as lib-jitsi-meet and livekit-client say it. */
export type Operation = (typeof OPERATIONS)[number];

function jitsiStreams({ operation, readableStream, writableStream, ...of }: Fields) {
  const { readable, writable } = streamsOf(readableStream, writableStream);
  return { ...jitsiTransformOf({ operation, ...of }), readableStream: readable, writableStream: writable };
}

/** Checks the options of a transform of the drop-in worker for Jitsi. */
export function jitsiTransformOf(options: unknown): { operation: Operation; participantId: string } {
  const { operation, participantId } = fieldsOf(options, 'options');
  return { operation: oneOf(operation, OPERATIONS, 'operation'), ...ofJitsi({ participantId }) };
}

/** The messages of lib-jitsi-meet, for `formats/jitsi/worker.ts`. */
export const JITSI = {
  initialize: ({ sharedKey = false }: Fields) => ({ sharedKey: booleanOf(sharedKey, 'sharedKey') }),
  setEnabled: ({ enabled }: Fields) => ({ enabled: booleanOf(enabled, 'enabled') }),
  // Without a key, or with false, the one at the index is taken away; without an index, or with -1,
  // it is the one before.
  setKey: ({ participantId, key = false, keyIndex = -1 }: Fields) => ({
    ...ofJitsi({ participantId }),
    key: key === false || key === null ? null : viewOf(key, 'key', { least: 32, most: 32, code: 'KeyRefused' }),
    keyIndex: integerOf(keyIndex, 'keyIndex', U32, -1),
  }),
  encode: jitsiStreams,
  decode: jitsiStreams,
  cleanup: ofJitsi,
  cleanupAll: nothing,
} satisfies Table;

const identityOf = (identity: unknown): string => stringOf(identity, 'participantIdentity');
/** A shared key has no owner. */
const ofOwner = ({ participantIdentity, keyIndex }: Fields) => ({
  participantIdentity: optional(participantIdentity, identityOf),
  keyIndex: optional(keyIndex, integerOf, 'keyIndex', U32, -1),
});

/** What livekit-client says of a track. */
export interface TrackFields {
  trackId: string;
  previousTrackId: string | undefined;
  participantIdentity: string;
  codec: string | undefined;
  hasPacketTrailer: boolean | undefined;
  packetTrailer: WantedTrailer | undefined;
}

/** What is to be put into a trailer. */
export interface WantedTrailer {
  timestamp: boolean;
  frameId: boolean;
}

function ofTrack({ trackId, previousTrackId, participantIdentity, codec, hasPacketTrailer, packetTrailer }: Fields): TrackFields {
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

function trailerOf(trailer: unknown): WantedTrailer {
  const { timestamp = false, frameId = false } = fieldsOf(trailer, 'packetTrailer');
  return { timestamp: booleanOf(timestamp, 'timestamp'), frameId: booleanOf(frameId, 'frameId') };
}

function ofTrackStreams({ readableStream, writableStream, ...track }: Fields) {
  const { readable, writable } = streamsOf(readableStream, writableStream);
  return { ...ofTrack(track), readableStream: readable, writableStream: writable };
}

function cryptoKeyOf(key: unknown): CryptoKey {
  const found = platformOf<CryptoKey>(key, 'CryptoKey', 'algorithm', 'key');
  const { algorithm } = found;
  oneOf(algorithm?.name, ['HKDF', 'PBKDF2'], 'the algorithm of a key');
  return found;
}

/** The messages of livekit-client, for `formats/livekit/worker.ts`. */
export const LIVEKIT = {
  init({ keyProviderOptions = {} }: Fields) {
    const { sharedKey = false, ...options } = fieldsOf(keyProviderOptions, 'keyProviderOptions');
    return { keyProviderOptions: { ...liveKitOptionsOf(options), sharedKey: booleanOf(sharedKey, 'sharedKey') } };
  },
  enable: ({ enabled, participantIdentity }: Fields) =>
    ({ enabled: booleanOf(enabled, 'enabled'), participantIdentity: identityOf(participantIdentity) }),
  setKey: ({ key, updateCurrentKeyIndex, ...owner }: Fields) => ({
    ...ofOwner(owner),
    key: cryptoKeyOf(key),
    updateCurrentKeyIndex: optional(updateCurrentKeyIndex, booleanOf, 'updateCurrentKeyIndex'),
  }),
  ratchetRequest: ofOwner,
  encode: ofTrackStreams,
  decode: ofTrackStreams,
  updateCodec: ofTrack,
  removeTransform: ({ trackId, participantIdentity }: Fields) =>
    ({ trackId: stringOf(trackId, 'trackId'), participantIdentity: identityOf(participantIdentity) }),
  setRTPMap: ({ map }: Fields) => ({ map: platformOf<Map<number | undefined, string>>(map, 'Map', 'get', 'map') }),
  setSifTrailer: ({ trailer }: Fields) => ({ trailer: viewOf(trailer, 'trailer') }),
  encryptDataRequest: ({ participantIdentity, payload, uuid }: Fields) =>
    ({ participantIdentity: identityOf(participantIdentity), payload: viewOf(payload, 'payload'), uuid: stringOf(uuid, 'uuid') }),
  decryptDataRequest: ({ participantIdentity, payload, iv, keyIndex, uuid }: Fields) => ({
    participantIdentity: identityOf(participantIdentity),
    payload: viewOf(payload, 'payload'),
    iv: viewOf(iv, 'iv'),
    keyIndex: integerOf(keyIndex, 'keyIndex', U8),
    uuid: stringOf(uuid, 'uuid'),
  }),
} satisfies Table;
