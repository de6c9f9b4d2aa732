// What the server forwards and records of everything a browser can send, in clear.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { FIREFOX, isInstalled, launchChromium, launchFirefox } from './browser.mjs';
import { startSfu } from './sfu.mjs';

const TIMEOUT = { timeout: 120_000 };

const outward = Object.values(networkInterfaces()).flat()
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

for (const [browserName, launch, udp] of [
  ['Chromium', launchChromium, '127.0.0.1'],
  ['Firefox', launchFirefox, outward], // it sends no media to loopback
]) {
  // Media play in real time: tests of pages that wait run in parallel.
  describe(browserName, { concurrency: 3 }, () => {
    const isChromium = browserName === 'Chromium';
    let [browser, sfu, missing] = [];

    before(async () => {
      missing = udp === undefined || !(isChromium || await isInstalled(FIREFOX));
      if (missing) return;
      browser = await launch();
      sfu = await startSfu({ udp });
    }, TIMEOUT);
    after(async () => {
      await browser?.close();
      await sfu?.stop();
    });

    /** A test whose `inPage` runs in a page with server.page.js; it may use nothing from here
     * except `given`. */
    function pageTest(name, given, inPage, check) {
      test(name, TIMEOUT, async (t) => {
        if (missing) return t.skip(`no ${browserName}, or no address but loopback`);
        const room = name.replaceAll(/[^a-z0-9]/gi, '-').slice(0, 64);
        // In windows: a browser draws background tabs less often.
        const page = await browser.newPage({ type: 'window' });
        let said;
        try {
          await page.goto(sfu.url);
          await page.evaluate(`{${await readFile(new URL('server.page.js', import.meta.url), 'utf8')}}`);
          said = await page.evaluate(inPage, room, given);
          await check({ ...said, t, room });
        } finally {
          await page.close();
        }
      });
    }

    pageTest('every track goes to its subscribers, and is recorded even without any', {}, async (room) => {
      const { Participant, drawn, tone, sleep } = globalThis.plain;
      const alice = await Participant.join(room);
      const sent = [
        [tone(), { kind: 'microphone', index: 0 }],
        [tone(), { kind: 'screenAudio', index: 0 }],
        [drawn(320, 240), { kind: 'camera', index: 0 }],
        [drawn(320, 180), { kind: 'camera', index: 1 }],
        [drawn(240, 240), { kind: 'screen', index: 65_535 }],
        [drawn(320, 200), null],
      ].map(([track, name]) => ({ name, transceiver: alice.send(track, name) }));
      const early = await Participant.join(room);
      await alice.negotiate();
      const bob = await Participant.join(room);
      await sleep(200);
      const wanted = [['camera', 1], ['screen', 65_535], ['screenAudio', 0]];
      const slots = wanted.map(([kind, index]) => bob.receive({ from: alice.id, kind, index }));
      await bob.negotiate();
      await sleep(5000);
      const received = await Promise.all(slots.map(async ({ receiver }) => (await bob.stats(receiver))[0]));
      const counts = (await Promise.all(sent.map(async ({ name, transceiver }) =>
        (await alice.stats(transceiver.sender)).map((report) => ({
          name,
          mid: transceiver.mid,
          ssrc: report.ssrc,
          packets: report.packetsSent - (report.retransmittedPacketsSent ?? 0),
        }))))).flat();
      await sleep(500);
      const tap = await (await fetch(`/tap?room=${room}`)).json();
      const said = { id: alice.id, tap, early: early.tracks[alice.id], late: bob.tracks[alice.id], received, counts };
      for (const participant of [alice, bob, early]) participant.close();
      return said;
    }, async ({ id, room, early, late, received: [camera, screen, sound], counts, tap, t }) => {
      const all = [['microphone', 0], ['camera', 0], ['camera', 1], ['screen', 65_535], ['screenAudio', 0]]
        .map(([kind, index]) => ({ kind, index }));
      assert.deepEqual(early, all, 'what the early ones received');
      assert.deepEqual(late, all, 'what a newcomer received');

      const decoded = [camera.framesDecoded, screen.framesDecoded];
      assert.ok(Math.min(...decoded) > 20, `pictures decoded: ${decoded}`);
      // The shapes differ, however much an encoder scales the pictures down.
      const { frameWidth, frameHeight } = camera;
      assert.ok(Math.abs(frameWidth / frameHeight - 16 / 9) < 0.05, `${frameWidth}×${frameHeight}`);
      assert.equal(screen.frameWidth, screen.frameHeight);
      assert.ok(sound.packetsReceived > 50);

      const packets = await sfu.packets(id, room);
      assert.equal(counts.length, 6);
      for (const { name, mid, ssrc, packets: sent } of counts) {
        const of = packets.filter((packet) => packet.ssrc === ssrc);
        assert.ok(sent > 20, `${JSON.stringify(name)}: ${sent} packets sent`);
        assert.ok(of.length >= 0.98 * sent, `${JSON.stringify(name)}: ${of.length} of ${sent} packets`);
        assert.ok(of.every((packet) => packet.mid === mid));
      }
      assert.equal(new Set(packets.map(({ ssrc }) => ssrc)).size, 6, 'and nothing else');
      t.diagnostic(counts.map(({ name, packets: sent }) => `${name?.kind} ${sent}`).join(', '));

      // The tap shows the announced tracks, and counts like the recorder.
      const shown = tap.map(({ from, kind, index }) => ({ from, kind, index }));
      assert.deepEqual(shown, all.map((name) => ({ from: id, ...name })));
      for (const { kind, index, codec, packets: seen } of tap) {
        const { ssrc } = counts.find(({ name }) => name?.kind === kind && name.index === index);
        const of = packets.filter((packet) => packet.ssrc === ssrc);
        assert.equal(codec, of[0].codec);
        assert.ok(seen <= of.length && seen >= 0.9 * of.length, `${kind} ${index}: ${seen} of ${of.length}`);
      }
    });

    pageTest('an m-line may send one track and receive another', {}, async (room) => {
      const { Participant, drawn, sleep } = globalThis.plain;
      const both = [await Participant.join(room), await Participant.join(room)];
      const names = [{ kind: 'camera', index: 0 }, { kind: 'screen', index: 3 }];
      const sizes = [[320, 240], [240, 240]];
      const lines = both.map((participant, place) =>
        participant.send(drawn(...sizes[place]), names[place], { direction: 'sendrecv' }));
      for (const participant of both) await participant.negotiate();
      for (const [place, participant] of both.entries()) {
        participant.receive({ from: both[1 - place].id, ...names[1 - place] }, lines[place]);
        await participant.negotiate();
      }
      await sleep(4000);
      const stats = await Promise.all(both.map((participant, place) => participant.stats(lines[place].receiver)));
      for (const participant of both) participant.close();
      return { stats };
    }, ({ stats: [[byFirst], [bySecond]] }) => {
      const decoded = [byFirst.framesDecoded, bySecond.framesDecoded];
      assert.ok(Math.min(...decoded) > 20, `pictures decoded: ${decoded}`);
      assert.equal(byFirst.frameWidth, byFirst.frameHeight);
      assert.equal(bySecond.frameWidth * 3, bySecond.frameHeight * 4);
    });

    pageTest('a receiver may take another track on the same m-line', {}, async (room) => {
      const { Participant, drawn, sleep } = globalThis.plain;
      const alice = await Participant.join(room);
      alice.send(drawn(320, 240), { kind: 'camera', index: 0 });
      alice.send(drawn(240, 240), { kind: 'camera', index: 1 });
      await alice.negotiate();
      const bob = await Participant.join(room);
      const line = bob.receive({ from: alice.id, kind: 'camera', index: 0 });
      const stats = [];
      for (const index of [0, 1]) {
        bob.receive({ from: alice.id, kind: 'camera', index }, line);
        await bob.negotiate();
        await sleep(4000);
        stats.push((await bob.stats(line.receiver))[0]);
      }
      for (const participant of [alice, bob]) participant.close();
      return { stats };
    }, ({ stats: [first, second] }) => {
      assert.equal(first.frameWidth * 3, first.frameHeight * 4);
      assert.equal(second.frameWidth, second.frameHeight);
      assert.ok(second.framesDecoded > first.framesDecoded + 20, `${first.framesDecoded}, ${second.framesDecoded}`);
    });

    pageTest('all simulcast layers are recorded and one is received, also when layers stop', {}, async (room) => {
      const { Participant, drawn, sleep } = globalThis.plain;
      const alice = await Participant.join(room);
      const sendEncodings = [{ rid: 'l', scaleResolutionDownBy: 2 }, { rid: 'h' }];
      const { sender } = alice.send(drawn(1280, 720), { kind: 'camera', index: 0 }, { sendEncodings });
      const answer = await alice.negotiate();
      const bob = await Participant.join(room);
      const { receiver } = bob.receive({ from: alice.id, kind: 'camera', index: 0 });
      await bob.negotiate();
      const decoded = async () => (await bob.stats(receiver))[0]?.framesDecoded ?? 0;
      const counts = [];
      // Both layers; then each alone, so that the forwarded one stops at least once.
      for (const active of [[true, true], [false, true], [true, false]]) {
        const parameters = sender.getParameters();
        parameters.encodings.forEach((encoding, place) => { encoding.active = active[place]; });
        await sender.setParameters(parameters);
        await sleep(4000);
        const before = await decoded();
        await sleep(2500);
        counts.push(await decoded() - before);
      }
      for (const participant of [alice, bob]) participant.close();
      return { id: alice.id, answer, counts };
    }, async ({ id, room, answer, counts, t }) => {
      assert.match(answer, /a=simulcast:recv l;h/);
      const packets = await sfu.packets(id, room);
      const layers = ['l', 'h'].map((rid) => packets.filter((packet) => packet.rid === rid));
      for (const layer of layers) {
        assert.ok(layer.length > 50, `${layer.length} packets`);
        assert.equal(new Set(layer.map(({ ssrc }) => ssrc)).size, 1);
      }
      assert.equal(layers[0].length + layers[1].length, packets.length);
      for (const count of counts) assert.ok(count > 10, `pictures decoded: ${counts}`);
      t.diagnostic(`packets ${layers.map(({ length }) => length)}, pictures decoded ${counts}`);
    });

    /** One camera from one participant to another, each with options. */
    async function oneCamera(room, { sends, receives }) {
      const { Participant, drawn, sleep } = globalThis.plain;
      const name = { kind: 'camera', index: 0 };
      const alice = await Participant.join(room, sends);
      const { scalabilityMode } = sends;
      const { sender } = alice.send(drawn(320, 240), name, scalabilityMode && { sendEncodings: [{ scalabilityMode }] });
      const answer = await alice.negotiate();
      const bob = await Participant.join(room, receives);
      const { receiver } = bob.receive({ from: alice.id, ...name });
      await bob.negotiate();
      await sleep(4000);
      const tap = await (await fetch(`/tap?room=${room}`)).json();
      const [[sent], [received]] = await Promise.all([alice.stats(sender), bob.stats(receiver)]);
      for (const participant of [alice, bob]) participant.close();
      return { id: alice.id, tap, answer, sent, received };
    }

    for (const codec of isChromium ? ['vp8', 'vp9', 'h264', 'av1'] : ['vp8', 'vp9']) {
      pageTest(`${codec} goes through`, { sends: { codec } }, oneCamera, async ({ id, room, received }) => {
        const packets = await sfu.packets(id, room);
        assert.deepEqual([...new Set(packets.map((packet) => packet.codec))], [codec]);
        assert.ok(received.framesDecoded > 20, `${received.framesDecoded} pictures decoded`);
        assert.equal(received.codec.mimeType.toLowerCase(), `video/${codec}`);
      });
    }

    // Only Chromium lets a page ask for these.
    if (!isChromium) return;

    for (const fmtp of [
      ['packetization-mode=0', 'profile-level-id=42001f'],
      ['packetization-mode=1', 'profile-level-id=42e01f'],
    ]) {
      pageTest(`h264 keeps ${fmtp.join(' ')}`, { sends: { codec: 'h264', fmtp } }, oneCamera, ({ sent, received }) => {
        assert.ok(received.framesDecoded > 20, `${received.framesDecoded} pictures decoded`);
        for (const { codec: { sdpFmtpLine } } of [sent, received]) {
          for (const part of fmtp) assert.ok(sdpFmtpLine.includes(part), sdpFmtpLine);
        }
      });
    }

    for (const [codec, isRaw] of [['vp8', false], ['vp9', false], ['vp8', true], ['h264', true], ['av1', true]]) {
      const options = { codec, isRaw, isOpaque: true, hasDescriptor: true };
      const name = `opaque ${codec}${isRaw ? ', raw,' : ''} goes through with its Dependency Descriptor`;
      const layered = { ...options, scalabilityMode: codec === 'h264' ? undefined : 'L1T3' };
      const given = { sends: layered, receives: options };
      pageTest(name, given, oneCamera, async ({ id, room, tap, answer, received, t }) => {
        assert.match(answer, /dependency-descriptor-rtp-header-extension/);
        assert.equal(tap[0].latest.before === 0, isRaw, 'raw payloads have no descriptor of their own');
        const packets = (await sfu.packets(id, room)).filter(({ payload }) => payload.length > 0);
        const lengths = packets.map(({ descriptor }) => descriptor.length);
        assert.ok(Math.min(...lengths) >= 3, 'every packet has one');
        // Values of this length need another form of header extensions, which the server must
        // choose.
        const longest = Math.max(...lengths);
        if (layered.scalabilityMode) assert.ok(longest > 16, `the longest has ${longest} bytes`);
        // A receiver knows an opaque frame only from the descriptor.
        assert.ok(received.framesDecoded > 20, `${received.framesDecoded} pictures decoded`);
        t.diagnostic(`${packets.length} packets, descriptors up to ${longest} bytes`);
      });
    }
  });
}
