// Every key and frame that is known of the other systems' formats, through the module: sealed byte
// for byte, and opened.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { DaveOpener, DaveSealer, JitsiFrames, LiveKitFrames, SealframeError, daveEpochCode, davePairwiseCode } from '../pkg/profiles.node.js';
import init, {
  DaveGeneration, DaveOpener as Opener, DaveSealer as Sealer, JitsiCryptor, LiveKitCryptor, Region, daveCode, davePairwiseFingerprint,
} from '../build/sealframe_profiles.js';
import { FrameRoom, LinearMemory } from '../build/js/formats/frame-memory.js';

const file = (path) => new URL(`../../crates/testkit/vectors/${path}`, import.meta.url);
const read = (path) => JSON.parse(readFileSync(file(path), 'utf8').replace(/"(user_\d|user|nonce|first_nonce)": (\d{16,})/g, '"$1": "$2"'));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const fails = (work, code) => assert.throws(work, (error) => error instanceof SealframeError && error.code === code);

/** What the peer's code was told of a frame. */
function infoOf({ name, kind, codec, frame_type: type, key_frame: isKey, ssrc, rtp_timestamp: rtpTimestamp }) {
  return {
    codec: name.endsWith('codec-unknown') ? null : codec,
    type: kind === 'audio' ? 'audio' : type ?? (isKey ? 'key' : 'delta'),
    ssrc: ssrc ?? 0xffffffff,
    rtpTimestamp: rtpTimestamp ?? 0,
  };
}

/** The frame under an AES key that is known, by WebCrypto. */
async function decrypted(aesKey, wire, clear) {
  const key = await crypto.subtle.importKey('raw', bytes(aesKey), 'AES-GCM', false, ['decrypt']);
  const parameters = { name: 'AES-GCM', iv: wire.slice(-14, -2), additionalData: wire.slice(0, clear) };
  const payload = new Uint8Array(await crypto.subtle.decrypt(parameters, key, wire.slice(clear, -14)));
  return Uint8Array.from([...wire.slice(0, clear), ...payload]);
}

const FRAME = bytes('00112233445566778899');

test('Jitsi: every step of every key chain', async () => {
  let steps = 0;
  for (const chain of read('jitsi/jitsi-frames.json').kdf) {
    const frames = await JitsiFrames.start();
    frames.setKey(0, bytes(chain.steps[0].material));
    for (const [step, { material, aes_key: aesKey }] of chain.steps.entries()) {
      if (step > 0) frames.ratchet(0);
      assert.equal(hex(frames.material(0)), material);
      const wire = frames.seal(FRAME, { type: 'audio', ssrc: 1, rtpTimestamp: 960 * step });
      assert.deepEqual(await decrypted(aesKey, wire, 1), FRAME);
      steps += 1;
    }
    frames.free();
  }
  assert.equal(steps, 33);
});

test('Jitsi: every frame', async () => {
  const vectors = read('jitsi/jitsi-frames.json').frames;
  for (const vector of vectors) {
    const { key_index_signalled: signalled, ratchet_steps: steps, initial_material: initial, encrypted, plaintext } = vector;
    const info = infoOf(vector);
    const sealing = await JitsiFrames.start({ firstCount: vector.send_counter });
    assert.equal(sealing.setKey(signalled, bytes(initial)), vector.key_index);
    for (let step = 0; step < steps; step += 1) sealing.ratchet(signalled);
    assert.equal(hex(sealing.seal(bytes(plaintext), info)), encrypted, vector.name);
    // Known at its step, and found from its beginning.
    for (const material of steps <= 8 ? [vector.material, initial] : [vector.material]) {
      const opening = await JitsiFrames.start();
      opening.setKey(signalled, bytes(material));
      assert.equal(hex(opening.open(bytes(encrypted), info)), plaintext, vector.name);
      fails(() => opening.open(bytes(encrypted), info), 'Replayed');
      opening.free();
    }
    sealing.free();
  }
  assert.equal(vectors.length, 12);
});

