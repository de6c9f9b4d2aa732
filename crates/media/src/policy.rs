//! How KIDs are made up, and how far a receiver follows them.

use sealframe_wire::{MlsLayout, SenderKeyLayout};

/// How the KIDs of a call are made up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum KidLayout {
    /// RFC 9605 §5.1.
    SenderKeys(SenderKeyLayout),
    /// RFC 9605 §5.2.
    Mls(MlsLayout),
}

impl From<SenderKeyLayout> for KidLayout {
    fn from(layout: SenderKeyLayout) -> Self {
        Self::SenderKeys(layout)
    }
}

impl From<MlsLayout> for KidLayout {
    fn from(layout: MlsLayout) -> Self {
        Self::Mls(layout)
    }
}

/// How far a receiver follows a ratchet, and how much it keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_structs, reason = "set by applications, field by field")]
pub struct KeyPolicy {
    /// Ratchet steps that one frame may be ahead of the newest opened one. This bounds the work
    /// that a forged KID costs: one HKDF for each step, and one key set-up.
    pub max_ahead: u8,
    /// Ratchet steps behind the newest whose keys are kept, for late frames.
    pub keep_behind: u8,
    /// Keys held at once: with sender keys over all senders, generations and steps; under MLS in
    /// each epoch, over all members and contexts.
    pub max_keys: usize,
    /// The share of one sender, over its generations and steps, or under MLS of one leaf index in
    /// each epoch, over its contexts: a sender that makes keys without end uses up only its own
    /// share. Where KIDs have no sender, there is one share, all of [`max_keys`](Self::max_keys).
    ///
    /// Under MLS every member can seal in the name of another, and so use up its share as well, and
    /// with enough names all of `max_keys` in that epoch; nothing of a later one.
    pub max_keys_each: usize,
}

impl KeyPolicy {
    /// 64 steps ahead and 8 behind, or as many as the step bits allow; 16,384 keys; 256 of one
    /// sender, 16 of one MLS member.
    #[must_use]
    pub fn for_layout(layout: KidLayout) -> Self {
        let steps = match layout {
            KidLayout::SenderKeys(layout) => 1_u64 << layout.step_bits(),
            KidLayout::Mls(_) => 1,
        };
        let max_keys = 16_384;
        let max_keys_each = match layout {
            KidLayout::SenderKeys(layout) if layout.sender_bits() == 0 => max_keys,
            KidLayout::SenderKeys(_) => 256,
            KidLayout::Mls(_) => 16,
        };
        let at_most = |bound: u8, steps: u64| u8::try_from(steps).map_or(bound, |n| n.min(bound));
        Self {
            max_ahead: at_most(64, steps / 2),
            keep_behind: at_most(8, (steps / 2).saturating_sub(1)),
            max_keys,
            max_keys_each,
        }
    }

    /// Steps ahead, the present one and those behind must be distinguishable by the step bits.
    pub(crate) fn fits(self, layout: KidLayout) -> bool {
        let steps = 1 + u64::from(self.max_ahead) + u64::from(self.keep_behind);
        match layout {
            KidLayout::SenderKeys(layout) => steps <= 1 << layout.step_bits(),
            KidLayout::Mls(_) => true,
        }
    }
}
