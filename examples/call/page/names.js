// The names that a person may have: the server's rule, for names that the server never saw.

/** Longest name, in bytes. */
const LONGEST = 64;
/** Control characters, and characters that reverse the direction of writing or have no width;
 * joiners are letters. */
const UNSEEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Whether `name` can be shown to people unchanged. */
export function isName(name) {
  const length = new TextEncoder().encode(name).length;
  return length > 0 && length <= LONGEST && name.trim() === name && !UNSEEN.test(name) && !/^[\u200c\u200d]+$/.test(name);
}
