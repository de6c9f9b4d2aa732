// A worker for calls in the format of another system, whose keys the application hands out itself: what Jitsi, LiveKit or a DAVE
// client sends is opened, and what this browser sends is sealed so. Whatever does not seal or open is dropped.
//
// Requests are `{id, request, …}`, answered by `{id, result}` or `{id, error: {code, message}}`; of each stream's state it is
// said `{state: {direction, participant, state, code, opened, failed}}`, `UnknownKey` being a missing one.

import { toHex } from './hex.js';
import { pass } from './passage.js';
import { infoOf } from './profile-label.js';
import { DaveOpener, DaveSealer, JitsiFrames, LiveKitFrames } from './profiles.js';
import { StreamState } from './state.js';

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

  async addEpoch({ epoch, baseSecret, isOurs }) {
    try {
      if (isOurs) return await this.#sealWith(baseSecret);
      this.#opener ??= await DaveOpener.start();
      this.#opener.addEpoch(epoch, baseSecret);
    } finally {
      baseSecret.fill(0);
    }
  }

  /** The secret in use again changes nothing, one that was in use before is refused. */
  async #sealWith(baseSecret) {
    const hash = await hashOf(baseSecret);
    if (hash === this.#secretHash) return;
    if (sealedWith.has(hash)) throw { code: 'SameKey', message: 'a sealer has begun with this secret before' };
    const sealer = await DaveSealer.start(baseSecret);
    sealedWith.add(hash);
    this.#sealer?.free();
    [this.#sealer, this.#secretHash] = [sealer, hash];
  }

  seal(frame, info) {
    if (this.#sealer === null) throw { code: 'MissingKey' };
    return this.#sealer.seal(frame, info);
  }

  open(wire) {
    if (this.#opener === null) throw { code: 'MissingKey' };
    return this.#opener.open(wire);
  }

  free() {
    this.#sealer?.free();
    this.#opener?.free();
  }
}

const PROFILES = {
  jitsi: () => JitsiFrames.start(),
  livekit: (options) => LiveKitFrames.start(options),
  dave: async () => new DaveMember(),
};

/** Makes a participant's keys, once it has been said of which system. */
let make = null;
const participants = new Map();

self.onrtctransform = ({ transformer: { readable, writable, options } }) => attach(readable, writable, options);

async function participantOf(name) {
  if (make === null) throw { code: 'NotStarted' };
  const made = participants.get(name) ?? await make();
  participants.set(name, made);
  return made;
}

const requests = {
  /** `profile` is `jitsi`, `livekit` or `dave`, `options` those of `LiveKitFrames.start`. */
  start({ profile, options }) {
    if (!Object.hasOwn(PROFILES, profile)) throw new TypeError(`sealframe: no profile '${profile}'`);
    make = () => PROFILES[profile](options);
  },
  /** As the classes in `profiles.js` have them. */
  async setKey({ participant, index, key, options }) {
    const at = (await participantOf(participant)).setKey(index, key, options);
    if (typeof key !== 'string') key.fill(0);
    return at;
  },
  ratchet: async ({ participant, index }) => (await participantOf(participant)).ratchet(index),
  addEpoch: async ({ participant, ...epoch }) => (await participantOf(participant)).addEpoch(epoch),
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

self.onmessage = ({ data: { id, request, ...args } }) => {
  queue = queue.then(() => requests[request](args)).then(
    (result) => self.postMessage({ id, result }),
    (error) => self.postMessage({ id, error: { code: error.code ?? 'Other', message: String(error.message ?? error.code) } }),
  );
};

/** `direction` is `seal` or `open`; `codec` is asked for where the browser does not say what a frame is. */
function attach(readable, writable, { direction, participant, codec }) {
  const state = new StreamState({ direction, participant }, (update) => self.postMessage({ state: update }));
  const work = (frame) => {
    const keys = participants.get(participant);
    const info = keys === undefined ? 'MissingKey' : infoOf(frame, () => codec);
    if (typeof info === 'string') throw { code: info };
    const result = keys[direction === 'seal' ? 'seal' : 'open'](new Uint8Array(frame.data), info);
    state.count(null);
    return result;
  };
  // What ends a stream is the page's to know: outside a promise it reaches the worker's `onerror`.
  const die = (error) => setTimeout(() => { throw error; });
  const fail = ({ code = 'Other' }) => state.count(code === 'MissingKey' ? 'UnknownKey' : code);
  pass(readable, writable, work, fail).catch(die);
}
