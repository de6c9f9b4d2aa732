// Runs a test compiled for wasm32-wasip1: the runner that `cargo verify` gives to cargo.

import { readFile } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { WASI } from 'node:wasi';

// Node.js 20 knows relaxed vectors by a flag only.
setFlagsFromString('--experimental-wasm-relaxed-simd');

const [program, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [program, ...args], returnOnExit: true });
const module = await WebAssembly.compile(await readFile(program));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
