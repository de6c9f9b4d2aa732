// The border to JavaScript: every export of every entry point, and every message of every worker,
// is given every wrong type in every place. Each is refused by a `TypeError`, or by our own error
// where bytes are of the right type and too few, and nothing has changed then. What is exported or
// taken as a message and is not listed here fails the test.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { before, test } from 'node:test';

import { SealedCall, SealframeError, createWorker, supportedFramings } from '../pkg/index.js';
import * as index from '../pkg/index.js';
import * as credentials from '../pkg/credentials.js';
import * as frames from '../pkg/frames.node.js';
import * as profiles from '../pkg/profiles.node.js';
import * as inline from '../pkg/worker-inline.js';
import initGroup, { Group as GroupModule } from '../build/sealframe_group.js';
import { Group, ofCall } from '../build/js/page/group.js';
import { CALL, GROUP, JITSI, LIVEKIT, PROFILES, checked } from '../build/js/shared/protocol.js';

import { StandIn, frameOf } from './stand-in.mjs';

const { SharedSecretFrames } = frames;
const { DaveOpener, DaveSealer, JitsiFrames, LiveKitFrames } = profiles;
const here = (path) => new URL(path, import.meta.url);

/** Node.js fetches no files. */
globalThis.fetch = async (url) =>
  new Response(readFileSync(new URL(url)), { headers: { 'content-type': 'application/wasm' } });

const bytes = (length, seed = 1) => Uint8Array.from({ length }, (_, place) => (place * 31 + seed) & 0xff);
function detached() {
  const buffer = new ArrayBuffer(32);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

/** A view of bytes that its buffer no longer has. */
function beyond(View) {
  const buffer = new ArrayBuffer(64, { maxByteLength: 64 });
  const view = new View(buffer, 32, 4);
  buffer.resize(8);
  return view;
}

/** One of each kind that a caller may have in hand, by name. */
const VALUES = {
  undefined: undefined,
  null: null,
  true: true,
  zero: 0,
  seven: 7,
  NaN,
  Infinity,
  negative: -1,
  fraction: 1.5,
  '65536': 65_536,
  '2 ** 32': 2 ** 32,
  '2 ** 53': 2 ** 53,
  bigint: 5n,
  'negative bigint': -1n,
  '2n ** 64n': 2n ** 64n,
  text: 'correct horse battery staple, it',
  'empty text': '',
  digits: '7',
  'half a character': 'a\ud800',
  array: Array.from(bytes(32)),
  'an array of one name': ['vp8'],
  object: {},
  'object with a length': { length: 32 },
  function: () => 7,
  symbol: Symbol('s'),
  bytes: bytes(32),
  'no bytes': new Uint8Array(0),
  ArrayBuffer: bytes(32).buffer,
  DataView: new DataView(bytes(32).buffer),
  'other numbers': new Float64Array(4).fill(0.5),
  SharedArrayBuffer: new SharedArrayBuffer(32),
  'shared bytes': new Uint8Array(new SharedArrayBuffer(32)),
  detached: detached(),
  'bytes beyond their buffer': beyond(Uint8Array),
  'a view beyond its buffer': beyond(DataView),
  'a proxy of bytes': new Proxy(bytes(32), {}),
  'no real bytes': Object.create(Uint8Array.prototype),
  'an object that says a name': { toString: () => 'vp8' },
  'a boxed number': Object(7),
  date: new Date(0),
  map: new Map(),
  promise: Promise.resolve(bytes(32)),
};
before(async () => {
  VALUES.CryptoKey = await crypto.subtle.importKey('raw', bytes(32), 'HKDF', false, ['deriveBits']);
});

const NUMBERS = ['zero', 'seven'];
/**
 * What of the values above is right, by kind of argument. `?` behind a kind: it may be left out.
 */
const RIGHT = {
  bytes: ['bytes', 'no bytes', 'ArrayBuffer', 'DataView', 'other numbers'],
  u8: NUMBERS,
  u16: NUMBERS,
  u32: [...NUMBERS, '65536'],
  ring: ['seven'],
  threshold: [...NUMBERS, '65536', '2 ** 32', 'Infinity'],
  time: [...NUMBERS, 'fraction', '65536', '2 ** 32'],
  u64: ['bigint'],
  seconds: [...NUMBERS, '65536', '2 ** 32'],
  names: ['an array of one name'],
  text: ['text', 'empty text', 'digits'],
  name: ['text', 'digits'],
  key: ['bytes', 'no bytes', 'ArrayBuffer', 'DataView', 'other numbers', 'text', 'digits', 'empty text'],
  boolean: ['true'],
  function: ['function'],
  // Of which at least one field is then wrong, or none is needed.
  fields: ['object', 'object with a length', 'no real bytes', 'a proxy of bytes', 'an object that says a name'],
  nullable: ['null'],
  map: ['map'],
  CryptoKey: ['CryptoKey'],
  // A session, a word of ours, an object of the browser's.
  other: [],
};

/** Whether a value is right for `kind`: one of the above, or several with `|`, or one with `?`. */
function isRight(kind, name) {
  const kinds = kind.replace('?', '').split('|');
  return (kind.endsWith('?') && name === 'undefined') || kinds.some((each) => RIGHT[each].includes(name));
}

const isRefused = (error, what) => {
  assert.ok(error instanceof TypeError, `${what}: ${error?.stack ?? error}`);
};

/** What a call answers: nothing, or what it threw, now or later. */
async function thrownBy(work) {
  try {
    await work();
    return null;
  } catch (error) {
    return error;
  }
}

/** The arguments with one value in another's place, by a path such as `0.secret`. */
function withValue(good, path, value) {
  const [first, ...rest] = path.split('.');
  const copy = Array.isArray(good) ? [...good] : { ...good };
  copy[first] = rest.length === 0 ? value : withValue(copy[first], rest.join('.'), value);
  return copy;
}

/**
 * Gives every value to each place of `kinds`, which are paths into the arguments that `good` makes.
 * `unchanged` is called after each. Returns how many were refused.
 */
async function walk(what, good, kinds, call, unchanged = () => {}) {
  let refused = 0;
  for (const [path, kind] of Object.entries(kinds)) {
    for (const [name, value] of Object.entries(VALUES)) {
      const error = await thrownBy(() => call(...withValue(good(), path, value)));
      const where = `${what}, ${path} is ${name}`;
      if (isRight(kind, name)) {
        // It may still be too short, or an object without what it should have.
        assert.ok(error === null || error.name === 'SealframeError' || error instanceof TypeError, `${where}: ${error?.stack}`);
      } else {
        isRefused(error, where);
        refused += 1;
        await unchanged(where);
      }
    }
  }
  return refused;
}

const SECRET = bytes(32, 9);
const FRAME = bytes(40);
const STREAM = { kind: 'camera', index: 0, codec: 'vp8' };
const STREAM_KINDS = { kind: 'other', index: 'u16?', codec: 'other' };
const under = (path, kinds) => Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [`${path}.${name}`, kind]));
const INFO = { codec: 'vp8', type: 'key', ssrc: 5, rtpTimestamp: 0 };
const INFO_TO_SEAL = { codec: 'nullable?', type: 'other?', ssrc: 'u32', rtpTimestamp: 'u32' };
const INFO_TO_OPEN = { ...INFO_TO_SEAL, ssrc: 'u32?', rtpTimestamp: 'u32?' };
let clock = 0;
/** Timestamps that go on. */
const info = () => ({ ...INFO, rtpTimestamp: clock += 3000 });

