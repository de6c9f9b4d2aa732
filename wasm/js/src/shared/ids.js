// Names of codecs, framings and kinds of streams, and the numbers that the core knows them by.

import { lookUp } from './arguments.js';

/**
 * As `Label::new` of the module has them; authenticated with every frame. `red` is sound with
 * redundancy (RFC 2198), its blocks Opus.
 */
const CODEC = { opus: 1, red: 7, vp8: 2, vp9: 3, h264: 4, av1: 6 };
/** How much of a frame stays readable: nothing, or the few bytes that packetizers and servers read. */
const FRAMING = { full: 0, compatible: 1 };
/** The numbers of `sealframe::StreamKind`. */
const STREAM_KIND = { microphone: 1, camera: 2, screen: 3, screenAudio: 4 };

/** Codecs whose packetizers take frames apart. */
export const PARSED = ['h264', 'av1'];

export const codecId = (codec) => lookUp(CODEC, codec, 'codec');
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
export function codecOfMimeType(mimeType) {
  return codecOfName(mimeType?.slice(mimeType.indexOf('/') + 1).toLowerCase());
}

/** The name itself; null for what is not sealed. */
export const codecOfName = (name) => (name !== undefined && Object.hasOwn(CODEC, name) ? name : null);

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
  const all = Object.keys(CODEC);
  return { compatible: all, full: hasDescriptor() ? all : ['opus', 'red', 'vp9'] };
}
