// Our workers for LiveKit's, Jitsi's and Discord's formats, without a browser: what they answer,
// what they let through, and what never.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { StandIn, frameOf } from './stand-in.mjs';

const ALICE = 'alice';
const OPTIONS = { sharedKey: false, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 8, failureTolerance: 10, keyringSize: 16, keySize: 128 };
const bytes = (length, seed = 1) => Uint8Array.from({ length }, (_, place) => (place * 31 + seed) & 0xff);
const startCode = [0, 0, 0, 1];
/** Frames as encoders make them. */
const FRAMES = [
  { bytes: bytes(80) },
  { bytes: bytes(1200), type: 'key', mimeType: 'video/VP8' },
  { bytes: bytes(300), type: 'delta', mimeType: 'video/VP8' },
  { bytes: bytes(1200), type: 'delta', mimeType: 'video/VP9' },
  {
    bytes: [...startCode, 0x67, 0x42, 0xc0, 0x1f, ...startCode, 0x68, 0xce, ...startCode, 0x65, 0xb8, 0x04, ...bytes(900, 9), 0x80],
    type: 'key',
    mimeType: 'video/H264',
  },
];

const PROBE = {
  message: { kind: 'enable', data: { enabled: true, participantIdentity: 'nobody' } },
  isAnswer: ({ kind, data }) => kind === 'enable' && data.participantIdentity === 'nobody',
};

const material = (name, key) => crypto.subtle.importKey('raw', key, name, false, ['deriveBits', 'deriveKey']);

/** A worker as livekit-client's E2EEManager leaves it once a room is connected. */
async function livekit({ key = bytes(32, 5), keyIndex = 0, options = {}, enabled = true } = {}) {
  const worker = await StandIn.start('livekit-worker.js', PROBE);
  await worker.send({ kind: 'init', data: { keyProviderOptions: { ...OPTIONS, ...options }, loglevel: 'warn' } });
  if (key !== null) await setKey(worker, key, keyIndex);
  if (enabled !== null) await worker.send({ kind: 'enable', data: { enabled, participantIdentity: ALICE } });
  return worker;
}

async function setKey(worker, key, keyIndex, updateCurrentKeyIndex = true) {
  const cryptoKey = typeof key === 'string' ? await material('PBKDF2', new TextEncoder().encode(key)) : await material('HKDF', key);
  const data = { participantIdentity: ALICE, isPublisher: true, key: cryptoKey, keyIndex, updateCurrentKeyIndex };
  await worker.send({ kind: 'setKey', data });
}

const track = (worker, kind, more) =>
  worker.script({ kind, participantIdentity: ALICE, trackId: kind, hasPacketTrailer: false, ...more });

const errorsOf = (worker) => worker.said.filter(({ kind }) => kind === 'error').map(({ data: { error } }) => error.message);

test('LiveKit: frames of every codec open as they were sealed', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  for (const { bytes, ...label } of FRAMES) {
    const wire = await sealing.pass(frameOf(bytes, label));
    assert.ok(wire.length >= bytes.length + 30);
    assert.equal(Buffer.from(wire).indexOf(Buffer.from(bytes.slice(60))), -1);
    assert.deepEqual(await opening.pass(frameOf(wire, label)), Uint8Array.from(bytes));
    assert.equal(await opening.pass(frameOf(wire, label)), null, 'a frame opens once');
  }
});

test('LiveKit: nothing passes before encryption is on, nor after it is off', async () => {
  for (const [enabled, reason] of [[null, /it is not known whether/], [false, /encryption is off/]]) {
    const worker = await livekit({ enabled });
    const [sealing, opening] = [await track(worker, 'encode'), await track(worker, 'decode')];
    for (const { bytes, ...about } of FRAMES) {
      assert.equal(await sealing.pass(frameOf(bytes, about)), null);
      assert.equal(await opening.pass(frameOf(bytes, about)), null);
    }
    assert.match(errorsOf(worker)[0], reason);
  }
});

