// The WebAssembly package as a worker uses it, without a browser: `node --test` after `cargo demo`
// or `cargo verify` has built `wasm/build`. SEALFRAME_MODULE names one of its three modules; by
// default the one with vectors.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';

import init, { FrameCore, errorName } from '../build/sealframe_wasm.js';
import {
  CODEC, FRAME_TYPE, OUTCOME, STREAM_KIND, codecId, codecOfMimeType, framingId, isArranged, streamKind,
} from '../build/js/shared/ids.js';
import { FrameCrypto, kidOf } from '../build/js/worker/frame-crypto.js';
import { hasRelaxed, hasVectors } from '../build/js/loader/browser.js';
import { InOrder, MAX_IN_FLIGHT } from '../build/js/worker/in-order.js';
import { FrameRoom, LinearMemory } from '../build/js/formats/frame-memory.js';
import { StreamStatus } from '../build/js/worker/stream-state.js';

// Node.js 20 knows relaxed vectors by a flag only.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const PLAIN = 'sealframe_wasm_bg.wasm';
const load = (name) => readFile(new URL(`../build/${name}`, import.meta.url));
const wasm = await init({ module_or_path: await load(process.env.SEALFRAME_MODULE ?? 'sealframe_wasm_simd.wasm') });

const CAMERA = streamKind('camera');
const MICROPHONE = streamKind('microphone');
const secret = (byte = 7) => new Uint8Array(32).fill(byte);

const memory = new LinearMemory(wasm.memory);

function inMemory(call, frame, work) {
  const result = new FrameRoom(memory, call).run(frame, work);
  return typeof result === 'number' ? errorName(result) : result;
}

/** The key that a call seals with. */
function exposedKey(call) {
  const kid = sendKid(call);
  return memory.taken(call.keyOffset(kid), call.keyLength(kid));
}
/** The KID of a call's next frame. */
const sendKid = (call) => new FrameRoom(memory, call).long(OUTCOME.sendKid);

const COMPATIBLE = framingId('compatible');
const VP8 = codecId('vp8');
const VP9 = codecId('vp9');

const seal = (call, frame, kind = CAMERA, codec = VP9) =>
  inMemory(call, frame, (length) => call.seal(length, kind, 0, COMPATIBLE, codec));
const open = (call, from, frame, kind = CAMERA, codec = VP9) =>
  inMemory(call, frame, (length) => call.open(from, length, kind, 0, COMPATIBLE, codec));

function pair() {
  const [alice, bob] = [new FrameCore(secret(), 1), new FrameCore(secret(), 2)];
  bob.addMember(1, alice.announcement());
  return [alice, bob];
}

test('frames of every size open as they were sealed', () => {
  const [alice, bob] = pair();
  for (const [codec, prefix] of [[VP9, 0], [VP8, 1]]) {
    for (const length of [prefix, 1, 2, 3, 40, 160, 1200, 16_384, 200_000, 1 << 20]) {
      const frame = Uint8Array.from({ length }, (_, place) => place * 31);
      const sealed = seal(alice, frame, CAMERA, codec);
      assert.deepEqual(sealed.subarray(0, prefix), frame.subarray(0, prefix));
      assert.deepEqual(open(bob, 1, sealed, CAMERA, codec), frame);
      assert.equal(open(bob, 1, sealed, CAMERA, codec), 'Replayed');
    }
  }
});

