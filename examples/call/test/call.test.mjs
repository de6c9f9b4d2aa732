// The whole path in real browsers: microphone and camera, encoder, worker, server, worker, decoder.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { mkdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from './browser.mjs';
import { kidOf } from './header.mjs';
import { find, needlesOf } from './needles.mjs';
import { startSfu } from './sfu.mjs';
import { clickJoin, openTab } from './tab.mjs';

const SCREENSHOT = process.env.SEALFRAME_SCREENSHOT
  ?? fileURLToPath(new URL('../../../target/call.png', import.meta.url));

/** Generous: a machine with two busy cores is slow, but not wrong. */
const TIMEOUT = { timeout: 240_000 };

const outward = Object.values(networkInterfaces()).flat()
  .find(({ family, internal }) => family === 'IPv4' && !internal);

let chromium;

before(async () => {
  chromium = await launchChromium();
}, { timeout: 120_000 });

after(() => chromium?.close());

/** A server for one test, and tabs on it that close with the test. */
async function call(t, options) {
  const sfu = await startSfu(options);
  t.after(() => sfu.stop());
  const open = async (name, { browser = chromium, ...options } = {}) => {
    const tab = await openTab(browser, sfu.url, { name, ...options });
    t.after(() => tab.close().catch(() => {}));
    return tab;
  };
  return { sfu, open };
}

/** A picture of a tab; `what` is a part of its file name. */
async function screenshot(tab, what) {
  const path = what === undefined ? SCREENSHOT : SCREENSHOT.replace(/\.png$/, `-${what}.png`);
  await tab.page.bringToFront();
  await mkdir(dirname(path), { recursive: true });
  await tab.page.screenshot({ path });
}

/** Waits until pictures and sound of `from` have played for at least `seconds`. */
async function keepsPlaying(tab, from, seconds) {
  let last = await tab.plays(from);
  for (let passed = 0; passed < seconds; passed += 2) {
    await sleep(2000);
    const before = last;
    last = await tab.until(
      from,
      `tab ${tab.id} goes on playing ${from}`,
      ({ frames, samples, energy }) =>
        frames > before.frames && samples > before.samples && energy > before.energy,
      20_000,
    );
  }
  return last;
}

/** Waits until each tab plays all others. */
const everyonePlays = (tabs) => Promise.all(tabs.flatMap((tab) =>
  tabs.filter((other) => other !== tab).map((other) => keepsPlaying(tab, other.id, 2))));

/** Waits until all tabs show the same code, other than `before`; returns it. */
async function sameCode(tabs, before) {
  return tabs[0].finds(`one code in ${tabs.length} tabs`, async () => {
    const codes = await Promise.all(tabs.map((tab) => tab.code()));
    return new Set(codes).size === 1 && codes[0] !== before && /^\d{5}( \d{5}){11}$/.test(codes[0]) && codes[0];
  });
}

/** Counts pictures in windows of two seconds, until the caller asks for the counts. */
function watchPictures(tab, from) {
  let isOn = true;
  const windows = [];
  const done = (async () => {
    let { frames: last } = await tab.receives(from);
    while (isOn) {
      await sleep(2000);
      const { frames } = await tab.receives(from);
      windows.push(frames - last);
      last = frames;
    }
  })();
  return async () => {
    isOn = false;
    await done;
    return windows;
  };
}

