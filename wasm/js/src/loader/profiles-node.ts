// In place of `profiles-browser.ts` where files are read, not fetched.

import { readFile } from 'node:fs/promises';

import type { ModuleSource } from './browser.js';

/** The module's bytes. */
export const moduleSource = (): ModuleSource => readFile(new URL('./sealframe_profiles_bg.wasm', import.meta.url));
