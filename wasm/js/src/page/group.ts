// The page's side of who is in a call and who holds its keys.

import { addressOf, booleanOf, bytesOf, fieldsOf, nameOf, sessionOf } from '../shared/arguments.js';
import type { Bytes } from '../shared/bytes.js';
import type { Admission, GroupEvent, GroupState, Identity, JoinRequest, Session } from '../shared/group-state.js';
import type { GroupAnswers, GroupFields, GroupName, GroupNotice, Joined } from '../shared/protocol.js';

/** How long an application may think about a join request. A person may have to be asked. */
const JUDGE_WITHIN_MS = 300_000;
/** Stands for an answer that does not come. */
const LATE: unique symbol = Symbol('late');

/**
 * What a group needs of its call.
 *
 * @internal
 */
export interface CallAccess {
  /** Asks the key management in the worker. */
  ask<N extends GroupName>(name: N, args: GroupFields[N]): Promise<GroupAnswers[N]>;
  /** Closes the call. */
  close(): Promise<void>;
  /** Ends the call, for a reason. */
  end(reason: string): void;
}

/**
 * How a call makes its group, and hands it what the worker tells.
 *
 * @internal
 */
export let ofCall: {
  make(call: CallAccess, joined: Omit<Joined, 'threshold'>): Group;
  receive(group: Group, notice: GroupNotice): void;
};

/**
 * The members of a call that give each other their keys. `SealedCall.join` makes it. Sessions are
 * named by hexadecimal digits.
 */
export class Group {
  static {
    ofCall = {
      make: (call, joined) => new Group(call, joined),
      receive: (group, notice) => group.#receive(notice),
    };
  }

  /**
   * Called with bytes for the server to relay to the address `to`, or with null to all others. `to`
   * is the address that this member has signed, wherever messages in its name have come from.
   */
  onmessage: (message: { to: string | null; message: Uint8Array }) => void = () => {};
  /**
   * Called when somebody asks to come in. What is known of them is what `credential` proves, which
   * must name or sign the identity. Return who it is, or null to refuse. Nobody comes in otherwise:
   * any other answer, an error, and no answer within five minutes refuse too. An event 'refused'
   * says which, by its `code`: 'Refused', 'AnswerInvalid', 'AnswerFailed' (with the `error`) or
   * 'AnswerTimedOut'.
   */
  onjoinrequest: (request: JoinRequest) => Promise<Admission | null> | Admission | null = () => null;
  /** Called for all that people should know. After 'ended' the call is closed. */
  onevent: (event: GroupEvent) => void = () => {};

  #session: Session;
  #call: CallAccess;
  #farewell: Uint8Array;
  /** Set as we leave. */
  #left: Promise<void> | null = null;

  /** Our identity. */
  readonly identity: Identity;

  /** Use `SealedCall.join`. */
  private constructor(call: CallAccess, { session, identity, farewell }: Omit<Joined, 'threshold'>) {
    this.#call = call;
    this.#session = session;
    this.identity = identity;
    this.#farewell = farewell;
  }

  /** Our session. It changes with the event 'sessionChanged'. */
  get session(): Session {
    return this.#session;
  }

  /**
   * Takes a message that the server relayed. Resolves to null, or to the reason why it was of no
   * use, such as 'Stale' or 'Unauthentic'; then nothing has changed.
   */
  async receive(message: Bytes): Promise<string | null> {
    return this.#ask('receive', { message: bytesOf(message, 'message') });
  }

  /** How the call stands, as plain data: for an interface to show, or to be kept. */
  async state(): Promise<GroupState> {
    return this.#ask('state', {});
  }

  /** Lets in only people who have been in this call before. Only moderators may. */
  async lock(): Promise<void> {
    return this.#ask('lock', {});
  }

  /** Lets newcomers ask again. Only moderators may. */
  async unlock(): Promise<void> {
    return this.#ask('unlock', {});
  }

  /** Removes a member for everybody. Only moderators may. */
  async remove(session: Session): Promise<void> {
    return this.#ask('remove', { session: sessionOf(session) });
  }

  /**
   * Tells that the server has lost the member at this address. Keys change at once; the member is
   * in again as soon as it shows that it is there. Resolves to whether there was one.
   */
  async dropMember(address: string): Promise<boolean> {
    return this.#ask('dropMember', { address: addressOf(address) });
  }

  /**
   * Tells that the connection to the server is up again: all members exchange heartbeats at once.
   */
  async reconnected(): Promise<void> {
    return this.#ask('reconnected', {});
  }

  /**
   * Says whether we send frames from now on, or only listen: then our key changes reach no member.
   */
  async setSending(sends: boolean): Promise<void> {
    return this.#ask('setSending', { sends: booleanOf(sends, 'sends') });
  }

