// The drop-in for lib-jitsi-meet's end-to-end encryption worker: takes the messages that
// lib-jitsi-meet sends to it. lib-jitsi-meet listens to none; a page may listen to `{operation:
// 'streamBroken', participantId, direction, message}`, which is sent for a stream that breaks while
// others go on. Frames that cannot be sealed or opened are dropped, and so is every frame of a
// participant without a key and while encryption is off: nothing passes in clear, in either
// direction. Frames without bytes are dropped too.
//
// The messages: jitsi/lib-jitsi-meet, modules/e2ee/E2EEContext.ts.

import { type FrameLabel, infoOf, labelledToSeal } from '../frame-info.js';
import { pump } from '../frame-pump.js';
import { region, room } from '../sync-module.js';
import type { OwnBytes } from '../../shared/arguments.js';
import { type FrameSink, type FrameSource, scope } from '../../shared/browser.js';
import { messageOf } from '../../shared/errors.js';
import { type Handlers, JITSI, type Operation, dispatch, isListed, jitsiTransformOf } from '../../shared/protocol.js';
import { JitsiCryptor, errorName } from '../../../../build/sealframe_profiles.js';

/** A participant's keys, and the index of its last key. */
interface Participant {
  cryptor: JitsiCryptor;
  index: number;
}

const participants = new Map<string, Participant>();
/** Old releases never say so: a key is enough for them. */
let isEnabled = true;

function run(bytes: OwnBytes, work: (length: number) => number): OwnBytes | string {
  const result = room.run(bytes, work);
  return typeof result === 'number' ? errorName(result) : result;
}

const work: Record<Operation, (cryptor: JitsiCryptor, bytes: OwnBytes, label: FrameLabel) => OwnBytes | string> = {
  encode: (cryptor, bytes, { type, ssrc, rtpTimestamp }) =>
    run(bytes, (length) => cryptor.seal(region, length, type, ssrc, rtpTimestamp)),
  decode: (cryptor, bytes, { type }) => run(bytes, (length) => cryptor.open(region, length, type)),
};

/** Keys are looked up for each frame: a participant that leaves and comes back has new ones. */
function attach(operation: Operation, participantId: string, readable: FrameSource, writable: FrameSink): void {
  const fail = (error: unknown) =>
    scope.postMessage({ operation: 'streamBroken', participantId, direction: operation, message: messageOf(error) });
  pump(readable, writable, (frame) => {
    const participant = participants.get(participantId);
    if (!isEnabled || participant === undefined) return null;
    // By the frame's type alone; the codec does not count.
    const info = infoOf(frame, () => 'vp8');
    if (typeof info === 'string') return null;
    const result = work[operation](participant.cryptor, new Uint8Array(frame.data), labelledToSeal(info));
    return typeof result === 'string' ? null : result;
    // A fault of one frame drops that frame.
  }, () => {}).catch(fail);
}

const operations: Handlers<typeof JITSI> = {
  initialize({ sharedKey }) {
    // Such keys cannot be read, and the format with them is WebCrypto's alone.
    if (sharedKey) throw new Error('sealframe: keys that are managed elsewhere are not supported');
  },
  setEnabled({ enabled }) {
    isEnabled = enabled;
  },
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

function attachStreams({ operation, participantId, readableStream, writableStream }: ReturnType<typeof JITSI.encode>): void {
  attach(operation, participantId, readableStream, writableStream);
}

/** Messages of lib-jitsi-meet that are not listed are ignored. */
scope.onmessage = ({ data }) => {
  const { operation, ...fields } = Object(data) as { operation?: unknown };
  if (isListed(JITSI, operation)) dispatch(JITSI, operations, operation, { ...fields, operation });
};

scope.onrtctransform = ({ transformer: { options, readable, writable } }) => {
  const { operation, participantId } = jitsiTransformOf(options);
  attach(operation, participantId, readable, writable);
};