test('LiveKit: without a key nothing passes, and it is said', async () => {
  const worker = await livekit({ key: null });
  const [sealing, opening] = [await track(worker, 'encode'), await track(worker, 'decode')];
  const wire = bytes(100);
  wire.set([12, 0], 98);
  for (const at of [sealing, opening]) assert.equal(await at.pass(frameOf(wire)), null);
  assert.match(errorsOf(worker)[0], /^MissingKey: /);
});

test('LiveKit: what is not sealed never reaches a decoder', async () => {
  const worker = await livekit();
  const sifTrailer = bytes(43, 99);
  await worker.send({ kind: 'setSifTrailer', data: { trailer: sifTrailer } });
  const opening = await track(worker, 'decode');
  for (const { bytes, ...about } of FRAMES) {
    assert.equal(await opening.pass(frameOf(bytes, about)), null, 'a clear frame');
    assert.equal(await opening.pass(frameOf([...bytes, ...sifTrailer], about)), null, "a server's frame");
    assert.equal(await opening.pass(frameOf(bytes.slice(0, 2), about)), null, 'a short one');
    assert.equal(await opening.pass(frameOf([], about)), null, 'an empty one');
  }
  const silence = [0xf8, 0xff, 0xfe, ...new Uint8Array(77), ...sifTrailer];
  assert.equal(await opening.pass(frameOf(silence)), null, 'what livekit-client lets through');
});

test('LiveKit: a forged frame changes nothing, however often it comes', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  const wire = await sealing.pass(frameOf(bytes(80)));
  for (let place = 0; place < wire.length; place += 1) {
    const forged = wire.slice();
    forged[place] ^= 1;
    assert.equal(await opening.pass(frameOf(forged)), null, `byte ${place}`);
  }
  assert.match(errorsOf(bob).join(), /InvalidKey/);
  assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80));
});

const lastRatchet = async (worker) => (await worker.until(({ kind }) => kind === 'ratchetKey')).data;

test('LiveKit: a ratchet is followed over several steps, and told', async () => {
  for (const key of [bytes(32, 5), 'a passphrase']) {
    const [alice, bob] = [await livekit({ key }), await livekit({ key })];
    const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
    for (const steps of [1, 1, 3]) {
      for (let step = 0; step < steps; step += 1) {
        await alice.send({ kind: 'ratchetRequest', data: { participantIdentity: ALICE, keyIndex: 0 } });
      }
      // One step is worked out for a frame.
      for (let frame = 1; frame <= steps; frame += 1) {
        const opened = await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80)))));
        assert.deepEqual(opened, frame === steps ? bytes(80) : null);
      }
      const [told, also] = await Promise.all([alice, bob].map((worker) => lastRatchet(worker)));
      bob.said.length = 0;
      for (const data of [told, also]) assert.equal(data.ratchetResult.cryptoKey.algorithm.name, typeof key === 'string' ? 'PBKDF2' : 'HKDF');
      assert.deepEqual([told.participantIdentity, told.keyIndex], [ALICE, 0]);
      assert.deepEqual(new Uint8Array(also.ratchetResult.chainKey), new Uint8Array(told.ratchetResult.chainKey));
    }
    // As the manager does whenever a participant is enabled.
    await setKey(alice, key, 0, false);
    await setKey(bob, key, 0, false);
    const wire = await sealing.pass(frameOf(bytes(80)));
    assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80), 'a key that is set again does not go back');
    assert.deepEqual(alice.said.filter(({ kind }) => kind === 'error'), []);
  }
});

test('LiveKit: keys at several indices, of which the last one that was set seals', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  for (const worker of [alice, bob]) {
    await setKey(worker, 'another', 5);
    await setKey(worker, 'a third', 6, false);
    await setKey(worker, 'a fourth', 16 + 7, false);
  }
  const wire = await sealing.pass(frameOf(bytes(80)));
  assert.equal(wire.at(-1), 5);
  assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80));
  await setKey(alice, 'a fourth', 16 + 7);
  const next = await sealing.pass(frameOf(bytes(80)));
  assert.equal(next.at(-1), 7, 'the index goes round the ring');
  assert.deepEqual(await opening.pass(frameOf(next)), bytes(80));
});

