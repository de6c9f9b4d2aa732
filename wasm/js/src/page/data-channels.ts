// Data channels go past every encoded transform: what an application sends over them is encrypted
// to the server and no further. So a protected connection has none, unless the application allows
// them.

import { SealframeError } from '../shared/errors.js';
import { replaceMethod } from './methods.js';
import type { Stats } from './stats.js';

const CURE = "say { dataChannels: 'unprotected' } if what they carry may be read on the way";

/** What `dataChannels` may be. */
export const CHANNELS = ['refused', 'unprotected'] as const;

const failure = (what: string): SealframeError => new SealframeError('DataChannelRefused', `${what}; ${CURE}`);

/** Throws if a connection has data channels already, or is to have them. */
export function checkNoChannels(pc: RTCPeerConnection): void {
  const { alwaysNegotiateDataChannels } = pc.getConfiguration() as { alwaysNegotiateDataChannels?: boolean };
  if (alwaysNegotiateDataChannels === true) {
    throw failure('data channels are not encrypted, and this connection negotiates them always');
  }
  if (pc.sctp) throw failure('data channels are not encrypted, and this connection has negotiated them');
}

/** Keeps a connection from having data channels. */
export class NoChannels {
  #pc: RTCPeerConnection;
  #fail: (error: SealframeError) => void;
  /** Whether a channel of the other side has been reported. */
  #isTold = false;
  /** Ids of channels that were open at the last look. */
  #open = new Set<string>();

  /** `fail` is called with 'DataChannelRefused' for a channel that is there all the same. */
  constructor(pc: RTCPeerConnection, fail: (error: SealframeError) => void) {
    this.#pc = pc;
    this.#fail = fail;
    replaceMethod(pc, 'createDataChannel', () => () => {
      throw failure('data channels of a protected connection are not encrypted');
    });
    // Capturing: before every listener of the application, those that are there already too.
    pc.addEventListener('datachannel', (event) => this.#refuse(event), { capture: true });
    pc.addEventListener('signalingstatechange', () => this.#judge(), { capture: true });
  }

  /** Closes a channel of the other side's. */
  #refuse(event: RTCDataChannelEvent): void {
    event.stopImmediatePropagation();
    event.channel.close();
    if (this.#isTold) return;
    this.#isTold = true;
    this.#fail(failure('the other side has opened a data channel, which is not encrypted; it was closed'));
  }

  /**
   * If we offer channels that the other side has not asked for, the application has gone around us.
   */
  #judge(): void {
    if (this.#pc.signalingState !== 'have-local-offer') return;
    const [ours, theirs] = [this.#pc.localDescription?.sdp ?? '', this.#pc.remoteDescription?.sdp ?? ''];
    if (/^m=application [1-9]/m.test(ours) && !/^m=application /m.test(theirs)) this.#end();
  }

  /**
   * Looks for channels in the connection's reports: where some have been negotiated already, one
   * more is seen nowhere else.
   */
  look(stats: Stats): void {
    const reports = [...stats.values()].filter(({ type, state }) => type === 'data-channel' && state === 'open');
    const before = this.#open;
    this.#open = new Set(reports.map(({ id }) => id));
    // One of the other side's is closed as soon as we hear of it: it is open at one look at most.
    if (reports.some(({ id }) => before.has(id))) this.#end();
  }

  #end(): void {
    this.#pc.close();
    this.#fail(failure('a data channel of this connection would not be encrypted; the connection was closed'));
  }
}
