// The address of this page: room and name in the query, and in the fragment what all members must agree on. None of it is
// secret.

/** Where the address says nothing else. */
const AGREED = { codec: 'vp8', framing: 'compatible', kem: 'x25519' };

/** What the address says. */
export function readPlace() {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.slice(1));
  const agreed = Object.entries(AGREED).map(([what, usual]) => [what, fragment.get(what) ?? usual]);
  return { room: query.get('room'), name: query.get('name'), ...Object.fromEntries(agreed) };
}

/**
 * Who this tab is to the server, also after a reload: whoever has the token has our address in the room. A secret, which
 * every script of this page's origin can read; this page loads none but its own.
 */
export function tokenOf(room) {
  const key = `sealframe token of ${room}`;
  let token = sessionStorage.getItem(key);
  if (token === null) {
    token = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
    sessionStorage.setItem(key, token);
  }
  return token;
}

const JOINED = 'sealframe joined';

/** Somebody has joined here, in this tab. */
export function noteJoined(place) {
  sessionStorage.setItem(JOINED, address(place));
}

/** Whether this is a page that somebody joined with before, loaded again: no link does that. */
export function hasJoined(place) {
  const [{ type } = {}] = performance.getEntriesByType('navigation');
  return type === 'reload' && place.room !== null && place.name !== null && sessionStorage.getItem(JOINED) === address(place);
}

/** Puts it all into the address, so that a reload comes back here. */
export function writePlace(place) {
  history.replaceState(null, '', address(place));
}

/** The link for others: no name, so that they are asked for theirs. */
export function invitation(place) {
  return address({ ...place, name: undefined });
}

function address({ room, name, ...agreed }) {
  const query = new URLSearchParams(name === undefined ? { room } : { room, name });
  const unusual = Object.entries(AGREED).filter(([what, usual]) => agreed[what] !== usual);
  const fragment = new URLSearchParams(unusual.map(([what]) => [what, agreed[what]]));
  return `${location.origin}/?${query}${fragment.size > 0 ? `#${fragment}` : ''}`;
}
