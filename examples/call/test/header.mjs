// The SFrame header (RFC 9605 §4.3), read without a key, as a server reads it.

/** The KID of an SFrame frame, as a BigInt; `undefined` if the bytes end too early. */
export function kidOf(frame) {
  const config = frame[0];
  const field = (config >> 4) & 7;
  if ((config & 0x80) === 0) return BigInt(field);
  const bytes = frame.subarray(1, 2 + field);
  return bytes.length === field + 1 ? BigInt(`0x${bytes.toString('hex')}`) : undefined;
}
