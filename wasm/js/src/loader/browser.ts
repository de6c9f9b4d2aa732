// Which of the three modules: the one with 128-bit vectors wherever they exist, as in every browser
// since 2023, and the one with relaxed vectors where these exist too.

/** The smallest module with an instruction in it: one function that returns what it computes. */
const moduleOf = (code: readonly number[]): Uint8Array<ArrayBuffer> => new Uint8Array([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version
  1, 5, 1, 0x60, 0, 1, 0x7b, // one type: () -> v128
  3, 2, 1, 0, // one function of it
  10, code.length + 4, 1, code.length + 2, 0, ...code, 0x0b,
]);
const ZERO = [0x41, 0, 0xfd, 0x0f]; // i32.const 0, i8x16.splat
const WITH_VECTORS = moduleOf([...ZERO, 0xfd, 0x62]); // i8x16.popcnt
const WITH_RELAXED = moduleOf([...ZERO, ...ZERO, 0xfd, 0x80, 2]); // i8x16.relaxed_swizzle

/** Whether this browser has 128-bit vectors. */
export const hasVectors = (): boolean => WebAssembly.validate(WITH_VECTORS);
/** Whether it has the relaxed ones. */
export const hasRelaxed = (): boolean => WebAssembly.validate(WITH_RELAXED);

/** What `init` loads. */
export type ModuleSource = URL | Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;

/** A file beside this script. All are spelled out, so that bundlers see them. */
export function moduleSource(): ModuleSource {
  if (hasRelaxed()) return new URL('./sealframe_wasm_relaxed.wasm', import.meta.url);
  return hasVectors()
    ? new URL('./sealframe_wasm_simd.wasm', import.meta.url)
    : new URL('./sealframe_wasm_bg.wasm', import.meta.url);
}

/** The module for key management, which a member that joins a call loads. */
export const groupSource = (): ModuleSource => new URL('./sealframe_group_bg.wasm', import.meta.url);
