// In place of `module.js` where files are read, not fetched.

import { readFile } from 'node:fs/promises';

/** The bytes of the module with vectors: every Node.js that we support has them. */
export const moduleSource = () => readFile(new URL('./sealframe_wasm_simd.wasm', import.meta.url));
