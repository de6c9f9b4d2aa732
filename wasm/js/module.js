// Which of the two modules: with 128-bit vectors wherever they are, as in every browser since 2023.

/** The smallest module with a vector in it: one function that makes one of a zero and counts its bits. */
const WITH_VECTORS = new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
  1, 5, 1, 0x60, 0, 1, 0x7b, // one type: () -> v128
  3, 2, 1, 0, // one function of it
  10, 10, 1, 8, 0, 0x41, 0, 0xfd, 0x0f, 0xfd, 0x62, 0x0b, // i32.const 0, i8x16.splat, i8x16.popcnt
]);

export const hasVectors = () => WebAssembly.validate(WITH_VECTORS);

/** What `init` loads: a file beside this script. Both are spelled out, so that bundlers see them. */
export function moduleSource() {
  return hasVectors()
    ? new URL('./sealframe_wasm_simd.wasm', import.meta.url)
    : new URL('./sealframe_wasm_bg.wasm', import.meta.url);
}
