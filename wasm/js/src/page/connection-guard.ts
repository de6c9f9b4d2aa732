// A connection whose every sender and receiver has a transform, and that is watched.

import { type CHANNELS, NoChannels } from './data-channels.js';
import { describeFully } from './full-framing.js';
import { inBothForms, replaceMethod } from './methods.js';
import type { Target } from './negotiated-codecs.js';
import { type Report, type Stats, statsOf } from './stats.js';
import { NoTones } from './tones.js';
import type { Framing } from '../shared/ids.js';
import type { Counts, Direction } from '../shared/protocol.js';
import type { SentStream, Source, StreamState } from '../shared/streams.js';

/** How often the connection's counters are compared with the worker's. */
const WATCH_MS = 1000;
/** This many packets or pictures past the worker, with none through it between them, are a leak. */
const LEAK = 10;

/** What a guard needs of its call. */
export interface GuardedCall {
  /** Gives a sender or receiver its transform, once. Returns the transform's number. */
  attach(target: Target, direction: Direction): number;
  /** The worker's counters. */
  counts(): Promise<Counts[]>;
  /** Tells the application how a stream stands. */
  tell(state: StreamState): void;
  /** Forgets a sender or receiver that has been stopped. */
  forget(target: Target): void;
  /** Tells the application of an error. */
  fail(error: Error): void;
  /** The watch has ended. */
  done(): void;
}

/** Which way a connection is protected. */
export interface GuardOptions {
  framing: Framing;
  dataChannels: (typeof CHANNELS)[number];
}

/** What a stream of the application's carries. */
export interface Described extends SentStream {
  from?: Source;
}

/** What a transform sits on, and what was seen at the last look. */
interface Watched {
  target: Target;
  direction: Direction;
  stream: Described | null;
  state: StreamState | null;
  /** The connection's reports at the last look. */
  reports: Map<string, Report>;
  /** The worker's counters at the last look. */
  taken: number;
  passed: number;
  /** What has flowed since the worker last had any of it. */
  astray: number;
  proven: boolean;
  leaked: boolean;
}

/** What has flowed since the last look, and whether an encoder has made pictures for it. */
interface Flow {
  flowed: number;
  hasPictures: boolean;
}

/** Hooks and watches one RTCPeerConnection. */
export class ConnectionGuard {
  #pc: RTCPeerConnection;
  #call: GuardedCall;
  /** By the number of the transform. */
  #watched = new Map<number, Watched>();
  #timer: ReturnType<typeof setInterval>;
  #isLooking = false;
  #tones: NoTones;
  #channels: NoChannels | null = null;

  constructor(pc: RTCPeerConnection, { framing, dataChannels }: GuardOptions, call: GuardedCall) {
    this.#pc = pc;
    this.#call = call;
    this.#tones = new NoTones(pc);
    const fail = (error: Error) => call.fail(error);
    if (dataChannels === 'refused') this.#channels = new NoChannels(pc, fail);
    for (const method of ['addTrack', 'addTransceiver', 'addStream']) {
      replaceMethod<(...args: unknown[]) => unknown>(pc, method, (original) => (...args: unknown[]) =>
        this.#sweepAfter(() => original(...args)));
    }
    replaceMethod<(...args: unknown[]) => unknown>(pc, 'setRemoteDescription', (original) => inBothForms(1, async (...args: unknown[]) => {
      try {
        return await original(...args);
      } finally {
        this.#sweep();
      }
    }));
    // Code that takes these methods from the browser's own prototypes is covered here. Capturing:
    // before every listener of the application, in the task that makes the receiver, and before
    // anything is negotiated.
    for (const event of ['track', 'signalingstatechange']) pc.addEventListener(event, () => this.#sweep(), { capture: true });
    if (framing === 'full') describeFully(pc, fail);
    this.#sweep(false);
    this.#timer = setInterval(() => void this.#look(), WATCH_MS);
  }

  /** Ends the watch; transforms stay. */
  stop(): void {
    clearInterval(this.#timer);
    this.#drop(() => true);
    this.#call.done();
  }

  /** Watches these no more, and keeps nothing of them. */
  #drop(isOver: (watched: Watched) => boolean): void {
    for (const [number, watched] of this.#watched) {
      if (!isOver(watched)) continue;
      this.#watched.delete(number);
      this.#call.forget(watched.target);
    }
  }

  /** Notes what a transform of this connection carries. */
  described(target: Target, number: number, stream: Described): void {
    const watched = this.#watched.get(number);
    if (watched?.target === target) watched.stream = stream;
  }

  /**
   * The state of a stream as it may be shown, or null if it is not of this connection: sealed
   * frames are called encrypted only once the connection's counters have agreed, and a stream that
   * has leaked stays 'leaking'.
   */
  judge(number: number, state: StreamState): StreamState | null {
    const watched = this.#watched.get(number);
    if (watched === undefined) return null;
    watched.state = state;
    if (watched.leaked) return { ...state, state: 'leaking' };
    if (state.direction === 'seal' && state.state === 'encrypted' && !watched.proven) {
      return { ...state, state: 'waiting' };
    }
    return state;
  }

  #sweepAfter<T>(work: () => T): T {
    try {
      return work();
    } finally {
      this.#sweep();
    }
  }

  /**
   * Gives each sender and receiver its transform; where that fails, as it does once the worker is
   * dead, media stop.
   */
  #sweep(isNew = true): void {
    for (const transceiver of this.#pc.getTransceivers()) {
      if (transceiver.direction === 'stopped') continue;
      try {
        this.#tones.cover(transceiver, isNew);
        this.#cover(transceiver.sender, 'seal');
        this.#cover(transceiver.receiver, 'open');
      } catch (error) {
        transceiver.stop();
        this.#call.fail(error as Error);
      }
    }
  }

