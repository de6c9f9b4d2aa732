// The address of this page: room and name in the query, and the settings that all members must
// share in the fragment. None of it is secret.

/** The settings if the address gives none. */
const AGREED = { codec: 'vp8', framing: 'compatible', kem: 'x25519' };

/** Reads the address. */
export function readPlace() {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.slice(1));
  const agreed = Object.entries(AGREED).map(([what, usual]) => [what, fragment.get(what) ?? usual]);
  return { room: query.get('room'), name: query.get('name'), ...Object.fromEntries(agreed) };
}

/**
 * This tab's token for the server, also after a reload: it holds our address in the room. It is a
 * secret, which every script of this page's origin can read; the page loads only its own scripts.
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

/** Notes that a person has joined in this tab. */
export function noteJoined(place) {
  sessionStorage.setItem(JOINED, address(place));
}

/** Whether a person has joined in this tab and the page was loaded again. A link cannot cause
 * that. */
export function hasJoined(place) {
  const [{ type } = {}] = performance.getEntriesByType('navigation');
  return type === 'reload' && place.room !== null && place.name !== null && sessionStorage.getItem(JOINED) === address(place);
}

/** Writes all of it into the address, so that a reload returns here. */
export function writePlace(place) {
  history.replaceState(null, '', address(place));
}

/** The link for others, without a name, so that they are asked for theirs. */
export function invitation(place) {
  return address({ ...place, name: undefined });
}

function address({ room, name, ...agreed }) {
  const query = new URLSearchParams(name === undefined ? { room } : { room, name });
  const unusual = Object.entries(AGREED).filter(([what, usual]) => agreed[what] !== usual);
  const fragment = new URLSearchParams(unusual.map(([what]) => [what, agreed[what]]));
  return `${location.origin}/?${query}${fragment.size > 0 ? `#${fragment}` : ''}`;
}
