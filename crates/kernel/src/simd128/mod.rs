//! AES-GCM without AES instructions: WebAssembly's 128-bit vectors, four blocks at once.
//!
//! No address and no branch depends on a secret: AES, and GHASH of long input, look up in tables of
//! 16 bytes that lie in registers; the rest of GHASH consists of integer multiplications whose
//! operands have holes for the carries. An engine has no reason to make the time of either depend
//! on the data.
//!
//! | module | noun |
//! |---|---|
//! | `block` | 16 bytes in a vector |
//! | `tables` | what AES looks up |
//! | `aes` | round keys, and the rounds |
//! | `ghash` | the hash: in 64-bit words, four blocks at once |
//! | `lanes` | the hash of what is long, in look-ups, sixteen blocks at once |

mod aes;
mod block;
mod ghash;
mod lanes;
mod tables;

use core::fmt;
use std::boxed::Box;

use crate::{Tag, TooLong, Unauthentic, tag::is_too_long};
use aes::{BATCH, RoundKeys};
use block::{BLOCK, Block, Counter};
use ghash::Powers;

/// As many frames are passed together. Nothing is gained by it here.
pub const INTERLEAVE: usize = 4;

/// The instructions that the kernel uses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Isa {
    /// WebAssembly with 128-bit vectors, for which the module has to be compiled.
    Simd128,
}

impl Isa {
    /// The only instruction set.
    pub const ALL: &[Self] = &[Self::Simd128];

    /// A module with vectors does not load in an engine without them.
    #[must_use]
    pub const fn is_available(self) -> bool {
        true
    }

    /// The only instruction set.
    #[must_use]
    pub const fn best() -> Option<Self> {
        Some(Self::Simd128)
    }

    /// No frames are interleaved here.
    #[must_use]
    pub const fn longest_interleaved(self) -> Option<usize> {
        None
    }

    /// Interleaving gains nothing here.
    #[must_use]
    pub const fn gains_from_interleaving(self) -> bool {
        false
    }
}

/// An AES-128-GCM or AES-256-GCM key, expanded once. Wiped on drop.
pub struct Key {
    round_keys: RoundKeys,
    powers: Powers,
}

impl Key {
    /// Expands `key`, 16 or 32 bytes; the caller wipes its copy. `None` for another length.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Box<Self>> {
        // Boxed before it is expanded: moving an expanded key would leave a copy behind.
        let mut boxed = Box::new(Self { round_keys: RoundKeys::empty(), powers: Powers::empty() });
        boxed.round_keys.expand(key)?;
        let mut hash_key = [Block::ZERO; BATCH];
        boxed.round_keys.encrypt(&mut hash_key);
        boxed.powers.raise(hash_key[0]);
        Some(boxed)
    }

    /// Like [`new`](Self::new).
    #[must_use]
    pub fn with_isa(Isa::Simd128: Isa, key: &[u8]) -> Option<Box<Self>> {
        Self::new(key)
    }
}

/// The keystream of a frame, a batch at a time. Its first block is the mask of the tag.
struct Keystream<'a> {
    round_keys: &'a RoundKeys,
    blocks: [Block; BATCH],
    counter: Counter,
}

impl<'a> Keystream<'a> {
    fn new(round_keys: &'a RoundKeys, nonce: [u8; 12]) -> Self {
        let mut keystream =
            Self { round_keys, blocks: [Block::ZERO; BATCH], counter: Counter::new(nonce) };
        keystream.go_on();
        keystream
    }

    fn go_on(&mut self) {
        self.blocks = [(); BATCH].map(|()| self.counter.take());
        self.round_keys.encrypt(&mut self.blocks);
    }

    /// XORs it to `data`, beginning with its second block.
    fn apply(mut self, data: &mut [u8]) {
        let (first, rest) = data.split_at_mut(data.len().min((BATCH - 1) * BLOCK));
        xor(first, &self.blocks[1..]);
        for batch in rest.chunks_mut(BATCH * BLOCK) {
            self.go_on();
            xor(batch, &self.blocks);
        }
    }
}

