// `worker.js` and `profiles-worker.js` as their pages drive them, without a browser: what becomes
// of streams when keys, WebCrypto and the network take their time, when frames carry nothing, and
// when a stream breaks. `node --test` after `cargo wasm`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import init, { FrameCore } from '../build/sealframe_wasm.js';
import { codecId, framingId, streamKind } from '../build/js/shared/ids.js';
import { FrameCrypto } from '../build/js/worker/frame-crypto.js';
import { KeyManager } from '../build/js/worker/key-manager.js';
import { LinearMemory } from '../build/js/formats/frame-memory.js';
import { InOrder, MAX_IN_FLIGHT } from '../build/js/worker/in-order.js';
import { StreamStatus } from '../build/js/worker/stream-state.js';

import { SharedSecretFrames } from '../pkg/frames.node.js';
import { JitsiFrames, LiveKitFrames } from '../pkg/profiles.node.js';

import { StandIn, frameOf } from './stand-in.mjs';

const load = (name) => readFileSync(new URL(`../build/${name}`, import.meta.url));
const wasm = await init({ module_or_path: load('sealframe_wasm_simd.wasm') });
const memory = new LinearMemory(wasm.memory);
/** Node.js fetches no files. */
globalThis.fetch = async (url) =>
  new Response(readFileSync(new URL(url)), { headers: { 'content-type': 'application/wasm' } });

/** Frames from here on go to WebCrypto. */
const THRESHOLD = 1000;
const bytes = (length, seed = 1) => Uint8Array.from({ length }, (_, place) => (place * 31 + seed) & 0xff);

async function until(what, look) {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(5)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`not in time: ${what}`);
}

