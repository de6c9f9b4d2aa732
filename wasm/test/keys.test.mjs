// The key management as a worker uses it, without a browser: both modules, and what carries keys
// between them. `node --test` after `cargo wasm` has built `wasm/build`.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import init, { FrameCore } from '../build/sealframe_wasm.js';
import { codecId, framingId, streamKind } from '../build/js/shared/ids.js';
import { FrameCrypto, kidOf } from '../build/js/worker/frame-crypto.js';
import { ofCall } from '../build/js/page/group.js';
import { KeyManager } from '../build/js/worker/key-manager.js';
import { LinearMemory } from '../build/js/formats/frame-memory.js';

const load = (name) => readFile(new URL(`../build/${name}`, import.meta.url));
const wasm = await init({ module_or_path: await load('sealframe_wasm_simd.wasm') });
const source = await load('sealframe_group_bg.wasm');
const memory = new LinearMemory(wasm.memory);

/** Both modules' memories. */
const memories = [wasm.memory];
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (...args) => {
  const made = await instantiate(...args);
  memories.push((made.instance ?? made).exports.memory);
  return made;
};

/** Every key that went from one module to the other. */
const keys = [];
for (const [name, place] of [['install', 3], ['rekeyTo', 1], ['restart', 1]]) {
  const original = FrameCore.prototype[name];
  FrameCore.prototype[name] = function (...args) {
    keys.push(args[place].slice());
    return original.apply(this, args);
  };
}

const STREAM = { kind: streamKind('camera'), index: 0, framing: framingId('compatible') };
const VP9 = codecId('vp9');

/** A server that relays, and what it is told to hold back. */
class Room {
  members = new Map();
  holds = () => false;

  relay(from, { to, message }) {
    for (const [address, member] of this.members) {
      const isFor = address !== from && (to === null || to === address);
      if (isFor && !this.holds(from, address, message)) setImmediate(() => member.isFreed || member.group?.receive(message));
    }
  }

  async enter(address, name, options = {}) {
    const member = new Member();
    this.members.set(address, member);
    await member.enter(this, address, name, options);
    return member;
  }

  leave(address) {
    this.members.delete(address);
    for (const { group } of this.members.values()) group.dropMember(address);
  }
}

/** What worker and page are in a browser. */
class Member {
  events = [];
  stopped;
  /** How often newcomers could open what is sealed from then on, and nothing older. */
  restarts = 0;

  async enter(room, address, name, { kem = 'x25519', sends = true, identity, trust } = {}) {
    const credential = new TextEncoder().encode(name);
    const options = { group: new Uint8Array([1]), address, kem, role: 'participant', moderator: true, sends, credential, identity, trust };
    const tell = {
      post: (said) => setImmediate(() => ofCall.receive(this.group, said)),
      stop: (error) => { this.stopped = error ?? 'stopped'; },
      restart: () => { this.restarts += 1; },
    };
    this.keys = await KeyManager.enter(source, options, tell);
    this.call = this.keys.start((number, key) => {
      keys.push(key.slice());
      return FrameCore.withKey(number, key);
    }, (core) => {
      this.frames = new FrameCrypto(core, memory, Infinity);
      return this.frames;
    });
    const ask = async (what, args) => this.keys.requests[what](args);
    this.group = ofCall.make({ ask, close: () => {}, end: () => {} }, this.keys.session);
    this.group.onmessage = (message) => room.relay(address, message);
    this.group.onjoinrequest = ({ credential: said }) => ({ user: new TextDecoder().decode(said), moderator: true });
    this.group.onevent = (event) => this.events.push(event);
  }

  seal = (bytes) => this.frames.seal({ ...STREAM }, VP9, Uint8Array.from(bytes));

  /** The clear frame, or why there is none. */
  open(from, wire) {
    const opened = this.frames.open({ ...STREAM, from: this.keys.sourceAt(from) }, VP9, wire);
    if (typeof opened !== 'string') this.keys.soon();
    return opened;
  }

  free() {
    this.isFreed = true;
    this.keys.free();
    this.call.free();
  }
}

/** Waits until `look` finds something. */
async function until(what, look, ms = 10_000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(10)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`not in time: ${what}`);
}

const opens = (by, from, sealed) => until(`${from} opens`, () => typeof by.open(from, sealed.seal([1, 2, 3])) !== 'string');
const codes = (members) => new Set(members.map(({ keys: { requests } }) => requests.state().callCode));
const isOneCall = (members) => until('one code', () => codes(members).size === 1);

const rooms = [];
function room() {
  rooms.push(new Room());
  return rooms.at(-1);
}
after(() => {
  for (const { members } of rooms) for (const member of members.values()) member.free();
});

