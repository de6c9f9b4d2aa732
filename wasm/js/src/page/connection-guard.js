// A connection whose every sender and receiver has a transform, and that is watched.

import { NoChannels } from './data-channels.js';
import { describeFully } from './full-framing.js';
import { inBothForms, replaceMethod } from './methods.js';
import { NoTones } from './tones.js';

/** So often the connection's counters are held against the worker's. */
const WATCH_MS = 1000;
/** So many packets or pictures past the worker, with none through it between them, are no accident. */
const LEAK = 10;

/** Hooks one RTCPeerConnection. */
export class Protection {
  #pc;
  #attach;
  #counts;
  #tell;
  #forget;
  #fail;
  #done;
  /** By number: what the transform sits on, and what was seen at the last look. */
  #watched = new Map();
  #timer;
  #isLooking = false;
  #tones;
  #channels = null;

  /** `dataChannels` is one of `CHANNELS`. */
  constructor(pc, { framing, dataChannels, attach, counts, tell, forget, fail, done }) {
    this.#pc = pc;
    this.#attach = attach;
    this.#counts = counts;
    this.#tell = tell;
    this.#forget = forget;
    this.#fail = fail;
    this.#done = done;
    this.#tones = new NoTones(pc);
    if (dataChannels === 'refused') this.#channels = new NoChannels(pc, fail);
    for (const method of ['addTrack', 'addTransceiver', 'addStream']) {
      replaceMethod(pc, method, (original) => (...args) => this.#sweepAfter(() => original(...args)));
    }
    replaceMethod(pc, 'setRemoteDescription', (original) => inBothForms(1, async (...args) => {
      try {
        return await original(...args);
      } finally {
        this.#sweep();
      }
    }));
    // Whoever takes these methods from the browser's own prototypes is covered here. Capturing: before every listener of the
    // application, in the task that makes the receiver, and before anything is negotiated.
    for (const event of ['track', 'signalingstatechange']) pc.addEventListener(event, () => this.#sweep(), { capture: true });
    if (framing === 'full') describeFully(pc, fail);
    this.#sweep(false);
    this.#timer = setInterval(() => this.#look(), WATCH_MS);
  }

  /** Ends the watch; transforms stay. */
  stop() {
    clearInterval(this.#timer);
    this.#drop(() => true);
    this.#done();
  }

  /** Nothing is watched of these any more, and nothing kept. */
  #drop(isOver) {
    for (const [number, watched] of this.#watched) {
      if (!isOver(watched)) continue;
      this.#watched.delete(number);
      this.#forget(watched.target);
    }
  }

  /** What a transform of this connection carries. */
  described(target, number, stream) {
    const watched = this.#watched.get(number);
    if (watched?.target === target) watched.stream = stream;
  }

  /**
   * The state of a stream as it may be shown, or null if it is not of this connection: sealed frames are called
   * encrypted only once the connection's counters have agreed, and what leaked is not called anything else again.
   */
  judge(number, state) {
    const watched = this.#watched.get(number);
    if (watched === undefined) return null;
    watched.state = state;
    if (watched.leaked) return { ...state, state: 'leaking' };
    if (state.direction === 'seal' && state.state === 'encrypted' && !watched.proven) {
      return { ...state, state: 'waiting' };
    }
    return state;
  }

  #sweepAfter(work) {
    try {
      return work();
    } finally {
      this.#sweep();
    }
  }

  /** Whoever has no transform gets one; where that fails, as it does once the worker is dead, media stop. */
  #sweep(isNew = true) {
    for (const transceiver of this.#pc.getTransceivers()) {
      if (transceiver.direction === 'stopped') continue;
      try {
        this.#tones.cover(transceiver, isNew);
        this.#cover(transceiver.sender, 'seal');
        this.#cover(transceiver.receiver, 'open');
      } catch (error) {
        transceiver.stop();
        this.#fail(error);
      }
    }
  }

