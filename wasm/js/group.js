// The page's side of who is in a call and who holds its keys.

import { checkMember } from './failure.js';

/** The members of a call that give each other their keys. `SealedCall.join` makes it. Sessions are named by hexadecimal digits. */
export class Group {
  /**
   * Called with `{to, message}`: bytes for the server to relay to member `to`, or with null to all others. `to` is the number
   * that this member has signed, wherever messages in its name have come from.
   */
  onmessage = () => {};
  /**
   * Called with `{session, member, identity, role, credential}` when somebody asks to come in. What is known of it is what
   * `credential` proves; return `{user, moderator}`, or null to refuse. Nobody comes in by itself.
   */
  onapplied = async () => null;
  /** Called with `{type, ...}` for all that people should know. */
  onevent = () => {};

  /** Our session. */
  session;
  /** Our identity, in hexadecimal. */
  identity;

  #ask;
  #close;
  #fail;
  #farewell;
  /** Set as we leave. */
  #left = null;

  /** Use `SealedCall.join`. */
  constructor({ ask, close, fail }, { session, identity, farewell }) {
    this.#ask = (request, args = {}) => ask('group', { ask: request, args });
    this.#close = close;
    this.#fail = fail;
    this.session = session;
    this.identity = identity;
    this.#farewell = farewell;
  }

  /**
   * Takes a message that the server relayed from member `from`. Resolves to null, or to the reason why it was of no use, such as
   * 'Stale' or 'Unauthentic'; then nothing has changed. With `from`, nobody who is no member can announce a number that is not
   * its own ('NotAllowed').
   */
  async receive(message, from) {
    if (from !== undefined) checkMember(from);
    return this.#ask('receive', { message, from });
  }

  /** How the call stands, as plain data: for an interface to show, or to be kept. */
  state() {
    return this.#ask('state');
  }

  /** Lets nobody in any more who has not been in this call. Only moderators may. */
  lock() {
    return this.#ask('lock');
  }

  /** Lets newcomers apply again. Only moderators may. */
  unlock() {
    return this.#ask('unlock');
  }

  /** Removes a member for everybody. Only moderators may. */
  remove(session) {
    return this.#ask('remove', { session });
  }

  /** The server says that this member is gone. It does not come back. */
  async dropMember(member) {
    checkMember(member);
    return this.#ask('dropMember', { member });
  }

  /** Another key of ours, because something is suspicious. */
  rekey() {
    return this.#ask('rekey');
  }

  /** Begins to compare emoji with a member: a 'checkCompare' event follows on both sides. */
  startCheck(session) {
    return this.#ask('startCheck', { session });
  }

  /** Our person sees the same emoji as theirs. */
  confirmCheck(session) {
    return this.#ask('confirmCheck', { session });
  }

  /** Our person sees others, or gives up. */
  cancelCheck(session) {
    return this.#ask('cancelCheck', { session });
  }

  /**
   * 45 digits that this member sees too, in every call. `user` is what the others call us. Frames stand still for the fraction
   * of a second that it takes.
   */
  pairwiseCode(session, user) {
    return this.#ask('pairwiseCode', { session, user });
  }

  /** Our person has compared codes: this member is who it says. */
  setVerified(session) {
    return this.#ask('setVerified', { session });
  }

  /** Our person accepts that a member has another identity than before. That does not verify it. */
  acceptIdentity(session) {
    return this.#ask('acceptIdentity', { session });
  }

  /** What is known of people, for `trust` of the next call. No secret; keep it where nobody else writes. */
  exportTrust() {
    return this.#ask('exportTrust');
  }

  /** Our identity's seed, for `identity` of the next call. A secret: keep it where nobody else reads. */
  exportIdentity() {
    return this.#ask('exportIdentity');
  }

  /** Says so to the others, at once, and closes the call. The second time nothing is said. */
  leave() {
    this.#left ??= this.#sayFarewell();
    return this.#left;
  }

  async #sayFarewell() {
    try {
      this.onmessage({ to: null, message: this.#farewell });
    } finally {
      await this.#close();
    }
  }

  /** From the worker. */
  hear({ message, event }) {
    if (message !== undefined) this.onmessage(message);
    else if (event.type === 'applied') this.#judge(event).catch(this.#fail);
    else this.onevent(event);
  }

  async #judge({ type, ...applicant }) {
    const { session } = applicant;
    let admission = null;
    try {
      admission = await this.onapplied(applicant);
    } finally {
      if (admission === null) await this.#ask('refuse', { session });
    }
    if (admission === null) return;
    const { user, moderator = false } = admission;
    // It may be gone, or the call full.
    await this.#ask('admit', { session, user, moderator }).catch(({ code }) => {
      // The call is over, and nothing is told any more.
      if (code !== 'Closed') this.onevent({ type: 'notAdmitted', session, code });
    });
  }
}
