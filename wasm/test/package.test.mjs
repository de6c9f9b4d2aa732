// The WebAssembly package as a worker uses it, without a browser: `node --test` after `cargo demo` or
// `cargo verify` has built `wasm/pkg`.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import init, { Call, errorName } from '../pkg/sealframe_wasm.js';
import { clearPrefix, streamKind } from '../pkg/codec.js';
import { FrameMemory } from '../pkg/memory.js';
import { StreamState } from '../pkg/state.js';

const wasm = await init({
  module_or_path: await readFile(new URL('../pkg/sealframe_wasm_bg.wasm', import.meta.url)),
});

const CAMERA = streamKind('camera');
const MICROPHONE = streamKind('microphone');
const secret = (byte = 7) => new Uint8Array(32).fill(byte);

const memory = new FrameMemory(wasm.memory);

function inMemory(call, frame, work) {
  const result = memory.run(call, frame, work);
  return typeof result === 'number' ? errorName(result) : result;
}

const seal = (call, frame, kind = CAMERA, prefix = 0) =>
  inMemory(call, frame, (length) => call.seal(length, kind, 0, prefix));
const open = (call, from, frame, kind = CAMERA, prefix = 0) =>
  inMemory(call, frame, (length) => call.open(from, length, kind, 0, prefix));

function pair() {
  const [alice, bob] = [new Call(secret(), 1), new Call(secret(), 2)];
  bob.addMember(1, alice.announcement());
  return [alice, bob];
}

test('frames of every size open as they were sealed', () => {
  const [alice, bob] = pair();
  for (const prefix of [0, 1]) {
    for (const length of [prefix, 1, 2, 3, 40, 160, 1200, 16_384, 200_000, 1 << 20]) {
      const frame = Uint8Array.from({ length }, (_, place) => place * 31);
      const sealed = seal(alice, frame, CAMERA, prefix);
      assert.deepEqual(sealed.subarray(0, prefix), frame.subarray(0, prefix));
      assert.deepEqual(open(bob, 1, sealed, CAMERA, prefix), frame);
      assert.equal(open(bob, 1, sealed, CAMERA, prefix), 'Replayed');
    }
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
  assert.equal(open(bob, 1, sealed, 0), 'UnknownStreamKind');
  assert.equal(errorName(bob.open(1, 1 << 30, CAMERA, 0, 0)), 'NotReserved');
  assert.equal(seal(alice, new Uint8Array(0), CAMERA, 1), 'PrefixTooLong');
  assert.equal(errorName(-10_000), 'Unknown');
  assert.deepEqual(open(bob, 1, sealed), frame);
  assert.throws(() => new Call(new Uint8Array(15), 1), (code) => code === 'SecretTooShort');
  assert.throws(() => bob.addMember(1, alice.announcement()), (code) => code === 'KeyInUse');
  assert.throws(() => bob.addMember(3, alice.announcement()), (code) => code === 'WrongSender');
  const stranger = new Call(secret(8), 3);
  assert.throws(() => stranger.addMember(1, alice.announcement()), (code) => code === 'WrongSecret');
  assert.equal(open(stranger, 1, seal(alice, frame)), 'UnknownKey');
});

test('a newcomer opens nothing older than its join', () => {
  const [alice, bob] = pair();
  const old = seal(alice, new Uint8Array(40));
  alice.ratchet();
  const carol = new Call(secret(), 3);
  carol.addMember(1, alice.announcement());
  assert.equal(open(carol, 1, old), 'StepErased');
  const now = seal(alice, new Uint8Array(40));
  assert.equal(open(carol, 1, now).length, 40);
  assert.equal(open(bob, 1, now).length, 40);
  assert.equal(open(bob, 1, old).length, 40);
});

test('frames open while memory grows under them', () => {
  const bob = new Call(secret(), 1);
  const before = wasm.memory.buffer.byteLength;
  const frame = Uint8Array.from({ length: 160 }, (_, place) => place);
  for (let number = 2; wasm.memory.buffer.byteLength === before; number += 1) {
    assert.ok(number < 5000, 'memory grows in the end');
    const member = new Call(secret(), number);
    bob.addMember(number, member.announcement());
    // Each ratchet step makes the receiver hold one more key, while it opens a frame.
    for (let step = 0; step < 9; step += 1) {
      assert.deepEqual(open(bob, number, seal(member, frame)), frame);
      member.ratchet();
    }
    member.free();
  }
  const member = new Call(secret(), 6000);
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
  const call = new Call(mark.slice(), 9);
  assert.notEqual(find(), -1, 'the search finds a living secret');
  call.free();
  assert.equal(find(), -1);
});

test('codecs and kinds that are not known are refused', () => {
  assert.equal(clearPrefix('vp8'), 1);
  assert.throws(() => clearPrefix('h264'), TypeError);
  assert.throws(() => clearPrefix('toString'), TypeError);
  assert.throws(() => streamKind('video'), TypeError);
});

test('a state is waiting, encrypted or failing', () => {
  const said = [];
  const state = new StreamState({ from: 1 }, (update) => said.push(update.state));
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
