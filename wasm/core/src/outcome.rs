//! Results that JavaScript reads from linear memory after a call, so that a small frame takes one
//! call into this module.
//!
//! Their offset is fixed while a [`FrameCore`](crate::FrameCore) lives. [`Outcome`] names the
//! words, 32 bits each.

use sealframe::{Ctr, Kid};

use crate::member::Member;

/// The index of each word. A test compares them with `OUTCOME` in `shared/ids.ts`. Numbers of 64
/// bits take two words, the low one first.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// Offset in linear memory for the next frame.
    Room = 0,
    /// The longest frame that fits there; for a longer one, call `reserve` first.
    RoomLength = 1,
    /// Length of the last result, bytes.
    Length = 2,
    /// Number of keys wiped or replaced so far, modulo 2^32. When it changes, drop all imported
    /// keys.
    Erasures = 3,
    /// The KID of the last frame sealed, opened or begun.
    Kid = 4,
    /// The KID of our next frame.
    SendKid = 6,
    /// The CTR of the last frame begun.
    Ctr = 8,
    /// Length of its header, bytes.
    HeaderLength = 10,
    /// Length of its prefix, which is copied in front of its header, bytes.
    PrefixLength = 11,
}

/// One past the last word.
const WORDS: usize = Outcome::PrefixLength as usize + 1;

/// The words. Only this module writes them.
pub(crate) struct Words(Box<[u32; WORDS]>);

impl Words {
    pub(crate) fn set_room(&mut self, at: *const u8, len: usize) {
        self.set_len(Outcome::Room, at.addr());
        self.set_len(Outcome::RoomLength, len);
    }

    pub(crate) fn set_len(&mut self, word: Outcome, value: usize) {
        // Linear memory has no more than 2^32 bytes.
        self.0[word as usize] = u32::try_from(value).unwrap_or(u32::MAX);
    }

    pub(crate) fn set_kid(&mut self, kid: Kid) {
        self.set_long(Outcome::Kid, kid.get());
    }

    pub(crate) fn set_ctr(&mut self, ctr: Ctr) {
        self.set_long(Outcome::Ctr, ctr.get());
    }

    fn set_long(&mut self, word: Outcome, value: u64) {
        let at = word as usize;
        #[expect(clippy::cast_possible_truncation, reason = "its low half, then its high half")]
        let halves = [value as u32, (value >> 32) as u32];
        self.0[at..at + 2].copy_from_slice(&halves);
    }
}

/// A member together with the words that depend on its keys. Every change of the member updates the
/// words, so a wiped key is never reported as held.
pub(crate) struct Published {
    member: Member,
    words: Words,
}

impl Published {
    pub(crate) fn new(member: Member) -> Self {
        let mut published = Self { member, words: Words(Box::default()) };
        published.publish();
        published
    }

    /// Runs `work`, which may change keys, then updates the words.
    pub(crate) fn change<R>(&mut self, work: impl FnOnce(&mut Member, &mut Words) -> R) -> R {
        let result = work(&mut self.member, &mut self.words);
        self.publish();
        result
    }

    /// A separate function, so that each change of keys compiles to one call.
    #[inline(never)]
    fn publish(&mut self) {
        self.words.0[Outcome::Erasures as usize] = self.member.erasures();
        self.words.set_long(Outcome::SendKid, self.member.kid().get());
    }

    pub(crate) const fn member(&self) -> &Member {
        &self.member
    }

    pub(crate) fn words(&mut self) -> &mut Words {
        &mut self.words
    }

    /// Offset of the words.
    pub(crate) fn outcome(&self) -> *const u32 {
        self.words.0.as_ptr()
    }
}