test('LiveKit: the key that seals is ratcheted where no index is given, and indices go round', async () => {
  const [alice, bob] = [await livekit({ keyIndex: 1 }), await livekit({ keyIndex: 1 })];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  const told = () => alice.said.filter(({ kind }) => kind === 'ratchetKey').map(({ data: { keyIndex } }) => keyIndex);
  for (const [step, keyIndex] of [-1, undefined, OPTIONS.keyringSize + 1, 1].entries()) {
    await alice.send({ kind: 'ratchetRequest', data: { participantIdentity: ALICE, keyIndex } });
    assert.deepEqual([told(), errorsOf(alice)], [Array(step + 1).fill(1), []], `${keyIndex}`);
    // Bob finds the next step where he has one alone, and only there.
    await bob.send({ kind: 'ratchetRequest', data: { participantIdentity: ALICE, keyIndex: 1 } });
    assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80))))), bytes(80), `${keyIndex}`);
  }
});

test('LiveKit: the same key at several indices seals under the last', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  for (const keyIndex of [1, 0, 1, 2]) {
    for (const worker of [alice, bob]) await setKey(worker, bytes(32, 5), keyIndex);
    const wire = await sealing.pass(frameOf(bytes(80)));
    assert.equal(wire.at(-1), keyIndex);
    assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80));
  }
});

test('LiveKit: the same key at an index that is not to seal leaves the one that does', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  const passes = async (keyIndex) => {
    const wire = await sealing.pass(frameOf(bytes(80)));
    assert.equal(wire.at(-1), keyIndex);
    assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80));
    return wire;
  };
  await passes(0);
  for (const worker of [alice, bob]) await setKey(worker, bytes(32, 5), 1, false);
  const before = await passes(0);
  await setKey(alice, bytes(32, 5), 1);
  const after = await passes(1);
  const countOf = (wire) => {
    const [, timestamp, less] = [0, 4, 8].map((at) => Buffer.from(wire).readUInt32BE(wire.length - 14 + at));
    return timestamp - less;
  };
  assert.equal(countOf(after), (countOf(before) + 1) % 0xffff, 'its counts go with it');
  await setKey(alice, bytes(32, 5), 0);
  await passes(0);
  // At an index that does not seal a ratchet is taken too.
  await alice.send({ kind: 'ratchetRequest', data: { participantIdentity: ALICE, keyIndex: 1 } });
  await passes(0);
  await setKey(alice, bytes(32, 5), 1);
  await passes(1);
  assert.deepEqual(errorsOf(alice), []);
});

test('LiveKit: keys of 256 bits, one for all, and rings of other sizes', async () => {
  const options = { keySize: 256, sharedKey: true, keyringSize: 256, ratchetWindowSize: 0 };
  const [alice, bob] = [await livekit({ options, keyIndex: 200 }), await livekit({ options, keyIndex: 200 })];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  const wire = await sealing.pass(frameOf(bytes(80)));
  assert.equal(wire.at(-1), 200);
  assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80));
  const small = await livekit();
  assert.equal(await (await track(small, 'decode')).pass(frameOf(wire)), null);
});