test('of VP8 the first byte is copied in front, and all of the frame is sealed', async () => {
  const lengths = [VP8, VP9].map((codec) => {
    const [alice] = pair();
    return [1, 40, 1200].map((length) => seal(alice, new Uint8Array(length), CAMERA, codec).length);
  });
  assert.deepEqual(lengths[0], lengths[1].map((length) => length + 1));
  const [alice, bob] = pair();
  const key = await crypto.subtle.importKey('raw', exposedKey(alice), 'AES-GCM', false, ['encrypt']);
  const elsewhere = new FrameCrypto(bob, memory, 0);
  await elsewhere.open(stream(1), VP9, seal(alice, new Uint8Array(5)));
  await settle();
  for (const isElsewhere of [false, true]) {
    const opens = (wire) => (isElsewhere ? elsewhere.open(stream(1), VP8, wire) : open(bob, 1, wire, CAMERA, VP8));
    // Only a member can make the two differ: then a decoder gets what was sealed.
    const frame = Uint8Array.of(0x11, 2, 3, 4, 5, 6, 7, 8);
    const told = inMemory(alice, Uint8Array.of(0x10), () => alice.beginExternalSeal(frame.length, CAMERA, 0, COMPATIBLE, VP8));
    const headerLength = new FrameRoom(memory, alice).word(OUTCOME.headerLength);
    const [header, rest] = [told.subarray(0, headerLength), told.subarray(headerLength)];
    const parameters = { name: 'AES-GCM', iv: rest.subarray(0, 12), additionalData: rest.subarray(12) };
    const body = new Uint8Array(await crypto.subtle.encrypt(parameters, key, frame));
    const opened = opens(Uint8Array.of(0x10, ...header, ...body));
    assert.equal(opened instanceof Promise, isElsewhere, 'as wanted');
    assert.deepEqual(await opened, frame);
  }
});

test('errors have names', () => {
  const [alice, bob] = pair();
  const frame = new Uint8Array(50).fill(9);
  const sealed = seal(alice, frame);
  const flipped = sealed.slice();
  flipped[20] ^= 1;
  assert.equal(open(bob, 1, flipped), 'Unauthentic');
  assert.equal(open(bob, 1, sealed, MICROPHONE), 'Unauthentic');
  assert.equal(open(bob, 3, sealed), 'OtherMember');
  assert.equal(open(bob, 1, sealed.subarray(0, 10)), 'TooShort');
  assert.equal(open(bob, 1, new Uint8Array(0)), 'HeaderInvalid');
  assert.equal(open(bob, 1, sealed, 0), 'UnknownStream');
  assert.equal(open(bob, 1, sealed, CAMERA, 77), 'UnknownStream');
  assert.equal(open(bob, 1, sealed, CAMERA, codecId('opus')), 'Unauthentic', 'the codec is authenticated');
  assert.equal(errorName(bob.open(1, 1 << 30, CAMERA, 0, COMPATIBLE, VP9)), 'NotReserved');
  assert.equal(seal(alice, new Uint8Array(0), CAMERA, VP8), 'PrefixTooLong');
  assert.equal(errorName(-10_000), 'Unknown');
  assert.deepEqual(open(bob, 1, sealed), frame);
  assert.throws(() => new FrameCore(new Uint8Array(15), 1), (code) => code === 'SecretTooShort');
  assert.throws(() => bob.addMember(1, alice.announcement()), (code) => code === 'KeyInUse');
  assert.throws(() => bob.addMember(3, alice.announcement()), (code) => code === 'WrongSender');
  const stranger = new FrameCore(secret(8), 3);
  assert.throws(() => stranger.addMember(1, alice.announcement()), (code) => code === 'WrongSecret');
  assert.equal(open(stranger, 1, seal(alice, frame)), 'UnknownKey');
});

test('a newcomer opens nothing older than its join', () => {
  const [alice, bob] = pair();
  const old = seal(alice, new Uint8Array(40));
  alice.ratchet();
  const carol = new FrameCore(secret(), 3);
  carol.addMember(1, alice.announcement());
  assert.equal(open(carol, 1, old), 'StepErased');
  const now = seal(alice, new Uint8Array(40));
  assert.equal(open(carol, 1, now).length, 40);
  assert.equal(open(bob, 1, now).length, 40);
  assert.equal(open(bob, 1, old).length, 40);
});

