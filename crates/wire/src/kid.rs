//! Two numbers that travel in every header.

use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        pub struct $name(u64);

        impl $name {
            /// Any value is valid: `0..=2^64 - 1`.
            #[must_use]
            pub const fn new(value: u64) -> Self {
                Self(value)
            }

            /// The number itself.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::LowerHex::fmt(&self.0, f)
            }
        }
    };
}

number! {
    /// KID: names the key that sealed a frame. Anyone can read it, and the sender of the bytes
    /// chooses it.
    ///
    /// Source: RFC 9605 §4.3.
    Kid
}

number! {
    /// CTR: counts the frames sealed under one key, from 0 upwards.
    ///
    /// Source: RFC 9605 §4.3 and §4.4.3.
    Ctr
}
