// The door for values from outside: every argument of every public function, and every field of
// every message to a worker, passes one of these functions before anything is done with it. What
// comes out has the type that its name says, was read once, and is ours; anything else is a
// `TypeError` that names the argument, and nothing has changed then. Bytes of the right type and
// the wrong number are a `SealframeError`.
//
// It is here because bindings convert in silence: to linear memory a string is zeros, an
// `ArrayBuffer` or `{}` no bytes at all, -1 and 65536 another number.

import { SealframeError } from './errors.js';

const U16 = 2 ** 16 - 1;
export const U8 = 2 ** 8 - 1;
export const U32 = 2 ** 32 - 1;
const U64 = 2n ** 64n - 1n;

// Of the language itself: neither a subclass nor an object's own properties can answer in their
// place.
const getterOf = (prototype, name) => {
  const { get } = Object.getOwnPropertyDescriptor(prototype, name);
  return (value) => Reflect.apply(get, value, []);
};
const partsOf = (prototype) => ({
  buffer: getterOf(prototype, 'buffer'),
  offset: getterOf(prototype, 'byteOffset'),
  length: getterOf(prototype, 'byteLength'),
});
const TYPED = Object.getPrototypeOf(Uint8Array.prototype);
const OF_TYPED = partsOf(TYPED);
const OF_VIEW = partsOf(DataView.prototype);
const kindOfTyped = getterOf(TYPED, Symbol.toStringTag);
const lengthOfBuffer = getterOf(ArrayBuffer.prototype, 'byteLength');
const { at } = TYPED;
const { toString } = Object.prototype;

const ENCODER = new TextEncoder();

function wrong(what, wanted) {
  return new TypeError(`sealframe: ${what} is to be ${wanted}`);
}

/**
 * A plain `Uint8Array` on the bytes of an `ArrayBuffer` or of a view of one, whatever its kind. For
 * what is used up before the caller runs again. A `SharedArrayBuffer` is refused, since others may
 * write to it meanwhile, and so is one that has been transferred. `least` and `most` bound the
 * number of bytes; outside of them it is a `SealframeError` of this `code`.
 */
export function viewOf(value, what, { least = 0, most = Infinity, code = 'Malformed' } = {}) {
  const bytes = onBytes(value);
  if (bytes === null) throw wrong(what, 'bytes: a Uint8Array, an ArrayBuffer or another view of one');
  if (bytes.length < least || bytes.length > most) {
    const wanted = least === most ? `${least}` : most === Infinity ? `${least} or more` : `${least} to ${most}`;
    throw new SealframeError(code, `${what} has ${bytes.length} bytes, not ${wanted}`);
  }
  return bytes;
}

/** As `viewOf`, as a copy that is ours. Of a secret, it is to be wiped. */
export function bytesOf(value, what, bounds) {
  return viewOf(value, what, bounds).slice();
}

/**
 * Wipes all bytes in the fields of a message that was refused, and in the fields of these: none of
 * it is used, and secrets may be among it. The message is ours alone; what is shared is left.
 */
export function wipeIn(value, depth = 2) {
  const bytes = onBytes(value);
  if (bytes !== null) bytes.fill(0);
  else if (depth > 0 && isFields(value)) for (const each of Object.values(value)) wipeIn(each, depth - 1);
}

function onBytes(value) {
  // Each of these throws for what is of another kind, and the constructor where the bytes are gone.
  try {
    if (!ArrayBuffer.isView(value)) return new Uint8Array(value, 0, lengthOfBuffer(value));
    const parts = kindOfTyped(value) === undefined ? OF_VIEW : OF_TYPED;
    const [buffer, offset, length] = [parts.buffer(value), parts.offset(value), parts.length(value)];
    lengthOfBuffer(buffer);
    // One that its buffer has become too small for says that it has none.
    if (length === 0 && parts === OF_TYPED) Reflect.apply(at, value, [0]);
    return new Uint8Array(buffer, offset, length);
  } catch {
    return null;
  }
}

/** A copy of the secret that the members of a call share, as the core takes it. */
export const secretOf = (value) => bytesOf(value, 'secret', { least: 16, code: 'SecretTooShort' });

