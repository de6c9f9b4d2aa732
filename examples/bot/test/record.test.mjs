// The bot records browsers that seal with the workers of LiveKit and of Jitsi.

import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { fetchJitsi } from '../../../benches/browser/jitsi.mjs';
import { launchChromium } from '../../call/test/browser.mjs';
import { startSfu } from '../../call/test/sfu.mjs';

import { pictures, record, sound } from './programs.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const TIMEOUT = { timeout: 120_000 };
const SECONDS = 8;
/** Pictures that must arrive in the meantime; a busy machine sends fewer than 25 a second. */
const MANY = 30;
const PASSPHRASE = 'correct horse battery staple';
const BYTES = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const OTHER_BYTES = BYTES.replace('00', 'ff');

let [folder, browser, sfu] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealframe-bot-'));
  await copyFile(here('node_modules/livekit-client/dist/livekit-client.e2ee.worker.mjs'), join(folder, 'livekit.mjs'));
  await copyFile(await fetchJitsi(), join(folder, 'jitsi.js'));
  [browser, sfu] = await Promise.all([launchChromium(), startSfu({ folder })]);
}, TIMEOUT);
after(async () => {
  await browser?.close();
  await sfu?.stop();
  await rm(folder, { recursive: true, force: true });
});

// Each test plays for seconds: all rooms at once.
describe('a bot that records', { concurrency: 3 }, () => {
  for (const [format, worker, given, right, wrong] of [
    ['livekit', 'livekit', { passphrase: PASSPHRASE, index: 3 }, PASSPHRASE, 'correct horse battery stable'],
    ['livekit-hkdf', 'livekit', { key: BYTES, index: 3 }, BYTES, OTHER_BYTES],
    ['jitsi', 'jitsi', { key: BYTES, index: 3 }, BYTES, OTHER_BYTES],
  ]) {
    test(`${format}: a bot with the key writes files that play, and one without it writes none`, TIMEOUT, async (t) => {
      const page = await browser.newPage({ type: 'window' });
      await page.goto(sfu.url);
      for (const script of ['../../call/test/server.page.js', 'seal.page.js']) {
        await page.evaluate(`{${await readFile(here(script), 'utf8')}}`);
      }
      const room = `record-${format}`;
      const id = await page.evaluate(async (...args) => {
        globalThis.alice = await globalThis.sendSealed(...args);
        return globalThis.alice.id;
      }, room, worker, given);

      const by = (key, index) => record(folder, { sfu, room, format, key, index, seconds: SECONDS });
      const [good, bad, none] = await Promise.all([by(right, 3), by(wrong, 3), by(right, 4)]);
      await page.evaluate(() => globalThis.alice.close());
      await page.close();

      assert.equal(good.code, 0, good.errors);
      const [camera, microphone] = [`${id}-camera-0.ivf`, `${id}-microphone-0.opus`];
      assert.deepEqual(good.files.map((file) => basename(file)), [camera, microphone]);
      const [video, audio] = [await pictures(good.files[0]), await sound(good.files[1])];
      t.diagnostic(`${video.count} pictures in ${video.seconds} s, ${audio.seconds} s of sound, energy ${audio.energy}`);
      assert.equal(video.count, good.tracks[camera].written);
      assert.ok(video.count > MANY, `${video.count} pictures`);
      for (const { seconds } of [video, audio]) assert.ok(seconds > SECONDS / 2 && seconds < SECONDS + 1, `${seconds} s`);
      assert.ok(audio.energy > 0.1 * audio.seconds, `energy ${audio.energy}`);
      assert.equal(good.tracks[camera].rejected + good.tracks[microphone].rejected, 0);

      for (const { code, files, tracks, errors } of [bad, none]) {
        assert.equal(code, 0, errors);
        assert.deepEqual(files, []);
        assert.deepEqual(Object.keys(tracks).sort(), [camera, microphone]);
        for (const { written, rejected } of Object.values(tracks)) {
          assert.equal(written, 0);
          assert.ok(rejected > 10, `${rejected} rejected`);
        }
      }
    });
  }
});
