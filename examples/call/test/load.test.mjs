// What strangers can do to the server: little, not for long, and not to the neighbours. `load.mjs`
// has the figures.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { ATTACKS, Neighbours } from './hostile.mjs';
import { Path, credentials, sdp } from './media.mjs';
import { startSfu } from './sfu.mjs';
import { Socket, frame, tcp } from './socket.mjs';

const TIMEOUT = { timeout: 60_000 };
const MEGABYTE = 1024 * 1024;
/** The bounds of src/limits.rs. */
const [ROOM_MEMBERS, MEMBERS, CONNECTIONS, MESSAGE_BYTES] = [16, 128, 256, 192 * 1024];
const OFFER = { type: 'offer', sdp: sdp(credentials()), sends: {}, slots: { 0: { from: '1'.repeat(32), kind: 'camera', index: 0 } } };

/** A server for one test. At the end, whatever the test did, it must be running without a panic. */
async function serve(t, options) {
  const sfu = await startSfu(options);
  t.after(async () => {
    assert.ok(sfu.isRunning);
    assert.doesNotMatch(sfu.errors, /panicked/);
    await sfu.stop();
  });
  return sfu;
}

const isLeft = ({ type }) => type === 'left';

// Each test has its own server, and most of them wait for timeouts.
describe('bounds', { concurrency: 3 }, () => {
  test('an address belongs to its token alone, also after a server restart', TIMEOUT, async (t) => {
    const sfu = await serve(t);
    const { url } = sfu;
    const enter = (token, room = 'room') => Socket.enter(url, room, 'somebody', { token });
    const [token, other] = ['0123456789abcdef'.repeat(2), '0123456789abcdee'.repeat(2)];
    const [watching, first] = [await enter(undefined), await enter(token)];
    assert.match(first.id, /^[0-9a-f]{32}$/);
    assert.notEqual(first.id, token);
    const ids = [watching.id, first.id, (await enter(other)).id, (await enter(undefined)).id, (await enter(first.id)).id];
    assert.equal(new Set(ids).size, 5, 'an address is not a token');
    assert.ok(first.isOpen);
    // An address is the same in every room.
    assert.equal((await enter(token, 'another')).id, first.id);
    assert.ok(first.isOpen);

    // It comes back before the server has missed it.
    watching.inbox.length = 0;
    const again = await enter(token);
    assert.equal(again.id, first.id);
    assert.equal((await first.closed).reason, 'This call goes on in another tab.');
    await watching.hears(({ type, id }) => type === 'left' && id === first.id);
    await watching.hears(({ type, id }) => type === 'joined' && id === first.id);
    watching.send({ type: 'message', to: first.id, data: 'AAAA' });
    assert.equal((await again.hears(({ type }) => type === 'message')).from, watching.id);
    assert.ok(again.isOpen);

    await sfu.restart(0);
    assert.equal((await enter(token)).id, first.id);
    for (const wrong of ['', '0', `${token}0`, token.toUpperCase(), 'g'.repeat(32)]) {
      assert.equal((await (await enter(wrong)).closed).reason, 'A token has 32 hexadecimal digits.', wrong);
    }
  });

  test('a full room and a full server say so; silent members are evicted', TIMEOUT, async (t) => {
    const { url } = await serve(t, { hurry: 5 }); // idle ones are evicted after 4 s
    const neighbours = await Neighbours.enter(url);
    let isOver = false;
    const rounds = neighbours.rounds(() => isOver);
    const idle = await Promise.all(Array.from({ length: MEMBERS - 2 }, (_, place) => Socket.enter(url, `idle-${place % 9}`)));
    assert.ok(idle.every(({ id }) => id !== undefined));
    assert.equal((await (await Socket.enter(url, 'other')).closed).reason, 'The server is full.');
    const ended = Promise.race(idle.map(({ closed }) => closed));
    let newcomer;
    do {
      await sleep(100);
      newcomer = await Socket.enter(url, 'other');
    } while (newcomer.id === undefined);
    assert.match((await ended).reason, /^The server is full, and this page took no part/);
    // Active members stay.
    isOver = true;
    assert.ok((await rounds).length > 0);
    assert.ok(neighbours.areThere);

    const [of, next] = [idle.filter(({ isOpen }) => isOpen).length, 'crowd'];
    assert.ok(of < MEMBERS);
    for (const socket of idle) socket.close();
    const crowd = [];
    while (crowd.length < ROOM_MEMBERS) {
      const socket = await Socket.enter(url, next);
      if (socket.id === undefined) await sleep(50);
      else crowd.push(socket);
    }
    assert.equal((await (await Socket.enter(url, next)).closed).reason, 'The room is full.');
    neighbours.leave();
  });

  test('frequent joins of one room must wait, and others need not', TIMEOUT, async (t) => {
    const { url } = await serve(t);
    const first = await Socket.enter(url, 'room');
    let refused;
    for (let time = 0; time < 200 && refused === undefined; time += 1) {
      const socket = await Socket.enter(url, 'room');
      if (socket.id === undefined) refused = await socket.closed;
      else {
        socket.close();
        await first.hears(isLeft);
      }
    }
    assert.equal(refused?.code, 1013);
    assert.match(refused.reason, /^Too many people joined this room/);
    assert.notEqual((await Socket.enter(url, 'another')).id, undefined);
  });

  test('names that are too long or invisible are rejected', TIMEOUT, async (t) => {
    const { url } = await serve(t);
    for (const [room, name] of [
      ['a'.repeat(65), 'Ann'], ['../a', 'Ann'], ['a\n', 'Ann'], ['room', ''], ['room', 'A\nnn'], ['room', '\u202ennA'], ['room', 'A'.repeat(65)],
    ]) {
      const { code, reason } = await (await Socket.enter(url, room, name)).closed;
      assert.equal(code, 1008, JSON.stringify([room, name]));
      assert.match(reason, /^A room is named by/);
    }
    for (const length of [9000, MEGABYTE]) {
      const { status } = await (await Socket.enter(url, 'room', 'A'.repeat(length))).closed;
      assert.ok(status === undefined || status >= 400, `${status}`);
    }
  });

  test('an invalid message ends its connection, with a reason, and no other', TIMEOUT, async (t) => {
    const { url } = await serve(t);
    const neighbours = await Neighbours.enter(url);
    const fragments = (size, count) => [
      frame('text', '"'.padEnd(size), { isLast: false }),
      ...Array.from({ length: count }, () => frame('continuation', ' '.repeat(size), { isLast: false })),
    ];
    for (const [what, ...frames] of [
      ['not JSON', frame('text', 'hello')],
      ['binary', frame('binary', randomBytes(100))],
      ['another type', frame('text', '{"type":"join","room":"other"}')],
      ['no offer', frame('text', '{"type":"offer"}')],
      ['no session description', frame('text', '{"type":"offer","sdp":"v=0"}')],
      ['too much data', frame('text', JSON.stringify({ type: 'message', data: 'A'.repeat(65_537) }))],
      ['too many m-lines', frame('text', JSON.stringify({ type: 'offer', sdp: sdp(credentials(), { media: 65 }) }))],
      ['a large message', frame('text', ' '.repeat(MESSAGE_BYTES + 1))],
      ['many fragments', ...fragments(1000, 200)],
      ['giant fragments', ...fragments(MESSAGE_BYTES / 2, 4)],
    ]) {
      const socket = await Socket.enter(url, 'hostile');
      for (const bytes of frames) socket.write(bytes);
      const { code, reason } = await socket.closed;
      // The system may drop the reason if the client is still sending.
      if (code === undefined && /large|fragments/.test(what)) continue;
      assert.equal(code, 1003, what);
      assert.match(reason, /^The server (did not understand|could not answer)/, what);
    }
    await neighbours.round();
    neighbours.leave();
  });

  test('no message makes the server panic', TIMEOUT, async (t) => {
    const { url } = await serve(t);
    let seed = 7;
    const below = (end) => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * end);
    };
    const text = Buffer.from(JSON.stringify(OFFER));
    const changed = () => {
      const bytes = Buffer.from(text);
      for (let count = below(3); count >= 0; count -= 1) {
        const at = below(bytes.length);
        if (below(2)) bytes[at] = below(128);
        else bytes.copy(bytes, at, below(bytes.length), below(bytes.length));
      }
      return bytes;
    };
    const seen = new Map();
    await Promise.all(Array.from({ length: 8 }, async (_, place) => {
      for (let time = 0; time < 25; time += 1) {
        const socket = await Socket.enter(url, `fuzz-${place}`);
        socket.write(frame('text', changed()));
        const { code = 'answered' } = await Promise.race([socket.closed, socket.hears(({ type }) => type === 'answer')]);
        seen.set(code, (seen.get(code) ?? 0) + 1);
        socket.close();
      }
    }));
    t.diagnostic(JSON.stringify([...seen]));
    const neighbours = await Neighbours.enter(url);
    await neighbours.round();
    neighbours.leave();
  });

  test('a member that does not read is disconnected at little cost; one that reads stays', TIMEOUT, async (t) => {
    const sfu = await serve(t);
    const { url } = sfu;
    const before = await sfu.holds();
    const talkers = await Promise.all(Array.from({ length: 12 }, () => Socket.enter(url, 'room')));
    const silent = await Promise.all(Array.from({ length: 3 }, () => Socket.enter(url, 'room')));
    for (const socket of silent) socket.pause();
    let most = 0;
    const message = { type: 'message', to: null, data: 'A'.repeat(60_000) };
    const gone = Promise.all(talkers.flatMap((talker) => silent.map(({ id }) =>
      talker.hears((heard) => heard.type === 'left' && heard.id === id))));
    let areGone = false;
    gone.then(() => { areGone = true; });
    while (!areGone) {
      for (const talker of talkers) talker.send(message);
      await Promise.race([gone, sleep(250)]);
      most = Math.max(most, (await sfu.holds()).memory - before.memory);
      for (const talker of talkers) talker.inbox.length = 0;
    }
    assert.ok(talkers.every(({ isOpen }) => isOpen));
    // Each message is held once, and up to half a megabyte waits for each member; the talkers' own
    // messages pass through as well.
    assert.ok(most < 40 * MEGABYTE, `${Math.round(most / MEGABYTE)} MB`);
    t.diagnostic(`${Math.round(most / MEGABYTE)} MB more while three did not read`);
  });

  test('a member that asks too often waits for the answers', TIMEOUT, async (t) => {
    const { url } = await serve(t);
    const start = performance.now();
    const [hasty, other] = await Promise.all([Socket.enter(url, 'hasty'), Socket.enter(url, 'other')]);
    for (let time = 0; time < 60; time += 1) hasty.send(OFFER);
    const isAnswer = ({ type }) => type === 'answer';
    // The burst, and two a second since then.
    const seconds = () => (performance.now() - start) / 1000;
    for (let answered = 1; answered <= 18; answered += 1) {
      await hasty.hears(isAnswer);
      assert.ok(answered <= 17 + 2 * seconds(), `${answered} offers answered in ${seconds()} s`);
    }
    // Other members do not wait, and no offer is lost.
    other.send(OFFER);
    await other.hears(isAnswer);
    await hasty.hears(isAnswer);
    assert.ok(hasty.inbox.filter(isAnswer).length < 5);
  });

  test('a member that does not answer pings is disconnected; one that does stays', TIMEOUT, async (t) => {
    const { url } = await serve(t, { hurry: 20 }); // within 2 s
    const [dead, alive] = await Promise.all([Socket.enter(url, 'room', 'Ann', { answersPings: false }), Socket.enter(url, 'room')]);
    assert.match((await dead.closed).reason, /^This page did not answer/);
    await alive.hears(isLeft);
    await sleep(500);
    assert.ok(alive.isOpen);
    alive.close();
  });

  test('silent and slow connections are closed, and nobody waits for them', TIMEOUT, async (t) => {
    const sfu = await serve(t, { hurry: 4, files: 400 }); // a head within 1.25 s
    const silent = await Promise.all(Array.from({ length: CONNECTIONS + 40 }, () => tcp(sfu.url)));
    const closed = silent.map(({ gone }) => gone);
    // Beyond the bound, the oldest are closed at once.
    await Promise.all(closed.slice(0, 40));
    const slow = await Promise.all(Array.from({ length: 20 }, () => tcp(sfu.url)));
    for (const connection of slow) {
      const timer = setInterval(() => connection.write('x'), 50);
      closed.push(connection.gone.then(() => clearInterval(timer)));
    }
    assert.equal((await fetch(sfu.url)).status, 200);
    await Promise.all(closed);
    const { files } = await sfu.holds();
    assert.ok(files < 40, `${files} file descriptors`);
  });

  test('the server goes on after it ran out of file descriptors', TIMEOUT, async (t) => {
    const sfu = await serve(t, { hurry: 20, files: 40 });
    const silent = await Promise.all(Array.from({ length: 100 }, () => tcp(sfu.url)));
    const { seconds } = await sfu.holds();
    await Promise.all(silent.map(({ closed }) => closed));
    assert.equal((await fetch(sfu.url)).status, 200);
    assert.ok((await sfu.holds()).seconds - seconds < 1, 'it pauses between attempts');
  });

  test('oversized requests, and files that nobody reads, are not held', TIMEOUT, async (t) => {
    const sfu = await serve(t, { hurry: 30 }); // a connection has 2 s
    for (const head of [
      `GET /${'a'.repeat(10_000)} HTTP/1.1\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(10_000)}\r\n\r\n`,
      `GET / HTTP/1.1\r\n${Array.from({ length: 60 }, (_, field) => `X-${field}: y\r\n`).join('')}\r\n`,
    ]) {
      const connection = await tcp(sfu.url);
      connection.write(head);
      const [said] = await once(connection, 'data');
      assert.match(String(said), /^HTTP\/1\.1 4(14|31)/);
      connection.destroy();
    }
    const before = await sfu.holds();
    const readers = await Promise.all(Array.from({ length: 100 }, () => tcp(sfu.url)));
    const closed = readers.map(({ gone }) => gone);
    for (const connection of readers) {
      connection.pause();
      connection.write('GET /call.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(64));
    }
    await sleep(500);
    const { memory } = await sfu.holds();
    assert.ok(memory - before.memory < 20 * MEGABYTE, `${Math.round((memory - before.memory) / MEGABYTE)} MB`);
    // They are not told, because they do not read; but the server holds none of them.
    for (;;) {
      const { files } = await sfu.holds();
      if (files < 40) break;
      await sleep(100);
    }
    for (const connection of readers) connection.destroy();
    await Promise.all(closed);
  });
});

describe('the neighbours go on', { concurrency: false }, () => {
  let sfu;
  before(async () => {
    sfu = await startSfu();
  }, TIMEOUT);
  after(() => sfu?.stop());

  for (const [what, start] of Object.entries(ATTACKS)) {
    test(`beside ${what}`, TIMEOUT, async (t) => {
      const neighbours = await Neighbours.enter(sfu.url);
      const stop = await start(sfu.url);
      const rounds = await neighbours.rounds((count) => count >= 10);
      await stop();
      assert.ok(neighbours.areThere);
      assert.ok(sfu.isRunning);
      assert.doesNotMatch(sfu.errors, /panicked/);
      const longest = Math.max(...rounds.map(({ message, media }) => message + media));
      t.diagnostic(`the longest of ${rounds.length} rounds took ${longest.toFixed()} ms`);
      neighbours.leave();
    });
  }
});
