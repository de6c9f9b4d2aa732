//! The stack on which keys are derived.

use core::hint::black_box;

/// Words of stack that are overwritten: more than the deepest derivation takes (Portable's
/// AES-GCM), which a build without optimisation takes twice.
const WORDS: usize = if cfg!(debug_assertions) { 2048 } else { 1024 };

/// Does `work` on a stretch of stack that is overwritten behind it: whatever secrets it, the
/// compiler or a library left there are gone. Every derivation of a key passes through here.
///
/// What `work` returns is moved: a secret among it belongs in a box or in a buffer of the caller's.
pub(crate) fn on_wiped_stack<T>(work: impl FnOnce() -> T) -> T {
    let made = apart(work);
    overwrite();
    made
}

/// A frame of its own, which lies where that of [`overwrite`] lies afterwards.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite() {
    black_box(&mut [0_u64; WORDS]);
}
