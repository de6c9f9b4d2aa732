// The key management of a call, in the worker. It is a module of its own, with memory of its own:
// keys that it makes or receives go into the module that seals and opens frames, and are wiped on
// the way.

import init, { Group, Task } from '../../../build/sealframe_group.js';
import type { ModuleSource } from '../loader/browser.js';
import { type OwnBytes, encoded } from '../shared/arguments.js';
import type { EncodedFrame } from '../shared/browser.js';
import type { GroupState, Kem, MemberState, Role } from '../shared/group-state.js';
import { fromHex } from '../shared/hex.js';
import type { Entrance, GROUP, GroupAnswers, GroupFields, GroupName, GroupNotice, Handlers } from '../shared/protocol.js';
import type { Source, StateCode } from '../shared/streams.js';
import type { FrameCrypto } from './frame-crypto.js';
import { Parking, type Stream } from './parking.js';
import type { FrameCore } from '../../../build/sealframe_wasm.js';

const KEM_ID: Record<Kem, number> = { x25519: 1, 'x-wing': 2 };
const ROLE_ID: Record<Role, number> = { participant: 0, recorder: 1, bot: 2 };
const SEED_LENGTH = 32;
/** Browsers take a longer wait for none at all. */
const MAX_WAIT_MS = 60_000;

const now = () => performance.now();

/** Where keys go: the core of the call, and what imports keys of it. */
export interface KeySink {
  core: FrameCore;
  crypto: FrameCrypto;
}

/** What the key manager needs of its worker. */
export interface Hooks {
  /** Tells the page something. */
  post(notice: GroupNotice): void;
  /** Ends the call, with an error if something broke. */
  stop(error: unknown): void;
  /** Newcomers can open what we seal from now on, and nothing older. */
  restart(): void;
}

/** Frames that opened, and those that did not, by code. */
interface Tally {
  opened: number;
  failed: Record<string, number>;
}

/** A member as the module says it: the user's name is in hexadecimal. */
type ToldMember = Omit<MemberState, 'uses' | keyof Tally>;
type ToldState = Omit<GroupState, 'members' | 'framesSealed'> & { members: ToldMember[] };
/** An event as the module says it: a credential is in hexadecimal. */
type ToldEvent = { type: string; credential?: string };
type ToldToPage = Extract<GroupNotice, { event: unknown }>['event'];

/** All tasks but waiting, by number. */
type Work = Record<Exclude<Task, Task.Wait>, (group: Group) => void>;

