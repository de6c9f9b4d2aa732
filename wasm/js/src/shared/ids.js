// Names of codecs, framings and kinds of streams, and the numbers that the core knows them by.

import { lookUp, oneOf } from './arguments.js';

/**
 * All codecs, as both modules number them: `framing.rs` of `wasm/core` and `label.rs` of
 * `wasm/profiles`. `red` is sound with redundancy (RFC 2198), its blocks Opus.
 */
export const CODEC = { opus: 1, red: 7, vp8: 2, vp9: 3, h264: 4, h265: 5, av1: 6 };
/** Those of our own calls, where a codec is authenticated with every frame. */
const CODECS = ['opus', 'red', 'vp8', 'vp9', 'h264', 'av1'];
/** Those of other systems' formats. */
export const FORMAT_CODECS = ['opus', 'vp8', 'vp9', 'h264', 'h265', 'av1'];
/** How much of a frame stays readable: nothing, or the few bytes that packetizers and servers read. */
export const FRAMING = { full: 0, compatible: 1 };
/** The numbers of `sealframe::StreamKind`. */
export const STREAM_KIND = { microphone: 1, camera: 2, screen: 3, screenAudio: 4 };
/** What a frame is to its decoder, as `label.rs` of `wasm/profiles` numbers it. */
export const FRAME_TYPE = { audio: 0, key: 1, delta: 2, empty: 3 };

/**
 * Words that the modules leave in linear memory, by their place: `Outcome` of `wasm/core`, whose first
 * three are those of `wasm/profiles`.
 */
export const OUTCOME = {
  room: 0,
  roomLength: 1,
  length: 2,
  erasures: 3,
  kid: 4,
  sendKid: 6,
  ctr: 8,
  headerLength: 10,
  prefixLength: 11,
};

/** Codecs whose packetizers take frames apart. */
export const PARSED = ['h264', 'av1'];

export const codecId = (codec) => CODEC[oneOf(codec, CODECS, 'codec')];
export const framingId = (framing) => lookUp(FRAMING, framing, 'framing');
/** In the core's numbers, of which there are two. */
export const otherFraming = (framing) => 1 - framing;
export const streamKind = (kind) => lookUp(STREAM_KIND, kind, 'kind');

/**
 * Whether what stays readable of a frame is more than its first bytes: then the core has to see all of it. In the core's
 * numbers.
 */
export function isArranged(framing, codec) {
  return framing === FRAMING.compatible && (codec === CODEC.h264 || codec === CODEC.av1);
}

/** `video/VP8` → `vp8`; null for what is not sealed, among it `video/Generic` of raw packetization. */
export const codecOfMimeType = (mimeType) => codecOfName(nameInMimeType(mimeType));

/** The name in a MIME type, in small letters; undefined for none. */
export const nameInMimeType = (mimeType) => mimeType?.slice(mimeType.indexOf('/') + 1).toLowerCase();

/** The name itself; null for what is not sealed. */
export const codecOfName = (name) => (CODECS.includes(name) ? name : null);

/**
 * A frame's codec: `told` for its stream, or else as the frame or the connection says, which names
 * payload types in `negotiated`; null if none of them does. Sound of which Opus was told may still
 * come with redundancy.
 */
export function codecOf(frame, told, negotiated) {
  if (told !== null && told !== 'opus') return told;
  const { mimeType, payloadType } = frame.getMetadata();
  const found = codecOfMimeType(mimeType) ?? codecOfName(negotiated.get(payloadType));
  return told === 'opus' && found !== 'red' ? told : found;
}

/** Whether a page of this browser can ask for the Dependency Descriptor. */
export const hasDescriptor = () => 'getHeaderExtensionsToNegotiate' in (globalThis.RTCRtpTransceiver?.prototype ?? {});

/**
 * What this browser can do: for each framing the codecs. Members agree on a framing before the call, each offering
 * these; it is never guessed from a frame.
 *
 * In full framing VP8 and AV1 need the Dependency Descriptor, H.264 and AV1 raw packetization, which only Chromium has. A
 * codec is named whether this browser has it or not.
 */
export function supportedFramings() {
  return { compatible: [...CODECS], full: hasDescriptor() ? [...CODECS] : ['opus', 'red', 'vp9'] };
}