const turns = async () => {
  for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

let asked = 0;

async function answerOf(worker, request) {
  const id = asked += 1;
  await worker.send({ id, ...request });
  return worker.until((said) => said.id === id);
}

async function ask(worker, request) {
  const { result, error } = await answerOf(worker, request);
  assert.equal(error, undefined, JSON.stringify(error));
  return result;
}

const codeOf = async (worker, request) => (await answerOf(worker, request)).error?.code ?? null;

const secret = () => new Uint8Array(32).fill(9);
const start = (worker, member, more) =>
  ask(worker, { request: 'start', secret: secret(), member, framing: 'compatible', threshold: THRESHOLD, observe: false, ...more });
const describe = (worker, number, stream) =>
  ask(worker, { request: 'describe', number, stream: stream && { index: 0, codec: null, ...stream } });
const statesOf = (worker, number = 0) =>
  worker.said.filter(({ state }) => state?.number === number).map(({ state: { state, code } }) => `${state} ${code}`);

/** Two members who share a secret, and a stream from one to the other. */
async function pair({ kind = 'camera', codec = 'vp9', ...more } = {}) {
  const [alice, bob] = [await StandIn.start('worker.js'), await StandIn.start('worker.js')];
  await start(alice, 1, more);
  await start(bob, 2, more);
  await ask(bob, { request: 'addMember', from: 1, announcement: await ask(alice, { request: 'announcement' }) });
  await describe(alice, 0, { kind, codec });
  await describe(bob, 0, { from: 1, kind, codec });
  const sealing = await alice.script({ number: 0, direction: 'seal' });
  const opening = await bob.script({ number: 0, direction: 'open' });
  return { alice, bob, sealing, opening };
}

/** What WebCrypto is given to decrypt, one promise at a time. */
class SlowCrypto {
  /** Lets the next one go. */
  held = [];

  constructor() {
    const { subtle } = globalThis.crypto;
    const decrypt = subtle.decrypt.bind(subtle);
    subtle.decrypt = (...args) => new Promise((resolve, reject) => {
      this.held.push(() => decrypt(...args).then(resolve, reject));
    });
    this.end = () => { delete subtle.decrypt; };
  }

  release() {
    for (const go of this.held.splice(0)) go();
  }
}

/** Alice, whose frames Bob's worker opens; what she says to him may be held back. */
class Alice {
  #keys;
  #frames;
  held = null;

  async join(t, hear) {
    const options = {
      group: new Uint8Array([1]), address: 'alice', kem: 'x25519', role: 'participant', moderator: true, sends: true,
      credential: new Uint8Array([65]),
    };
    const post = ({ message, event }) => {
      if (message !== undefined) (this.held ?? { push: hear }).push(message.message);
      else if (event.type === 'joinRequested') this.#keys.requests.admit({ session: event.session, user: 'Bob', moderator: true });
    };
    this.#keys = await KeyManager.enter(load('sealframe_group_bg.wasm'), options, { post: (said) => setImmediate(post, said), stop: assert.ifError, restart: () => {} });
    let call;
    this.#keys.start((number, key) => (call = FrameCore.withKey(number, key)), (core) => (this.#frames = new FrameCrypto(core, memory, Infinity)));
    t.after(() => {
      this.#keys.free();
      call.free();
    });
    this.receive = (message) => this.#keys.requests.receive({ message });
    this.deliver = () => {
      const held = this.held;
      this.held = null;
      held.forEach(hear);
    };
    return this;
  }

  get generation() {
    return this.#keys.requests.state().generation;
  }

  rekey() {
    this.#keys.requests.rekey();
  }

  seal(frame) {
    const stream = { kind: streamKind('camera'), index: 0, framing: framingId('compatible') };
    return this.#frames.seal(stream, codecId('vp9'), frame);
  }
}

/** Alice and Bob's worker, who have each other's keys, and her stream there. */
async function joined(t) {
  const bob = await StandIn.start('worker.js');
  const alice = new Alice();
  const group = (what, args) => ask(bob, { request: 'group', ask: what, args });
  bob.hear = ({ group: said }) => {
    if (said?.message !== undefined) setImmediate(() => alice.receive(said.message.message));
    else if (said?.event?.type === 'joinRequested') {
      setImmediate(() => group('admit', { session: said.event.session, user: 'Alice', moderator: true }));
    }
  };
  await ask(bob, {
    request: 'join', group: new Uint8Array([1]), address: 'bob', kem: 'x25519', role: 'participant', moderator: true, sends: true,
    credential: new Uint8Array([66]), framing: 'compatible', threshold: THRESHOLD, observe: false,
  });
  await alice.join(t, (message) => group('receive', { message }));
  await describe(bob, 0, { from: 'alice', kind: 'camera', codec: 'vp9' });
  const opening = await bob.script({ number: 0, direction: 'open' });
  // The next test has a worker of its own in this thread.
  t.after(() => bob.send({ id: asked += 1, request: 'close' }));
  const opens = async (frame) => (await opening.pass(frameOf(alice.seal(frame)))) !== null;
  await until('Bob opens', () => opens(bytes(10)));
  // From here on WebCrypto has her key.
  await until('by WebCrypto', async () => {
    const before = slow.held.length;
    opening.give(frameOf(alice.seal(bytes(THRESHOLD))));
    await turns();
    const isHeld = slow.held.length > before;
    slow.release();
    await turns();
    return isHeld;
  });
  return { alice, bob, opening };
}

const slow = new SlowCrypto();
after(() => slow.end());

/** Until Alice seals with another key that Bob has not been told. */
async function secretly(alice) {
  const { generation } = alice;
  alice.held = [];
  alice.rekey();
  await until('another key', () => alice.generation > generation);
}

/**
 * What a frame begins with; those that were sent before, to get going, begin with 1, and may still
 * come.
 */
const seedsOf = (frames) => frames.map(({ data }) => new Uint8Array(data)[0]).filter((seed) => seed > 1);

test('a stream goes on when a key comes while it waits for room', async (t) => {
  const { alice, opening } = await joined(t);
  const old = Array.from({ length: MAX_IN_FLIGHT }, (_, place) => alice.seal(bytes(THRESHOLD, 10 + place)));
  await secretly(alice);
  opening.give(frameOf(alice.seal(bytes(50, 20))));
  await turns();
  for (const wire of old) opening.give(frameOf(wire));
  await turns();
  await until('all room is taken', () => slow.held.length === MAX_IN_FLIGHT);
  // One more, which has to wait, and the key of the first one comes.
  opening.give(frameOf(alice.seal(bytes(50, 21))));
  await turns();
  alice.deliver();
  await sleep(50);
  slow.release();
  const out = [];
  await until('all come out', () => out.push(...seedsOf(opening.taken())) && out.length >= 6);
  assert.deepEqual(out, [10, 11, 12, 13, 20, 21]);
  opening.give(frameOf(alice.seal(bytes(50, 22))));
  await until('the stream goes on', () => seedsOf(opening.taken()).includes(22));
});

test('a frame whose key comes while it stands behind another one is not lost', async (t) => {
  const { alice, bob, opening } = await joined(t);
  const large = alice.seal(bytes(THRESHOLD, 30));
  await secretly(alice);
  opening.give(frameOf(large));
  await turns();
  await until('it is at work', () => slow.held.length === 1);
  opening.give(frameOf(alice.seal(bytes(50, 31))));
  await turns();
  alice.deliver();
  await sleep(50);
  slow.release();
  const out = [];
  await until('both come out', () => out.push(...seedsOf(opening.taken())) && out.length >= 2);
  assert.deepEqual(out, [30, 31]);
  assert.ok(!statesOf(bob).some((state) => state.startsWith('failing')));
});

test('a frame that has waited for its key in vain says nothing of a stream that opens', async (t) => {
  const { alice, bob, opening } = await joined(t);
  const before = Array.from({ length: 10 }, (_, place) => alice.seal(bytes(50, 40 + place)));
  await secretly(alice);
  const states = statesOf(bob).length;
  for (let count = 0; count < 10; count += 1) {
    opening.give(frameOf(alice.seal(bytes(50, 30 + count))));
    await sleep(10);
  }
  // The key that opens these is there.
  for (let end = Date.now() + 1300; Date.now() < end; await sleep(100)) if (before.length > 0) opening.give(frameOf(before.shift()));
  assert.deepEqual(statesOf(bob).slice(states).filter((state) => !state.startsWith('encrypted')), []);
  const { members: [member] } = await ask(bob, { request: 'group', ask: 'state', args: {} });
  assert.equal(member.failed.UnknownKey, 10);
});

test('frames that come before it is said whose they are wait for that, in order, within bounds; what is to be sealed does not', async () => {
  const { alice, bob, sealing } = await pair();
  const stream = { from: 1, kind: 'camera', codec: 'vp9' };
  const wires = async (count) => {
    for (let seed = 10; seed < 10 + count; seed += 1) sealing.give(frameOf(bytes(50, seed)));
    await turns();
    return sealing.taken();
  };
  const track = await bob.script({ number: 3, direction: 'open' });
  const give = async (frames) => {
    for (const { data } of frames) track.give(frameOf(new Uint8Array(data)));
    await turns();
  };
  await give(await wires(70));
  assert.deepEqual(track.taken(), []);
  await describe(bob, 3, stream);
  await turns();
  assert.deepEqual(seedsOf(track.taken()), Array.from({ length: 64 }, (_, place) => 10 + place), 'the first ones');
  assert.deepEqual(statesOf(bob, 3), ['encrypted null']);

  // Nobody's again: what comes then is not kept once it is said that the transform has no use.
  await describe(bob, 3, null);
  await give(await wires(2));
  await describe(bob, 3, null);
  await describe(bob, 3, stream);
  await turns();
  assert.deepEqual(track.taken(), []);

  await describe(bob, 3, null);
  await give(await wires(2));
  await sleep(1100);
  await describe(bob, 3, stream);
  await turns();
  assert.deepEqual(track.taken(), [], 'too late');

  const nobodys = await alice.script({ number: 4, direction: 'seal' });
  nobodys.give(frameOf(bytes(50)));
  await turns();
  await describe(alice, 4, { kind: 'screen', codec: 'vp9' });
  await turns();
  assert.deepEqual(nobodys.taken(), []);
});

test('a decoder whose first frame is a delta frame has a key frame asked for, and no other', async () => {
  const { bob, sealing } = await pair();
  for (const [number, type] of [[5, 'delta'], [6, 'key']]) {
    let requests = 0;
    const track = await bob.script({ number, direction: 'open' }, { sendKeyFrameRequest: async () => { requests += 1; } });
    await describe(bob, number, { from: 1, kind: 'camera', codec: 'vp9' });
    const wire = await sealing.pass(frameOf(bytes(80), { type }));
    assert.deepEqual(await track.pass(frameOf(wire, { type })), bytes(80));
    assert.equal(requests, type === 'delta' ? 1 : 0, type);
  }
});

/** Numbers that are the same each time. */
function* random(seed) {
  for (let state = seed; ; state = (state * 48_271) % 0x7fffffff) yield state / 0x7fffffff;
}

test('frames leave once, in the order in which they were added, whatever finishes when', async () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const numbers = random(seed * 7919);
    const chance = (of) => numbers.next().value < of;
    const pending = [];
    const laidAside = [];
    const added = [];
    const left = [];
    let inFlight = 0;
    const order = new InOrder((frame) => {
      if (frame.isEarly && !frame.isLate) {
        laidAside.push(frame);
        return undefined;
      }
      added.push(frame.number);
      if (chance(0.2)) throw new Error('of this frame alone');
      if (chance(0.3)) return 'at once';
      inFlight += 1;
      assert.ok(inFlight <= MAX_IN_FLIGHT, 'no more at once');
      const isRefused = chance(0.1);
      return new Promise((resolve, reject) => pending.push(isRefused ? reject : resolve)).finally(() => { inFlight -= 1; });
    }, ({ number }, result) => left.push([number, result]));
    let waiters = 0;
    const wait = async () => {
      waiters += 1;
      await order.room();
      waiters -= 1;
    };
    for (let number = 0; number < 60; number += 1) {
      order.add({ number, isEarly: chance(0.2) });
      while (chance(0.3)) void wait();
      // Those that were laid aside come again, as many at once as there are, whether there is room
      // or not.
      if (chance(0.2)) for (const frame of laidAside.splice(0)) order.add(Object.assign(frame, { isLate: true }));
      while (pending.length > 0 && chance(0.6)) pending.splice(Math.floor(numbers.next().value * pending.length), 1)[0]('later');
      if (chance(0.3)) await null;
      while (!order.hasRoom) {
        if (pending.length > 0) pending.pop()('later');
        await null;
      }
    }
    for (const frame of laidAside.splice(0)) order.add(Object.assign(frame, { isLate: true }));
    for (let round = 0; round < 200; round += 1) {
      if (pending.length > 0) pending.shift()('later');
      await null;
    }
    assert.deepEqual(left.map(([number]) => number), added, `seed ${seed}`);
    assert.deepEqual([...added].sort((one, other) => one - other), Array.from({ length: 60 }, (_, number) => number));
    assert.equal(waiters, 0, 'everybody who waited was woken');
  }
});