for (const kem of ['x25519', 'x-wing']) {
  test(`members who know each other's keys open each other's frames, with ${kem}`, async () => {
    const here = room();
    const [alice, bob] = [await here.enter('a', 'Alice', { kem }), await here.enter('b', 'Bob', { kem })];
    await Promise.all([opens(alice, 'b', bob), opens(bob, 'a', alice)]);
    await isOneCall([alice, bob]);
    const { members: [{ user, verification }], kem: said, callCode } = alice.keys.requests.state();
    assert.deepEqual([user, verification, said], ['Bob', 'new', kem]);
    assert.match(callCode, /^\d{5}( \d{5}){11}$/);
    assert.equal(alice.open('a', alice.seal([1])), 'UnknownKey', 'our own frames');
  });
}

test('a newcomer opens nothing older than its join, and who left nothing newer', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await opens(bob, 'a', alice);
  const old = alice.seal([1, 2, 3]);
  const carol = await here.enter('c', 'Carol');
  await opens(carol, 'a', alice);
  assert.equal(carol.open('a', old), 'StepErased');
  assert.equal(bob.open('a', old).length, 3);

  here.leave('c');
  const { generation } = alice.keys.requests.state();
  await until('another generation', () => alice.keys.requests.state().generation > generation, 3000);
  await opens(bob, 'a', alice);
  assert.equal(carol.open('a', alice.seal([1, 2, 3])), 'UnknownKey');
  assert.deepEqual(alice.events.filter(({ type }) => type === 'left').map(({ why }) => why), ['dropped']);
  carol.free();
});

/** As if a frame of the member with this number had just not opened, for want of a key. */
function missing(by, number, transform, frame) {
  Object.defineProperty(by.call, 'missed', { value: number, configurable: true });
  return by.keys.park(transform, frame);
}

test('frames that come before their key wait for it, in order, within bounds', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await opens(bob, 'a', alice);
  const worked = [];
  const dropped = [];
  const transform = { add: (frame) => worked.push(frame), giveUp: () => dropped.push('UnknownKey') };
  const park = (number, bytes, of = transform) => missing(bob, number, of, { data: new ArrayBuffer(bytes) });
  const { memberId: number } = alice.keys.requests.state();
  assert.equal(park(number, 5 << 20), false, 'too large');
  const frames = Array.from({ length: 64 }, (_, place) => ({ place, data: new ArrayBuffer(10) }));
  for (const frame of frames) assert.equal(missing(bob, number, transform, frame), true);
  assert.equal(park(number, 10), false, 'too many');
  assert.equal(park(number ^ 1, 10), false, 'whosever they say they are');
  const other = { add: (frame) => worked.push(frame), giveUp: () => {} };
  assert.equal(park(number ^ 1, 10, other), true, 'another stream waits too, also for a member who is not known yet');
  // A new generation of Alice's comes.
  alice.group.rekey();
  await until('frames are tried again', () => worked.length > 0, 900);
  assert.deepEqual(worked, frames);
  assert.deepEqual(dropped, []);

  assert.equal(park(number, 10), true);
  await sleep(1200);
  assert.deepEqual([worked.length, dropped], [64, ['UnknownKey']]);
});

test('frames of a member that is still being judged wait for it', async () => {
  const here = room();
  const alice = await here.enter('a', 'Alice');
  const bob = await here.enter('b', 'Bob');
  let admit;
  bob.group.onjoinrequest = () => new Promise((resolve) => { admit = () => resolve({ user: 'Alice', moderator: false }); });
  await until('Alice has Bob', () => alice.keys.requests.state().members.length === 1);
  const worked = [];
  const transform = { add: (frame) => worked.push(frame), giveUp: () => {} };
  const frame = { data: alice.seal([1, 2, 3]).buffer };
  assert.ok(missing(bob, alice.keys.requests.state().memberId, transform, frame));
  admit();
  await until('the frame is tried again', () => worked.length > 0, 900);
  assert.deepEqual(worked, [frame]);
});

test('pictures begin anew when somebody gets a key that opens nothing older', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await opens(bob, 'a', alice);
  const { restarts } = alice;
  const carol = await here.enter('c', 'Carol');
  await opens(carol, 'a', alice);
  assert.equal(alice.restarts, restarts + 1);
  alice.group.rekey();
  await opens(carol, 'a', alice);
  assert.equal(alice.restarts, restarts + 1, 'those who are there need none');
});

