// In place of `module.js` in the worker that is one script with everything inside.

import { hasVectors } from './browser.js';
import group from '../../../build/sealframe_group_bg.wasm';
import bytes from '../../../build/sealframe_wasm_simd.wasm';

/** The module with vectors; the others are only in the package's files. */
export function moduleSource() {
  if (!hasVectors()) throw new Error("this browser has no 128-bit vectors: use the package's own worker");
  return bytes;
}

export const groupSource = () => group;