/** What the walks go through: by entry point, by export, by member. Anything not in here fails. */
const COVERED = {};
const covers = (entry, name, ...members) => {
  COVERED[entry] ??= {};
  COVERED[entry][name] = [...COVERED[entry][name] ?? [], ...members];
};

/** All that an entry point exports: of a class its static and other members. */
function exportsOf(module) {
  return Object.fromEntries(Object.entries(module).map(([name, exported]) => {
    if (!/^class/.test(String(exported))) return [name, []];
    const own = Object.getOwnPropertyNames(exported).filter((member) => !['length', 'name', 'prototype'].includes(member));
    return [name, ['new', ...own, ...Object.getOwnPropertyNames(exported.prototype).filter((member) => member !== 'constructor')]];
  }));
}

/** A constructor that is not to be called, whatever it is given. */
async function refusesNew(of) {
  for (const [name, value] of Object.entries(VALUES)) {
    isRefused(await thrownBy(() => new of(value, value, value)), `new ${of.name} of ${name}`);
  }
}

test('frames: wrong types in every place', async () => {
  covers('frames', 'SealframeError', 'new');
  const start = (member) => SharedSecretFrames.start({ secret: SECRET, member });
  const [alice, bob] = [await start(1), await start(2)];
  bob.addMember(1, alice.announcement());
  const [sealer, opener] = [alice.sealer(STREAM), bob.opener({ ...STREAM, from: 1 })];
  const unchanged = () => {
    assert.deepEqual(opener.open(sealer.seal(FRAME)), FRAME);
    assert.equal(sealer.kid, kid);
  };
  sealer.seal(FRAME);
  const { kid } = sealer;

  covers('frames', 'SharedSecretFrames', 'new', 'start', 'announcement', 'addMember', 'removeMember', 'ratchet', 'sealer', 'opener', 'free');
  for (const of of [SharedSecretFrames, frames.Sealer, frames.Opener]) await refusesNew(of);
  const options = { secret: SECRET, member: 3, framing: 'full' };
  await walk('SharedSecretFrames.start', () => [options], {
    0: 'fields', '0.secret': 'bytes', '0.member': 'u16', '0.framing': 'other?',
  }, (...args) => SharedSecretFrames.start(...args).then((made) => made.free()), unchanged);
  await walk('addMember', () => [1, alice.announcement()], { 0: 'u16', 1: 'bytes' }, (...args) => bob.addMember(...args), unchanged);
  await walk('removeMember', () => [9], { 0: 'u16' }, (...args) => bob.removeMember(...args), unchanged);
  await walk('sealer', () => [STREAM], { 0: 'fields', ...under(0, STREAM_KINDS) }, (...args) => alice.sealer(...args), unchanged);
  await walk('opener', () => [{ ...STREAM, from: 1 }], { 0: 'fields', ...under(0, STREAM_KINDS), '0.from': 'u16' },
    (...args) => bob.opener(...args), unchanged);
  covers('frames', 'Sealer', 'new', 'seal', 'kid');
  await walk('seal', () => [FRAME], { 0: 'bytes' }, (...args) => sealer.seal(...args), unchanged);
  covers('frames', 'Opener', 'new', 'open', 'kid');
  await walk('open', () => [FRAME], { 0: 'bytes' }, (...args) => opener.open(...args), unchanged);

  await assert.rejects(SharedSecretFrames.start({ secret: bytes(15), member: 1 }), { name: 'SealframeError', code: 'SecretTooShort' });
  bob.free();
  bob.free();
  for (const work of [
    () => bob.announcement(), () => bob.addMember(1, alice.announcement()), () => bob.removeMember(1), () => bob.ratchet(),
    () => bob.sealer(STREAM), () => bob.opener({ ...STREAM, from: 1 }), () => opener.open(FRAME),
  ]) assert.throws(work, { name: 'SealframeError', code: 'NotStarted' });
  alice.free();
});

test('credentials: wrong types in every place', async () => {
  covers('credentials', 'SealframeError', 'new');
  const { ListJudge, OidcJudge, callNonce, identityNonce, identityThumbprint } = credentials;
  const IDENTITY = '07'.repeat(32);
  const KEYS = '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}';
  const PRESENTED = { identity: IDENTITY, group: bytes(4), credential: new TextEncoder().encode('alice'), now: 7 };
  const PRESENTED_KINDS = { identity: 'other', group: 'bytes', credential: 'bytes', now: 'seconds?' };

  covers('credentials', 'OidcJudge', 'new', 'judge', 'replaceKeys');
  const options = {
    issuer: 'https://a', audiences: ['us'], keys: KEYS, user: 'email', bindings: ['cnf'], leeway: 5, maxAge: 50, sinceIssued: 50, callClaim: 'room',
    callForm: 'text', callRequired: true,
  };
  const make = (...args) => new OidcJudge(...args);
  await walk('new OidcJudge', () => [options], {
    0: 'fields', '0.issuer': 'name', '0.audiences': 'names', '0.keys': 'text', '0.user': 'name?', '0.bindings': 'other?', '0.leeway': 'seconds?',
    '0.maxAge': 'threshold?', '0.sinceIssued': 'seconds?', '0.callClaim': 'name?', '0.callForm': 'other?', '0.callRequired': 'boolean?',
  }, make);
  for (const empty of [{ audiences: [] }, { audiences: [''] }, { bindings: [] }, { bindings: ['aud'] }, { callForm: 'hex' }]) {
    isRefused(await thrownBy(() => make({ ...options, ...empty })), JSON.stringify(empty));
  }
  const oidc = make(options);
  const isStill = async () => assert.rejects(oidc.judge({ ...PRESENTED, credential: bytes(0) }), { code: 'NotThisKind' });
  await walk('replaceKeys', () => [KEYS], { 0: 'text' }, (...args) => oidc.replaceKeys(...args), isStill);
  await walk('OidcJudge.judge', () => [PRESENTED], { 0: 'fields', ...under(0, PRESENTED_KINDS) }, (...args) => oidc.judge(...args));

  covers('credentials', 'ListJudge', 'new', 'judge', 'replaceList');
  await walk('new ListJudge', () => [''], { 0: 'text' }, (...args) => new ListJudge(...args));
  const list = new ListJudge(`${IDENTITY} alice`);
  const unchanged = async () => assert.equal((await list.judge(PRESENTED)).user, 'alice');
  await walk('replaceList', () => [''], { 0: 'text' }, (text) => (text === '' ? undefined : list.replaceList(text)), unchanged);
  await walk('ListJudge.judge', () => [PRESENTED], { 0: 'fields', ...under(0, PRESENTED_KINDS) }, (...args) => list.judge(...args), unchanged);

  for (const name of ['callNonce', 'identityNonce', 'identityThumbprint', 'newIdentity']) covers('credentials', name);
  await walk('callNonce', () => [bytes(4), IDENTITY], { 0: 'bytes', 1: 'other' }, callNonce);
  await walk('identityNonce', () => [IDENTITY], { 0: 'other' }, identityNonce);
  await walk('identityThumbprint', () => [IDENTITY], { 0: 'other' }, identityThumbprint);
  for (const wrong of [IDENTITY.slice(2), `${IDENTITY}07`, IDENTITY.toUpperCase().replace('0', 'A'), `${IDENTITY}\n`]) {
    isRefused(await thrownBy(() => identityNonce(wrong)), wrong);
  }
});

