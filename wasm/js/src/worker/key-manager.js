// The key management of a call, in the worker. It is a module of its own, with memory of its own: keys that it makes or is
// sent go into the module that seals and opens frames, and are wiped on the way.

import init, { Group, Task } from '../../../build/sealframe_group.js';
import { encoded } from '../shared/arguments.js';
import { fromHex } from '../shared/hex.js';
import { Parking } from './parking.js';

const KEMS = { x25519: 1, 'x-wing': 2 };
const ROLES = { participant: 0, recorder: 1, bot: 2 };
const SEED_LENGTH = 32;
/** Browsers take a longer wait for none at all. */
const MAX_WAIT_MS = 60_000;

const now = () => performance.now();

/** One member's keys, and those that others tell it. */
export class Keys {
  #group;
  #memory;
  #core = null;
  #crypto = null;
  #post;
  #stop;
  #timer;
  /** Whether there is something to be done that was not there when the last round began. */
  #isSoon = false;
  #parking = new Parking();
  /** By number: the newest key of a member that has opened a frame, and since when. */
  #uses = new Map();
  /** By address: frames that opened, and those that did not, by code. */
  #tally = new Map();
  /** By address: what the core calls it. */
  #sources = new Map();
  /** By number: the address of a member of whom there are keys. */
  #addresses = new Map();
  /** What each task is, by its number. */
  #work = {
    [Task.Send]: ({ to, bytes }) => this.#post({ message: { to: to ?? null, message: bytes } }),
    [Task.Event]: ({ event }) => this.#tell(JSON.parse(event)),
    [Task.Ratchet]: () => this.#core.ratchet(),
    [Task.Rekey]: ({ generation }) => this.#withKey((key) => this.#core.rekeyTo(generation, key)),
    [Task.Restart]: ({ number }) => this.#withKey((key) => this.#core.restart(number, key)),
    [Task.Install]: ({ number, generation, step }) => {
      const address = this.#group.addressAt(number);
      if (address !== undefined) {
        this.#core.setSource(number, this.sourceAt(address));
        this.#addresses.set(number, address);
        if (!this.#tally.has(address)) this.#tally.set(address, { opened: 0, failed: {} });
      }
      this.#withKey((key) => this.#core.install(number, generation, step, key));
      this.#arrived.add(number);
    },
    [Task.WipeGeneration]: ({ number, generation }) => this.#core.wipeGeneration(number, generation),
    [Task.WipeBefore]: ({ number, generation, step }) => this.#core.wipeBefore(number, generation, step),
    [Task.WipeMember]: ({ number }) => {
      this.#core.removeMember(number);
      const address = this.#addresses.get(number);
      this.#addresses.delete(number);
      // What is counted from now on is of whoever took its place there.
      this.#tally.delete(address);
      if ([...this.#addresses.values()].includes(address)) this.#tally.set(address, { opened: 0, failed: {} });
      this.#uses.delete(number);
      this.#parking.forget(number);
      this.#arrived.delete(number);
    },
  };
  /** Numbers of members of whom a key has come, and whose frames have not been tried again yet. */
  #arrived = new Set();

  /**
   * `source` is the module; `post` tells the page something; `stop` ends the call, with an error if something broke.
   * `identity` is wiped.
   */
  static async enter(source, { group, address, kem, role, moderator, credential, sends, identity, trust }, { post, stop }) {
    const { memory } = await init({ module_or_path: source });
    const [kemId, roleId, epoch] = [KEMS[kem], ROLES[role], performance.timeOrigin];
    const made = new Group(group, encoded(address), kemId, roleId, moderator, credential, sends, identity, trust, now(), epoch);
    identity?.fill(0);
    return new Keys(made, memory, post, stop);
  }

  /** Use `Keys.enter`. */
  constructor(group, memory, post, stop) {
    this.#group = group;
    this.#memory = memory;
    this.#post = post;
    this.#stop = stop;
    const unknown = Object.values(Task).filter((task) => Number.isInteger(task) && task !== Task.Wait && !(task in this.#work));
    // A key that should be wiped would stay.
    if (unknown.length > 0) throw new Error(`sealframe: nobody does task ${unknown.map((task) => Task[task])}`);
  }

  /** Hands our number and first key to `make`, which makes the core's `FrameCore` of them, and starts. */
  start(make, crypto) {
    this.#core = this.#withKey((key) => make(this.#group.ownNumber, key));
    this.#crypto = crypto(this.#core);
    this.soon();
    return this.#core;
  }

  /** Does what is to be done, in a task of its own. */
  soon() {
    this.#isSoon = true;
    this.#wake(0);
  }

  /** What the core calls whatever comes from an address. */
  sourceAt(address) {
    if (!this.#sources.has(address)) this.#sources.set(address, this.#sources.size);
    return this.#sources.get(address);
  }

  /** Whether the frame that has just not opened is kept because its key has not come yet. `transform` gets it back. */
  park(transform, frame) {
    const from = this.#core.missed;
    if (!this.#group.keyIsMissing(from, now())) return false;
    const isKept = this.#parking.park(transform, from, frame, now());
    if (isKept) this.soon();
    return isKept;
  }

  /** Drops what waits of a stream. */
  unpark(transform) {
    this.#parking.forgetTransform(transform);
  }

  /** What became of a frame from an address: `code` is null if it opened. Of whom there is no key nothing is counted. */
  count(from, code) {
    const tally = this.#tally.get(from);
    if (tally === undefined) return;
    if (code === null) tally.opened += 1;
    else tally.failed[code] = (tally.failed[code] ?? 0) + 1;
  }

  /** What the page asks for, by name. */
  requests = {
    /** Takes a message; says why it was of no use, or null. */
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
      this.#then(() => this.#group.admit(fromHex(session), new TextEncoder().encode(user), moderator, now())),
    refuse: ({ session }) => this.#then(() => this.#group.refuse(fromHex(session), now())),
    dropMember: ({ address }) => this.#then(() => this.#group.dropMember(encoded(address), now())),
    reconnected: () => this.#then(() => this.#group.reconnected(now())),
    setSending: ({ sends }) => this.#then(() => this.#group.setSending(sends, now())),
    remove: ({ session }) => this.#then(() => this.#group.removeMember(fromHex(session), now())),
    lock: () => this.#then(() => this.#group.lock(now())),
    unlock: () => this.#then(() => this.#group.unlock(now())),
    rekey: () => this.#then(() => this.#group.rekey(now())),
    startCheck: ({ session }) => this.#then(() => this.#group.startCheck(fromHex(session), now())),
    confirmCheck: ({ session }) => this.#then(() => this.#group.confirmCheck(fromHex(session), now())),
    cancelCheck: ({ session }) => this.#then(() => this.#group.cancelCheck(fromHex(session), now())),
    pairwiseCode: ({ session, user }) => this.#group.pairwiseCode(fromHex(session), new TextEncoder().encode(user)),
    setVerified: ({ session }) => this.#then(() => this.#group.setVerified(fromHex(session), now())),
    acceptIdentity: ({ session }) => this.#then(() => this.#group.acceptIdentity(fromHex(session), now())),
    exportTrust: () => this.#group.trustBytes(),
    exportIdentity: () => this.#bytes(this.#group.identityOffset(), SEED_LENGTH),
    farewell: () => this.#group.farewell,
    state: () => this.#state(),
  };

  /** Wipes every key of this module. */
  free() {
    clearTimeout(this.#timer);
    this.#parking.clear();
    this.#group.free();
  }

  #then(work) {
    const result = work();
    this.#drive();
    return result;
  }

  /** Until there is nothing more to be done. A key that could not be changed ends the call: no frame passes then. */
  #drive() {
    try {
      this.#isSoon = false;
      this.#hearOfFrames();
      for (;;) {
        const task = this.#group.poll(this.#core.framesSealed, now());
        if (task === Task.Wait) break;
        this.#work[task](this.#group);
        this.#crypto.dropErased();
      }
      for (const from of this.#arrived) {
        this.#arrived.delete(from);
        this.#parking.release(from);
      }
      // A frame that was tried again may have asked for more.
      this.#wake(this.#isSoon ? 0 : Math.min(this.#group.until, this.#parking.until) - now());
    } catch (error) {
      this.#stop(error);
    }
  }

  #hearOfFrames() {
    for (let kid = this.#core.pollNewer(); kid !== undefined; kid = this.#core.pollNewer()) {
      const [from, generation, step] = [Number((kid >> 8n) & 0xffffn), kid >> 24n, Number(kid & 0xffn)];
      this.#group.opened(from, generation, step, now());
      this.#uses.set(from, { generation: Number(generation), step, since: now() });
    }
    if (this.#core.isNearlyExhausted()) this.#group.nearsLimit(now());
  }

  #tell({ credential, ...event }) {
    const told = { event: credential === undefined ? event : { ...event, credential: fromHex(credential) } };
    // With it goes what only the page needs: how the new session leaves.
    if (event.type === 'sessionChanged') told.farewell = this.#group.farewell;
    this.#post(told);
    // We are out: nothing is to be said any more that the others would not hear anyway.
    if (event.type === 'ended') setTimeout(() => this.#stop(null));
  }

  /** Takes the key that the module holds out, and wipes both copies when `work` has it. */
  #withKey(work) {
    const key = this.#bytes(this.#group.keyOffset(), this.#group.keyLength);
    this.#group.wipeKey();
    try {
      return work(key);
    } finally {
      key.fill(0);
    }
  }

  #bytes(offset, length) {
    return new Uint8Array(this.#memory.buffer, offset, length).slice();
  }

  #wake(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#parking.expire(now());
      this.#drive();
    }, Math.min(Math.max(wait, 0), MAX_WAIT_MS));
  }

  #state() {
    const state = JSON.parse(this.#group.state(now()));
    state.framesSealed = Number(this.#core.framesSealed);
    state.members = state.members.map((member) => {
      const uses = this.#uses.get(member.number);
      return {
        ...member,
        user: new TextDecoder().decode(fromHex(member.user)),
        uses: uses === undefined ? null : { ...uses, since: now() - uses.since },
        ...(this.#tally.get(member.address) ?? { opened: 0, failed: {} }),
      };
    });
    return state;
  }
}
