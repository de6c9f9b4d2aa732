// Where the module for other systems' formats is: a file beside this script.

import { type ModuleSource, hasVectors } from './browser.js';

/** What `init` loads. */
export function moduleSource(): ModuleSource {
  if (!hasVectors()) throw new Error('sealframe: this browser has no 128-bit vectors (before 2023)');
  return new URL('./sealframe_profiles_bg.wasm', import.meta.url);
}
