// Judges for credentials, which prove who holds an identity key, for `Group.onjoinrequest`: ID
// tokens of OpenID Connect providers, and a list of known identities. WebCrypto alone; in Node.js
// too. The rules are those of `crates/credentials/FORMATS.md`, in its order, and so are the names
// of refusals; what each refusal means and what to do then is in the documentation of the crate
// `sealframe-credentials`.

import {
  type OwnBytes, bytesOf, booleanOf, encoded, fieldsOf, identityOf, integerOf, listOf, nameOf, oneOf, optional, stringOf, thresholdOf, viewOf,
} from '../shared/arguments.js';
import type { Bytes } from '../shared/bytes.js';
import { type ErrorCode, SealframeError } from '../shared/errors.js';
import type { Identity } from '../shared/group-state.js';
import { fromHex, toHex } from '../shared/hex.js';

export { SealframeError };
export type { Bytes, ErrorCode, Identity };

/** What a join request presents, and the call. */
export interface Presented {
  identity: Identity;
  /** What the application calls the call. */
  group: Bytes;
  /** Over 4,096 bytes are 'TooLarge'. */
  credential: Bytes;
  /** Seconds since 1970; by the clock of this machine unless given. */
  now?: number;
}

/** Whom a judge has recognised. */
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

/** Options of `OidcJudge`. */
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
   * The claim that names the user: 'sub' unless given. `issuer|` stands before it, except for
   * 'email', which must be verified.
   */
  user?: string;
  /**
   * Where a token may name the identity: both unless given. If `cnf` names a key, the nonce is not
   * looked at.
   */
  bindings?: ('cnf' | 'nonce')[];
  /** How many seconds clocks may differ: 60 unless given. */
  leeway?: number;
  /** Greatest age of a token in seconds, or Infinity: a day unless given. */
  maxAge?: number;
  /** A token is good for this many seconds from its issue, whatever it says itself. */
  sinceIssued?: number;
  /** A claim that, where it is, must name the call. */
  callClaim?: string;
  /** How that claim writes it: 'text' unless given. */
  callForm?: 'text' | 'base64url';
  /** Whether a token must name the call, by that claim or by `callNonce`. */
  callRequired?: boolean;
}

const IDENTITY_LENGTH = 32;
const MAX_CREDENTIAL_LENGTH = 4096;
const MAX_SECONDS = Number.MAX_SAFE_INTEGER;
/** Of every text that is hashed here. */
const LABEL = encoded('sealframe credential 1\0');
/** Bytes of an RSA modulus: 2048 to 8192 bits. */
const MODULUS = { least: 256, most: 1024 };

