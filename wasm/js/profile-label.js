// What other systems' formats have to know of a frame, in the numbers of the module.

/** As `Codec::from_id` has them. */
const CODEC = { opus: 1, vp8: 2, vp9: 3, h264: 4, h265: 5, av1: 6 };
/** As `FrameType::from_id` has them. */
const TYPE = { audio: 0, key: 1, delta: 2, empty: 3 };

/**
 * `{isAudio, codec, type, ssrc, rtpTimestamp}` of a browser's frame, or a code that says why not. `told` is asked for the codec
 * of a payload type if the browser does not say.
 */
export function labelOf(frame, told) {
  const metadata = frame.getMetadata();
  const isAudio = !('type' in frame);
  const codec = isAudio ? 'opus' : codecOfMimeType(metadata.mimeType) ?? told(metadata.payloadType);
  if (!Object.hasOwn(CODEC, codec)) return 'UnknownCodec';
  const rtpTimestamp = metadata.rtpTimestamp ?? frame.timestamp;
  // Nonces are made of it.
  if (rtpTimestamp === undefined) return 'NoTimestamp';
  const ssrc = metadata.synchronizationSource ?? 0xffffffff;
  return { isAudio, codec: CODEC[codec], type: TYPE[isAudio ? 'audio' : frame.type], ssrc, rtpTimestamp };
}

function codecOfMimeType(mimeType) {
  const name = mimeType?.slice(mimeType.indexOf('/') + 1).toLowerCase();
  return name !== undefined && Object.hasOwn(CODEC, name) ? name : undefined;
}
