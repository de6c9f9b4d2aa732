//! GHASH as POLYVAL on turned bytes (RFC 8452 appendix A): sums of products, reduced once.

use crate::vector::Vector;

/// A sum of products of up to 255 bits in each lane, as `low + middle x^64 + high x^128`.
#[derive(Clone, Copy)]
pub(crate) struct Sum<V> {
    low: V,
    middle: V,
    high: V,
}

impl<V: Vector> Sum<V> {
    /// # Safety
    /// As for [`Vector`], here and below.
    #[inline(always)]
    pub(crate) unsafe fn zero() -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Self { low: V::zero(), middle: V::zero(), high: V::zero() } }
    }

    /// Adds `blocks * powers`, lane by lane.
    #[inline(always)]
    pub(crate) unsafe fn add_product(&mut self, blocks: V, powers: V) {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            self.low = self.low.xor(blocks.low_low(powers));
            self.middle = self.middle.xor(blocks.low_high(powers)).xor(blocks.high_low(powers));
            self.high = self.high.xor(blocks.high_high(powers));
        }
    }

    /// `self * x^-128` modulo `x^128 + x^127 + x^126 + x^121 + 1`, lane by lane: twice, what makes
    /// the lowest 64 bits vanish is added.
    #[inline(always)]
    pub(crate) unsafe fn reduce(self) -> V {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let polynomial = V::splat(0xc200_0000_0000_0000);
            let Self { low, middle, high } = self;
            let middle = middle.xor(low.swap_halves()).xor(low.low_low(polynomial));
            high.xor(middle.swap_halves()).xor(middle.low_low(polynomial))
        }
    }

    /// The total of each sum, side by side. There are as many sums as lanes.
    #[inline(always)]
    pub(crate) unsafe fn fold_each<const K: usize>(sums: &[Self; K]) -> Self {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe {
            let mut parts = [[V::zero(); K]; 3];
            for k in 0..K {
                parts[0][k] = sums[k].low;
                parts[1][k] = sums[k].middle;
                parts[2][k] = sums[k].high;
            }
            let [low, middle, high] = parts;
            let (low, middle) = (V::fold_each(&low), V::fold_each(&middle));
            Self { low, middle, high: V::fold_each(&high) }
        }
    }

    /// The total of all lanes.
    #[inline(always)]
    pub(crate) unsafe fn fold(self) -> Sum<V::One> {
        // SAFETY: the caller has checked that the processor has these instructions.
        unsafe { Sum { low: self.low.fold(), middle: self.middle.fold(), high: self.high.fold() } }
    }
}
