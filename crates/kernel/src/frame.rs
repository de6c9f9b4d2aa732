//! The types below the algorithm: a frame, and the functions of an instruction set.

use core::{fmt, marker::PhantomData};

use crate::expanded_key::ExpandedKey;

/// The mask of a whole tag.
pub(crate) const FULL_TAG: u128 = u128::MAX;
/// The mask of a tag's first 8 bytes.
pub(crate) const SHORT_TAG: u128 = u64::MAX as u128;

/// What happens to a frame that was decrypted in place before its tag turned out wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnReject {
    Wipe,
    Restore,
}

/// How many frames [`seal_interleaved`](crate::seal_interleaved) and
/// [`open_interleaved`](crate::open_interleaved) take.
pub const INTERLEAVE: usize = 4;

/// What an instruction set does for one length of key.
///
/// # Safety
/// Each may be called only where the instruction set is available.
pub(crate) struct Vtable {
    /// Bytes of the longest frame that is interleaved with others.
    pub(crate) longest_interleaved: usize,
    pub(crate) expand: unsafe fn(&mut ExpandedKey, &[u8]),
    /// GHASH of whole blocks.
    pub(crate) hash_aad: unsafe fn(&ExpandedKey, &[u8]) -> u128,
    /// Returns the tag.
    pub(crate) seal: unsafe fn(&Frame<'_>) -> u128,
    /// Whether the frame is authentic by the bits of the tag in the mask, `FULL_TAG` or
    /// `SHORT_TAG`. A rejected frame is unchanged or wiped, as [`OnReject`] says.
    pub(crate) open: unsafe fn(&Frame<'_>, u128, u128, OnReject) -> bool,
    pub(crate) seal_interleaved: unsafe fn(&[Frame<'_>; INTERLEAVE], &mut [u128; INTERLEAVE]),
    pub(crate) open_interleaved:
        unsafe fn(&[Frame<'_>; INTERLEAVE], &[u128; INTERLEAVE]) -> [bool; INTERLEAVE],
}

/// A frame about to be sealed or opened in place.
pub struct Frame<'a> {
    pub(crate) expanded_key: &'a ExpandedKey,
    pub(crate) vtable: &'static Vtable,
    pub(crate) nonce: [u8; 12],
    /// The hash of the AAD's blocks before its last, if it has more than one.
    pub(crate) before: Option<u128>,
    /// The AAD's last block, whole or in part.
    pub(crate) aad: &'a [u8],
    pub(crate) aad_len: usize,
    /// Borrowed for `'a`, for writing.
    pub(crate) data: *mut u8,
    pub(crate) len: usize,
    pub(crate) borrow: PhantomData<&'a mut [u8]>,
}

impl Frame<'_> {
    /// Zeroes the data.
    pub(crate) fn wipe(&self) {
        // SAFETY: `data` is borrowed for writing, `len` bytes.
        unsafe { self.data.write_bytes(0, self.len) };
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frame(..)")
    }
}