/** One member's keys, and those that others give it. */
export class KeyManager {
  #group: Group;
  #memory: WebAssembly.Memory;
  #sink: KeySink | null = null;
  #hooks: Hooks;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether there is something to be done that was not there when the last round began. */
  #isSoon = false;
  #parking = new Parking<number>();
  /** By member id: the newest key of a member that has opened a frame, and since when. */
  #uses = new Map<number, { generation: number; step: number; since: number }>();
  /** By address. */
  #tally = new Map<Source | undefined, Tally>();
  /** By address: what the core calls it. */
  #sources = new Map<string, number>();
  /** By member id: the address of a member of whom there are keys. */
  #addresses = new Map<number, string>();
  /** Numbers of members of whom a key has come, and whose frames have not been tried again yet. */
  #arrived = new Set<number>();
  /**
   * What each task is, by its number: a key that should be wiped would stay if one were missing.
   */
  #work: Work = {
    [Task.Send]: ({ to, bytes }) => this.#hooks.post({ message: { to: to ?? null, message: bytes } }),
    [Task.Event]: ({ event }) => this.#tell(JSON.parse(event) as ToldEvent),
    [Task.Ratchet]: () => {
      this.#core.ratchet();
      this.#hooks.restart();
    },
    [Task.Rekey]: ({ generation }) => this.#withKey((key) => this.#core.rekeyTo(generation, key)),
    [Task.Restart]: ({ memberId }) => this.#withKey((key) => this.#core.restart(memberId, key)),
    [Task.Install]: ({ memberId, generation, step }) => {
      const address = this.#group.addressAt(memberId);
      if (address !== undefined) {
        this.#core.setSource(memberId, this.sourceAt(address));
        this.#addresses.set(memberId, address);
        if (!this.#tally.has(address)) this.#tally.set(address, { opened: 0, failed: {} });
      }
      this.#withKey((key) => this.#core.install(memberId, generation, step, key));
      this.#arrived.add(memberId);
    },
    [Task.WipeGeneration]: ({ memberId, generation }) => this.#core.wipeGeneration(memberId, generation),
    [Task.WipeBefore]: ({ memberId, generation, step }) => this.#core.wipeBefore(memberId, generation, step),
    [Task.WipeMember]: ({ memberId }) => {
      this.#core.removeMember(memberId);
      const address = this.#addresses.get(memberId);
      this.#addresses.delete(memberId);
      // From now on frames from there are counted for the member that took its place.
      this.#tally.delete(address);
      if (address !== undefined && [...this.#addresses.values()].includes(address)) this.#tally.set(address, { opened: 0, failed: {} });
      this.#uses.delete(memberId);
      this.#parking.forget(memberId);
      this.#arrived.delete(memberId);
    },
  };
  /** Loads the module from `source`, and enters a group. The copy of `identity` is wiped. */
  static async enter(
    source: ModuleSource,
    { group, address, kem, role, moderator, credential, sends, identity, trust }: Omit<Entrance, 'framing' | 'threshold' | 'observe'>,
    hooks: Hooks,
  ): Promise<KeyManager> {
    const { memory } = await init({ module_or_path: source });
    const [kemId, roleId, epoch] = [KEM_ID[kem], ROLE_ID[role], performance.timeOrigin];
    const made = new Group(group, encoded(address), kemId, roleId, moderator, credential, sends, identity, trust, now(), epoch);
    identity?.fill(0);
    return new KeyManager(made, memory, hooks);
  }

  /** Use `KeyManager.enter`. */
  private constructor(group: Group, memory: WebAssembly.Memory, hooks: Hooks) {
    this.#group = group;
    this.#memory = memory;
    this.#hooks = hooks;
  }

  /**
   * Hands our member id and first key to `make`, which makes the core's `FrameCore` of them, and
   * starts.
   */
  start(make: (memberId: number, key: OwnBytes) => FrameCore, crypto: (core: FrameCore) => FrameCrypto): FrameCore {
    const core = this.#withKey((key) => make(this.#group.ownMemberId, key));
    this.#sink = { core, crypto: crypto(core) };
    this.soon();
    return core;
  }

  /** Does what is to be done, in a task of its own. */
  soon(): void {
    this.#isSoon = true;
    this.#wake(0);
  }

  /** What the core calls whatever comes from an address. */
  sourceAt(address: string): number {
    const source = this.#sources.get(address) ?? this.#sources.size;
    this.#sources.set(address, source);
    return source;
  }

  /**
   * Whether the frame that has just not opened is kept because its key has not come yet. `stream`
   * gets it back. The member that it names may not be known yet: media overtake the messages by
   * which a member is known, and the judging of join requests.
   */
  park(stream: Stream, frame: EncodedFrame): boolean {
    const from = this.#core.missed;
    this.#group.keyIsMissing(from, now());
    const isKept = this.#parking.park(stream, from, frame, now());
    if (isKept) this.soon();
    return isKept;
  }

  /** Drops what waits of a stream. */
  unpark(stream: Stream): void {
    this.#parking.forgetStream(stream);
  }

  /**
   * Counts a frame from an address: `code` is null if it opened. Frames from addresses without keys
   * are not counted.
   */
  count(from: Source | undefined, code: StateCode | null): void {
    const tally = this.#tally.get(from);
    if (tally === undefined) return;
    if (code === null) tally.opened += 1;
    else tally.failed[code] = (tally.failed[code] ?? 0) + 1;
  }

  /** Our session and identity, and the message with which we leave. */
  get session(): { session: string; identity: string; farewell: Uint8Array } {
    const { session, identity } = this.#state();
    return { session, identity, farewell: this.#group.farewell };
  }

  /** Answers what the page asks. */
  answer<N extends GroupName>(ask: N, args: GroupFields[N]): GroupAnswers[N] | Promise<GroupAnswers[N]> {
    const handlers: { [M in GroupName]: (fields: GroupFields[M]) => GroupAnswers[M] | Promise<GroupAnswers[M]> } = this.requests;
    return handlers[ask](args);
  }

  /** What the page asks for, by name. */
  requests: Handlers<typeof GROUP, GroupAnswers> = {
    // Says why a message was of no use, or null.
    receive: ({ message }) => {
      try {
        this.#group.handleMessage(message, now());
        return null;
      } catch (code) {
        if (typeof code !== 'string') throw code;
        return code;
      } finally {
        this.#drive();
      }
    },
    admit: ({ session, user, moderator }) =>
      this.#then(() => this.#group.admit(fromHex(session), encoded(user), moderator, now())),
    refuse: ({ session }) => this.#then(() => this.#group.refuse(fromHex(session), now())),
    dropMember: ({ address }) => this.#then(() => this.#group.dropMember(encoded(address), now())),
    reconnected: () => this.#then(() => this.#group.reconnected(now())),
    setSending: ({ sends }) => this.#then(() => this.#group.setSending(sends, now())),
    remove: ({ session }) => this.#then(() => this.#group.removeMember(fromHex(session), now())),
    lock: () => this.#then(() => this.#group.lock(now())),
    unlock: () => this.#then(() => this.#group.unlock(now())),
    rekey: () => this.#then(() => this.#group.rekey(now())),
    startSas: ({ session }) => this.#then(() => this.#group.startSas(fromHex(session), now())),
    confirmSas: ({ session }) => this.#then(() => this.#group.confirmSas(fromHex(session), now())),
    cancelSas: ({ session }) => this.#then(() => this.#group.cancelSas(fromHex(session), now())),
    pairwiseCode: ({ session, user }) => this.#group.pairwiseCode(fromHex(session), encoded(user)),
    setVerified: ({ session }) => this.#then(() => this.#group.setVerified(fromHex(session), now())),
    acceptIdentity: ({ session }) => this.#then(() => this.#group.acceptIdentity(fromHex(session), now())),
    exportTrust: () => this.#group.trustBytes(),
    exportIdentity: () => this.#bytes(this.#group.identityOffset(), SEED_LENGTH),
    farewell: () => this.#group.farewell,
    state: () => this.#state(),
  };

  /** Wipes every key of this module. */
  free(): void {
    clearTimeout(this.#timer);
    this.#parking.clear();
    this.#group.free();
  }

  /** There once `start` was called. */
  get #keys(): KeySink {
    if (this.#sink === null) throw new Error('sealframe: the key manager has not been started');
    return this.#sink;
  }

  get #core(): FrameCore {
    return this.#keys.core;
  }

  #then<T>(work: () => T): T {
    const result = work();
    this.#drive();
    return result;
  }

  /**
   * Does all that is to be done. A key that could not be changed ends the call: no frame passes
   * then.
   */
  #drive(): void {
    try {
      this.#isSoon = false;
      this.#hearOfFrames();
      for (;;) {
        const task = this.#group.poll(this.#core.framesSealed, now());
        if (task === Task.Wait) break;
        this.#work[task](this.#group);
        this.#keys.crypto.dropErased();
      }
      for (const from of this.#arrived) {
        this.#arrived.delete(from);
        this.#parking.release(from);
      }
      // A frame that was tried again may have asked for more.
      this.#wake(this.#isSoon ? 0 : Math.min(this.#group.until, this.#parking.until) - now());
    } catch (error) {
      this.#hooks.stop(error);
    }
  }

  #hearOfFrames(): void {
    for (let kid = this.#core.pollNewer(); kid !== undefined; kid = this.#core.pollNewer()) {
      const [from, generation, step] = [Number((kid >> 8n) & 0xffffn), kid >> 24n, Number(kid & 0xffn)];
      this.#group.opened(from, generation, step, now());
      this.#uses.set(from, { generation: Number(generation), step, since: now() });
    }
    if (this.#core.isNearlyExhausted()) this.#group.nearsLimit(now());
  }

  #tell({ credential, ...told }: ToldEvent): void {
    const event = (credential === undefined ? told : { ...told, credential: fromHex(credential) }) as ToldToPage;
    // Only the page needs the other half: how the new session leaves.
    this.#hooks.post(event.type === 'sessionChanged' ? { event, farewell: this.#group.farewell } : { event });
    // We are out: the others know it already.
    if (event.type === 'ended') setTimeout(() => this.#hooks.stop(null));
  }

  /** Takes the key that the module holds out, and wipes both copies when `work` has it. */
  #withKey<T>(work: (key: OwnBytes) => T): T {
    const key = this.#bytes(this.#group.keyOffset(), this.#group.keyLength);
    this.#group.wipeKey();
    try {
      return work(key);
    } finally {
      key.fill(0);
    }
  }

  #bytes(offset: number, length: number): OwnBytes {
    return new Uint8Array(this.#memory.buffer as ArrayBuffer, offset, length).slice();
  }

  #wake(wait: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      for (const stream of this.#parking.expire(now())) stream.giveUp();
      this.#drive();
    }, Math.min(Math.max(wait, 0), MAX_WAIT_MS));
  }

  #state(): GroupState {
    const state = JSON.parse(this.#group.state(now())) as ToldState;
    const members = state.members.map((member) => {
      const uses = this.#uses.get(member.memberId);
      return {
        ...member,
        user: new TextDecoder().decode(fromHex(member.user)),
        uses: uses === undefined ? null : { ...uses, since: now() - uses.since },
        ...(this.#tally.get(member.address ?? undefined) ?? { opened: 0, failed: {} }),
      };
    });
    return { ...state, framesSealed: Number(this.#core.framesSealed), members };
  }
}
