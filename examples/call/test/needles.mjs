// Searches for pieces of frames in a server's recording.

const NEEDLE = 16;
const SHORTEST_FRAME = 24;

/** Pieces of a frame from its start, middle and end; no piece is a run of one or two values. */
export function needlesOf(frame) {
  if (frame.length < SHORTEST_FRAME) return [];
  const last = frame.length - NEEDLE;
  const offsets = new Set([0, 1, last >> 2, last >> 1, last - (last >> 2), last]);
  return [...offsets]
    .map((offset) => frame.subarray(offset, offset + NEEDLE))
    .filter((needle) => new Set(needle).size > 2)
    .map((needle) => needle.toString('latin1'));
}

/** The needles that occur anywhere in the payloads. */
export function find(needles, payloads) {
  const wanted = new Set(needles);
  const found = new Set();
  for (const payload of payloads) {
    const text = payload.toString('latin1');
    for (let at = 0; at + NEEDLE <= text.length; at += 1) {
      const piece = text.slice(at, at + NEEDLE);
      if (wanted.has(piece)) found.add(piece);
    }
  }
  return found;
}
