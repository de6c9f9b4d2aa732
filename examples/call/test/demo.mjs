// Opens a running demo in two tabs with fake camera and microphone and reports how the call goes.
//
//   node demo.mjs http://127.0.0.1:8080/ [--seconds N]
//
// With SEALFRAME_SCREENSHOT set, writes a picture of the call after five seconds.

import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

import { launchChromium } from './browser.mjs';
import { openTab } from './tab.mjs';

const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string', default: 'Infinity' } },
  allowPositionals: true,
});
const [url] = positionals;
if (url === undefined || Number.isNaN(Number(values.seconds))) {
  console.error('usage: node demo.mjs URL [--seconds N]');
  process.exit(2);
}

const headed = process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
const browser = await launchChromium({ headless: !headed });
browser.on('disconnected', () => process.exit());

const alice = await openTab(browser, url, { room: 'demo', name: 'Alice' });
const bob = await openTab(browser, url, { room: 'demo', name: 'Bob' });

for (let second = 1; second <= Number(values.seconds); second += 1) {
  await sleep(1000);
  const [byAlice, byBob] = await Promise.all([alice.receives(bob.id), bob.receives(alice.id)]);
  console.log(`${second} s  ${line('Alice', 'Bob', byAlice)}   ${line('Bob', 'Alice', byBob)}`);
  if (second === 5 && process.env.SEALFRAME_SCREENSHOT) {
    await bob.page.bringToFront();
    await bob.page.screenshot({ path: process.env.SEALFRAME_SCREENSHOT });
    console.log(`picture in ${process.env.SEALFRAME_SCREENSHOT}`);
  }
}
await browser.close();

function line(who, whom, { state, frames, samples }) {
  const seconds = (samples / 48_000).toFixed(1);
  return `${who} decoded of ${whom}: ${frames} frames, ${seconds} s of sound, ${state}.`;
}
