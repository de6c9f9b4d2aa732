// However an application adds media to a protected connection, the server receives nothing in
// clear: every recorded packet belongs to a frame that opens with the sender's key.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from './browser.mjs';
import { judge, judgeFrames } from './leaks.mjs';
import { startSfu } from './sfu.mjs';

const TIMEOUT = { timeout: 120_000 };
/** A test proves something only with this many recorded and opened frames of each stream. */
const ENOUGH = 20;

/** The streams that each way sends: kind and index. */
const WAYS = {
  'addTrack before negotiation': ['microphone 0', 'camera 0'],
  'addTrack after negotiation': ['microphone 0', 'camera 0'],
  addTransceiver: ['microphone 0', 'camera 0'],
  replaceTrack: ['camera 0'],
  renegotiation: ['camera 0'],
  'second video': ['camera 0', 'camera 1'],
  'screen share': ['microphone 0', 'screen 0'],
  simulcast: ['camera 0'],
  addStream: ['microphone 0', 'camera 0'],
  reconnect: ['camera 0'],
  'worker killed': ['microphone 0', 'camera 0'],
  'transform attached late': ['camera 0'],
  'protected late': ['microphone 0', 'camera 0'],
};
/** The ways that are also tested with `createEncodedStreams`, the only API of old Chromium. */
const OLD_WAYS = [
  'addTrack after negotiation', 'replaceTrack', 'second video', 'simulcast', 'reconnect', 'worker killed', 'protected late',
];

const here = (path) => new URL(path, import.meta.url).pathname;
/** The package, and beside it a worker of the application. */
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealframe-leak-'));
  await cp(process.env.SEALFRAME_PACKAGE ?? here('../../../wasm/pkg'), folder, { recursive: true });
  await copyFile(here('./pass-through.js'), join(folder, 'pass-through.js'));
});
after(() => rm(folder, { recursive: true, force: true }));

const outward = Object.values(networkInterfaces()).flat()
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

