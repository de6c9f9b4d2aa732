// Checks that a server's recording of a participant is sealed: every packet must belong to a frame
// that opens.

import { SharedSecretFrames, SealframeError } from '../../../wasm/pkg/frames.node.js';
import { find, needlesOf } from './needles.mjs';

/** Member id of a participant that only listens. */
const LISTENER = 65_535;
const LABELS = ['microphone', 'camera', 'screen'].flatMap((kind) => [0, 1].map((index) => ({ kind, index })));

/**
 * `opened`: frames by stream. `unopened`: packets of whole frames that did not open. `torn`:
 * packets of frames that the recording's end cut off. `strange`: descriptions of everything else.
 */
export async function judge(packets, { member, announcement, secret, clear }) {
  const frames = await SharedSecretFrames.start({ secret: new Uint8Array(secret), member: LISTENER });
  frames.addMember(member, Buffer.from(announcement, 'base64'));
  const verdict = { packets: packets.length, opened: {}, unopened: 0, torn: 0, strange: [], needles: 0 };
  for (const { codec, packets: group, isLast } of framesOf(packets)) {
    const frame = assemble(codec, group);
    if (frame === null) {
      // Cut off by the end of the recording; or by loss, in which case it must begin like a sealed
      // frame.
      verdict.torn += group.length;
      if (!isLast) verdict.strange.push(`torn ${codec} frame at ${group[0].timestamp}: ${group.length} packets`);
      continue;
    }
    const stream = open(frames, member, codec, frame);
    if (stream === null) {
      verdict.unopened += group.length;
      verdict.strange.push(`${codec} frame of ${frame.length} bytes: ${frame.subarray(0, 20).toString('hex')}`);
    } else {
      verdict.opened[stream] = (verdict.opened[stream] ?? 0) + 1;
    }
  }
  const needles = clear.flatMap((frame) => needlesOf(Buffer.from(frame, 'base64')));
  verdict.needles = find(needles, packets.map(({ payload }) => payload)).size;
  verdict.strange = verdict.strange.slice(0, 5);
  frames.free();
  return verdict;
}

/** Number of whole frames by codec, and how many of them open. */
export async function judgeFrames(frames, { member, announcement, secret }) {
  const listener = await SharedSecretFrames.start({ secret: new Uint8Array(secret), member: LISTENER });
  listener.addMember(member, Buffer.from(announcement, 'base64'));
  const verdict = Object.fromEntries(Object.entries(frames).map(([codec, all]) => {
    // A retransmission may repeat a frame, which opens only once.
    const different = [...new Set(all)];
    const opened = different.filter((frame) => open(listener, member, codec, Buffer.from(frame, 'base64')) !== null);
    return [codec, { frames: different.length, opened: opened.length }];
  }));
  listener.free();
  return verdict;
}

/** Packets by frame, in the order of their numbers, without retransmissions and padding. */
function framesOf(packets) {
  const tracks = Map.groupBy?.(packets, ({ ssrc }) => ssrc) ?? groupBy(packets, ({ ssrc }) => ssrc);
  return [...tracks.values()].flatMap((track) => {
    const once = new Map(track.filter(({ payload }) => payload.length > 0).map((packet) => [packet.sequence, packet]));
    const ordered = [...once.values()].sort((a, b) => a.sequence - b.sequence);
    const frames = [...groupBy(ordered, ({ timestamp }) => timestamp).values()];
    return frames.map((group, place) => ({ codec: group[0].codec, packets: group, isLast: place === frames.length - 1 }));
  });
}

function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

/** A frame's bytes, or null if packets are missing. */
function assemble(codec, packets) {
  if (codec === 'opus') return packets.length === 1 ? packets[0].payload : null;
  if (codec !== 'vp8') return Buffer.concat(packets.map(({ payload }) => payload));
  const isWhole = packets.at(-1).marker
    && (packets[0].payload[0] & 0x10) !== 0
    && packets.every(({ sequence }, place) => place === 0 || sequence === packets[place - 1].sequence + 1);
  return isWhole ? Buffer.concat(packets.map(({ payload }) => payload.subarray(vp8Descriptor(payload)))) : null;
}

/** Bytes of VP8's payload descriptor (RFC 7741 §4.2). */
function vp8Descriptor(payload) {
  if ((payload[0] & 0x80) === 0) return 1;
  const [I, L, TK] = [0x80, 0x40, 0x30].map((bit) => (payload[1] & bit) !== 0);
  return 2 + (I ? ((payload[2] & 0x80) !== 0 ? 2 : 1) : 0) + (L ? 1 : 0) + (TK ? 1 : 0);
}

/** The stream as which a frame opens, or null. */
function open(frames, from, codec, wire) {
  for (const { kind, index } of LABELS) {
    try {
      frames.opener({ from, kind, index, codec }).open(wire);
      return `${kind} ${index}`;
    } catch (error) {
      if (!(error instanceof SealframeError)) throw error;
      if (error.code !== 'Unauthentic') return null;
    }
  }
  return null;
}
