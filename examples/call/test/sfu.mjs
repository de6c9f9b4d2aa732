// The server under test, on free ports, recording into a directory of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.SEALFRAME_SFU
  ?? fileURLToPath(new URL('../../../target/debug/sealframe-sfu', import.meta.url));

/** Starts the server; `udp` is the address of its media socket, `served` the folder that it serves as the browser package. */
export async function startSfu({ udp = '127.0.0.1', served = process.env.SEALFRAME_PACKAGE } = {}) {
  const record = await mkdtemp(join(tmpdir(), 'sealframe-'));
  const args = ['--http', '127.0.0.1:0', '--udp', `${udp}:0`, '--record', record];
  if (served) args.push('--package', served);
  const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'inherit'] });
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
  return new Sfu(child, url, record);
}

class Sfu {
  #child;
  #record;

  constructor(child, url, record) {
    this.#child = child;
    this.url = url;
    this.#record = record;
  }

  /**
   * Every RTP packet received so far from one participant: `{ kind, mid, rid, payloadType, codec, marker,
   * sequence, timestamp, ssrc, descriptor, payload }`, `kind` being audio or video. Sequence numbers do not wrap;
   * `rid` is empty without simulcast, `codec` where the payload type is unknown, `descriptor` without a
   * Dependency Descriptor.
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

  /** Every RTP payload received so far from one participant, `kind` being audio or video. */
  async recorded(id, kind, room = 'test') {
    const packets = await this.packets(id, room);
    return packets.filter((packet) => packet.kind === kind).map(({ payload }) => payload);
  }

  /** What the server shows of itself. */
  async tap(room = 'test') {
    return (await fetch(`${this.url}tap?room=${room}`)).json();
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stop() {
    if (this.isRunning) {
      this.#child.kill();
      await once(this.#child, 'exit');
    }
    await rm(this.#record, { recursive: true, force: true });
  }
}

// As src/recorder.rs writes it.
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