/** A call that is not made where its second argument is right: it would change something. */
function wrongOnly(kind, call) {
  const right = Object.keys(VALUES).filter((name) => isRight(kind, name)).map((name) => VALUES[name]);
  return (...args) => (right.includes(args[1]) ? undefined : call(...args));
}

test('profiles: wrong types in every place', async () => {
  covers('profiles', 'SealframeError', 'new');
  for (const of of [JitsiFrames, LiveKitFrames, DaveSealer, DaveOpener]) await refusesNew(of);

  covers('profiles', 'JitsiFrames', 'new', 'start', 'setKey', 'removeKey', 'ratchet', 'material', 'seal', 'open', 'forgetStream', 'free');
  const KEY = bytes(32, 3);
  const [alice, bob] = [await JitsiFrames.start(), await JitsiFrames.start()];
  for (const one of [alice, bob]) one.setKey(0, KEY);
  const goesOn = (sealing, opening) => () => {
    const about = info();
    assert.deepEqual(opening.open(sealing.seal(FRAME, about), about), FRAME);
  };
  let unchanged = goesOn(alice, bob);
  await walk('JitsiFrames.start', () => [{ firstCount: 3 }], { 0: 'fields?', '0.firstCount': 'u16?' }, (...args) => JitsiFrames.start(...args));
  await walk('setKey', () => [5, KEY], { 0: 'u32', 1: 'bytes' }, async (...args) => {
    const other = await JitsiFrames.start();
    return other.setKey(...args);
  });
  // Of one that has a key at this index.
  await walk('setKey', () => [0, KEY], { 1: 'bytes' }, wrongOnly('bytes', (...args) => alice.setKey(...args)), unchanged);
  for (const short of [0, 16, 31, 33]) assert.throws(() => alice.setKey(0, bytes(short)), { code: 'KeyRefused' });
  alice.setKey(0, KEY);
  unchanged();
  for (const name of ['removeKey', 'ratchet', 'material']) {
    for (const [value, given] of Object.entries(VALUES).filter(([of]) => !isRight('u32', of))) {
      isRefused(await thrownBy(() => alice[name](given)), `${name} of ${value}`);
      unchanged();
    }
  }
  await walk('seal', () => [FRAME, info()], { 0: 'bytes', 1: 'fields', ...under(1, INFO_TO_SEAL) }, (...args) => alice.seal(...args), unchanged);
  await walk('open', () => [FRAME, info()], { 0: 'bytes', 1: 'fields', ...under(1, INFO_TO_OPEN) }, (...args) => bob.open(...args), unchanged);
  await walk('forgetStream', () => [77], { 0: 'u32' }, (...args) => bob.forgetStream(...args), unchanged);
  assert.deepEqual(alice.material(0), KEY);

  covers('profiles', 'LiveKitFrames', 'new', 'start', 'setKey', 'ratchet', 'nextMaterial', 'material', 'seal', 'open', 'sealData',
    'openData', 'forgetStream', 'free');
  const [carol, dave] = [await LiveKitFrames.start(), await LiveKitFrames.start()];
  for (const one of [carol, dave]) one.setKey(0, KEY);
  unchanged = goesOn(carol, dave);
  const OPTIONS = { ratchetSalt: 'salt', keySize: 128, keyringSize: 16, ratchetWindowSize: 8, peer: 'native', firstCount: 1 };
  await walk('LiveKitFrames.start', () => [OPTIONS], {
    0: 'fields?', '0.ratchetSalt': 'text?', '0.keySize': 'other?', '0.keyringSize': 'ring?', '0.ratchetWindowSize': 'u8?', '0.peer': 'other?',
    '0.firstCount': 'u16?',
  }, (...args) => LiveKitFrames.start(...args));
  for (const [name, most] of [['keyringSize', 256], ['ratchetWindowSize', 255], ['firstCount', 65_535]]) {
    await LiveKitFrames.start({ [name]: most });
    await assert.rejects(LiveKitFrames.start({ [name]: most + 1 }), TypeError);
  }
  await walk('setKey', () => [1, KEY, { kdf: 'HKDF', use: false }], {
    0: 'u32', 1: 'key', 2: 'fields?', '2.kdf': 'other?', '2.use': 'boolean?',
  }, async (...args) => (await LiveKitFrames.start()).setKey(...args));
  await walk('setKey', () => [0, KEY], { 1: 'key' }, wrongOnly('key', (...args) => carol.setKey(...args)), unchanged);
  for (const short of [0, 1, 15]) assert.throws(() => carol.setKey(0, bytes(short)), { code: 'KeyRefused' });
  assert.throws(() => carol.setKey(0, ''), { code: 'KeyRefused' });
  assert.throws(() => carol.setKey(0, new Uint8Array(0), { kdf: 'PBKDF2' }), { code: 'KeyRefused' });
  unchanged();
  for (const name of ['ratchet', 'nextMaterial', 'material']) {
    for (const [value, given] of Object.entries(VALUES).filter(([of]) => !isRight('u32', of))) {
      isRefused(await thrownBy(() => carol[name](given)), `${name} of ${value}`);
      unchanged();
    }
  }
  await walk('material', () => [0, 'bob'], { 1: 'text?' }, (...args) => carol.material(...args), unchanged);
  await walk('seal', () => [FRAME, info()], { 0: 'bytes', 1: 'fields', ...under(1, INFO_TO_SEAL) }, (...args) => carol.seal(...args), unchanged);
  await walk('open', () => [FRAME, info(), 'bob'], { 0: 'bytes', 1: 'fields', ...under(1, INFO_TO_OPEN), 2: 'text?' },
    (...args) => dave.open(...args), unchanged);
  await walk('sealData', () => [FRAME, 5], { 0: 'bytes', 1: 'time?' }, (...args) => carol.sealData(...args), unchanged);
  await walk('openData', () => [carol.sealData(FRAME), 'carol'], {
    0: 'fields', '0.payload': 'bytes', '0.iv': 'bytes', '0.keyIndex': 'u8', 1: 'text?',
  }, (...args) => dave.openData(...args), unchanged);

  await walk('forgetStream', () => [77, 'bob'], { 0: 'u32', 1: 'text?' }, (...args) => dave.forgetStream(...args), unchanged);

  covers('profiles', 'DaveSealer', 'new', 'start', 'skipTo', 'nonces', 'seal', 'free');
  covers('profiles', 'DaveOpener', 'new', 'start', 'addEpoch', 'open', 'epoch', 'nonce', 'free');
  const BASE = bytes(16);
  const [ours, theirs] = [await DaveSealer.start(BASE), await DaveOpener.start()];
  theirs.addEpoch(1n, BASE, 0);
  unchanged = () => assert.deepEqual(theirs.open(ours.seal(FRAME, {}), 0), FRAME);
  await walk('DaveSealer.start', () => [BASE, { clear: 'parameter sets' }], { 0: 'bytes', 1: 'fields?', '1.clear': 'other?' },
    (...args) => DaveSealer.start(...args));
  for (const length of [0, 15, 17]) {
    await assert.rejects(DaveSealer.start(bytes(length)), { code: 'KeyRefused' });
    assert.throws(() => theirs.addEpoch(2n, bytes(length)), { code: 'KeyRefused' });
  }
  await walk('skipTo', () => [0n], { 0: 'u64' }, async (...args) => (await DaveSealer.start(BASE)).skipTo(...args), unchanged);
  await walk('seal', () => [FRAME, {}], { 0: 'bytes', 1: 'fields', ...under(1, INFO_TO_OPEN) }, (...args) => ours.seal(...args), unchanged);
  await walk('addEpoch', () => [2n, BASE, 0], { 0: 'u64', 1: 'bytes', 2: 'time?' }, async (epoch, secret, now) => {
    const other = await DaveOpener.start();
    return other.addEpoch(epoch, secret, now);
  }, unchanged);
  await walk('open', () => [FRAME, 0], { 0: 'bytes', 1: 'time?' }, (...args) => theirs.open(...args), unchanged);

  covers('profiles', 'daveEpochCode');
  await walk('daveEpochCode', () => [bytes(32)], { 0: 'bytes' }, profiles.daveEpochCode);
  covers('profiles', 'davePairwiseCode');
  // One that is right takes a second: none of these is.
  const wrong = { key: new Uint8Array(0), user: 1n };
  await walk('davePairwiseCode', () => [wrong, wrong, 0], {
    0: 'fields', '0.key': 'bytes', '0.user': 'u64', 2: 'u16?',
  }, (one, other, version) => profiles.davePairwiseCode(one, one === wrong ? other : wrong, version));

  // Freed, once or twice, what is asked of them is our error.
  for (const one of [alice, bob, carol, dave, ours, theirs]) {
    one.free();
    one.free();
  }
  const about = info();
  for (const work of [
    ...[alice, carol].flatMap((one) => [
      () => one.setKey(0, KEY), () => one.ratchet(0), () => one.material(0), () => one.seal(FRAME, about), () => one.open(FRAME, about),
    ]),
    () => alice.removeKey(0), () => carol.nextMaterial(0), () => carol.sealData(FRAME), () => ours.skipTo(0n), () => ours.nonces,
    () => carol.openData({ payload: FRAME, iv: bytes(12), keyIndex: 0 }),
    () => ours.seal(FRAME, {}), () => theirs.open(FRAME), () => theirs.addEpoch(3n, BASE), () => theirs.epoch, () => theirs.nonce,
  ]) assert.throws(work, { name: 'SealframeError', code: 'NotStarted' });
});

