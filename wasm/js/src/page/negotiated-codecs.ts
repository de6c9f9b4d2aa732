// Which codec a payload type is, by a connection's descriptions: frames that are packetized raw do
// not say it themselves, and older browsers say it of none.

import type { NegotiatedCodecs } from '../shared/protocol.js';

/** A sender or receiver, which has a transform. */
export type Target = RTCRtpSender | RTCRtpReceiver;

/**
 * Calls `tell(target, codecs)` for each sender and receiver of a connection, now and whenever its
 * descriptions change. Codecs such as `[96, 'h264']` are a server's word: they are authenticated
 * with every frame.
 */
export function followCodecs(pc: RTCPeerConnection, tell: (target: Target, codecs: NegotiatedCodecs) => void): void {
  const follow = () => {
    const sent = codecsByMid(pc.remoteDescription, pc.localDescription);
    const received = codecsByMid(pc.localDescription, pc.remoteDescription);
    for (const { mid, sender, receiver } of pc.getTransceivers()) {
      const [ours, theirs] = [sent.get(mid ?? undefined), received.get(mid ?? undefined)];
      if (ours !== undefined) tell(sender, ours);
      if (theirs !== undefined) tell(receiver, theirs);
    }
  };
  pc.addEventListener('signalingstatechange', follow);
  follow();
}

/** The receiver's description counts; the sender's says only what that does not say. */
function codecsByMid(
  receivers: RTCSessionDescription | null,
  senders: RTCSessionDescription | null,
): Map<string | undefined, NegotiatedCodecs> {
  const codecs = new Map<string | undefined, Map<number, string>>();
  for (const section of [senders, receivers].flatMap((description) => description?.sdp.split(/^(?=m=)/m).slice(1) ?? [])) {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const types = section.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)/gm);
    const more = Array.from(types, ([, payloadType, name = '']): [number, string] => [Number(payloadType), name.toLowerCase()]);
    codecs.set(mid, new Map([...codecs.get(mid) ?? [], ...more]));
  }
  return new Map([...codecs].map(([mid, types]) => [mid, [...types]]));
}
