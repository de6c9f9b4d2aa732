// In place of `browser.ts` in the worker that is one script with everything inside.

import { type ModuleSource, hasVectors } from './browser.js';
import group from '../../../build/sealframe_group_bg.wasm';
import bytes from '../../../build/sealframe_wasm_simd.wasm';

/** The module with vectors; the others are only in the package's files. */
export function moduleSource(): ModuleSource {
  if (!hasVectors()) throw new Error("this browser has no 128-bit vectors: use the package's own worker");
  return bytes;
}

/** The module for key management. */
export const groupSource = (): ModuleSource => group;
