// What other systems' formats have to know of a frame, in the numbers of the module.

import { U32, fieldsOf, integerOf, lookUp, oneOf, optional } from '../shared/arguments.js';
import { CODEC, FORMAT_CODECS, FRAME_TYPE, nameInMimeType } from '../shared/ids.js';

/** A codec that a caller names. */
export const profileCodecOf = (value) => oneOf(value, FORMAT_CODECS, 'codec');

/**
 * `{codec, type, ssrc, rtpTimestamp}` of a browser's frame, in words, or a code that says why not. `told` is asked for the codec
 * of a payload type if the browser does not say.
 */
export function infoOf(frame, told) {
  const metadata = frame.getMetadata();
  const type = 'type' in frame ? frame.type : 'audio';
  const codec = type === 'audio' ? 'opus' : codecOfMimeType(metadata.mimeType) ?? told(metadata.payloadType);
  if (!FORMAT_CODECS.includes(codec)) return 'UnknownCodec';
  const rtpTimestamp = metadata.rtpTimestamp ?? frame.timestamp;
  // Nonces are made of it.
  if (!Number.isInteger(rtpTimestamp) || rtpTimestamp < 0) return 'NoTimestamp';
  // Of a clock that counts further than RTP's, the part that RTP has.
  return { codec, type, ssrc: metadata.synchronizationSource ?? U32, rtpTimestamp: rtpTimestamp % 2 ** 32 };
}

/**
 * The same in numbers, of what `infoOf` or a caller says, for who opens: SSRC and timestamp come
 * with a frame.
 */
export function labelled(info) {
  const { codec = null, type = 'audio', ssrc, rtpTimestamp } = fieldsOf(info, "a frame's info");
  return {
    codec: codec === null ? 0 : CODEC[profileCodecOf(codec)],
    type: lookUp(FRAME_TYPE, type, 'type of a frame'),
    ssrc: optional(ssrc, integerOf, 'ssrc', U32),
    rtpTimestamp: optional(rtpTimestamp, integerOf, 'rtpTimestamp', U32),
  };
}

/**
 * For who seals: nonces are made of both numbers, which have no value that could stand for a
 * missing one.
 */
export function labelledToSeal(info) {
  const made = labelled(info);
  integerOf(made.ssrc, 'ssrc', U32);
  integerOf(made.rtpTimestamp, 'rtpTimestamp', U32);
  return made;
}

function codecOfMimeType(mimeType) {
  const name = nameInMimeType(mimeType);
  return FORMAT_CODECS.includes(name) ? name : undefined;
}
