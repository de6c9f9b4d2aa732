// What LiveKit appends to video frames behind their encryption: when a frame was taken, and its
// number. It is neither encrypted nor authenticated.
//
//   TLVs ‖ length of it all (1) ‖ "LKTS"      all but the last four bytes XOR FF
//
// Source: livekit/client-sdk-js, src/frameMetadata/frameMetadata.ts.

import type { OwnBytes } from '../../shared/arguments.js';
import type { WantedTrailer } from '../../shared/protocol.js';

const MAGIC = [0x4c, 0x4b, 0x54, 0x53];
const ENVELOPE_LENGTH = 5;
const TIMESTAMP = 1;
const FRAME_ID = 2;
const USER_DATA = 3;

/** What a trailer says. */
export interface TrailerMetadata {
  /** Microseconds since 1970. */
  userTimestamp: bigint;
  frameId: number;
  userData?: OwnBytes;
}

/** The frame with the wanted trailer behind it. */
export function appendTrailer(frame: OwnBytes, wanted: WantedTrailer, frameId: number): OwnBytes {
  const trailer: number[] = [];
  if (wanted.timestamp) trailer.push(TIMESTAMP, 8, ...bigEndian(BigInt(Date.now()) * 1000n, 8));
  if (wanted.frameId) trailer.push(FRAME_ID, 4, ...bigEndian(BigInt(frameId), 4));
  if (trailer.length === 0) return frame;
  trailer.push(trailer.length + ENVELOPE_LENGTH);
  const result = new Uint8Array(frame.length + trailer.length + MAGIC.length);
  result.set(frame);
  result.set(trailer.map((byte) => byte ^ 0xff), frame.length);
  result.set(MAGIC, frame.length + trailer.length);
  return result;
}

/** The frame before a trailer, and what the trailer says; null for metadata where there is none. */
export function splitTrailer(bytes: OwnBytes): { frame: OwnBytes; metadata: TrailerMetadata | null } {
  const none = { frame: bytes, metadata: null };
  const end = bytes.length - ENVELOPE_LENGTH;
  if (end < 0 || MAGIC.some((byte, place) => bytes[end + 1 + place] !== byte)) return none;
  const clear = (at: number) => (bytes[at] ?? 0) ^ 0xff;
  const start = bytes.length - clear(end);
  if (start < 0 || start > end) return none;
  const metadata: TrailerMetadata = { userTimestamp: 0n, frameId: 0 };
  let isThere = false;
  for (let at = start; at + 2 <= end;) {
    const [tag, length] = [clear(at), clear(at + 1)];
    const value = bytes.slice(at + 2, at + 2 + length).map((byte) => byte ^ 0xff);
    at += 2 + length;
    if (at > end) break;
    if (tag === TIMESTAMP && length === 8) metadata.userTimestamp = number(value);
    else if (tag === FRAME_ID && length === 4) metadata.frameId = Number(number(value));
    else if (tag === USER_DATA) metadata.userData = value;
    else continue;
    isThere = true;
  }
  return isThere ? { frame: bytes.subarray(0, start), metadata } : none;
}

const bigEndian = (value: bigint, length: number): number[] =>
  Array.from({ length }, (_, place) => Number(value >> BigInt(8 * (length - 1 - place)) & 0xffn));

const number = (bytes: Uint8Array): bigint => bytes.reduce((sum, byte) => sum << 8n | BigInt(byte), 0n);
