// The server under test, on free ports, recording into a directory of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.SEALFRAME_SFU
  ?? fileURLToPath(new URL('../../../target/debug/sealframe-sfu', import.meta.url));

/**
 * Starts the server. `udp` is the address of its media socket, and `folder` is served as the
 * browser package. Timeouts are divided by `hurry`; `files` limits the file descriptors.
 */
export async function startSfu({ udp = '127.0.0.1', folder = process.env.SEALFRAME_PACKAGE, hurry, files } = {}) {
  const record = await mkdtemp(join(tmpdir(), 'sealframe-'));
  const args = ['--udp', `${udp}:0`, '--record', record];
  if (folder) args.push('--package', folder);
  if (hurry) args.push('--hurry', String(hurry));
  const start = (http) => launch(['--http', http, ...args], files);
  return new Sfu(await start('127.0.0.1:0'), record, start);
}

/** The process, once it listens: `{ child, url, errors }`. */
async function launch(args, files) {
  const command = files === undefined ? [BINARY] : ['sh', '-c', `ulimit -n ${files}; exec "$0" "$@"`, BINARY];
  const child = spawn(command[0], [...command.slice(1), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = [];
  child.stderr.on('data', (data) => {
    process.stderr.write(data);
    errors.push(String(data));
  });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(`cannot start the server: ${error.message}; build it or set SEALFRAME_SFU`);
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the server ended with ${code}`);
  });
  ended.catch(() => {});
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), failed, ended]);
  const [, url] = line.match(/^listening on (http:\/\/\S+)$/) ?? [];
  if (url === undefined) throw new Error(`unexpected first line: ${line}`);
  return { child, url, errors };
}

class Sfu {
  #child;
  #record;
  #errors;
  #start;

  constructor({ child, url, errors }, record, start) {
    this.#child = child;
    this.url = url;
    this.#errors = errors;
    this.#record = record;
    this.#start = start;
  }

  /** Replaces the process by a new one without state, at the same address, `ms` after the old
   * one has ended. */
  async restart(ms) {
    await this.#end();
    await sleep(ms);
    const { child, errors } = await this.#start(new URL(this.url).host);
    this.#child = child;
    this.#errors.push(...errors.splice(0));
  }

  /**
   * Every RTP packet received so far from one participant: `{ kind, mid, rid, payloadType, codec,
   * marker, sequence, timestamp, ssrc, descriptor, payload }`, `kind` being audio or video.
   * Sequence numbers do not wrap; `rid` is empty without simulcast, `codec` where the payload type
   * is unknown, `descriptor` without a Dependency Descriptor.
   */
  async packets(id, room = 'test') {
    const file = join(this.#record, `${room}-${id}.rtp`);
    const bytes = await readFile(file).catch((error) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0); // nothing sent so far
      throw error;
    });
    const packets = [];
    for (let at = 0; at + 4 <= bytes.length;) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      packets.push(parse(bytes.subarray(at + 4, end)));
      at = end;
    }
    return packets;
  }

  /** Every RTP payload received so far from one participant; `kind` is audio or video. */
  async recorded(id, kind, room = 'test') {
    const packets = await this.packets(id, room);
    return packets.filter((packet) => packet.kind === kind).map(({ payload }) => payload);
  }

  /** The server's own report. */
  async tap(room = 'test') {
    return (await fetch(`${this.url}tap?room=${room}`)).json();
  }

  /** The server's standard error. */
  get errors() {
    return this.#errors.join('');
  }

  /** The process's resources: bytes of memory, seconds of processor time so far, file
   * descriptors. Linux only. */
  async holds() {
    const proc = `/proc/${this.#child.pid}`;
    const [status, stat, files] = await Promise.all([
      readFile(`${proc}/status`, 'utf8'), readFile(`${proc}/stat`, 'utf8'), readdir(`${proc}/fd`),
    ]);
    const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13).map(Number);
    const kilobytes = (name) => Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1]);
    return { memory: kilobytes('VmRSS') * 1024, seconds: (user + system) / 100, files: files.length };
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #end() {
    if (!this.isRunning) return;
    this.#child.kill();
    await once(this.#child, 'exit');
  }

  async stop() {
    await this.#end();
    await rm(this.#record, { recursive: true, force: true });
  }
}

// The format of src/recorder.rs.
function parse(record) {
  let at = 0;
  const take = (length) => record.subarray(at, at += length);
  const short = () => take(take(1)[0]);
  const packet = {
    mid: short().toString(),
    rid: short().toString(),
    payloadType: take(1)[0],
    codec: short().toString(),
    marker: take(1)[0] === 1,
    sequence: Number(take(8).readBigUInt64BE()),
    timestamp: take(4).readUInt32BE(),
    ssrc: take(4).readUInt32BE(),
    descriptor: short(),
    payload: record.subarray(at),
  };
  return { kind: packet.codec === 'opus' ? 'audio' : 'video', ...packet };
}
