// The server's load, as a table. Over loopback, from one process on the same machine: the times
// include both.
//
//   node load.mjs [--seconds N]     N seconds for each line, by default 5; SEALFRAME_SFU names a
//   build
//
// The columns: how long two members in a room of their own need to exchange messages, and the media
// socket to answer, in milliseconds; the server's processor time, in percent of one core; its
// largest memory; its file descriptors.

import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';

import { ATTACKS, Neighbours } from './hostile.mjs';
import { Path } from './media.mjs';
import { startSfu } from './sfu.mjs';
import { Socket } from './socket.mjs';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } });
const seconds = Number(values.seconds);
if (!(seconds > 0 && seconds <= 60)) {
  console.error('usage: node load.mjs [--seconds 1..60]');
  process.exit(2);
}

/** As pages send it, every ten seconds and about 400 bytes long. */
const HEARTBEAT = { type: 'message', to: null, data: 'A'.repeat(400) };

/** As many active members as fit beside the neighbours: in rooms of 16, each with an answered
 * offer. */
async function crowd(url) {
  const members = [];
  for (let place = 0; place < 126; place += 1) members.push(await Socket.enter(url, `crowd-${Math.floor(place / 16)}`));
  const paths = await Promise.all(members.map((member) => Path.open(member)));
  await Promise.all(paths.map((path) => path.ask()));
  const timer = setInterval(() => {
    for (const member of members) {
      member.send(HEARTBEAT);
      member.inbox.length = 0;
    }
    for (const path of paths) path.ask().catch(() => {});
  }, 1000);
  return async () => {
    clearInterval(timer);
    for (const path of paths) path.close();
    for (const member of members) member.close();
  };
}

/** A room whose 16 members come and go, each with an offer. */
function changing(url) {
  let isOn = true;
  const done = (async () => {
    for (let time = 0; isOn; time += 1) {
      const members = [];
      for (let place = 0; isOn && place < 16; place += 1) {
        const member = await Socket.enter(url, `changing-${time}`);
        members.push(member);
        (await Path.open(member)).close();
      }
      for (const member of members) member.close();
    }
  })();
  return async () => {
    isOn = false;
    await done;
  };
}

const LINES = {
  'nobody else': async () => async () => {},
  'a room of 16 that fills and empties': async (url) => changing(url),
  '126 others in eight rooms, a heartbeat each second': crowd,
  ...ATTACKS,
};

const rows = [['beside two people in a room', 'message', 'media', 'CPU', 'memory', 'files']];
for (const [what, start] of Object.entries(LINES)) {
  const sfu = await startSfu();
  const neighbours = await Neighbours.enter(sfu.url);
  const stop = await start(sfu.url);
  const [before, began] = [await sfu.holds(), performance.now()];
  let [isOver, most] = [false, before];
  const watched = (async () => {
    while (!isOver) {
      const now = await sfu.holds();
      most = { memory: Math.max(most.memory, now.memory), files: Math.max(most.files, now.files) };
      await sleep(50);
    }
  })();
  const rounds = await neighbours.rounds(() => performance.now() - began > seconds * 1000);
  const after = await sfu.holds();
  const share = (after.seconds - before.seconds) / ((performance.now() - began) / 1000);
  isOver = true;
  await watched;
  const [message, media] = ['message', 'media'].map((name) => spread(rounds.map((round) => round[name])));
  rows.push([what, message, media, `${Math.round(share * 100)} %`, `${Math.round(most.memory / 1e6)} MB`, `${most.files}`]);
  console.error(rows.at(-1).join(', '));
  const areThere = neighbours.areThere;
  await stop();
  neighbours.leave();
  await sfu.stop();
  if (!areThere) throw new Error(`${what}: the neighbours were disconnected`);
}

for (const [number, row] of rows.entries()) {
  console.log(`| ${row.join(' | ')} |`);
  if (number === 0) console.log(`|${' --- |'.repeat(row.length)}`);
}

/** Median and 99th percentile. */
function spread(times) {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))].toFixed();
  return `${at(0.5)}, ${at(0.99)} ms`;
}
