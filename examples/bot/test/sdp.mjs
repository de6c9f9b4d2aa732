// The parts of session descriptions that the stand-in reads and changes.

const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)\r?$/m;

const split = (sdp) => sdp.split(/^(?=m=)/m);
const value = (section, name) => new RegExp(`^a=${name}:(\\S+)`, 'm').exec(section)?.[1];

/** Its m-lines, as `{mid, media, direction, cid}`; `cid` is the client's own name for the track
 * it sends. */
export function mediaSections(sdp) {
  return split(sdp).slice(1).map((section) => ({
    mid: value(section, 'mid'),
    media: /^m=(\S+)/.exec(section)[1],
    direction: DIRECTION.exec(section)?.[1] ?? 'sendrecv',
    cid: /^a=msid:\S+ (\S+)/m.exec(section)?.[1],
  }));
}

/**
 * An answer with these names, by mid, for the m-lines that bring tracks, and with the others
 * inactive. It must keep the SSRCs: a native client's cryptor misses streams that were not named,
 * and plays them undecrypted.
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