/** A worker of the package for a page in this thread. */
async function workerOf() {
  const standIn = await StandIn.start('worker.js');
  const scope = globalThis.self;
  const worker = { onmessage: null, postMessage: (data) => { globalThis.self = scope; scope.onmessage({ data }); }, terminate() {} };
  scope.postMessage = (data) => queueMicrotask(() => worker.onmessage?.({ data }));
  scope.close = () => {};
  return worker;
}

test('index: wrong types in every place', async () => {
  covers('index', 'SealframeError', 'new');
  await refusesNew(SealedCall);
  const options = { framing: 'compatible', threshold: 5000 };
  const kinds = { 0: 'fields', '0.framing': 'other?', '0.threshold': 'threshold?', '0.observe': 'function?', '0.worker': 'other?' };
  covers('index', 'SealedCall', 'new', 'joinWithSecret', 'join', 'group', 'threshold');
  // Without a worker of its own, which is not there: nothing goes further than the door.
  const notSupported = async (work) => {
    const error = await thrownBy(work);
    if (error?.code !== 'NotSupported') throw error;
  };
  const shared = { ...options, member: 1 };
  await walk('SealedCall.joinWithSecret', () => [{ ...shared, secret: SECRET }], { ...kinds, '0.member': 'u16', '0.secret': 'bytes' },
    (...args) => notSupported(() => SealedCall.joinWithSecret(...args)));
  const own = { group: bytes(4), address: 'a', sends: false, credential: bytes(4), kem: 'x-wing', role: 'bot', moderator: true, identity: bytes(32), trust: bytes(4) };
  await walk('SealedCall.join', () => [{ ...options, ...own }], {
    ...kinds, '0.group': 'bytes', '0.credential': 'bytes', '0.identity': 'bytes?', '0.trust': 'bytes?', '0.kem': 'other?', '0.role': 'other?',
    '0.moderator': 'boolean?', '0.sends': 'boolean?', '0.address': 'name',
  }, (...args) => notSupported(() => SealedCall.join(...args)));
  for (const [name, value, code] of [
    ['group', new Uint8Array(0), 'Malformed'], ['identity', bytes(31), 'Malformed'], ['identity', new Uint8Array(0), 'Malformed'],
    ['credential', bytes(4097), 'Policy'],
  ]) await assert.rejects(SealedCall.join({ ...options, ...own, [name]: value }), { name: 'SealframeError', code });
  for (const address of ['a'.repeat(256), '\u00e4'.repeat(128)]) {
    await assert.rejects(SealedCall.join({ ...options, ...own, address }), TypeError);
  }
  await assert.rejects(SealedCall.joinWithSecret({ ...shared, secret: bytes(15) }), { name: 'SealframeError', code: 'SecretTooShort' });

  covers('index', 'SealedCall', 'framing', 'createConnection', 'protect', 'protectSender', 'protectReceiver', 'announcement', 'addMember',
    'removeMember', 'ratchet', 'tryOpen', 'close');
  const call = await SealedCall.joinWithSecret({ ...shared, secret: SECRET, worker: await workerOf() });
  const bob = await SharedSecretFrames.start({ secret: SECRET, member: 2 });
  await call.addMember(2, bob.announcement());
  const sealer = bob.sealer(STREAM);
  const unchanged = async (where) =>
    assert.deepEqual(await call.tryOpen({ ...STREAM, from: 2, wire: sealer.seal(FRAME) }), { ok: true }, where);
  const CHANNELS = { dataChannels: 'unprotected' };
  await walk('createConnection', () => [{}, CHANNELS], { 0: 'fields?', 1: 'fields?', '1.dataChannels': 'other?' }, (...args) => {
    try {
      return call.createConnection(...args);
    } catch (error) {
      // What is right fails for that alone.
      return /RTCPeerConnection is not defined/.test(error.message) ? undefined : Promise.reject(error);
    }
  }, unchanged);
  await walk('protect', () => [null], { 0: 'other' }, (...args) => call.protect(...args), unchanged);
  await walk('protect', () => [{ getTransceivers: () => [] }, CHANNELS], { 1: 'other', '1.dataChannels': 'other' }, (pc, given) => {
    if (given === undefined || given.dataChannels === undefined) throw new TypeError('left out');
    return call.protect(pc, given);
  }, unchanged);
  await walk('protectSender', () => [{ replaceTrack() {} }, STREAM], { 0: 'other', 1: 'other', ...under(1, { ...STREAM_KINDS, codec: 'nullable?' }) },
    (...args) => {
      if (args[1]?.kind === STREAM.kind) isBeyondTheDoor(() => call.protectSender(...args));
      else call.protectSender(...args);
    }, unchanged);
  await walk('protectReceiver', () => [{ getSynchronizationSources() {} }, { ...STREAM, from: 2 }], { 0: 'other', 1: 'other', '1.from': 'u16', ...under(1, { ...STREAM_KINDS, codec: 'nullable?' }) },
    (...args) => {
      if (args[1]?.kind === STREAM.kind) isBeyondTheDoor(() => call.protectReceiver(...args));
      else call.protectReceiver(...args);
    }, unchanged);
  await walk('addMember', () => [7, bob.announcement()], { 0: 'u16', 1: 'bytes' }, (...args) => call.addMember(...args), unchanged);
  await walk('removeMember', () => [9], { 0: 'u16' }, (...args) => call.removeMember(...args), unchanged);
  await walk('tryOpen', () => [{ ...STREAM, from: 2, wire: FRAME }], {
    0: 'fields', ...under(0, STREAM_KINDS), '0.from': 'u16', '0.wire': 'bytes',
  }, (...args) => call.tryOpen(...args), unchanged);
  await call.close();

  covers('index', 'createWorker');
  assert.throws(createWorker, { name: 'SealframeError', code: 'NotSupported' });
  covers('index', 'supportedFramings');
  assert.ok(supportedFramings().full.includes('vp9'));
  covers('worker-inline', 'createWorker');
  assert.throws(inline.createWorker, { name: 'SealframeError', code: 'NotSupported' });
});

