// The people in the call: admits them, shows what is known of them, and reports problems.

import { Alarm } from './alarm.js';
import { fromBase64 } from './base64.js';
import { CheckDialog } from './check.js';
import { isName } from './names.js';
import { admission } from './rules.js';
import { Roster, isHarmless } from './roster.js';

const SHOW_EVERY_MS = 1000;
/** A participant without key management after this time never will have any. */
const OUTSIDE_MS = 10_000;
/** An alarm is raised after more failed frames than this, of one member between two looks. */
const TOO_MANY = 20;
/** How many looks in a row a key may be missing. */
const KEYLESS_LOOKS = 10;
/** Errors that a server which only relays never causes. */
const FORGED = ['Unauthentic', 'WrongKey', 'Malformed', 'OtherGroup'];

/** Why a member does not have us in its call. A member id in use is not among them: we take
 * another. */
const NOT_ADMITTED = {
  refused: 'has not let you in',
  locked: 'has not let you in: the call is locked',
  removed: 'has not let you in: you were removed from this call',
  full: 'has not let you in: the call is full',
  otherParameters: 'has not let you in: this page has other encryption settings than the call',
  replaced: 'has not let you in: you are already in this call, in another window',
};
/** Why we are out of the call. */
const ENDED = {
  removed: (name) => `${name} has removed you from the call.`,
  lockedOut: (name) => `${name} has locked the call without you.`,
  replaced: () => 'You have been replaced: you are in this call in another window, or have reloaded the page.',
};

const element = (id) => document.getElementById(id);

export class People {
  /** Called with a sentence when we are out of the call. */
  onended = () => {};
  /** Called with a notice that is not an alarm, or without one to remove it. */
  onnotice = () => {};

  #call;
  #keeper;
  #name;
  #tiles;
  #alarm = new Alarm(element('alarm'));
  #roster;
  #dialog;
  #timer;
  /** By session: the newest state of each member. */
  #members = new Map();
  /** By session: failed frames at the last look. */
  #failed = new Map();
  /** By session: frames without a key at the last look, and for how many looks there were too
   * many. */
  #keyless = new Map();
  /** By address: since when there has been a tile without a member. */
  #outside = new Map();
  /** Why members have not let us in. */
  #notAdmitted = null;

