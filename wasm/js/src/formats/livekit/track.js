// One track of a LiveKit room: its frames, and whose they are.

import { appendTrailer, splitTrailer } from './trailer.js';
import { pass } from '../frame-pump.js';
import { infoOf, labelled } from '../frame-info.js';

export class LiveKitTrack {
  /** As livekit-client gives it. */
  id;
  /** Whose it is; null for nobody's, until a receiver is used again. */
  participant = null;
  /** If it has been told. */
  codec;
  /** Whether frames arrive with a trailer. */
  hasTrailer = false;
  /** What is to be put into a trailer behind what is sealed: `{timestamp, frameId}`. */
  trailer = null;
  #frameId = 0;
  #room;

  constructor(room) {
    this.#room = room;
  }

  /** `kind` is `encode` or `decode`. */
  pass(kind, readable, writable) {
    const work = kind === 'encode' ? (frame) => this.#seal(frame) : (frame) => this.#open(frame);
    const fail = (error) => this.#room.errors.report(this.participant, error);
    // A stream that breaks is told as its participant's error: livekit-client has no other word for
    // it.
    pass(readable, writable, work, fail).catch(fail);
  }

  #seal(frame) {
    const info = this.#known(this.#infoOf(frame));
    if (info === null) return null;
    const sealed = this.#known(this.#room.keysOf(this.participant).seal(new Uint8Array(frame.data), labelled(info)));
    if (sealed === null || this.trailer === null || info.type === 'audio') return sealed;
    if (this.trailer.frameId) this.#frameId = this.#frameId === 0xffffffff ? 1 : this.#frameId + 1;
    return appendTrailer(sealed, this.trailer, this.#frameId);
  }

  #open(frame) {
    const info = this.#known(this.#infoOf(frame));
    if (info === null) return null;
    let wire = new Uint8Array(frame.data);
    let metadata = null;
    if (this.hasTrailer && info.type !== 'audio') ({ frame: wire, metadata } = splitTrailer(wire));
    // A server may make frames; it cannot make them authentic.
    if (endsWith(wire, this.#room.sifTrailer)) return null;
    const opened = this.#known(this.#room.keysOf(this.participant).open(this.participant, wire, labelled(info)));
    if (opened !== null && metadata !== null) {
      const { ssrc, rtpTimestamp } = info;
      this.#room.say('packetTrailerMetadata', { trackId: this.id, rtpTimestamp, ssrc, metadata });
    }
    return opened;
  }

  /** What the format has to know of a frame, or a code that says why frames of this track do not pass now; null for nobody's. */
  #infoOf(frame) {
    const { participant } = this;
    if (participant === null) return null;
    const isEnabled = this.#room.enabled.get(participant);
    if (!isEnabled) return isEnabled === undefined ? 'UnknownState' : 'NotEnabled';
    return infoOf(frame, (payloadType) => this.#room.codecs.get(payloadType) ?? this.codec);
  }

  /** Null, once it has been said, for a code. */
  #known(result) {
    if (typeof result !== 'string') return result;
    this.#room.errors.report(this.participant, result);
    return null;
  }
}

function endsWith(bytes, end) {
  const start = bytes.length - end.length;
  return end.length > 0 && start >= 0 && end.every((byte, place) => bytes[start + place] === byte);
}
