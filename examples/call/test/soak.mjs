// A long call in two tabs of Chromium: media play both ways, keys change, no alarm is raised,
// memory does not grow.
//
//   node soak.mjs MINUTES

import { setTimeout as sleep } from 'node:timers/promises';

import { launchChromium } from './browser.mjs';
import { startSfu } from './sfu.mjs';
import { openTab } from './tab.mjs';

/** A gap of this length in decoded media ends the run. */
const WINDOW_MS = 4000;

const minutes = Number(process.argv[2]);
if (!(minutes > 0)) {
  console.error('usage: node soak.mjs MINUTES');
  process.exit(2);
}

const sfu = await startSfu();
const browser = await launchChromium();
try {
  const alice = await openTab(browser, sfu.url, { name: 'Alice' });
  const bob = await openTab(browser, sfu.url, { name: 'Bob' });
  const ways = [[alice, bob], [bob, alice]].map(([tab, other]) => ({ tab, from: other.id }));
  for (const way of ways) way.last = await way.tab.plays(way.from);
  const heap = async ({ tab }) => (await tab.page.metrics()).JSHeapUsedSize;
  const [end, atStart] = [Date.now() + minutes * 60_000, await Promise.all(ways.map(heap))];
  let windows = 0;
  while (Date.now() < end) {
    await sleep(WINDOW_MS);
    windows += 1;
    for (const way of ways) {
      const { tab, from, last } = way;
      const now = await tab.receives(from);
      if (!(now.frames > last.frames && now.samples > last.samples)) {
        throw new Error(`tab ${tab.id} stopped playing ${from} in window ${windows}: ${JSON.stringify({ last, now })}`);
      }
      const alarms = await tab.alarms();
      if (alarms.length > 0) throw new Error(`tab ${tab.id} is alarmed: ${JSON.stringify(alarms)}`);
      way.last = now;
    }
    if (windows % 15 === 0) console.log(`${windows} windows, ${ways.map(({ last }) => last.frames).join(' and ')} frames`);
  }
  const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
  const atEnd = await Promise.all(ways.map(heap));
  console.log(`${windows} windows; JavaScript heaps ${atStart.map(megabytes)} MiB, then ${atEnd.map(megabytes)} MiB`);
} finally {
  await browser.close();
  await sfu.stop();
}