/** A whole number from `least` to `most`. */
export function integerOf(value, what, most, least = 0) {
  if (!Number.isInteger(value) || value < least || value > most) throw wrong(what, `a whole number from ${least} to ${most}`);
  // -0 is 0.
  return value + 0;
}

/** A member's number. */
export const memberOf = (value, what = 'a member') => integerOf(value, what, U16);

/** 16 bits, as an `index` of a stream. */
export const shortOf = (value, what) => integerOf(value, what, U16);

/** A BigInt of 64 bits. */
export function bigintOf(value, what) {
  if (typeof value !== 'bigint' || value < 0n || value > U64) throw wrong(what, `a BigInt from 0 to ${U64}`);
  return value;
}

/** Milliseconds on some clock. */
export function timeOf(value, what) {
  if (typeof value !== 'number' || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw wrong(what, 'milliseconds: a number, not below 0');
  }
  return value;
}

/** A whole number of bytes, or none that is reached. */
export function thresholdOf(value, what) {
  return value === Infinity ? value : integerOf(value, what, Number.MAX_SAFE_INTEGER);
}

/** Text with no half of a character in it: those have no bytes of their own. */
export function stringOf(value, what) {
  if (typeof value !== 'string' || /\p{Surrogate}/u.test(value)) throw wrong(what, 'a string of whole characters');
  return value;
}

/** As `stringOf`, and not empty. */
export function nameOf(value, what) {
  if (stringOf(value, what) === '') throw wrong(what, 'a string that is not empty');
  return value;
}

/** The UTF-8 bytes of a text. */
export const encoded = (text) => ENCODER.encode(text);

/** Bytes of an address. */
const MAX_ADDRESS = 255;

/** What a relay calls a participant. */
export function addressOf(value, what = 'an address') {
  if (encoded(nameOf(value, what)).length > MAX_ADDRESS) throw wrong(what, `a string of at most ${MAX_ADDRESS} bytes`);
  return value;
}

/** A session as it is given out: 32 hexadecimal digits. */
export function sessionOf(value) {
  if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value)) throw wrong('a session', '32 hexadecimal digits');
  return value;
}

/** An identity as it is given out: 64 hexadecimal digits. */
export function identityOf(value) {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw wrong('an identity', '64 hexadecimal digits');
  return value;
}

/** An array of at least one, each as `check` makes it. */
export function listOf(value, what, check) {
  if (!Array.isArray(value) || value.length === 0) throw wrong(what, 'an array that is not empty');
  return Array.from(value, (each) => check(each, `each of ${what}`));
}

export function booleanOf(value, what) {
  if (typeof value !== 'boolean') throw wrong(what, 'true or false');
  return value;
}

/** One of these names. */
export function oneOf(value, names, what) {
  if (typeof value !== 'string' || !names.includes(value)) throw wrong(what, `one of '${names.join("', '")}'`);
  return value;
}

/** What a table has under one of its names. */
export const lookUp = (table, value, what) => table[oneOf(value, Object.keys(table), what)];

export function functionOf(value, what) {
  if (typeof value !== 'function') throw wrong(what, 'a function');
  return value;
}

/**
 * An object whose fields are read next, each once: none that is something else besides, as bytes or
 * an array are.
 */
export function fieldsOf(value, what) {
  if (!isFields(value)) throw wrong(what, 'an object with fields');
  return value;
}

const isFields = (value) => Reflect.apply(toString, value, []) === '[object Object]';

/** What `check` makes of a value, or undefined for one that is not given. */
export const optional = (value, check, ...rest) => (value === undefined ? undefined : check(value, ...rest));

/**
 * An object of the browser's own, of this class. Where there is no such class, as in Node.js, what
 * has this method stands for it.
 */
export function platformOf(value, name, method, what) {
  const isObject = typeof value === 'object' && value !== null;
  const isOne = typeof globalThis[name] === 'function'
    ? Reflect.apply(toString, value, []) === `[object ${name}]`
    : isObject && typeof value[method] === 'function';
  if (!isObject || !isOne) throw wrong(what, `of the class ${name}`);
  return value;
}

/** What a constructor throws that is not to be called: `how` says what is. */
export const notByNew = (how) => new TypeError(`sealframe: use ${how}`);
