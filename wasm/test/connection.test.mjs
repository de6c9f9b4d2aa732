// A protected connection is still an ordinary one of the browser's: whatever a page does with it,
// nothing leaves in clear.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from '../../examples/call/test/browser.mjs';

import { serve } from './serve.mjs';

const here = (path) => new URL(path, import.meta.url).pathname;
const TIMEOUT = { timeout: 240_000 };
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; media-src *";

const PACKAGE = process.env.SEALFRAME_PACKAGE ?? here('../pkg');

let server;
/** One that has all but the worker. */
let poor;
let folder;
before(async () => {
  server = await serve([PACKAGE, here('./connection')], POLICY);
  folder = await mkdtemp(join(tmpdir(), 'sealframe-'));
  await cp(PACKAGE, folder, { recursive: true, filter: (path) => !path.endsWith('/worker.js') });
  poor = await serve([folder, here('./connection')], POLICY);
});
after(async () => {
  server.close();
  poor.close();
  await rm(folder, { recursive: true });
});

for (const [name, launch] of [['Chromium', launchChromium], ['Firefox', launchFirefox]]) {
  describe(`in ${name}`, { concurrency: false }, async () => {
    if (name === 'Firefox' && !(await isInstalled(FIREFOX))) return test(`no ${FIREFOX}`, { skip: true });
    let browser;
    before(async () => {
      browser = await launch();
    });
    after(() => browser.close());

    /** What a function of a script in `connection` returns, in a page of its own. */
    const inPage = (script, what, ...args) => inPageOf(server, script, what, ...args);
    async function inPageOf({ url }, script, what, ...args) {
      const page = await browser.newPage();
      try {
        await page.goto(url);
        return await page.evaluate(async (from, of, given) => (await import(from))[of](...given), script, what, args);
      } finally {
        await page.close();
      }
    }

    test('every member of a connection works, or is refused by name', TIMEOUT, async (t) => {
      assert.deepEqual(await inPage('./walk.js', 'unknownMembers'), [], 'members that walk.js does not have');
      const { outcomes, opened, strange, channels, errors, leaks } = await inPage('./walk.js', 'walk');
      for (const [member, outcome] of Object.entries(outcomes)) assert.doesNotMatch(outcome, /^fails/, member);
      assert.deepEqual({ strange, channels, errors, leaks }, { strange: [], channels: 0, errors: [], leaks: 0 });
      t.diagnostic(`${Object.keys(outcomes).length} members; frames opened: ${JSON.stringify(opened)}`);
    });

    test('a connection that may have sent in clear is refused, though it sends no more', TIMEOUT, async () => {
      const plain = await inPage('./refusals.js', 'used', {});
      assert.ok(Object.keys(plain).length >= 5);
      const why = name === 'Chromium' ? /rtcConfiguration/ : /may have sent plain media/;
      for (const [how, said] of Object.entries(plain)) assert.match(said ?? 'protected', why, how);
      const ready = await inPage('./refusals.js', 'used', { encodedInsertableStreams: true });
      // There nothing flows before a transform does.
      if (name === 'Chromium') assert.deepEqual(new Set(Object.values(ready)), new Set([null]));
      else for (const [how, said] of Object.entries(ready)) assert.match(said ?? 'protected', why, how);
    });

    test('a connection is protected by one call, and has no transform of another', TIMEOUT, async () => {
      const { plain, taken, first, again, other, kept, going, closed } = await inPage('./refusals.js', 'unused');
      assert.deepEqual({ plain, first, again, kept, going }, { plain: null, first: null, again: null, kept: true, going: 'sendonly' });
      assert.match(taken, /another transform/);
      assert.match(other, /another call/);
      assert.match(closed, /Closed/);
    });

    test('data channels are refused by name, unless it is said that they may be read', TIMEOUT, async () => {
      assert.deepEqual(await inPage('./refusals.js', 'channels'), {
        unnegotiated: null,
        told: 'DataChannelRefused',
        negotiated: 'SealframeError DataChannelRefused: sealframe: data channels are not encrypted, and this connection has '
          + "negotiated them; say { dataChannels: 'unprotected' } if what they carry may be read on the way",
        words: 'TypeError',
        always: 'DataChannelRefused',
      });
      assert.deepEqual(await inPage('./refusals.js', 'allowed'), { heard: ['from here', 'from there'], errors: [] });
    });

    for (const isNegotiated of [false, true]) {
      test(`a data channel that goes around us ends its connection, ${isNegotiated ? 'after' : 'before'} it is negotiated`, TIMEOUT, async () => {
        const { codes, isOpen, channels } = await inPage('./refusals.js', 'borrowed', isNegotiated);
        assert.deepEqual(codes, ['DataChannelRefused']);
        // Where there are channels already, one more is seen once it is open.
        if (!isNegotiated) assert.deepEqual({ isOpen, channels }, { isOpen: false, channels: 0 });
      });
    }

    test('a line that is offered for tones alone is rejected', TIMEOUT, async () => {
      const { tones, lines, offered } = await inPage('./refusals.js', 'tonesAlone');
      assert.deepEqual({ tones, offered, sound: lines[0] }, { tones: true, offered: true, sound: 'm=audio 0' });
      assert.match(lines[1], /^m=video [1-9]/);
    });

    test('a call is closed once, in time, and without an error', TIMEOUT, async () => {
      const { ends, asked, errors, unheard } = await inPage('./endings.js', 'closed');
      assert.equal(ends.length, 3);
      for (const { how, ms } of ends) {
        assert.equal(how, 'resolved');
        assert.ok(ms < 2500, `${ms} ms`);
      }
      assert.deepEqual({ asked, errors, unheard }, { asked: 'rejected: Closed', errors: [], unheard: [] });
    });

    test('a connection that is closed is looked at no more, whatever becomes of the last look', TIMEOUT, async () => {
      for (const how of ['never ends', 'fails']) {
        assert.deepEqual(await inPage('./endings.js', 'left', how), { looks: 1, ended: 1, errors: [] }, how);
      }
    });

    test('senders and receivers that a connection has no more are forgotten', TIMEOUT, async () => {
      assert.deepEqual(await inPage('./endings.js', 'forgotten'), { first: 2, all: 4, different: 4, errors: [] });
    });

    test('a worker that is dead or hangs is told of once, by name; nothing leaves, and the call can be closed', TIMEOUT, async (t) => {
      const { closed, ...others } = await inPage('./endings.js', 'all');
      for (const [how, { ended, told, ...said }] of Object.entries(others)) {
        const silent = 'rejected: WorkerSilent';
        assert.deepEqual(said, {
          codes: ['SealframeError WorkerSilent'], asked: silent, described: silent, left: 0, strange: [],
        }, how);
        assert.equal(ended.how, 'resolved');
        assert.ok(ended.ms < 1000, `${ended.ms} ms`);
        t.diagnostic(`${how}: told after ${Math.round(told)} ms`);
      }
      // Before anybody has noticed.
      assert.deepEqual({ how: closed.ended.how, errors: closed.errors }, { how: 'resolved', errors: [] });
      assert.ok(closed.ended.ms < 2500, `${closed.ended.ms} ms`);
    });

    test('a worker that cannot be loaded is named, with the cure', TIMEOUT, async () => {
      const said = await inPageOf(poor, './endings.js', 'lost');
      assert.match(said, new RegExp(`^WorkerFailed .*cannot be loaded from ${poor.url}worker.js`));
      assert.match(said, /optimizeDeps/);
    });
  });
}
