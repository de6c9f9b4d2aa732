//! The cipher suites and the key schedule of SFrame (RFC 9605 §4.4 and §4.5): everything that
//! touches a secret byte, and nothing else.
//!
//! ```text
//! base_key ──Extract──► sframe_secret ──Expand──► sframe_key  ──► AeadKey ┐
//!    │                       (KID, suite) └─────► sframe_salt ─ XOR CTR ──┴► FrameKey
//!    └──ratchet──► next base_key (§5.1)
//! ```
//!
//! | module | noun |
//! |---|---|
//! | `suite` | [`CipherSuite`]: numbers, lengths, limits |
//! | `cipher` | [`Cipher`]: a suite on a backend |
//! | `error` | [`Unauthentic`], [`FrameTooLong`] |
//! | `base_key` | [`BaseKey`]: the key from the key management; the ratchet |
//! | `fork` | [`BlockCount`]: how much a key has sealed; useless to a forked child |
//! | `wiped_stack` | where keys are derived; overwritten afterwards |
//! | `frame_key` | [`FrameKey`]: one KID's AEAD key and salt; makes the nonces |
//! | `aead` | [`AeadKey`]: a suite's AEAD, key expanded once |
//! | `interleaved` | [`Encrypt`], [`Decrypt`]: one of four frames at once, each under its own key |
//! | `hkdf` | Extract and Expand with the suite's hash |
//! | `backend` | AES-GCM by ring, aws-lc-rs, aes-gcm or our kernel; AES-CTR with HMAC (§4.5.1) |
//!
//! # Why so
//! * The suite is a value, not a type parameter: measured, the dispatch costs nothing beside an
//!   AEAD, one receiver can hold keys of several suites, and C and JavaScript need the value
//!   anyway.
//! * Keys are expanded once, when they are derived. Expanding per frame doubles the cost of audio.
//! * All AES-GCM backends can be compiled into one program; a [`Backend`] chooses at run time. So
//!   no two features exclude each other. HKDF, AES-CTR and SHA-2 are RustCrypto's on every target:
//!   they measured fastest, and need no C compiler.
//! * HMAC over a frame is ours, from RustCrypto's compression function: it starts from two states
//!   that are kept with the key. The `hmac` crate's buffers take 15 to 18 % longer for an audio
//!   frame.
//! * The way from a frame to its AEAD is inlined by force. Left to itself the compiler makes a call
//!   of each layer, which costs more instructions than building the header; a benchmark counts
//!   them.
//! * A frame's nonce is made in here, from a salt that never leaves and a CTR. Only [`AeadKey`],
//!   the bare primitive for tests, comparisons and older formats, takes one from its caller.
//!
//! # Erasure
//! Every long-lived secret is wiped when dropped, including ring's expanded keys
//! (`backend/ring.rs`; ring does not wipe them). The stack on which a key is derived is overwritten
//! afterwards (`wiped_stack`). GHASH's key, which AWS-LC copies to the stack for every frame, is
//! not wiped there.
#![no_std]
#![deny(unsafe_code)]

extern crate alloc;

mod aead;
mod backend;
mod base_key;
mod cipher;
mod error;
mod fork;
mod frame_key;
mod hkdf;
mod interleaved;
mod suite;
mod wiped_stack;

pub use aead::AeadKey;
#[cfg(feature = "short-tags")]
pub use backend::ShortTagKey;
pub use backend::{Backend, Interleaving, decrypt_interleaved, encrypt_interleaved};
pub use base_key::{BaseKey, WeakKey};
pub use cipher::Cipher;
pub use error::{FrameTooLong, Unauthentic};
pub use fork::BlockCount;
pub use frame_key::FrameKey;
pub use interleaved::{Decrypt, Encrypt, INTERLEAVE};
pub use suite::{CipherSuite, KeyLimits, SuiteError};
