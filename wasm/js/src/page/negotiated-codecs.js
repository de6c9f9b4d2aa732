// Which codec a payload type is, by a connection's descriptions: frames that are packetized raw do
// not say it themselves, and older browsers say it of none.

/**
 * Calls `tell(target, codecs)` for each sender and receiver of a connection, now and whenever its
 * descriptions change; `codecs` are `[payloadType, name]`, such as `[96, 'h264']`. They are a
 * server's word: codecs are authenticated with every frame.
 */
export function followCodecs(pc, tell) {
  const follow = () => {
    const sent = codecsByMid(pc.remoteDescription, pc.localDescription);
    const received = codecsByMid(pc.localDescription, pc.remoteDescription);
    for (const { mid, sender, receiver } of pc.getTransceivers()) {
      if (sent.has(mid)) tell(sender, sent.get(mid));
      if (received.has(mid)) tell(receiver, received.get(mid));
    }
  };
  pc.addEventListener('signalingstatechange', follow);
  follow();
}

/**
 * What the description of who receives says counts; the other one is asked for what that does not
 * say.
 */
function codecsByMid(receivers, senders) {
  const codecs = new Map();
  for (const section of [senders, receivers].flatMap((description) => description?.sdp.split(/^(?=m=)/m).slice(1) ?? [])) {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1];
    const types = section.matchAll(/^a=rtpmap:(\d+) ([^/\s]+)/gm);
    const more = Array.from(types, ([, payloadType, name]) => [Number(payloadType), name.toLowerCase()]);
    codecs.set(mid, new Map([...codecs.get(mid) ?? [], ...more]));
  }
  return new Map([...codecs].map(([mid, types]) => [mid, [...types]]));
}
