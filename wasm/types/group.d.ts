// Who is in a call and who holds its keys, as the page sees it.

import type { Bytes } from './index.js';

/** A session of somebody in a call: 32 hexadecimal digits. */
export type Session = string;
/** An Ed25519 public key: 64 hexadecimal digits. */
export type Identity = string;

/** What somebody is in a call for; everybody sees it. */
export type Role = 'participant' | 'recorder' | 'bot';
/** How keys are encrypted to their recipients. What is recorded today stays closed to a quantum computer with 'x-wing'. */
export type Kem = 'x25519' | 'x-wing';

/** What is known of a user who comes with an identity. With the last two, warn: the user had another one before. */
export type Standing = 'new' | 'known' | 'verified' | 'changed' | 'changedVerified';

/** Somebody who asks to come in. All of it is signed by the identity; who that is, the application says. */
export interface Applicant {
  session: Session;
  member: number;
  identity: Identity;
  role: Role;
  credential: Uint8Array;
}

/** Who an application says that somebody is, a name that is not empty, and whether it may lock, unlock and remove. */
export interface Admission {
  user: string;
  moderator?: boolean;
}

export interface Emoji {
  symbol: string;
  name: string;
}

export type CheckCode =
  | 'CheckTooMany' | 'CheckAlreadyOpen' | 'CheckNotOpen' | 'CheckNothingToCompare' | 'CheckCancelled' | 'CheckTimedOut'
  | 'CheckOutOfOrder' | 'CheckMismatch';

/** Something that people should know. More may come. */
export type GroupEvent =
  | { type: 'joined' | 'silent' | 'heard' | 'checkBegun' | 'checkVerified'; session: Session }
  | { type: 'left'; session: Session; why: 'left' | 'removed' | 'dropped' | 'lost' }
  | { type: 'identityChanged'; session: Session; standing: Standing }
  /** This member sees other people in the call than we do; and does so no longer. */
  | { type: 'rosterMismatch' | 'rosterAgrees'; session: Session }
  | { type: 'updateMissing' | 'equivocation'; session: Session }
  /** `session` is who did it. */
  | { type: 'locked' | 'unlocked' | 'removed'; session: Session }
  | { type: 'lockedOut'; identity: Identity }
  /** Show these, or the numbers, and ask whether the other sees the same. */
  | { type: 'checkCompare'; session: Session; emoji: Emoji[]; numbers: number[] }
  | { type: 'checkFailed'; session: Session; code: CheckCode }
  /**
   * An applicant was turned away: `onapplied` answered null ('Refused'), or what names nobody ('AnswerInvalid'), failed
   * ('AnswerFailed', with its `error`), or took more than five minutes ('AnswerTimedOut'); or it could not be let in, for
   * another code.
   */
  | { type: 'notAdmitted'; session: Session; code: string; error?: unknown }
  | { type: 'unknown' };

/** Another member. Times are in milliseconds. */
export interface MemberState {
  session: Session;
  member: number;
  user: string;
  identity: Identity;
  standing: Standing;
  role: Role;
  moderator: boolean;
  /** How long it has been in the call. */
  since: number;
  /** Its newest generation that we hold, from which ratchet step on, and how long we have held it. */
  generation: number | null;
  step: number | null;
  keySince: number | null;
  /** Its newest key that has opened a frame, and for how long it has. */
  uses: { generation: number; step: number; since: number } | null;
  /** Whether it has been sent the key that we seal with. */
  hasOurKey: boolean;
  /** Whether it has shown that it is here now, not in a recording. */
  fresh: boolean;
  /** How long nothing authentic has come from it. */
  silentFor: number;
  /** Whether it has been seeing other people in the call than we do. */
  rosterDiffers: boolean;
  /** Whether it told different people different things. */
  equivocated: boolean;
  /** Frames that it says it has sealed with its present key. */
  framesSealed: number | null;
  /** Frames of it that opened, and those that did not, by code. */
  opened: number;
  failed: Record<string, number>;
}

/** How a call stands. */
export interface GroupState {
  session: Session;
  member: number;
  identity: Identity;
  kem: Kem;
  /** The media suite's number in RFC 9605's registry. */
  suite: number;
  /** 30 digits that everybody in the call can compare. */
  callCode: string;
  locked: boolean;
  /** The key that we seal with, and how many frames it has sealed. */
  generation: number;
  step: number;
  framesSealed: number;
  /** Another one is used in so many milliseconds at the latest; null if none is on its way. */
  nextKeyWithin: number | null;
  applicants: Session[];
  /** Whether we have been removed. */
  ended: boolean;
  members: MemberState[];
}

/** The members of a call that give each other their keys. What each thing does is said where it is written: in `group.js`. */
export class Group {
  private constructor();
  /** `to` is the number that this member has signed; null for all others. */
  onmessage: (message: { to: number | null; message: Uint8Array }) => void;
  /** Nobody comes in but by the name that this returns; any other answer refuses, and is a 'notAdmitted' event. */
  onapplied: (applicant: Applicant) => Promise<Admission | null> | Admission | null;
  onevent: (event: GroupEvent) => void;
  readonly session: Session;
  readonly identity: Identity;
  receive(message: Bytes, from?: number): Promise<string | null>;
  state(): Promise<GroupState>;
  lock(): Promise<void>;
  unlock(): Promise<void>;
  remove(session: Session): Promise<void>;
  dropMember(member: number): Promise<boolean>;
  rekey(): Promise<void>;
  startCheck(session: Session): Promise<void>;
  confirmCheck(session: Session): Promise<void>;
  cancelCheck(session: Session): Promise<void>;
  pairwiseCode(session: Session, user: string): Promise<string>;
  setVerified(session: Session): Promise<void>;
  acceptIdentity(session: Session): Promise<void>;
  exportTrust(): Promise<Uint8Array>;
  exportIdentity(): Promise<Uint8Array>;
  /** The second time nothing is said. Rejects only with what `onmessage` throws, and the call is closed then too. */
  leave(): Promise<void>;
}
