// The page's side of a call. What each thing does is said once, where it is written: in `index.js`.

import type { CheckCode, Group, Kem, Role } from './group.js';

export type * from './group.js';

/**
 * Bytes, of any of these: a copy is taken. Everything else is a `TypeError`, a string above all, and so are a
 * `SharedArrayBuffer` and a buffer that has been transferred. So is every other argument of a wrong type, of a number outside
 * of its range, or missing: nothing has changed then. Functions that return a promise reject with it.
 */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** How much of a frame stays readable: the few bytes that packetizers need, or none. All members use the same. */
export type Framing = 'compatible' | 'full';
/** `red` is sound with redundancy (RFC 2198), its blocks Opus. */
export type Codec = 'opus' | 'red' | 'vp8' | 'vp9' | 'h264' | 'av1';
/** What a stream shows; authenticated with every frame. */
export type StreamKind = 'microphone' | 'camera' | 'screen' | 'screenAudio';

/** A stream of ours. `index` tells several of a kind apart; 0 unless given. */
export interface SentStream {
  kind: StreamKind;
  index?: number;
  /**
   * Taken from what the connection negotiated unless given, and whenever that changes. Sound of
   * which 'opus' is told may come with redundancy.
   */
  codec?: Codec | null;
}

/** Of whom a stream is: an address in a call that was joined, a member's number where all share a secret. */
export type Source = string | number;

/** A stream of somebody. */
export interface ReceivedStream extends SentStream {
  from: Source;
}

export type State =
  /** Nothing has come, or its key is not known yet. */
  | 'waiting'
  /** Frames went through the worker, and the connection's own counters agree. */
  | 'encrypted'
  /** Frames come, and do not open or seal; `code` says why. */
  | 'failing'
  /** Media went past the worker, and have been turned off. */
  | 'leaking'
  /**
   * The browser's own stream of frames broke: nothing of it comes any more. Other streams go on.
   */
  | 'broken';

export interface StreamState {
  direction: 'seal' | 'open';
  from?: Source;
  kind?: StreamKind;
  index?: number;
  state: State;
  code: ErrorCode | 'Bypassed' | 'StreamBroken' | null;
  /** Of a stream that is broken: what the browser says. */
  message?: string;
  /** Frames sealed or opened so far. */
  opened: number;
  /**
   * Frames dropped so far, without those that have no bytes: they are padding, and nothing is said
   * of them.
   */
  failed: number;
}

/** A stream's frames are sealed, or open, with another key from now on. */
export interface KeyChange {
  direction: 'seal' | 'open';
  from?: Source;
  kind: StreamKind;
  index: number;
  /** The key's KID (RFC 9605 section 4.3): the first of all, one that was announced anew, or the next ratchet step. */
  kid: bigint;
}

/** One frame before and after, for demonstrations and tests. */
export interface ObservedFrame {
  direction: 'sealed' | 'opened';
  from?: Source;
  kind: StreamKind;
  index: number;
  clear: Uint8Array;
  wire: Uint8Array;
}

export interface CallOptions {
  framing?: Framing;
  /**
   * One of its own for this call, or it is refused ('WorkerInUse'); otherwise the package's own file is loaded, which a page that
   * requires Trusted Types must do itself.
   */
  worker?: Worker;
  /** Bytes from which frames go to WebCrypto; measured unless given. */
  threshold?: number;
  observe?: (frame: ObservedFrame) => void;
}

export interface StartOptions extends CallOptions {
  /** At least 16 random bytes that all members share; fewer are 'SecretTooShort'. */
  secret: Bytes;
  /** This member's number, unique in the call: 0 to 65535. */
  member: number;
}

