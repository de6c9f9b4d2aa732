//! A judge's trust, which can be replaced while other threads judge.

use std::sync::{Arc, PoisonError, RwLock};

/// A value with its version number.
#[derive(Debug)]
pub(crate) struct Replaceable<T> {
    current: RwLock<(Arc<T>, u64)>,
}

impl<T> Replaceable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { current: RwLock::new((Arc::new(value), 0)) }
    }

    pub(crate) fn get(&self) -> Arc<T> {
        // After a panic elsewhere the pair is still consistent: it is replaced by one assignment.
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    pub(crate) fn replace(&self, value: T) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = (Arc::new(value), current.1.wrapping_add(1));
    }

    pub(crate) fn revision(&self) -> u64 {
        self.current.read().unwrap_or_else(PoisonError::into_inner).1
    }
}