/** The text of bytes in UTF-8; null for bytes that are none. */
function textIn(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function refuse(code: ErrorCode, message: string = code): never {
  throw new SealframeError(code, message);
}

function subtle(): SubtleCrypto {
  return globalThis.crypto?.subtle ?? refuse('NotSupported', 'WebCrypto needs a secure context');
}

const sha256 = async (bytes: OwnBytes): Promise<OwnBytes> => new Uint8Array(await subtle().digest('SHA-256', bytes));

const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/**
 * The bytes of base64url without padding; null for other text, and for a spelling that is not the
 * canonical one of its bytes.
 */
function fromBase64Url(text: unknown): OwnBytes | null {
  if (typeof text !== 'string' || !/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : null;
}

function joined(...parts: Uint8Array[]): OwnBytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A name that is one: not empty, not blank, and nothing in it that moves a cursor. */
const isName = (text: string): boolean => !/^\p{White_Space}*$/u.test(text) && !/[\p{Cc}\p{Surrogate}]/u.test(text);

const trimmed = (text: string): string => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');

async function nonceOf(identity: OwnBytes): Promise<string> {
  return toBase64Url(await sha256(joined(LABEL, identity)));
}

async function nonceOfCall(group: OwnBytes, identity: OwnBytes): Promise<string> {
  return toBase64Url(await sha256(joined(LABEL, await sha256(group), identity)));
}

async function thumbprintOf(identity: OwnBytes): Promise<string> {
  return toBase64Url(await sha256(encoded(`{"crv":"Ed25519","kty":"OKP","x":"${toBase64Url(identity)}"}`)));
}

const identityBytesOf = (value: unknown): OwnBytes => fromHex(identityOf(value));
const groupOf = (value: unknown): OwnBytes => bytesOf(value, 'group');

/** An identity and the seed of its key. */
export interface NewIdentity {
  identity: Identity;
  /** 32 secret bytes (RFC 8032 section 5.1.5), for `identity` of `SealedCall.join`. */
  seed: Uint8Array;
}

/**
 * Draws an identity before there is a call, to ask for a credential with. 'NotSupported' where
 * WebCrypto has no Ed25519.
 */
export async function newIdentity(): Promise<NewIdentity> {
  try {
    const { privateKey, publicKey } = await subtle().generateKey('Ed25519', true, ['sign', 'verify']) as CryptoKeyPair;
    const [whole, raw] = [
      new Uint8Array(await subtle().exportKey('pkcs8', privateKey)),
      new Uint8Array(await subtle().exportKey('raw', publicKey)),
    ];
    // The seed comes last (RFC 8410 section 7).
    const seed = whole.slice(-IDENTITY_LENGTH);
    whole.fill(0);
    return { identity: toHex(raw), seed };
  } catch (error) {
    throw isNotSupported(error) ? new SealframeError('NotSupported', 'no Ed25519 in this WebCrypto') : error;
  }
}

const isNotSupported = (error: unknown): boolean => (Object(error) as Partial<Error>).name === 'NotSupportedError';

/** The `nonce` with which to ask a provider for an ID token, for an identity in any call. */
export async function identityNonce(identity: Identity): Promise<string> {
  return nonceOf(identityBytesOf(identity));
}

/** The same, for one call alone. */
export async function callNonce(group: Bytes, identity: Identity): Promise<string> {
  return nonceOfCall(groupOf(group), identityBytesOf(identity));
}

/** The thumbprint of an identity (RFC 7638), as a provider may write it into `cnf.jkt`. */
export async function identityThumbprint(identity: Identity): Promise<string> {
  return thumbprintOf(identityBytesOf(identity));
}

/** A JSON object, of which nothing is known. */
type Json = Readonly<Record<string, unknown>>;

/** A JSON object; null for anything else. Of two members of one name the last counts. */
function objectIn(text: string | null): Json | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object from outside: its own, or undefined. */
const member = (object: Json, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);

/** A member that is text, or is not there. */
function textOf(object: Json, name: string): string | undefined {
  const value = member(object, name);
  return value === undefined || typeof value === 'string' ? value : refuse('Malformed', `'${name}' is no text`);
}

/** A kind of key: what it is for, and how WebCrypto imports it and verifies with it. */
interface Kind {
  algorithms: readonly [string, ...string[]];
  imported: RsaHashedImportParams | EcKeyImportParams | Algorithm;
  verified: Algorithm | EcdsaParams;
  /** The public key; null for a key that is malformed. */
  publicOf(key: Json): JsonWebKey | null;
}

/** Whether a number in big-endian bytes begins with one that is not 0. */
const starts = (number: Uint8Array): boolean => (number[0] ?? 0) > 0;

/** A member that is text, after it has been checked. */
const text = (value: unknown): string => value as string;

const KINDS: Record<'RSA' | 'P-256' | 'Ed25519', Kind> = {
  RSA: {
    algorithms: ['RS256'],
    imported: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    verified: { name: 'RSASSA-PKCS1-v1_5' },
    publicOf(key) {
      const [n, e] = [fromBase64Url(member(key, 'n')), fromBase64Url(member(key, 'e'))];
      const isGood = n !== null && e !== null && starts(n) && starts(e) && n.length >= MODULUS.least && n.length <= MODULUS.most;
      return isGood ? { kty: 'RSA', n: text(key.n), e: text(key.e) } : null;
    },
  },
  'P-256': {
    algorithms: ['ES256'],
    imported: { name: 'ECDSA', namedCurve: 'P-256' },
    verified: { name: 'ECDSA', hash: 'SHA-256' },
    publicOf(key) {
      const isGood = ['x', 'y'].every((name) => fromBase64Url(member(key, name))?.length === 32);
      return isGood ? { kty: 'EC', crv: 'P-256', x: text(key.x), y: text(key.y) } : null;
    },
  },
  Ed25519: {
    algorithms: ['EdDSA', 'Ed25519'],
    imported: { name: 'Ed25519' },
    verified: { name: 'Ed25519' },
    publicOf: (key) => (fromBase64Url(member(key, 'x'))?.length === 32 ? { kty: 'OKP', crv: 'Ed25519', x: text(key.x) } : null),
  },
};

function kindOf(key: Json): Kind | null {
  const [kty, crv] = [member(key, 'kty'), member(key, 'crv')];
  if (kty === 'RSA') return KINDS.RSA;
  if (kty === 'EC' && crv === 'P-256') return KINDS['P-256'];
  return kty === 'OKP' && crv === 'Ed25519' ? KINDS.Ed25519 : null;
}

/** A key of a provider that signs by an algorithm of ours. */
interface SigningKey {
  kid: string | undefined;
  kind: Kind;
  known: JsonWebKey;
  imported: Promise<CryptoKey> | null;
}

/** A key of a set that signs by an algorithm of ours; null for a key that is not for us to use. */
function keyOf(key: unknown): SigningKey | null {
  if (!isObject(key)) return null;
  const kind = kindOf(key);
  if (kind === null) return null;
  const [kid, use, operations, algorithm] = ['kid', 'use', 'key_ops', 'alg'].map((name) => member(key, name));
  if (kid !== undefined && typeof kid !== 'string') return null;
  if (use !== undefined && use !== 'sig') return null;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null;
  if (algorithm !== undefined && !kind.algorithms.includes(algorithm as string)) return null;
  const known = kind.publicOf(key);
  return known === null ? null : { kid, kind, known, imported: null };
}

/** The keys of a provider's key set (RFC 7517), a text. */
function keySetOf(value: unknown): SigningKey[] {
  const all = member(objectIn(stringOf(value, 'keys')) ?? {}, 'keys');
  if (!Array.isArray(all)) return refuse('NotAKeySet', 'this is not a JSON Web Key Set');
  const keys = all.map(keyOf).filter((key) => key !== null);
  if (keys.length === 0) refuse('NoUsableKey', 'no key of the set is for RS256, ES256 or EdDSA');
  const names = keys.map(({ kid }) => kid).filter((kid) => kid !== undefined);
  const twice = names.find((kid, place) => names.indexOf(kid) !== place);
  if (twice !== undefined) refuse('TwoOfOneName', `two keys of the set are named '${twice}'`);
  return keys;
}

async function verifies(key: SigningKey, message: OwnBytes, signature: OwnBytes): Promise<boolean> {
  try {
    key.imported ??= subtle().importKey('jwk', key.known, key.kind.imported, false, ['verify']);
    return await subtle().verify(key.kind.verified, await key.imported, signature, message);
  } catch (error) {
    // A browser may lack Ed25519. Any other failure is of a malformed key, which verifies nothing.
    if (isNotSupported(error)) refuse('NotSupported', `no ${key.kind.algorithms[0]} in this WebCrypto`);
    if (error instanceof SealframeError) throw error;
    return false;
  }
}

/** A stranger's bytes, as our own copy; null for too many. */
function credentialOf(value: unknown): OwnBytes | null {
  const bytes = viewOf(value, 'credential');
  return bytes.length > MAX_CREDENTIAL_LENGTH ? null : bytes.slice();
}

function presentedOf(presented: unknown): { identity: OwnBytes; group: OwnBytes; credential: OwnBytes | null; now: number } {
  const { identity, group, credential, now } = fieldsOf(presented, 'what is presented');
  return {
    identity: identityBytesOf(identity),
    group: groupOf(group),
    credential: credentialOf(credential),
    now: optional(now, integerOf, 'now', MAX_SECONDS) ?? Math.floor(Date.now() / 1000),
  };
}

/** A token taken apart, whose signature has not been verified. */
interface Token {
  header: Json;
  claims: Json;
  signature: OwnBytes;
  message: OwnBytes;
}

function tokenOf(credential: OwnBytes): Token {
  const parts = textIn(credential)?.split('.') ?? [];
  const [first = '', second = '', third = ''] = parts;
  const header = (parts.length === 3 ? objectOfPart(first) : null) ?? refuse('NotThisKind');
  const claims = objectOfPart(second) ?? refuse('Malformed', 'the claims are not a JSON object');
  const signature = fromBase64Url(third) ?? refuse('Malformed', 'the signature is not base64url');
  return { header, claims, signature, message: credential.subarray(0, first.length + 1 + second.length) };
}

function objectOfPart(part: string): Json | null {
  const bytes = fromBase64Url(part);
  return bytes === null ? null : objectIn(textIn(bytes));
}

/** The key that the header names, if the header says what that key is for. */
function keyFor(header: Json, keys: readonly SigningKey[]): SigningKey {
  if (Object.hasOwn(header, 'crit')) refuse('Malformed', 'the header has something critical');
  const type = textOf(header, 'typ')?.toLowerCase();
  if (type !== undefined && type.replace(/^application\//, '') !== 'jwt') refuse('WrongPurpose');
  const algorithm = textOf(header, 'alg') ?? refuse('Malformed', 'the header has no alg');
  const kid = textOf(header, 'kid');
  const found = kid === undefined && keys.length === 1 ? keys[0] : keys.find((each) => kid !== undefined && each.kid === kid);
  const key = found ?? refuse('UnknownKey');
  if (!key.kind.algorithms.includes(algorithm)) refuse('WrongAlgorithm');
  return key;
}

/** A NumericDate (RFC 7519 section 2) in whole seconds, or undefined. */
function secondsOf(claims: Json, name: string): number | undefined {
  const value = member(claims, name);
  if (value === undefined) return undefined;
  return typeof value === 'number' && value >= 0 && value <= MAX_SECONDS ? Math.floor(value) : refuse('Malformed', `'${name}' is no time`);
}

/** Whether `cnf` names this key; undefined if it names none by `jwk` or `jkt`. */
async function confirms(claims: Json, identity: OwnBytes): Promise<boolean | undefined> {
  const confirmation = member(claims, 'cnf');
  if (confirmation === undefined) return undefined;
  if (!isObject(confirmation)) return refuse('Malformed', "'cnf' is not an object");
  let matches: boolean | undefined;
  const key = member(confirmation, 'jwk');
  if (key !== undefined) {
    if (!isObject(key) || Object.hasOwn(key, 'd')) return refuse('Malformed', "'cnf.jwk' is not a public key");
    const [kty, crv, x] = ['kty', 'crv', 'x'].map((name) => textOf(key, name));
    matches = kty === 'OKP' && crv === 'Ed25519' && x === toBase64Url(identity);
  }
  const hash = textOf(confirmation, 'jkt');
  if (hash !== undefined) matches = hash === await thumbprintOf(identity) && (matches ?? true);
  return matches;
}

const BINDINGS = ['cnf', 'nonce'] as const;
const CALL_FORMS = ['text', 'base64url'] as const;
const DAY = 24 * 60 * 60;

/**
 * Judges ID tokens (RS256, ES256, EdDSA) of one issuer for one application. A token without the
 * identity's nonce or key in it is refused: anybody may have copied it.
 */
export class OidcJudge {
  #issuer: string;
  #audiences: string[];
  #keys: SigningKey[];
  #user: string;
  #bindings: readonly (typeof BINDINGS)[number][];
  #leeway: number;
  #maxAge: number;
  #sinceIssued: number | undefined;
  #callClaim: string | undefined;
  #callForm: (typeof CALL_FORMS)[number];
  #callRequired: boolean;

  /** Throws a `SealframeError` for options that no judge can have. */
  constructor(options: OidcOptions) {
    const {
      issuer, audiences, keys, user, bindings, leeway, maxAge, sinceIssued, callClaim, callForm, callRequired,
    } = fieldsOf(options, 'the options of a judge');
    this.#issuer = nameOf(issuer, 'issuer');
    this.#audiences = listOf(audiences, 'audiences', nameOf);
    this.#user = optional(user, nameOf, 'user') ?? 'sub';
    this.#bindings = optional(bindings, (list) => listOf(list, 'bindings', (value, what) => oneOf(value, BINDINGS, what))) ?? BINDINGS;
    this.#leeway = optional(leeway, integerOf, 'leeway', MAX_SECONDS) ?? 60;
    this.#maxAge = optional(maxAge, thresholdOf, 'maxAge') ?? DAY;
    this.#sinceIssued = optional(sinceIssued, integerOf, 'sinceIssued', MAX_SECONDS);
    this.#callClaim = optional(callClaim, nameOf, 'callClaim');
    this.#callForm = optional(callForm, (form) => oneOf(form, CALL_FORMS, 'callForm')) ?? 'text';
    this.#callRequired = optional(callRequired, booleanOf, 'callRequired') ?? false;
    // No URL has one, and it ends the issuer in a user's name.
    if (this.#issuer.includes('|')) refuse('IssuerRefused', "an issuer is a URL, without '|'");
    this.#keys = keySetOf(keys);
  }

  /** After 'UnknownKey', at most once a minute, and every few hours: the key set as it is now. */
  replaceKeys(keys: string): void {
    this.#keys = keySetOf(keys);
  }

  /**
   * Judges a token. Rejects with a `SealframeError`; 'NotSupported' where WebCrypto lacks what the
   * key is for.
   */
  async judge(presented: Presented): Promise<Verified> {
    const { identity, group, credential, now } = presentedOf(presented);
    const { header, claims, signature, message } = tokenOf(credential ?? refuse('TooLarge'));
    if ((textOf(claims, 'iss') ?? refuse('Malformed', "there is no 'iss'")) !== this.#issuer) refuse('WrongIssuer');
    if (!(await verifies(keyFor(header, this.#keys), message, signature))) refuse('BadSignature');
    this.#checkAudience(claims);
    const expiresAt = this.#endOf(claims, now);
    const byNonce = await this.#isBoundToCall(claims, identity, group);
    const namesCall = this.#isClaimedForCall(claims, group) || byNonce;
    if (this.#callRequired && !namesCall) refuse('WrongCall');
    return { user: this.#userOf(claims), expiresAt, namesCall };
  }

  #checkAudience(claims: Json): void {
    const audience = member(claims, 'aud');
    const all: unknown = typeof audience === 'string' ? [audience] : audience;
    if (!isTexts(all) || all.length === 0) return refuse('Malformed', "'aud' is not an audience");
    const authorized = textOf(claims, 'azp');
    if (![...all, authorized ?? all[0]].every((each) => this.#audiences.includes(each as string))) refuse('WrongAudience');
  }

  /** The first second at which the token is no credential any more. */
  #endOf(claims: Json, now: number): number {
    const expiry = secondsOf(claims, 'exp') ?? refuse('Malformed', "there is no 'exp'");
    const issued = secondsOf(claims, 'iat') ?? refuse('Malformed', "there is no 'iat'");
    const notBefore = Math.max(secondsOf(claims, 'nbf') ?? 0, issued);
    if (notBefore > now + this.#leeway) refuse('NotYetValid');
    const end = (this.#sinceIssued === undefined ? Math.min(expiry, issued + this.#maxAge) : issued + this.#sinceIssued) + this.#leeway;
    return now < end ? end : refuse('Expired');
  }

  /** Checks that the identity is named; whether the call is named, too. */
  async #isBoundToCall(claims: Json, identity: OwnBytes, group: OwnBytes): Promise<boolean> {
    if (this.#bindings.includes('cnf')) {
      const matches = await confirms(claims, identity);
      if (matches !== undefined) return matches ? false : refuse('WrongIdentity');
    }
    if (!this.#bindings.includes('nonce')) refuse('NotBound');
    const nonce = textOf(claims, 'nonce') ?? refuse('NotBound');
    if (nonce === await nonceOfCall(group, identity)) return true;
    return nonce === await nonceOf(identity) ? false : refuse('WrongIdentity');
  }

  #isClaimedForCall(claims: Json, group: OwnBytes): boolean {
    const text = this.#callClaim === undefined ? undefined : textOf(claims, this.#callClaim);
    if (text === undefined) return false;
    const said = this.#callForm === 'text' ? encoded(text) : fromBase64Url(text);
    const isThis = said !== null && toHex(said) === toHex(group) && !/\p{Surrogate}/u.test(text);
    return isThis || refuse('WrongCall');
  }

  #userOf(claims: Json): string {
    const name = textOf(claims, this.#user) ?? '';
    if (!isName(name)) refuse('NoUser');
    if (this.#user !== 'email') return `${this.#issuer}|${name}`;
    const verified = member(claims, 'email_verified');
    return verified === true || verified === 'true' ? name : refuse('UnverifiedEmail');
  }
}

/** Whether a value is an array of nothing but text. */
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string');

/** By identity, in hexadecimal: whose it is. */
function usersOf(value: unknown): Map<string, string> {
  const users = new Map<string, string>();
  for (const [place, whole] of stringOf(value, 'list').split('\n').entries()) {
    const line = trimmed(whole);
    if (line === '' || line.startsWith('#')) continue;
    const not = (code: ErrorCode): never => {
      throw Object.assign(new SealframeError(code, `line ${place + 1} of the list`), { line: place + 1 });
    };
    const [, digits = '', rest = ''] = /^([^ \t]*)[ \t]([^]*)$/.exec(line) ?? not('NoName');
    if (!/^[\da-f]{64}$/i.test(digits)) not('NoIdentity');
    const [identity, user] = [digits.toLowerCase(), trimmed(rest)];
    if (!isName(user)) not('NoName');
    if ((users.get(identity) ?? user) !== user) not('OfAnother');
    users.set(identity, user);
  }
  return users;
}

/**
 * Judges by a list: a line for each key, 64 hexadecimal digits, blanks, the user's name. The
 * credential is that name in UTF-8, or no bytes. A listed user with another key is
 * 'ChangedIdentity', whose error has `user`. A text that is not a list is 'NoIdentity', 'NoName' or
 * 'OfAnother', whose error has `line`.
 */
export class ListJudge {
  #users: Map<string, string>;

  /** Throws a `SealframeError` for a text that is not a list. */
  constructor(list: string) {
    this.#users = usersOf(list);
  }

  /** Takes another list. */
  replaceList(list: string): void {
    this.#users = usersOf(list);
  }

  /** Judges a credential. Rejects with a `SealframeError`. */
  async judge(presented: Presented): Promise<Verified> {
    const { identity, credential } = presentedOf(presented);
    const claimed = textIn(credential ?? refuse('TooLarge')) ?? refuse('NotThisKind');
    const user = this.#users.get(toHex(identity));
    if (user !== undefined && (claimed === '' || claimed === user)) return { user, expiresAt: null, namesCall: false };
    if (![...this.#users.values()].includes(claimed)) refuse('NotListed');
    throw Object.assign(new SealframeError('ChangedIdentity', `${claimed} is listed with another identity`), { user: claimed });
  }
}
