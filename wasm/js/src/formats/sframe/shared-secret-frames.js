// Frames without a connection around them: for a worker of one's own, a bot, a gateway, a test. In Node.js too.

import init, { FrameCore, errorName } from '../../../../build/sealframe_wasm.js';
import { fieldsOf, memberOf, notByNew, secretOf, shortOf, viewOf } from '../../shared/arguments.js';
import { OUTCOME, codecId, framingId, streamKind } from '../../shared/ids.js';
import { SealframeError } from '../../shared/errors.js';
import { FrameRoom, LinearMemory } from '../frame-memory.js';
import { moduleSource } from '../../loader/browser.js';

export { SealframeError };

/** What the constructors below are called with by this module alone. */
const OURS = Symbol('ours');

/** One module for all members of this thread. */
let loading;

async function load() {
  // `moduleSource` may throw, and a failed load may be tried again.
  loading ??= (async () => new LinearMemory((await init({ module_or_path: await moduleSource() })).memory))();
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** One member of a call whose members share one secret: its keys, and frames sealed and opened with them. */
export class Frames {
  #core;
  #room;
  #framing;

  /** Use `Frames.start`. */
  constructor(key, core, memory, framing) {
    if (key !== OURS) throw notByNew('Frames.start');
    this.#core = core;
    this.#room = new FrameRoom(memory, core);
    this.#framing = framing;
  }

  /** As `SealedCall.start`; the core takes a copy of `secret`, and wipes that. */
  static async start(options) {
    const { secret, member, framing = 'compatible' } = fieldsOf(options, 'options');
    memberOf(member);
    framingId(framing);
    // Taken before anything is waited for, and wiped once the core has it.
    const copy = secretOf(secret);
    try {
      const memory = await load();
      return new Frames(OURS, named(() => new FrameCore(copy, member)), memory, framing);
    } finally {
      copy.fill(0);
    }
  }

  /** Our present key, for the server to relay to others; only those who have the secret can read it. */
  announcement() {
    return named(() => this.#started().announcement());
  }

  /** Installs the key that member `from` announces. */
  addMember(from, announcement) {
    memberOf(from, 'from');
    const bytes = viewOf(announcement, 'announcement');
    named(() => this.#started().addMember(from, bytes));
  }

  /** Wipes the keys of a member who left. */
  removeMember(from) {
    memberOf(from, 'from');
    this.#started().removeMember(from);
  }

  /** Moves our key on if it has sealed anything, so that the next newcomer opens nothing older. The others follow. */
  ratchet() {
    named(() => this.#started().ratchet());
  }

  /** Seals one stream of ours. */
  sealer(stream) {
    const { kind, index = 0, codec } = fieldsOf(stream, 'a stream');
    const [kindId, place, framing, id] = [streamKind(kind), shortOf(index, 'index'), framingId(this.#framing), codecId(codec)];
    this.#started();
    return new Sealer(OURS, (sealer, frame) =>
      this.#run(sealer, frame, (core, length) => core.seal(length, kindId, place, framing, id)));
  }

  /** Opens one stream of member `from`. */
  opener(stream) {
    const { from, kind, index = 0, codec } = fieldsOf(stream, 'a stream');
    memberOf(from, 'from');
    const [kindId, place, framing, id] = [streamKind(kind), shortOf(index, 'index'), framingId(this.#framing), codecId(codec)];
    this.#started();
    return new Opener(OURS, (opener, wire) =>
      this.#run(opener, wire, (core, length) => {
        if (length === 0) throw new SealframeError('TooShort', 'a frame without bytes');
        return core.open(from, length, kindId, place, framing, id);
      }));
  }

  /** Wipes all keys. Sealers and openers refuse everything from now on. */
  free() {
    this.#core?.free();
    this.#core = null;
  }

  #started() {
    if (this.#core === null) throw new SealframeError('NotStarted', 'freed');
    return this.#core;
  }

  #run(of, given, work) {
    const frame = viewOf(given, 'a frame');
    const core = this.#started();
    const result = this.#room.run(frame, (length) => work(core, length));
    if (typeof result === 'number') throw new SealframeError(errorName(result));
    of.kid = this.#room.long(OUTCOME.kid);
    return result;
  }
}

/** Made by `Frames.sealer`. */
export class Sealer {
  #work;
  /** KID of the last frame, a BigInt. */
  kid = null;

  constructor(key, work) {
    if (key !== OURS) throw notByNew('Frames.sealer');
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

  constructor(key, work) {
    if (key !== OURS) throw notByNew('Frames.opener');
    this.#work = work;
  }

  /**
   * The clear frame, as new bytes. Throws a `SealframeError` for what does not open; then nothing
   * has changed. One without bytes, as padding of RTP is, is 'TooShort': whoever gets such drops it
   * before.
   */
  open(wire) {
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
