// Calls in Chromium between our workers and those of livekit-client and lib-jitsi-meet, each driven
// by the messages that its own client sends: one seals, the other opens.

import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { fetchJitsi } from '../../../benches/browser/jitsi.mjs';
import { launchChromium } from '../../../examples/call/test/browser.mjs';

import { serve } from '../serve.mjs';

const here = (path) => new URL(path, import.meta.url).pathname;
const TIMEOUT = { timeout: 120_000 };
/** Media flow in real time: tests of pages that wait run beside each other. */
const AT_ONCE = { concurrency: 3 };
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'";

let server;
let browser;
before(async () => {
  const jitsi = await fetchJitsi(here('./node_modules/.cache/jitsi'));
  server = await serve([here('./page'), here('../../pkg'), here('./node_modules/livekit-client/dist'), dirname(jitsi)], POLICY);
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  server?.close();
});

async function inPage(work) {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  try {
    await page.goto(server.url);
    await page.waitForFunction(() => globalThis.Call);
    await work(page);
    assert.deepEqual(errors, []);
  } finally {
    await page.close();
  }
}

/** A call in a page, as this test sees it. */
class Tab {
  #page;

  constructor(page) {
    this.#page = page;
  }

  static async start(page, options) {
    await page.evaluate(async (options) => { globalThis.call = await globalThis.Call.start(options); }, options);
    return new Tab(page);
  }

  /** Keys are passphrases, or arrays of bytes. */
  setKeys(index, sealing, opening) {
    return this.#page.evaluate((index, ...keys) => {
      const [sealing, opening] = keys.map((key) => (Array.isArray(key) ? Uint8Array.from(key) : key));
      return globalThis.call.setKeys(index, sealing, opening);
    }, index, sealing, opening);
  }

  ratchetSealing(index) {
    return this.#page.evaluate((index) => globalThis.call.ratchetSealing(index), index);
  }

  async passData(bytes) {
    const passed = (bytes) => globalThis.call.passData(Uint8Array.from(bytes)).then((all) => Array.from(all));
    return this.#page.evaluate(passed, bytes);
  }

  received() {
    return this.#page.evaluate(() => globalThis.call.received());
  }

  said() {
    return this.#page.evaluate(() => globalThis.call.said());
  }

  /** Until so many more pictures and a beep have been decoded. */
  async plays(what) {
    const start = await this.received();
    const end = Date.now() + 20_000;
    for (;;) {
      const now = await this.received();
      if (now.frames >= start.frames + 15 && now.samples > start.samples && now.energy > start.energy + BEEP) return now;
      if (Date.now() > end) {
        const { sealing, opening } = await this.said();
        const said = JSON.stringify({ sealing: sealing.slice(-3), opening: opening.slice(-3) });
        throw new Error(`${what}: ${JSON.stringify(start)} is now ${JSON.stringify(now)}; ${said}`);
      }
      await sleep(200);
    }
  }

  /** Packets arrive, and nothing is decoded. */
  async isSilent(what) {
    await sleep(1500);
    const start = await this.received();
    await sleep(2000);
    const now = await this.received();
    assert.ok(now.packets > start.packets + 20, `${what}: packets arrive`);
    assert.equal(now.frames, start.frames, `${what}: no picture`);
    assert.ok(now.energy < start.energy + NOISE, `${what}: no sound`);
  }
}

/**
 * Of sound: what is heard at least in a second, and what concealment of missing frames comes to at
 * most.
 */
const [BEEP, NOISE] = [1e-2, 1e-3];

const bytes = (seed, length = 32) => Array.from({ length }, (_, place) => (place * 53 + seed) & 0xff);

describe('livekit-client', AT_ONCE, () => {
  const OURS = 'sealframe for livekit';
  const ends = [['livekit', OURS], [OURS, 'livekit'], [OURS, OURS]];
  for (const [sealing, opening] of ends) {
    for (const [place, codec] of ['vp8', 'vp9', 'h264'].entries()) {
      const path = place % 2 === 0 ? 'streams' : 'script';
      test(`${sealing} seals ${codec} and ${opening} opens it, by ${path}`, TIMEOUT, () => inPage(async (page) => {
        const call = await Tab.start(page, { sealing, opening, codec, path });
        await call.setKeys(0, bytes(1), bytes(1));
        const { codec: negotiated } = await call.plays('bytes as key');
        assert.equal(negotiated.toLowerCase(), `video/${codec}`);
        await call.setKeys(1, 'a passphrase', 'a passphrase');
        await call.plays('a passphrase as key, at another index');
        await call.ratchetSealing(1);
        await call.plays('the sender has ratcheted');
        await call.setKeys(2, bytes(2), bytes(3));
        await call.isSilent('the wrong key');
        await call.setKeys(3, bytes(4), null);
        await call.isSilent('no key');
        await call.setKeys(3, null, bytes(4));
        await call.plays('the right key at last');
      }));
    }
  }
});

