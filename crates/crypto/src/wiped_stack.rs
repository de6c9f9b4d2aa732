//! The stack on which keys are derived.

use core::hint::black_box;

/// Words of stack that are overwritten: more than the deepest derivation takes (Portable's
/// AES-GCM), which a build without optimisation takes twice.
const WORDS: usize = if cfg!(debug_assertions) { 2048 } else { 1024 };

/// Runs `work` on a part of the stack that is overwritten afterwards, so secrets that `work`, the
/// compiler or a library left there are gone. Every derivation of a key passes through here.
///
/// The result of `work` is moved: return a secret in a box, or write it to a buffer of the caller.
pub(crate) fn on_wiped_stack<T>(work: impl FnOnce() -> T) -> T {
    let made = apart(work);
    overwrite();
    made
}

/// A stack frame at the same place as that of [`overwrite`] afterwards.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    black_box(&mut [0_u64; WORDS]);
}