  /** Takes another key of ours, because something is suspicious. */
  async rekey(): Promise<void> {
    return this.#ask('rekey', {});
  }

  /** Begins to compare emoji with a member: a 'sasReady' event follows on both sides. */
  async startSas(session: Session): Promise<void> {
    return this.#ask('startSas', { session: sessionOf(session) });
  }

  /** Says that our person sees the same emoji as theirs. */
  async confirmSas(session: Session): Promise<void> {
    return this.#ask('confirmSas', { session: sessionOf(session) });
  }

  /** Says that our person sees other emoji, or gives up. */
  async cancelSas(session: Session): Promise<void> {
    return this.#ask('cancelSas', { session: sessionOf(session) });
  }

  /**
   * 45 digits that this member sees too, in every call. `user` is what the others call us. No frame
   * passes for the fraction of a second that it takes.
   */
  async pairwiseCode(session: Session, user: string): Promise<string> {
    return this.#ask('pairwiseCode', { session: sessionOf(session), user: nameOf(user, 'user') });
  }

  /** Says that our person has compared codes: this member is who it claims to be. */
  async setVerified(session: Session): Promise<void> {
    return this.#ask('setVerified', { session: sessionOf(session) });
  }

  /**
   * Says that our person accepts another identity of a member than before. That does not verify it.
   */
  async acceptIdentity(session: Session): Promise<void> {
    return this.#ask('acceptIdentity', { session: sessionOf(session) });
  }

  /**
   * What is known of people, for `trust` of the next call. It is no secret; keep it where nobody
   * else writes.
   */
  async exportTrust(): Promise<Uint8Array> {
    return this.#ask('exportTrust', {});
  }

  /** Our identity's seed, for `identity` of the next call: a secret. */
  async exportIdentity(): Promise<Uint8Array> {
    return this.#ask('exportIdentity', {});
  }

  /**
   * Says farewell to the others, at once, and closes the call. The second time nothing is said.
   * Rejects only with what `onmessage` throws, and the call is closed then too.
   */
  leave(): Promise<void> {
    this.#left ??= this.#sayFarewell();
    return this.#left;
  }

  #ask<N extends GroupName>(name: N, args: GroupFields[N]): Promise<GroupAnswers[N]> {
    return this.#call.ask(name, args);
  }

  async #sayFarewell(): Promise<void> {
    try {
      this.onmessage({ to: null, message: this.#farewell });
    } finally {
      await this.#call.close();
    }
  }

  #receive(notice: GroupNotice): void {
    if ('message' in notice) return this.onmessage(notice.message);
    const { event, farewell } = notice;
    if (event.type === 'joinRequested') {
      void this.#judge(event);
      return;
    }
    if (event.type === 'sessionChanged') {
      this.#session = event.session;
      if (farewell !== undefined) this.#farewell = farewell;
    }
    if (event.type !== 'ended') return this.onevent(event);
    // We are out: a farewell would be ignored.
    this.#left ??= Promise.resolve();
    try {
      this.onevent(event);
    } finally {
      this.#call.end(event.reason);
    }
  }

  /** Lets in only people whom the application names. */
  async #judge({ type: _, ...request }: JoinRequest & { type: string }): Promise<void> {
    const { session } = request;
    try {
      const { user, moderator } = await admissionOf(() => this.onjoinrequest(request));
      await this.#ask('admit', { session, user, moderator });
    } catch (refusal) {
      const { code = 'Other', error } = Object(refusal) as Partial<Refusal>;
      try {
        // A session that is gone does no harm: this fails only where the call is over.
        await this.#ask('refuse', { session });
      } catch {
        // Nothing is told any more.
        return;
      }
      this.onevent({ type: 'refused', session, code, ...(error === undefined ? {} : { error }) });
    }
  }
}

/** Why nobody comes in. */
interface Refusal {
  code: string;
  error?: unknown;
}

/** What an application says of a join request; rejects with a `Refusal` for anything but a name. */
async function admissionOf(judge: () => unknown): Promise<Required<Admission>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<typeof LATE>((resolve) => {
    timer = setTimeout(resolve, JUDGE_WITHIN_MS, LATE);
  });
  let answer: unknown;
  try {
    answer = await Promise.race([(async () => judge())(), late]);
  } catch (error) {
    throw { code: 'AnswerFailed', error } satisfies Refusal;
  } finally {
    clearTimeout(timer);
  }
  if (answer === LATE) throw { code: 'AnswerTimedOut' } satisfies Refusal;
  if (answer === null) throw { code: 'Refused' } satisfies Refusal;
  try {
    const { user, moderator = false } = fieldsOf(answer, 'an admission');
    return { user: nameOf(user, 'user'), moderator: booleanOf(moderator, 'moderator') };
  } catch (error) {
    throw { code: 'AnswerInvalid', error } satisfies Refusal;
  }
}