/** There are no transforms here: what is right fails for that alone. */
function isBeyondTheDoor(work) {
  try {
    work();
  } catch (error) {
    if (!/has no encoded transforms/.test(error.message)) throw error;
  }
}

const SESSION = '0c'.repeat(16);

test('group: wrong types in every place', async () => {
  const asked = [];
  const ask = async (what) => { asked.push(what); };
  const group = ofCall.make({ ask, close: async () => {}, end: assert.fail }, { session: SESSION, identity: '', farewell: new Uint8Array() });
  const unchanged = () => assert.deepEqual(asked.splice(0), [], 'nothing has been asked of the worker');
  const calls = {
    receive: [[bytes(60)], { 0: 'bytes' }],
    remove: [[SESSION], { 0: 'other' }],
    dropMember: [['an address'], { 0: 'name' }],
    setSending: [[true], { 0: 'boolean' }],
    startCheck: [[SESSION], { 0: 'other' }],
    confirmCheck: [[SESSION], { 0: 'other' }],
    cancelCheck: [[SESSION], { 0: 'other' }],
    pairwiseCode: [[SESSION, 'alice'], { 0: 'other', 1: 'name' }],
    setVerified: [[SESSION], { 0: 'other' }],
    acceptIdentity: [[SESSION], { 0: 'other' }],
  };
  const others = ['session', 'state', 'reconnected', 'lock', 'unlock', 'rekey', 'exportTrust', 'exportIdentity', 'leave'];
  const members = Object.getOwnPropertyNames(Group.prototype).filter((name) => name !== 'constructor');
  assert.deepEqual(members.sort(), [...Object.keys(calls), ...others].sort(), 'list what is new');
  for (const [name, [good, kinds]] of Object.entries(calls)) {
    await walk(name, () => good, kinds, async (...args) => {
      asked.splice(0);
      return group[name](...args);
    }, unchanged);
  }
});

test('nobody is admitted but by a name, and whatever else is answered refuses and is said', async () => {
  /** What the worker is asked, and what the page is told, of one who is judged so. */
  async function judged(onjoinrequest) {
    const [asked, events] = [[], []];
    const ask = async (what, args) => { asked.push([what, args]); };
    const fail = (error) => assert.fail(`onerror: ${error}`);
    const group = ofCall.make({ ask, close: async () => assert.fail('the call ends'), end: fail }, { session: '', identity: '', farewell: new Uint8Array() });
    group.onjoinrequest = onjoinrequest;
    group.onevent = (event) => events.push(event);
    ofCall.receive(group, { event: { type: 'joinRequested', session: SESSION, number: 5, address: 'a', hasLeft: false, identity: '', role: 'participant', credential: new Uint8Array() } });
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    return { asked, events };
  }
  for (const [moderator, is] of [[undefined, false], [true, true]]) {
    const { asked, events } = await judged(async () => ({ user: 'alice', moderator }));
    assert.deepEqual(asked, [['admit', { session: SESSION, user: 'alice', moderator: is }]]);
    assert.deepEqual(events, []);
  }
  const refused = [
    ...Object.entries(VALUES).filter(([name]) => name !== 'null'),
    ...Object.entries(VALUES).filter(([name]) => !isRight('name', name)).map(([name, user]) => [`user ${name}`, { user }]),
    ...Object.entries(VALUES).filter(([name]) => !isRight('boolean?', name)).map(([name, moderator]) => [`moderator ${name}`, { user: 'a', moderator }]),
    ['a user who is read twice', { get user() { return (this.read = !this.read) ? '' : 'alice'; } }],
  ].map(([name, answer]) => [name, () => answer, 'AnswerInvalid']);
  const thrown = new Error('bad token');
  for (const [name, onjoinrequest, code] of [
    ...refused,
    ['null', () => null, 'Refused'],
    ['a throw', () => { throw thrown; }, 'AnswerFailed'],
    ['a rejection', async () => { throw thrown; }, 'AnswerFailed'],
    ['a rejection with nothing', () => Promise.reject(), 'AnswerFailed'],
    ['no function', 7, 'AnswerFailed'],
  ]) {
    const { asked, events } = await judged(onjoinrequest);
    assert.deepEqual(asked, [['refuse', { session: SESSION }]], name);
    assert.deepEqual(events.map(({ type, session, code: said }) => [type, session, said]), [['refused', SESSION, code]], name);
  }
});

test('who is not judged in time is refused', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const [asked, events] = [[], []];
  const group = ofCall.make({ ask: async (what) => { asked.push(what); }, close: async () => {} }, { session: '', identity: '', farewell: new Uint8Array() });
  group.onjoinrequest = () => new Promise(() => {});
  group.onevent = (event) => events.push(event.code);
  ofCall.receive(group, { event: { type: 'joinRequested', session: SESSION } });
  t.mock.timers.tick(299_000);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.deepEqual(asked, []);
  t.mock.timers.tick(2000);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.deepEqual([asked, events], [['refuse'], ['AnswerTimedOut']]);
});

const streams = () => ({ readable: new ReadableStream(), writable: new WritableStream() });
const COMMON = { framing: 'other', threshold: 'threshold?', observe: 'boolean?' };
const NONE = [{}, {}];
const OF_SESSION = [{ session: SESSION }, { session: 'other' }];
const OF_STREAM = { number: 3, direction: 'seal' };
const trackOf = () => {
  const { readable, writable } = streams();
  return { readableStream: readable, writableStream: writable };
};
const TRACK = { trackId: 't', previousTrackId: 'u', participantIdentity: 'alice', codec: 'vp8', hasPacketTrailer: false, packetTrailer: { timestamp: true } };
const TRACK_KINDS = {
  trackId: 'text', previousTrackId: 'text?', participantIdentity: 'text', codec: 'text?', hasPacketTrailer: 'boolean?', packetTrailer: 'fields?',
  'packetTrailer.timestamp': 'boolean?', 'packetTrailer.frameId': 'boolean?',
};
const STREAMS = { readableStream: 'other', writableStream: 'other' };

