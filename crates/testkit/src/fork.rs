//! Runs a part of a test in a forked child.

#![expect(unsafe_code, reason = "forks")]

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

/// Runs `work` in a forked child; whether it returned without a panic.
///
/// # Panics
/// If the child cannot be waited for.
pub fn in_child(work: impl FnOnce()) -> bool {
    // SAFETY: the child runs this thread alone, and leaves by `_exit`.
    match unsafe { libc::fork() } {
        0 => {
            let done = catch_unwind(AssertUnwindSafe(work)).is_ok();
            // SAFETY: nothing of the parent's is to be run.
            unsafe { libc::_exit(i32::from(!done)) }
        }
        child => {
            let mut status = -1;
            // SAFETY: a child of ours, and a place for its status.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            status == 0
        }
    }
}