test('LiveKit: data packets go there and back', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  await alice.send({ kind: 'encryptDataRequest', data: { uuid: 'one', participantIdentity: ALICE, payload: bytes(50) } });
  const { payload, iv, keyIndex, uuid } = alice.said.at(-1).data;
  assert.deepEqual([uuid, keyIndex, iv.length, payload.length], ['one', 0, 12, 50 + 16]);
  const open = (payload) => bob.send({ kind: 'decryptDataRequest', data: { uuid: 'two', participantIdentity: ALICE, payload, iv, keyIndex } });
  payload[3] ^= 1;
  await open(payload);
  assert.equal(bob.said.at(-1).kind, 'error');
  assert.equal(bob.said.at(-1).data.uuid, 'two');
  payload[3] ^= 1;
  await open(payload);
  assert.deepEqual(bob.said.at(-1), { kind: 'decryptDataResponse', data: { uuid: 'two', payload: bytes(50) } });
  await open(payload);
  const { kind, data } = bob.said.at(-1);
  assert.deepEqual([kind, data.uuid], ['error', 'two']);
  assert.ok(data.error instanceof Error, 'one that nobody is told of who has not asked');
  assert.match(data.error.message, /Replayed/);
});

test('LiveKit: a trailer behind sealed frames is made and taken off', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const sealing = await track(alice, 'encode', { hasPacketTrailer: true, packetTrailer: { timestamp: true, frameId: true } });
  const opening = await track(bob, 'decode', { hasPacketTrailer: true });
  const about = { type: 'delta', mimeType: 'video/VP8' };
  for (const frameId of [1, 2]) {
    const wire = await sealing.pass(frameOf(bytes(100), about));
    assert.equal(Buffer.from(wire.subarray(-4)).toString(), 'LKTS');
    assert.deepEqual(await opening.pass(frameOf(wire, about)), bytes(100));
    const { kind, data } = bob.said.at(-1);
    assert.equal(kind, 'packetTrailerMetadata');
    assert.deepEqual([data.trackId, data.ssrc, data.metadata.frameId], ['decode', 77, frameId]);
    assert.ok(data.rtpTimestamp > 0);
    assert.ok(Math.abs(Number(data.metadata.userTimestamp / 1000n) - Date.now()) < 10_000);
  }
});

test('LiveKit: a receiver that is used again opens for whom it is told', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const sealing = await track(alice, 'encode');
  const streams = bob.track();
  const { readable, writable } = streams;
  const data = { participantIdentity: ALICE, trackId: 'first', readableStream: readable, writableStream: writable, hasPacketTrailer: false };
  await bob.send({ kind: 'decode', data });
  const passes = async () => streams.pass(frameOf(await sealing.pass(frameOf(bytes(80)))));
  assert.deepEqual(await passes(), bytes(80));
  await bob.send({ kind: 'removeTransform', data: { participantIdentity: ALICE, trackId: 'first' } });
  assert.equal(await passes(), null);
  const again = { participantIdentity: ALICE, trackId: 'second', previousTrackId: 'first', hasPacketTrailer: false };
  await bob.send({ kind: 'updateCodec', data: again });
  assert.deepEqual(await passes(), bytes(80));
  await bob.send({ kind: 'updateCodec', data: { ...again, participantIdentity: 'carol', trackId: 'third', previousTrackId: 'second' } });
  assert.equal(await passes(), null, 'of carol nothing is known');
});

test('LiveKit: the codec is as the browser says, as the connection maps it, or as it was told', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  const about = { type: 'key' };
  assert.equal(await sealing.pass(frameOf(bytes(100), about)), null, 'unknown');
  assert.match(errorsOf(alice)[0], /codec of a track is not known/);
  await alice.send({ kind: 'setRTPMap', data: { participantIdentity: ALICE, map: new Map([[96, 'vp8']]) } });
  const wire = await sealing.pass(frameOf(bytes(100), about));
  assert.deepEqual(wire.subarray(0, 10), bytes(100).subarray(0, 10));
  await bob.send({ kind: 'updateCodec', data: { participantIdentity: ALICE, trackId: 'decode', codec: 'vp8', hasPacketTrailer: false } });
  assert.deepEqual(await opening.pass(frameOf(wire, about)), bytes(100));
});

