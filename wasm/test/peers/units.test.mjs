// livekit-client's own worker, of the release that package-lock.json names, without a browser: it
// opens what our crate seals of real encoders' frames, and seals what our crate opens, once packets
// have written the start codes anew.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { LiveKitFrames } from '../../pkg/profiles.node.js';

const ALICE = 'alice';
const KEY = Uint8Array.from({ length: 32 }, (_, place) => place);
const OPTIONS = { sharedKey: false, ratchetSalt: 'LKFrameEncryptionKey', ratchetWindowSize: 0, failureTolerance: -1, keyringSize: 16, keySize: 128 };

/**
 * What encoders are asked for: parameter sets and SEI, delimiters, slices, reordered pictures,
 * filler.
 */
const STREAMS = [
  ['h264', 'libx264', '-x264-params', 'keyint=10'],
  ['h264', 'libx264', '-x264-params', 'keyint=10:aud=1:slices=3:bframes=2:repeat-headers=1'],
  ['h264', 'libx264', '-tune', 'zerolatency', '-x264-params', 'keyint=12:intra-refresh=1:threads=2:sliced-threads=1'],
  ['h264', 'libx264', '-b:v', '100k', '-maxrate', '100k', '-bufsize', '50k', '-x264-params', 'nal-hrd=cbr:force-cfr=1'],
  ['h264', 'libx264', '-profile:v', 'baseline', '-qp', '51', '-x264-params', 'keyint=50'],
  ['h265', 'libx265', '-x265-params', 'log-level=none:keyint=10:pools=1:frame-threads=1'],
  ['h265', 'libx265', '-x265-params', 'log-level=none:keyint=10:aud=1:repeat-headers=1:hrd=1:vbv-maxrate=200:vbv-bufsize=200:bframes=2:pools=1:frame-threads=1'],
];
const FORMAT = { h264: 'h264', h265: 'hevc' };

const folder = mkdtempSync(join(tmpdir(), 'sealframe-units-'));
after(() => rmSync(folder, { recursive: true }));

/** The frames of one stream, `{bytes, type}`. */
function encoded([codec, encoder, ...options], number) {
  const file = join(folder, `${number}.${codec}`);
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25:duration=1.4'];
  const output = ['-pix_fmt', 'yuv420p', '-c:v', encoder, ...options, '-f', FORMAT[codec], file];
  execFileSync('ffmpeg', ['-v', 'error', ...source, ...output]);
  const entries = ['-show_entries', 'packet=pos,size,flags', '-of', 'csv=print_section=0'];
  const packets = execFileSync('ffprobe', ['-v', 'error', '-f', FORMAT[codec], ...entries, file], { encoding: 'utf8' });
  const stream = readFileSync(file);
  return packets.trim().split('\n').map((line) => {
    const [size, position, flags] = line.split(',');
    const bytes = Uint8Array.from(stream.subarray(Number(position), Number(position) + Number(size)));
    return { bytes, type: flags.startsWith('K') ? 'key' : 'delta' };
  });
}

/**
 * The RTP timestamp of a frame. The last word of livekit-client's nonce is a timestamp less a
 * random count below 2^16: with this base it never begins with two zero bytes, which an H.26x
 * stream would escape.
 */
const timestampOf = (number) => 0x5a5a5a5a + 3000 * (number + 1);

/** Start codes of four bytes, whatever they had. */
function throughPackets(frame) {
  const out = [];
  frame.forEach((byte, at) => {
    const isCode = byte === 0 && frame[at + 1] === 0 && frame[at + 2] === 1;
    if (isCode && frame[at - 1] !== 0) out.push(0);
    out.push(byte);
  });
  return Uint8Array.from(out);
}

