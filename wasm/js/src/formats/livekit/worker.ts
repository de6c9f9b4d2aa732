// The drop-in for livekit-client's end-to-end encryption worker: takes the messages that
// livekit-client's own E2EEManager sends, and answers as that expects. Frames that cannot be sealed
// or opened are dropped, and so is every frame while encryption is not on: nothing passes in clear,
// in either direction. Frames without bytes are dropped too, without a report.
//
// The messages: livekit/client-sdk-js, src/e2ee/types.ts.

import { ErrorReports } from './error-reports.js';
import { LiveKitKeys, type ProviderOptions } from './keys.js';
import { LiveKitTrack, type Room } from './track.js';
import { scope } from '../../shared/browser.js';
import { type FieldsOf, type Handlers, LIVEKIT, type Operation, type TrackFields, dispatch, isListed } from '../../shared/protocol.js';

/** As livekit-client has them. */
const DEFAULTS: ProviderOptions =
  { sharedKey: false, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 8, keyringSize: 16, keySize: 128 };

const errors = new ErrorReports((data) => say('error', data));
/** By identity; one for all, under null, where the key is shared. */
const keys = new Map<string | null, LiveKitKeys>();
/** By the identifier that livekit-client gives a sender's or a receiver's track. */
const tracks = new Map<string | undefined, LiveKitTrack>();

/** What all tracks go by, as messages change it. */
const room: { -readonly [N in keyof Room]: Room[N] } & { options: ProviderOptions; enabled: Map<string, boolean> } = {
  options: DEFAULTS,
  enabled: new Map(),
  codecs: new Map(),
  sifTrailer: new Uint8Array(),
  errors,
  reportTrailer: (trailer) => say('packetTrailerMetadata', trailer),
  keysOf,
};

function keysOf(identity: string | undefined): LiveKitKeys {
  const { options } = room;
  const owner = options.sharedKey ? null : identity ?? '';
  let found = keys.get(owner);
  if (found === undefined) {
    // Owners of a shared key are not told of a ratchet, as by livekit-client's worker.
    found = new LiveKitKeys(options, (ratcheted) => {
      if (owner !== null) say('ratchetKey', { participantIdentity: owner, ...ratcheted });
    });
    keys.set(owner, found);
  }
  return found;
}

function say(kind: string, data: unknown): void {
  scope.postMessage({ kind, data });
}

/**
 * The track of this identifier, or of the one that its receiver had before; this participant's from
 * now on.
 */
function trackOf({ participantIdentity, trackId, previousTrackId, codec, hasPacketTrailer, packetTrailer }: TrackFields): LiveKitTrack {
  let track = tracks.get(trackId) ?? tracks.get(previousTrackId);
  if (track === undefined) track = new LiveKitTrack(room);
  else tracks.delete(track.id);
  tracks.set(trackId, track);
  track.id = trackId;
  track.participant = participantIdentity;
  track.codec = codec ?? track.codec;
  track.hasTrailer = hasPacketTrailer ?? false;
  if (packetTrailer !== undefined) track.trailer = packetTrailer;
  return track;
}

/** Which key a message is about. */
function ownedBy(identity: string | undefined, message: string): LiveKitKeys {
  if (!room.options.sharedKey && !identity) throw new Error(`${message}: participantIdentity is required unless sharedKey is set`);
  return keysOf(identity);
}

const messages: Handlers<typeof LIVEKIT> = {
  init({ keyProviderOptions }) {
    room.options = { ...DEFAULTS, ...keyProviderOptions };
    say('initAck', { enabled: false });
  },
  enable(data) {
    room.enabled.set(data.participantIdentity, data.enabled);
    say('enable', data);
  },
  setKey: ({ participantIdentity, key, keyIndex, updateCurrentKeyIndex }) =>
    ownedBy(participantIdentity, 'setKey').set(key, keyIndex, updateCurrentKeyIndex),
  ratchetRequest: ({ participantIdentity, keyIndex }) => ownedBy(participantIdentity, 'ratchetRequest').ratchet(keyIndex),
  encode: (data) => attach('encode', data),
  decode: (data) => attach('decode', data),
  updateCodec(data) {
    trackOf(data);
  },
  removeTransform({ trackId, participantIdentity }) {
    const track = tracks.get(trackId);
    if (track?.participant === participantIdentity) track.participant = null;
  },
  setRTPMap({ map }) {
    room.codecs = map;
  },
  setSifTrailer({ trailer }) {
    room.sifTrailer = trailer;
  },
  encryptDataRequest({ participantIdentity, payload, uuid }) {
    say('encryptDataResponse', { uuid, ...keysOf(participantIdentity).sealData(payload) });
  },
  decryptDataRequest({ participantIdentity, payload, iv, keyIndex, uuid }) {
    say('decryptDataResponse', { uuid, payload: keysOf(participantIdentity).openData(participantIdentity, payload, iv, keyIndex) });
  },
};

function attach(kind: Operation, data: FieldsOf<typeof LIVEKIT>[Operation]): void {
  trackOf(data).pass(kind, data.readableStream, data.writableStream);
}

/** One after the other: keys are worked on elsewhere for a while. */
let queue: Promise<unknown> = Promise.resolve();

/** Messages of a newer livekit-client that are not listed are ignored. */
function handle(kind: unknown, data: unknown): void {
  if (!isListed(LIVEKIT, kind)) return;
  queue = queue.then(() => dispatch(LIVEKIT, messages, kind, data)).catch((error: unknown) => {
    const { uuid, participantIdentity } = Object(data) as { uuid?: unknown; participantIdentity?: unknown };
    // Requests with a `uuid` are waited for, and get their answer however often they fail.
    if (uuid !== undefined) say('error', { error: errors.errorOf(error), uuid });
    else errors.report(typeof participantIdentity === 'string' ? participantIdentity : undefined, error);
  });
}

scope.onmessage = ({ data: message }) => {
  const { kind, data } = Object(message) as { kind?: unknown; data?: unknown };
  handle(kind, data);
};

scope.onrtctransform = ({ transformer: { options, readable, writable } }) => {
  const { kind, ...data } = Object(options) as { kind?: unknown };
  handle(kind, { ...data, readableStream: readable, writableStream: writable });
};
