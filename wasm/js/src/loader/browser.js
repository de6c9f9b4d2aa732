// Which of the three modules: with 128-bit vectors wherever they are, as in every browser since 2023, and with the relaxed ones
// where they are too.

/** The smallest module with an instruction in it: one function that returns what it gives. */
const moduleOf = (code) => new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
  1, 5, 1, 0x60, 0, 1, 0x7b, // one type: () -> v128
  3, 2, 1, 0, // one function of it
  10, code.length + 4, 1, code.length + 2, 0, ...code, 0x0b,
]);
const ZERO = [0x41, 0, 0xfd, 0x0f]; // i32.const 0, i8x16.splat
const WITH_VECTORS = moduleOf([...ZERO, 0xfd, 0x62]); // i8x16.popcnt
const WITH_RELAXED = moduleOf([...ZERO, ...ZERO, 0xfd, 0x80, 2]); // i8x16.relaxed_swizzle

export const hasVectors = () => WebAssembly.validate(WITH_VECTORS);
export const hasRelaxed = () => WebAssembly.validate(WITH_RELAXED);

/** What `init` loads: a file beside this script. All are spelled out, so that bundlers see them. */
export function moduleSource() {
  if (hasRelaxed()) return new URL('./sealframe_wasm_relaxed.wasm', import.meta.url);
  return hasVectors()
    ? new URL('./sealframe_wasm_simd.wasm', import.meta.url)
    : new URL('./sealframe_wasm_bg.wasm', import.meta.url);
}

/** The key management's, which is loaded by who joins a call. */
export const groupSource = () => new URL('./sealframe_group_bg.wasm', import.meta.url);