/** The worker's script, in this thread. */
const worker = {
  said: [],
  async start() {
    globalThis.self = globalThis;
    globalThis.onmessage = null;
    globalThis.postMessage = (message) => this.said.push(message);
    await import('livekit-client/e2ee-worker');
    await this.send('init', { keyProviderOptions: OPTIONS, loglevel: 'silent' });
    await this.send('enable', { enabled: true, participantIdentity: ALICE });
    const key = await crypto.subtle.importKey('raw', KEY, 'HKDF', false, ['deriveBits', 'deriveKey']);
    await this.send('setKey', { participantIdentity: ALICE, isPublisher: true, key, keyIndex: 0, updateCurrentKeyIndex: true });
  },
  send: (kind, data) => globalThis.onmessage({ data: { kind, data } }),
  tracks: 0,
  /** What comes out for these frames, `{number, bytes}`: those that do not open are missing. */
  async pass(kind, frames, mimeType) {
    const out = [];
    const readableStream = new ReadableStream({
      start(source) {
        frames.forEach(({ bytes, type }, number) => source.enqueue({
          number,
          type,
          data: bytes.slice().buffer,
          timestamp: timestampOf(number),
          getMetadata: () => ({ synchronizationSource: 7, payloadType: 96, mimeType }),
        }));
        source.close();
      },
    });
    const ended = Promise.withResolvers?.() ?? withResolvers();
    const writableStream = new WritableStream({
      write({ number, data }) { out.push({ number, bytes: new Uint8Array(data) }); },
      close: ended.resolve,
      abort: ended.reject,
    });
    const trackId = `track ${this.tracks += 1}`;
    await this.send(kind, { participantIdentity: ALICE, trackId, hasPacketTrailer: false, readableStream, writableStream });
    await ended.promise;
    return out;
  },
};

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

const streams = [];
before(async () => {
  await worker.start();
  STREAMS.forEach((stream, number) => streams.push({ codec: stream[0], name: stream.slice(1).join(' '), frames: encoded(stream, number) }));
});

/** Told by the browser, told wrongly, and not told. */
const TOLD = [(codec) => codec, (codec) => (codec === 'h264' ? 'h265' : 'h264'), () => null];
const mimeTypeOf = (codec) => (codec === null ? undefined : `video/${codec.toUpperCase()}`);
const numbers = (frames) => frames.map(({ number }) => number);

async function ours() {
  const frames = await LiveKitFrames.start();
  frames.setKey(0, KEY);
  return frames;
}

test('livekit-client opens every frame that is sealed here', async () => {
  let [count, short] = [0, 0];
  for (const { codec, name, frames } of streams) {
    assert.ok(frames.length >= 30, name);
    for (const told of TOLD) {
      const sender = await ours();
      const sealed = frames.map(({ bytes, type }, number) => {
        const info = { codec: told(codec), type, ssrc: 7, rtpTimestamp: timestampOf(number) };
        return { bytes: throughPackets(sender.seal(bytes, info)), type };
      });
      const opened = await worker.pass('decode', sealed, mimeTypeOf(told(codec)));
      assert.deepEqual(numbers(opened), numbers(frames.map((_, number) => ({ number }))), `${name}, told ${told(codec)}`);
      for (const { number, bytes } of opened) {
        assert.deepEqual(throughPackets(bytes), throughPackets(frames[number].bytes));
        short += Number(frames[number].bytes.length !== bytes.length);
      }
      count += opened.length;
      sender.free();
    }
  }
  // What this is about happens.
  assert.ok(count > 600 && short > 60, `${count} frames, ${short} with short start codes`);
});

test('every frame that livekit-client seals opens here', async () => {
  for (const { codec, name, frames } of streams) {
    for (const told of TOLD) {
      const sealed = await worker.pass('encode', frames, mimeTypeOf(told(codec)));
      assert.equal(sealed.length, frames.length, name);
      for (const toldHere of TOLD) {
        const receiver = await ours();
        for (const { number, bytes } of sealed) {
          const info = { codec: toldHere(codec), type: frames[number].type };
          const opened = receiver.open(throughPackets(bytes), info);
          assert.deepEqual(throughPackets(opened), throughPackets(frames[number].bytes), `${name}, frame ${number}`);
        }
        receiver.free();
      }
    }
  }
});

test('both seal the same bytes', async () => {
  for (const { codec, frames } of streams) {
    const theirs = await worker.pass('encode', frames, mimeTypeOf(codec));
    const third = new DataView(theirs[0].bytes.buffer, theirs[0].bytes.length - 6).getUint32(0);
    const sender = await LiveKitFrames.start({ firstCount: timestampOf(0) - third });
    sender.setKey(0, KEY);
    frames.forEach(({ bytes, type }, number) => {
      const sealed = sender.seal(bytes, { codec, type, ssrc: 7, rtpTimestamp: timestampOf(number) });
      assert.deepEqual(Buffer.from(sealed), Buffer.from(theirs[number].bytes), `frame ${number}`);
    });
    sender.free();
  }
});
