// Who is in a call and who holds its keys, as the worker tells the page and the page its
// application.

import type { SasErrorCode } from './errors.js';

/** The kinds of key encapsulation. */
export const KEMS = ['x25519', 'x-wing'] as const;
/** What members are in a call for. */
export const ROLES = ['participant', 'recorder', 'bot'] as const;

/** A session of somebody in a call: 32 hexadecimal digits. */
export type Session = string;
/** An Ed25519 public key: 64 hexadecimal digits. */
export type Identity = string;

/** What somebody is in a call for; everybody sees it. */
export type Role = (typeof ROLES)[number];
/**
 * How keys are encrypted to their recipients. With 'x-wing', a recording made today stays closed to
 * a quantum computer.
 */
export type Kem = (typeof KEMS)[number];

/**
 * What is known of a user who comes with an identity. With the last two, warn: the user had another
 * one before.
 */
export type Standing = 'new' | 'known' | 'verified' | 'changed' | 'changedVerified';

/**
 * Somebody who asks to come in. All of it is signed by the identity; who that is, the application
 * says.
 */
export interface JoinRequest {
  session: Session;
  /** Its member id, which KIDs name. */
  memberId: number;
  /** What the server calls it; null if that is no text. */
  address: string | null;
  identity: Identity;
  role: Role;
  /** It must name or sign the identity. */
  credential: Uint8Array;
  /** It has gone, and is judged for the orders alone that it gave as a moderator. */
  hasLeft: boolean;
}

/**
 * Who an application says that somebody is, a name that is not empty, and whether it may lock,
 * unlock and remove.
 */
export interface Admission {
  user: string;
  moderator?: boolean;
}

export interface Emoji {
  symbol: string;
  name: string;
}

/** Something that people should know. More may come. */
export type GroupEvent =
  | { type: 'joined' | 'sasStarted' | 'sasVerified'; session: Session }
  /**
   * Who was 'dropped' or 'lost' may come back; 'replaced' is by a newer session of the same
   * identity.
   */
  | { type: 'left'; session: Session; why: 'left' | 'removed' | 'lockedOut' | 'replaced' | 'dropped' | 'lost' }
  /** Somebody who was dropped or lost is in again. */
  | { type: 'returned'; session: Session }
  | { type: 'identityChanged'; session: Session; verification: Standing }
  /** Nothing that proves it to be present has come for three heartbeats; and has come again. */
  | { type: 'unresponsive' | 'responsive'; session: Session }
  /**
   * This member sees other people in the call than we do, or was told other keys of these than we
   * were: the first 16 digits of each session.
   */
  | { type: 'rosterMismatch' | 'viewMismatch'; with: Session; sessions: string[] }
  /** It sees the same people again. */
  | { type: 'rosterAgrees'; session: Session }
  /** It keeps to other locks and removals than we do, and comparing did not help. */
  | { type: 'ordersDiffer'; session: Session }
  /** It told different people different things. */
  | { type: 'equivocation'; session: Session }
  | { type: 'locked' | 'unlocked'; by: Session }
  | { type: 'lockedOut'; identity: Identity }
  /**
   * A member tells us that we are not in its call. `other` has our member id, or our identity. Of a
   * member id we take another.
   */
  | { type: 'notAdmitted'; by: Session; reason: 'refused' | 'locked' | 'removed' | 'full' | 'otherParameters' }
  | { type: 'notAdmitted'; by: Session; reason: 'memberIdInUse' | 'replaced'; other: Session }
  /** Our member id was in use: we have a new session, and everything goes on. */
  | { type: 'sessionChanged'; session: Session }
  /**
   * We are out, and the call is closed. 'replaced' is by another window of ours, or by the page
   * loaded again.
   */
  | { type: 'ended'; by: Session; reason: 'removed' | 'lockedOut' | 'replaced' }
  /** Show these, or the numbers, and ask whether the other sees the same. */
  | { type: 'sasReady'; session: Session; emoji: Emoji[]; numbers: number[] }
  | { type: 'sasFailed'; session: Session; code: SasErrorCode }
  /**
   * Somebody was turned away: `onjoinrequest` answered null ('Refused'), or what names nobody
   * ('AnswerInvalid'), failed ('AnswerFailed', with its `error`), or took more than five minutes
   * ('AnswerTimedOut'); or it could not be let in, for another code.
   */
  | { type: 'refused'; session: Session; code: string; error?: unknown }
  | { type: 'unknown' };

/** Another member. Times are in milliseconds. */
export interface MemberState {
  session: Session;
  /** Its member id, which KIDs name. */
  memberId: number;
  /** What the server calls it; null if that is no text, and then nothing of it opens. */
  address: string | null;
  user: string;
  identity: Identity;
  verification: Standing;
  role: Role;
  moderator: boolean;
  /** How long it has been in the call. */
  since: number;
  /**
   * Its newest generation that we hold, from which ratchet step on, and how long we have held it.
   */
  generation: number | null;
  step: number | null;
  keySince: number | null;
  /** Its newest key that has opened a frame, and for how long it has. */
  uses: { generation: number; step: number; since: number } | null;
  /** Whether it has been sent the key that we seal with. */
  hasOurKey: boolean;
  /** Whether it has shown that it is here now, not in a recording. */
  isLive: boolean;
  /** How long ago it last did. */
  silentFor: number;
  /** Whether it sends frames, as it says. */
  sends: boolean;
  /** Whether it has been seeing other people in the call than we do. */
  rosterDiffers: boolean;
  /** Whether it told different people different things. */
  equivocated: boolean;
  /** Frames that it says it has sealed with its present key. */
  framesSealed: number | null;
  /** Frames from its address that opened, and those that did not, by code. */
  opened: number;
  failed: Record<string, number>;
}

/** How a call stands. */
export interface GroupState {
  session: Session;
  /** Our member id, which KIDs name. */
  memberId: number;
  identity: Identity;
  kem: Kem;
  /** The media suite's number in RFC 9605's registry. */
  suite: number;
  /** 60 digits that everybody in the call can compare. */
  callCode: string;
  locked: boolean;
  /** The key that we seal with, and how many frames it has sealed. */
  generation: number;
  step: number;
  framesSealed: number;
  /** Another one is used in so many milliseconds at the latest; null if none is on its way. */
  nextKeyWithin: number | null;
  /** Whether we send frames, or only listen. */
  sends: boolean;
  /** Who is being judged. */
  waiting: Session[];
  /** Members that were dropped or lost, and may come back. */
  away: { session: Session; address: string | null }[];
  /** Whether we are out. */
  ended: boolean;
  members: MemberState[];
}