/** Of each worker: each message's good fields, and of which kind they are. */
const MESSAGES = {
  'worker.js': [CALL, {
    start: [{ secret: SECRET, member: 1, framing: 'full' }, { secret: 'bytes', member: 'u16', ...COMMON }],
    join: [{ group: bytes(1), address: 'a', credential: bytes(1), kem: 'x25519', role: 'bot', moderator: false, sends: true, framing: 'full' }, {
      group: 'bytes', address: 'name', sends: 'boolean', credential: 'bytes', identity: 'bytes?', trust: 'bytes?', kem: 'other', role: 'other', moderator: 'boolean', ...COMMON,
    }],
    group: [{ ask: 'refuse', args: { session: SESSION } }, { ask: 'other', args: 'other', 'args.session': 'other' }],
    transform: [{ ...streams(), options: OF_STREAM }, {
      readable: 'other', writable: 'other', options: 'other', 'options.number': 'u32', 'options.direction': 'other',
    }],
    describe: [{ number: 3, stream: { ...STREAM, from: 1 } }, { number: 'u32', stream: 'nullable', ...under('stream', { ...STREAM_KINDS, index: 'u16', codec: 'nullable?', from: 'u16|name?' }) }],
    codecs: [{ number: 3, codecs: [[96, 'vp8']] }, { number: 'u32', codecs: 'other' }],
    forget: [{ number: 3 }, { number: 'u32' }],
    counts: NONE,
    announcement: NONE,
    addMember: [{ from: 1, announcement: bytes(80) }, { from: 'u16', announcement: 'bytes' }],
    removeMember: [{ from: 1 }, { from: 'u16' }],
    ratchet: NONE,
    tryOpen: [{ ...STREAM, from: 1, wire: FRAME }, { ...STREAM_KINDS, index: 'u16', from: 'u16|name', wire: 'bytes' }],
    close: NONE,
  }],
  'keys.js': [GROUP, {
    receive: [{ message: bytes(60) }, { message: 'bytes' }],
    admit: [{ session: SESSION, user: 'alice', moderator: true }, { session: 'other', user: 'name', moderator: 'boolean' }],
    refuse: OF_SESSION,
    dropMember: [{ address: 'a' }, { address: 'name' }],
    reconnected: NONE,
    setSending: [{ sends: true }, { sends: 'boolean' }],
    remove: OF_SESSION,
    lock: NONE,
    unlock: NONE,
    rekey: NONE,
    startCheck: OF_SESSION,
    confirmCheck: OF_SESSION,
    cancelCheck: OF_SESSION,
    pairwiseCode: [{ session: SESSION, user: 'alice' }, { session: 'other', user: 'name' }],
    setVerified: OF_SESSION,
    acceptIdentity: OF_SESSION,
    exportTrust: NONE,
    exportIdentity: NONE,
    farewell: NONE,
    state: NONE,
  }],
  'profiles-worker.js': [PROFILES, {
    start: [{ profile: 'livekit', options: {} }, { profile: 'other', options: 'fields?' }],
    setKey: [{ participant: 'us', index: 0, key: bytes(32), options: { use: true } }, {
      participant: 'name', index: 'u32', key: 'key', options: 'fields?', 'options.use': 'boolean?', 'options.kdf': 'other?',
    }],
    ratchet: [{ participant: 'us', index: 0 }, { participant: 'name', index: 'u32' }],
    addEpoch: [{ participant: 'us', epoch: 1n, baseSecret: bytes(16), isOurs: true }, {
      participant: 'name', epoch: 'u64', baseSecret: 'bytes', isOurs: 'boolean?',
    }],
    forgetStream: [{ participant: 'us', ssrc: 77 }, { participant: 'name', ssrc: 'u32' }],
    remove: [{ participant: 'us' }, { participant: 'name' }],
    transform: [{ ...streams(), options: { direction: 'seal', participant: 'us', codec: 'vp8' } }, {
      readable: 'other', writable: 'other', options: 'other', 'options.direction': 'other', 'options.participant': 'name', 'options.codec': 'other?',
    }],
    close: NONE,
  }],
  'jitsi-worker.js': [JITSI, {
    initialize: [{ sharedKey: false }, { sharedKey: 'boolean?' }],
    setEnabled: [{ enabled: true }, { enabled: 'boolean' }],
    // `false` is among the values for none.
    setKey: [{ participantId: 'us', key: bytes(32), keyIndex: 0 }, { participantId: 'name', key: 'bytes|nullable?', keyIndex: 'index?' }],
    encode: [{ ...trackOf(), operation: 'encode', participantId: 'us' }, { ...STREAMS, participantId: 'name', operation: 'other' }],
    decode: [{ ...trackOf(), operation: 'decode', participantId: 'us' }, { ...STREAMS, participantId: 'name', operation: 'other' }],
    cleanup: [{ participantId: 'us' }, { participantId: 'name' }],
    cleanupAll: NONE,
  }],
  'livekit-worker.js': [LIVEKIT, {
    init: [{ keyProviderOptions: { sharedKey: true } }, {
      keyProviderOptions: 'fields?', ...under('keyProviderOptions', {
        sharedKey: 'boolean?', ratchetSalt: 'text?', keySize: 'other?', keyringSize: 'ring?', ratchetWindowSize: 'u8?',
      }),
    }],
    enable: [{ enabled: true, participantIdentity: 'alice' }, { enabled: 'boolean', participantIdentity: 'text' }],
    setKey: [{ key: null, participantIdentity: 'alice', keyIndex: 0, updateCurrentKeyIndex: true }, {
      key: 'CryptoKey', participantIdentity: 'text?', keyIndex: 'index?', updateCurrentKeyIndex: 'boolean?',
    }],
    ratchetRequest: [{ participantIdentity: 'alice', keyIndex: 0 }, { participantIdentity: 'text?', keyIndex: 'index?' }],
    encode: [{ ...trackOf(), ...TRACK }, { ...STREAMS, ...TRACK_KINDS }],
    decode: [{ ...trackOf(), ...TRACK }, { ...STREAMS, ...TRACK_KINDS }],
    updateCodec: [TRACK, TRACK_KINDS],
    removeTransform: [{ trackId: 't', participantIdentity: 'alice' }, { trackId: 'text', participantIdentity: 'text' }],
    setRTPMap: [{ map: new Map([[96, 'vp8']]) }, { map: 'map' }],
    setSifTrailer: [{ trailer: bytes(4) }, { trailer: 'bytes' }],
    encryptDataRequest: [{ participantIdentity: 'alice', payload: FRAME, uuid: 'u' }, { participantIdentity: 'text', payload: 'bytes', uuid: 'text' }],
    decryptDataRequest: [{ participantIdentity: 'alice', payload: FRAME, iv: bytes(12), keyIndex: 0, uuid: 'u' }, {
      participantIdentity: 'text', payload: 'bytes', iv: 'bytes', keyIndex: 'u8', uuid: 'text',
    }],
  }],
};
// -1 is for the one before.
RIGHT.index = [...RIGHT.u32, 'negative'];

/** As it comes from a page: its bytes are the message's own. */
function sent(value, depth = 2) {
  const isBytes = ArrayBuffer.isView(value) && value instanceof Uint8Array;
  if (isBytes && value.length > 0 && value.buffer instanceof ArrayBuffer) return value.slice();
  if (value?.constructor !== Object || depth === 0) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, sent(of, depth - 1)]));
}