test('LiveKit: short start codes before a slice are sealed as receivers see them', async () => {
  const [alice, bob] = [await livekit(), await livekit()];
  const [sealing, opening] = [await track(alice, 'encode'), await track(bob, 'decode')];
  const about = { type: 'key', mimeType: 'video/H264' };
  const unit = (startCode) => [...startCode, 0x67, 0x42, ...startCode, 0x65, 0xb8, ...bytes(200, 9)];
  const wire = await sealing.pass(frameOf(unit([0, 0, 1]), about));
  assert.deepEqual([...wire.subarray(0, 12)], unit([0, 0, 0, 1]).slice(0, 12));
  assert.deepEqual([...await opening.pass(frameOf(wire, about))], unit([0, 0, 0, 1]));
});

test('LiveKit: the worker answers as its manager expects', async () => {
  const worker = await livekit();
  assert.deepEqual(worker.said, [
    { kind: 'initAck', data: { enabled: false } },
    { kind: 'enable', data: { enabled: true, participantIdentity: ALICE } },
  ]);
});

/** A worker as lib-jitsi-meet leaves it. */
async function jitsi({ key = bytes(32, 5), keyIndex = 0 } = {}) {
  const worker = await StandIn.start('jitsi-worker.js');
  await worker.send({ operation: 'initialize', sharedKey: undefined });
  await worker.send({ operation: 'setEnabled', enabled: true });
  await worker.send({ operation: 'setKey', participantId: ALICE, key, keyIndex });
  return worker;
}
const jitsiTrack = (worker, operation) => worker.script({ operation, participantId: ALICE });

test('Jitsi: frames open as they were sealed, once', async () => {
  const [alice, bob] = [await jitsi(), await jitsi()];
  const [sealing, opening] = [await jitsiTrack(alice, 'encode'), await jitsiTrack(bob, 'decode')];
  for (const { bytes, ...label } of FRAMES.slice(0, 3)) {
    const wire = await sealing.pass(frameOf(bytes, label));
    assert.equal(wire.length, bytes.length + 30);
    assert.deepEqual(await opening.pass(frameOf(wire, label)), bytes);
    assert.equal(await opening.pass(frameOf(wire, label)), null);
  }
});

test('Jitsi: nothing passes in clear', async () => {
  const none = await StandIn.start('jitsi-worker.js');
  const [off, without] = [await jitsi(), await jitsi()];
  await off.send({ operation: 'setEnabled', enabled: false });
  await without.send({ operation: 'setKey', participantId: ALICE, key: false, keyIndex: -1 });
  const gone = await jitsi();
  await gone.send({ operation: 'cleanup', participantId: ALICE });
  const all = await jitsi();
  await all.send({ operation: 'cleanupAll' });
  for (const worker of [none, off, without, gone, all]) {
    for (const operation of ['encode', 'decode']) {
      const at = await jitsiTrack(worker, operation);
      for (const { bytes, ...about } of FRAMES) assert.equal(await at.pass(frameOf(bytes, about)), null);
    }
  }
  const opening = await jitsiTrack(await jitsi(), 'decode');
  for (const { bytes, ...about } of FRAMES) {
    for (const length of [0, 1, 2, 3, 9, 10, bytes.length]) {
      assert.equal(await opening.pass(frameOf(bytes.slice(0, length), about)), null, 'short ones neither');
    }
  }
});

test('Jitsi: a key that was ratcheted by the page is found, and another index too', async () => {
  const ratchet = async (key) => {
    const salt = new TextEncoder().encode('JFrameRatchetKey');
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt, info: new Uint8Array() };
    return new Uint8Array(await crypto.subtle.deriveBits(parameters, await material('HKDF', key), 256));
  };
  const [alice, bob] = [await jitsi(), await jitsi()];
  const [sealing, opening] = [await jitsiTrack(alice, 'encode'), await jitsiTrack(bob, 'decode')];
  const passes = async () => opening.pass(frameOf(await sealing.pass(frameOf(bytes(80)))));
  let key = bytes(32, 5);
  for (const steps of [1, 3]) {
    for (let step = 0; step < steps; step += 1) key = await ratchet(key);
    await alice.send({ operation: 'setKey', participantId: ALICE, key: key.slice(), keyIndex: 0 });
    assert.deepEqual(await passes(), bytes(80), `${steps} steps`);
  }
  for (const worker of [bob, alice]) await worker.send({ operation: 'setKey', participantId: ALICE, key: bytes(32, 8), keyIndex: 17 });
  const wire = await sealing.pass(frameOf(bytes(80)));
  assert.equal(wire.at(-1), 1);
  assert.deepEqual(await opening.pass(frameOf(wire)), bytes(80));
});