export interface JoinOptions extends CallOptions {
  /** What the application calls the call: the same bytes for all members, one at least. */
  group: Bytes;
  /** What the server calls us: a string that is not empty, of at most 255 bytes; the same after a break. Everybody sees it. */
  address: string;
  /** What the others judge us by, which must name or sign our identity; at most 4,096 bytes, more are 'Policy'. */
  credential: Bytes;
  /** 32 bytes of `Group.exportIdentity`, any other number is 'Malformed'; otherwise an identity is drawn for this call. */
  identity?: Bytes;
  /** What `Group.exportTrust` gave out. */
  trust?: Bytes;
  /** The same for all members. */
  kem?: Kem;
  role?: Role;
  /** Whether the others let us lock, unlock and remove. */
  moderator?: boolean;
  /** Whether we send frames, as we do unless told otherwise: see `Group.setSending`. */
  sends?: boolean;
}

/**
 * What of a connection goes past every encoded transform: 'refused' (as it is unless told otherwise) or 'unprotected', and then
 * whoever forwards it reads it.
 */
export interface ConnectionOptions {
  /** Data channels: `createDataChannel` throws, and a channel that the other side opens is closed; or they are not encrypted. */
  dataChannels?: 'refused' | 'unprotected';
}

/** Why a frame, an announcement, a call or something of a connection is refused. More may come. */
export type ErrorCode =
  | 'UnknownKey' | 'StepErased' | 'StepTooFar' | 'Replayed' | 'TooOld' | 'TooManyKeys' | 'Unauthentic' | 'OtherMember'
  | 'HeaderInvalid' | 'TooShort' | 'UnexpectedFrame' | 'OtherFraming' | 'FramingRefused'
  | 'KeyExhausted' | 'PrefixTooLong' | 'NoRoom'
  | 'SecretTooShort' | 'WrongSecret' | 'WrongSender' | 'OtherSuite' | 'UnknownVersion' | 'Malformed' | 'KeyInUse'
  | 'KeyRefused' | 'Departed'
  | 'OtherGroup' | 'OtherKem' | 'UnknownMember' | 'Away' | 'Refused' | 'Removed' | 'InUse' | 'Locked' | 'Full' | 'NotForUs' | 'Stale' | 'WrongKey'
  | 'Equivocation' | 'NotAllowed' | 'Busy' | 'Ended' | 'Policy' | 'Own' | 'TrustDamaged' | 'TrustFull' | 'IdentityChanged'
  | CheckCode
  | 'OtherKeys' | 'UnknownStream' | 'NotReserved' | 'NoRandomness' | 'WorkerInUse' | 'Other'
  // Freed, closed or not begun; and a call where there is no browser.
  | 'NotStarted' | 'NotSupported'
  // Of a call: its worker broke or cannot be loaded, does not answer, or the call was closed. 'Ended' above: we are out.
  | 'WorkerFailed' | 'WorkerSilent' | 'Closed'
  // Of a protected connection: what would leave in clear.
  | 'TransformRefused' | 'TonesRefused' | 'DataChannelRefused'
  // Of `sealframe/profiles`.
  | 'NotThisFormat' | 'Injected' | 'SameKey' | 'NoRatchet' | 'UnsupportedCodec' | 'UnknownCodec' | 'StartCodeInside'
  | 'DigitsRefused' | 'TooManyStreams'
  // Of `sealframe/credentials`: why a credential is refused, and what is no key set, issuer or list.
  | 'TooLarge' | 'NotThisKind' | 'WrongIssuer' | 'WrongAudience' | 'WrongPurpose' | 'WrongAlgorithm' | 'BadSignature'
  | 'NotYetValid' | 'Expired' | 'NotBound' | 'WrongIdentity' | 'WrongCall' | 'NoUser' | 'UnverifiedEmail' | 'NotListed'
  | 'ChangedIdentity' | 'NotAKeySet' | 'NoUsableKey' | 'TwoOfOneName' | 'IssuerRefused' | 'NoIdentity' | 'NoName' | 'OfAnother';

/** Something that is refused; one class for all entry points of the package. */
export class SealframeError extends Error {
  readonly code: ErrorCode;
}

