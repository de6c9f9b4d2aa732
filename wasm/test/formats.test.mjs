// The formats of others as patient as their peers: clients that draw IVs at random, streams that
// end, ratchets that frames overtake, participants who come and go, AV1 whose last unit has no
// size. Without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SharedSecretFrames } from '../pkg/frames.node.js';
import { JitsiFrames, LiveKitFrames } from '../pkg/profiles.node.js';

import { StandIn, frameOf } from './stand-in.mjs';

const ALICE = 'alice';
const OPTIONS = { sharedKey: false, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 8, failureTolerance: 10, keyringSize: 16, keySize: 128 };
const PROBE = {
  message: { kind: 'enable', data: { enabled: true, participantIdentity: 'nobody' } },
  isAnswer: ({ kind, data }) => kind === 'enable' && data.participantIdentity === 'nobody',
};
const bytes = (length, seed = 1) => Uint8Array.from({ length }, (_, place) => (place * 31 + seed) & 0xff);
const imported = (key) => crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveBits', 'deriveKey']);

async function livekitWorker() {
  const worker = await StandIn.start('livekit-worker.js', PROBE);
  await worker.send({ kind: 'init', data: { keyProviderOptions: OPTIONS, loglevel: 'warn' } });
  return worker;
}

async function admit(worker, participantIdentity, key) {
  const data = { participantIdentity, isPublisher: true, key: await imported(key), keyIndex: 0, updateCurrentKeyIndex: true };
  await worker.send({ kind: 'setKey', data });
  await worker.send({ kind: 'enable', data: { enabled: true, participantIdentity } });
}

const track = (worker, kind, participantIdentity = ALICE, trackId = kind) =>
  worker.script({ kind, participantIdentity, trackId, hasPacketTrailer: false });

test('frames of a client that draws IVs at random open in the worker, once', async () => {
  const worker = await livekitWorker();
  await admit(worker, ALICE, bytes(32));
  const opening = await track(worker, 'decode');
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new TextEncoder().encode(OPTIONS.ratchetSalt), info: new Uint8Array(128) };
  const key = await crypto.subtle.deriveKey(parameters, await imported(bytes(32)), { name: 'AES-GCM', length: 128 }, false, ['encrypt']);
  for (let number = 0; number < 1500; number += 1) {
    const [iv, clear] = [crypto.getRandomValues(new Uint8Array(12)), Uint8Array.of(0x78)];
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: clear }, key, bytes(20));
    const wire = [...clear, ...new Uint8Array(sealed), ...iv, 12, 0];
    assert.deepEqual([...await opening.pass(frameOf(wire))], [0x78, ...bytes(20)], `frame ${number}`);
    if (number % 100 === 0) assert.equal(await opening.pass(frameOf(wire)), null);
  }
});

test('a stream that has ended can be forgotten', async () => {
  const [jitsi, livekit] = [await JitsiFrames.start(), await LiveKitFrames.start()];
  for (const frames of [jitsi, livekit]) {
    frames.setKey(0, bytes(32));
    const [one, other] = [7, 8].map((ssrc) => frames.seal(bytes(20), { codec: 'opus', ssrc, rtpTimestamp: 960 }));
    for (const wire of [one, other]) {
      assert.deepEqual(frames.open(wire, {}), bytes(20));
      assert.throws(() => frames.open(wire, {}), { code: 'Replayed' });
    }
    frames.forgetStream(7);
    assert.deepEqual(frames.open(one, {}), bytes(20));
    assert.throws(() => frames.open(other, {}), { code: 'Replayed' });
    frames.free();
  }
});

test('a frame from before a ratchet that was ordered opens behind it', async () => {
  const [alice, bob] = [await livekitWorker(), await livekitWorker()];
  for (const worker of [alice, bob]) await admit(worker, ALICE, bytes(32));
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(79))))), bytes(79));
  const [late, later] = [await sealing.pass(frameOf(bytes(80))), await sealing.pass(frameOf(bytes(81)))];
  for (const worker of [alice, bob]) await worker.send({ kind: 'ratchetRequest', data: { participantIdentity: ALICE, keyIndex: 0 } });
  const early = await sealing.pass(frameOf(bytes(82)));
  for (const [wire, frame] of [[early, bytes(82)], [late, bytes(80)], [later, bytes(81)]]) {
    assert.deepEqual(await opening.pass(frameOf(wire)), frame);
    assert.equal(await opening.pass(frameOf(wire)), null);
  }
});

test('that a key has sealed as many streams as it may is said', async () => {
  const worker = await livekitWorker();
  await admit(worker, ALICE, bytes(32));
  const sealing = await track(worker, 'encode');
  for (let ssrc = 1; ssrc <= 1024; ssrc += 1) assert.ok(await sealing.pass(frameOf(bytes(20), { ssrc })));
  assert.equal(await sealing.pass(frameOf(bytes(20), { ssrc: 1025 })), null);
  const { data } = await worker.until(({ kind }) => kind === 'error');
  assert.match(data.error.message, /^InternalError: .*1,024/);
});

test('who has left is remembered in a few kilobytes', async () => {
  const worker = await livekitWorker();
  const sizes = [];
  for (let number = 0; number < 240; number += 1) {
    const who = `guest ${number}`;
    await admit(worker, who, bytes(32, number));
    const opening = await track(worker, 'decode', who, who);
    const frames = await LiveKitFrames.start();
    frames.setKey(0, bytes(32, number));
    assert.deepEqual(await opening.pass(frameOf(frames.seal(bytes(80), { codec: 'opus', ssrc: 1, rtpTimestamp: 960 }))), bytes(80));
    const { payload, iv, keyIndex } = frames.sealData(bytes(50));
    await worker.send({ kind: 'decryptDataRequest', data: { uuid: 'x', participantIdentity: who, payload, iv, keyIndex } });
    frames.free();
    await worker.send({ kind: 'removeTransform', data: { participantIdentity: who, trackId: who } });
    await worker.send({ kind: 'enable', data: { enabled: false, participantIdentity: who } });
    worker.said.length = 0;
    if (number % 120 === 119) sizes.push(process.memoryUsage().external);
  }
  assert.ok(sizes[1] - sizes[0] < 120 * 6144, `${(sizes[1] - sizes[0]) / 120} bytes each`);
});

const AV1 = {
  'its frame has no size': [0x12, 0x00, 0x30, 0x10, 1, 2, 3],
  'it is a frame alone': [0x30, 0x10, 1, 2, 3],
  'its frame has an extension and no size': [0x12, 0x00, 0x0a, 1, 9, 0x34, 0x08, 0x10, 1, 2, 3],
  'its second frame has no size': [0x12, 0x00, 0x32, 0x04, 0x10, 1, 2, 3, 0x30, 0x30, 1, 2, 3],
  'its frame is long': [0x30, ...bytes(300), 1, 2, 3],
};

for (const [name, frame] of Object.entries(AV1)) {
  test(`AV1 is sealed though ${name}`, async () => {
    const secret = bytes(32);
    const [alice, bob] = await Promise.all([1, 2].map((member) => SharedSecretFrames.start({ secret, member, framing: 'compatible' })));
    bob.addMember(1, alice.announcement());
    const stream = { kind: 'camera', codec: 'av1' };
    const wire = alice.sealer(stream).seal(Uint8Array.from(frame));
    const opened = bob.opener({ from: 1, ...stream }).open(wire);
    assert.deepEqual([...opened.slice(-3)], [1, 2, 3]);
    assert.throws(() => bob.opener({ from: 1, ...stream }).open(wire), { code: 'Replayed' });
    for (const member of [alice, bob]) member.free();
  });
}