test('messages to the workers: wrong types in every field, and none that is not listed', async () => {
  for (const [script, [table, messages]] of Object.entries(MESSAGES)) {
    assert.deepEqual(Object.keys(table).sort(), Object.keys(messages).sort(), `${script}: list what is new`);
    for (const [name, [good, kinds]] of Object.entries(messages)) {
      const fields = () => [name === 'setKey' && table === LIVEKIT ? { ...good, key: VALUES.CryptoKey } : good];
      assert.equal(await thrownBy(() => checked(table, name, fields()[0])), null, `${script} ${name}`);
      await walk(`${script} ${name}`, fields, under(0, kinds), (given) => checked(table, name, sent(given)));
    }
    for (const name of ['toString', 'constructor', '__proto__', 'hasOwnProperty', undefined, 7, Symbol('start'), ['start']]) {
      isRefused(await thrownBy(() => checked(table, name, {})), `${script} ${String(name)}`);
    }
  }
});

test('the bytes of a message that is refused are wiped', async () => {
  const isWiped = (...all) => assert.ok(all.every((of) => of.every((byte) => byte === 0)), `${all}`);
  const buffer = bytes(32).buffer;
  const [secret, identity, key, trust, nested] = [bytes(32), bytes(32), bytes(32), bytes(9), bytes(32)];
  const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7);
  const join = { group: bytes(1), credential: bytes(1), kem: 'x25519', role: 'bot', moderator: false, member: 1, framing: 'full' };
  for (const [table, name, fields] of [
    [CALL, 'start', { secret, member: 70_000, framing: 'full' }],
    [CALL, 'start', { secret: buffer, member: 1, framing: 'none' }],
    [CALL, 'join', { ...join, identity, trust, role: 'chair' }],
    [CALL, 'join', { ...join, identity: shared }],
    [CALL, 'group', { ask: 'nobody', args: { key: nested } }],
    [PROFILES, 'setKey', { participant: '', index: 0, key }],
  ]) isRefused(await thrownBy(() => checked(table, name, fields)), name);
  isWiped(secret, new Uint8Array(buffer), identity, trust, nested, key);
  assert.deepEqual([...shared], [7, 7, 7, 7], 'what others have too is theirs');
  // By the workers themselves, also with a name that there is not, and with too many bytes.
  const profiles = await StandIn.start('profiles-worker.js');
  const ours = [bytes(32), bytes(32), bytes(33), bytes(32)];
  await profiles.send({ id: 1, request: 'setKey', participant: 'us', index: -1, key: ours[0] });
  await profiles.send({ id: 2, request: 'setKeys', participant: 'us', index: 0, key: ours[1] });
  await profiles.until(({ id }) => id === 2);
  const jitsi = await StandIn.start('jitsi-worker.js');
  for (const [keyIndex, given] of [[0, ours[2]], [1.5, ours[3]]]) {
    await thrownBy(() => jitsi.send({ operation: 'setKey', participantId: 'us', key: given, keyIndex }));
  }
  isWiped(...ours);
  // What is taken is not.
  const taken = bytes(32);
  assert.equal(checked(CALL, 'start', { secret: taken, member: 1, framing: 'full' }).secret[1], taken[1]);
  assert.deepEqual(taken, bytes(32));
});

test('worker.js: a message with a wrong type is answered with an error, and the call goes on', async () => {
  const worker = await workerOf();
  const answers = new Map();
  worker.onmessage = ({ data: { id, ...answer } }) => answers.get(id)?.(answer);
  let next = 0;
  const ask = (request, fields = {}) => new Promise((resolve) => {
    const id = next++;
    answers.set(id, resolve);
    worker.postMessage(sent({ id, request, ...fields }));
  });
  const start = { secret: SECRET, member: 1, framing: 'compatible', threshold: 5000 };
  const refuses = async (request, [good, kinds], unchanged) => walk(`worker.js ${request}`, () => [good], under(0, kinds), async (fields) => {
    const { error } = await ask(request, fields);
    if (error !== undefined) throw error.code === 'TypeError' ? new TypeError(error.message) : new SealframeError(error.code, error.message);
  }, unchanged);
  const [, messages] = MESSAGES['worker.js'];
  assert.equal((await ask('announcement')).error.code, 'NotStarted');
  // The secret is what all the others hang on: none but one that is right starts a call.
  for (const [name, value] of Object.entries(VALUES).filter(([of]) => !isRight('bytes', of))) {
    assert.equal((await ask('start', { ...start, secret: value })).error.code, 'TypeError', name);
    assert.equal((await ask('announcement')).error.code, 'NotStarted', name);
  }
  assert.equal((await ask('start', { ...start, secret: SECRET.slice() })).error, undefined);
  const bob = await SharedSecretFrames.start({ secret: SECRET, member: 2 });
  await ask('addMember', { from: 2, announcement: bob.announcement() });
  const sealer = bob.sealer(STREAM);
  const unchanged = async (where) => {
    const { result } = await ask('tryOpen', { ...STREAM, from: 2, wire: sealer.seal(FRAME) });
    assert.deepEqual(result, { ok: true }, where);
  };
  await refuses('describe', messages.describe, unchanged);
  await refuses('addMember', messages.addMember, unchanged);
  await refuses('removeMember', [{ from: 9 }, { from: 'u16' }], unchanged);
  await refuses('tryOpen', messages.tryOpen, unchanged);
  assert.equal((await ask('toString')).error.code, 'TypeError');
  for (const data of [null, undefined, 5, 'start', []]) worker.postMessage(data);
  await unchanged();
});

const PROBES = {
  'jitsi-worker.js': {
    begin: async (worker) => worker.send({ operation: 'setKey', participantId: 'us', key: bytes(32, 5), keyIndex: 0 }),
    script: (operation) => ({ operation: operation === 'seal' ? 'encode' : 'decode', participantId: 'us' }),
    wrong: (name, fields) => ({ ...fields, operation: name }),
    skips: ['cleanupAll'],
  },
  'profiles-worker.js': {
    begin: async (worker) => {
      await worker.send({ id: 'a', request: 'start', profile: 'livekit' });
      await worker.send({ id: 'b', request: 'setKey', participant: 'us', index: 0, key: bytes(32, 5) });
      await worker.until(({ id }) => id === 'b');
    },
    script: (direction) => ({ direction, participant: 'us', codec: 'opus' }),
    wrong: (name, fields) => ({ id: 'wrong', request: name, ...fields }),
    skips: ['close'],
  },
};

for (const [script, { begin, script: optionsOf, wrong, skips }] of Object.entries(PROBES)) {
  test(`${script}: no message of a wrong type changes what seals and opens`, async () => {
    const [table, messages] = MESSAGES[script];
    const [alice, bob] = [await StandIn.start(script), await StandIn.start(script)];
    for (const one of [alice, bob]) await begin(one);
    const [sealing, opening] = [await alice.script(optionsOf('seal')), await bob.script(optionsOf('open'))];
    const passes = async (where) => {
      const wire = await sealing.pass(frameOf(bytes(80)));
      assert.notEqual(wire, null, where);
      assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80), where);
    };
    await passes('at first');
    for (const [name, [good, kinds]] of Object.entries(messages)) {
      if (skips.includes(name) || !Object.hasOwn(table, name)) continue;
      for (const [path, kind] of Object.entries(kinds).filter(([of]) => of !== 'operation')) {
        for (const [value, given] of Object.entries(VALUES).filter(([of]) => !isRight(kind, of))) {
          for (const one of [alice, bob]) {
            const message = wrong(name, withValue(good, path, given));
            // The name itself may be what is wrong.
            await thrownBy(() => one.send(sent(message)));
          }
        }
        await passes(`${name} with wrong ${path}`);
      }
    }
  });
}

