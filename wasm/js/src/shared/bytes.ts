// Bytes as callers give them.

/**
 * Bytes, of any of these: a copy is taken. Everything else is a `TypeError`, a string above all,
 * and so are a `SharedArrayBuffer` and a buffer that has been transferred. So is every other
 * argument that has a wrong type, is out of its range, or is missing: nothing has changed then.
 * Functions that return a promise reject with it.
 */
export type Bytes = ArrayBuffer | ArrayBufferView;