test('frames without bytes are dropped and count as nothing', async () => {
  const { alice, bob, sealing, opening } = await pair({ kind: 'microphone', codec: 'opus' });
  const hear = async () => assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80))))), bytes(80));
  for (const track of [sealing, opening]) {
    for (let number = 0; number < 10; number += 1) assert.equal(await track.pass(frameOf([])), null);
  }
  assert.deepEqual([...statesOf(alice), ...statesOf(bob)], [], 'not even the first ones');
  await hear();
  for (let number = 0; number < 10; number += 1) await opening.pass(frameOf([]));
  await opening.pass(frameOf([1]));
  await sleep(1001);
  await hear();
  const { state } = bob.said.findLast((said) => said.state !== undefined);
  assert.deepEqual([state.state, state.opened, state.failed], ['encrypted', 2, 1], 'one of a byte counts');
});

test('profiles-worker drops frames without bytes, and they count as nothing', async () => {
  const worker = await StandIn.start('profiles-worker.js');
  await ask(worker, { request: 'start', profile: 'jitsi' });
  const [sealing, opening] = [
    await worker.script({ direction: 'seal', participant: 'alice' }), await worker.script({ direction: 'open', participant: 'alice' }),
  ];
  for (const track of [sealing, opening]) for (let number = 0; number < 10; number += 1) await track.pass(frameOf([]));
  await ask(worker, { request: 'setKey', participant: 'alice', index: 0, key: bytes(32) });
  for (const track of [sealing, opening]) for (let number = 0; number < 10; number += 1) await track.pass(frameOf([]));
  assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80))))), bytes(80));
  assert.deepEqual(worker.said.filter(({ state }) => state !== undefined).map(({ state: { state, failed } }) => [state, failed]),
    [['encrypted', 0], ['encrypted', 0]]);
});

