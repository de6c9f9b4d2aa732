//! An allocator that counts, to check documentation that says "allocates: no".

#![expect(unsafe_code, reason = "a global allocator is unsafe to implement")]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
};
use std::alloc::System;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// Counts the allocations of each thread. A test declares it as its `#[global_allocator]`.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit, named in a static")]
pub struct CountingAllocator;

// SAFETY: every call is forwarded to the system's allocator unchanged.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        hold(layout.size(), 0);
        // SAFETY: the caller's contract, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        hold(0, layout.size());
        // SAFETY: the caller's contract, passed on.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        hold(new_size, layout.size());
        // SAFETY: the caller's contract, passed on.
        unsafe { System.realloc(memory, layout, new_size) }
    }
}

fn hold(more: usize, less: usize) {
    HELD.with(|held| {
        held.set(held.get().wrapping_add_unsigned(more as u64).wrapping_sub_unsigned(less as u64))
    });
}

/// Number of allocations and reallocations of `work` on this thread.
pub fn count(work: impl FnOnce()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

/// Bytes that `work` has allocated on this thread and not freed.
pub fn kept(work: impl FnOnce()) -> i64 {
    let before = HELD.with(Cell::get);
    work();
    HELD.with(Cell::get) - before
}
