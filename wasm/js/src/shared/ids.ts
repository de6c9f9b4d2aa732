// Names of codecs, framings and kinds of streams, and the numbers by which the modules know them. A
// test compares them with the Rust sources.

import { lookUp, oneOf } from './arguments.js';

/**
 * All codecs, as both modules number them: `framing.rs` of `wasm/core` and `label.rs` of
 * `wasm/profiles`.
 */
export const CODEC = { opus: 1, red: 7, vp8: 2, vp9: 3, h264: 4, h265: 5, av1: 6 } as const;

/** Those of our own calls, where a codec is authenticated with every frame. */
const CODECS = ['opus', 'red', 'vp8', 'vp9', 'h264', 'av1'] as const;
/** `red` is sound with redundancy (RFC 2198), its blocks Opus. */
export type Codec = (typeof CODECS)[number];

/** Those of other systems' formats. */
export const FORMAT_CODECS = ['opus', 'vp8', 'vp9', 'h264', 'h265', 'av1'] as const;
/** A codec of other systems' formats. */
export type ProfileCodec = (typeof FORMAT_CODECS)[number];

/**
 * How much of a frame stays readable: nothing, or the few bytes that packetizers and servers read.
 */
export const FRAMING = { full: 0, compatible: 1 } as const;
/**
 * How much of a frame stays readable: the few bytes that packetizers need, or none. All members use
 * the same.
 */
export type Framing = keyof typeof FRAMING;

/** The numbers of `sealframe::StreamKind`. */
export const STREAM_KIND = { microphone: 1, camera: 2, screen: 3, screenAudio: 4 } as const;
/** What a stream shows; authenticated with every frame. */
export type StreamKind = keyof typeof STREAM_KIND;

/** What a frame is to its decoder, as `label.rs` of `wasm/profiles` numbers it. */
export const FRAME_TYPE = { audio: 0, key: 1, delta: 2, empty: 3 } as const;
/** What a frame is to its decoder. */
export type FrameType = keyof typeof FRAME_TYPE;

/**
 * Words that the modules leave in linear memory, by their place: `Outcome` of `wasm/core`, whose
 * first three are those of `wasm/profiles`.
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
} as const;

/** Codecs whose packetizers take frames apart. */
export const PARSED: readonly string[] = ['h264', 'av1'] satisfies Codec[];

/** A codec's number. Throws a `TypeError` for a name that is none; so do the next two. */
export const codecId = (codec: unknown): number => CODEC[oneOf(codec, CODECS, 'codec')];
/** A framing's number. */
export const framingId = (framing: unknown): number => lookUp(FRAMING, framing, 'framing');
/** The number of a kind of streams. */
export const streamKind = (kind: unknown): number => lookUp(STREAM_KIND, kind, 'kind');

/** A framing's number of the other framing: there are two. */
export const otherFraming = (framing: number): number => 1 - framing;

/**
 * Whether more than the first bytes of a frame stays readable: then the core has to see all of it.
 * Takes numbers.
 */
export function isArranged(framing: number, codec: number): boolean {
  return framing === FRAMING.compatible && (codec === CODEC.h264 || codec === CODEC.av1);
}

/**
 * `video/VP8` → `vp8`; null for what is not sealed, such as `video/Generic` of raw packetization.
 */
export const codecOfMimeType = (mimeType: string | undefined): Codec | null => codecOfName(nameInMimeType(mimeType));

/** The name in a MIME type, in small letters; undefined for none. */
export const nameInMimeType = (mimeType: string | undefined): string | undefined =>
  mimeType?.slice(mimeType.indexOf('/') + 1).toLowerCase();

/** The name itself; null for what is not sealed. */
const codecOfName = (name: string | undefined): Codec | null => CODECS.find((codec) => codec === name) ?? null;

/** As far as the codec is asked for: an encoded frame of a browser. */
export interface DescribedFrame {
  getMetadata(): { mimeType?: string; payloadType?: number };
}

/**
 * A frame's codec: `told` for its stream, or else as the frame or the connection says, which names
 * payload types in `negotiated`; null if none of them does. Sound of which Opus was told may still
 * come with redundancy.
 */
export function codecOf(frame: DescribedFrame, told: Codec | null, negotiated: ReadonlyMap<number | undefined, string>): Codec | null {
  if (told !== null && told !== 'opus') return told;
  const { mimeType, payloadType } = frame.getMetadata();
  const found = codecOfMimeType(mimeType) ?? codecOfName(negotiated.get(payloadType));
  return told === 'opus' && found !== 'red' ? told : found;
}

/** Whether a page of this browser can ask for the Dependency Descriptor. */
export const hasDescriptor = (): boolean => 'getHeaderExtensionsToNegotiate' in (globalThis.RTCRtpTransceiver?.prototype ?? {});

/**
 * For each framing the codecs that this browser can carry in it. Members agree on a framing before
 * the call, each offering these; it is never guessed from a frame.
 *
 * In full framing VP8 and AV1 need the Dependency Descriptor, H.264 and AV1 raw packetization,
 * which only Chromium has. A codec is named whether this browser has it or not.
 */
export function supportedFramings(): Record<Framing, Codec[]> {
  return { compatible: [...CODECS], full: hasDescriptor() ? [...CODECS] : ['opus', 'red', 'vp9'] };
}