  #cover(target, direction) {
    const number = this.#attach(target, direction);
    if (this.#watched.has(number)) return;
    this.#watched.set(number, {
      target,
      direction,
      stream: null,
      state: null,
      // Of the connection, by report, and of the worker, at the last look.
      reports: new Map(),
      taken: 0,
      passed: 0,
      /** What has flowed since the worker last had any of it. */
      astray: 0,
      proven: false,
      leaked: false,
    });
  }

  /** One look after the other, however long each takes. */
  async #look() {
    if (this.#pc.connectionState === 'closed') return this.stop();
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#watch();
    } catch (error) {
      // It may have been closed meanwhile.
      if (this.#pc.connectionState !== 'closed') this.#fail(error);
    } finally {
      this.#isLooking = false;
    }
  }

  async #watch() {
    // An application that goes around the hooks is still covered, if late.
    this.#sweep();
    // What has been stopped is no transceiver's any more, and comes never again.
    const ends = new Set(this.#pc.getTransceivers().flatMap(({ sender, receiver }) => [sender, receiver]));
    this.#drop(({ target }) => !ends.has(target));
    const stats = await this.#pc.getStats();
    this.#channels?.look(stats);
    const flows = await this.#flows(stats);
    // Asked after, so that what had flowed by then is in it.
    const counts = new Map((await this.#counts()).map(({ number, taken, passed }) => [number, { taken, passed }]));
    for (const [number, watched, flow] of flows) {
      this.#compare(watched, flow, counts.get(number) ?? { taken: 0, passed: 0 });
    }
  }

  /** `[number, watched, flow]` of each, from one report of all: one of each would take four times as long. */
  async #flows(stats) {
    const reports = rtpReports(stats);
    const mids = new Map(this.#pc.getTransceivers()
      .flatMap(({ sender, receiver, mid }) => [[sender, mid], [receiver, mid]]));
    // Older browsers do not say which is whose.
    const isTold = reports.every(({ mid }) => mid !== undefined);
    return Promise.all([...this.#watched].map(async ([number, watched]) => {
      const { target, direction } = watched;
      const own = isTold ? reports.filter(({ mid }) => mid === mids.get(target)) : rtpReports(await target.getStats());
      return [number, watched, flowOf(own, direction, watched.reports)];
    }));
  }

  /**
   * Media that flow have gone through the worker: what an encoder made, it has taken; what a decoder gets, it has passed
   * on. Packets without a picture are padding, which connections send to find out what they can carry.
   */
  #compare(watched, { flowed, hasPictures }, { taken, passed }) {
    const seals = watched.direction === 'seal';
    const worked = seals ? taken - watched.taken : passed - watched.passed;
    const isPassing = passed > watched.passed;
    Object.assign(watched, { taken, passed });
    if (worked > 0) watched.astray = 0;
    else if (hasPictures) watched.astray += flowed;
    // However slowly they trickle.
    if (watched.astray >= LEAK) return this.#turnOff(watched);
    if (!watched.proven && flowed > 0 && isPassing) {
      watched.proven = true;
      const { state } = watched;
      if (state !== null && seals) this.#tell(state);
    }
  }

  /** Media go past the worker: they stop, and it is said. */
  #turnOff(watched) {
    if (watched.leaked) return;
    watched.leaked = true;
    const transceiver = this.#pc.getTransceivers()
      .find(({ sender, receiver }) => sender === watched.target || receiver === watched.target);
    transceiver?.stop();
    const { stream, direction } = watched;
    this.#tell({ direction, ...stream, opened: 0, failed: 0, ...watched.state, state: 'leaking', code: 'Bypassed' });
  }
}

function rtpReports(stats) {
  return [...stats.values()].filter(({ type }) => type === 'outbound-rtp' || type === 'inbound-rtp');
}

/**
 * What has flowed by the reports of one sender or receiver since the last look, which is in `last`: packets sent, or
 * pictures on their way to the decoder; and whether an encoder has made pictures for it, where one must have.
 */
function flowOf(reports, direction, last) {
  const flow = { flowed: 0, hasPictures: true };
  let pictures = null;
  for (const report of reports) {
    const before = last.get(report.id);
    const more = (what) => (report[what] ?? 0) - (before?.[what] ?? 0);
    if (direction === 'seal' && report.type === 'outbound-rtp') {
      flow.flowed += more('packetsSent') - more('retransmittedPacketsSent');
      if (report.framesEncoded !== undefined) pictures += more('framesEncoded');
    } else if (direction === 'open' && report.type === 'inbound-rtp' && report.kind === 'video') {
      // Not those decoded: they may have waited for that long after the last of them has passed the worker.
      flow.flowed += more('framesReceived');
    }
    // Reports come and go with the directions of a transceiver.
    last.set(report.id, report);
  }
  if (pictures !== null) flow.hasPictures = pictures > 0;
  return flow;
}
