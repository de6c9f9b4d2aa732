// Judges for what proves who holds an identity key: ID tokens of OpenID Connect providers, and a
// list of known identities. WebCrypto alone; in Node.js too. The rules are those of
// `crates/credentials/FORMATS.md`, in its order, and so are the names of refusals.

import {
  bytesOf, booleanOf, encoded, fieldsOf, identityOf, integerOf, listOf, nameOf, oneOf, optional, stringOf, thresholdOf, viewOf,
} from '../shared/arguments.js';
import { SealframeError } from '../shared/errors.js';
import { fromHex, toHex } from '../shared/hex.js';

export { SealframeError };

const IDENTITY_LENGTH = 32;
const MAX_CREDENTIAL_LENGTH = 4096;
const MAX_SECONDS = Number.MAX_SAFE_INTEGER;
/** Of every text that is hashed here. */
const LABEL = encoded('sealframe credential 1\0');
/** Bytes of an RSA modulus: 2048 to 8192 bits. */
const MODULUS = { least: 256, most: 1024 };

/** Text in UTF-8, as it is; null for what is none. */
function textIn(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function refuse(code, message = code) {
  throw new SealframeError(code, message);
}

function subtle() {
  return globalThis.crypto?.subtle ?? refuse('NotSupported', 'WebCrypto needs a secure context');
}

const sha256 = async (bytes) => new Uint8Array(await subtle().digest('SHA-256', bytes));

const toBase64Url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/**
 * The bytes of base64url without padding; null for text that is none, or not the one spelling of
 * its bytes.
 */
function fromBase64Url(text) {
  if (typeof text !== 'string' || !/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0));
  return toBase64Url(bytes) === text ? bytes : null;
}

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A name that is one: not empty, not blank, and nothing in it that moves a cursor. */
const isName = (text) => !/^\p{White_Space}*$/u.test(text) && !/[\p{Cc}\p{Surrogate}]/u.test(text);

const trimmed = (text) => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');

async function nonceOf(identity) {
  return toBase64Url(await sha256(joined(LABEL, identity)));
}

async function nonceOfCall(group, identity) {
  return toBase64Url(await sha256(joined(LABEL, await sha256(group), identity)));
}

async function thumbprintOf(identity) {
  return toBase64Url(await sha256(encoded(`{"crv":"Ed25519","kty":"OKP","x":"${toBase64Url(identity)}"}`)));
}

const identityBytesOf = (value) => fromHex(identityOf(value));
const groupOf = (value) => bytesOf(value, 'group');

/**
 * `{identity, seed}`: an identity before there is a call, to ask for a credential with, and its
 * seed (RFC 8032 section 5.1.5), for `identity` of `SealedCall.join`.
 */
export async function newIdentity() {
  try {
    const { privateKey, publicKey } = await subtle().generateKey('Ed25519', true, ['sign', 'verify']);
    const [whole, raw] = [
      new Uint8Array(await subtle().exportKey('pkcs8', privateKey)),
      new Uint8Array(await subtle().exportKey('raw', publicKey)),
    ];
    // The seed comes last (RFC 8410 section 7).
    const seed = whole.slice(-IDENTITY_LENGTH);
    whole.fill(0);
    return { identity: toHex(raw), seed };
  } catch (error) {
    throw error?.name === 'NotSupportedError' ? new SealframeError('NotSupported', 'no Ed25519 in this WebCrypto') : error;
  }
}

/** The `nonce` of an ID token for an identity in any call. */
export async function identityNonce(identity) {
  return nonceOf(identityBytesOf(identity));
}

/** The `nonce` of an ID token for an identity in one call alone. */
export async function callNonce(group, identity) {
  return nonceOfCall(groupOf(group), identityBytesOf(identity));
}

/** The thumbprint of an identity (RFC 7638), as in `cnf.jkt`. */
export async function identityThumbprint(identity) {
  return thumbprintOf(identityBytesOf(identity));
}

