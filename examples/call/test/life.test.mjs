// Calls in real life: frozen pages, server restarts, network failures, reloads, second windows.
// Nobody clicks anything, and no alarm is raised.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from './browser.mjs';
import { startSfu } from './sfu.mjs';
import { outcomeOf, openTab } from './tab.mjs';

const TIMEOUT = { timeout: 420_000 };
/**
 * Media must be back by then, also on processors that other tests use. How soon they are is
 * printed: the aim is 10 s.
 */
const BACK_MS = 20_000;
/** How long a page is frozen, or cut off: longer than any timeout of server and browser. */
const FROZEN_MS = 180_000;
const CUT_OFF_MS = 120_000;
/** Enough pictures a second to see that they play; saves processor time for the many tabs. */
const FPS = 5;

/** The address for media: Firefox sends none to loopback. */
const outward = Object.values(networkInterfaces()).flat().find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
/** Whether Firefox takes part. */
const isFirefoxHere = outward !== undefined && await isInstalled(FIREFOX);

/** Command lines of Chromium: of processes that run pages, and of the one that carries packets. */
const PROCESSES = { pages: / --type=renderer /, network: /network\.mojom\.NetworkService/ };

let chromium;
let firefox = null;

before(async () => {
  [chromium, firefox] = await Promise.all([launchChromium({ fps: FPS }), isFirefoxHere ? launchFirefox({ fps: FPS }) : null]);
}, { timeout: 120_000 });

after(() => Promise.all([chromium?.close(), firefox?.close()]));

/** A server for one test, and tabs on it that close with the test. */
async function call(t) {
  if (!isFirefoxHere) t.diagnostic('without Firefox: not installed, or this machine has no IPv4 address but loopback');
  const sfu = await startSfu({ udp: outward });
  t.after(() => sfu.stop());
  const open = async (name, browser = chromium) => {
    const tab = await openTab(browser, sfu.url, { name });
    t.after(() => tab.close().catch(() => {}));
    return tab;
  };
  return { sfu, open };
}

/** Separate browsers, whose processes can be stopped. */
async function ownBrowsers(t) {
  const launch = async (name) => ({ browser: await launchChromium({ fps: FPS }), name });
  const launched = await Promise.all([launch('Dora'), launch('Emil')]);
  for (const { browser } of launched) t.after(() => browser.close());
  return launched;
}

/** The processes of a browser whose command lines match. */
async function processes(browser, pattern) {
  const parents = new Map();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const root = browser.process().pid;
  const isOurs = (pid) => pid === root || (parents.has(pid) && pid > 1 && isOurs(parents.get(pid)));
  const found = [];
  for (const pid of [...parents.keys()].filter(isOurs)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (pattern.test(line.replaceAll('\0', ' ').trimEnd())) found.push(pid);
  }
  assert.ok(found.length > 0, `${pattern} runs`);
  return found;
}

/** Stops these processes for a time, wherever they are. */
async function stopFor(ms, pids) {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await sleep(ms);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}

/** Waits, for a limited time, until pictures and sound of `from` play here; resolves to the
 * seconds that it took. */
async function goesOn(tab, from, start, ms = BACK_MS) {
  let last = null;
  const said = [];
  while (performance.now() - start < ms) {
    const now = { at: performance.now(), ...await tab.receives(from).catch(() => ({ frames: 0, samples: 0, energy: 0 })) };
    said.push(`${Math.round(now.at - start)} ms: ${now.state} ${now.frames} ${now.samples}`);
    const isMore = last !== null && now.state === 'encrypted' && now.frames > last.frames + 2 && now.samples > last.samples && now.energy > last.energy;
    if (isMore) return Math.round((performance.now() - start) / 100) / 10;
    if (last === null || now.at - last.at > 1500 || now.frames < last.frames) last = now;
    await sleep(250);
  }
  throw new Error(`tab ${tab.id} does not go on playing ${from}: ${said.join('; ')}; ${await tab.notice().catch(String)}; ${tab.errors.join('; ')}`);
}

/** Waits, for a limited time, until each of these tabs plays all others. */
async function allGoOn(tabs, ms) {
  const start = performance.now();
  const seconds = await Promise.all(tabs.flatMap((tab) => tabs.filter((other) => other !== tab).map((other) => goesOn(tab, other.id, start, ms))));
  return Math.max(...seconds);
}

/** Waits until all tabs show one code. */
const agree = (tabs) => tabs[0].finds('one code', async () => new Set(await Promise.all(tabs.map((tab) => tab.code()))).size === 1);