test('LiveKit: every step of every key chain', async () => {
  const chains = read('livekit/livekit-frames.json').kdf;
  let steps = 0;
  for (const chain of chains) {
    const options = { ratchetSalt: chain.ratchet_salt, keySize: chain.key_size_bits };
    const [frames, opening] = [await LiveKitFrames.start(options), await LiveKitFrames.start(options)];
    for (const at of [frames, opening]) at.setKey(0, bytes(chain.steps[0].material), { kdf: chain.kdf });
    for (const [step, { material, aes_key: aesKey }] of chain.steps.entries()) {
      const info = { codec: 'vp9', type: 'key', ssrc: 1, rtpTimestamp: 3000 * step };
      if (step > 0) {
        assert.equal(hex(frames.nextMaterial(0)), material);
        frames.ratchet(0);
      }
      const wire = frames.seal(FRAME, info);
      assert.deepEqual(await decrypted(aesKey, wire, 0), FRAME);
      // The other side finds the step by the frame alone.
      assert.deepEqual(opening.open(wire, info), FRAME);
      if (step > 0) assert.equal(hex(opening.material(0)), material);
      steps += 1;
    }
    for (const at of [frames, opening]) at.free();
  }
  assert.deepEqual([chains.length, steps], [7, 56]);
});

/** Seals and opens one. */
async function check(vector, peer) {
  const { key_index: index, ratchet_steps: steps = 0, material, kdf, plaintext, encrypted, metadata_trailer: trailer } = vector;
  const initial = vector.initial_material ?? material;
  const options = { ratchetSalt: vector.ratchet_salt, keySize: vector.key_size_bits, keyringSize: vector.keyring_size, peer };
  const info = infoOf(vector);
  const sealing = await LiveKitFrames.start({ ...options, firstCount: vector.iv_counter ?? 0 });
  sealing.setKey(index, bytes(initial), { kdf });
  for (let step = 0; step < steps; step += 1) sealing.ratchet(index);
  const sealed = hex(sealing.seal(bytes(plaintext), info));
  // Since 2.23 livekit-client gives short start codes a fourth byte; native clients since m137 seal
  // H.265 as it does.
  if (vector.name === 'h264-delta-3-byte-start-code') assert.ok(sealed.startsWith('00000001'));
  else if (vector.name === 'h265-idr (not special-cased at m125)') assert.notEqual(sealed, encrypted);
  // A trailer is nothing that a key has to do with.
  else if (trailer === undefined) assert.equal(sealed, encrypted, vector.name);
  else assert.ok(encrypted.startsWith(sealed) && encrypted.endsWith(hex(new TextEncoder().encode('LKTS'))));
  sealing.free();
  for (const from of [material, initial]) {
    const opening = await LiveKitFrames.start(options);
    opening.setKey(index, bytes(from), { kdf });
    // One step is worked out for a frame.
    const tries = from === initial ? Math.max(steps, 1) : 1;
    for (let frame = 1; frame < tries; frame += 1) fails(() => opening.open(bytes(encrypted), info), 'Unauthentic');
    assert.equal(hex(opening.open(bytes(encrypted), info)), plaintext, vector.name);
    fails(() => opening.open(bytes(encrypted), info), 'Replayed');
    opening.free();
  }
}

test("LiveKit: every frame of livekit-client's", async () => {
  const vectors = read('livekit/livekit-frames.json').frames;
  for (const vector of vectors) await check(vector, 'livekit-client');
  assert.equal(vectors.length, 22);
});

test('LiveKit: every frame of native clients', async () => {
  const vectors = read('livekit/livekit-cpp-frames.json').frames;
  for (const vector of vectors) await check(vector, 'native');
  assert.equal(vectors.length, 10);
});

test('LiveKit: counts go as in native clients', async () => {
  const frames = await LiveKitFrames.start({ peer: 'native', firstCount: 0 });
  frames.setKey(0, new Uint8Array(16));
  const ivs = read('livekit/livekit-cpp-frames.json').counter_sequence;
  for (const { iv } of ivs) {
    const wire = frames.seal(FRAME, { type: 'audio', codec: 'opus', ssrc: 7, rtpTimestamp: 1000 });
    assert.equal(hex(wire.slice(-14, -2)), iv);
  }
  assert.equal(ivs.length, 4);
});

test("LiveKit: the frames of livekit-client's own tests open", async () => {
  const vectors = read('livekit/livekit-frames.json').upstream_test_vectors;
  for (const { passphrase, key_index: index, encrypted, plaintext } of vectors) {
    const frames = await LiveKitFrames.start();
    frames.setKey(index, passphrase);
    assert.equal(hex(frames.open(bytes(encrypted), { codec: null, type: 'key' })), plaintext);
  }
  assert.equal(vectors.length, 2);
});

