// In place of `profiles-module.js` where files are read, not fetched.

import { readFile } from 'node:fs/promises';

/** The module's bytes. */
export const moduleSource = () => readFile(new URL('./sealframe_profiles_bg.wasm', import.meta.url));
