// The check of values from outside: every argument of every public function, and every field of
// every message to a worker, passes one of these functions before it is used. The result has the
// type that the function's name says, was read once, and is ours. Anything else is a `TypeError`
// that names the argument, and changes nothing. Bytes of the right type and a wrong length are a
// `SealframeError`.
//
// The bindings of the modules convert silently: to linear memory a string is zeros, an
// `ArrayBuffer` or `{}` is no bytes, and -1 and 65536 are other numbers.

import { type ErrorCode, SealframeError } from './errors.js';

/** Our own plain bytes, on a buffer that is not shared. */
export type OwnBytes = Uint8Array<ArrayBuffer>;

/** A check of one value, which `what` names in the error. */
export type Check<T> = (value: unknown, what: string) => T;

/** Any object, its fields not looked at yet. */
export type Fields = Readonly<Record<string, unknown>>;

const U16 = 2 ** 16 - 1;
export const U8 = 2 ** 8 - 1;
export const U32 = 2 ** 32 - 1;
const U64 = 2n ** 64n - 1n;

// The language's own getters: neither a subclass nor an object's own properties can answer in their
// place.
function getterOf<T>(prototype: object, name: string | symbol): (value: unknown) => T {
  const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
  if (get === undefined) throw new TypeError(`sealframe: engine lacks '${String(name)}'`);
  return (value) => Reflect.apply(get, value, []) as T;
}
const partsOf = (prototype: object) => ({
  buffer: getterOf<ArrayBuffer>(prototype, 'buffer'),
  offset: getterOf<number>(prototype, 'byteOffset'),
  length: getterOf<number>(prototype, 'byteLength'),
});
const TYPED = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const OF_TYPED = partsOf(TYPED);
const OF_VIEW = partsOf(DataView.prototype);
const kindOfTyped = getterOf<string | undefined>(TYPED, Symbol.toStringTag);
const lengthOfBuffer = getterOf<number>(ArrayBuffer.prototype, 'byteLength');
const { at } = TYPED;
const { toString } = Object.prototype;

const ENCODER = new TextEncoder();

function wrong(what: string, wanted: string): TypeError {
  return new TypeError(`sealframe: ${what} is to be ${wanted}`);
}

/** Bounds of a number of bytes, and the code of the error outside of them. */
export interface Bounds {
  least?: number;
  most?: number;
  code?: ErrorCode;
}

/**
 * A plain `Uint8Array` on the bytes of an `ArrayBuffer` or of a view of one, whatever its kind. For
 * bytes that are used up before the caller runs again. A `SharedArrayBuffer` is refused, since
 * others may write to it meanwhile, and so is one that has been transferred.
 */
export function viewOf(value: unknown, what: string, { least = 0, most = Infinity, code = 'Malformed' }: Bounds = {}): OwnBytes {
  const bytes = onBytes(value);
  if (bytes === null) throw wrong(what, 'bytes: a Uint8Array, an ArrayBuffer or another view of one');
  if (bytes.length < least || bytes.length > most) {
    const wanted = least === most ? `${least}` : most === Infinity ? `${least} or more` : `${least} to ${most}`;
    throw new SealframeError(code, `${what} has ${bytes.length} bytes, not ${wanted}`);
  }
  return bytes;
}

/** Like `viewOf`, but a copy that is ours. The copy of a secret must be wiped. */
export function bytesOf(value: unknown, what: string, bounds?: Bounds): OwnBytes {
  return viewOf(value, what, bounds).slice();
}

/**
 * Wipes all bytes in the fields of a message that was refused, and in the fields of these: none of
 * it is used, and secrets may be among it. The message is ours alone; shared memory is left alone.
 */
export function wipeIn(value: unknown, depth = 2): void {
  const bytes = onBytes(value);
  if (bytes !== null) bytes.fill(0);
  else if (depth > 0 && isFields(value)) for (const each of Object.values(value)) wipeIn(each, depth - 1);
}

function onBytes(value: unknown): OwnBytes | null {
  // Each of these throws for a value of another kind, and the constructor for bytes that are gone.
  try {
    if (!ArrayBuffer.isView(value)) return new Uint8Array(value as ArrayBuffer, 0, lengthOfBuffer(value));
    const parts = kindOfTyped(value) === undefined ? OF_VIEW : OF_TYPED;
    const [buffer, offset, length] = [parts.buffer(value), parts.offset(value), parts.length(value)];
    lengthOfBuffer(buffer);
    // A view whose buffer has become too small has the length 0.
    if (length === 0 && parts === OF_TYPED) Reflect.apply(at, value, [0]);
    return new Uint8Array(buffer, offset, length);
  } catch {
    return null;
  }
}

/** A copy of the secret that the members of a call share, as the core takes it. */
export const secretOf = (value: unknown): OwnBytes => bytesOf(value, 'secret', { least: 16, code: 'SecretTooShort' });

