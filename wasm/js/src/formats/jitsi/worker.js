// Stands in for lib-jitsi-meet's end-to-end encryption worker: takes the messages that
// lib-jitsi-meet sends to it. That hears none; a page may hear `{operation: 'streamBroken',
// participantId, direction, message}` of a stream that breaks, while others go on. Frames that
// cannot be sealed or opened are dropped, and so is everything of a participant without a key and
// while encryption is off: nothing passes in clear, in either direction. Frames without bytes are
// dropped too.
//
// The messages: jitsi/lib-jitsi-meet, modules/e2ee/E2EEContext.ts.

import { JITSI, checked, isListed, jitsiTransformOf } from '../../shared/protocol.js';
import { pass } from '../frame-pump.js';
import { region, room } from '../sync-module.js';
import { infoOf, labelled } from '../frame-info.js';
import { JitsiCryptor, errorName } from '../../../../build/sealframe_profiles.js';

/** By participant: `{cryptor, index}`, the latter where its last key is. */
const participants = new Map();
/** Old releases never say so: a key is enough for them. */
let isEnabled = true;

function run(bytes, work) {
  const result = room.run(bytes, work);
  return typeof result === 'number' ? errorName(result) : result;
}

const work = {
  encode: (cryptor, bytes, { type, ssrc, rtpTimestamp }) =>
    run(bytes, (length) => cryptor.seal(region, length, type, ssrc, rtpTimestamp)),
  decode: (cryptor, bytes, { type }) => run(bytes, (length) => cryptor.open(region, length, type)),
};

/** Keys are looked up for each frame: who leaves and comes back has new ones. */
function attach(operation, participantId, readable, writable) {
  const step = (frame) => {
    const participant = participants.get(participantId);
    if (!isEnabled || participant === undefined) return null;
    // By the frame's type alone; the codec does not count.
    const info = infoOf(frame, () => 'vp8');
    if (typeof info === 'string') return null;
    const result = work[operation](participant.cryptor, new Uint8Array(frame.data), labelled(info));
    return typeof result === 'string' ? null : result;
  };
  const tell = (error) =>
    self.postMessage({ operation: 'streamBroken', participantId, direction: operation, message: String(error?.message ?? error) });
  // What is wrong with one frame drops that frame.
  pass(readable, writable, step, () => {}).catch(tell);
}

const operations = {
  initialize({ sharedKey }) {
    // Such keys cannot be read, and the format with them is WebCrypto's alone.
    if (sharedKey) throw new Error('sealframe: keys that are managed elsewhere are not supported');
  },
  setEnabled({ enabled }) {
    isEnabled = enabled;
  },
  /** `key` is bytes, or null for none. */
  setKey({ participantId, key, keyIndex }) {
    const participant = participants.get(participantId) ?? { cryptor: new JitsiCryptor(), index: 0 };
    const index = keyIndex >= 0 ? keyIndex : participant.index;
    if (key === null) {
      participant.cryptor.removeKey(index);
    } else {
      try {
        participant.cryptor.setKey(index, key);
      } finally {
        key.fill(0);
      }
    }
    // Not before all has gone well.
    participant.index = index;
    participants.set(participantId, participant);
  },
  encode: attachStreams,
  decode: attachStreams,
  cleanup({ participantId }) {
    participants.get(participantId)?.cryptor.free();
    participants.delete(participantId);
  },
  cleanupAll() {
    for (const { cryptor } of participants.values()) cryptor.free();
    participants.clear();
  },
};

function attachStreams({ operation, participantId, readableStream, writableStream }) {
  attach(operation, participantId, readableStream, writableStream);
}

/** What lib-jitsi-meet may send besides says nothing here. */
self.onmessage = ({ data }) => {
  const { operation, ...fields } = Object(data);
  if (isListed(JITSI, operation)) operations[operation](checked(JITSI, operation, { ...fields, operation }));
};

self.onrtctransform = ({ transformer: { options, readable, writable } }) => {
  const { operation, participantId } = jitsiTransformOf(options);
  attach(operation, participantId, readable, writable);
};
