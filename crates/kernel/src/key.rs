//! Keys and frames: the safe API.

use core::{fmt, marker::PhantomData, ptr};

use crate::{
    Tag, TooLong, Unauthentic,
    expanded_key::ExpandedKey,
    frame::{FULL_TAG, Frame, INTERLEAVE, OnReject, SHORT_TAG, Vtable},
    isa::Isa,
    tag::is_too_long,
    vector::BLOCK,
};

/// An AES-128-GCM or AES-256-GCM key, expanded once. Wiped on drop.
pub struct Key {
    expanded_key: ExpandedKey,
    vtable: &'static Vtable,
}

impl Key {
    /// Expands `key`, 16 or 32 bytes; the caller wipes its copy. `None` for another length, or if
    /// this processor has no instruction set.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Box<Self>> {
        Self::with_isa(Isa::best()?, key)
    }

    /// Like [`new`](Self::new), with this instruction set: `None` if it is not available.
    #[must_use]
    pub fn with_isa(isa: Isa, key: &[u8]) -> Option<Box<Self>> {
        let [of_16, of_32] = isa.detect()?.vtables();
        let vtable = match key.len() {
            16 => of_16,
            32 => of_32,
            _ => return None,
        };
        let mut boxed = Self::unexpanded(vtable);
        // SAFETY: the instruction set is available, and the key has the length that this table is
        // for.
        unsafe { (vtable.expand)(&mut boxed.expanded_key, key) };
        Some(boxed)
    }

    /// A key at its final address before it is expanded: moving an expanded key would leave a copy
    /// behind. None of its bytes, padding included, is copied from the stack, which may hold old
    /// secrets.
    fn unexpanded(vtable: &'static Vtable) -> Box<Self> {
        let mut place = Box::<Self>::new_uninit();
        let key = place.as_mut_ptr();
        // SAFETY: `key` points at memory for one key. An `ExpandedKey` of zeros is an empty one,
        // and `vtable` is the only other field.
        unsafe {
            key.write_bytes(0, 1);
            (&raw mut (*key).vtable).write(vtable);
            place.assume_init()
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl<'a> Frame<'a> {
    /// `data` is plaintext to be sealed, or ciphertext to be opened. No nonce may seal twice under
    /// a key.
    // In the caller's registers: writing a frame to memory and reading it at once would stall.
    #[inline(always)]
    #[must_use]
    pub fn new(key: &'a Key, nonce: [u8; 12], aad: &'a [u8], data: &'a mut [u8]) -> Self {
        let Key { expanded_key, vtable } = key;
        let (before, last) = if aad.len() <= BLOCK {
            (None, aad)
        } else {
            let (before, last) = aad.split_at((aad.len() - 1) / BLOCK * BLOCK);
            // SAFETY: a key's table comes from a `DetectedIsa`.
            (Some(unsafe { (vtable.hash_aad)(expanded_key, before) }), last)
        };
        Self {
            expanded_key,
            vtable,
            nonce,
            before,
            aad: last,
            aad_len: aad.len(),
            data: data.as_mut_ptr(),
            len: data.len(),
            borrow: PhantomData,
        }
    }

    /// Encrypts the frame. Copies: none.
    ///
    /// # Errors
    /// [`TooLong`], with the data unchanged.
    #[inline(always)]
    pub fn seal(self) -> Result<Tag, TooLong> {
        if self.is_too_long() {
            return Err(TooLong);
        }
        // SAFETY: the key's instruction set is available; `data` is borrowed for writing, `len`
        // bytes.
        Ok(Tag(unsafe { (self.vtable.seal)(&self) }))
    }

    /// Checks `tag` and decrypts the frame. Copies: none.
    ///
    /// # Errors
    /// [`Unauthentic`], with the data unchanged, or zeroed if they are longer than what is
    /// decrypted in registers.
    #[inline(always)]
    pub fn open(self, tag: Tag) -> Result<(), Unauthentic> {
        self.open_masked(tag.0, FULL_TAG, OnReject::Wipe)
    }

    /// Like [`open`](Self::open), but keeps a rejected frame. Rejecting a frame that does not fit
    /// into registers takes a second pass.
    ///
    /// # Errors
    /// [`Unauthentic`], with the data unchanged, so that another key can be tried.
    #[inline(always)]
    pub fn open_or_restore(self, tag: Tag) -> Result<(), Unauthentic> {
        self.open_masked(tag.0, FULL_TAG, OnReject::Restore)
    }

    /// As [`open_or_restore`](Self::open_or_restore), by the first 8 bytes of a tag: for formats
    /// that send no more. One forgery in 2^64 passes at best, sooner with long frames (NIST SP
    /// 800-38D, appendix C).
    ///
    /// # Errors
    /// [`Unauthentic`], with the data unchanged, so that another key can be tried.
    #[inline(always)]
    pub fn open_short(self, tag: [u8; 8]) -> Result<(), Unauthentic> {
        self.open_masked(u64::from_le_bytes(tag).into(), SHORT_TAG, OnReject::Restore)
    }

    #[inline(always)]
    fn open_masked(self, tag: u128, tag_mask: u128, on_reject: OnReject) -> Result<(), Unauthentic> {
        if self.is_too_long() {
            return Err(Unauthentic);
        }
        // SAFETY: the key's instruction set is available; `data` is borrowed for writing, `len`
        // bytes.
        let authentic = unsafe { (self.vtable.open)(&self, tag, tag_mask, on_reject) };
        if authentic { Ok(()) } else { Err(Unauthentic) }
    }

    #[inline(always)]
    const fn is_too_long(&self) -> bool {
        is_too_long(self.len)
    }
}

/// Encrypts four frames under any keys: as [`Frame::seal`] for each, but interleaved where they are
/// short.
#[inline(always)] // as Frame::new
pub fn seal_interleaved(frames: [Frame<'_>; INTERLEAVE]) -> [Result<Tag, TooLong>; INTERLEAVE] {
    let Some(vtable) = of_one_kind(&frames) else {
        return frames.map(Frame::seal);
    };
    let mut tags = [0; INTERLEAVE];
    // SAFETY: the keys' instruction set is available; each `data` is borrowed for writing, `len`
    // bytes.
    unsafe { (vtable.seal_interleaved)(&frames, &mut tags) };
    tags.map(|tag| Ok(Tag(tag)))
}

/// Opens four frames under any keys: as [`Frame::open`] for each, but interleaved where they are
/// short.
#[inline(always)] // as Frame::new
pub fn open_interleaved(
    frames: [Frame<'_>; INTERLEAVE],
    tags: [Tag; INTERLEAVE],
) -> [Result<(), Unauthentic>; INTERLEAVE] {
    let Some(vtable) = of_one_kind(&frames) else {
        let mut tags = tags.into_iter();
        return frames.map(|frame| tags.next().map_or(Err(Unauthentic), |tag| frame.open(tag)));
    };
    let tags = tags.map(|Tag(tag)| tag);
    // SAFETY: the keys' instruction set is available; each `data` is borrowed for writing, `len`
    // bytes.
    let authentic = unsafe { (vtable.open_interleaved)(&frames, &tags) };
    authentic.map(|authentic| if authentic { Ok(()) } else { Err(Unauthentic) })
}

/// The vtable of all frames, if their keys share an instruction set and a length, and none is too
/// long.
#[inline]
fn of_one_kind(frames: &[Frame<'_>; INTERLEAVE]) -> Option<&'static Vtable> {
    let vtable = frames[0].vtable;
    let fits = |frame: &Frame<'_>| ptr::eq(frame.vtable, vtable) && !frame.is_too_long();
    frames.iter().all(fits).then_some(vtable)
}