test('without a worker around it a frame without bytes is refused by name', async () => {
  const frames = await SharedSecretFrames.start({ secret: secret(), member: 1 });
  const nothing = new Uint8Array();
  for (const codec of ['opus', 'red', 'vp8', 'vp9', 'h264', 'av1']) {
    assert.throws(() => frames.opener({ from: 2, kind: 'camera', codec }).open(nothing), { code: 'TooShort' });
  }
  for (const of of [await JitsiFrames.start(), await LiveKitFrames.start()]) {
    of.setKey(0, bytes(32));
    assert.throws(() => of.open(nothing, { type: 'audio', codec: 'opus' }), { code: 'TooShort' });
  }
});

test('a stream that breaks is told, and the others go on', async (t) => {
  const { alice, bob, sealing, opening } = await pair();
  const thrown = [];
  const note = (error) => thrown.push(error.message);
  process.on('uncaughtException', note);
  t.after(() => process.off('uncaughtException', note));
  const hear = async () => assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80))))), bytes(80));
  await hear();
  await describe(bob, 1, { from: 1, kind: 'screen', codec: 'vp9' });
  const broken = await bob.script({ number: 1, direction: 'open' });
  const nameless = await bob.script({ number: 2, direction: 'open' });
  for (const track of [broken, nameless]) track.break(new Error('the stream is broken'));
  const { state } = await bob.until(({ state }) => state?.number === 1);
  assert.deepEqual([state.state, state.code, state.message, state.from, state.kind],
    ['broken', 'StreamBroken', 'the stream is broken', 1, 'screen']);
  await bob.until((said) => said.state?.number === 2 && said.state.state === 'broken');
  await hear();
  // What it was is said as soon as it is known.
  await describe(bob, 2, { from: 1, kind: 'microphone' });
  await bob.until((said) => said.state?.number === 2 && said.state.state === 'broken' && said.state.kind === 'microphone');
  // One whose readable is somebody else's.
  const locked = alice.track();
  locked.readable.getReader();
  alice.send({ id: asked += 1, request: 'transform', readable: locked.readable, writable: locked.writable, options: { number: 7, direction: 'seal' } });
  await alice.until((said) => said.state?.number === 7 && said.state.state === 'broken');

  const profiles = await StandIn.start('profiles-worker.js');
  await ask(profiles, { request: 'start', profile: 'jitsi' });
  (await profiles.script({ direction: 'open', participant: 'carol' })).break(new Error('gone'));
  await profiles.until(({ state }) => state?.participant === 'carol' && state.state === 'broken' && state.message === 'gone');
  const jitsi = await StandIn.start('jitsi-worker.js');
  (await jitsi.script({ operation: 'decode', participantId: 'dave' })).break(new Error('gone'));
  assert.deepEqual(await jitsi.until(({ operation }) => operation === 'streamBroken'),
    { operation: 'streamBroken', participantId: 'dave', direction: 'decode', message: 'gone' });
  const livekit = await StandIn.start('livekit-worker.js');
  (await livekit.script({ kind: 'decode', participantIdentity: 'erin', trackId: 't', hasPacketTrailer: false })).break(new Error('gone'));
  const { data } = await livekit.until(({ kind }) => kind === 'error');
  assert.deepEqual([data.participantIdentity, data.error.message], ['erin', 'gone']);
  await sleep(20);
  assert.deepEqual(thrown, [], 'nothing reaches the page as the failure of a whole worker');
});

