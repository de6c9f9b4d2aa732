// Frames without a connection around them: for a worker of one's own, a bot, a gateway, a test. In Node.js too.

import init, { Call, errorName } from './sealframe_wasm.js';
import { codecId, framingId, streamKind } from './codec.js';
import { SealframeError, checkMember } from './failure.js';
import { FrameMemory } from './memory.js';
import { moduleSource } from './module.js';

export { SealframeError };

/** One module for all members of this thread. */
let loading;

async function load() {
  // `moduleSource` may throw, and a failed load may be tried again.
  loading ??= (async () => new FrameMemory((await init({ module_or_path: await moduleSource() })).memory))();
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** One member of a call whose members share one secret: its keys, and frames sealed and opened with them. */
export class Frames {
  #call;
  #memory;
  #framing;

  /** Use `Frames.start`. */
  constructor(call, memory, framing) {
    this.#call = call;
    this.#memory = memory;
    this.#framing = framing;
  }

  /** As `SealedCall.start`; the core takes a copy of `secret`, and wipes that. */
  static async start({ secret, member, framing = 'compatible' }) {
    checkMember(member);
    framingId(framing);
    const memory = await load();
    return new Frames(named(() => new Call(secret, member)), memory, framing);
  }

  /** Our present key, for the server to relay to others; only those who have the secret can read it. */
  announcement() {
    return named(() => this.#started().announcement());
  }

  /** Installs the key that member `from` announces. */
  addMember(from, announcement) {
    checkMember(from);
    named(() => this.#started().addMember(from, announcement));
  }

  /** Wipes the keys of a member who left. */
  removeMember(from) {
    checkMember(from);
    this.#started().removeMember(from);
  }

  /** Moves our key on if it has sealed anything, so that the next newcomer opens nothing older. The others follow. */
  ratchet() {
    named(() => this.#started().ratchet());
  }

  /** Seals one stream of ours. */
  sealer({ kind, index = 0, codec }) {
    const [kindId, framing, id] = [streamKind(kind), framingId(this.#framing), codecId(codec)];
    return new Sealer((sealer, frame) =>
      this.#run(sealer, frame, (call) => call.seal(frame.length, kindId, index, framing, id)));
  }

  /** Opens one stream of member `from`. */
  opener({ from, kind, index = 0, codec }) {
    checkMember(from);
    const [kindId, framing, id] = [streamKind(kind), framingId(this.#framing), codecId(codec)];
    return new Opener((opener, wire) =>
      this.#run(opener, wire, (call) => call.open(from, wire.length, kindId, index, framing, id)));
  }

  /** Wipes all keys. Sealers and openers refuse everything from now on. */
  free() {
    this.#call?.free();
    this.#call = null;
  }

  #started() {
    if (this.#call === null) throw new SealframeError('NotStarted', 'freed');
    return this.#call;
  }

  #run(of, frame, work) {
    const call = this.#started();
    const result = this.#memory.run(call, frame, () => work(call));
    if (typeof result === 'number') throw new SealframeError(errorName(result));
    of.kid = call.kid;
    return result;
  }
}

/** Made by `Frames.sealer`. */
export class Sealer {
  #work;
  /** KID of the last frame, a BigInt. */
  kid = null;

  constructor(work) {
    this.#work = work;
  }

  /**
   * The sealed frame, as new bytes. One without bytes is sealed too, except where its codec must
   * have some.
   */
  seal(frame) {
    return this.#work(this, frame);
  }
}

/** Made by `Frames.opener`. */
export class Opener {
  #work;
  /** KID of the last frame that opened, a BigInt. */
  kid = null;

  constructor(work) {
    this.#work = work;
  }

  /**
   * The clear frame, as new bytes. Throws a `SealframeError` for what does not open; then nothing
   * has changed. One without bytes, as padding of RTP is, is 'TooShort': whoever gets such drops it
   * before.
   */
  open(wire) {
    if (wire.length === 0) throw new SealframeError('TooShort', 'a frame without bytes');
    return this.#work(this, wire);
  }
}

/** The core throws its codes as strings. */
function named(work) {
  try {
    return work();
  } catch (error) {
    throw typeof error === 'string' ? new SealframeError(error) : error;
  }
}
