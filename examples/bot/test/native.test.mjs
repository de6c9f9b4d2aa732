// LiveKit's native client (libwebrtc's FrameCryptor, from PyPI) with itself and with the bot, in
// both directions.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { startSfu } from '../../call/test/sfu.mjs';

import { startLiveKit } from './livekit.mjs';
import { ffmpeg, is, native, pictures, play, record, sound } from './programs.mjs';

const TIMEOUT = { timeout: 120_000 };
const SECONDS = 8;
/** Pictures that must arrive in the meantime; a busy machine sends fewer than 25 a second. */
const MANY = 30;
const BYTES = '000102030405060708090a0b0c0d0e0f';
const OTHER_BYTES = BYTES.replace('00', 'ff');

/** The keys of both sides, right and wrong. */
const KEYS = {
  livekit: { scheme: 'passphrase', right: 'correct horse', wrong: 'correct horses' },
  'livekit-hkdf': { scheme: 'key', right: BYTES, wrong: OTHER_BYTES },
};

let [folder, sfu] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealframe-native-'));
  sfu = await startSfu();
}, TIMEOUT);
after(async () => {
  await sfu?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A room with LiveKit's signalling, for the duration of `meet`. */
async function inRoom(room, meet) {
  const livekit = await startLiveKit({ sfu: sfu.url, room });
  try {
    return await meet(livekit.url);
  } finally {
    livekit.close();
  }
}

/** A native client that sends for longer than others receive. */
function sendIn(url, { scheme, right }) {
  return native(url, { name: 'sender', encryption: `${scheme}:${right}`, publish: true, seconds: SECONDS + 4 });
}

/** Native clients that receive, with the right key, a wrong one and none. */
async function receivers(url, { scheme, right, wrong }) {
  const encryptions = { right: `${scheme}:${right}`, wrong: `${scheme}:${wrong}`, none: 'none' };
  const clients = await Promise.all(Object.entries(encryptions)
    .map(([name, encryption]) => native(url, { name, encryption, seconds: SECONDS })));
  const [good, bad, none] = await Promise.all(clients.map(({ report }) => report));
  return { good, bad, none };
}

function assertReceived({ good, bad, none }, t) {
  t.diagnostic(JSON.stringify({ good, bad, none }));
  assert.deepEqual(good.states, ['OK', 'OK']);
  assert.ok(good.decoded > MANY, `${good.decoded} pictures decoded`);
  assert.ok(is('red', good.left) && is('blue', good.right), `${good.left} and ${good.right}`);
  assert.ok(good.energy > 0.01, `energy ${good.energy}`);
  for (const [{ packets, decoded, energy, states }, why] of [[bad, 'DECRYPTION_FAILED'], [none, 'MISSING_KEY']]) {
    assert.deepEqual(states, [why, why]);
    assert.ok(Math.min(packets.video, packets.audio) > 20, 'packets arrived');
    assert.equal(decoded, 0);
    assert.ok(energy < 0.01 * good.energy, `energy ${energy}`);
  }
}

// Each test plays for seconds: two rooms at once.
describe("LiveKit's native client", { concurrency: 2 }, () => {
  for (const [format, keys] of Object.entries(KEYS)) {
    test(`${format}: native clients understand each other only with the right key`, TIMEOUT, async (t) => {
      await inRoom(`native-${format}`, async (url) => {
        const sender = await sendIn(url, keys);
        assertReceived(await receivers(url, keys), t);
        await sender.report;
      });
    });

    test(`${format}: the bot opens a native client's frames only with the right key`, TIMEOUT, async (t) => {
      const room = `open-${format}`;
      await inRoom(room, async (url) => {
        const sender = await sendIn(url, keys);
        const by = (key, index) => record(folder, { sfu, room, format, key, index, seconds: SECONDS });
        const [good, bad, none] = await Promise.all([by(keys.right, 0), by(keys.wrong, 0), by(keys.right, 1)]);
        await sender.report;

        assert.equal(good.code, 0, good.errors);
        assert.equal(good.files.length, 2, good.files.join());
        const [{ count, left, right }, { seconds, energy }] = [await pictures(good.files[0]), await sound(good.files[1])];
        t.diagnostic(`${count} pictures, ${left} and ${right}, ${seconds} s of sound, energy ${energy}`);
        assert.ok(count > MANY, `${count} pictures`);
        assert.ok(is('red', left) && is('blue', right), `${left} and ${right}`);
        assert.ok(energy > 0.01 * seconds, `energy ${energy}`);
        // Sometimes the client's first frame does not open, apparently because its cryptor is not
        // in place yet.
        for (const { rejected } of Object.values(good.tracks)) assert.ok(rejected <= 3, `${rejected} rejected`);
        for (const { files, tracks, errors } of [bad, none]) {
          assert.deepEqual(files, [], errors);
          assert.equal(Object.keys(tracks).length, 2, errors);
          for (const { written, rejected } of Object.values(tracks)) {
            assert.equal(written, 0);
            assert.ok(rejected > 20, `${rejected} rejected`);
          }
        }
      });
    });

    test(`${format}: a native client opens the bot's frames only with the right key`, TIMEOUT, async (t) => {
      const [video, audio] = [join(folder, 'halves.ivf'), join(folder, 'tone.opus')];
      const make = (source, codec, file) =>
        ffmpeg(['-y', '-f', 'lavfi', '-i', source, '-t', '4', ...codec, file]);
      await make('color=red:160x240:rate=25,pad=320:240:color=blue', ['-c:v', 'libvpx', '-b:v', '300k'], video);
      await make('sine=440:sample_rate=48000', ['-c:a', 'libopus', '-b:a', '64k'], audio);
      const room = `seal-${format}`;
      await inRoom(room, async (url) => {
        const playing = play([video, audio], { sfu, room, format, key: keys.right, seconds: SECONDS + 6 });
        assertReceived(await receivers(url, keys), t);
        const { code, errors } = await playing;
        assert.equal(code, 0, errors);
      });
    });
  }
});
