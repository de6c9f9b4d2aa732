// What happens to calls in real life: pages that are frozen, servers that restart, networks that fail, reloads, second windows.
// Nobody clicks anything, and nobody is alarmed.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { launchChromium } from './browser.mjs';
import { startSfu } from './sfu.mjs';
import { outcomeOf, openTab } from './tab.mjs';

const TIMEOUT = { timeout: 420_000 };
/** So soon media are back once nothing stands in the way. */
const BACK_MS = 10_000;
/** So long a page is frozen, and somebody cut off: longer than any timeout of server and browser. */
const FROZEN_MS = 180_000;
const CUT_OFF_MS = 120_000;
/** So many pictures a second are enough to see that they go on, and leave processors for the many tabs. */
const FPS = 5;

let chromium;

before(async () => {
  chromium = await launchChromium({ fps: FPS });
}, { timeout: 120_000 });

after(() => chromium?.close());

/** A server for one test, and tabs on it that are closed with it. */
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

/** A browser of somebody's own, whose processes can be stopped. */
async function ownBrowser(t) {
  const browser = await launchChromium({ fps: FPS });
  t.after(() => browser.close());
  return browser;
}

/** The processes of a browser whose command line has this in it. */
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

/** Stops these processes for a time, in the middle of whatever they do. */
async function stopFor(ms, pids) {
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    await sleep(ms);
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}

/** Waits until pictures and sound of `from` go on here, in time; resolves to the seconds that it took. */
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

/** Waits until each of these plays each other, within so long. */
async function allGoOn(tabs, ms) {
  const start = performance.now();
  const seconds = await Promise.all(tabs.flatMap((tab) => tabs.filter((other) => other !== tab).map((other) => goesOn(tab, other.id, start, ms))));
  return Math.max(...seconds);
}

/** Waits until all show one code. */
const agree = (tabs) => tabs[0].finds('one code', async () => new Set(await Promise.all(tabs.map((tab) => tab.code()))).size === 1);

/** Tabs that play each other, and what tells whether they were alarmed. */
async function playing(tabs) {
  await allGoOn(tabs, 60_000);
  await agree(tabs);
  const alarms = await Promise.all(tabs.map((tab) => tab.watchAlarms()));
  return async (still = tabs) => {
    // What compares rosters has had time to do so.
    await sleep(8000);
    await agree(still);
    const raised = await Promise.all(tabs.map(async (tab, place) => (still.includes(tab) ? alarms[place]() : [])));
    assert.deepEqual(raised, tabs.map(() => []));
  };
}

/** The long ones first, each beside the others. */
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
    // She was away, for the others too, and is the same.
    assert.deepEqual((await events()).map(({ type, why }) => why ?? type).filter((type) => ['dropped', 'returned', 'joined'].includes(type)),
      ['dropped', 'returned']);
  });

  test('when somebody has been cut off for two minutes', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const browser = await ownBrowser(t);
    const tabs = [await open('Alice'), await open('Bob'), await open('Dora', browser)];
    const areCalm = await playing(tabs);
    // Every packet of every connection of this browser goes through there.
    const events = await tabs[0].events();
    await stopFor(CUT_OFF_MS, await processes(browser, 'network.mojom.NetworkService'));
    t.diagnostic(`back after ${await allGoOn(tabs, BACK_MS)} s`);
    await areCalm();
    // She was away, for the others too, and is the same.
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

  test('when a page is loaded again', TIMEOUT, async (t) => {
    const { open } = await call(t);
    const [alice, bob, carol] = [await open('Alice'), await open('Bob'), await open('Carol')];
    const areCalm = await playing([alice, bob, carol]);
    await carol.page.reload();
    const before = carol.id;
    carol.id = await outcomeOf(carol.page);
    assert.equal(carol.id, before, 'the server calls it as before');
    t.diagnostic(`back after ${await allGoOn([alice, bob, carol], BACK_MS)} s`);
    await carol.watchAlarms();
    await areCalm();
    assert.equal((await alice.state()).members.length, 2);
  });

  test('in a second window of the same person, and the first says so', TIMEOUT, async (t) => {
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