for (const [browserName, launch, isThere] of [
  ['Chromium', launchChromium, async () => true],
  ['Firefox', launchFirefox, async () => outward !== undefined && isInstalled(FIREFOX)],
]) {
  // Media play in real time: tests of pages that wait run in parallel.
  describe(browserName, { concurrency: 3 }, () => {
    let [browser, sfu, missing] = [];

    before(async () => {
      missing = !await isThere();
      if (missing) return;
      browser = await launch();
      // Firefox sends no media to loopback.
      sfu = await startSfu(browserName === 'Firefox' ? { udp: outward, folder } : { folder });
    }, TIMEOUT);
    after(async () => {
      await browser?.close();
      await sfu?.stop();
    });

    /** A page of its own that has loaded leak.page.js. */
    async function inPage(work, prepare) {
      // In windows: a browser draws background tabs less often.
      const page = await browser.newPage({ type: 'window' });
      try {
        if (prepare !== undefined) await page.evaluateOnNewDocument(prepare);
        await page.goto(sfu.url);
        await page.evaluate(`{${await readFile(new URL('leak.page.js', import.meta.url), 'utf8')}}`);
        return await work(page);
      } finally {
        await page.close();
      }
    }

    /** Runs one way and judges the server's recording. */
    const run = (name, prepare) => inPage(async (page) => {
      const secret = randomBytes(32);
      const room = `${name.replaceAll(' ', '-')}${prepare === undefined ? '' : '-old'}`;
      const said = await page.evaluate((...args) => globalThis.leak.run(...args), name, room, [...secret]);
      await sleep(300);
      const packets = (await Promise.all([...new Set(said.participants)].map((id) => sfu.packets(id, room)))).flat();
      return { ...said, verdict: await judge(packets, { ...said, secret }) };
    }, prepare);

    /** Calls a function of leak.page.js with a new room, a secret and `args`. */
    let rooms = 0;
    const ask = (what, ...args) => inPage((page) => {
      rooms += 1;
      const room = `${what}-${rooms}`;
      return page.evaluate((name, ...all) => globalThis.leak[name](...all), what, room, [...randomBytes(32)], ...args);
    });

    test('without protection, clear packets are seen', TIMEOUT, async (t) => {
      if (missing) return t.skip('no browser, or no address but loopback');
      const { verdict } = await run('unprotected');
      assert.ok(verdict.unopened > 50, `${verdict.unopened} clear packets`);
      assert.deepEqual(verdict.opened, {});
    });

    test('nothing leaks: sendrecv, answering', TIMEOUT, async (t) => {
      if (missing) return t.skip('no browser, or no address but loopback');
      const secret = [...randomBytes(32)];
      const answer = async (isProtected) => {
        const said = await inPage((page) =>
          page.evaluate((...args) => globalThis.leak.answer(...args), 'answer', secret, isProtected));
        const isLeaking = said.states.some(({ state }) => state === 'leaking');
        return { decoded: said.decoded, isLeaking, ...await judgeFrames(said.frames, { ...said, secret }) };
      };
      const [clear, sealed] = [await answer(false), await answer(true)];
      assert.ok(clear.decoded > ENOUGH, `in clear: ${JSON.stringify(clear)}`);
      assert.equal(sealed.decoded, 0);
      // Clear media from the other side were dropped, and did not bypass the worker.
      assert.equal(sealed.isLeaking, false);
      for (const codec of ['opus', 'vp8']) {
        assert.equal(clear[codec].opened, 0);
        assert.ok(sealed[codec].frames >= ENOUGH, JSON.stringify(sealed));
        assert.equal(sealed[codec].opened, sealed[codec].frames);
      }
      t.diagnostic(`clear ${JSON.stringify(clear)}, sealed ${JSON.stringify(sealed)}`);
    });

    test('a connection that may have sent in clear, or will in Chromium, is rejected', TIMEOUT, async (t) => {
      if (missing) return t.skip('no browser, or no address but loopback');
      const ready = { encodedInsertableStreams: true };
      const [plain, sent, ours, oursSent] = [
        await ask('refused', {}, false), await ask('refused', {}, true),
        await ask('refused', ready, false), await ask('refused', ready, true),
      ];
      assert.equal(ours, null);
      if (browserName === 'Chromium') {
        for (const refused of [plain, sent]) assert.match(refused, /rtcConfiguration/);
        assert.equal(oursSent, null, 'nothing flows there before a transform does');
      } else {
        assert.equal(plain, null);
        for (const refused of [sent, oursSent]) assert.match(refused, /may have sent plain media/);
      }
    });

    for (const isNone of [true, false]) {
      const what = isNone ? 'no transform' : 'a transform of its own';
      test(`an application that sets ${what} is detected, and media are turned off`, TIMEOUT, async (t) => {
        if (missing) return t.skip('no browser, or no address but loopback');
        const { more, states } = await ask('bypass', isNone);
        assert.equal(more, 0, 'packets after it was detected');
        // Without a transform, Chromium itself sends nothing.
        if (isNone && browserName === 'Chromium') return;
        const { state, code, kind } = states.at(-1);
        assert.deepEqual({ state, code, kind }, { state: 'leaking', code: 'Bypassed', kind: 'camera' });
      });
    }

    // Firefox never ignores a transform.
    if (browserName === 'Chromium') for (const fps of [25, 2]) {
      test(`a transform that the browser ignores is detected, at ${fps} pictures a second`, TIMEOUT, async () => {
        const { states, isStopped } = await ask('ignored', fps);
        assert.ok(isStopped, JSON.stringify(states));
        assert.ok(!states.some(({ state }) => state === 'encrypted'), JSON.stringify(states));
        assert.equal(states.at(-1).state, 'leaking');
      });
    }

    for (const [codec, framing, sendEncodings, modes, hasDescriptor] of browserName === 'Chromium' ? [
      ['vp8', 'compatible', [{ rid: 'l', scaleResolutionDownBy: 2 }, { rid: 'h' }]],
      ['vp8', 'full', [{ rid: 'l', scaleResolutionDownBy: 2 }, { rid: 'h' }]],
      ['vp9', 'compatible', [{ scalabilityMode: 'L2T3_KEY' }], ['L2T3_KEY']],
      ['vp9', 'full', [{ scalabilityMode: 'L2T3_KEY' }], ['L2T3_KEY']],
      ['av1', 'compatible', [{ scalabilityMode: 'L1T3' }], ['L1T3']],
      // Without the descriptor no receiver could decode these, sealed or clear.
      ['av1', 'compatible', [{ scalabilityMode: 'L2T3' }], ['L2T3'], true],
      ['av1', 'full', [{ scalabilityMode: 'L1T3' }], ['L1T3']],
    ] : [['vp8', 'compatible', [{ rid: 'l', scaleResolutionDownBy: 2 }, { rid: 'h' }]]]) {
      const name = modes?.[0] ?? 'simulcast';
      test(`each layer is a frame of its own: ${codec}, ${name}, ${framing} framing`, TIMEOUT, async (t) => {
        if (missing) return t.skip('no browser, or no address but loopback');
        const turns = modes === undefined ? [[true, true], [false, true], [true, false]] : [[true], [true]];
        const said = await ask('layers', { codec, framing, sendEncodings, turns, hasDescriptor });
        const { counts, states, pictures, sealed, size } = said;
        t.diagnostic(JSON.stringify({ ...said, states: undefined }));
        for (const count of counts) assert.ok(count > 10, `pictures decoded: ${counts}; ${JSON.stringify(states.slice(-4))}`);
        assert.ok(!states.some(({ state }) => ['failing', 'leaking', 'error'].includes(state)), JSON.stringify(states.slice(-4)));
        if (modes !== undefined) {
          assert.deepEqual(said.modes, modes);
          assert.deepEqual(size, [640, 480]);
        }
        // Each spatial layer of a picture is sealed separately.
        if (/^L2/.test(name)) assert.ok(sealed / pictures > 1.5, `${sealed} frames sealed of ${pictures} pictures`);
      });
    }

    for (const [codec, isDescribed] of [['vp8', true], ['av1', true], ['vp9', false]]) {
      test(`full framing of ${codec} with a receiver that does not know it`, TIMEOUT, async (t) => {
        if (missing) return t.skip('no browser, or no address but loopback');
        const errors = await ask('refusedFraming', codec);
        assert.deepEqual(errors.map(({ code }) => code), isDescribed ? ['FramingRefused'] : []);
      });
    }

    const withoutScriptTransform = () => { delete globalThis.RTCRtpScriptTransform; };
    const old = browserName === 'Chromium' ? OLD_WAYS.map((name) => [name, WAYS[name], withoutScriptTransform]) : [];
    for (const [name, streams, prepare] of [...Object.entries(WAYS), ...old]) {
      test(`nothing leaks: ${name}${prepare === undefined ? '' : ', by createEncodedStreams'}`, TIMEOUT, async (t) => {
        if (missing) return t.skip('no browser, or no address but loopback');
        const { verdict, states, clear } = await run(name, prepare);
        assert.deepEqual(verdict.strange, [], `packets that are not sealed frames; states ${JSON.stringify(states.slice(-4))}`);
        assert.equal(verdict.needles, 0, 'pieces of clear frames');
        for (const stream of streams) {
          assert.ok(verdict.opened[stream] >= ENOUGH, `${stream}: ${JSON.stringify(verdict)}, states ${JSON.stringify(states.slice(-4))}`);
        }
        assert.deepEqual(Object.keys(verdict.opened).sort(), [...streams].sort());
        if (name !== 'worker killed') {
          assert.ok(!states.some(({ state }) => state === 'leaking' || state === 'error'), JSON.stringify(states.slice(-4)));
        }
        t.diagnostic(`${verdict.packets} packets, ${JSON.stringify(verdict.opened)} frames opened, ${verdict.torn} packets of frames cut by the end, ${clear.length} clear frames searched for`);
      });
    }
  });
}
