// Frames without a connection around them: for a worker of one's own, a bot, a gateway, a test. In
// Node.js too.

import { FrameRoom, LinearMemory } from '../frame-memory.js';
import { moduleSource } from '../../loader/browser.js';
import { type OwnBytes, fieldsOf, memberOf, notByNew, secretOf, shortOf, viewOf } from '../../shared/arguments.js';
import type { Bytes } from '../../shared/bytes.js';
import { type ErrorCode, SealframeError, withErrors } from '../../shared/errors.js';
import { type Codec, type Framing, OUTCOME, type StreamKind, codecId, framingId, streamKind } from '../../shared/ids.js';
import init, { FrameCore, errorName } from '../../../../build/sealframe_wasm.js';

export { SealframeError };
export type { Bytes, Codec, ErrorCode, Framing, StreamKind };

/** What the constructors below are called with by this module alone. */
const OURS = Symbol('ours');

/** One module for all members of this thread. */
let loading: Promise<LinearMemory> | undefined;

async function load(): Promise<LinearMemory> {
  // `moduleSource` may throw, and a failed load may be tried again.
  loading ??= (async () => new LinearMemory((await init({ module_or_path: await moduleSource() })).memory))();
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** Options of `SharedSecretFrames.start`. */
export interface SharedSecretOptions {
  /** At least 16 random bytes that all members share; fewer are 'SecretTooShort'. */
  secret: Bytes;
  /** This member's id, unique in the call: 0 to 65535. */
  member: number;
  /** The same for all members: 'compatible' unless given. */
  framing?: Framing;
}

/** A stream of frames that we seal. */
export interface SealedStream {
  kind: StreamKind;
  /** Tells several of a kind apart; 0 unless given. */
  index?: number;
  codec: Codec;
}

/** A stream of frames of member `from`. */
export interface OpenedStream extends SealedStream {
  from: number;
}

/** What does one frame of a stream: it notes the frame's KID in `halves`. */
type Work = (halves: KidHalves, bytes: unknown) => OwnBytes;

/** The halves of the KID of a stream's last frame: a BigInt for each frame would cost. */
interface KidHalves {
  low?: number;
  high?: number;
}

const kidOf = ({ low, high }: KidHalves): bigint | null =>
  low === undefined || high === undefined ? null : BigInt(high) << 32n | BigInt(low);

/**
 * One member of a call whose members share one secret: its keys, and frames sealed and opened with
 * them.
 */
export class SharedSecretFrames {
  #core: FrameCore | null;
  #room: FrameRoom;
  #framing: Framing;

  /** Use `SharedSecretFrames.start`. */
  private constructor(key: symbol, core: FrameCore, memory: LinearMemory, framing: Framing) {
    if (key !== OURS) throw notByNew('SharedSecretFrames.start');
    this.#core = core;
    this.#room = new FrameRoom(memory, core);
    this.#framing = framing;
  }

  /** Enters a call. A copy of `secret` is taken, and wiped once the keys are derived. */
  static async start(options: SharedSecretOptions): Promise<SharedSecretFrames> {
    const { secret, member, framing = 'compatible' } = fieldsOf(options, 'options');
    const number = memberOf(member);
    framingId(framing);
    // Taken before anything is waited for, and wiped once the core has it.
    const copy = secretOf(secret);
    try {
      const memory = await load();
      return new SharedSecretFrames(OURS, withErrors(() => new FrameCore(copy, number)), memory, framing as Framing);
    } finally {
      copy.fill(0);
    }
  }

  /**
   * Our present key, for the server to relay to others; only members that have the secret can read
   * it.
   */
  announcement(): Uint8Array {
    return withErrors(() => this.#started().announcement());
  }

  /** Installs the key that member `from` announces. */
  addMember(from: number, announcement: Bytes): void {
    memberOf(from, 'from');
    const bytes = viewOf(announcement, 'announcement');
    withErrors(() => this.#started().addMember(from, bytes));
  }

  /** Wipes the keys of a member that left. */
  removeMember(from: number): void {
    memberOf(from, 'from');
    this.#started().removeMember(from);
  }

  /**
   * Moves our key on if it has sealed anything, so that the next newcomer opens nothing older. The
   * others follow.
   */
  ratchet(): void {
    withErrors(() => this.#started().ratchet());
  }

  /** Seals one stream of ours. */
  sealer(stream: SealedStream): Sealer {
    const { kind, index = 0, codec } = fieldsOf(stream, 'a stream');
    const [kindId, place, framing, id] = [streamKind(kind), shortOf(index, 'index'), framingId(this.#framing), codecId(codec)];
    this.#started();
    return makeSealer((halves, frame) =>
      this.#run(halves, frame, (core, length) => core.seal(length, kindId, place, framing, id)));
  }

  /** Opens one stream of member `from`. */
  opener(stream: OpenedStream): Opener {
    const { from, kind, index = 0, codec } = fieldsOf(stream, 'a stream');
    const number = memberOf(from, 'from');
    const [kindId, place, framing, id] = [streamKind(kind), shortOf(index, 'index'), framingId(this.#framing), codecId(codec)];
    this.#started();
    return makeOpener((halves, wire) =>
      this.#run(halves, wire, (core, length) => {
        if (length === 0) throw new SealframeError('TooShort', 'a frame without bytes');
        return core.open(number, length, kindId, place, framing, id);
      }));
  }

  /**
   * Wipes all keys. This, its sealers and its openers refuse everything from now on with
   * 'NotStarted'.
   */
  free(): void {
    this.#core?.free();
    this.#core = null;
  }

  #started(): FrameCore {
    if (this.#core === null) throw new SealframeError('NotStarted', 'freed');
    return this.#core;
  }

  #run(halves: KidHalves, given: unknown, work: (core: FrameCore, length: number) => number): OwnBytes {
    const frame = viewOf(given, 'a frame');
    const core = this.#started();
    const result = this.#room.run(frame, (length) => work(core, length));
    if (typeof result === 'number') throw new SealframeError(errorName(result) as ErrorCode);
    halves.low = this.#room.word(OUTCOME.kid);
    halves.high = this.#room.word(OUTCOME.kid + 1);
    return result;
  }
}

let makeSealer: (work: Work) => Sealer;
let makeOpener: (work: Work) => Opener;

/** Made by `SharedSecretFrames.sealer`. */
export class Sealer {
  #work: Work;
  #kid: KidHalves = {};

  static {
    makeSealer = (work) => new Sealer(OURS, work);
  }

  /** Use `SharedSecretFrames.sealer`. */
  private constructor(key: symbol, work: Work) {
    if (key !== OURS) throw notByNew('SharedSecretFrames.sealer');
    this.#work = work;
  }

  /** The KID (RFC 9605 section 4.3) of the last frame; null before the first. */
  get kid(): bigint | null {
    return kidOf(this.#kid);
  }

  /**
   * The sealed frame, as new bytes. One without bytes is sealed too, except where its codec must
   * have some. Throws a `SealframeError`.
   */
  seal(frame: Bytes): Uint8Array {
    return this.#work(this.#kid, frame);
  }
}

/** Made by `SharedSecretFrames.opener`. */
export class Opener {
  #work: Work;
  #kid: KidHalves = {};

  static {
    makeOpener = (work) => new Opener(OURS, work);
  }

  /** Use `SharedSecretFrames.opener`. */
  private constructor(key: symbol, work: Work) {
    if (key !== OURS) throw notByNew('SharedSecretFrames.opener');
    this.#work = work;
  }

  /**
   * The KID of the last frame that opened; null before the first. It changes when the sender has
   * another key, or moves its key on.
   */
  get kid(): bigint | null {
    return kidOf(this.#kid);
  }

  /**
   * The clear frame, as new bytes. Throws a `SealframeError` for a frame that does not open; then
   * nothing has changed. One without bytes, as padding of RTP is, is 'TooShort': drop it before.
   */
  open(wire: Bytes): Uint8Array {
    return this.#work(this.#kid, wire);
  }
}
