// What other systems' formats have to know of a frame, in the numbers of the module.

/** As `label.rs` of the module has them. */
const CODEC = { opus: 1, vp8: 2, vp9: 3, h264: 4, h265: 5, av1: 6 };
const TYPE = { audio: 0, key: 1, delta: 2, empty: 3 };

/**
 * `{codec, type, ssrc, rtpTimestamp}` of a browser's frame, in words, or a code that says why not. `told` is asked for the codec
 * of a payload type if the browser does not say.
 */
export function infoOf(frame, told) {
  const metadata = frame.getMetadata();
  const type = 'type' in frame ? frame.type : 'audio';
  const codec = type === 'audio' ? 'opus' : codecOfMimeType(metadata.mimeType) ?? told(metadata.payloadType);
  if (!Object.hasOwn(CODEC, codec)) return 'UnknownCodec';
  const rtpTimestamp = metadata.rtpTimestamp ?? frame.timestamp;
  // Nonces are made of it.
  if (rtpTimestamp === undefined) return 'NoTimestamp';
  return { codec, type, ssrc: metadata.synchronizationSource ?? 0xffffffff, rtpTimestamp };
}

/** The same in numbers, of what `infoOf` or a caller says. */
export function labelled({ codec = null, type = 'audio', ssrc = 0, rtpTimestamp = 0 }) {
  if (codec !== null && !Object.hasOwn(CODEC, codec)) throw new TypeError(`sealframe: no codec '${codec}'`);
  if (!Object.hasOwn(TYPE, type)) throw new TypeError(`sealframe: no type of frame '${type}'`);
  return { codec: codec === null ? 0 : CODEC[codec], type: TYPE[type], ssrc, rtpTimestamp };
}

function codecOfMimeType(mimeType) {
  const name = mimeType?.slice(mimeType.indexOf('/') + 1).toLowerCase();
  return name !== undefined && Object.hasOwn(CODEC, name) ? name : undefined;
}
