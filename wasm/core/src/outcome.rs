//! Numbers that JavaScript reads out of linear memory after a call, so that a small frame takes one
//! call into this module.
//!
//! They lie in one place as long as a [`FrameCore`](crate::FrameCore) lives: [`Outcome`] names the
//! words, 32 bits each.

use sealframe::{Ctr, Kid};

use crate::member::Member;

/// The place of each word, as `OUTCOME` in `shared/ids.ts` has them, which a test compares. Numbers of
/// 64 bits have two places, the low one first.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    /// Where in linear memory the next frame goes.
    Room = 0,
    /// The longest frame that fits there; for a longer one, call `reserve` first.
    RoomLength = 1,
    /// Bytes of the last result.
    Length = 2,
    /// How often a key was erased or replaced so far, modulo 2^32. Whatever keeps imported keys drops
    /// them when this has changed.
    Erasures = 3,
    /// The KID of the frame that was last sealed, opened or begun.
    Kid = 4,
    /// The KID of our next frame.
    SendKid = 6,
    /// The CTR of the frame that was last begun.
    Ctr = 8,
    /// Bytes of its header.
    HeaderLength = 10,
    /// Bytes of it that are copied in front of its header.
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

/// A member whose every change is followed by the words that depend on its keys: no other way leads
/// to the member, so a key that is gone is never reported as held.
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

    /// Does `work`, which may change keys.
    pub(crate) fn change<R>(&mut self, work: impl FnOnce(&mut Member, &mut Words) -> R) -> R {
        let result = work(&mut self.member, &mut self.words);
        self.publish();
        result
    }

    /// Kept apart, so that each change of keys takes a call of it and no more.
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

    /// Where the words lie.
    pub(crate) fn outcome(&self) -> *const u32 {
        self.words.0.as_ptr()
    }
}
