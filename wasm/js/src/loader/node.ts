// In place of `browser.ts` where files are read, not fetched.

import { readFile } from 'node:fs/promises';

import type { ModuleSource } from './browser.js';

/** The bytes of the module with vectors: every Node.js that we support has them. */
export const moduleSource = (): ModuleSource => readFile(new URL('./sealframe_wasm_simd.wasm', import.meta.url));
