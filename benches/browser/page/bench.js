// The page: runs all contestants in turns, and shows the results.

import { draw } from './plot.js';

const SIZES = [40, 160, 1200, 4096, 16_384, 65_536, 200_000];
/** Bytes of one turn, and its minimum and maximum number of frames. */
const TURN = { bytes: 4 << 20, least: 20, most: 800 };
/** Warm-up turns, so that the first size runs code as optimised as the last. */
const WARM = { size: 1200, count: 800, turns: 15 };
const NAMES = {
  sealframe: 'sealframe',
  livekit: "LiveKit's worker",
  jitsi: "Jitsi's worker",
  webcrypto: 'WebCrypto alone',
  nothing: 'streams alone, a loop',
  nothingPiped: 'streams alone, piped',
};
const DIRECTIONS = ['seal', 'open'];
const RIVALS = { livekit: "to LiveKit's", jitsi: "to Jitsi's", webcrypto: "to WebCrypto's" };

/** Runs `rounds` turns of all contestants at each size; `tell` receives progress messages. */
export async function measure({ rounds = 15, sizes = SIZES, tell = () => {} } = {}) {
  const workers = {};
  const notes = {};
  for (const name of Object.keys(NAMES)) {
    const worker = ask(new Worker('./contestant.js', { type: 'module' }));
    notes[name] = (await worker('start', { name })).note;
    workers[name] = worker;
  }
  const names = Object.keys(NAMES);
  tell('warming up');
  for (let turn = 0; turn < WARM.turns; turn += 1) {
    for (const name of names) await workers[name]('turn', WARM);
  }
  const times = {};
  const ratios = {};
  for (const size of sizes) {
    const count = Math.max(TURN.least, Math.min(TURN.most, Math.round(TURN.bytes / size)));
    const turns = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = -1; round < rounds; round += 1) {
      tell(`${size} bytes, round ${round + 2} of ${rounds + 1}`);
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const turn = await workers[name]('turn', { size, count });
        if (round >= 0) turns[name].push(turn); // the first is to warm up
      }
    }
    for (const direction of DIRECTIONS) {
      const of = (name) => turns[name].map((turn) => turn[direction]);
      const each = (list, value) => Object.fromEntries(list.map((name) => [name, value(name)]));
      times[direction] ??= {};
      times[direction][size] = each(names, (name) => 1000 * median(of(name)));
      // Ratios of consecutive turns, because the clock varies over a whole run.
      const against = (rival) => of('sealframe').map((time, round) => time / of(rival)[round]);
      ratios[direction] ??= {};
      ratios[direction][size] = each(Object.keys(RIVALS), (rival) => median(against(rival)));
    }
  }
  return { times, ratios, sizes, notes, agent: navigator.userAgent };
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function ask(worker) {
  const pending = new Map();
  let next = 0;
  worker.onmessage = ({ data: { id, result, error } }) => {
    const { resolve, reject } = pending.get(id);
    pending.delete(id);
    if (error === undefined) resolve(result);
    else reject(new Error(error));
  };
  worker.onerror = ({ message }) => pending.forEach(({ reject }) => reject(new Error(message)));
  return (request, args) => new Promise((resolve, reject) => {
    pending.set(next, { resolve, reject });
    worker.postMessage({ id: next++, request, ...args });
  });
}

/** Markdown: microseconds per frame, and the median ratio of our turns to each rival's. */
export function markdown({ times, ratios, sizes }) {
  const rows = DIRECTIONS.flatMap((direction) => sizes.map((size) => {
    const at = times[direction][size];
    const compared = Object.keys(RIVALS).map((rival) => ratios[direction][size][rival].toFixed(2));
    return [direction, size.toLocaleString('en'), ...Object.keys(NAMES).map((name) => at[name].toFixed(1)), ...compared];
  }));
  const head = ['', 'bytes', ...Object.values(NAMES), ...Object.values(RIVALS)];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, place) => (place === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** The plot, as SVG. */
export function plot({ times, sizes }, title) {
  return draw(title, DIRECTIONS.map((direction) => ({
    name: direction,
    lines: Object.entries(NAMES).map(([key, name]) => ({
      key,
      name,
      points: sizes.map((size) => [size, times[direction][size][key]]),
    })),
  })));
}
