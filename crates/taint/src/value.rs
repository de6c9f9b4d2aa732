//! A value and which of its bits depend on a secret.

/// Up to 128 bits, narrower ones in the lowest; `secret` has a bit set where that of `bits` may
/// depend on a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the pair is the whole value")]
pub struct Value {
    /// The value.
    pub bits: u128,
    /// Its secret bits.
    pub secret: u128,
}

impl Value {
    pub(crate) const fn public(bits: u128) -> Self {
        Self { bits, secret: 0 }
    }

    pub(crate) const fn is_secret(self) -> bool {
        self.secret != 0
    }

    /// The lowest `width` bits.
    pub(crate) const fn cut(self, width: u32) -> Self {
        let mask = mask(width);
        Self { bits: self.bits & mask, secret: self.secret & mask }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        let secret = self.secret & other.secret | self.secret & other.bits | other.secret & self.bits;
        Self { bits: self.bits & other.bits, secret }
    }

    pub(crate) const fn or(self, other: Self) -> Self {
        let secret = self.secret & other.secret | self.secret & !other.bits | other.secret & !self.bits;
        Self { bits: self.bits | other.bits, secret }
    }

    pub(crate) const fn xor(self, other: Self) -> Self {
        Self { bits: self.bits ^ other.bits, secret: self.secret | other.secret }
    }

    /// `bits` was computed from values with the secret bits `from`; each bit depends on those at
    /// its place and below, as in sums, differences and products.
    pub(crate) const fn carried(bits: u128, from: u128, width: u32) -> Self {
        let upward = if from == 0 { 0 } else { u128::MAX << from.trailing_zeros() };
        Self { bits, secret: upward }.cut(width)
    }

    /// `bits` was computed so that each bit depends on all bits.
    pub(crate) const fn mixed(bits: u128, from: u128, width: u32) -> Self {
        Self { bits, secret: if from == 0 { 0 } else { u128::MAX } }.cut(width)
    }

    /// Applies an operation that only moves bits to bits and secrets.
    pub(crate) fn moved(self, by: impl Fn(u128) -> u128) -> Self {
        Self { bits: by(self.bits), secret: by(self.secret) }
    }

    /// Lane `at`, of `width` bits.
    pub(crate) const fn lane(self, at: u32, width: u32) -> Self {
        Self { bits: self.bits >> (at * width), secret: self.secret >> (at * width) }.cut(width)
    }

    /// A vector of lanes of `width` bits, each computed from its index.
    pub(crate) fn lanes(width: u32, mut each: impl FnMut(u32) -> Self) -> Self {
        let mut whole = Self::default();
        for at in 0..128 / width {
            let lane = each(at).cut(width);
            whole.bits |= lane.bits << (at * width);
            whole.secret |= lane.secret << (at * width);
        }
        whole
    }
}

pub(crate) const fn mask(width: u32) -> u128 {
    if width >= 128 { u128::MAX } else { (1 << width) - 1 }
}

/// A number of `width` bits as a signed one.
pub(crate) const fn signed(bits: u128, width: u32) -> i128 {
    let unused = 128 - width;
    (bits << unused).cast_signed() >> unused
}
