// However an application adds media to a protected connection, the server gets nothing in clear: every packet that it
// recorded belongs to a frame that opens with the sender's key.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from './browser.mjs';
import { judge } from './leaks.mjs';
import { startSfu } from './sfu.mjs';

const TIMEOUT = { timeout: 120_000 };
/** Frames of each stream that must have been recorded and opened, or the test shows nothing. */
const ENOUGH = 20;

/** What each way sends: kind and index. */
const WAYS = {
  'addTrack before negotiation': ['microphone 0', 'camera 0'],
  'addTrack after negotiation': ['microphone 0', 'camera 0'],
  addTransceiver: ['microphone 0', 'camera 0'],
  replaceTrack: ['camera 0'],
  renegotiation: ['camera 0'],
  'second video': ['camera 0', 'camera 1'],
  'screen share': ['microphone 0', 'screen 0'],
  simulcast: ['camera 0'],
  addStream: ['microphone 0', 'camera 0'],
  reconnect: ['camera 0'],
  'worker killed': ['microphone 0', 'camera 0'],
  'transform attached late': ['camera 0'],
  'protected late': ['microphone 0', 'camera 0'],
};

const outward = Object.values(networkInterfaces()).flat()
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

for (const [browserName, launch, isThere] of [
  ['Chromium', launchChromium, async () => true],
  ['Firefox', launchFirefox, async () => outward !== undefined && isInstalled(FIREFOX)],
]) {
  describe(browserName, { concurrency: false }, () => {
    let [browser, sfu, missing] = [];

    before(async () => {
      missing = !await isThere();
      if (missing) return;
      browser = await launch();
      // Firefox sends no media to loopback.
      sfu = await startSfu(browserName === 'Firefox' ? { udp: outward } : {});
    }, TIMEOUT);
    after(async () => {
      await browser?.close();
      await sfu?.stop();
    });

    /** A page of its own in which leak.page.js is there. */
    async function inPage(work) {
      const page = await browser.newPage();
      try {
        await page.goto(sfu.url);
        await page.evaluate(`{${await readFile(new URL('leak.page.js', import.meta.url), 'utf8')}}`);
        return await work(page);
      } finally {
        await page.close();
      }
    }

    /** Runs one way and gives what the server has of it. */
    const run = (name) => inPage(async (page) => {
      const secret = randomBytes(32);
      const room = name.replaceAll(' ', '-');
      const said = await page.evaluate((...args) => globalThis.leak.run(...args), name, room, [...secret]);
      await sleep(300);
      const packets = (await Promise.all(said.participants.map((id) => sfu.packets(id, room)))).flat();
      return { ...said, verdict: await judge(packets, { ...said, secret }) };
    });

    test('without protection, clear packets are seen', TIMEOUT, async (t) => {
      if (missing) return t.skip('no browser, or no address but loopback');
      const { verdict } = await run('unprotected');
      assert.ok(verdict.unopened > 50, `${verdict.unopened} clear packets`);
      assert.deepEqual(verdict.opened, {});
    });

    test('nothing leaks: sendrecv, answering', TIMEOUT, async (t) => {
      if (missing) return t.skip('no browser, or no address but loopback');
      const answer = (isProtected) => inPage((page) =>
        page.evaluate((...args) => globalThis.leak.answer(...args), 'answer', [...randomBytes(32)], isProtected));
      const [clear, sealed] = [await answer(false), await answer(true)];
      assert.ok(clear.decoded > ENOUGH, `in clear: ${JSON.stringify(clear)}`);
      assert.ok(sealed.packets > clear.packets / 4, `sealed: ${JSON.stringify(sealed)}`);
      assert.equal(sealed.decoded, 0);
    });

    test('a connection on which Chromium would ignore transforms is refused', TIMEOUT, async (t) => {
      if (missing) return t.skip('no browser, or no address but loopback');
      const refused = await inPage((page) =>
        page.evaluate((...args) => globalThis.leak.refused(...args), 'refused', [...randomBytes(32)]));
      if (browserName === 'Chromium') assert.match(refused, /rtcConfiguration/);
      else assert.equal(refused, null);
    });

    test('media that go around the worker are noticed and turned off', TIMEOUT, async (t) => {
      if (missing) return t.skip('no browser, or no address but loopback');
      const { more, states } = await inPage((page) =>
        page.evaluate((...args) => globalThis.leak.bypass(...args), 'bypass', [...randomBytes(32)]));
      assert.equal(more, 0, 'packets after it was noticed');
      // Chromium itself sends nothing then.
      if (browserName === 'Firefox') assert.equal(states.at(-1).state, 'leaking');
    });

    for (const [name, streams] of Object.entries(WAYS)) {
      test(`nothing leaks: ${name}`, TIMEOUT, async (t) => {
        if (missing) return t.skip('no browser, or no address but loopback');
        const { verdict, states, clear } = await run(name);
        assert.deepEqual(verdict.strange, [], `packets that are no sealed frame; states ${JSON.stringify(states.slice(-4))}`);
        assert.equal(verdict.needles, 0, 'pieces of clear frames');
        for (const stream of streams) {
          assert.ok(verdict.opened[stream] >= ENOUGH, `${stream}: ${JSON.stringify(verdict)}, states ${JSON.stringify(states.slice(-4))}`);
        }
        assert.deepEqual(Object.keys(verdict.opened).sort(), [...streams].sort());
        if (name !== 'worker killed') {
          assert.ok(!states.some(({ state }) => state === 'leaking' || state === 'error'), JSON.stringify(states.slice(-4)));
        }
        t.diagnostic(`${verdict.packets} packets, ${JSON.stringify(verdict.opened)} frames opened, ${verdict.torn} packets of frames cut by the end, ${clear.length} clear frames searched for`);
      });
    }
  });
}