test('a frame that is tried again and misses another key has that asked for', async (t) => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await opens(bob, 'a', alice);
  const { memberId: number } = alice.keys.requests.state();
  const held = [];
  here.holds = (from, to, message) => from === 'a' && held.push(message) > 0;
  const { generation } = alice.keys.requests.state();
  alice.group.rekey();
  await until('another key', () => alice.keys.requests.state().generation > generation);
  const transform = { add: (frame) => tried.push(missing(bob, number, transform, frame)), giveUp: () => {} };
  const tried = [];
  assert.ok(missing(bob, number, transform, { data: new ArrayBuffer(10) }));
  // What is set in the same task as its key comes is what counts.
  const delays = [];
  const { setTimeout: original } = globalThis;
  t.after(() => { globalThis.setTimeout = original; });
  globalThis.setTimeout = (work, delay, ...args) => {
    delays.push(delay);
    return original(work, delay, ...args);
  };
  while (tried.length === 0) {
    const message = await until('a message of Alice', () => held.shift());
    delays.length = 0;
    bob.keys.requests.receive({ message });
  }
  globalThis.setTimeout = original;
  assert.deepEqual([tried, delays.at(-1)], [[true], 0]);
});

test('of a member who has another key all the time only the last ones are kept', async (t) => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await opens(bob, 'a', alice);
  const last = alice.seal([1, 2, 3]);
  // Once every 3 s, by a clock that runs ahead.
  const { now } = performance;
  let ahead = 0;
  performance.now = () => now.call(performance) + ahead;
  t.after(() => { performance.now = now; });
  const generationOf = (member) => member.keys.requests.state().members[0].generation;
  const sealed = [];
  for (let count = 1; count <= 12; count += 1) {
    const stream = { ...STREAM };
    const wire = alice.frames.seal(stream, VP9, Uint8Array.of(count));
    sealed.push({ wire, generation: Number(kidOf(stream) >> 24n) });
    ahead += 3100;
    alice.group.rekey();
    await until('another key', () => generationOf(bob) === count);
  }
  // The one in use and the newest seven are there, for late frames; what is between has been wiped.
  const [wiped, kept] = [[], []];
  for (const { wire, generation } of sealed) {
    const opened = bob.frames.open({ ...STREAM, from: bob.keys.sourceAt('a') }, VP9, wire);
    (generation > 0 && generation < 6 ? wiped : kept).push(typeof opened === 'string' ? opened : 'opened');
  }
  assert.deepEqual([...new Set(wiped)], ['UnknownKey']);
  assert.deepEqual([...new Set(kept)], ['opened']);
  assert.ok(wiped.length >= 4 && kept.length >= 4);
  assert.equal(bob.open('a', last).length, 3, 'so do those of the key that was in use');
});

test('identity and trust are kept from one call to the next, and a changed identity is told', async () => {
  const first = room();
  const [alice, bob] = [await first.enter('a', 'Alice'), await first.enter('b', 'Bob')];
  await isOneCall([alice, bob]);
  const [trust, identity] = [alice.keys.requests.exportTrust(), bob.keys.requests.exportIdentity()];
  assert.equal(identity.length, 32);
  for (const [own, verification] of [[identity.slice(), 'known'], [undefined, 'changed']]) {
    const here = room();
    const again = await here.enter('a', 'Alice', { trust });
    await here.enter('b', 'Bob', { identity: own });
    await until(verification, () => again.keys.requests.state().members[0]?.verification === verification);
    if (own !== undefined) assert.ok(own.every((byte) => byte === 0), 'the copy is wiped');
    await until('an event', () => again.events.some(({ type }) => type === 'joined'));
    assert.equal(again.events.some(({ type }) => type === 'identityChanged'), own === undefined);
  }
});

test('a message that was changed on the way is refused and named', async () => {
  const here = room();
  const alice = await here.enter('a', 'Alice');
  let announce;
  here.holds = (from, to, message) => from === 'b' && (announce ??= message.slice()) === announce;
  await here.enter('b', 'Bob');
  await until('an announce', () => announce);
  announce[announce.length - 1] ^= 1;
  assert.equal(await alice.group.receive(announce), 'Unauthentic');
  assert.equal(await alice.group.receive(announce.subarray(0, 60)), 'Malformed');
  assert.deepEqual(alice.keys.requests.state().members, []);
});

test('what is for a member goes to the address that it has signed, whoever repeats what it says', async () => {
  const here = room();
  const heard = [];
  here.holds = (from, to, message) => from === 'b' && heard.push(message.slice()) < 0;
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await Promise.all([opens(alice, 'b', bob), opens(bob, 'a', alice)]);
  const sent = [];
  const { onmessage } = alice.group;
  alice.group.onmessage = (message) => {
    sent.push(message.to);
    onmessage(message);
  };
  for (const message of heard.splice(0)) await alice.group.receive(message);
  await bob.group.rekey();
  await until('Alice answers', () => sent.some((to) => to !== null));
  assert.deepEqual(new Set(sent.filter((to) => to !== null)), new Set(['b']));
});

