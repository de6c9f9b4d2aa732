// The page's side of who is in a call and who holds its keys.

import { addressOf, booleanOf, bytesOf, fieldsOf, nameOf, sessionOf } from '../shared/arguments.js';

/** How long an application may think about somebody who asks to come in. A person may have to be asked. */
const JUDGE_WITHIN_MS = 300_000;
/** What an answer is that does not come. */
const LATE = Symbol('late');

/** The members of a call that give each other their keys. `SealedCall.join` makes it. Sessions are named by hexadecimal digits. */
export class Group {
  /**
   * Called with `{to, message}`: bytes for the server to relay to the address `to`, or with null to all others. `to` is the
   * address that this member has signed, wherever messages in its name have come from.
   */
  onmessage = () => {};
  /**
   * Called with `{session, number, address, identity, role, credential, hasLeft}` when somebody asks to come in. What is known
   * of it is what `credential` proves, which must name or sign the identity; return `{user, moderator}`, `user` being a string
   * that is not empty, or null to refuse. Nobody comes in by itself: any other answer, an error, and none within five minutes
   * refuse too. An event 'refused' says which, by its `code`: 'Refused', 'AnswerInvalid', 'AnswerFailed' (with the `error`) or
   * 'AnswerTimedOut'. With `hasLeft` it has gone, and is judged for the orders alone that it gave as a moderator.
   */
  onjoinrequest = async () => null;
  /** Called with `{type, ...}` for all that people should know. After 'ended' the call is closed. */
  onevent = () => {};

  /** Our session. It changes with the event 'sessionChanged'. */
  session;
  /** Our identity, in hexadecimal. */
  identity;

  #ask;
  #close;
  #farewell;
  /** Ends the call, for a reason. */
  #end;
  /** Set as we leave. */
  #left = null;

  /** Use `SealedCall.join`. */
  constructor({ ask, close, end }, { session, identity, farewell }) {
    this.#ask = (request, args = {}) => ask('group', { ask: request, args });
    this.#close = close;
    this.#end = end;
    this.session = session;
    this.identity = identity;
    this.#farewell = farewell;
  }

  /**
   * Takes a message that the server relayed. Resolves to null, or to the reason why it was of no use, such as 'Stale' or
   * 'Unauthentic'; then nothing has changed.
   */
  async receive(message) {
    return this.#ask('receive', { message: bytesOf(message, 'message') });
  }

  /** How the call stands, as plain data: for an interface to show, or to be kept. */
  state() {
    return this.#ask('state');
  }

  /** Lets nobody in any more who has not been in this call. Only moderators may. */
  lock() {
    return this.#ask('lock');
  }

  /** Lets newcomers ask again. Only moderators may. */
  unlock() {
    return this.#ask('unlock');
  }

  /** Removes a member for everybody. Only moderators may. */
  async remove(session) {
    return this.#ask('remove', { session: sessionOf(session) });
  }

  /**
   * The server says that whoever it calls so is gone. Keys change at once; it is in again as soon as it shows that it is there.
   * Resolves to whether there was one.
   */
  async dropMember(address) {
    return this.#ask('dropMember', { address: addressOf(address) });
  }

  /** The connection to the server is up again after a break: everybody hears of us at once, and we of them. */
  reconnected() {
    return this.#ask('reconnected');
  }

  /** Whether we send frames from now on, or only listen: then keys change without giving them to anybody. */
  async setSending(sends) {
    return this.#ask('setSending', { sends: booleanOf(sends, 'sends') });
  }

  /** Another key of ours, because something is suspicious. */
  rekey() {
    return this.#ask('rekey');
  }

  /** Begins to compare emoji with a member: a 'checkCompare' event follows on both sides. */
  async startCheck(session) {
    return this.#ask('startCheck', { session: sessionOf(session) });
  }

  /** Our person sees the same emoji as theirs. */
  async confirmCheck(session) {
    return this.#ask('confirmCheck', { session: sessionOf(session) });
  }

  /** Our person sees others, or gives up. */
  async cancelCheck(session) {
    return this.#ask('cancelCheck', { session: sessionOf(session) });
  }

  /**
   * 45 digits that this member sees too, in every call. `user` is what the others call us. Frames stand still for the fraction
   * of a second that it takes.
   */
  async pairwiseCode(session, user) {
    return this.#ask('pairwiseCode', { session: sessionOf(session), user: nameOf(user, 'user') });
  }

  /** Our person has compared codes: this member is who it says. */
  async setVerified(session) {
    return this.#ask('setVerified', { session: sessionOf(session) });
  }

  /** Our person accepts that a member has another identity than before. That does not verify it. */
  async acceptIdentity(session) {
    return this.#ask('acceptIdentity', { session: sessionOf(session) });
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
  hear({ message, event, farewell }) {
    if (message !== undefined) return this.onmessage(message);
    switch (event.type) {
      case 'joinRequested': return this.#judge(event);
      case 'sessionChanged':
        this.session = event.session;
        this.#farewell = farewell;
        return this.onevent(event);
      case 'ended':
        // Of those who are out nobody wants to hear.
        this.#left ??= Promise.resolve();
        try {
          return this.onevent(event);
        } finally {
          this.#end(event.reason);
        }
      default: return this.onevent(event);
    }
  }

  /** Lets in whom the application names, and nobody else. */
  async #judge({ type, ...request }) {
    const { session } = request;
    try {
      const { user, moderator } = await admissionOf(() => this.onjoinrequest(request));
      await this.#ask('admit', { session, user, moderator });
    } catch ({ code = 'Other', error }) {
      try {
        // No harm if the session is gone: this fails only where the call is over.
        await this.#ask('refuse', { session });
      } catch {
        // Nothing is told any more.
        return;
      }
      this.onevent({ type: 'refused', session, code, ...(error === undefined ? {} : { error }) });
    }
  }
}

/** What an application says of who wants to come in; rejects with a `code` for anything but a name. */
async function admissionOf(judge) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, JUDGE_WITHIN_MS, LATE);
  });
  let answer;
  try {
    answer = await Promise.race([(async () => judge())(), late]);
  } catch (error) {
    throw { code: 'AnswerFailed', error };
  } finally {
    clearTimeout(timer);
  }
  if (answer === LATE) throw { code: 'AnswerTimedOut' };
  if (answer === null) throw { code: 'Refused' };
  try {
    const { user, moderator = false } = fieldsOf(answer, 'an admission');
    return { user: nameOf(user, 'user'), moderator: booleanOf(moderator, 'moderator') };
  } catch (error) {
    throw { code: 'AnswerInvalid', error };
  }
}
