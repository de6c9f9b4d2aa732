// What the worker must know of codecs: how many bytes of a frame stay readable.

/**
 * Bytes at the front of a frame that packetizers and servers read; they are authenticated.
 *
 * VP8: its receiver takes key or delta frame from the first byte. Opus and VP9: nothing, a VP9 server
 * reads its RTP payload descriptor instead. H.264 and AV1 packetizers parse whole frames; they are not
 * supported yet.
 */
const CLEAR_PREFIX = { opus: 0, vp8: 1, vp9: 0 };

/** The numbers of `sealframe::StreamKind`. */
const STREAM_KIND = { microphone: 1, camera: 2, screen: 3, screenAudio: 4 };

export const clearPrefix = (codec) => lookUp(CLEAR_PREFIX, codec, 'codec');

export const streamKind = (kind) => lookUp(STREAM_KIND, kind, 'kind of stream');

function lookUp(table, key, what) {
  if (!Object.hasOwn(table, key)) {
    throw new TypeError(`sealframe: ${what} '${key}' is not one of ${Object.keys(table).join(', ')}`);
  }
  return table[key];
}
