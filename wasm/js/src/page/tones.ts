// Tones of a keypad (DTMF, RFC 4733) are packets that a sender makes by itself: no transform sees
// them, and every server on the way reads them. So a protected sender sends none, and its
// connection negotiates none.

import { SealframeError } from '../shared/errors.js';
import { inBothForms, replaceMethod } from './methods.js';

type Description = RTCSessionDescriptionInit;
type SetCodecs = (codecs: readonly RTCRtpCodec[]) => void;

const isTones = ({ mimeType }: RTCRtpCodec): boolean => /^audio\/telephone-event$/i.test(mimeType);

function refuse(): never {
  throw new SealframeError('TonesRefused', 'tones of a keypad (DTMF) leave in clear: a protected sender sends none');
}

/** Keeps a connection from negotiating tones, and its senders from sending them. */
export class NoTones {
  #seen = new WeakSet<RTCRtpTransceiver>();
  /**
   * By transceiver whose codecs the application has not chosen: the browser's own
   * `setCodecPreferences`.
   */
  #unchosen = new Map<RTCRtpTransceiver, SetCodecs>();

  constructor(pc: RTCPeerConnection) {
    // An old way to a sender's tones.
    replaceMethod(pc, 'createDTMFSender', () => refuse);
    replaceMethod<(...args: unknown[]) => unknown>(pc, 'createOffer', (original) => (...args: unknown[]) => {
      this.#prefer(codecs());
      return original(...args);
    });
    replaceMethod<(...args: unknown[]) => unknown>(pc, 'setLocalDescription', (original) => (...args: [Description?, ...unknown[]]) => {
      // Without a description, the browser makes one.
      const offers = !args[0]?.sdp && /^(?:stable|have-local-offer)$/.test(pc.signalingState);
      if (offers) this.#prefer(codecs());
      return original(...args);
    });
    replaceMethod<(...args: unknown[]) => unknown>(pc, 'setRemoteDescription', (original) => inBothForms(1, async (description?: Description, ...rest: unknown[]) => {
      // The order of an answer is to be that of the offer, which has no tones any more.
      if (description?.type === 'offer') this.#prefer([]);
      return original(withoutTones(description), ...rest);
    }));
  }

  /**
   * Keeps a transceiver from tones. With `isNew` the application cannot have chosen codecs yet, and
   * nor has it chosen those that the other side offers.
   */
  cover(transceiver: RTCRtpTransceiver, isNew: boolean): void {
    if (this.#seen.has(transceiver)) return;
    this.#seen.add(transceiver);
    const { sender, receiver } = transceiver;
    if (receiver.track.kind !== 'audio') return;
    if (sender.dtmf) replaceMethod(sender.dtmf, 'insertDTMF', () => refuse);
    replaceMethod<SetCodecs>(transceiver, 'setCodecPreferences', (original) => {
      if (isNew && transceiver.mid === null) this.#unchosen.set(transceiver, original);
      return (chosen: Iterable<RTCRtpCodec>) => {
        const all = [...chosen];
        const kept = all.filter((codec) => !isTones(codec));
        if (kept.length === 0 && all.length > 0) refuse();
        original(kept);
        if (all.length === 0) this.#unchosen.set(transceiver, original);
        else this.#unchosen.delete(transceiver);
      };
    });
  }

  #prefer(wanted: readonly RTCRtpCodec[]): void {
    for (const [transceiver, setCodecPreferences] of this.#unchosen) {
      try {
        setCodecPreferences(wanted);
      } catch {
        // It has been stopped.
        this.#unchosen.delete(transceiver);
      }
    }
  }
}

/** Codecs of sound that a browser has by itself, in its order. */
function codecs(): RTCRtpCodec[] {
  return (RTCRtpReceiver.getCapabilities('audio')?.codecs ?? []).filter((codec) => !isTones(codec));
}

/** A description in which no m-line has tones. An m-line that has nothing else is rejected. */
function withoutTones(description: Description | undefined): Description | undefined {
  if (!/telephone-event/i.test(description?.sdp ?? '')) return description;
  const { type, sdp = '' } = description as Description;
  const rejected = new Set<string | undefined>();
  const [session = '', ...sections] = sdp.split(/^(?=m=)/m);
  const kept = sections.map((section) => sectionWithoutTones(section, rejected)).join('');
  // An m-line in a bundle must not be rejected.
  const bundles = session.replace(/^(a=group:BUNDLE)(.*?)(\r?)$/gm, (_, start: string, mids: string, end: string) =>
    start + mids.split(' ').filter((mid) => !rejected.has(mid)).join(' ') + end);
  return { type, sdp: bundles + kept };
}

function sectionWithoutTones(section: string, rejected: Set<string | undefined>): string {
  const tones = new Set(Array.from(section.matchAll(/^a=rtpmap:(\d+) telephone-event\//gim), ([, type]) => type));
  const line = /^m=audio \S+ \S+ (.*?)\r?$/m.exec(section);
  if (tones.size === 0 || line === null) return section;
  const others = (line[1] ?? '').split(' ').filter((type) => !tones.has(type));
  if (others.length === 0) {
    rejected.add(/^a=mid:(\S+)/m.exec(section)?.[1]);
    return section.replace(/^m=audio \S+/, 'm=audio 0');
  }
  const attributes = new RegExp(`^a=(?:rtpmap|fmtp|rtcp-fb):(?:${[...tones].join('|')})(?: .*)?(?:\r?\n|$)`, 'gm');
  return section.replace(/^(m=audio \S+ \S+ )[^\r\n]*/, `$1${others.join(' ')}`).replace(attributes, '');
}
