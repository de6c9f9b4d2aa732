// How calls end: by the page's will, and without it.

import { Stage, drawn, microphone, until } from './stage.js';

const later = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** A call whose pictures and sound flow. */
async function talking(options) {
  const stage = await Stage.enter(options);
  stage.seal(stage.pc.addTrack(await microphone()), 'microphone');
  stage.seal(stage.pc.addTrack(drawn()), 'camera');
  await stage.offer();
  await stage.flows('microphone 0', 'camera 0');
  return stage;
}

/** What this takes, in milliseconds, and how it ends. */
async function timed(work) {
  const began = performance.now();
  const how = await work().then(() => 'resolved', (error) => `rejected: ${error.code ?? error}`);
  return { how, ms: performance.now() - began };
}

/** A call that is closed several times, at each moment of its watch. */
export async function closed() {
  const stage = await talking();
  const { getStats } = stage.pc;
  const unheard = [];
  addEventListener('unhandledrejection', ({ reason }) => unheard.push(String(reason)));
  // In the midst of a look at the connection's counters, which goes on when the worker is gone.
  const ends = [];
  await new Promise((resolve) => {
    stage.pc.getStats = async () => {
      const stats = await getStats.call(stage.pc);
      ends.push(timed(() => stage.call.close()), timed(() => stage.call.close()));
      resolve();
      return stats;
    };
  });
  const both = await Promise.all(ends);
  const again = await timed(() => stage.call.close());
  const asked = await timed(() => stage.call.announcement());
  await later(1500);
  const { errors } = stage;
  await stage.end();
  return { ends: [...both, again], asked: asked.how, errors: errors.map(String), unheard };
}

/** The timers that run. */
const timers = new Set();
const { setInterval: begin, clearInterval: end } = globalThis;
globalThis.setInterval = (...args) => {
  const timer = begin(...args);
  timers.add(timer);
  return timer;
};
globalThis.clearInterval = (timer) => {
  timers.delete(timer);
  end(timer);
};

/**
 * A connection that is closed in the midst of a look at its counters: one that never ends, and one
 * that fails. What the call says of it, and how many timers end with it.
 */
export async function left(how) {
  const stage = await talking();
  const before = timers.size;
  let looks = 0;
  stage.pc.getStats = () => {
    looks += 1;
    stage.pc.close();
    return how === 'never ends' ? new Promise(() => {}) : Promise.reject(new Error('it is closed'));
  };
  await until('it is looked at', () => looks > 0);
  await later(2500);
  const { errors } = stage;
  const said = { looks, ended: before - timers.size, errors: errors.map(String) };
  await stage.end();
  return said;
}

/**
 * What a worker is told to forget of senders and receivers that are stopped, while others go on;
 * and at the connection's end.
 */
export async function forgotten() {
  const stage = await talking();
  const { pc, worker } = stage;
  const told = [];
  const post = worker.postMessage.bind(worker);
  worker.postMessage = (message, transfer) => {
    if (message.request === 'forget') told.push(message.number);
    post(message, transfer);
  };
  const transceivers = pc.getTransceivers();
  transceivers[1].stop();
  await stage.offer();
  await until('it is forgotten', () => told.length >= 2);
  const first = [...told];
  // What is said of it now is nothing to anybody.
  stage.call.protectSender(transceivers[1].sender, { kind: 'screen' });
  await stage.flows('microphone 0');
  pc.close();
  await until('all of it is', () => told.length >= 2 * transceivers.length);
  const { errors } = stage;
  await stage.end();
  return { first: first.length, all: told.length, different: new Set(told).size, errors: errors.map(String) };
}

/** Calls whose workers are of no use any more, at once. */
export async function all() {
  const [terminated, hanging, closed] = await Promise.all([died('terminated'), died('hanging'), closedDead()]);
  return { terminated, hanging, closed };
}

/**
 * A worker that dies, or hangs, in the midst of a call: what is told, what still leaves, and how
 * the call is closed.
 */
async function died(how) {
  const stage = await talking({ script: './hangs.js' });
  if (how === 'terminated') stage.worker.terminate();
  else stage.worker.postMessage({ hang: true });
  // A page that asks something meanwhile is answered.
  const asked = timed(() => stage.call.announcement());
  const before = performance.now();
  await until('it is told', () => stage.errors.length > 0);
  const told = performance.now() - before;
  const frames = stage.all.length;
  // Media go on being added, and nothing leaves.
  const sender = stage.pc.addTrack(drawn());
  const described = await timed(async () => stage.call.protectSender(sender, { kind: 'screen' }));
  await stage.offer();
  await later(2500);
  await stage.look();
  const ended = await timed(() => stage.call.close());
  const { errors, strange, all } = stage;
  await stage.end();
  return {
    codes: errors.map(({ name, code }) => `${name} ${code}`), told, asked: (await asked).how, ended,
    described: described.how, left: all.length - frames, strange,
  };
}

/** A worker that was ended before the call is closed: nobody has noticed yet. */
async function closedDead() {
  const stage = await talking({ script: './hangs.js' });
  stage.worker.terminate();
  const ended = await timed(() => stage.call.close());
  await later(6500);
  const { errors } = stage;
  await stage.end();
  return { ended, errors: errors.map(String) };
}

/** What is said of a worker whose file is not there. */
export async function lost() {
  return Stage.enter().then(() => 'it began', ({ code, message }) => `${code} ${message}`);
}
