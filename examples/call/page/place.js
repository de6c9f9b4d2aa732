// The address of this page: room, name and video codec in the query, the secret of the call in the fragment.
// The fragment is the one part of an address that a browser does not send to the server.

const SECRET_LENGTH = 32;

/** Video codecs the server forwards; everybody in a call needs the same. */
const CODECS = ['vp8', 'vp9', 'h264', 'av1'];

/** Room, name, codec and secret from the address; makes a secret and puts it there if none is given. */
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
  const codec = query.get('codec') ?? CODECS[0];
  if (!CODECS.includes(codec)) {
    throw new Error(`The codec in this link is not one of ${CODECS.join(', ')}. Ask for the link again.`);
  }
  return { room: query.get('room'), name: query.get('name'), codec, secret };
}

/** Puts room, name, codec and secret into the address, so that a reload comes back here. */
export function writePlace(place) {
  history.replaceState(null, '', address(place));
}

/** The link for others: no name, so that they are asked for theirs. */
export function invitation({ room, codec, secret }) {
  return address({ room, codec, secret });
}

function address({ room, name, codec, secret }) {
  const query = new URLSearchParams({ room });
  if (name !== undefined) query.set('name', name);
  if (codec !== CODECS[0]) query.set('codec', codec);
  return `${location.origin}/?${query}#secret=${toBase64(secret).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '')}`;
}

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