  #cover(target: Target, direction: Direction): void {
    const number = this.#call.attach(target, direction);
    if (this.#watched.has(number)) return;
    this.#watched.set(number, {
      target,
      direction,
      stream: null,
      state: null,
      reports: new Map(),
      taken: 0,
      passed: 0,
      astray: 0,
      proven: false,
      leaked: false,
    });
  }

  /** One look after the other, however long each takes. */
  async #look(): Promise<void> {
    if (this.#isClosed) return this.stop();
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      await this.#watch();
    } catch (error) {
      // It may have been closed meanwhile.
      if (!this.#isClosed) this.#call.fail(error as Error);
    } finally {
      this.#isLooking = false;
    }
  }

  get #isClosed(): boolean {
    return this.#pc.connectionState === 'closed';
  }

  async #watch(): Promise<void> {
    // An application that goes around the hooks is still covered, if late.
    this.#sweep();
    // A sender or receiver that has been stopped is no transceiver's any more, for good.
    const ends = new Set<Target>(this.#pc.getTransceivers().flatMap(({ sender, receiver }) => [sender, receiver]));
    this.#drop(({ target }) => !ends.has(target));
    const stats = await statsOf(this.#pc);
    this.#channels?.look(stats);
    const flows = await this.#flows(stats);
    // Asked after, so that what had flowed by then is in it.
    const counts = new Map((await this.#call.counts()).map(({ number, taken, passed }) => [number, { taken, passed }]));
    for (const [number, watched, flow] of flows) {
      this.#compare(watched, flow, counts.get(number) ?? { taken: 0, passed: 0 });
    }
  }

  /** What has flowed of each, from one report of all: one of each would take four times as long. */
  async #flows(stats: Stats): Promise<[number: number, watched: Watched, flow: Flow][]> {
    const reports = rtpReports(stats);
    const mids = new Map<Target, string | null>(this.#pc.getTransceivers()
      .flatMap(({ sender, receiver, mid }): [Target, string | null][] => [[sender, mid], [receiver, mid]]));
    // Older browsers do not say which report belongs to which.
    const isTold = reports.every(({ mid }) => mid !== undefined);
    return Promise.all([...this.#watched].map(async ([number, watched]): Promise<[number, Watched, Flow]> => {
      const { target, direction } = watched;
      const own = isTold ? reports.filter(({ mid }) => mid === mids.get(target)) : rtpReports(await statsOf(target));
      return [number, watched, flowOf(own, direction, watched.reports)];
    }));
  }

  /**
   * Media that flow have gone through the worker: it has taken what an encoder made, and passed on
   * what a decoder gets. Packets without a picture are padding, which connections send to find out
   * what they can carry.
   */
  #compare(watched: Watched, { flowed, hasPictures }: Flow, { taken, passed }: Pick<Counts, 'taken' | 'passed'>): void {
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
      if (state !== null && seals) this.#call.tell(state);
    }
  }

  /** Stops media that go past the worker, and tells so. */
  #turnOff(watched: Watched): void {
    if (watched.leaked) return;
    watched.leaked = true;
    const transceiver = this.#pc.getTransceivers()
      .find(({ sender, receiver }) => sender === watched.target || receiver === watched.target);
    transceiver?.stop();
    const { stream, direction } = watched;
    this.#call.tell({ direction, ...stream, opened: 0, failed: 0, ...watched.state, state: 'leaking', code: 'Bypassed' });
  }
}

type Counter = 'packetsSent' | 'retransmittedPacketsSent' | 'framesEncoded' | 'framesReceived';

function rtpReports(stats: Stats): Report[] {
  return [...stats.values()].filter(({ type }) => type === 'outbound-rtp' || type === 'inbound-rtp');
}

/**
 * What has flowed by the reports of one sender or receiver since the last look, which is in `last`:
 * packets sent, or pictures on their way to the decoder; and whether an encoder has made pictures
 * for it, where one must have.
 */
function flowOf(reports: Report[], direction: Direction, last: Map<string, Report>): Flow {
  const flow = { flowed: 0, hasPictures: true };
  let pictures: number | null = null;
  for (const report of reports) {
    const before = last.get(report.id);
    const more = (what: Counter): number => (report[what] ?? 0) - (before?.[what] ?? 0);
    if (direction === 'seal' && report.type === 'outbound-rtp') {
      flow.flowed += more('packetsSent') - more('retransmittedPacketsSent');
      if (report.framesEncoded !== undefined) pictures = (pictures ?? 0) + more('framesEncoded');
    } else if (direction === 'open' && report.type === 'inbound-rtp' && report.kind === 'video') {
      // Not frames decoded: they may have waited long after the last of them has passed the worker.
      flow.flowed += more('framesReceived');
    }
    // Reports come and go with the directions of a transceiver.
    last.set(report.id, report);
  }
  if (pictures !== null) flow.hasPictures = pictures > 0;
  return flow;
}