test('frames open while memory grows under them', () => {
  const bob = new FrameCore(secret(), 1);
  const before = wasm.memory.buffer.byteLength;
  const frame = Uint8Array.from({ length: 160 }, (_, place) => place);
  for (let number = 2; wasm.memory.buffer.byteLength === before; number += 1) {
    assert.ok(number < 5000, 'memory grows in the end');
    const member = new FrameCore(secret(), number);
    bob.addMember(number, member.announcement());
    // Each ratchet step makes the receiver hold one more key, while it opens a frame.
    for (let step = 0; step < 9; step += 1) {
      assert.deepEqual(open(bob, number, seal(member, frame)), frame);
      member.ratchet();
    }
    member.free();
  }
  const member = new FrameCore(secret(), 6000);
  bob.addMember(6000, member.announcement());
  assert.deepEqual(open(bob, 6000, seal(member, frame)), frame);
});

test('memory does not grow with the number of frames', () => {
  const [alice, bob] = pair();
  const frame = new Uint8Array(1200);
  open(bob, 1, seal(alice, frame));
  const before = wasm.memory.buffer.byteLength;
  for (let count = 0; count < 20_000; count += 1) open(bob, 1, seal(alice, frame));
  assert.equal(wasm.memory.buffer.byteLength, before);
});

test('a freed call leaves its secret nowhere in linear memory', () => {
  const mark = Uint8Array.from({ length: 32 }, (_, place) => (place * 53 + 19) & 0xff);
  const find = () => Buffer.from(wasm.memory.buffer).indexOf(Buffer.from(mark));
  const call = new FrameCore(mark.slice(), 9);
  assert.notEqual(find(), -1, 'the search finds a living secret');
  call.free();
  assert.equal(find(), -1);
});

test('codecs and kinds that are not known are refused', () => {
  assert.throws(() => codecId('h266'), TypeError);
  assert.throws(() => codecId('toString'), TypeError);
  assert.throws(() => framingId('guessed'), TypeError);
  assert.equal(codecOfMimeType('video/VP8'), 'vp8');
  assert.equal(codecOfMimeType('video/Generic'), null);
  assert.equal(codecOfMimeType(undefined), null);
  assert.throws(() => streamKind('video'), TypeError);
});

test('a state is waiting, encrypted or failing', () => {
  const said = [];
  const state = new StreamStatus({ from: 1 }, (update) => said.push(update.state));
  const count = (code, times) => Array.from({ length: times }, () => state.count(code));
  count('UnknownKey', 3);
  count(null, 3);
  count('Replayed', 50);
  count('Unauthentic', 4);
  assert.deepEqual(said.slice(-1), ['encrypted'], 'some bad frames are no failure');
  count('Unauthentic', 1);
  assert.deepEqual(said.slice(-1), ['failing']);
  count(null, 1);
  assert.deepEqual(said.slice(-1), ['encrypted']);
});

test('why frames fail is looked for now and then, and said until one does not', () => {
  const said = [];
  const state = new StreamStatus({ from: 1 }, ({ state: is, code }) => said.push(`${is} ${code}`));
  const looks = (code, times) => Array.from({ length: times }, () => state.count(code)).filter(Boolean).length;
  assert.equal(looks('UnknownKey', 4), 0);
  assert.equal(looks('UnknownKey', 1), 1);
  assert.equal(looks('Replayed', 200), 0, 'these say nothing');
  assert.equal(looks('UnknownKey', 50), 1);
  state.explain('OtherFraming');
  assert.equal(said.at(-1), 'failing OtherFraming');
  assert.equal(looks('UnknownKey', 200), 0, 'the reason is known');
  assert.equal(said.at(-1), 'failing OtherFraming');
  state.count(null);
  assert.equal(said.at(-1), 'encrypted null');
  assert.equal(looks('Unauthentic', 5), 1);
  assert.equal(said.at(-1), 'failing Unauthentic');
});

/** A pair of members as worker.js has them, every frame of so many bytes going to WebCrypto. */
function workers(threshold) {
  const calls = pair();
  return calls.map((call) => new FrameCrypto(call, memory, threshold));
}

