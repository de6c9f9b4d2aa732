// The address of this page: room and name in the query, the secret of the call in the fragment.
// The fragment is the one part of an address that a browser does not send to the server.

const SECRET_LENGTH = 32;

/** Room, name and secret from the address; makes a secret and puts it there if none is given. */
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
  return { room: query.get('room'), name: query.get('name'), secret };
}

/** Puts room, name and secret into the address, so that a reload comes back here. */
export function writePlace({ room, name, secret }) {
  history.replaceState(null, '', address({ room, name, secret }));
}

/** The link for others: no name, so that they are asked for theirs. */
export function invitation({ room, secret }) {
  return address({ room, secret });
}

function address({ room, name, secret }) {
  const query = new URLSearchParams(name === undefined ? { room } : { room, name });
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