fn xor(data: &mut [u8], keystream: &[Block]) {
    let mut blocks = data.chunks_exact_mut(BLOCK);
    let mut stream = keystream.iter();
    for (block, key) in (&mut blocks).zip(&mut stream) {
        Block::load(block).xor(*key).store(block);
    }
    let rest = blocks.into_remainder();
    if let (false, Some(key)) = (rest.is_empty(), stream.next()) {
        for (byte, key) in rest.iter_mut().zip(key.to_bytes()) {
            *byte ^= key;
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.round_keys.zeroize();
        self.powers.zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// A frame about to be sealed or opened in place.
pub struct Frame<'a> {
    key: &'a Key,
    nonce: [u8; 12],
    aad: &'a [u8],
    data: &'a mut [u8],
}

impl<'a> Frame<'a> {
    /// `data` is plaintext to be sealed, or ciphertext to be opened. No nonce may seal twice under
    /// a key.
    #[must_use]
    pub const fn new(key: &'a Key, nonce: [u8; 12], aad: &'a [u8], data: &'a mut [u8]) -> Self {
        Self { key, nonce, aad, data }
    }

    /// Encrypts the frame. Copies: none.
    ///
    /// # Errors
    /// [`TooLong`], with the data unchanged.
    pub fn seal(self) -> Result<Tag, TooLong> {
        if is_too_long(self.data.len()) {
            return Err(TooLong);
        }
        let keystream = Keystream::new(&self.key.round_keys, self.nonce);
        let mask = keystream.blocks[0];
        keystream.apply(self.data);
        Ok(Tag(self.key.powers.hash(self.aad, self.data).xor(mask).to_u128()))
    }

    /// Checks `tag` and then decrypts the frame. Copies: none.
    ///
    /// # Errors
    /// [`Unauthentic`], with the data unchanged.
    pub fn open(self, Tag(tag): Tag) -> Result<(), Unauthentic> {
        self.open_masked(tag, u128::MAX)
    }

    /// The same as [`open`](Self::open): no frame is decrypted before its tag is checked.
    ///
    /// # Errors
    /// [`Unauthentic`], with the data unchanged, so that another key can be tried.
    pub fn open_or_restore(self, tag: Tag) -> Result<(), Unauthentic> {
        self.open(tag)
    }

    /// As [`open_or_restore`](Self::open_or_restore), by the first 8 bytes of a tag: for formats
    /// that send no more. One forgery in 2^64 passes at best, sooner with long frames (NIST SP
    /// 800-38D, appendix C).
    ///
    /// # Errors
    /// [`Unauthentic`], with the data unchanged, so that another key can be tried.
    pub fn open_short(self, tag: [u8; 8]) -> Result<(), Unauthentic> {
        self.open_masked(u64::from_le_bytes(tag).into(), u64::MAX.into())
    }

    /// By the bits of the tag in the mask.
    fn open_masked(self, tag: u128, tag_mask: u128) -> Result<(), Unauthentic> {
        if is_too_long(self.data.len()) {
            return Err(Unauthentic);
        }
        let keystream = Keystream::new(&self.key.round_keys, self.nonce);
        let made = self.key.powers.hash(self.aad, self.data).xor(keystream.blocks[0]);
        // One comparison of all bits in the mask, and the only branch that depends on it: the
        // verdict is public.
        if (made.to_u128() ^ tag) & tag_mask != 0 {
            return Err(Unauthentic);
        }
        keystream.apply(self.data);
        Ok(())
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frame(..)")
    }
}

/// Encrypts four frames under any keys: [`Frame::seal`] for each.
pub fn seal_interleaved(frames: [Frame<'_>; INTERLEAVE]) -> [Result<Tag, TooLong>; INTERLEAVE] {
    frames.map(Frame::seal)
}

/// Opens four frames under any keys: [`Frame::open`] for each.
pub fn open_interleaved(
    frames: [Frame<'_>; INTERLEAVE],
    tags: [Tag; INTERLEAVE],
) -> [Result<(), Unauthentic>; INTERLEAVE] {
    let mut tags = tags.into_iter();
    frames.map(|frame| tags.next().map_or(Err(Unauthentic), |tag| frame.open(tag)))
}

const _: () = assert!(size_of::<Block>() == BLOCK);