test('a stream that leads on and breaks alone is told as a broken one, and the others go on', async () => {
  const { bob, sealing, opening } = await pair();
  await describe(bob, 1, { from: 1, kind: 'screen', codec: 'vp9' });
  const [broken, ended] = [await bob.script({ number: 1, direction: 'open' }), await bob.script({ number: 2, direction: 'open' })];
  broken.breakOff(new Error('nowhere to go'));
  // A track that ends may have one side fail a moment before the other closes.
  ended.breakOff(new Error('the track has ended'));
  await sleep(50);
  ended.end();
  const { state } = await bob.until(({ state }) => state?.number === 1);
  assert.deepEqual([state.state, state.code, state.message, state.kind], ['broken', 'StreamBroken', 'nowhere to go', 'screen']);
  assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80))))), bytes(80));

  const profiles = await StandIn.start('profiles-worker.js');
  await ask(profiles, { request: 'start', profile: 'jitsi' });
  (await profiles.script({ direction: 'open', participant: 'carol' })).breakOff(new Error('gone'));
  await profiles.until(({ state }) => state?.participant === 'carol' && state.state === 'broken' && state.message === 'gone');
  const jitsi = await StandIn.start('jitsi-worker.js');
  (await jitsi.script({ operation: 'decode', participantId: 'dave' })).breakOff(new Error('gone'));
  await jitsi.until(({ operation, message }) => operation === 'streamBroken' && message === 'gone');
  const livekit = await StandIn.start('livekit-worker.js');
  (await livekit.script({ kind: 'decode', participantIdentity: 'erin', trackId: 't', hasPacketTrailer: false })).breakOff(new Error('gone'));
  await livekit.until(({ kind, data }) => kind === 'error' && data.error.message === 'gone');
  assert.deepEqual(statesOf(bob, 2), [], 'a track that ends is not broken');
});