/** Tabs that play each other, and a function that checks for alarms. */
async function playing(tabs) {
  await allGoOn(tabs, 60_000);
  await agree(tabs);
  const alarms = await Promise.all(tabs.map((tab) => tab.watchAlarms()));
  return async (still = tabs) => {
    // Gives the comparison of rosters time to run.
    await sleep(8000);
    await agree(still);
    const raised = await Promise.all(tabs.map(async (tab, place) => (still.includes(tab) ? alarms[place]() : [])));
    assert.deepEqual(raised, tabs.map(() => []));
  };
}

/**
 * A call of four, two of which stop for a time: either their pages, or all of their packets. Calls
 * `onStop` when they stop.
 */
async function breakOff(t, { what, ms, onStop = () => {} }) {
  const { open } = await call(t);
  const own = await ownBrowsers(t);
  const tabs = [await open('Alice'), await open('Bob')];
  for (const { name, browser } of own) tabs.push(await open(name, browser));
  const areCalm = await playing(tabs);
  const events = await tabs[0].events();
  const pids = await Promise.all(own.map(({ browser }) => processes(browser, PROCESSES[what])));
  onStop();
  await stopFor(ms, pids.flat());
  t.diagnostic(`back after ${await allGoOn(tabs, BACK_MS)} s`);
  await areCalm();
  // The others saw both leave and return, as the same people.
  const all = await events();
  const told = [...new Set(all.map(({ session }) => session))]
    .map((one) => all.filter(({ session }) => session === one).map(({ type, why }) => why ?? type))
    .map((types) => types.filter((type) => ['dropped', 'returned', 'joined'].includes(type)))
    .filter((types) => types.length > 0);
  assert.deepEqual(told, own.map(() => ['dropped', 'returned']));
}

/** A promise, and the function that fulfils it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => { open = resolve; });
  return { open, opened };
}

/** The long tests, in parallel: while the first waits, the second gets ready. */
describe('calls go on', { concurrency: 3 }, () => {
  const frozen = gate();

  test('when pages have been frozen for three minutes', TIMEOUT, async (t) => {
    t.after(frozen.open);
    await breakOff(t, { what: 'pages', ms: FROZEN_MS, onStop: frozen.open });
  });

  test('when two have been cut off for two minutes', TIMEOUT, async (t) => {
    await frozen.opened;
    await breakOff(t, { what: 'network', ms: CUT_OFF_MS });
  });
});

/** With Firefox, one by one: it takes more processors than two to do this beside others. */
describe('calls go on with Firefox', () => {
  test('when the server is restarted', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const tabs = [await open('Alice'), await open('Bob'), await open('Fritz', firefox ?? chromium)];
    const areCalm = await playing(tabs);
    for (const pause of [0, 20_000]) {
      await sfu.restart(pause);
      t.diagnostic(`back after ${await allGoOn(tabs, BACK_MS)} s`);
    }
    await areCalm();
  });

  test('when a page is reloaded', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, carol, fritz] = [await open('Alice'), await open('Carol'), await open('Fritz', firefox ?? chromium)];
    const areCalm = await playing([alice, carol, fritz]);
    for (const tab of [carol, fritz]) {
      await tab.page.reload();
      const before = tab.id;
      tab.id = await outcomeOf(tab.page);
      assert.equal(tab.id, before, 'the same address as before');
      t.diagnostic(`back after ${await allGoOn([alice, carol, fritz], BACK_MS)} s`);
      await tab.watchAlarms();
    }
    await areCalm();
    assert.equal((await alice.state()).members.length, 2);
  });

  test('in a second window of the same person, and the first shows it', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, carol, fritz] = [await open('Alice'), await open('Carol'), await open('Fritz', firefox ?? chromium)];
    const areCalm = await playing([alice, carol, fritz]);
    const tabs = [alice, carol, fritz];
    for (const [place, name, browser] of [[1, 'Carol', chromium], [2, 'Fritz', firefox ?? chromium]]) {
      const first = tabs[place];
      const second = tabs[place] = await open(name, browser);
      assert.notEqual(second.id, first.id);
      t.diagnostic(`there after ${await allGoOn(tabs, BACK_MS)} s`);
      await first.finds('what it says', async () => /^You have been replaced/.test(await first.notice()));
      await second.watchAlarms();
    }
    await areCalm([alice]);
    await agree(tabs);
    assert.deepEqual((await alice.state()).members.map(({ user }) => user).sort(), ['Carol', 'Fritz']);
    assert.deepEqual(await Promise.all(tabs.map((tab) => tab.alarms())), [[], [], []]);
  });
});