test('profiles-worker.js: an ArrayBuffer is the key that it holds, and no error installs one', async () => {
  const start = async () => {
    const worker = await StandIn.start('profiles-worker.js');
    let next = 0;
    const ask = async (request) => {
      const id = next += 1;
      await worker.send({ id, ...request });
      return worker.until((said) => said.id === id);
    };
    await ask({ request: 'start', profile: 'livekit' });
    return { worker, ask };
  };
  const key = bytes(32, 8);
  const [alice, bob] = [await start(), await start()];
  assert.equal((await alice.ask({ request: 'setKey', participant: 'us', index: 0, key: key.slice().buffer })).error, undefined);
  await bob.ask({ request: 'setKey', participant: 'us', index: 0, key: key.slice() });
  const [sealing, opening] = [
    await alice.worker.script({ direction: 'seal', participant: 'us', codec: 'opus' }),
    await bob.worker.script({ direction: 'open', participant: 'us', codec: 'opus' }),
  ];
  assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(FRAME)))), FRAME);

  const { worker, ask } = await start();
  for (const wrong of [new Uint8Array(0), bytes(15), '', 7, null, {}, [1, 2, 3], VALUES.CryptoKey]) {
    const { error } = await ask({ request: 'setKey', participant: 'us', index: 0, key: wrong });
    assert.match(error.code, /^(TypeError|KeyRefused)$/);
  }
  const track = await worker.script({ direction: 'seal', participant: 'us', codec: 'opus' });
  assert.equal(await track.pass(frameOf(FRAME)), null);
  assert.deepEqual(worker.said.filter(({ state }) => state !== undefined && state.state === 'encrypted'), []);
});

test('bytes are those of a view, a copy of them, and read once', async () => {
  const key = bytes(32, 5);
  const around = new Uint8Array(64).fill(0xee);
  around.set(key, 16);
  class Longer extends Uint8Array {
    get length() { return 0; }
    get byteLength() { return 0; }
    slice() { return new Uint8Array(0); }
    static get [Symbol.species]() { return Array; }
  }
  const lying = key.slice();
  Object.defineProperty(lying, 'length', { value: 0 });
  Object.defineProperty(lying, 'buffer', { value: new ArrayBuffer(0) });
  const opening = await LiveKitFrames.start();
  opening.setKey(0, key);
  for (const same of [key.slice().buffer, new DataView(around.buffer, 16, 32), around.subarray(16, 48), new Longer(key), lying, new Uint32Array(key.slice().buffer)]) {
    const sealing = await LiveKitFrames.start();
    sealing.setKey(0, same);
    const about = info();
    assert.deepEqual(opening.open(sealing.seal(FRAME, about), about), FRAME);
    sealing.free();
  }
  const about = info();
  const wire = opening.seal(new DataView(FRAME.buffer, 8, 16), about);
  assert.equal(wire.length, opening.seal(FRAME.subarray(8, 24), info()).length);

  // What the caller does to its bytes afterwards is its own affair.
  const secret = SECRET.slice();
  const starting = SharedSecretFrames.start({ secret, member: 1 });
  secret.fill(0);
  const [alice, bob] = [await starting, await SharedSecretFrames.start({ secret: SECRET, member: 2 })];
  bob.addMember(1, alice.announcement());
  assert.deepEqual(bob.opener({ ...STREAM, from: 1 }).open(alice.sealer(STREAM).seal(FRAME)), FRAME);
  const base = bytes(16);
  const sealing = DaveSealer.start(base);
  base.fill(0);
  const opener = await DaveOpener.start();
  opener.addEpoch(1n, bytes(16), 0);
  assert.deepEqual(opener.open((await sealing).seal(FRAME, {}), 0), FRAME);

  let reads = 0;
  await SharedSecretFrames.start({ get secret() { reads += 1; return reads === 1 ? SECRET : new Uint8Array(16); }, member: 1 });
  assert.equal(reads, 1);
});

test('a generator that gives nothing but zeros gives no keys', async () => {
  const alice = await SharedSecretFrames.start({ secret: SECRET, member: 1 });
  const { getRandomValues } = crypto;
  const source = readFileSync(here('../build/sealframe_group_bg.wasm'));
  await initGroup({ module_or_path: source });
  const enter = () => new GroupModule(bytes(4), bytes(4), 1, 0, false, bytes(4), true, undefined, undefined, 0, 0).free();
  enter();
  crypto.getRandomValues = (into) => into.fill(0);
  try {
    assert.throws(() => alice.announcement(), { code: 'NoRandomness' });
    await assert.rejects(SharedSecretFrames.start({ secret: SECRET, member: 1 }), { code: 'NoRandomness' });
    await assert.rejects(JitsiFrames.start(), { code: 'NoRandomness' });
    await assert.rejects(LiveKitFrames.start(), { code: 'NoRandomness' });
    // The key management stops.
    assert.throws(enter, WebAssembly.RuntimeError);
  } finally {
    delete crypto.getRandomValues;
  }
  assert.equal(crypto.getRandomValues, getRandomValues);
  alice.announcement();
});

test('the error is one class, whichever entry point it is of', () => {
  for (const module of [index, credentials, frames, profiles]) assert.equal(module.SealframeError, SealframeError);
  const sources = readdirSync(here('../pkg')).filter((name) => /^(index|credentials|frames|profiles|worker-inline)(\.node)?\.js$/.test(name));
  assert.equal(sources.length, 7);
  for (const name of sources) {
    const source = readFileSync(here(`../pkg/${name}`), 'utf8');
    assert.match(source, /from ?"\.\/errors\.js"/, name);
    // Inside the text of the worker, which is a script of its own, there is another.
    if (name !== 'worker-inline.js') assert.doesNotMatch(source, /extends Error\b/, name);
  }
});

test('no binding takes bytes but through the door', () => {
  const bindings = readdirSync(here('../build')).filter((name) => /^sealframe_.*\.js$/.test(name));
  assert.equal(bindings.length, 5);
  for (const name of bindings) {
    const source = readFileSync(here(`../build/${name}`), 'utf8');
    const functions = [...source.matchAll(/^function (pass\w+)\((\w+), malloc\) \{\n(.*)\n/gm)];
    assert.deepEqual(functions.map(([, of]) => of), ['passArray8ToWasm0'], name);
    assert.match(functions[0][3], /arg = viewOf\(arg, 'bytes'\)/, name);
  }
});

test('every export has been given wrong types', () => {
  const own = { credentials, frames, profiles, index, 'worker-inline': inline };
  for (const [entry, module] of Object.entries(own)) {
    const listed = Object.fromEntries(Object.entries(COVERED[entry] ?? {}).map(([name, members]) => [name, [...members].sort()]));
    const exported = Object.fromEntries(Object.entries(exportsOf(module)).map(([name, members]) => [name, members.sort()]));
    assert.deepEqual(listed, exported, `${entry}: list what is new, and give it wrong types`);
  }
  const manifest = JSON.parse(readFileSync(here('../package.json'), 'utf8'));
  const scripts = Object.keys(manifest.exports).filter((name) => !/\.(wasm|json)$/.test(name)).sort();
  assert.deepEqual(scripts, ['.', './credentials', './frames', './jitsi-worker', './livekit-worker', './profiles', './profiles-worker', './worker', './worker-inline'].sort());
});