test('what is kept of a stream goes with it, and with what is said of it afterwards', async () => {
  const { alice, bob, sealing, opening } = await pair({ codec: null });
  const counted = async () => (await ask(bob, { request: 'counts' })).map(({ number }) => number);
  const codecs = (number) => ask(bob, { request: 'codecs', number, codecs: [[96, 'vp9']] });
  await codecs(0);
  const send = async (track) => track.pass(frameOf(await sealing.pass(frameOf(bytes(80), { type: 'delta', mimeType: 'video/VP9' })), { type: 'delta' }));
  assert.deepEqual(await send(opening), bytes(80));
  // A transform that gets this number afterwards has nothing of the one before.
  const isKnown = async () => {
    await describe(alice, 0, { kind: 'camera', codec: null });
    const again = await bob.script({ number: 0, direction: 'open' });
    const known = await send(again);
    again.end();
    await turns();
    return known !== null;
  };
  opening.end();
  await turns();
  assert.deepEqual(await counted(), []);
  assert.equal(await isKnown(), false, 'its end takes it along');
  await describe(bob, 0, { from: 1, kind: 'camera', codec: 'vp9' });
  assert.equal(await isKnown(), true, 'told before a transform is there');
  await describe(bob, 0, { from: 1, kind: 'camera', codec: null });
  await codecs(0);
  await ask(bob, { request: 'forget', number: 0 });
  assert.equal(await isKnown(), false, 'told behind the end of a stream, and forgotten');
  // One that is broken, and one that still runs.
  await describe(bob, 0, { from: 1, kind: 'camera', codec: 'vp9' });
  const [broken, running] = [await bob.script({ number: 1, direction: 'open' }), await bob.script({ number: 0, direction: 'open' })];
  broken.break(new Error('gone'));
  await turns();
  assert.deepEqual(await counted(), [1, 0]);
  for (const number of [0, 1]) await ask(bob, { request: 'forget', number });
  assert.deepEqual(await counted(), []);
  assert.equal(await send(running), null, 'nothing passes any more');
});

