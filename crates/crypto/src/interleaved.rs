//! Four frames at once, each under its own key: the arguments.

use core::fmt;

use sealframe_wire::Ctr;

use crate::FrameKey;

/// How many frames are interleaved.
pub const INTERLEAVE: usize = 4;

/// The arguments of [`FrameKey::encrypt`].
#[expect(clippy::exhaustive_structs, reason = "arguments")]
pub struct Encrypt<'a> {
    /// The key.
    pub key: &'a FrameKey,
    /// Never the same twice under one key.
    pub ctr: Ctr,
    /// Additional authenticated data.
    pub aad: &'a [u8],
    /// Plaintext, to become ciphertext.
    pub in_out: &'a mut [u8],
    /// Room for the tag, `Nt` bytes.
    pub tag: &'a mut [u8],
}

/// The arguments of [`FrameKey::decrypt`].
#[expect(clippy::exhaustive_structs, reason = "arguments")]
pub struct Decrypt<'a> {
    /// The key.
    pub key: &'a FrameKey,
    /// The CTR that the frame was sealed with.
    pub ctr: Ctr,
    /// Additional authenticated data.
    pub aad: &'a [u8],
    /// Ciphertext, to become plaintext.
    pub in_out: &'a mut [u8],
    /// The tag.
    pub tag: &'a [u8],
}

impl fmt::Debug for Encrypt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ctr, in_out, .. } = self;
        f.debug_struct("Encrypt").field("ctr", ctr).field("len", &in_out.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Decrypt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ctr, in_out, .. } = self;
        f.debug_struct("Decrypt").field("ctr", ctr).field("len", &in_out.len()).finish_non_exhaustive()
    }
}
