// Codecs in Chromium as connections negotiate them: nobody tells the call which codec a stream has.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launchChromium } from '../../examples/call/test/browser.mjs';

import { serve } from './serve.mjs';

const here = (path) => new URL(path, import.meta.url).pathname;
const TIMEOUT = { timeout: 120_000 };
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; media-src 'self' blob:";

let server;
let browser;
before(async () => {
  server = await serve([here('../pkg'), here('./negotiated')], POLICY);
  browser = await launchChromium();
});
after(async () => {
  await browser?.close();
  server?.close();
});

async function inPage(work, ...args) {
  const page = await browser.newPage();
  try {
    await page.goto(server.url);
    await page.evaluate(async () => { globalThis.page = await import('./page.js'); });
    return await page.evaluate(work, ...args);
  } finally {
    await page.close();
  }
}

/** What goes wrong while each of these codecs plays for a while, one negotiated after the other. */
const plays = (...args) => inPage(async (kind, framing, codecs) => {
  const pair = await globalThis.page.Pair.start(kind, codecs[0], framing);
  await pair.plays(codecs[0]);
  for (const codec of codecs.slice(1)) {
    await pair.negotiate(codec);
    await pair.plays(codec);
  }
  return pair.close();
}, ...args);

test('full framing: H.264, then AV1, then VP9 and H.264 again, as the connection negotiates them', TIMEOUT, async () => {
  assert.deepEqual(await plays('video', 'full', ['h264', 'av1', 'vp9', 'h264']), []);
});

test('full framing: a call that begins with AV1', TIMEOUT, async () => {
  assert.deepEqual(await plays('video', 'full', ['av1', 'vp8']), []);
});

for (const framing of ['compatible', 'full']) {
  test(`${framing} framing: sound with redundancy, and then without`, TIMEOUT, async () => {
    assert.deepEqual(await plays('audio', framing, ['red', 'opus', 'red']), []);
  });
}

test('padding of RTP raises no alarm', TIMEOUT, async () => {
  assert.deepEqual(await inPage(() => globalThis.page.padded()), []);
});

test('full framing: what is no description is refused later, as the browser does', TIMEOUT, async () => {
  const no = 'rejects';
  assert.deepEqual(await inPage(() => globalThis.page.refused()), [no, no, no, no, 'calls', 'resolves', 'stable']);
});
