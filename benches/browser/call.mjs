// `node call.mjs [--streams N] [--rounds N] [--seconds N]`: a call in which one Chromium sends `N`
// cameras and microphones and another receives them, with each contestant in turn. Prints Markdown:
// the cost in the receiving browser and its worker.

import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { launchChromium } from '../../examples/call/test/browser.mjs';

import { serve } from './server.mjs';

const NAMES = {
  nothing: 'pass-through',
  sealframe: 'sealframe',
  webcrypto: 'WebCrypto alone',
  livekit: "LiveKit's worker",
  jitsi: "Jitsi's worker",
};
/** Ticks per second of `/proc/<pid>/stat`; Linux has used 100 on every processor for decades. */
const TICKS = 100;
const WARM_SECONDS = 6;
const CONNECT_SECONDS = 30;

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
  },
});
const [streams, rounds, seconds] = [values.streams, values.rounds, values.seconds].map(Number);

const server = await serve();
const found = Object.fromEntries(Object.keys(NAMES).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1) {
  for (const name of Object.keys(NAMES)) {
    const one = await measure(name);
    found[name].push(one);
    console.error(`round ${round + 1}, ${NAMES[name]}: ${JSON.stringify(one)}`);
  }
}
server.close();
console.log(markdown());

async function measure(name) {
  const browsers = [await launchChromium(), await launchChromium()];
  try {
    const [sender, receiver] = await Promise.all(browsers.map(async (browser) => {
      const page = await browser.newPage();
      page.on('pageerror', (error) => console.error(error.message));
      await page.goto(`${server.url}call.html`);
      await page.waitForFunction(() => globalThis.side);
      return page;
    }));
    const offer = await sender.evaluate((...args) => globalThis.side.offer(...args), name, streams);
    const answer = await receiver.evaluate((...args) => globalThis.side.answer(...args), name, offer);
    await sender.evaluate((sdp) => globalThis.side.accept(sdp), answer);
    const received = () => receiver.evaluate(() => globalThis.side.received());
    await until(async () => (await received()).streams === 2 * streams, `all streams through ${NAMES[name]}`);
    await sleep(1000 * WARM_SECONDS);
    const pid = browsers[1].process().pid;
    const [before, costBefore] = [await received(), await cost(pid)];
    await sleep(1000 * seconds);
    const [after, costAfter] = [await received(), await cost(pid)];
    const video = after.video - before.video;
    const frames = video + after.audio - before.audio;
    return {
      frames: Math.round(frames / seconds),
      cpu: (100 * (costAfter.all - costBefore.all)) / TICKS / seconds,
      worker: (1e6 * (costAfter.worker - costBefore.worker)) / TICKS / frames,
      delay: (1000 * (after.processing - before.processing)) / video,
    };
  } finally {
    await Promise.all(browsers.map((browser) => browser.close()));
  }
}

async function until(condition, what) {
  const end = Date.now() + 1000 * CONNECT_SECONDS;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`not after ${CONNECT_SECONDS} s: ${what}`);
    await sleep(250);
  }
}

/** Ticks of processor time of a process and its descendants, and those of the workers' threads. */
async function cost(root) {
  const children = new Map();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const parent = (await fields(`/proc/${pid}/stat`))?.[1];
    if (parent !== undefined) children.set(Number(parent), [...children.get(Number(parent)) ?? [], Number(pid)]);
  }
  const sum = { all: 0, worker: 0 };
  const open = [root];
  for (const pid of open) {
    open.push(...children.get(pid) ?? []);
    for (const task of await readdir(`/proc/${pid}/task`).catch(() => [])) {
      const of = `/proc/${pid}/task/${task}`;
      const stat = await fields(`${of}/stat`);
      if (stat === null) continue;
      const ticks = Number(stat[11]) + Number(stat[12]);
      sum.all += ticks;
      if ((await readFile(`${of}/comm`, 'utf8').catch(() => '')).startsWith('DedicatedWorker')) sum.worker += ticks;
    }
  }
  return sum;
}

/** The fields after the name, which may contain blanks: the state first. */
async function fields(stat) {
  const text = await readFile(stat, 'utf8').catch(() => null);
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ');
}

function markdown() {
  const median = (name, key) => found[name].map((one) => one[key]).toSorted((a, b) => a - b)[Math.floor(rounds / 2)];
  const rows = Object.entries(NAMES).map(([name, title]) => {
    const over = median(name, 'worker') - median('nothing', 'worker');
    return [title, median(name, 'frames'), `${median(name, 'cpu').toFixed(0)} %`, median(name, 'worker').toFixed(1),
      name === 'nothing' ? '' : over.toFixed(1), `${median(name, 'delay').toFixed(1)} ms`];
  });
  const head = ['', 'frames/s', 'processor, whole browser', 'worker, µs a frame', 'over pass-through', 'from first packet to decoded'];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, place) => (place === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
