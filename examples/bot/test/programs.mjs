// The programs that the tests run, and their output.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const inTarget = (path) => fileURLToPath(new URL(`../../../target/${path}`, import.meta.url));

const BOT = process.env.SEALFRAME_BOT ?? inTarget('debug/sealframe-bot');
const PYTHON = process.env.SEALFRAME_LIVEKIT_PYTHON ?? inTarget('python-livekit/bin/python');
const NATIVE = fileURLToPath(new URL('native.py', import.meta.url));

/** A bot that plays files into `room` of a server. Resolves to `{code, errors}`. */
export function play(files, options) {
  return bot('play', options, files);
}

/**
 * A bot that records `room` of a server into a new folder in `folder`. Resolves to `{code, errors,
 * files, tracks}`: the paths of its files, and by file name what it reports of tracks, `{written,
 * rejected}`.
 */
export async function record(folder, options) {
  const directory = await mkdtemp(join(folder, 'recorded-'));
  const { lines, ...end } = await bot('record', options, [directory]);
  const tracks = Object.fromEntries(lines.map((line) => {
    const [, file, written, rejected] = /([^/]+): (\d+) frames written, (\d+) rejected$/.exec(line);
    return [file, { written: Number(written), rejected: Number(rejected) }];
  }));
  const files = (await readdir(directory)).sort().map((file) => join(directory, file));
  return { ...end, files, tracks };
}

function bot(command, { sfu, room, format, key, index = 0, seconds }, files) {
  const where = ['--server', new URL(sfu.url).host, '--room', room];
  const args = [...where, '--format', format, '--index', index, '--seconds', seconds, ...files];
  return ended(spawn(BOT, [command, ...args].map(String), { env: { ...process.env, SEALFRAME_KEY: key } }));
}

/** A native LiveKit client, in the call; `report` resolves to what it received. */
export async function native(url, { name, encryption, publish = false, seconds }) {
  const args = ['--url', url, '--name', name, '--encryption', encryption, '--seconds', String(seconds)];
  const child = spawn(PYTHON, [NATIVE, ...args, ...(publish ? ['--publish'] : [])], { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = ended(child);
  const lines = createInterface({ input: child.stdout });
  const failed = end.then(({ errors }) => {
    throw new Error(`${name} did not join: ${errors}`);
  });
  failed.catch(() => {});
  await Promise.race([once(lines, 'line'), failed]);
  return { report: end.then(({ lines, errors }) => JSON.parse(lines[1] ?? `"${errors}"`)) };
}

async function ended(child) {
  const lines = [];
  let errors = '';
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.on('data', (data) => (errors += data));
  const [code] = await once(child, 'close');
  return { code, lines, errors };
}

/** Runs FFmpeg quietly; resolves to the bytes of its output. Any complaint is an error. */
export function ffmpeg(args) {
  return quiet('ffmpeg', ['-nostdin', ...args]);
}

async function quiet(program, args) {
  const { stdout, stderr } = await run(program, ['-v', 'warning', ...args], { encoding: 'buffer', maxBuffer: 2 ** 30 });
  if (stderr.length > 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/**
 * The playable part of a video file: number of pictures, seconds, and the colours `[red, green,
 * blue]` of the last picture, left and right.
 */
export async function pictures(file) {
  const [width, height] = [320, 240];
  const listed = await quiet('ffprobe', ['-show_entries', 'packet=pts_time', '-of', 'csv=p=0', file]);
  const times = listed.toString().trim().split('\n').map(Number);
  const isOrdered = times.every((time, number) => number === 0 || time > times[number - 1]);
  if (!isOrdered) throw new Error(`${file} goes back in time: ${times}`);
  // At an explicit frame rate, because raw video has none.
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-vf', `scale=${width}:${height}`];
  const pixels = await ffmpeg(['-r', '25', '-i', file, ...raw, '-fps_mode', 'passthrough', '-']);
  const count = pixels.length / (3 * width * height);
  const middle = pixels.length - 3 * width * (height / 2);
  const at = (x) => [...pixels.subarray(middle + 3 * x).subarray(0, 3)];
  return { count, seconds: times.at(-1), left: at(width / 4), right: at((3 * width) / 4) };
}

/** The playable part of an audio file: seconds, and the energy in them; a tone of full volume
 * has 0.5 per second. */
export async function sound(file) {
  const pcm = await ffmpeg(['-i', file, '-f', 's16le', '-ac', '1', '-ar', '48000', '-']);
  let energy = 0;
  for (let at = 0; at < pcm.length; at += 2) energy += (pcm.readInt16LE(at) / 32768) ** 2;
  return { seconds: pcm.length / 2 / 48_000, energy: energy / 48_000 };
}

/** Whether a colour, `[red, green, blue]`, is roughly the named one. */
export function is(name, [red, green, blue]) {
  return name === 'red' ? red > 200 && green < 60 && blue < 60 : red < 60 && green < 60 && blue > 200;
}
