// One participant: a tab with the demo's page, and what a test can learn from it.

import { setTimeout as sleep } from 'node:timers/promises';

const JOIN_TIMEOUT = 60_000;

/** Clicks "Join", as a person would: a link cannot. */
export async function clickJoin(page) {
  const button = await page.waitForSelector('#lobby:not([hidden]) button[name=join]', { timeout: JOIN_TIMEOUT });
  // Not with the mouse, which does not work in background tabs.
  await button.evaluate((element) => element.click());
}

/** Opens the page and joins. `relay` is a malicious server's change to each message for this
 * page: see `tamper`. */
export async function openTab(browser, url, { room = 'test', name, agreed = {}, relay }) {
  const page = await browser.newPage();
  if (relay !== undefined) await page.evaluateOnNewDocument(`(${tamper})(${relay})`);
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  const query = new URLSearchParams({ room, name });
  const fragment = new URLSearchParams(agreed);
  await page.goto(`${url}?${query}#${fragment}`);
  await clickJoin(page);
  const id = await outcomeOf(page);
  if (id === undefined) {
    const notice = await page.$eval('#notice', (element) => element.textContent);
    throw new Error(`${name} could not join: ${notice} (${errors.join('; ')})`);
  }
  return new Tab(page, errors, id);
}

/** Waits until a page has joined; resolves to its address, or to nothing if the page gives an
 * error. */
export async function outcomeOf(page) {
  // By the clock: background tabs draw no animation frames.
  const outcome = () => globalThis.sealframeDemo || document.getElementById('notice').dataset.fatal;
  await page.waitForFunction(outcome, { polling: 250, timeout: JOIN_TIMEOUT });
  return page.evaluate(() => globalThis.sealframeDemo?.id);
}

/**
 * Runs in the page before its scripts. Messages from the server pass through `relay`, which may
 * change one, or drop it by returning null. It may use nothing from outside.
 */
function tamper(relay) {
  globalThis.WebSocket = class extends WebSocket {
    set onmessage(listener) {
      super.onmessage = ({ data }) => {
        const message = relay(JSON.parse(data));
        if (message !== null) listener({ data: JSON.stringify(message) });
      };
    }
  };
}

export class Tab {
  constructor(page, errors, id) {
    this.page = page;
    this.errors = errors;
    this.id = id;
  }

  /** This tab's reception of another: state and counters of decoded media. */
  async receives(from) {
    const { members } = await this.page.evaluate(() => globalThis.sealframeDemo.stats());
    const { state, audio, video } = members[from] ?? {};
    return {
      state,
      frames: video?.framesDecoded ?? 0,
      samples: (audio?.totalSamplesReceived ?? 0) - (audio?.concealedSamples ?? 0),
      energy: audio?.totalAudioEnergy ?? 0,
      packets: (video?.packetsReceived ?? 0) + (audio?.packetsReceived ?? 0),
    };
  }

  /** The text on a participant's tile. */
  says(from) {
    return this.page.$eval(`[data-member="${from}"] .state`, (element) => element.textContent);
  }

  /** Waits until `condition` holds for this tab's reception of another. */
  async until(from, what, condition, timeout = 60_000) {
    const end = Date.now() + timeout;
    for (;;) {
      const now = await this.receives(from);
      if (condition(now)) return now;
      if (Date.now() > end) {
        throw new Error(`${what}: still not after ${timeout} ms: ${JSON.stringify(now)} ${this.errors.join('; ')}`);
      }
      await sleep(250);
    }
  }

  /** Waits until pictures and sound of another are decoded. */
  plays(from) {
    return this.until(
      from,
      `tab ${this.id} plays ${from}`,
      ({ frames, samples, energy }) => frames > 0 && samples > 0 && energy > 0,
    );
  }

  /** The call's state, as the page knows it. */
  state() {
    return this.page.evaluate(() => globalThis.sealframeDemo.group.state());
  }

  /** The code of the call, as displayed. */
  code() {
    return this.page.$eval('#people .code', (element) => element.textContent);
  }

  /** The lines of the red banner; none if it is hidden. */
  alarms() {
    return this.page.$eval('#alarm', (element) => (element.hidden ? []
      : [...element.querySelectorAll('li')].map((line) => ({ key: line.dataset.alarm, text: line.textContent }))));
  }

  /** Notes every alarm from now on, including those that are cleared; returns a function that
   * lists them. */
  async watchAlarms() {
    await this.page.evaluate(() => {
      const alarmed = globalThis.alarmed = [];
      const look = () => {
        for (const { dataset, textContent } of document.querySelectorAll('#alarm li')) {
          if (!alarmed.some(([key]) => key === dataset.alarm)) alarmed.push([dataset.alarm, textContent]);
        }
      };
      new MutationObserver(look).observe(document.getElementById('alarm'), { childList: true, subtree: true });
      look();
    });
    return () => this.page.evaluate(() => globalThis.alarmed);
  }

  /** Notes the group's events from now on; returns a function that lists them. */
  async events() {
    await this.page.evaluate(() => {
      const { group } = globalThis.sealframeDemo;
      const { onevent } = group;
      globalThis.events = [];
      group.onevent = (event) => {
        globalThis.events.push(event);
        return onevent(event);
      };
    });
    return () => this.page.evaluate(() => globalThis.events);
  }

  /** The text of the notice at the top. */
  notice() {
    return this.page.$eval('#notice', ({ hidden, textContent }) => (hidden ? '' : textContent));
  }

  /** Calls `look` repeatedly until it finds something. */
  async finds(what, look, timeout = 30_000) {
    const end = Date.now() + timeout;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > end) throw new Error(`tab ${this.id}: ${what}: not after ${timeout} ms; ${this.errors.join('; ')}`);
      await sleep(100);
    }
  }

  /** Waits until a line of the banner matches. */
  isAlarmed(pattern, timeout) {
    return this.finds(`banner ${pattern}`, async () => (await this.alarms()).find(({ text }) => pattern.test(text)), timeout);
  }

  /** Collects frames as they are sealed, from now on, up to `limit`. */
  collect(limit) {
    return this.page.evaluate((limit) => {
      const frames = [];
      globalThis.collected = frames;
      globalThis.sealframeDemo.observe = ({ kind, direction, clear, wire }) => {
        if (direction === 'sealed' && frames.length < limit) {
          frames.push({ kind, clear: clear.slice(), wire: wire.slice() });
        }
      };
    }, limit);
  }

  /** The frames collected so far. */
  async collected() {
    const frames = await this.page.evaluate(() => {
      const text = (bytes) => {
        let letters = '';
        for (const byte of bytes) letters += String.fromCharCode(byte);
        return btoa(letters);
      };
      return globalThis.collected.map(({ kind, clear, wire }) => ({ kind, clear: text(clear), wire: text(wire) }));
    });
    return frames.map(({ kind, clear, wire }) => ({
      kind,
      clear: Buffer.from(clear, 'base64'),
      wire: Buffer.from(wire, 'base64'),
    }));
  }

  /** Gives an audio frame of `from` to this tab's receiver, outside the call's own flow. */
  tryOpenAudio(from, wire) {
    return this.page.evaluate(async (from, text) => {
      const wire = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      return globalThis.sealframeDemo.call.tryOpen({ from, kind: 'microphone', index: 0, codec: 'opus', wire });
    }, from, wire.toString('base64'));
  }

  close() {
    return this.page.close();
  }
}