/** A call. Everything secret lives in its worker. */
export class SealedCall {
  private constructor();
  /** Enters a call whose members have a key each and give it to each other. */
  static join(options: JoinOptions): Promise<SealedCall & { readonly group: Group }>;
  /** Enters a call whose members share one secret. */
  static start(options: StartOptions): Promise<SealedCall>;

  /** Of a call that was joined. Set its callbacks before the next task. */
  readonly group: Group | null;

  /** Called when a stream's state changes, and about once a second. */
  onstate: (state: StreamState) => void;
  /** Called when a stream's frames begin to be sealed, or to open, with another key. */
  onkey: (change: KeyChange) => void;
  /**
   * Called once, with a `SealframeError` 'WorkerFailed' or 'WorkerSilent', if the worker breaks or does not answer for 5 s: the
   * call is over, and no frame passes. Not called for an ending that was asked for. Also called if a sender or receiver
   * cannot be protected: then it is stopped; with 'DataChannelRefused' if the other side opens a data channel (it is closed,
   * and told of once) or the page has one all the same (the connection is closed); and with 'FramingRefused' if the other
   * side of a connection does not negotiate what full framing needs: then its pictures do not play.
   */
  onerror: (error: Error) => void;
  /** For every RTCPeerConnection of the call: in Chromium nothing flows then before a transform is attached. */
  readonly rtcConfiguration: Readonly<{ encodedInsertableStreams: true }>;
  readonly framing: Framing;
  /** Bytes from which frames go to WebCrypto here. */
  readonly threshold: number;

  /** A new connection, protected from its first moment. */
  createConnection(configuration?: RTCConfiguration, options?: ConnectionOptions): RTCPeerConnection;
  /**
   * Makes a connection that was constructed with `rtcConfiguration` end-to-end encrypted, now and for good. Throws a
   * `TypeError` if Chromium would ignore its transforms, if it may have sent media in clear (elsewhere: if it has been
   * negotiated), if it has a transform of the page's or is protected by another call; and a `SealframeError`
   * 'DataChannelRefused' if it has data channels.
   *
   * From then on `insertDTMF` of its senders throws 'TonesRefused', and it negotiates no `telephone-event`; another
   * `transform` and `createEncodedStreams` throw 'TransformRefused'.
   */
  protect(pc: RTCPeerConnection, options?: ConnectionOptions): void;
  /** Says what a sender carries, and lets its frames through, sealed. */
  protectSender(sender: RTCRtpSender, stream: SentStream): void;
  /** Says what a receiver carries and of whom, and lets its frames through, opened. */
  protectReceiver(receiver: RTCRtpReceiver, stream: ReceivedStream): void;

  /** Our present key, for the server to relay to others; only those who have the secret can read it. */
  announcement(): Promise<Uint8Array>;
  /** Installs the key that a member announces. Rejects with a `SealframeError`. */
  addMember(from: number, announcement: Bytes): Promise<void>;
  /** Wipes the keys of a member who left. */
  removeMember(from: number): Promise<void>;
  /** Moves our key on, so that the next newcomer opens nothing older. The others follow. */
  ratchet(): Promise<void>;
  /** Whether a sealed frame opens, and if not, why. One that did has been opened: it does not open again. */
  tryOpen(frame: ReceivedStream & { codec: Codec; wire: Bytes }):
    Promise<{ ok: true } | { ok: false; code: ErrorCode }>;
  /**
   * Wipes all keys and ends the worker; no frame passes any more, and no error is told. It never rejects, takes a second at
   * most, and may be called again. What is asked later is refused with 'Closed'.
   */
  close(): Promise<void>;
}

/** The worker of one call, from the package's own file. Throws 'NotSupported' where there are none, as in Node.js. */
export function createWorker(): Worker;

/** For each framing the codecs that this browser can carry in it. */
export function supportedFramings(): Record<Framing, Codec[]>;
