//! The fields inside a KID: the only code that shifts one.

use crate::Kid;

/// KID of sender keys (RFC 9605 §5.1): `generation | sender | step`, from the high bits down.
///
/// The RFC's own layout has no sender bits, because the transport identifies the sender. Where
/// servers let one RTP stream carry several people over time, a sender number in the KID is
/// sturdier.
///
/// At most `2^step_bits` ratchet steps of a generation can be told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SenderKeyLayout {
    sender_bits: u8,
    step_bits: u8,
}

/// The fields of a sender-key KID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the three fields of the layout, no more to come")]
pub struct SenderKeyKid {
    /// Counts the independent base keys of a sender: a new one when somebody leaves.
    pub generation: u64,
    /// Which sender, in layouts that say so; otherwise 0.
    pub sender: u64,
    /// Ratchet step, modulo `2^step_bits`: a new one when somebody joins.
    pub step: u64,
}

impl SenderKeyLayout {
    /// `None` unless both fields leave at least one bit for the generation, so at most 63 bits.
    #[must_use]
    pub const fn new(sender_bits: u8, step_bits: u8) -> Option<Self> {
        if sender_bits < 64 && step_bits < 64 && sender_bits + step_bits < 64 {
            Some(Self { sender_bits, step_bits })
        } else {
            None
        }
    }

    /// How many bits hold the sender.
    #[must_use]
    pub const fn sender_bits(self) -> u8 {
        self.sender_bits
    }

    /// How many bits hold the ratchet step: the RFC's `R`.
    #[must_use]
    pub const fn step_bits(self) -> u8 {
        self.step_bits
    }

    /// Puts the fields together; `None` if one does not fit. Nothing is cut off.
    #[must_use]
    pub const fn join(self, kid: SenderKeyKid) -> Option<Kid> {
        let generation_bits = 64 - self.sender_bits - self.step_bits;
        if fits(kid.generation, generation_bits)
            && fits(kid.sender, self.sender_bits)
            && fits(kid.step, self.step_bits)
        {
            Some(Kid::new(
                kid.generation << (self.sender_bits + self.step_bits)
                    | kid.sender << self.step_bits
                    | kid.step,
            ))
        } else {
            None
        }
    }

    /// The fields one ratchet step later: the step wraps, nothing else changes.
    #[must_use]
    pub const fn after(self, kid: SenderKeyKid) -> SenderKeyKid {
        SenderKeyKid { step: kid.step.wrapping_add(1) & mask(self.step_bits), ..kid }
    }

    /// The fields `steps` ratchet steps earlier.
    #[must_use]
    pub const fn behind(self, kid: SenderKeyKid, steps: u64) -> SenderKeyKid {
        SenderKeyKid { step: kid.step.wrapping_sub(steps) & mask(self.step_bits), ..kid }
    }

    /// How many ratchet steps lead from one step to another, going forward and around.
    #[must_use]
    pub const fn steps_between(self, from: u64, to: u64) -> u64 {
        to.wrapping_sub(from) & mask(self.step_bits)
    }

    /// Whether a step lies behind another. Steps wrap: a step at most half the range ahead lies
    /// ahead, and every other one but the step itself lies behind.
    #[must_use]
    pub const fn is_behind(self, at: u64, step: u64) -> bool {
        let ahead = self.steps_between(at, step);
        ahead > 1 << self.step_bits >> 1
    }

    /// Takes a KID apart; every KID has its fields.
    #[must_use]
    pub const fn split(self, kid: Kid) -> SenderKeyKid {
        SenderKeyKid {
            generation: kid.get() >> (self.sender_bits + self.step_bits),
            sender: kid.get() >> self.step_bits & mask(self.sender_bits),
            step: kid.get() & mask(self.step_bits),
        }
    }
}

/// KID of MLS (RFC 9605 §5.2): `context | index | epoch`, from the high bits down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MlsLayout {
    epoch_bits: u8,
    index_bits: u8,
}

/// The fields of an MLS KID.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the three fields of the layout, no more to come")]
pub struct MlsKid {
    /// Tells apart several uncoordinated encoders of one member.
    pub context: u64,
    /// The member's leaf index in the tree.
    pub index: u64,
    /// The group's epoch; a KID carries its low `epoch_bits`.
    pub epoch: u64,
}

impl MlsLayout {
    /// The RFC's `E` and `S`; `None` unless at least one bit is left for the context.
    ///
    /// A leaf index can exceed the number of members after removals: take `index_bits` from the
    /// tree's leaf count.
    #[must_use]
    pub const fn new(epoch_bits: u8, index_bits: u8) -> Option<Self> {
        if epoch_bits < 64 && index_bits < 64 && epoch_bits + index_bits < 64 {
            Some(Self { epoch_bits, index_bits })
        } else {
            None
        }
    }

    /// How many bits hold the epoch: the RFC's `E`.
    #[must_use]
    pub const fn epoch_bits(self) -> u8 {
        self.epoch_bits
    }

    /// How many bits hold the leaf index: the RFC's `S`.
    #[must_use]
    pub const fn index_bits(self) -> u8 {
        self.index_bits
    }

    /// Puts the fields together, the epoch modulo `2^epoch_bits`; `None` if another does not fit.
    #[must_use]
    pub const fn join(self, kid: MlsKid) -> Option<Kid> {
        let context_bits = 64 - self.epoch_bits - self.index_bits;
        if fits(kid.context, context_bits) && fits(kid.index, self.index_bits) {
            Some(Kid::new(
                kid.context << (self.epoch_bits + self.index_bits)
                    | kid.index << self.epoch_bits
                    | kid.epoch & mask(self.epoch_bits),
            ))
        } else {
            None
        }
    }

    /// Takes a KID apart. `epoch` holds only the low `epoch_bits` of the group's epoch.
    #[must_use]
    pub const fn split(self, kid: Kid) -> MlsKid {
        MlsKid {
            context: kid.get() >> (self.epoch_bits + self.index_bits),
            index: kid.get() >> self.epoch_bits & mask(self.index_bits),
            epoch: kid.get() & mask(self.epoch_bits),
        }
    }
}

/// The low `bits` bits set; `bits` is at most 63.
const fn mask(bits: u8) -> u64 {
    (1 << bits) - 1
}

const fn fits(value: u64, bits: u8) -> bool {
    bits >= 64 || value >> bits == 0
}