describe("livekit-client's own room", AT_ONCE, () => {
  const OURS = 'sealframe in a room of livekit';
  const STOCK = 'livekit in its room';
  for (const [sealing, opening] of [[STOCK, OURS], [OURS, STOCK]]) {
    test(`a call from ${sealing} to ${opening}`, TIMEOUT, () => inPage(async (page) => {
      const call = await Tab.start(page, { sealing, opening, codec: 'vp8', path: 'streams' });
      await call.setKeys(0, bytes(1), bytes(1));
      await call.plays('bytes as key');
      assert.deepEqual(await call.passData([1, 2, 3]), [1, 2, 3]);
      await call.ratchetSealing(0);
      await call.plays('the sender has ratcheted');
      for (const said of Object.values(await call.said())) {
        const ratcheted = said.filter(({ kind }) => kind === 'ratchetKey');
        assert.deepEqual(ratcheted, [{ kind: 'ratchetKey', participant: 'alice', index: 0 }], 'both pages are told');
      }
      await call.setKeys(1, 'a passphrase', 'another one');
      await call.isSilent('the wrong key');
      const { opening: said } = await call.said();
      assert.ok(said.some(({ error }) => error?.startsWith('InvalidKey')), 'and it is said');
      await call.setKeys(2, 'a passphrase', 'a passphrase');
      await call.plays('the right key at last');
    }));
  }
});

describe('lib-jitsi-meet', AT_ONCE, () => {
  const OURS = 'sealframe for jitsi';
  const ends = [['jitsi', OURS], [OURS, 'jitsi'], [OURS, OURS]];
  for (const [sealing, opening] of ends) {
    for (const path of ['streams', 'script']) {
      test(`${sealing} seals vp8 and ${opening} opens it, by ${path}`, TIMEOUT, () => inPage(async (page) => {
        const call = await Tab.start(page, { sealing, opening, codec: 'vp8', path });
        await call.setKeys(0, bytes(1), bytes(1));
        await call.plays('a key');
        await call.setKeys(1, bytes(5), bytes(5));
        await call.plays('another key at another index');
        await call.ratchetSealing(1);
        await call.plays('the sender has ratcheted');
        // What the release on npm cannot open it gives to the decoder.
        if (opening !== 'jitsi') {
          await call.setKeys(2, bytes(2), bytes(3));
          await call.isSilent('the wrong key');
          await call.setKeys(3, bytes(4), null);
          await call.isSilent('no key');
        } else {
          await call.setKeys(3, bytes(4), null);
        }
        await call.setKeys(3, null, bytes(4));
        await call.plays('the right key at last');
      }));
    }
  }
});

describe('our worker that is told which format it is to be', AT_ONCE, () => {
  const calls = [
    ['livekit', 'sealframe, told livekit', 'vp9'],
    ['sealframe, told livekit', 'livekit', 'h264'],
    ['jitsi', 'sealframe, told jitsi', 'vp8'],
    ['sealframe, told jitsi', 'jitsi', 'vp8'],
    ['sealframe, told dave', 'sealframe, told dave', 'vp8'],
    ['sealframe, told dave', 'sealframe, told dave', 'vp9'],
    ['sealframe, told dave', 'sealframe, told dave', 'h264'],
  ];
  for (const [place, [sealing, opening, codec]] of calls.entries()) {
    const path = place % 2 === 0 ? 'streams' : 'script';
    test(`${sealing} seals ${codec} and ${opening} opens it, by ${path}`, TIMEOUT, () => inPage(async (page) => {
      const call = await Tab.start(page, { sealing, opening, codec, path });
      await call.setKeys(0, bytes(1), bytes(1));
      const { codec: negotiated } = await call.plays('a key');
      assert.equal(negotiated.toLowerCase(), `video/${codec}`);
      await call.setKeys(1, bytes(2), bytes(2));
      await call.plays('another key');
      if (opening.startsWith('sealframe')) {
        await call.setKeys(2, bytes(3), bytes(4));
        await call.isSilent('the wrong key');
      }
      await call.setKeys(3, bytes(5), bytes(5));
      await call.plays('the right key at last');
    }));
  }
});
