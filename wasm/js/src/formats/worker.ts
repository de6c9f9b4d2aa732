// A worker for calls in the format of another system, whose keys the application hands out itself:
// what Jitsi, LiveKit or a DAVE client sends is opened, and what this browser sends is sealed in
// that format. A frame that does not seal or open is dropped.
//
// Requests are `{id, request, …}` with the fields that `PROFILES` in `shared/protocol.ts` lists,
// answered by `{id, result}` or `{id, error: {code, message}}`. The state of each stream is
// reported by `{state: {direction, participant, state, code, opened, failed}}`, with the code
// `UnknownKey` for a missing key. A stream that breaks is `broken`, and the others go on. Frames
// without bytes are dropped and not counted. A worker is for one call.

import { type SentFrameInfo, infoOf } from './frame-info.js';
import { pump } from './frame-pump.js';
import type { DaveOptions } from './options.js';
import { DaveOpener, DaveSealer, JitsiFrames, LiveKitFrames } from './profiles.js';
import type { OwnBytes } from '../shared/arguments.js';
import { type FrameSink, type FrameSource, scope } from '../shared/browser.js';
import { type ErrorCode, SealframeError, answerOf, messageOf } from '../shared/errors.js';
import { toHex } from '../shared/hex.js';
import {
  type Handlers, PROFILES, type ProfileStart, type ProfileTransformOptions, type ProfilesFields, dispatch, profileTransformOf,
} from '../shared/protocol.js';
import { StreamStatus } from '../worker/stream-state.js';

/**
 * Hashes of all secrets with which a sealer has begun, of any member: a second sealer would begin
 * with the same nonces. Epochs cannot stand for them, since groups begin again with the same
 * numbers.
 */
const sealedWith = new Set<string>();

const hashOf = async (bytes: OwnBytes) => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/** One member of a DAVE call: our sealer, or another member's opener. */
class DaveMember {
  #sealer: DaveSealer | null = null;
  #secretHash: string | null = null;
  #opener: DaveOpener | null = null;
  #options: DaveOptions;

  /** `options` are those of `DaveSealer.start`. */
  constructor(options: DaveOptions) {
    this.#options = options;
  }

  async addEpoch({ epoch, baseSecret, isOurs }: Omit<ProfilesFields['addEpoch'], 'participant'>): Promise<void> {
    if (isOurs) return this.#sealWith(baseSecret);
    this.#opener ??= await DaveOpener.start();
    this.#opener.addEpoch(epoch, baseSecret);
  }

