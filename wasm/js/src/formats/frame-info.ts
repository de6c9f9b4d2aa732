// What other systems' formats have to know of a frame, in the numbers of the module.

import { U32, fieldsOf, integerOf, lookUp, oneOf, optional } from '../shared/arguments.js';
import type { EncodedFrame } from '../shared/browser.js';
import { CODEC, FORMAT_CODECS, FRAME_TYPE, type FrameType, type ProfileCodec, nameInMimeType } from '../shared/ids.js';

/**
 * What the formats have to know of a frame. A receiver needs no SSRC and no timestamp: they come
 * with the frame.
 */
export interface FrameInfo {
  /** null if it is not known. */
  codec?: ProfileCodec | null;
  /** What it is to its decoder; sound unless given. */
  type?: FrameType;
  /** 0 to 2^32 - 1. */
  ssrc?: number;
  /** The frame's own, in units of the codec's clock: 0 to 2^32 - 1. */
  rtpTimestamp?: number;
}

/** A frame to be sealed as Jitsi and LiveKit do: nonces are made of its SSRC and timestamp. */
export interface SentFrameInfo extends FrameInfo {
  ssrc: number;
  rtpTimestamp: number;
}

/**
 * The same in the numbers of the module.
 *
 * @internal
 */
export interface FrameLabel {
  codec: number;
  type: number;
  ssrc: number;
  rtpTimestamp: number;
}

/**
 * Why a browser's frame has no label.
 *
 * @internal
 */
export type NoInfo = 'UnknownCodec' | 'NoTimestamp';

const isFormatCodec = (name: string | undefined): name is ProfileCodec =>
  FORMAT_CODECS.some((codec) => codec === name);

/**
 * A codec that a caller names.
 *
 * @internal
 */
export const profileCodecOf = (value: unknown): ProfileCodec => oneOf(value, FORMAT_CODECS, 'codec');

/**
 * What is known of a browser's frame, or a code that says why not. `told` is asked for the codec of
 * a payload type if the browser does not say.
 *
 * @internal
 */
export function infoOf(
  frame: EncodedFrame,
  told: (payloadType: number | undefined) => string | undefined,
): Required<SentFrameInfo> | NoInfo {
  const metadata = frame.getMetadata();
  const type = frame.type ?? 'audio';
  const codec = type === 'audio' ? 'opus' : codecOfMimeType(metadata.mimeType) ?? told(metadata.payloadType);
  if (!isFormatCodec(codec)) return 'UnknownCodec';
  const rtpTimestamp = metadata.rtpTimestamp ?? frame.timestamp;
  // Nonces are made of it.
  if (rtpTimestamp === undefined || !Number.isInteger(rtpTimestamp) || rtpTimestamp < 0) return 'NoTimestamp';
  // Of a clock that counts further than RTP's, the part that RTP has.
  return { codec, type, ssrc: metadata.synchronizationSource ?? U32, rtpTimestamp: rtpTimestamp % 2 ** 32 };
}

/**
 * The same in numbers, of what `infoOf` or a caller says, for opening: SSRC and timestamp come with
 * the frame.
 *
 * @internal
 */
export function labelled(info: unknown): { codec: number; type: number; ssrc: number | undefined; rtpTimestamp: number | undefined } {
  const { codec = null, type = 'audio', ssrc, rtpTimestamp } = fieldsOf(info, "a frame's info");
  return {
    codec: codec === null ? 0 : CODEC[profileCodecOf(codec)],
    type: lookUp(FRAME_TYPE, type, 'type of a frame'),
    ssrc: optional(ssrc, integerOf, 'ssrc', U32),
    rtpTimestamp: optional(rtpTimestamp, integerOf, 'rtpTimestamp', U32),
  };
}

/**
 * The same for sealing: nonces are made of both numbers, which have no value that could stand for a
 * missing one.
 *
 * @internal
 */
export function labelledToSeal(info: unknown): FrameLabel {
  const { codec, type, ssrc, rtpTimestamp } = labelled(info);
  return { codec, type, ssrc: integerOf(ssrc, 'ssrc', U32), rtpTimestamp: integerOf(rtpTimestamp, 'rtpTimestamp', U32) };
}

function codecOfMimeType(mimeType: string | undefined): ProfileCodec | undefined {
  const name = nameInMimeType(mimeType);
  return isFormatCodec(name) ? name : undefined;
}