const stream = (from) => ({ from, kind: CAMERA, index: 0, framing: COMPATIBLE });
/** Until keys have been imported. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

test('WebCrypto and WebAssembly open what the other has sealed', async () => {
  for (const [ours, theirs] of [[0, Infinity], [Infinity, 0], [0, 0]]) {
    const [alice, bob] = pair();
    const [sealer, opener] = [new FrameCrypto(alice, memory, ours), new FrameCrypto(bob, memory, theirs)];
    await opener.open(stream(1), VP9, await sealer.seal(stream(1), VP9, new Uint8Array(5)));
    await settle();
    for (const codec of [VP8, VP9]) {
      for (const length of [1, 2, 40, 1200, 70_000]) {
        const frame = Uint8Array.from({ length }, (_, place) => place * 7);
        const sealed = sealer.seal(stream(1), codec, frame);
        assert.equal(sealed instanceof Promise, ours === 0, 'as wanted');
        const wire = await sealed;
        const opened = opener.open(stream(1), codec, wire);
        assert.equal(opened instanceof Promise, theirs === 0, 'as wanted');
        assert.deepEqual(await opened, frame);
        assert.equal(await opener.open(stream(1), codec, wire), 'Replayed');
      }
    }
  }
});

test('what WebCrypto opens is as strict as what WebAssembly opens', async () => {
  const [sealer, opener] = workers(0);
  await opener.open(stream(1), VP9, await sealer.seal(stream(1), VP9, new Uint8Array(5)));
  await settle();
  const wire = await sealer.seal(stream(1), VP8, new Uint8Array(100).fill(3));
  for (let place = 0; place < wire.length; place += 1) {
    const forged = wire.slice();
    forged[place] ^= 1;
    assert.equal(typeof await opener.open(stream(1), VP8, forged), 'string', `byte ${place}`);
  }
  assert.equal(await opener.open(stream(2), VP8, wire), 'OtherMember');
  assert.equal(typeof await opener.open(stream(1), VP9, wire), 'string', 'read as another codec');
  assert.equal(await opener.open({ ...stream(1), index: 1 }, VP8, wire), 'Unauthentic');
  for (let length = 0; length < wire.length; length += 1) {
    assert.equal(typeof await opener.open(stream(1), VP8, wire.subarray(0, length)), 'string');
  }
  // Two of the same in flight: one opens.
  const both = await Promise.all([wire, wire].map((frame) => opener.open(stream(1), VP8, frame)));
  assert.deepEqual(both.map((result) => typeof result).sort(), ['object', 'string']);
});

test('a key that moves on while frames are in flight loses none', async () => {
  const [alice, bob] = pair();
  const [sealer, opener] = [new FrameCrypto(alice, memory, 0), new FrameCrypto(bob, memory, 0)];
  for (let round = 0; round < 30; round += 1) {
    const wires = await Promise.all(Array.from({ length: 4 }, () => sealer.seal(stream(1), VP9, new Uint8Array(50))));
    alice.ratchet();
    const opened = await Promise.all(wires.map((wire) => opener.open(stream(1), VP9, wire)));
    assert.deepEqual(opened.map((frame) => frame.length), [50, 50, 50, 50]);
    if (round % 3 === 0) await settle();
  }
});

test('a stream says which key its last frame had', async () => {
  for (const threshold of [Infinity, 0]) {
    const [alice, bob] = pair();
    const [sealer, opener] = [new FrameCrypto(alice, memory, threshold), new FrameCrypto(bob, memory, threshold)];
    const [sealed, opened] = [stream(1), stream(1)];
    const kids = [];
    for (let round = 0; round < 3; round += 1) {
      // The first has the key imported, the second goes by it.
      for (const length of [50, 60]) {
        const wire = await sealer.seal(sealed, VP9, new Uint8Array(length));
        assert.equal(kidOf(sealed), sendKid(alice));
        opened.kidLow = undefined;
        const forged = wire.slice();
        forged[wire.length - 1] ^= 1;
        assert.equal(await opener.open(opened, VP9, forged), 'Unauthentic');
        assert.equal(kidOf(opened), undefined, 'a forgery says nothing');
        assert.equal((await opener.open(opened, VP9, wire)).length, length);
        assert.equal(kidOf(opened), kidOf(sealed));
        await settle();
      }
      kids.push(kidOf(sealed));
      alice.ratchet();
    }
    assert.equal(new Set(kids).size, 3);
  }
});

test('frames leave in the order they came', async () => {
  const left = [];
  const results = new Map([[1, 'a'], [3, 'c'], [4, Promise.resolve('d')], [5, 'e']]);
  const finish = new Map();
  const order = new InOrder(
    (frame) => results.get(frame) ?? new Promise((resolve) => finish.set(frame, resolve)),
    (frame, result) => left.push([frame, result]),
  );
  for (const frame of [1, 2, 3, 4]) order.add(frame);
  assert.deepEqual(left, [[1, 'a']]);
  finish.get(2)('b');
  await settle();
  order.add(5);
  assert.deepEqual(left, [[1, 'a'], [2, 'b'], [3, 'c'], [4, 'd'], [5, 'e']]);
  const frames = Array.from({ length: MAX_IN_FLIGHT + 1 }, (_, place) => 6 + place);
  for (const frame of frames.slice(0, -2)) order.add(frame);
  assert.ok(order.hasRoom);
  for (const frame of frames.slice(-2)) order.add(frame);
  assert.ok(!order.hasRoom && !finish.has(frames.at(-1)), 'beyond so many the next one waits');
  const woken = [];
  const waits = [1, 2].map((who) => order.room().then(() => woken.push(who)));
  finish.get(frames[0])('f');
  await settle();
  assert.deepEqual([woken, finish.has(frames.at(-1))], [[], true], 'its place is taken at once');
  finish.get(frames[1])('g');
  await Promise.all(waits);
  assert.deepEqual(woken, [1, 2], 'everybody who waits is woken');
});

const H264 = codecId('h264');
const AV1 = codecId('av1');
const random = (length) => crypto.getRandomValues(new Uint8Array(length));

test('H.264 and AV1 frames keep in compatible framing what comes before the picture', async () => {
  const [alice, bob] = pair();
  const startCode = [0, 0, 0, 1];
  const parameterSets = [...startCode, 0x67, 0x42, 0xc0, 0x1f, ...startCode, 0x68, 0xce];
  const slice = [...startCode, 0x65, 0xb8, 0x04];
  const sequence = [0x0a, 3, 1, 2, 3];
  for (const length of [0, 1, 40, 1200, 60_000]) {
    const picture = random(length);
    const bySize = length < 128 ? [length] : length < 16_384 ? [length & 127 | 128, length >> 7]
      : [length & 127 | 128, length >> 7 & 127 | 128, length >> 14];
    const cases = [
      [H264, [...parameterSets, ...slice], [...picture]],
      // Three bytes of a start code and zeros behind a unit become four and none.
      [H264, [...parameterSets, ...slice], [...picture], [...parameterSets.slice(1), 0, 0, ...slice]],
      [AV1, [...sequence, 0x32], [...bySize, ...picture]],
      [AV1, [...sequence, 0x32], [...bySize, ...picture], [0x12, 0, ...sequence, 0x32]],
    ];
    for (const [codec, front, rest, given = front] of cases) {
      const frame = Uint8Array.from([...given, ...rest]);
      const wire = seal(alice, frame, CAMERA, codec);
      assert.deepEqual([...wire.subarray(0, front.length)], front);
      if (length >= 40) assert.equal(Buffer.from(wire).indexOf(picture.subarray(8, 24)), -1);
      if (codec === H264) assert.equal(Buffer.from(wire).indexOf(Uint8Array.of(0, 0, 1), front.length - 2), -1);
      const forged = wire.slice();
      forged[codec === H264 ? 5 : 2] ^= 1;
      assert.equal(open(bob, 1, forged, CAMERA, codec), 'Unauthentic', 'what is readable is authenticated');
      assert.equal(open(bob, 1, wire, CAMERA, codec === H264 ? AV1 : H264), 'UnexpectedFrame');
      assert.deepEqual(open(bob, 1, wire, CAMERA, codec), Uint8Array.from([...front, ...rest]));
      assert.equal(open(bob, 1, wire, CAMERA, codec), 'Replayed');
    }
  }
  // What is no frame of its codec is not sealed, nor is a counter spent on it.
  for (const codec of [H264, AV1]) assert.equal(seal(alice, random(3).fill(0xff), CAMERA, codec), 'UnexpectedFrame');
  // At any size it is the core that works.
  assert.deepEqual([VP8, H264, AV1].map((codec) => isArranged(COMPATIBLE, codec)), [false, true, true]);
  assert.equal(isArranged(framingId('full'), H264), false);
  const crypt = new FrameCrypto(alice, memory, 1);
  const frame = Uint8Array.from([...parameterSets, ...slice, ...random(9000)]);
  const wire = crypt.seal({ kind: CAMERA, index: 0, framing: COMPATIBLE }, H264, frame);
  assert.deepEqual(open(bob, 1, wire, CAMERA, H264), frame);
});

test('what is sealed with vectors opens without, and the other way round', async () => {
  assert.ok(hasVectors() && hasRelaxed(), 'this Node.js has vectors of both kinds');
  // A query makes it another instance of the same script, with a module of its own.
  const other = await import('../build/sealframe_wasm.js?other');
  const otherMemory = new LinearMemory((await other.default({ module_or_path: await load(PLAIN) })).memory);
  const members = [
    { memory, call: new FrameCore(secret(), 1) },
    { memory: otherMemory, call: new other.FrameCore(secret(), 2) },
  ];
  const [here, there] = members;
  here.call.addMember(2, there.call.announcement());
  there.call.addMember(1, here.call.announcement());
  for (const [from, to, number] of [[here, there, 1], [there, here, 2]]) {
    for (const length of [0, 1, 15, 16, 17, 111, 112, 113, 1200, 5000, 70_001]) {
      const frame = Uint8Array.from({ length }, (_, place) => place * 13);
      const wire = new FrameRoom(from.memory, from.call).run(frame, (len) => from.call.seal(len, CAMERA, 0, COMPATIBLE, VP9));
      const opened = new FrameRoom(to.memory, to.call).run(wire, (len) => to.call.open(number, len, CAMERA, 0, COMPATIBLE, VP9));
      assert.deepEqual(opened, frame);
    }
  }
});

/**
 * What a Rust source numbers by this pattern, whose names come first; as JavaScript writes them.
 */