test('LiveKit: data packets open, and go there and back', async () => {
  const vectors = read('livekit/livekit-frames.json').data_packets;
  for (const { material, key_index: keyIndex, iv, plaintext, encrypted_value: value } of vectors) {
    const [alice, bob] = [await LiveKitFrames.start(), await LiveKitFrames.start()];
    for (const at of [alice, bob]) at.setKey(keyIndex, bytes(material));
    const packet = { payload: bytes(value), iv: bytes(iv), keyIndex };
    assert.equal(hex(bob.openData(packet)), plaintext);
    fails(() => bob.openData(packet), 'Replayed');
    const sealed = alice.sealData(bytes(plaintext), 5);
    assert.equal(sealed.keyIndex, keyIndex);
    assert.equal(hex(bob.openData(sealed, 'another participant')), plaintext);
  }
  assert.equal(vectors.length, 3);
});

test('LiveKit: what a server makes does not open', async () => {
  const payloads = Object.values(read('livekit/livekit-frames.json').sif_payloads);
  const frames = await LiveKitFrames.start();
  frames.setKey(0, new Uint8Array(16));
  for (const { payload } of payloads) {
    for (const info of [{ type: 'audio', codec: 'opus' }, { type: 'key', codec: 'vp8' }, { type: 'key', codec: 'h264' }]) {
      assert.throws(() => frames.open(Uint8Array.from([...bytes(payload), ...new TextEncoder().encode('trailer')]), info), SealframeError);
    }
  }
  assert.equal(payloads.length, 5);
});

test('DAVE: the bytes that stay readable in every frame of libdave\'s tests', async () => {
  const vectors = ['dave/dave.json', 'dave/libdave-more.json'].flatMap((name) => read(name).clear_ranges);
  for (const { name, codec, frame, unencrypted_ranges: ranges } of vectors) {
    const sealer = await DaveSealer.start(new Uint8Array(16).fill(7));
    const wire = sealer.seal(bytes(frame), { codec: codec.toLowerCase() });
    assert.deepEqual(rangesOf(wire), ranges, name);
  }
  assert.equal(vectors.length, 14);
});

/** Offset and length of each, from a trailer: tag (8), nonce, ranges, length, FA FA. */
function rangesOf(wire) {
  const trailer = wire.subarray(wire.length - wire.at(-3) + 8, -3);
  const numbers = [];
  let [number, shift] = [0, 0];
  for (const byte of trailer) {
    number += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte >= 128) continue;
    numbers.push(number);
    [number, shift] = [0, 0];
  }
  const [, ...rest] = numbers;
  return rest.flatMap((offset, place) => (place % 2 === 0 ? [[offset, rest[place + 1]]] : []));
}

test('DAVE: codes and fingerprints', async () => {
  await init({ module_or_path: readFileSync(new URL('../build/sealframe_profiles_bg.wasm', import.meta.url)) });
  const published = ['dave/dave.json', 'dave/libdave-more.json'].map(read);
  const codes = published.flatMap(({ displayable_code: codes }) => codes);
  for (const { data, length, group, code } of codes) {
    assert.equal(daveCode(bytes(data), length, group), code);
    if (length === 30) assert.equal(await daveEpochCode(bytes(data)), code);
  }
  const pairs = published.flatMap(({ pairwise_fingerprint: pairs }) => pairs);
  for (const { version, scrypt_output: output, ...of } of pairs) {
    const [one, other] = [1, 2].map((number) => ({ key: bytes(of[`key_${number}`]), user: BigInt(of[`user_${number}`]) }));
    const made = davePairwiseFingerprint(version, one.key, one.user, other.key, other.user);
    assert.equal(hex(made), output);
    const code = await davePairwiseCode(one, other, version);
    assert.equal(code, daveCode(made, 45, 5));
    assert.equal(await davePairwiseCode(other, one, version), code);
  }
  assert.deepEqual([codes.length, pairs.length], [2, 2]);
});

test('DAVE: every generation of every ratchet', async () => {
  const { memory } = await init({ module_or_path: readFileSync(new URL('../build/sealframe_profiles_bg.wasm', import.meta.url)) });
  let generations = 0;
  for (const { base_secret: secret, generations: all } of read('dave/frames.json').ratchets) {
    for (const { generation, key, nonce } of all) {
      const made = new DaveGeneration(bytes(secret), generation);
      assert.equal(hex(new Uint8Array(memory.buffer, made.offset(), 28)), key + nonce);
      made.free();
      generations += 1;
    }
  }
  assert.equal(generations, 14);
});

