// The address of this page: room and name in the query; in the fragment the secret of the call, and what all members must
// agree on. The fragment is the one part of an address that a browser does not send to the server.

const SECRET_LENGTH = 32;
/** Where the address says nothing else. */
const AGREED = { codec: 'vp8', framing: 'compatible' };

/** What the address says; makes a secret and puts it there if none is given. */
export function readPlace() {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.slice(1));
  let secret;
  if (fragment.has('secret')) {
    secret = fromBase64Url(fragment.get('secret'));
    if (secret?.length !== SECRET_LENGTH) {
      throw new Error('The secret in this link is damaged. Ask for the link again.');
    }
  } else {
    secret = crypto.getRandomValues(new Uint8Array(SECRET_LENGTH));
  }
  const codec = fragment.get('codec') ?? AGREED.codec;
  const framing = fragment.get('framing') ?? AGREED.framing;
  return { room: query.get('room'), name: query.get('name'), secret, codec, framing };
}

/** Puts it all into the address, so that a reload comes back here. */
export function writePlace(place) {
  history.replaceState(null, '', address(place));
}

/** The link for others: no name, so that they are asked for theirs. */
export function invitation(place) {
  return address({ ...place, name: undefined });
}

function address({ room, name, secret, codec, framing }) {
  const query = new URLSearchParams(name === undefined ? { room } : { room, name });
  const fragment = new URLSearchParams({ secret: toBase64Url(secret) });
  if (codec !== AGREED.codec) fragment.set('codec', codec);
  if (framing !== AGREED.framing) fragment.set('framing', framing);
  return `${location.origin}/?${query}#${fragment}`;
}

const toBase64Url = (bytes) => toBase64(bytes).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

function fromBase64Url(text) {
  try {
    return fromBase64(text.replace(/-/g, '+').replace(/_/g, '/'));
  } catch {
    return undefined;
  }
}

/** Bytes as base64. */
export function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}

/** Base64 as bytes; throws on anything else. */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