  /** `tiles` are the `Member`s by address. */
  constructor({ call, server, keeper, name, tiles }) {
    this.#call = call;
    this.#keeper = keeper;
    this.#name = name;
    this.#tiles = tiles;
    const { group } = call;
    group.onmessage = (message) => server.relay(message);
    group.onjoinrequest = (request) => this.#judge(request);
    group.onevent = (event) => this.#hear(event).catch(reportError);
    this.#dialog = new CheckDialog(element('check'), group, name);
    this.#roster = new Roster(element('people'), {
      check: (member) => this.#dialog.start(member),
      digits: (member) => this.#dialog.digits(member),
      remove: ({ session }) => group.remove(session),
    });
    element('people').querySelector('.lock').onclick = ({ target }) =>
      (target.dataset.locked === 'true' ? group.unlock() : group.lock()).then(() => this.#show());
    group.exportIdentity().then((seed) => keeper.keepIdentity(seed)).catch(reportError);
    this.#timer = setInterval(() => this.#show().catch(() => {}), SHOW_EVERY_MS);
  }

  close() {
    clearInterval(this.#timer);
  }

  /** Handles a message that the server relayed. */
  async receive({ from, data }) {
    let message;
    try {
      message = fromBase64(data);
    } catch {
      message = new Uint8Array();
    }
    const refused = await this.#call.group.receive(message);
    const name = this.#tiles.get(from)?.name ?? from;
    if (FORGED.includes(refused)) {
      this.#alarm.announce(`forged ${from}`, `The server delivered a message of ${name} that ${name} did not write (${refused}). `
        + 'It was dropped. Somebody is tampering with this call.');
    }
    if (refused === 'OtherKem' || refused === 'OtherSuite') {
      this.#alarm.announce(`other ${from}`, `${name} has other encryption settings than this call, and cannot join it.`);
    }
    if (refused === 'Equivocation') this.#alarm.raise(`equivocation ${from}`, equivocation(name));
  }

  /** Handles the new state of a stream. */
  stream({ state, direction, from }) {
    if (state !== 'leaking') return;
    const whose = direction === 'seal' ? 'Your' : `${this.#tiles.get(from)?.name ?? from}’s`;
    this.#alarm.raise(`leak ${direction} ${from}`, `${whose} media bypassed the encryption and were turned off.`);
  }

  /** The worker is dead, or a connection cannot be protected. */
  broken(error) {
    this.close();
    this.#alarm.raise('broken', `The encryption of this page has stopped: ${error.message}`);
  }

  // Every valid name is admitted; people verify each other by comparing codes.
  #judge({ credential }) {
    try {
      const name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(credential);
      return isName(name) ? admission(name) : null;
    } catch {
      return null;
    }
  }

  async #hear(event) {
    const { group } = this.#call;
    const { type, session = event.by ?? event.with } = event;
    if (type === 'ended') {
      const { user = 'Somebody' } = this.#members.get(session) ?? {};
      return this.onended(ENDED[event.reason](user));
    }
    if (!this.#members.has(session)) await this.#look();
    const { user = 'Somebody' } = this.#members.get(session) ?? {};
    switch (type) {
      case 'unlocked':
        this.#alarm.announce('unlocked', `${session === group.session ? 'You have' : `${user} has`} unlocked the call: `
          + 'anyone who knows the room’s name can join now.');
        break;
      case 'locked':
        this.#alarm.clear('unlocked');
        break;
      case 'equivocation':
        this.#alarm.raise(`equivocation ${this.#members.get(session)?.address}`, equivocation(user));
        break;
      case 'viewMismatch':
        this.#alarm.raise(`views ${session}`, `${user} was given other keys of a member than you were. `
          + 'The server may be showing you different calls.');
        break;
      case 'ordersDiffer':
        this.#alarm.announce(`orders ${session}`, `${user} follows other locks and removals than you do. The server may be withholding what `
          + 'moderators say.');
        break;
      case 'notAdmitted':
        if (event.reason in NOT_ADMITTED) this.#tell(`${user} ${NOT_ADMITTED[event.reason]}.`);
        break;
      case 'joined':
        this.#tell(null);
        break;
      case 'lockedOut':
        this.#alarm.announce('lockedOut', 'Somebody tried to join the locked call and was kept out.');
        break;
      case 'sasStarted':
        this.#dialog.begun({ session, user });
        break;
      case 'sasReady':
        this.#dialog.compare(event, user);
        break;
      case 'sasVerified':
      case 'sasFailed':
        this.#dialog.ended(event, user);
        if (event.code === 'SasMismatch') {
          this.#alarm.announce(`mismatch ${session}`, `The emoji check with ${user} failed: somebody is intercepting your keys.`);
        }
        break;
      case 'left':
        for (const what of ['changed', 'differs', 'views', 'failing', 'keyless', 'mismatch']) this.#alarm.clear(`${what} ${session}`);
        this.#failed.delete(session);
        this.#keyless.delete(session);
        this.#dialog.left(session, user);
    }
    this.#keeper.keepTrust(await group.exportTrust());
    await this.#show();
  }

  /** Shows why we have not been let in, until a member lets us in. */
  #tell(notice) {
    if (notice === this.#notAdmitted) return;
    this.#notAdmitted = notice;
    this.onnotice(notice ?? undefined);
  }

  async #look() {
    const state = await this.#call.group.state();
    for (const member of state.members) this.#members.set(member.session, member);
    return state;
  }

  async #show() {
    const state = await this.#look();
    this.#roster.show(state, this.#name);
    const members = new Map();
    for (const member of state.members) {
      const { address, identity, user } = member;
      const other = members.get(address);
      // A replaced session goes away in a moment; of two people with one connection, one is lying.
      this.#say(other !== undefined && other.identity !== identity, `address ${address}`,
        `${user} and ${other?.user} claim the same connection. One of them is an impostor.`);
      if (other === undefined || other.since > member.since) members.set(address, member);
    }
    for (const [address, tile] of this.#tiles) {
      tile.keys(members.get(address));
      if (members.has(address)) this.#outside.delete(address);
      else if (!this.#outside.has(address)) this.#outside.set(address, performance.now());
      tile.outside(performance.now() - this.#outside.get(address) > OUTSIDE_MS);
    }
    for (const member of state.members) this.#watch(member);
  }

  #watch(member) {
    const { session, user, verification } = member;
    this.#say(verification.startsWith('changed'), `changed ${session}`,
      `${user} has a new key${verification === 'changedVerified' ? ', and you had verified the old one' : ''}. It may be a new `
      + 'device, or an impostor. Compare emoji before you trust it.', [
        ['Compare emoji', () => this.#dialog.start(member)],
        ['It is a new device', () => this.#accept(session)],
      ]);
    this.#say(member.rosterDiffers, `differs ${session}`,
      `${user} sees other people in this call than you do. The server may be showing you different calls.`);
    this.#say(member.equivocated, `equivocation ${member.address}`, equivocation(user));
    const { UnknownKey: unknown = 0, ...others } = member.failed;
    const before = this.#keyless.get(session) ?? { unknown: 0, looks: 0 };
    const looks = unknown - before.unknown > TOO_MANY ? before.looks + 1 : 0;
    this.#keyless.set(session, { unknown, looks });
    this.#say(looks >= KEYLESS_LOOKS, `keyless ${session}`, `There is no key for what the server sends as ${user}’s media, so it is not played.`);
    const failed = Object.entries(others).filter(([code]) => !isHarmless(code));
    const sum = failed.reduce((all, [, count]) => all + count, 0);
    const more = sum - (this.#failed.get(session) ?? 0);
    this.#failed.set(session, sum);
    this.#say(more > TOO_MANY, `failing ${session}`,
      `What the server sends as ${user}’s does not open (${failed.map(([code]) => code).join(', ')}). It is not played.`);
  }

  #say(isOff, key, text, actions) {
    if (isOff) this.#alarm.raise(key, text, actions);
    else this.#alarm.clear(key);
  }

  async #accept(session) {
    const { group } = this.#call;
    await group.acceptIdentity(session);
    this.#keeper.keepTrust(await group.exportTrust());
    await this.#show();
  }
}

const equivocation = (name) => `${name} has signed contradictory messages to different people. Do not trust ${name}’s keys.`;