async function numbersIn(source, pattern) {
  const text = await readFile(new URL(`../../${source}`, import.meta.url), 'utf8');
  const found = Array.from(text.matchAll(pattern), ({ groups: { name, number } }) => [name, Number(number)]);
  assert.ok(found.length > 0, source);
  return Object.fromEntries(found.map(([name, number]) => [name[0].toLowerCase() + name.slice(1), number]));
}

test('Rust and JavaScript number alike', async () => {
  const variants = /^ {4}(?<name>[A-Z]\w+) = (?<number>\d+),$/gm;
  assert.deepEqual(await numbersIn('wasm/core/src/outcome.rs', variants), OUTCOME);
  const { room, roomLength, length } = OUTCOME;
  assert.deepEqual(await numbersIn('wasm/profiles/src/region.rs', variants), { room, roomLength, length });
  const { data, ...kinds } = await numbersIn('crates/media/src/stream.rs', variants);
  assert.deepEqual(kinds, STREAM_KIND);
  const ours = await numbersIn('wasm/core/src/framing.rs', /^const (?<name>\w+): u8 = (?<number>\d+);$/gm);
  const theirs = await numbersIn('wasm/profiles/src/label.rs', /(?<number>\d) => Codec::(?<name>\w+)/g);
  const small = (codecs) => Object.fromEntries(Object.entries(codecs).map(([name, id]) => [name.toLowerCase(), id]));
  assert.deepEqual(small({ ...theirs, ...ours }), CODEC, 'one number for a codec in both modules');
  assert.deepEqual(small({ ...ours, ...theirs }), CODEC);
  const types = await numbersIn('wasm/profiles/src/label.rs', /(?<number>\d) => FrameType::(?<name>\w+)/g);
  assert.deepEqual({ audio: 0, ...types }, FRAME_TYPE);
});
