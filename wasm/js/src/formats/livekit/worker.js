// Stands in for livekit-client's end-to-end encryption worker: takes the messages that
// livekit-client's own E2EEManager sends, and answers as that expects. Frames that cannot be sealed
// or opened are dropped, and so is everything while encryption is not on: nothing passes in clear,
// in either direction. Frames without bytes are dropped too, and nothing is said of them.
//
// The messages: livekit/client-sdk-js, src/e2ee/types.ts.

import { ErrorReports } from './error-reports.js';
import { LiveKitKeys } from './keys.js';
import { LiveKitTrack } from './track.js';
import { LIVEKIT, checked, isListed } from '../../shared/protocol.js';

/** As livekit-client has them. */
const DEFAULTS = { sharedKey: false, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 8, keyringSize: 16, keySize: 128 };

const errors = new ErrorReports((data) => say('error', data));
/** By identity; one for all where the key is shared. */
const keys = new Map();
/** By the identifier that livekit-client gives a sender's or a receiver's track. */
const tracks = new Map();

/** What all tracks go by. */
const room = {
  options: DEFAULTS,
  /** By identity: whether its frames are encrypted. Who is missing here has not been spoken of. */
  enabled: new Map(),
  /** By payload type: what our own connection sends. */
  codecs: new Map(),
  /** What a server puts behind frames that it made itself. */
  sifTrailer: new Uint8Array(),
  errors,
  say,
  keysOf(identity) {
    const { options } = room;
    const owner = options.sharedKey ? null : identity;
    let found = keys.get(owner);
    if (found === undefined) {
      // Who shares a key is not told of it, as from livekit-client's worker.
      const tell = (ratcheted) => owner !== null && say('ratchetKey', { participantIdentity: owner, ...ratcheted });
      found = new LiveKitKeys(options, tell);
      keys.set(owner, found);
    }
    return found;
  },
};

function say(kind, data) {
  self.postMessage({ kind, data });
}

/** The track of this identifier, or of the one that its receiver had before, from now on this participant's. */
function trackOf({ participantIdentity, trackId, previousTrackId, codec, hasPacketTrailer, packetTrailer }) {
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

const messages = {
  init({ keyProviderOptions }) {
    room.options = { ...DEFAULTS, ...keyProviderOptions };
    say('initAck', { enabled: false });
  },
  enable(data) {
    room.enabled.set(data.participantIdentity, data.enabled);
    say('enable', data);
  },
  async setKey({ participantIdentity, key, keyIndex, updateCurrentKeyIndex }) {
    if (!room.options.sharedKey && !participantIdentity) throw new Error("a key, and nobody's");
    await room.keysOf(participantIdentity).set(key, keyIndex, updateCurrentKeyIndex);
  },
  async ratchetRequest({ participantIdentity, keyIndex }) {
    if (!room.options.sharedKey && !participantIdentity) throw new Error("a key to be ratcheted, and nobody's");
    await room.keysOf(participantIdentity).ratchet(keyIndex);
  },
  encode: attach,
  decode: attach,
  updateCodec: trackOf,
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
    say('encryptDataResponse', { uuid, ...room.keysOf(participantIdentity).sealData(payload) });
  },
  decryptDataRequest({ participantIdentity, payload, iv, keyIndex, uuid }) {
    say('decryptDataResponse', { uuid, payload: room.keysOf(participantIdentity).openData(participantIdentity, payload, iv, keyIndex) });
  },
};

function attach(data, kind) {
  trackOf(data).pass(kind, data.readableStream, data.writableStream);
}

/** One after the other: keys are worked on elsewhere for a while. */
let queue = Promise.resolve();

/** What a newer livekit-client may send besides says nothing here. */
function handle(kind, data) {
  if (!isListed(LIVEKIT, kind)) return;
  queue = queue.then(() => messages[kind](checked(LIVEKIT, kind, data), kind)).catch((error) => {
    // Requests by `uuid` are waited for, and get their answer however often they fail.
    if (data?.uuid !== undefined) say('error', { error: errors.errorOf(error), uuid: data.uuid });
    else errors.report(typeof data?.participantIdentity === 'string' ? data.participantIdentity : undefined, error);
  });
}

self.onmessage = ({ data: message }) => {
  const { kind, data } = Object(message);
  handle(kind, data);
};

self.onrtctransform = ({ transformer: { options: { kind, ...data }, readable, writable } }) =>
  handle(kind, { ...data, readableStream: readable, writableStream: writable });