/** Node.js fetches no files. */
globalThis.fetch = async (url) =>
  new Response(readFileSync(new URL(url)), { headers: { 'content-type': 'application/wasm' } });

/** The worker whose page has the keys, in a call of Discord's. */
async function dave() {
  const worker = await StandIn.start('profiles-worker.js');
  await ask(worker, { request: 'start', profile: 'dave' });
  return worker;
}

let asked = 0;

async function ask(worker, request) {
  const id = asked += 1;
  await worker.send({ id, ...request });
  const { result, error } = await worker.until((said) => said.id === id);
  return error === undefined ? result : error.code;
}

let epoch = 0n;
const addEpoch = (worker, participant, baseSecret, isOurs) =>
  ask(worker, { request: 'addEpoch', participant, epoch: epoch += 1n, baseSecret, isOurs });
const ours = (worker, baseSecret, participant = 'us') => addEpoch(worker, participant, baseSecret, true);
const theirs = (worker, baseSecret) => addEpoch(worker, 'them', baseSecret, false);
const daveTrack = (worker, direction) =>
  worker.script({ direction, participant: direction === 'seal' ? 'us' : 'them', codec: 'opus' });

/** In the trailer of a frame that is sealed whole: tag (8), nonce, length, FA FA. */
const nonceOf = (wire) => wire.at(-4);

test('DAVE: a secret that comes again repeats no nonce', async () => {
  const worker = await dave();
  const sealing = await daveTrack(worker, 'seal');
  const nonces = [];
  const seal = async () => nonces.push(nonceOf(await sealing.pass(frameOf(bytes(80)))));
  await ours(worker, bytes(16, 1));
  await seal();
  assert.equal(await ours(worker, bytes(16, 1)), undefined);
  await seal();
  assert.deepEqual(nonces, [1, 2]);
  await ours(worker, bytes(16, 2));
  await seal();
  assert.equal(await ours(worker, bytes(16, 1)), 'SameKey', 'an older one');
  assert.equal(await ours(worker, bytes(16, 2), 'us by another name'), 'SameKey');
  await ask(worker, { request: 'remove', participant: 'us' });
  assert.equal(await ours(worker, bytes(16, 2)), 'SameKey', 'the same after we left');
  assert.deepEqual(nonces, [1, 2, 1], 'a new secret has nonces of its own');
});

test('DAVE: a secret that is refused leaves the one before in use', async () => {
  const worker = await dave();
  const [sealing, opening] = [await daveTrack(worker, 'seal'), await daveTrack(worker, 'open')];
  const passes = async () => opening.pass(frameOf(await sealing.pass(frameOf(bytes(80)))));
  for (const add of [ours, theirs]) assert.equal(await add(worker, bytes(16, 1)), undefined);
  const bad = bytes(15);
  assert.equal(await ours(worker, bad), 'KeyRefused');
  assert.deepEqual(bad, new Uint8Array(15), 'it is wiped');
  assert.deepEqual(await passes(), bytes(80));
  for (const add of [ours, theirs]) assert.equal(await add(worker, bytes(16, 3)), undefined);
  assert.deepEqual(await passes(), bytes(80));
  assert.equal(await ask(worker, { request: 'remove', participant: 'us' }), undefined);
  assert.equal(await sealing.pass(frameOf(bytes(80))), null);
});
