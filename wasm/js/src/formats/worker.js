// A worker for calls in the format of another system, whose keys the application hands out itself: what Jitsi, LiveKit or a DAVE
// client sends is opened, and what this browser sends is sealed so. Whatever does not seal or open is dropped.
//
// Requests are `{id, request, …}`, answered by `{id, result}` or `{id, error: {code, message}}`; of
// each stream's state it is said `{state: {direction, participant, state, code, opened, failed}}`,
// `UnknownKey` being a missing one. One whose stream breaks is `broken`, and the others go on.
// Frames without bytes are dropped and not counted. A worker is for one call.

import { answerOf } from '../shared/errors.js';
import { toHex } from '../shared/hex.js';
import { PROFILES, checked, profileTransformOf } from '../shared/protocol.js';
import { pass } from './frame-pump.js';
import { infoOf } from './frame-info.js';
import { DaveOpener, DaveSealer, JitsiFrames, LiveKitFrames } from './profiles.js';
import { StreamState } from '../worker/stream-state.js';

/**
 * Hashes of all secrets that a sealer has begun with, whoever's: a second sealer would begin with the same nonces. Epochs cannot
 * stand for them, since groups begin anew with the same numbers.
 */
const sealedWith = new Set();

const hashOf = async (bytes) => toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));

/** One member of a DAVE call: our sealer, or somebody else's opener. */
class DaveMember {
  #sealer = null;
  #secretHash = null;
  #opener = null;
  #options;

  /** `options` are those of `DaveSealer.start`. */
  constructor(options) {
    this.#options = options;
  }

  async addEpoch({ epoch, baseSecret, isOurs }) {
    if (isOurs) return this.#sealWith(baseSecret);
    this.#opener ??= await DaveOpener.start();
    this.#opener.addEpoch(epoch, baseSecret);
  }

  /** The secret in use again changes nothing, one that was in use before is refused. */
  async #sealWith(baseSecret) {
    const hash = await hashOf(baseSecret);
    if (hash === this.#secretHash) return;
    if (sealedWith.has(hash)) throw { code: 'SameKey', message: 'a sealer has begun with this secret before' };
    const sealer = await DaveSealer.start(baseSecret, this.#options);
    sealedWith.add(hash);
    this.#sealer?.free();
    [this.#sealer, this.#secretHash] = [sealer, hash];
  }

  seal(frame, info) {
    if (this.#sealer === null) throw { code: 'UnknownKey' };
    return this.#sealer.seal(frame, info);
  }

  open(wire) {
    if (this.#opener === null) throw { code: 'UnknownKey' };
    return this.#opener.open(wire);
  }

  free() {
    this.#sealer?.free();
    this.#opener?.free();
  }
}

/** By system: a participant's keys. */
const SYSTEMS = {
  jitsi: (options) => JitsiFrames.start(options),
  livekit: (options) => LiveKitFrames.start(options),
  dave: async (options) => new DaveMember(options),
};

/** Makes a participant's keys, once it has been said of which system. */
let make = null;
const participants = new Map();

self.onrtctransform = ({ transformer: { readable, writable, options } }) => attach(readable, writable, profileTransformOf(options));

/** Does something with a participant's keys; a participant who had none is there once it has gone well. */
async function withKeysOf(name, method, args) {
  if (make === null) throw { code: 'NotStarted' };
  const held = participants.get(name);
  const keys = held ?? await make();
  try {
    if (typeof keys[method] !== 'function') throw new TypeError(`sealframe: there is no '${method}' in this format`);
    const result = await keys[method](...args);
    participants.set(name, keys);
    return result;
  } catch (error) {
    if (held === undefined) keys.free();
    throw error;
  }
}

const requests = {
  /** `profile` is `jitsi`, `livekit` or `dave`, `options` those of its class in `profiles.js`. */
  start({ profile, options }) {
    if (make !== null) throw { code: 'WorkerInUse', message: 'this worker has a call already: each call needs one of its own' };
    make = () => SYSTEMS[profile](options);
  },
  /** As the classes in `profiles.js` have them. */
  async setKey({ participant, index, key, options }) {
    try {
      return await withKeysOf(participant, 'setKey', [index, key, options]);
    } finally {
      if (typeof key !== 'string') key.fill(0);
    }
  },
  ratchet: ({ participant, index }) => withKeysOf(participant, 'ratchet', [index]),
  async addEpoch({ participant, ...epoch }) {
    try {
      return await withKeysOf(participant, 'addEpoch', [epoch]);
    } finally {
      epoch.baseSecret.fill(0);
    }
  },
  /** Forgets what a participant's stream has opened, once it has ended. */
  forgetStream: ({ participant, ssrc }) => participants.get(participant)?.forgetStream?.(ssrc),
  /** Wipes the keys of who has left. */
  remove({ participant }) {
    participants.get(participant)?.free();
    participants.delete(participant);
  },
  /** Old Chromium: the streams of createEncodedStreams, moved here. `options` as of a transform. */
  transform: ({ readable, writable, options }) => attach(readable, writable, options),
  close() {
    for (const participant of participants.values()) participant.free();
    participants.clear();
    self.close();
  },
};

/** One after the other, as they came. */
let queue = Promise.resolve();

self.onmessage = ({ data }) => {
  const { id, request, ...args } = Object(data);
  queue = queue.then(() => requests[request](checked(PROFILES, request, args))).then(
    (result) => self.postMessage({ id, result }),
    (error) => self.postMessage({ id, error: answerOf(error) }),
  );
};

/** `direction` is `seal` or `open`; `codec` is asked for where the browser does not say what a frame is. */
function attach(readable, writable, { direction, participant, codec }) {
  const state = new StreamState({ direction, participant }, (update) => self.postMessage({ state: update }));
  const work = (frame) => {
    const keys = participants.get(participant);
    const info = keys === undefined ? 'UnknownKey' : infoOf(frame, () => codec);
    if (typeof info === 'string') throw { code: info };
    const result = keys[direction === 'seal' ? 'seal' : 'open'](new Uint8Array(frame.data), info);
    state.count(null);
    return result;
  };
  const fail = ({ code = 'Other' }) => state.count(code);
  pass(readable, writable, work, fail).catch((error) => state.break(String(error?.message ?? error)));
}