test('frames open from the address that their member has signed alone, and of another session there without a word', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  const carol = await here.enter('c', 'Carol');
  await Promise.all([opens(bob, 'a', alice), opens(bob, 'c', carol)]);
  assert.equal(bob.open('c', alice.seal([1])), 'OtherMember');
  assert.equal(bob.open('nobody', alice.seal([1])), 'OtherMember');
  // Her page is loaded again: the same address and identity, another session.
  const identity = alice.keys.requests.exportIdentity();
  const again = await here.enter('a', 'Alice', { identity });
  assert.equal(bob.open('a', again.seal([1])), 'UnknownKey');
  await opens(bob, 'a', again);
  await until('she is one', () => bob.keys.requests.state().members.length === 2);
  assert.equal(bob.open('a', alice.seal([1])), 'UnknownKey');
  assert.equal(bob.events.some(({ type }) => type === 'identityChanged'), false);
  assert.deepEqual(bob.keys.requests.state().members.map(({ address }) => address).sort(), ['a', 'c']);
  alice.free();
});

test('who was dropped and is there after all comes back, and is opened again', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await opens(bob, 'a', alice);
  assert.equal(await bob.group.dropMember('a'), true);
  assert.equal(await bob.group.dropMember('nobody'), false);
  assert.equal(bob.open('a', alice.seal([1])), 'UnknownKey');
  await alice.group.reconnected();
  await until('she is back', () => bob.events.some(({ type }) => type === 'returned'));
  await opens(bob, 'a', alice);
  await isOneCall([alice, bob]);
});

test('who only listens gives nobody a key, until it is about to send', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob', { sends: false })];
  await opens(bob, 'a', alice);
  const seen = () => alice.keys.requests.state().members[0];
  await until('she knows', () => seen()?.sends === false);
  assert.equal(seen().generation, null);
  await bob.group.setSending(true);
  await until('a key', () => seen().generation !== null);
  await opens(alice, 'b', bob);
});

test('who leaves says so once, and the call is closed whatever becomes of that', async () => {
  const here = room();
  const alice = await here.enter('a', 'Alice');
  const make = () => {
    const made = { said: 0, closed: 0 };
    const { session, identity } = alice.group;
    made.group = ofCall.make(
      { ask: async () => null, close: async () => { made.closed += 1; }, end: assert.fail },
      { session, identity, farewell: alice.keys.requests.farewell() },
    );
    made.group.onmessage = () => { made.said += 1; };
    return made;
  };
  const both = make();
  await Promise.all([both.group.leave(), both.group.leave()]);
  assert.deepEqual([both.said, both.closed], [1, 1]);
  const broken = make();
  broken.group.onmessage = () => { throw new Error('no line'); };
  await assert.rejects(broken.group.leave(), /no line/);
  assert.equal(broken.closed, 1);
});

test('who is removed can seal and open no more', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await isOneCall([alice, bob]);
  await alice.group.remove(bob.group.session);
  await until('it stops', () => bob.stopped);
  assert.equal(bob.stopped, 'stopped');
  assert.deepEqual(bob.events.filter(({ type }) => type === 'ended').map(({ reason, by }) => [reason, by]), [['removed', alice.group.session]]);
});

test('keys are nowhere in either memory once they are not needed', async () => {
  const here = room();
  const [alice, bob] = [await here.enter('a', 'Alice'), await here.enter('b', 'Bob')];
  await Promise.all([opens(alice, 'b', bob), opens(bob, 'a', alice)]);
  alice.group.rekey();
  await until('a generation', () => bob.keys.requests.state().members[0].generation === 1);
  const identity = bob.keys.requests.exportIdentity();
  // Each half: what frees memory may write over the beginning.
  const halves = (key) => [key.subarray(0, key.length / 2), key.subarray(key.length / 2)];
  const found = (needles) => needles.flatMap(halves).map((half) =>
    memories.reduce((sum, { buffer }) => sum + count(new Uint8Array(buffer), half), 0));
  assert.equal(memories.length, 2);
  assert.ok(found([identity]).every((times) => times > 0), 'the search finds what is alive');
  for (const { members } of rooms) {
    for (const member of members.values()) member.free();
    members.clear();
  }
  assert.ok(keys.length > 20);
  const all = found([identity, ...keys]);
  assert.equal(all.length, 2 * (keys.length + 1));
  assert.deepEqual([...new Set(all)], [0], `${all.filter((times) => times > 0).length} of ${all.length} found`);
});

function count(bytes, needle) {
  let times = 0;
  for (let at = bytes.indexOf(needle[0]); at !== -1; at = bytes.indexOf(needle[0], at + 1)) {
    if (needle.every((byte, place) => bytes[at + place] === byte)) times += 1;
  }
  return times;
}