  /** The secret in use changes nothing; one that was in use before is refused. */
  async #sealWith(baseSecret: OwnBytes): Promise<void> {
    const hash = await hashOf(baseSecret);
    if (hash === this.#secretHash) return;
    if (sealedWith.has(hash)) throw new SealframeError('SameKey', 'a sealer has begun with this secret before');
    const sealer = await DaveSealer.start(baseSecret, this.#options);
    sealedWith.add(hash);
    this.#sealer?.free();
    [this.#sealer, this.#secretHash] = [sealer, hash];
  }

  seal(frame: OwnBytes, info: SentFrameInfo): Uint8Array {
    if (this.#sealer === null) throw new SealframeError('UnknownKey');
    return this.#sealer.seal(frame, info);
  }

  open(wire: OwnBytes): Uint8Array {
    if (this.#opener === null) throw new SealframeError('UnknownKey');
    return this.#opener.open(wire);
  }

  free(): void {
    this.#sealer?.free();
    this.#opener?.free();
  }
}

/** A participant's keys, of one of the systems. */
type Keys = JitsiFrames | LiveKitFrames | DaveMember;

function keysFor(start: ProfileStart): Promise<Keys> {
  switch (start.profile) {
    case 'jitsi': return JitsiFrames.start(start.options);
    case 'livekit': return LiveKitFrames.start(start.options);
    case 'dave': return Promise.resolve(new DaveMember(start.options));
  }
}

/** Makes a participant's keys, once it is known of which system. */
let make: (() => Promise<Keys>) | null = null;
const participants = new Map<string, Keys>();

scope.onrtctransform = ({ transformer: { readable, writable, options } }) => attach(readable, writable, profileTransformOf(options));

const notInThisFormat = (request: string) => new TypeError(`sealframe: there is no '${request}' in this format`);

/** Works with a participant's keys; a participant without keys is there once that has gone well. */
async function withKeysOf<T>(name: string, work: (keys: Keys) => T | Promise<T>): Promise<T> {
  if (make === null) throw new SealframeError('NotStarted');
  const held = participants.get(name);
  const keys = held ?? await make();
  try {
    const result = await work(keys);
    participants.set(name, keys);
    return result;
  } catch (error) {
    if (held === undefined) keys.free();
    throw error;
  }
}

const requests: Handlers<typeof PROFILES> = {
  start(start) {
    if (make !== null) throw new SealframeError('WorkerInUse', 'this worker has a call already: each call needs one of its own');
    make = () => keysFor(start);
  },
  async setKey({ participant, index, key, options }) {
    try {
      return await withKeysOf(participant, (keys) => {
        if (keys instanceof LiveKitFrames) return keys.setKey(index, key, options);
        // A passphrase is a `TypeError` there, as any other text is.
        if (keys instanceof JitsiFrames) return keys.setKey(index, key as OwnBytes);
        throw notInThisFormat('setKey');
      });
    } finally {
      if (typeof key !== 'string') key.fill(0);
    }
  },
  ratchet: ({ participant, index }) => withKeysOf(participant, (keys) => {
    if (keys instanceof DaveMember) throw notInThisFormat('ratchet');
    return keys.ratchet(index);
  }),
  async addEpoch({ participant, ...epoch }) {
    try {
      return await withKeysOf(participant, (keys) => {
        if (keys instanceof DaveMember) return keys.addEpoch(epoch);
        throw notInThisFormat('addEpoch');
      });
    } finally {
      epoch.baseSecret.fill(0);
    }
  },
  forgetStream({ participant, ssrc }) {
    const keys = participants.get(participant);
    if (keys !== undefined && !(keys instanceof DaveMember)) keys.forgetStream(ssrc);
  },
  remove({ participant }) {
    participants.get(participant)?.free();
    participants.delete(participant);
  },
  transform: ({ readable, writable, options }) => attach(readable, writable, options),
  close() {
    for (const participant of participants.values()) participant.free();
    participants.clear();
    scope.close();
  },
};

/** One after the other, in the order in which they came. */
let queue: Promise<unknown> = Promise.resolve();

scope.onmessage = ({ data }) => {
  const { id, request, ...args } = Object(data) as { id?: unknown; request?: unknown };
  queue = queue.then(() => dispatch(PROFILES, requests, request, args)).then(
    (result) => scope.postMessage({ id, result }),
    (error: unknown) => scope.postMessage({ id, error: answerOf(error) }),
  );
};

/**
 * Seals or opens all frames of a stream; `codec` counts where the browser does not say what a frame
 * is.
 */
function attach(readable: FrameSource, writable: FrameSink, { direction, participant, codec }: ProfileTransformOptions): void {
  const state = new StreamStatus({ direction, participant }, (update) => scope.postMessage({ state: update }));
  pump(readable, writable, (frame) => {
    const keys = participants.get(participant);
    const info = keys === undefined ? 'UnknownKey' : infoOf(frame, () => codec);
    if (keys === undefined || typeof info === 'string') throw new SealframeError(info as ErrorCode);
    const bytes = new Uint8Array(frame.data);
    const result = direction === 'seal' ? keys.seal(bytes, info) : keys.open(bytes, info);
    state.count(null);
    return result as OwnBytes;
  }, (error) => state.count(error instanceof SealframeError ? error.code : 'Other')).catch((error: unknown) => state.break(messageOf(error)));
}
