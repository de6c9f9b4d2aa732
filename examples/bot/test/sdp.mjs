// Session descriptions, as far as the stand-in reads and changes them.

const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m;

const split = (sdp) => sdp.split(/^(?=m=)/m);
const value = (section, name) => new RegExp(`^a=${name}:(\\S+)`, 'm').exec(section)?.[1];

/** What its m-lines are: `{mid, media, direction, cid}`, `cid` being the client's own name for the track it sends. */
export function mediaSections(sdp) {
  return split(sdp).slice(1).map((section) => ({
    mid: value(section, 'mid'),
    media: /^m=(\S+)/.exec(section)[1],
    direction: DIRECTION.exec(section)?.[1] ?? 'sendrecv',
    cid: /^a=msid:\S+ (\S+)/m.exec(section)?.[1],
  }));
}

/**
 * An answer in which the m-lines that bring tracks have these names, by mid, and those that would bring none are inactive. It
 * must go on naming the SSRCs: a native client's cryptor misses streams that were not named, and they play as they came.
 */
export function readied(sdp, names) {
  const [session, ...sections] = split(sdp);
  return [session, ...sections.map((section) => {
    if (DIRECTION.exec(section)?.[1] !== 'sendonly') return section;
    const name = names.get(value(section, 'mid'));
    if (name === undefined) return section.replace(DIRECTION, 'a=inactive\r');
    return section.replace(/^(a=(?:ssrc:\d+ )?msid:).*\r$/gm, `$1${name}\r`);
  })].join('');
}