test('what a stream has left in the works does not come out as another stream', async (t) => {
  const { alice, bob, sealing, opening } = await pair();
  t.after(() => slow.release());
  const seal = async (frame) => {
    sealing.give(frameOf(frame));
    const [out] = await until('it is sealed', async () => {
      const out = sealing.taken();
      return out.length > 0 && out;
    });
    return new Uint8Array(out.data);
  };
  await until('WebCrypto opens', async () => {
    opening.give(frameOf(await seal(bytes(THRESHOLD))));
    await turns();
    const isHeld = slow.held.length > 0;
    slow.release();
    await turns();
    return isHeld;
  });
  for (let place = 0; place <= MAX_IN_FLIGHT; place += 1) opening.give(frameOf(await seal(bytes(THRESHOLD, 10 + place))));
  await until('all room is taken', () => slow.held.length === MAX_IN_FLIGHT);
  for (const [who, from] of [[alice, {}], [bob, { from: 1 }]]) await describe(who, 0, { ...from, kind: 'screen', codec: 'vp9' });
  opening.taken();
  opening.give(frameOf(await seal(bytes(50, 20))));
  await turns();
  const out = [];
  await until('the other stream comes out', () => {
    slow.release();
    return out.push(...seedsOf(opening.taken())) && out.includes(20);
  });
  await turns();
  assert.deepEqual([...out, ...seedsOf(opening.taken())], [20]);
});

test('a frame that cannot be read drops that frame', async () => {
  const { bob, sealing, opening } = await pair();
  const bad = frameOf(await sealing.pass(frameOf(bytes(80))));
  Object.defineProperty(bad, 'data', { get: () => bytes(80).buffer, set() { throw new Error('of this frame alone'); } });
  opening.give(bad);
  const worse = frameOf(bytes(80));
  Object.defineProperty(worse, 'data', { get() { throw new Error('of this frame alone'); } });
  opening.give(worse);
  assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80))))), bytes(80));
  assert.ok(!statesOf(bob).some((state) => state.startsWith('broken')));
});

test('a second call in one worker is refused, and the first goes on', async () => {
  const { bob, sealing, opening } = await pair();
  const second = { member: 5, framing: 'full', threshold: THRESHOLD, observe: false };
  const given = secret();
  assert.equal(await codeOf(bob, { request: 'start', secret: given, ...second }), 'WorkerInUse');
  assert.ok(given.every((byte) => byte === 0), 'what is refused is wiped too');
  const join = { request: 'join', group: new Uint8Array([1]), address: 'a', sends: true, kem: 'x25519', role: 'participant', moderator: false, credential: new Uint8Array([1]) };
  assert.equal(await codeOf(bob, { ...join, ...second }), 'WorkerInUse');
  assert.deepEqual(await opening.pass(frameOf(await sealing.pass(frameOf(bytes(80))))), bytes(80));

  // Also while the first one still begins; one that could not begin leaves room.
  const fresh = await StandIn.start('worker.js');
  assert.equal(await codeOf(fresh, { request: 'start', secret: new Uint8Array(3), member: 1, framing: 'full', threshold: 1 }), 'SecretTooShort');
  const both = [1, 2].map((member) => codeOf(fresh, { request: 'start', secret: secret(), member, framing: 'full', threshold: 1 }));
  assert.deepEqual(await Promise.all(both), [null, 'WorkerInUse']);

  const profiles = await StandIn.start('profiles-worker.js');
  assert.equal(await codeOf(profiles, { request: 'start', profile: 'jitsi' }), null);
  assert.equal(await codeOf(profiles, { request: 'start', profile: 'livekit' }), 'WorkerInUse');
});

