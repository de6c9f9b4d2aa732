//! Test vectors with their provenance, and their readers.
//!
//! The vectors are in `vectors/`, each folder with a `PROVENANCE.md`. Readers return all of them;
//! the tests state how many they expect.

pub mod aes_gcm;
pub mod alloc;
pub mod credentials;
pub mod dave;
#[cfg(unix)]
pub mod fork;
pub mod group;
pub mod hex;
pub mod jframe;
pub mod keys;
#[cfg(unix)]
pub mod memory;
pub mod random;
pub mod rfc9605;
