//! Searches for remains of secrets: in freed memory, and on the stack.

#![expect(unsafe_code, reason = "looks at raw memory")]
#![expect(clippy::panic, reason = "unsearchable memory is a failed test")]

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

/// Longest pattern, in bytes; of a longer secret the start is searched for.
const LONGEST: usize = 32;
/// Secrets are stored XOR this, so that a search does not find itself.
const MASK: u8 = 0xa5;
/// Bytes of stack between a search and the work whose stack it searches.
const APART: usize = 64 << 10;
/// Bytes of stack that are searched.
const SEARCHED: usize = 96 << 10;

/// A masked pattern to search for.
#[derive(Clone, Copy, Debug)]
pub struct Secret {
    masked: [u8; LONGEST],
    len: usize,
}

impl Secret {
    /// The first 32 bytes of `bytes`, or all.
    ///
    /// # Panics
    /// If there are fewer than 8, which would be found by chance.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let len = bytes.len().min(LONGEST);
        assert!(len >= 8, "would be found by chance");
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

/// Searches every freed block, before it is freed, for the secret that its thread watches. A test
/// declares it as its `#[global_allocator]`.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a unit, named in a static")]
pub struct WatchingAllocator;

// SAFETY: every call is forwarded to the system's allocator unchanged.
unsafe impl GlobalAlloc for WatchingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's contract, passed on. Zeroed, so that the whole block may be read
        // when it is freed.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if let Some(secret) = WATCHED.get() {
            // SAFETY: the block is as long as its layout says, is initialised, and is not freed
            // yet.
            let byte = |at| unsafe { memory.add(at).read_volatile() };
            let places = (layout.size() + 1).saturating_sub(secret.len);
            let found = (0..places).filter(|place| secret.is_at(|at| byte(place + at))).count();
            FOUND.set(FOUND.get() + found);
        }
        // SAFETY: the caller's contract, passed on.
        unsafe { System.dealloc(memory, layout) }
    }
    // `realloc` is the trait's default: it allocates, copies and frees, so the old block is
    // searched.
}

/// How many times `secret` was in a block that this thread freed during `work`. The test has a
/// [`WatchingAllocator`].
pub fn freed_with(secret: &Secret, work: impl FnOnce()) -> usize {
    FOUND.set(0);
    WATCHED.set(Some(*secret));
    work();
    WATCHED.set(None);
    FOUND.get()
}

/// How many times `secret` is on the stack of `work` afterwards. `work` runs on a thread of its
/// own. Linux only.
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
            _ => panic!("the stack could not be searched"),
        }
    })
}

/// Runs `work` deep enough in the stack that the search afterwards does not overwrite its remains.
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
