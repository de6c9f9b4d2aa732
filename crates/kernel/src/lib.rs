//! AES-GCM for frames of media: small, many, in place.
//!
//! The AEADs of the common libraries need 700 to 1,000 instructions for a frame of 40 to 160 bytes, most of them
//! beside AES and GHASH. Here a frame is a straight line of 120 to 200: everything that a key has in common is in
//! the key, everything of a frame is in registers, and a block less than a whole costs a mask.
//!
//! ```text
//! Frame::new(key, nonce, aad, data) ──► seal ──► Tag          four at once: seal_together
//!                                   └─► open(Tag) ──► ()                    open_together
//! ```
//!
//! | module | noun |
//! |---|---|
//! | `frame` | [`Key`], [`Frame`], [`Tag`]: the safe door |
//! | `form` | [`Form`]: which instructions, found at run time; where their features begin |
//! | `gcm` | the algorithm, once for all forms: a short frame, or four |
//! | `passage` | the same for a long frame, stretch by stretch |
//! | `stretch` | a row of vectors inside a frame, and its counters |
//! | `frame_hash` | GHASH over a frame's blocks |
//! | `ghash` | sums of carry-less products, reduced once for many blocks |
//! | `schedule` | an expanded key: 64 powers of H and the round keys |
//! | `vector` | what the algorithm asks of a processor |
//! | `x86`, `neon` | who answers: four blocks to a register, two, one; one on Arm |
//! | `part` | less than a block |
//!
//! # What is promised
//! * **Constant time by construction.** No branch and no address depends on a key, on data or on a tag, but for the
//!   one on whether a tag is right: AES is the processor's, GHASH the carry-less multiplier's, keys are expanded
//!   without a table. Lengths are public.
//! * **No plaintext before the tag is right.** A frame of up to 31 blocks (four to a register; 15 or 7 with fewer) is
//!   opened in registers and stored when its tag is. A longer one is decrypted where it lies while it is hashed, and
//!   wiped if its tag is wrong before anybody can look, since the data are borrowed.
//! * **One place for `unsafe`**: this crate. The door is safe: a [`Key`] exists only where its form's instructions do,
//!   and a [`Frame`] borrows what it points at.
//!
//! # Erasure
//! A key is wiped when dropped, and is expanded where it stays. Registers are not cleared after a frame: the next
//! vector code overwrites them, and whoever can read them can read the key in memory. With AVX-512 a frame under a
//! 128-bit key is sealed and opened without a secret on the stack. Elsewhere (256-bit keys, narrower forms, four frames
//! opened together) the compiler spills states of AES, keystream and some round keys there, and does not clear them.
//! The words of a key are cleared after it has been expanded.
#![expect(
    unsafe_code,
    reason = "intrinsics and raw pointers; every other crate of the workspace denies it"
)]
#![allow(
    unsafe_op_in_unsafe_fn,
    reason = "inside, all is unsafe for one reason: what the processor has"
)]
#![allow(clippy::needless_range_loop, reason = "several arrays are walked in step")]

#[macro_use]
mod gcm;
mod form;
mod frame;
mod frame_hash;
mod ghash;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
mod part;
mod passage;
mod schedule;
mod stretch;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use form::{Form, TOGETHER};
pub use frame::{Frame, Key, Tag, TooLong, Unauthentic, open_together, seal_together};