/** A JSON object; null for anything else. Of two members of one name the last counts. */
function objectIn(text) {
  if (text === null) return null;
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A member of an object from outside: its own, or undefined. */
const member = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

/** A member that is text, or is not there. */
function textOf(object, name) {
  const value = member(object, name);
  return value === undefined || typeof value === 'string' ? value : refuse('Malformed', `'${name}' is no text`);
}

/** By kind of key: what it is for, and how WebCrypto is told. */
const KINDS = {
  RSA: {
    algorithms: ['RS256'],
    imported: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    verified: { name: 'RSASSA-PKCS1-v1_5' },
    publicOf(key) {
      const [n, e] = ['n', 'e'].map((name) => fromBase64Url(member(key, name)));
      const isGood = n !== null && e !== null && n[0] > 0 && e[0] > 0 && n.length >= MODULUS.least && n.length <= MODULUS.most;
      return isGood ? { kty: 'RSA', n: key.n, e: key.e } : null;
    },
  },
  'P-256': {
    algorithms: ['ES256'],
    imported: { name: 'ECDSA', namedCurve: 'P-256' },
    verified: { name: 'ECDSA', hash: 'SHA-256' },
    publicOf(key) {
      const isGood = ['x', 'y'].every((name) => fromBase64Url(member(key, name))?.length === 32);
      return isGood ? { kty: 'EC', crv: 'P-256', x: key.x, y: key.y } : null;
    },
  },
  Ed25519: {
    algorithms: ['EdDSA', 'Ed25519'],
    imported: { name: 'Ed25519' },
    verified: { name: 'Ed25519' },
    publicOf: (key) => (fromBase64Url(member(key, 'x'))?.length === 32 ? { kty: 'OKP', crv: 'Ed25519', x: key.x } : null),
  },
};

function kindOf(key) {
  const [kty, crv] = [member(key, 'kty'), member(key, 'crv')];
  if (kty === 'RSA') return KINDS.RSA;
  if (kty === 'EC' && crv === 'P-256') return KINDS['P-256'];
  return kty === 'OKP' && crv === 'Ed25519' ? KINDS.Ed25519 : null;
}

/** A key of a set that signs by an algorithm of ours; null for what is not for us to use. */
function keyOf(key) {
  const kind = isObject(key) ? kindOf(key) : null;
  if (kind === null) return null;
  const [kid, use, operations, algorithm] = ['kid', 'use', 'key_ops', 'alg'].map((name) => member(key, name));
  if (kid !== undefined && typeof kid !== 'string') return null;
  if (use !== undefined && use !== 'sig') return null;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return null;
  if (algorithm !== undefined && !kind.algorithms.includes(algorithm)) return null;
  const known = kind.publicOf(key);
  return known === null ? null : { kid, kind, known, imported: null };
}

/** The keys of a provider's key set (RFC 7517), a text. */
function keySetOf(value) {
  const all = member(objectIn(stringOf(value, 'keys')) ?? {}, 'keys');
  if (!Array.isArray(all)) refuse('NotAKeySet', 'this is no JSON Web Key Set');
  const keys = all.map(keyOf).filter((key) => key !== null);
  if (keys.length === 0) refuse('NoUsableKey', 'no key of the set is for RS256, ES256 or EdDSA');
  const names = keys.map(({ kid }) => kid).filter((kid) => kid !== undefined);
  const twice = names.find((kid, place) => names.indexOf(kid) !== place);
  if (twice !== undefined) refuse('TwoOfOneName', `two keys of the set are named '${twice}'`);
  return keys;
}

async function verifies(key, message, signature) {
  try {
    key.imported ??= subtle().importKey('jwk', key.known, key.kind.imported, false, ['verify']);
    return await subtle().verify(key.kind.verified, await key.imported, signature, message);
  } catch (error) {
    // Of a browser that lacks Ed25519. Another failure is a key that is none, which verifies
    // nothing.
    if (error?.name === 'NotSupportedError') refuse('NotSupported', `no ${key.kind.algorithms[0]} in this WebCrypto`);
    if (error instanceof SealframeError) throw error;
    return false;
  }
}

/** Bytes from a stranger, as our own copy. */
function credentialOf(value) {
  const bytes = viewOf(value, 'credential');
  return bytes.length > MAX_CREDENTIAL_LENGTH ? null : bytes.slice();
}

function presentedOf(presented) {
  const { identity, group, credential, now } = fieldsOf(presented, 'what is presented');
  return {
    identity: identityBytesOf(identity),
    group: groupOf(group),
    credential: credentialOf(credential),
    now: optional(now, integerOf, 'now', MAX_SECONDS) ?? Math.floor(Date.now() / 1000),
  };
}

/** A token taken apart, whose signature has not been verified. */
function tokenOf(credential) {
  const parts = textIn(credential)?.split('.');
  const header = parts?.length === 3 ? objectOfPart(parts[0]) : null;
  if (header === null) refuse('NotThisKind');
  const claims = objectOfPart(parts[1]) ?? refuse('Malformed', 'the claims are no JSON object');
  const signature = fromBase64Url(parts[2]) ?? refuse('Malformed', 'the signature is no base64url');
  return { header, claims, signature, message: credential.subarray(0, parts[0].length + 1 + parts[1].length) };
}

function objectOfPart(part) {
  const bytes = fromBase64Url(part);
  return bytes === null ? null : objectIn(textIn(bytes));
}

/** The key that the header names, if the header says what that key is for. */
function keyFor(header, keys) {
  if (Object.hasOwn(header, 'crit')) refuse('Malformed', 'the header has something critical');
  const type = textOf(header, 'typ')?.toLowerCase();
  if (type !== undefined && type.replace(/^application\//, '') !== 'jwt') refuse('WrongPurpose');
  const algorithm = textOf(header, 'alg') ?? refuse('Malformed', 'the header has no alg');
  const kid = textOf(header, 'kid');
  const key = kid === undefined && keys.length === 1 ? keys[0] : keys.find((each) => kid !== undefined && each.kid === kid);
  if (key === undefined) refuse('UnknownKey');
  if (!key.kind.algorithms.includes(algorithm)) refuse('WrongAlgorithm');
  return key;
}

/** A NumericDate (RFC 7519 section 2) in whole seconds, or undefined. */
function secondsOf(claims, name) {
  const value = member(claims, name);
  if (value === undefined) return undefined;
  return typeof value === 'number' && value >= 0 && value <= MAX_SECONDS ? Math.floor(value) : refuse('Malformed', `'${name}' is no time`);
}

/** Whether `cnf` names this key; undefined if it names none by `jwk` or `jkt`. */
async function confirms(claims, identity) {
  const confirmation = member(claims, 'cnf');
  if (confirmation === undefined) return undefined;
  if (!isObject(confirmation)) refuse('Malformed', "'cnf' is no object");
  let matches;
  const key = member(confirmation, 'jwk');
  if (key !== undefined) {
    if (!isObject(key) || Object.hasOwn(key, 'd')) refuse('Malformed', "'cnf.jwk' is no public key");
    const [kty, crv, x] = ['kty', 'crv', 'x'].map((name) => textOf(key, name));
    matches = kty === 'OKP' && crv === 'Ed25519' && x === toBase64Url(identity);
  }
  const hash = textOf(confirmation, 'jkt');
  if (hash !== undefined) matches = hash === await thumbprintOf(identity) && (matches ?? true);
  return matches;
}

const BINDINGS = ['cnf', 'nonce'];
const CALL_FORMS = ['text', 'base64url'];
const DAY = 24 * 60 * 60;

/** Judges ID tokens of one issuer for one application. */
export class OidcJudge {
  #issuer;
  #audiences;
  #keys;
  #user;
  #bindings;
  #leeway;
  #maxAge;
  #sinceIssued;
  #callClaim;
  #callForm;
  #callRequired;

  constructor(options) {
    const {
      issuer, audiences, keys, user, bindings, leeway, maxAge, sinceIssued, callClaim, callForm, callRequired,
    } = fieldsOf(options, 'the options of a judge');
    this.#issuer = nameOf(issuer, 'issuer');
    this.#audiences = listOf(audiences, 'audiences', nameOf);
    this.#user = optional(user, nameOf, 'user') ?? 'sub';
    this.#bindings = optional(bindings, listOf, 'bindings', (value, what) => oneOf(value, BINDINGS, what)) ?? BINDINGS;
    this.#leeway = optional(leeway, integerOf, 'leeway', MAX_SECONDS) ?? 60;
    this.#maxAge = optional(maxAge, thresholdOf, 'maxAge') ?? DAY;
    this.#sinceIssued = optional(sinceIssued, integerOf, 'sinceIssued', MAX_SECONDS);
    this.#callClaim = optional(callClaim, nameOf, 'callClaim');
    this.#callForm = optional(callForm, oneOf, CALL_FORMS, 'callForm') ?? 'text';
    this.#callRequired = optional(callRequired, booleanOf, 'callRequired') ?? false;
    // No URL has one, and it ends the issuer in a user's name.
    if (this.#issuer.includes('|')) refuse('IssuerRefused', "an issuer is a URL, without '|'");
    this.#keys = keySetOf(keys);
  }

  /** The provider's keys from now on, the text of its key set. */
  replaceKeys(keys) {
    this.#keys = keySetOf(keys);
  }

  /** `{user, expiresAt, namesCall}`, or rejects with a `SealframeError`. */
  async judge(presented) {
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

  #checkAudience(claims) {
    const audience = member(claims, 'aud');
    const all = typeof audience === 'string' ? [audience] : audience;
    if (!Array.isArray(all) || all.length === 0 || all.some((each) => typeof each !== 'string')) refuse('Malformed', "'aud' is no audience");
    const authorized = textOf(claims, 'azp');
    if (![...all, authorized ?? all[0]].every((each) => this.#audiences.includes(each))) refuse('WrongAudience');
  }

  /** From when on the token is no credential. */
  #endOf(claims, now) {
    const expiry = secondsOf(claims, 'exp') ?? refuse('Malformed', "there is no 'exp'");
    const issued = secondsOf(claims, 'iat') ?? refuse('Malformed', "there is no 'iat'");
    const notBefore = Math.max(secondsOf(claims, 'nbf') ?? 0, issued);
    if (notBefore > now + this.#leeway) refuse('NotYetValid');
    const end = (this.#sinceIssued === undefined ? Math.min(expiry, issued + this.#maxAge) : issued + this.#sinceIssued) + this.#leeway;
    return now < end ? end : refuse('Expired');
  }

  /** Whether the call is named, too. */
  async #isBoundToCall(claims, identity, group) {
    if (this.#bindings.includes('cnf')) {
      const matches = await confirms(claims, identity);
      if (matches !== undefined) return matches ? false : refuse('WrongIdentity');
    }
    if (!this.#bindings.includes('nonce')) refuse('NotBound');
    const nonce = textOf(claims, 'nonce') ?? refuse('NotBound');
    if (nonce === await nonceOfCall(group, identity)) return true;
    return nonce === await nonceOf(identity) ? false : refuse('WrongIdentity');
  }

  #isClaimedForCall(claims, group) {
    const text = this.#callClaim === undefined ? undefined : textOf(claims, this.#callClaim);
    if (text === undefined) return false;
    const said = this.#callForm === 'text' ? encoded(text) : fromBase64Url(text);
    const isThis = said !== null && toHex(said) === toHex(group) && !/\p{Surrogate}/u.test(text);
    return isThis || refuse('WrongCall');
  }

  #userOf(claims) {
    const name = textOf(claims, this.#user) ?? '';
    if (!isName(name)) refuse('NoUser');
    if (this.#user !== 'email') return `${this.#issuer}|${name}`;
    const verified = member(claims, 'email_verified');
    return verified === true || verified === 'true' ? name : refuse('UnverifiedEmail');
  }
}

/** By identity, in hexadecimal: whose it is. */
function usersOf(value) {
  const users = new Map();
  for (const [place, whole] of stringOf(value, 'list').split('\n').entries()) {
    const line = trimmed(whole);
    if (line === '' || line.startsWith('#')) continue;
    const not = (code) => {
      throw Object.assign(new SealframeError(code, `line ${place + 1} of the list`), { line: place + 1 });
    };
    const [, digits, rest] = /^([^ \t]*)[ \t]([^]*)$/.exec(line) ?? not('NoName');
    if (!/^[\da-f]{64}$/i.test(digits)) not('NoIdentity');
    const [identity, user] = [digits.toLowerCase(), trimmed(rest)];
    if (!isName(user)) not('NoName');
    if ((users.get(identity) ?? user) !== user) not('OfAnother');
    users.set(identity, user);
  }
  return users;
}

/** Judges by a list of known identities. */
export class ListJudge {
  #users;

  constructor(list) {
    this.#users = usersOf(list);
  }

  /** By another list from now on. */
  replaceList(list) {
    this.#users = usersOf(list);
  }

  /** `{user, expiresAt: null, namesCall: false}`, or rejects with a `SealframeError`. */
  async judge(presented) {
    const { identity, credential } = presentedOf(presented);
    const claimed = textIn(credential ?? refuse('TooLarge')) ?? refuse('NotThisKind');
    const user = this.#users.get(toHex(identity));
    if (user !== undefined && (claimed === '' || claimed === user)) return { user, expiresAt: null, namesCall: false };
    if (![...this.#users.values()].includes(claimed)) refuse('NotListed');
    throw Object.assign(new SealframeError('ChangedIdentity', `${claimed} is listed with another identity`), { user: claimed });
  }
}
