//! What is left of secrets: in memory that is freed, and on the stack.

#![expect(unsafe_code, reason = "looks at raw memory")]
#![expect(clippy::panic, reason = "what cannot be searched is a failed test")]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    hint::black_box,
};
use std::{
    alloc::System,
    fs::File,
    io::{Read, Seek, SeekFrom},
    thread,
};

/// The longest secret that is looked for, in bytes; of a longer one its front is.
const LONGEST: usize = 32;
/// Secrets are compared XOR this, so that no search finds itself.
const MASK: u8 = 0xa5;
/// Stack between a search and the work whose stack it searches.
const APART: usize = 64 << 10;
/// Stack that is searched.
const SEARCHED: usize = 96 << 10;

/// Bytes to look for, in disguise.
#[derive(Clone, Copy, Debug)]
pub struct Secret {
    masked: [u8; LONGEST],
    len: usize,
}

impl Secret {
    /// The first 32 bytes of `bytes`, or all.
    ///
    /// # Panics
    /// If there are fewer than 8: such would be found by accident.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let len = bytes.len().min(LONGEST);
        assert!(len >= 8, "found by accident");
        let mut masked = [0; LONGEST];
        masked.iter_mut().zip(&bytes[..len]).for_each(|(to, from)| *to = from ^ MASK);
        Self { masked, len }
    }

    fn is_at(&self, byte: impl Fn(usize) -> u8) -> bool {
        (0..self.len).all(|at| byte(at) ^ MASK == self.masked[at])
    }
}

thread_local! {
    static WATCHED: Cell<Option<Secret>> = const { Cell::new(None) };
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

/// Looks at every block that is freed, where it lies, for a secret that its thread watches. A test names it as its
/// `#[global_allocator]`.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit, named in a static")]
pub struct WatchingAllocator;

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for WatchingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise, passed on. Zeroed, so that all of a block may be read when it is freed.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if let Some(secret) = WATCHED.get() {
            // SAFETY: the block is as long as its layout says, is initialised, and is not freed yet.
            let byte = |at| unsafe { memory.add(at).read_volatile() };
            let places = (layout.size() + 1).saturating_sub(secret.len);
            let found = (0..places).filter(|place| secret.is_at(|at| byte(place + at))).count();
            FOUND.set(FOUND.get() + found);
        }
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(memory, layout) }
    }
    // `realloc` is the trait's own: it allocates, copies and frees, so what it leaves is seen.
}

/// How often `secret` lay in a block that this thread freed during `work`. The test has a [`WatchingAllocator`].
pub fn freed_with(secret: &Secret, work: impl FnOnce()) -> usize {
    FOUND.set(0);
    WATCHED.set(Some(*secret));
    work();
    WATCHED.set(None);
    FOUND.get()
}

/// How often `secret` lies on the stack that `work` has used, after it. `work` runs on a thread of its own. Linux.
///
/// # Panics
/// If memory cannot be read.
pub fn left_on_stack(secret: &Secret, work: impl FnOnce() + Send) -> usize {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(8 * SEARCHED);
        let search = thread.spawn_scoped(scope, || {
            run_apart(work);
            search_below(secret)
        });
        match search.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(found)) => found,
            _ => panic!("the stack was not searched"),
        }
    })
}

/// Runs `work` so far down the stack that the search, which comes after it, does not overwrite what it leaves.
#[inline(never)]
fn run_apart(work: impl FnOnce()) {
    let mut apart = [0_u8; APART];
    black_box(&mut apart);
    work();
    black_box(&mut apart);
}

#[inline(never)]
fn search_below(secret: &Secret) -> usize {
    let mut below = vec![0; SEARCHED];
    let here = (&raw const secret).addr();
    let start = (here - APART / 2 - SEARCHED) as u64;
    let mut memory = match File::open("/proc/self/mem") {
        Ok(memory) => memory,
        Err(error) => panic!("{error}"),
    };
    let read = memory.seek(SeekFrom::Start(start)).and_then(|_| memory.read_exact(&mut below));
    assert!(read.is_ok(), "{read:?}");
    let places = below.len() + 1 - secret.len;
    (0..places).filter(|place| secret.is_at(|at| below[place + at])).count()
}