test('DAVE: every frame', async () => {
  /** So long has a receiver held its secret that every generation may be reached. */
  const LONG = 400 * 24 * 3600 * 1000;
  const vectors = read('dave/frames.json').frames;
  for (const { name, base_secret: secret, codec, clear, frame, sealed, opened, nonce, first_nonce: first } of vectors) {
    const sealer = await DaveSealer.start(bytes(secret), { clear });
    sealer.skipTo(BigInt(first) - 1n);
    assert.equal(hex(sealer.seal(bytes(frame), { codec: codec?.toLowerCase() ?? null })), sealed, name);
    assert.equal(sealer.nonces, BigInt(nonce));
    const opener = await DaveOpener.start();
    opener.addEpoch(3n, bytes(secret), 0);
    const generation = BigInt(nonce) >> 24n;
    if (generation > 200n) {
      // Further ahead than a receiver follows: it has opened another one before.
      const earlier = await DaveSealer.start(bytes(secret));
      earlier.skipTo(generation - 100n << 24n);
      opener.open(earlier.seal(FRAME, {}), LONG);
    }
    assert.equal(hex(opener.open(bytes(sealed), LONG + 10_000)), opened, name);
    assert.deepEqual([opener.epoch, opener.nonce], [3n, BigInt(nonce)]);
    fails(() => opener.open(bytes(sealed), LONG + 10_000), 'Replayed');
  }
  assert.equal(vectors.length, 60);
});

test('DAVE: a generation too far ahead has a name of its own', async () => {
  const secret = new Uint8Array(16).fill(7);
  const [sealer, opener] = [await DaveSealer.start(secret), await DaveOpener.start()];
  opener.addEpoch(1n, secret, 0);
  const early = sealer.seal(FRAME, {});
  sealer.skipTo(200n << 24n);
  fails(() => opener.open(sealer.seal(FRAME, {}), 0), 'StepTooFar');
  assert.deepEqual(opener.open(early, 0), FRAME);
});

test('keys that are handed out are nowhere in memory once they are freed, not even by half', async () => {
  const { memory } = await init({ module_or_path: readFileSync(new URL('../build/sealframe_profiles_bg.wasm', import.meta.url)) });
  const [frames, region] = [new LinearMemory(memory), new Region()];
  const room = new FrameRoom(frames, region);
  const key = (seed) => Uint8Array.from({ length: 32 }, (_, place) => (place * 73 + seed) & 0xff);
  const times = (needle) => {
    const [bytes, found] = [Buffer.from(memory.buffer), []];
    for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) found.push(at);
    return found.length;
  };
  // What frees memory may write over the beginning.
  const halves = (one) => [one.subarray(0, one.length / 2), one.subarray(one.length / 2)];
  const found = (keys) => keys.flatMap(halves).map(times);
  const seal = (work) => room.run(FRAME, work);

  const jitsi = new JitsiCryptor();
  jitsi.setKey(0, key(1));
  const taken = [frames.taken(jitsi.keyOffset(0), 32)];
  assert.deepEqual(taken[0], key(1));
  assert.ok(found(taken).every((count) => count > 0), 'the search finds what is alive');
  seal((length) => jitsi.seal(region, length, 0, 1, 960));
  jitsi.ratchet(0);
  taken.push(frames.taken(jitsi.keyOffset(0), 32));
  assert.equal(frames.taken(jitsi.keyOffset(9), 32), undefined);

  const [alice, bob] = [16, 16].map((ring) => new LiveKitCryptor(key(9), 128, ring, 8));
  for (const one of [alice, bob]) one.setMaterial(0, key(2), false, true);
  const number = bob.addParticipant();
  taken.push(key(2), frames.taken(alice.nextOffset(0), 32));
  alice.ratchet(0);
  taken.push(frames.taken(alice.nextOffset(0), 32));
  const wire = seal((length) => alice.seal(region, length, 1, 0, 1, 960));
  assert.deepEqual(room.run(wire, (length) => bob.open(number, region, length, 1, 0)), FRAME);
  taken.push(frames.taken(bob.materialOffset(number, 0), bob.materialLength(number, 0)));
  assert.equal(frames.taken(alice.nextOffset(5), 32), undefined);
  assert.equal(taken.every((one) => one.length === 32), true);

  const secret = key(3).subarray(0, 16);
  const [sealer, opener] = [new Sealer(secret, false), new Opener()];
  opener.addEpoch(1n, secret, 0);
  room.run(seal((length) => sealer.seal(region, length, 0)), (length) => opener.open(region, length, 0));
  const generation = new DaveGeneration(secret, 3);
  const made = frames.taken(generation.offset(), 28);
  taken.push(secret.slice(), made.slice(0, 16), made.slice(16));
  for (const one of [jitsi, alice, bob, sealer, opener, generation]) one.free();
  assert.deepEqual(found(taken), Array(taken.length * 2).fill(0));
});