/** Media play in real time: two calls at once, each with its own server. */
describe('calls', { concurrency: 2 }, () => {
  test('two tabs see and hear each other, encrypted, and go on doing so', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const alice = await open('Alice');
    const bob = await open('Bob');
    const [byAlice, byBob] = await Promise.all([
      keepsPlaying(alice, bob.id, 10),
      keepsPlaying(bob, alice.id, 10),
    ]);
    assert.equal(byAlice.state, 'encrypted');
    assert.equal(byBob.state, 'encrypted');
    assert.equal(await bob.says(alice.id), 'Encrypted');

    const streams = await sfu.tap();
    assert.equal(streams.length, 4);
    for (const { kind, latest } of streams) assert.ok(latest?.header, `the server reads a ${kind} header`);

    assert.deepEqual([await alice.alarms(), await bob.alarms()], [[], []]);
    assert.deepEqual([...alice.errors, ...bob.errors], []);
  });

  test('a link turns nothing on before a click', TIMEOUT, async (t) => {
    const { sfu } = await call(t);
    const page = await chromium.newPage();
    t.after(() => page.close().catch(() => {}));
    // Runs before the page's scripts, and counts camera, sound and network connections.
    await page.evaluateOnNewDocument(() => {
      const made = globalThis.made = [];
      for (const name of ['WebSocket', 'RTCPeerConnection', 'Worker', 'AudioContext']) {
        globalThis[name] = new Proxy(globalThis[name], {
          construct(target, args, self) {
            made.push(name);
            return Reflect.construct(target, args, self);
          },
        });
      }
      for (const name of ['getUserMedia', 'getDisplayMedia', 'enumerateDevices']) {
        const before = navigator.mediaDevices[name].bind(navigator.mediaDevices);
        navigator.mediaDevices[name] = (...args) => {
          made.push(name);
          return before(...args);
        };
      }
    });
    await page.goto(`${sfu.url}?room=linked&name=Alice#codec=vp9&join=yes`);
    await page.waitForSelector('#lobby:not([hidden])');
    const filled = await page.$eval('#lobby', ({ elements: { room, name } }) => [room.value, name.value]);
    assert.deepEqual(filled, ['linked', 'Alice'], 'the link fills in');
    // Longer than a page needed to open a camera before it had the lobby.
    await sleep(2000);
    assert.deepEqual(await page.evaluate(() => globalThis.made), []);
    assert.equal(await page.$eval('#call', ({ hidden }) => hidden), true);

    await clickJoin(page);
    await page.waitForFunction(() => globalThis.sealframeDemo, { polling: 250 });
    const made = await page.evaluate(() => globalThis.made);
    for (const what of ['getUserMedia', 'WebSocket', 'RTCPeerConnection']) assert.ok(made.includes(what), `${made}`);
  });

  test('the roster shows moderators and what they may do', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, bob] = await Promise.all([open('Alice'), open('Bob')]);
    const powers = (tab) => tab.page.$$eval('#people tbody tr', (rows) => rows.map((row) => [
      row.querySelector('.who').textContent, row.querySelector('.power').textContent,
    ]));
    const seen = await alice.finds('Bob in the roster', async () => {
      const rows = await powers(alice);
      return rows.length === 2 && rows;
    });
    assert.deepEqual(seen, [['Alice (you)', 'Moderator'], ['Bob', 'Moderator']]);
    // The key management uses the same permissions.
    assert.deepEqual((await alice.state()).members.map(({ moderator }) => moderator), [true]);
    assert.match(await bob.page.$eval('#people .moderators', (element) => element.textContent), /^Moderators may lock the call and remove/);
  });

  test('a tab without key management decodes nothing and is decoded by nobody', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const alice = await open('Alice');
    const bob = await open('Bob');
    // In the room, but with other encryption settings.
    const eve = await open('Eve', { agreed: { kem: 'x-wing' } });

    // Enough packets have arrived on every side: they were received but not opened.
    const arrives = (tab, from) =>
      tab.until(from, `packets of ${from} arrive at ${tab.id}`, ({ packets }) => packets > 200);
    await Promise.all([arrives(eve, alice.id), arrives(eve, bob.id), arrives(alice, eve.id), arrives(bob, eve.id)]);
    await Promise.all([keepsPlaying(alice, bob.id, 4), keepsPlaying(bob, alice.id, 4)]);

    for (const [tab, from] of [[eve, alice.id], [eve, bob.id], [alice, eve.id], [bob, eve.id]]) {
      const { frames, energy, state } = await tab.receives(from);
      assert.equal(frames, 0, `pictures of ${from} in tab ${tab.id}`);
      assert.equal(energy, 0, `sound of ${from} in tab ${tab.id}`);
      assert.notEqual(state, 'encrypted');
      assert.match(await tab.says(from), /^(Not in the encrypted call|Waiting for key)$/);
    }
    await alice.isAlarmed(/Eve has other encryption settings/);
    assert.equal(await alice.says(bob.id), 'Encrypted');
    assert.deepEqual((await alice.state()).members.map(({ user }) => user), ['Bob']);
  });

  test('three tabs play each other with X-Wing', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const tabs = await Promise.all(['Alice', 'Bob', 'Carol'].map((name) => open(name, { agreed: { kem: 'x-wing' } })));
    await everyonePlays(tabs);
    assert.equal((await tabs[0].state()).kem, 'x-wing');
  });

  test('no piece of a clear frame is in what the server recorded', TIMEOUT, async (t) => {
    const least = { microphone: 300, camera: 150 };
    const { sfu, open } = await call(t);
    const alice = await open('Alice');
    const bob = await open('Bob');
    await Promise.all([alice.plays(bob.id), bob.plays(alice.id)]);
    await alice.collect(2000);

    let frames;
    const isEnough = () => Object.entries(least).every(([kind, count]) =>
      frames.filter((frame) => frame.kind === kind && needlesOf(frame.clear).length > 0).length >= count);
    for (let tries = 0; tries < 60; tries += 1) {
      await sleep(2000);
      frames = await alice.collected();
      if (isEnough()) break;
    }
    assert.ok(isEnough(), `only ${frames.length} frames in two minutes`);
    await sleep(1000); // the last ones reach the server

    for (const [kind, recordedAs] of [['microphone', 'audio'], ['camera', 'video']]) {
      const payloads = await sfu.recorded(alice.id, recordedAs);
      // Frames of silence are too short to be told apart.
      const own = frames.filter((frame) => frame.kind === kind && needlesOf(frame.clear).length > 0);

      const clear = own.flatMap((frame) => needlesOf(frame.clear));
      assert.ok(clear.length >= 4 * least[kind], `${clear.length} pieces of clear ${kind} frames`);
      assert.equal(find(clear, payloads).size, 0, `pieces of clear ${kind} frames on the server`);

      // The same search must find the sealed frames, or it would prove nothing. A piece may be
      // split between two packets, so one piece per frame is enough.
      const sealed = find(own.flatMap((frame) => needlesOf(frame.wire)), payloads);
      const seen = own.filter((frame) => needlesOf(frame.wire).some((needle) => sealed.has(needle)));
      assert.ok(seen.length >= 0.95 * own.length, `${seen.length} of ${own.length} sealed ${kind} frames found`);
      t.diagnostic(`${kind}: ${own.length} frames, ${clear.length} clear pieces in ${payloads.length} packets: none`);
    }
  });

  test('a member that joins later opens no earlier frame', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const alice = await open('Alice');
    const bob = await open('Bob');
    await bob.plays(alice.id);
    await sleep(2000);
    const before = await sfu.recorded(alice.id, 'audio');
    const earlier = kidOf(before.at(-1));

    const carol = await open('Carol');
    await Promise.all([carol.plays(alice.id), carol.plays(bob.id), keepsPlaying(bob, alice.id, 4)]);
    assert.equal((await carol.receives(alice.id)).state, 'encrypted');
    const now = await sfu.recorded(alice.id, 'audio');
    assert.notEqual(kidOf(now.at(-1)), earlier, 'a newcomer brings a new key');

    // Frames that Bob surely received, all from before Carol joined.
    const old = before.filter((frame) => kidOf(frame) === earlier).slice(-20, -10);
    assert.equal(old.length, 10);
    for (const wire of old) {
      const byCarol = await carol.tryOpenAudio(alice.id, wire);
      assert.equal(byCarol.ok, false);
      assert.match(byCarol.code, /^(UnknownKey|StepErased)$/);
      // Bob received them, and still has the key unless this took ten seconds.
      assert.match((await bob.tryOpenAudio(alice.id, wire)).code, /^(Replayed|StepErased)$/);
    }
  });

  test('tabs come and go at any time', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const [alice, bob, carol] = await Promise.all([open('Alice'), open('Bob'), open('Carol')]);
    await everyonePlays([alice, bob, carol]);
    await bob.close();
    const dave = await open('Dave');
    await everyonePlays([alice, carol, dave]);
    const bobAgain = await open('Bob');
    await everyonePlays([alice, carol, dave, bobAgain]);
    assert.notEqual(bobAgain.id, bob.id, 'another tab has another address');
    assert.equal(await alice.page.$(`.tile[data-member="${bob.id}"]`), null);
    assert.equal(await alice.page.$$eval('.tile', (tiles) => tiles.length), 4);
    assert.equal((await sfu.tap()).length, 8);
  });

  test('media go on for the members that stay and stop for the one that left', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const [alice, bob] = await Promise.all([open('Alice'), open('Bob')]);
    await everyonePlays([alice, bob]);
    const two = await sameCode([alice, bob]);
    const windows = [[bob, alice.id], [alice, bob.id]].map(([tab, from]) => watchPictures(tab, from));

    const carol = await open('Carol');
    await Promise.all([carol.plays(alice.id), carol.plays(bob.id), alice.plays(carol.id)]);
    const three = await sameCode([alice, bob, carol], two);
    await sleep(1000);
    await screenshot(bob);

    // Her connection to the server breaks; her page keeps its worker and its keys, and sends
    // nothing.
    await carol.page.evaluate(() => globalThis.sealframeDemo.hangUp());
    await sameCode([alice, bob], three);
    const had = (await sfu.recorded(alice.id, 'audio')).at(-1);
    await sleep(3000);
    const before = (await sfu.recorded(alice.id, 'audio')).length;
    await sleep(3000);
    const later = (await sfu.recorded(alice.id, 'audio')).slice(before);
    assert.ok(later.length > 50, `${later.length} frames sealed later than 3 s after`);
    const codes = new Set();
    for (const wire of later) codes.add((await carol.tryOpenAudio(alice.id, wire)).code);
    assert.deepEqual([...codes], ['UnknownKey']);
    t.diagnostic(`a frame of the moment she left: ${JSON.stringify(await carol.tryOpenAudio(alice.id, had))}`);

    for (const stop of windows) {
      const pictures = await stop();
      t.diagnostic(`pictures in windows of 2 s: ${pictures.join(' ')}`);
      assert.ok(pictures.length >= 4 && pictures.every((count) => count > 0), `pictures in windows of 2 s: ${pictures}`);
    }
    assert.deepEqual([await alice.alarms(), await bob.alarms()], [[], []]);
  });

  test('people who compared emoji are recognised in the next call', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, bob] = await Promise.all([open('Alice'), open('Bob')]);
    await sameCode([alice, bob]);
    const row = (of) => `#people [data-member="${of.id}"]`;
    await alice.page.waitForSelector(`${row(bob)} [data-act="check"]`);
    await alice.page.$eval(`${row(bob)} [data-act="check"]`, (button) => button.click());
    const emoji = (tab) => tab.finds('seven emoji', async () => {
      const seen = await tab.page.$$eval('#check[open] .emoji li', (items) => items.map((item) => item.textContent));
      return seen.length === 7 && seen;
    });
    const rows = await Promise.all([emoji(alice), emoji(bob)]);
    assert.deepEqual(rows[0], rows[1]);
    t.diagnostic(rows[0].join(' '));
    await screenshot(bob, 'check');
    for (const tab of [alice, bob]) await tab.page.$eval('#check .match', (button) => button.click());
    const isVerified = (tab, of) => tab.finds('verified', async () =>
      /Verified/.test(await tab.page.$eval(`${row(of)} .verification`, (badge) => badge.textContent)));
    await Promise.all([isVerified(alice, bob), isVerified(bob, alice)]);

    const digits = await Promise.all([[alice, bob], [bob, alice]].map(([tab, of]) => tab.page.evaluate(async (address, name) => {
      const { group } = globalThis.sealframeDemo;
      const { session } = (await group.state()).members.find(({ address: of }) => of === address);
      return group.pairwiseCode(session, name);
    }, of.id, tab === alice ? 'Alice' : 'Bob')));
    assert.match(digits[0], /^\d{5}( \d{5}){8}$/);
    assert.equal(digits[0], digits[1]);

    // The same name in the same browser is the same identity; in another browser it is a different
    // one.
    await bob.close();
    const bobAgain = await open('Bob');
    await isVerified(alice, bobAgain);
    await bobAgain.close();
    const elsewhere = await chromium.createBrowserContext();
    t.after(() => elsewhere.close());
    const mallory = await open('Bob', { browser: elsewhere });
    await alice.isAlarmed(/^Bob has a new key, and you had verified the old one/);
    assert.match(await alice.page.$eval(`${row(mallory)} .verification`, (badge) => badge.textContent), /Changed key/);
    await screenshot(alice, 'alarm');
  });

  test('a server that changes messages is detected', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const alice = await open('Alice');
    const bob = await open('Bob', {
      relay: (message) => {
        if (message.type !== 'message') return message;
        // The last byte of a signature, or of an entry.
        const text = atob(message.data);
        const last = String.fromCharCode(text.charCodeAt(text.length - 1) ^ 1);
        return { ...message, data: btoa(text.slice(0, -1) + last) };
      },
    });
    await bob.isAlarmed(/^The server delivered a message of Alice that Alice did not write/);
    assert.equal((await bob.receives(alice.id)).frames, 0);
  });

  test('a server that shows people different calls is detected by all of them', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const alice = await open('Alice');
    // Bob receives nothing of the third member, neither from the server nor in the messages that
    // Alice forwards.
    const bob = await open('Bob', {
      relay: (message) => {
        if (message.type === 'welcome' && message.members !== undefined) globalThis.only = message.members[0].id;
        const from = message.from ?? (['joined', 'left'].includes(message.type) ? message.id : undefined);
        if (from !== undefined && from !== globalThis.only) return null;
        if (message.type !== 'message') return message;
        const FORWARD = 9;
        const bytes = atob(message.data);
        if (bytes.charCodeAt(0) !== 0) return bytes.charCodeAt(1) === FORWARD ? null : message;
        let kept = '\0';
        for (let at = 1; at < bytes.length;) {
          const end = at + 2 + bytes.charCodeAt(at) * 256 + bytes.charCodeAt(at + 1);
          if (bytes.charCodeAt(at + 3) !== FORWARD) kept += bytes.slice(at, end);
          at = end;
        }
        return { ...message, data: btoa(kept) };
      },
    });
    await alice.plays(bob.id);
    const carol = await open('Carol');
    await Promise.all([
      alice.isAlarmed(/^Bob sees other people in this call than you do/, 150_000),
      carol.isAlarmed(/^Bob sees other people in this call than you do/, 150_000),
      bob.isAlarmed(/^Alice sees other people in this call than you do/, 150_000),
    ]);
    assert.notEqual(await alice.code(), await bob.code());
  });

  test('a locked call admits nobody new, and unlocking it is shown', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, bob] = await Promise.all([open('Alice'), open('Bob')]);
    await everyonePlays([alice, bob]);
    await alice.page.$eval('#people .lock', (button) => button.click());
    await bob.finds('locked', async () => (await bob.state()).locked);
    const dave = await open('Dave');
    await alice.isAlarmed(/kept out/);
    await dave.until(alice.id, 'packets arrive', ({ packets }) => packets > 200);
    assert.equal((await dave.receives(alice.id)).frames, 0);
    assert.deepEqual((await bob.state()).members.map(({ user }) => user), ['Alice']);
    await alice.page.$eval('#people .lock', (button) => button.click());
    await bob.isAlarmed(/^Alice has unlocked the call/);
  });

  test('a member removed by one is out for everybody, and is told so', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const [alice, bob, carol] = await Promise.all([open('Alice'), open('Bob'), open('Carol')]);
    await everyonePlays([alice, bob, carol]);
    const three = await sameCode([alice, bob, carol]);
    await alice.page.$eval(`[data-member="${carol.id}"] [data-act="remove"]`, (button) => button.click());
    await sameCode([alice, bob], three);
    await carol.finds('the notice', () =>
      carol.page.$eval('#notice', ({ hidden, textContent }) => !hidden && /^Alice has removed you/.test(textContent)));
    await sleep(3000);
    const before = (await sfu.recorded(bob.id, 'audio')).length;
    await sleep(1000);
    const later = (await sfu.recorded(bob.id, 'audio')).slice(before);
    assert.ok(later.length > 10, `${later.length} frames sealed later than 3 s after`);
    assert.ok(later.every((wire) => kidOf(wire) >> 24n > 0n), 'with keys that she was not given');
    await everyonePlays([alice, bob]);
  });

  test('garbage on every input stops neither the server nor the call', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const alice = await open('Alice');
    const bob = await open('Bob');
    await alice.plays(bob.id);

    await alice.page.evaluate(async (large) => {
      const offer = (sdp, slots = {}, sends = {}) => JSON.stringify({ type: 'offer', sdp, sends, slots });
      const real = globalThis.sealframeDemo.pc.localDescription.sdp;
      const messages = [
        '', '{', '[]', '{"type":"unknown"}', '{"type":"offer"}', '{"type":"message","to":99,"data":"x"}', '{"type":"message","data":"x"}',
        offer(''), offer('v=0'), offer(real.slice(0, 300)), offer(real.replaceAll('a=mid', 'a=dim')),
        offer(real.replaceAll('UDP/TLS/RTP/SAVPF', 'RTP/AVP')), offer(real, { ['\u{1f4a9}'.repeat(40)]: { from: 7, kind: 'camera', index: 0 } }),
        offer(real, {}, { ['\u{1f4a9}'.repeat(40)]: { kind: 'screen', index: 65535 } }), offer(real, {}, { 0: { kind: 'x' } }),
        'x'.repeat(large),
      ];
      await Promise.all(messages.map((message) => new Promise((resolve) => {
        const socket = new WebSocket('/ws?room=test&name=Mallory');
        socket.onopen = () => {
          socket.send(message);
          setTimeout(() => socket.close(), 1000);
        };
        socket.onclose = resolve;
      })));
    }, 300_000);

    const sdp = await alice.page.evaluate(() => globalThis.sealframeDemo.pc.remoteDescription.sdp);
    const [, address, port] = sdp.match(/^a=candidate:\S+ \S+ udp \S+ (\S+) (\d+)/mi);
    const socket = dgram.createSocket('udp4');
    for (let datagram = 0; datagram < 500; datagram += 1) {
      const bytes = randomBytes(datagram);
      // STUN, DTLS, RTP twice, none
      if (datagram > 0) bytes[0] = [0, 22, 128, 144, 255][datagram % 5];
      socket.send(bytes, Number(port), address);
    }
    await sleep(500);
    socket.close();

    assert.ok(sfu.isRunning);
    await keepsPlaying(alice, bob.id, 4);
    const carol = await open('Carol');
    await carol.plays(alice.id);
  });

  for (const [codec, framing] of [
    ['vp9', 'compatible'], ['h264', 'compatible'], ['av1', 'compatible'],
    ['vp8', 'full'], ['vp9', 'full'], ['h264', 'full'], ['av1', 'full'],
  ]) {
    test(`two Chromium tabs with ${codec}, ${framing} framing`, TIMEOUT, async (t) => {
      const { sfu, open } = await call(t);
      const agreed = { codec, framing };
      const alice = await open('Alice', { agreed });
      const bob = await open('Bob', { agreed });
      await alice.collect(400);
      const [byAlice, byBob] = await Promise.all([keepsPlaying(alice, bob.id, 4), keepsPlaying(bob, alice.id, 4)]);
      assert.deepEqual([byAlice.state, byBob.state], ['encrypted', 'encrypted']);
      assert.ok(byBob.frames > 40, `${byBob.frames} frames`);
      // The server finds the header wherever a frame begins: one KID for everything that a member
      // sends.
      const kids = (await sfu.tap()).filter(({ from }) => from === alice.id).map(({ latest }) => latest?.header?.kid);
      assert.equal(kids.length, 2);
      assert.equal(new Set(kids).size, 1, `KIDs ${kids}`);
      const packets = (await sfu.packets(alice.id)).filter(({ kind }) => kind === 'video');
      assert.deepEqual([...new Set(packets.map((packet) => packet.codec))], [codec]);
      const clear = (await alice.collected()).filter(({ kind }) => kind === 'camera').flatMap((frame) => needlesOf(frame.clear));
      assert.ok(clear.length > 50);
      assert.equal(find(clear, packets.map(({ payload }) => payload)).size, 0, 'pieces of clear frames');
      t.diagnostic(`${byBob.frames} frames decoded, ${clear.length} clear pieces in ${packets.length} packets: none`);
      await screenshot(bob, `${codec}-${framing}`);
    });
  }

  test('members with different framings are told so, and decode nothing', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const alice = await open('Alice', { agreed: { codec: 'vp9' } });
    const bob = await open('Bob', { agreed: { codec: 'vp9', framing: 'full' } });
    for (const [tab, from] of [[alice, bob.id], [bob, alice.id]]) {
      const { frames, energy } = await tab.until(from, `tab ${tab.id} fails`, ({ state }) => state === 'failing');
      assert.deepEqual([frames, energy], [0, 0]);
      assert.equal(await tab.says(from), 'Failing: different framing');
    }
  });

  for (const [codec, framing] of [
    // The codecs and framings that Firefox supports: see `supportedFramings`.
    ['vp8', 'compatible'], ['vp9', 'compatible'], ['av1', 'compatible'], ['vp9', 'full'],
  ]) test(`Chromium and Firefox see and hear each other with ${codec}, ${framing} framing`, TIMEOUT, async (t) => {
    if (!await isInstalled(FIREFOX)) return t.skip(`Firefox is not installed at ${FIREFOX}`);
    if (outward === undefined) {
      return t.skip('no IPv4 address but loopback on this machine, and Firefox does not send media to loopback');
    }
    const { open } = await call(t, { udp: outward.address });
    const firefox = await launchFirefox();
    t.after(() => firefox.close());
    const alice = await open('Alice', { agreed: { codec, framing } });
    const fritz = await open('Fritz', { browser: firefox, agreed: { codec, framing } });
    const [byAlice, byFritz] = await Promise.all([
      keepsPlaying(alice, fritz.id, 10),
      keepsPlaying(fritz, alice.id, 10),
    ]);
    assert.equal(byAlice.state, 'encrypted');
    assert.equal(byFritz.state, 'encrypted');
    await screenshot(alice, `firefox-${codec}-${framing}`);
    await screenshot(fritz, `in-firefox-${codec}-${framing}`);
  });

  test('two Chromium tabs and Firefox show one code', TIMEOUT, async (t) => {
    if (!await isInstalled(FIREFOX) || outward === undefined) return t.skip('no Firefox, or no address but loopback');
    const { open } = await call(t, { udp: outward.address });
    const firefox = await launchFirefox();
    t.after(() => firefox.close());
    const tabs = await Promise.all([open('Alice'), open('Bob'), open('Fritz', { browser: firefox })]);
    await everyonePlays(tabs);
    t.diagnostic(await sameCode(tabs));
    assert.deepEqual(await Promise.all(tabs.map((tab) => tab.alarms())), [[], [], []]);
  });
});