test('the codec is as the frame says, or as the connection maps its payload type, whenever that changes', async () => {
  const { alice, bob, sealing, opening } = await pair({ codec: null, framing: 'full' });
  const raw = (bytes) => frameOf(bytes, { type: 'delta', mimeType: 'video/Generic' });
  const send = () => sealing.pass(frameOf(bytes(80), { type: 'delta', mimeType: 'video/H264' }));
  assert.equal(await opening.pass(raw(await send())), null, 'nobody has said what 96 is');
  const codecs = (worker, name) => ask(worker, { request: 'codecs', number: 0, codecs: [[95, 'av1'], [96, name]] });
  await codecs(bob, 'h264');
  assert.deepEqual(await opening.pass(raw(await send())), bytes(80));
  await codecs(bob, 'av1');
  assert.equal(await opening.pass(raw(await send())), null, 'a codec is authenticated');
  await codecs(alice, 'av1');
  assert.deepEqual(await opening.pass(raw(await sealing.pass(raw(bytes(80))))), bytes(80), 'also for what is sealed');
  await codecs(bob, 'rtx');
  assert.equal(await opening.pass(raw(await send())), null);
});

test('sound with redundancy is sealed whole, by its name', async () => {
  for (const framing of ['compatible', 'full']) {
    for (const codec of [null, 'opus', 'red']) {
      const { bob, sealing, opening } = await pair({ kind: 'microphone', codec, framing });
      const blocks = bytes(160);
      const red = (bytes, mimeType = 'audio/red') => frameOf(bytes, { mimeType });
      const wire = await sealing.pass(red(blocks));
      assert.equal(Buffer.from(wire).indexOf(blocks.subarray(0, 8)), -1, 'nothing of it is readable');
      if (codec === null) assert.equal(await opening.pass(red(wire, 'audio/opus')), null, 'never given to another decoder');
      assert.deepEqual(await opening.pass(red(wire)), blocks);
      if (codec !== 'red') assert.deepEqual(await opening.pass(red(await sealing.pass(red(blocks, 'audio/opus')), 'audio/opus')), blocks);
      assert.ok(!statesOf(bob).some((state) => state.startsWith('failing')), `${framing} ${codec}`);
    }
  }
});

test('an imported key ends with the key that it is of', async (t) => {
  const { subtle } = globalThis.crypto;
  const used = [];
  const encrypt = subtle.encrypt.bind(subtle);
  subtle.encrypt = (parameters, key, data) => {
    used.push(key);
    return encrypt(parameters, key, data);
  };
  t.after(() => { delete subtle.encrypt; });
  const { alice, bob, sealing, opening } = await pair();
  const passes = async (frame) => {
    opening.give(frameOf(await sealed(frame)));
    await turns();
    slow.release();
    const [opened] = await until('it opens', async () => {
      const out = opening.taken();
      return out.length > 0 && out;
    });
    assert.deepEqual(new Uint8Array(opened.data), frame);
  };
  const sealed = async (frame) => {
    sealing.give(frameOf(frame));
    const [out] = await until('it is sealed', async () => {
      const out = sealing.taken();
      return out.length > 0 && out;
    });
    return new Uint8Array(out.data);
  };
  const byWebCrypto = () => until('WebCrypto seals', async () => {
    const before = used.length;
    await passes(bytes(THRESHOLD, 3));
    return used.length > before;
  });
  await byWebCrypto();
  const first = used.at(-1);
  // Step bits come round: the KID is the first one's again, the key is not.
  for (let step = 0; step < 256; step += 1) {
    await ask(alice, { request: 'ratchet' });
    await passes(bytes(20, 2));
  }
  await passes(bytes(THRESHOLD, 3));
  await byWebCrypto();
  assert.notEqual(used.at(-1), first);
  assert.equal(used.filter((key) => key === first).length, used.indexOf(used.find((key) => key !== first)), 'never again');
  assert.ok(!statesOf(bob).some((state) => state.startsWith('failing')));
});

test('a stream that has broken stays so, whatever was still being worked on', () => {
  const told = [];
  const state = new StreamStatus({ direction: 'open' }, ({ state: now }) => told.push(now));
  state.count(null);
  state.break('the track is gone');
  for (const code of [null, 'UnknownKey', 'Unauthentic']) assert.equal(state.count(code), false);
  state.explain('OtherFraming');
  assert.deepEqual(told, ['encrypted', 'broken']);
});