/** A whole number from `least` to `most`. */
export function integerOf(value: unknown, what: string, most: number, least = 0): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw wrong(what, `a whole number from ${least} to ${most}`);
  }
  // -0 is 0.
  return value + 0;
}

/** A member's number. */
export const memberOf = (value: unknown, what = 'a member'): number => integerOf(value, what, U16);

/** 16 bits, as an `index` of a stream. */
export const shortOf = (value: unknown, what: string): number => integerOf(value, what, U16);

/** A BigInt of 64 bits. */
export function bigintOf(value: unknown, what: string): bigint {
  if (typeof value !== 'bigint' || value < 0n || value > U64) throw wrong(what, `a BigInt from 0 to ${U64}`);
  return value;
}

/** Milliseconds on some clock. */
export function timeOf(value: unknown, what: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) {
    throw wrong(what, 'milliseconds: a number, not below 0');
  }
  return value;
}

/** A whole number of bytes, or none that is reached. */
export function thresholdOf(value: unknown, what: string): number {
  return value === Infinity ? Infinity : integerOf(value, what, Number.MAX_SAFE_INTEGER);
}

/** Text with no half of a character in it: those have no bytes of their own. */
export function stringOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || /\p{Surrogate}/u.test(value)) throw wrong(what, 'a string of whole characters');
  return value;
}

/** As `stringOf`, and not empty. */
export function nameOf(value: unknown, what: string): string {
  const text = stringOf(value, what);
  if (text === '') throw wrong(what, 'a string that is not empty');
  return text;
}

/** The UTF-8 bytes of a text. */
export const encoded = (text: string): OwnBytes => ENCODER.encode(text);

/** Bytes of an address. */
const MAX_ADDRESS = 255;

/** What a relay calls a participant. */
export function addressOf(value: unknown, what = 'an address'): string {
  const address = nameOf(value, what);
  if (encoded(address).length > MAX_ADDRESS) throw wrong(what, `a string of at most ${MAX_ADDRESS} bytes`);
  return address;
}

/** A session as it is given out: 32 hexadecimal digits. */
export function sessionOf(value: unknown): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{32}$/.test(value)) throw wrong('a session', '32 hexadecimal digits');
  return value;
}

/** An identity as it is given out: 64 hexadecimal digits. */
export function identityOf(value: unknown): string {
  if (typeof value !== 'string' || !/^[0-9a-f]{64}$/.test(value)) throw wrong('an identity', '64 hexadecimal digits');
  return value;
}

/** An array of at least one, each as `check` makes it. */
export function listOf<T>(value: unknown, what: string, check: Check<T>): T[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong(what, 'an array that is not empty');
  return Array.from(value, (each) => check(each, `each of ${what}`));
}

export function booleanOf(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw wrong(what, 'true or false');
  return value;
}

/** One of these names. */
export function oneOf<N extends string>(value: unknown, names: readonly N[], what: string): N {
  if (!names.includes(value as N)) throw wrong(what, `one of '${names.join("', '")}'`);
  return value as N;
}

/** What a table has under one of its names. */
export const lookUp = <N extends string, T>(table: Readonly<Record<N, T>>, value: unknown, what: string): T =>
  table[oneOf(value, Object.keys(table) as N[], what)];

export function functionOf<F extends Function>(value: unknown, what: string): F {
  if (typeof value !== 'function') throw wrong(what, 'a function');
  return value as F;
}

/**
 * An object whose fields are read next, each once: none that is something else besides, as bytes or
 * an array are.
 */
export function fieldsOf(value: unknown, what: string): Fields {
  if (!isFields(value)) throw wrong(what, 'an object with fields');
  return value;
}

const isFields = (value: unknown): value is Fields => Reflect.apply(toString, value, []) === '[object Object]';

/** What `check` makes of a value, or undefined for one that is not given. */
export const optional = <T, R extends unknown[]>(value: unknown, check: (value: unknown, ...rest: R) => T, ...rest: R): T | undefined =>
  value === undefined ? undefined : check(value, ...rest);

/**
 * An object of the browser's own, of this class. Where there is no such class, as in Node.js, an
 * object that has this method stands for it.
 */
export function platformOf<T extends object>(value: unknown, name: string, method: string, what: string): T {
  const isObject = typeof value === 'object' && value !== null;
  const isOne = typeof (globalThis as Fields)[name] === 'function'
    ? Reflect.apply(toString, value, []) === `[object ${name}]`
    : isObject && typeof (value as Fields)[method] === 'function';
  if (!isObject || !isOne) throw wrong(what, `of the class ${name}`);
  return value as T;
}

/** The error of a constructor that is not for callers: `how` says what is. */
export const notByNew = (how: string): TypeError => new TypeError(`sealframe: use ${how}`);
