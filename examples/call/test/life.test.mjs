// Calls in real life: frozen pages, server restarts, network failures, reloads, second windows.
// Nobody clicks anything, and no alarm is raised.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { launchChromium } from './browser.mjs';
import { startSfu } from './sfu.mjs';
import { outcomeOf, openTab } from './tab.mjs';

const TIMEOUT = { timeout: 420_000 };
/** Media must be back this soon after a failure ends. */
const BACK_MS = 10_000;
/** How long a page is frozen, or cut off: longer than any timeout of server and browser. */
const FROZEN_MS = 180_000;
const CUT_OFF_MS = 120_000;
/** Enough pictures a second to see that they play; saves processor time for the many tabs. */
const FPS = 5;

let chromium;

before(async () => {
  chromium = await launchChromium({ fps: FPS });
}, { timeout: 120_000 });

after(() => chromium?.close());

/** A server for one test, and tabs on it that close with the test. */
async function call(t) {
  const sfu = await startSfu();
  t.after(() => sfu.stop());
  const open = async (name, browser = chromium) => {
    const tab = await openTab(browser, sfu.url, { name });
    t.after(() => tab.close().catch(() => {}));
    return tab;
  };
  return { sfu, open };
}

/** A separate browser, whose processes can be stopped. */
async function ownBrowser(t) {
  const browser = await launchChromium({ fps: FPS });
  t.after(() => browser.close());
  return browser;
}

/** The processes of a browser with `what` in their command line. */
async function processes(browser, what) {
  const parents = new Map();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    parents.set(Number(pid), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const root = browser.process().pid;
  const isOurs = (pid) => pid === root || (parents.has(pid) && pid > 1 && isOurs(parents.get(pid)));
  const found = [];
  for (const pid of parents.keys()) {
    if (isOurs(pid) && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(what)) found.push(pid);
  }
  assert.ok(found.length > 0, `${what} runs`);
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

/** The long tests first, in parallel. */
describe('calls go on', { concurrency: 2 }, () => {
  test('when a page has been frozen for three minutes', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const browser = await ownBrowser(t);
    const tabs = [await open('Alice'), await open('Bob'), await open('Dora', browser)];
    const areCalm = await playing(tabs);
    const events = await tabs[0].events();
    await stopFor(FROZEN_MS, await processes(browser, '--type=renderer'));
    t.diagnostic(`back after ${await allGoOn(tabs, BACK_MS)} s`);
    await areCalm();
    // The others saw her leave and return, as the same person.
    assert.deepEqual((await events()).map(({ type, why }) => why ?? type).filter((type) => ['dropped', 'returned', 'joined'].includes(type)),
      ['dropped', 'returned']);
  });

  test('when a member has been cut off for two minutes', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const browser = await ownBrowser(t);
    const tabs = [await open('Alice'), await open('Bob'), await open('Dora', browser)];
    const areCalm = await playing(tabs);
    // Every packet of this browser's connections goes through this process.
    const events = await tabs[0].events();
    await stopFor(CUT_OFF_MS, await processes(browser, 'network.mojom.NetworkService'));
    t.diagnostic(`back after ${await allGoOn(tabs, BACK_MS)} s`);
    await areCalm();
    // The others saw her leave and return, as the same person.
    assert.deepEqual((await events()).map(({ type, why }) => why ?? type).filter((type) => ['dropped', 'returned', 'joined'].includes(type)),
      ['dropped', 'returned']);
  });

  test('when the server is restarted', TIMEOUT, async (t) => {
    const { sfu, open } = await call(t);
    const tabs = [await open('Alice'), await open('Bob'), await open('Carol')];
    const areCalm = await playing(tabs);
    for (const pause of [0, 20_000]) {
      await sfu.restart(pause);
      t.diagnostic(`back after ${await allGoOn(tabs, BACK_MS)} s`);
    }
    await areCalm();
  });

  test('when a page is reloaded', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, bob, carol] = [await open('Alice'), await open('Bob'), await open('Carol')];
    const areCalm = await playing([alice, bob, carol]);
    await carol.page.reload();
    const before = carol.id;
    carol.id = await outcomeOf(carol.page);
    assert.equal(carol.id, before, 'the same address as before');
    t.diagnostic(`back after ${await allGoOn([alice, bob, carol], BACK_MS)} s`);
    await carol.watchAlarms();
    await areCalm();
    assert.equal((await alice.state()).members.length, 2);
  });

  test('in a second window of the same person, and the first shows it', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, bob, carol] = [await open('Alice'), await open('Bob'), await open('Carol')];
    const areCalm = await playing([alice, bob, carol]);
    const second = await open('Carol');
    assert.notEqual(second.id, carol.id);
    t.diagnostic(`there after ${await allGoOn([alice, bob, second], BACK_MS)} s`);
    await carol.finds('what it says', async () => /^You have been replaced/.test(await carol.notice()));
    await areCalm([alice, bob]);
    await agree([alice, bob, second]);
    assert.deepEqual((await alice.state()).members.map(({ user }) => user).sort(), ['Bob', 'Carol']);
    assert.deepEqual(await second.alarms(), []);
  });
});
