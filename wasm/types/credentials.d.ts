// Who holds an identity key, for `Group.onjoinrequest`: judges for ID tokens of OpenID Connect
// providers and for a list of known identities. In Node.js too. What each refusal means and what to
// do then is said in the crate `sealframe-credentials`, formats in its FORMATS.md.

import type { Bytes } from './index.js';
import type { Identity } from './group.js';

export { SealframeError } from './index.js';
export type { Bytes, ErrorCode } from './index.js';
export type { Identity } from './group.js';

/** What somebody who asks presents: what `onjoinrequest` is called with, and the call. */
export interface Presented {
  identity: Identity;
  /** What the application calls the call. */
  group: Bytes;
  /** Over 4,096 bytes are 'TooLarge'. */
  credential: Bytes;
  /** Seconds since 1970; by the clock of this machine unless given. */
  now?: number;
}

export interface Verified {
  /** Never empty. */
  user: string;
  /**
   * The first second since 1970 at which the judge no longer says so; null if it is not limited by
   * time.
   */
  expiresAt: number | null;
  /**
   * Whether the credential is for this call alone. If not, it is as good in every other one, for
   * the same identity.
   */
  namesCall: boolean;
}

export interface OidcOptions {
  /** The provider's `issuer`, exactly; 'IssuerRefused' if there is a `|` in it. */
  issuer: string;
  /** Client ids of the application, one at least. */
  audiences: string[];
  /**
   * The text of the provider's key set (RFC 7517), from its `jwks_uri`: 'NotAKeySet',
   * 'NoUsableKey', 'TwoOfOneName'.
   */
  keys: string;
  /**
   * The claim that names the user: 'sub' unless given. But for 'email', which must be verified,
   * `issuer|` stands before it.
   */
  user?: string;
  /**
   * Where a token may name the identity: both unless given. If `cnf` names a key, the nonce is not
   * looked at.
   */
  bindings?: ('cnf' | 'nonce')[];
  /** By how many seconds clocks may differ: 60 unless given. */
  leeway?: number;
  /** Greatest age of a token in seconds, or Infinity: a day unless given. */
  maxAge?: number;
  /** A token is good for so many seconds from its issue, whatever it says itself. */
  sinceIssued?: number;
  /** A claim that, where it is, must name the call. */
  callClaim?: string;
  /** How that claim writes it: 'text' unless given. */
  callForm?: 'text' | 'base64url';
  /** Whether a token must name the call, by that claim or by `callNonce`. */
  callRequired?: boolean;
}

/**
 * Judges ID tokens (RS256, ES256, EdDSA) of one issuer for one application. A token without the
 * identity's nonce or key in it is refused: anybody may have copied it.
 */
export class OidcJudge {
  constructor(options: OidcOptions);
  /** After 'UnknownKey', at most once a minute, and every few hours: the key set as it is now. */
  replaceKeys(keys: string): void;
  /** Rejects with a `SealframeError`; 'NotSupported' where WebCrypto lacks what the key is for. */
  judge(presented: Presented): Promise<Verified>;
}

/**
 * Judges by a list: a line for each key, 64 hexadecimal digits, blanks, the user's name. The
 * credential is that name in UTF-8, or no bytes. A listed user with another key is
 * 'ChangedIdentity', whose error has `user`. A text that is no list is 'NoIdentity', 'NoName' or
 * 'OfAnother', whose error has `line`.
 */
export class ListJudge {
  constructor(list: string);
  replaceList(list: string): void;
  judge(presented: Presented): Promise<Verified>;
}

/**
 * An identity before there is a call, to ask for a credential with, and its seed, for `identity` of
 * `SealedCall.join`: 32 secret bytes. 'NotSupported' where WebCrypto has no Ed25519.
 */
export function newIdentity(): Promise<{ identity: Identity; seed: Uint8Array }>;
/** The `nonce` to ask a provider for an ID token with, for an identity in any call. */
export function identityNonce(identity: Identity): Promise<string>;
/** The same, for one call alone. */
export function callNonce(group: Bytes, identity: Identity): Promise<string>;
/** The thumbprint of an identity (RFC 7638), as a provider may write it into `cnf.jkt`. */
export function identityThumbprint(identity: Identity): Promise<string>;
