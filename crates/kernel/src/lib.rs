//! AES-GCM for media frames: small, many, in place; on x86-64, AArch64 and in WebAssembly with
//! 128-bit vectors.
//!
//! The AEADs of the common libraries need 700 to 1,000 instructions for a frame of 40 to 160 bytes,
//! most of them outside AES and GHASH. Here a frame is a straight line of 120 to 200: the key holds
//! everything that its frames share, registers hold the frame, and an incomplete block costs a
//! mask.
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
//! | `key` | [`Key`], and the functions of [`Frame`]: the safe API |
//! | `isa` | [`Isa`]: instruction sets, detected at run time; where their features begin |
//! | `gcm` | the algorithm, once for all instruction sets: a short frame, or four |
//! | `long_frame` | the same for a long frame, run by run |
//! | `block_run` | a row of vectors inside a frame, and its counters |
//! | `frame_hash` | GHASH over a frame's blocks |
//! | `ghash` | sums of carry-less products, reduced once for many blocks |
//! | `expanded_key` | an expanded key: 64 powers of H and the round keys |
//! | `vector` | the operations that the algorithm needs of a processor |
//! | `x86`, `neon` | its implementations: four, two or one block to a register; one on Arm |
//! | `partial_block` | less than a block |
//! | `simd128` | the whole for WebAssembly, without those instructions |
//! | `frame` | the types below: a frame, an instruction set's functions |
//! | `tag` | [`Tag`] and the two errors |
//!
//! # Promises
//! * **Constant time by construction.** No branch and no address depends on a key, on data or on a
//!   tag, except the branch on whether a tag is right: AES is the processor's, GHASH the carry-less
//!   multiplier's, keys are expanded without a table. In WebAssembly AES looks up in tables of 16
//!   bytes that lie in registers, and GHASH is integer multiplication, which processors that run
//!   browsers do in constant time. Lengths are public.
//! * **No plaintext before the tag is right.** A frame of up to 31 blocks (four to a register; 15
//!   or 7 with fewer) is opened in registers and stored after its tag is checked. A longer one is
//!   decrypted in place while it is hashed, and wiped if its tag is wrong. No caller can look in
//!   between, since the data are borrowed. `open_or_restore` and `open_short` encrypt such a frame
//!   again instead, which restores it. In WebAssembly the whole frame is hashed before any of it is
//!   decrypted.
//! * **One place for `unsafe`**: this crate. Its API is safe: a [`Key`] exists only where the
//!   processor has its instructions, and a [`Frame`] borrows its data.
//!
//! # Unsafe
//! Two facts carry every `unsafe` block. The processor has the instructions: functions for an
//! instruction set are found only through a `DetectedIsa`, which only detection makes. Pointers are
//! valid: they come from a [`Frame`], which borrows its data, and stay below its length. Functions
//! inside are `unsafe fn` and inlined into one function for each instruction set, which has its
//! features (`isa`); each block states which of the two facts it needs.
//!
//! # Erasure
//! A key is expanded in place and wiped when dropped. Registers are not cleared after a frame: the
//! next vector code overwrites them, and an attacker who can read them can read the key in memory.
//! With AVX-512 a frame under a 128-bit key is sealed and opened without a secret on the stack.
//! Otherwise (256-bit keys, narrower vectors, four frames opened together) the compiler spills AES
//! states, keystream and some round keys there, and does not clear them. The words of a key are
//! cleared after its expansion.
#![allow(
    unsafe_code,
    reason = "intrinsics and raw pointers; every other crate of the workspace denies it"
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
mod key;
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
pub use frame::{Frame, INTERLEAVE};
#[cfg(not(target_arch = "wasm32"))]
pub use isa::Isa;
#[cfg(not(target_arch = "wasm32"))]
pub use key::{Key, open_interleaved, seal_interleaved};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub use simd128::{Frame, INTERLEAVE, Isa, Key, open_interleaved, seal_interleaved};
pub use tag::{Tag, TooLong, Unauthentic};
