// What a person may be called: the same rule as the server's, for names that it never saw.

/** Bytes of a name. */
const LONGEST = 64;
/** Control characters, and those that turn the direction of writing around or have no width; but joiners are letters. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Whether `name` can be shown to people as it is. */
export function isName(name) {
  const length = new TextEncoder().encode(name).length;
  return length > 0 && length <= LONGEST && name.trim() === name && !UNSEEN.test(name) && !/^[\u200c\u200d]+$/.test(name);
}
