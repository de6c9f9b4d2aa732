//! AES-GCM for frames of media: small, many, in place; on x86-64, AArch64 and in WebAssembly with 128-bit vectors.
//!
//! The AEADs of the common libraries need 700 to 1,000 instructions for a frame of 40 to 160 bytes, most of them
//! beside AES and GHASH. Here a frame is a straight line of 120 to 200: everything that a key has in common is in
//! the key, everything of a frame is in registers, and a block less than a whole costs a mask.
//!
//! ```text
//! Frame::new(key, nonce, aad, data) ──► seal ──► Tag          four at once: seal_interleaved
//!                                   ├─► open(Tag) ──► ()                    open_interleaved
//!                                   ├─► open_or_restore(Tag) ──► ()
//!                                   └─► open_short(8 bytes of a tag) ──► ()
//! ```
//!
//! | module | noun |
//! |---|---|
//! | `frame` | [`Key`], [`Frame`], [`Tag`]: the safe door |
//! | `isa` | [`Isa`]: which instructions, found at run time; where their features begin |
//! | `gcm` | the algorithm, once for all instruction sets: a short frame, or four |
//! | `long_frame` | the same for a long frame, run by run |
//! | `block_run` | a row of vectors inside a frame, and its counters |
//! | `frame_hash` | GHASH over a frame's blocks |
//! | `ghash` | sums of carry-less products, reduced once for many blocks |
//! | `expanded_key` | an expanded key: 64 powers of H and the round keys |
//! | `vector` | what the algorithm asks of a processor |
//! | `x86`, `neon` | who answers: four blocks to a register, two, one; one on Arm |
//! | `partial_block` | less than a block |
//! | `simd128` | all of it for WebAssembly, which has neither instruction: look-ups in registers and integer products |
//! | `tag` | [`Tag`] and the two errors |
//!
//! # What is promised
//! * **Constant time by construction.** No branch and no address depends on a key, on data or on a tag, but for the
//!   one on whether a tag is right: AES is the processor's, GHASH the carry-less multiplier's, keys are expanded
//!   without a table. In WebAssembly AES looks up in tables of 16 bytes that lie in registers, and GHASH is integer
//!   multiplication, which processors that run browsers do in constant time. Lengths are public.
//! * **No plaintext before the tag is right.** A frame of up to 31 blocks (four to a register; 15 or 7 with fewer) is
//!   opened in registers and stored when its tag is. A longer one is decrypted where it lies while it is hashed, and
//!   wiped if its tag is wrong before anybody can look, since the data are borrowed; `open_or_restore` and
//!   `open_short` encrypt it again instead, and what came is there once more. In WebAssembly the whole frame is
//!   hashed before any of it is decrypted.
//! * **One place for `unsafe`**: this crate. The door is safe: a [`Key`] exists only where its instruction set's instructions do,
//!   and a [`Frame`] borrows what it points at.
//!
//! # Erasure
//! A key is wiped when dropped, and is expanded where it stays. Registers are not cleared after a frame: the next
//! vector code overwrites them, and whoever can read them can read the key in memory. With AVX-512 a frame under a
//! 128-bit key is sealed and opened without a secret on the stack. Otherwise (256-bit keys, narrower vectors, four frames
//! opened together) the compiler spills states of AES, keystream and some round keys there, and does not clear them.
//! The words of a key are cleared after it has been expanded.
#![allow(
    unsafe_code,
    reason = "intrinsics and raw pointers; every other crate of the workspace denies it"
)]
#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "inside, all is unsafe for one reason: what the processor has"
)]
#![allow(clippy::needless_range_loop, reason = "several arrays are walked in step")]

#[cfg(not(target_arch = "wasm32"))]
#[macro_use]
mod gcm;
#[cfg(not(target_arch = "wasm32"))]
mod block_run;
#[cfg(not(target_arch = "wasm32"))]
mod expanded_key;
#[cfg(not(target_arch = "wasm32"))]
mod frame;
#[cfg(not(target_arch = "wasm32"))]
mod frame_hash;
#[cfg(not(target_arch = "wasm32"))]
mod ghash;
#[cfg(not(target_arch = "wasm32"))]
mod isa;
#[cfg(not(target_arch = "wasm32"))]
mod long_frame;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
#[cfg(not(target_arch = "wasm32"))]
mod partial_block;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
mod tag;
#[cfg(not(target_arch = "wasm32"))]
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(not(target_arch = "wasm32"))]
pub use frame::{Frame, Key, open_interleaved, seal_interleaved};
#[cfg(not(target_arch = "wasm32"))]
pub use isa::{INTERLEAVE, Isa};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use simd128::{Frame, INTERLEAVE, Isa, Key, open_interleaved, seal_interleaved};
pub use tag::{Tag, TooLong, Unauthentic};
