// How long things live in a browser: keys, memory, and a worker's patience. The package's own
// worker runs; the test only looks.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from '../../examples/call/test/browser.mjs';

import { serve } from './serve.mjs';

const here = (path) => new URL(path, import.meta.url).pathname;
const TIMEOUT = { timeout: 180_000 };
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
const SECRET = Array.from({ length: 32 }, (_, place) => (place * 53 + 19) & 0xff);

let server;
before(async () => {
  server = await serve([here('../pkg'), here('./lifetimes')], POLICY);
});
after(() => server.close());

for (const [name, launch] of [['Chromium', launchChromium], ['Firefox', launchFirefox]]) {
  describe(`in ${name}`, async () => {
    if (name === 'Firefox' && !(await isInstalled(FIREFOX))) return test(`no ${FIREFOX}`, { skip: true });
    let browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser.close());

    /** A page in which page.js is there, as `life`. */
    async function inPage(work) {
      const page = await browser.newPage();
      try {
        await load(page);
        return await work(page);
      } finally {
        await page.close();
      }
    }
    async function load(page) {
      await page.goto(server.url);
      await page.evaluate(async () => { globalThis.life = await import('./page.js'); });
    }
    const begin = (page) => page.evaluate(async (secret) => {
      globalThis.probe = new globalThis.life.Probe();
      await globalThis.probe.ask('begin', { secret: Uint8Array.from(secret) });
    }, SECRET);
    const ask = (page, request, args) =>
      page.evaluate((...all) => globalThis.probe.ask(...all), request, args);

    test('keys of who leaves and secrets of a closed call are nowhere in linear memory', TIMEOUT, () => inPage(async (page) => {
      await begin(page);
      await ask(page, 'frames', { count: 200 });
      const look = () => ask(page, 'look', { needles: [SECRET] });
      const living = await look();
      assert.equal(living.length, 2, 'a module for each member');
      for (const { needles, keys } of living) {
        assert.ok(needles[0] > 0, 'the search finds a living secret');
        assert.equal(keys.length, 2, 'one imported to seal, one to open');
        assert.ok(keys.every((count) => count > 0), 'and living keys');
      }
      await ask(page, 'leave');
      const [alice, bob] = await look();
      assert.ok(alice.keys.every((count) => count > 0), 'Alice goes on');
      assert.deepEqual(bob.keys, [0, 0], 'Bob has nothing of hers');
      await ask(page, 'close');
      for (const { needles, keys } of await look()) {
        assert.deepEqual(needles, [0]);
        assert.deepEqual(keys, [0, 0]);
      }
    }));

    test('memory stays as it is over 100,000 frames', TIMEOUT, (t) => inPage(async (page) => {
      await begin(page);
      const heap = async () => {
        const [{ client }] = page.workers();
        await client.send('HeapProfiler.collectGarbage');
        return (await client.send('Runtime.getHeapUsage')).usedSize;
      };
      const linear = await ask(page, 'frames', { count: 10_000 });
      // Firefox does not say what scripts have.
      const before = name === 'Chromium' ? await heap() : null;
      assert.deepEqual(await ask(page, 'frames', { count: 100_000 }), linear);
      t.diagnostic(`linear memories of ${linear} bytes`);
      if (before === null) return;
      const grown = await heap() - before;
      t.diagnostic(`scripts' memory grew by ${grown} bytes over 100,000 frames`);
      assert.ok(grown < 200_000, `${grown} bytes`);
    }));

    test('neither a worker that is started again nor a page that is loaded again has a key twice', TIMEOUT, () =>
      inPage(async (page) => {
        const keys = [];
        for (let loaded = 0; loaded < 3; loaded += 1) {
          await load(page);
          for (let started = 0; started < 4; started += 1) {
            await begin(page);
            await ask(page, 'frames', { count: 100 });
            keys.push(...await ask(page, 'sealedWith'));
            await page.evaluate(() => globalThis.probe.kill());
          }
        }
        assert.equal(keys.length, 12);
        assert.equal(new Set(keys).size, 12);
      }));

    test('a stream that breaks is reported, and the call goes on', TIMEOUT, () => inPage(async (page) => {
      const { state, errors, opens } = await page.evaluate(() => globalThis.life.broken('./throws.js'));
      assert.deepEqual([state.direction, state.kind, state.state, state.code, state.message],
        ['seal', 'camera', 'broken', 'StreamBroken', 'the stream is broken']);
      assert.deepEqual(errors, []);
      assert.equal(opens.ok, false, 'the worker answers');
    }));

    test('a worker is for one call: a second one is refused, and the first goes on', TIMEOUT, () => inPage(async (page) => {
      assert.deepEqual(await page.evaluate(() => globalThis.life.twice()), ['WorkerInUse', 'WorkerInUse', 'fine']);
    }));

    test('a worker that hangs is reported', TIMEOUT, () => inPage(async (page) => {
      assert.match(await page.evaluate(() => globalThis.life.reported('./hangs.js')), /does not answer/);
    }));
  });
}
