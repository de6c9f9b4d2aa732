// One track of a LiveKit room: its frames, and whose they are.

import type { ErrorReports } from './error-reports.js';
import type { LiveKitKeys } from './keys.js';
import { type TrailerMetadata, appendTrailer, splitTrailer } from './trailer.js';
import { type SentFrameInfo, infoOf, labelledToSeal } from '../frame-info.js';
import { pump } from '../frame-pump.js';
import type { OwnBytes } from '../../shared/arguments.js';
import type { EncodedFrame, FrameSink, FrameSource } from '../../shared/browser.js';
import type { Operation, WantedTrailer } from '../../shared/protocol.js';

/** What all tracks of a room have in common. */
export interface Room {
  /** By identity: whether its frames are encrypted. Not known of an identity that is missing. */
  readonly enabled: ReadonlyMap<string, boolean>;
  /** By payload type: what our own connection sends. */
  readonly codecs: ReadonlyMap<number | undefined, string>;
  /** What a server puts behind frames that it made itself. */
  readonly sifTrailer: OwnBytes;
  readonly errors: ErrorReports;
  /** Tells livekit-client what a trailer says. */
  reportTrailer(trailer: { trackId: string; rtpTimestamp: number; ssrc: number; metadata: TrailerMetadata }): void;
  keysOf(identity: string): LiveKitKeys;
}

/** A sender's or a receiver's frames. */
export class LiveKitTrack {
  /** As livekit-client gives it. */
  id = '';
  /** Whose it is; null for nobody's, until a receiver is used again. */
  participant: string | null = null;
  /** If it is known. */
  codec: string | undefined;
  /** Whether frames arrive with a trailer. */
  hasTrailer = false;
  /** What is to be put into a trailer behind a sealed frame. */
  trailer: WantedTrailer | null = null;
  #frameId = 0;
  #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Works on all frames from here on. */
  pass(kind: Operation, readable: FrameSource, writable: FrameSink): void {
    const work = kind === 'encode' ? (frame: EncodedFrame) => this.#seal(frame) : (frame: EncodedFrame) => this.#open(frame);
    const fail = (error: unknown) => this.#report(error);
    // A stream that breaks is reported as its participant's error: livekit-client has no other way.
    pump(readable, writable, work, fail).catch(fail);
  }

  #seal(frame: EncodedFrame): OwnBytes | null {
    const info = this.#reported(this.#infoOf(frame));
    if (info === null || this.participant === null) return null;
    const sealed = this.#reported(this.#room.keysOf(this.participant).seal(new Uint8Array(frame.data), labelledToSeal(info)));
    if (sealed === null || this.trailer === null || info.type === 'audio') return sealed;
    if (this.trailer.frameId) this.#frameId = this.#frameId === 0xffffffff ? 1 : this.#frameId + 1;
    return appendTrailer(sealed, this.trailer, this.#frameId);
  }

  #open(frame: EncodedFrame): OwnBytes | null {
    const info = this.#reported(this.#infoOf(frame));
    if (info === null || this.participant === null) return null;
    let wire = new Uint8Array(frame.data);
    let metadata: TrailerMetadata | null = null;
    if (this.hasTrailer && info.type !== 'audio') ({ frame: wire, metadata } = splitTrailer(wire));
    // A server may make frames; it cannot make them authentic.
    if (endsWith(wire, this.#room.sifTrailer)) return null;
    const opened = this.#reported(this.#room.keysOf(this.participant).open(this.participant, wire, labelledToSeal(info)));
    if (opened !== null && metadata !== null) {
      const { ssrc, rtpTimestamp } = info;
      this.#room.reportTrailer({ trackId: this.id, rtpTimestamp, ssrc, metadata });
    }
    return opened;
  }

  /**
   * What the format has to know of a frame, or a code that says why frames of this track do not
   * pass now; null for a track without a participant.
   */
  #infoOf(frame: EncodedFrame): Required<SentFrameInfo> | string | null {
    const { participant } = this;
    if (participant === null) return null;
    const isEnabled = this.#room.enabled.get(participant);
    if (!isEnabled) return isEnabled === undefined ? 'UnknownState' : 'NotEnabled';
    return infoOf(frame, (payloadType) => this.#room.codecs.get(payloadType) ?? this.codec);
  }

  /** The result itself; null for a code, which is reported. */
  #reported<T>(result: T | string): T | null {
    if (typeof result !== 'string') return result;
    this.#report(result);
    return null;
  }

  #report(error: unknown): void {
    this.#room.errors.report(this.participant ?? undefined, error);
  }
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  const start = bytes.length - end.length;
  return end.length > 0 && start >= 0 && end.every((byte, place) => bytes[start + place] === byte);
}
