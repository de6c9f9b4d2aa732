//! Vectors that are mostly empty.

use alloc::{boxed::Box, vec::Vec};
use core::ops::Deref;

/// A vector for fields of each member that are mostly empty. Empty, it takes 8 bytes instead of 24.
#[expect(clippy::box_collection, reason = "mostly there is no box")]
pub(crate) struct SparseVec<T>(Option<Box<Vec<T>>>);

impl<T> Default for SparseVec<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> SparseVec<T> {
    /// Modifies the vector, then shrinks its memory to the remaining elements.
    pub(crate) fn with<R>(&mut self, change: impl FnOnce(&mut Vec<T>) -> R) -> R {
        let mut items = self.0.take().map_or_else(Vec::new, |items| *items);
        let result = change(&mut items);
        if !items.is_empty() {
            items.shrink_to_fit();
            self.0 = Some(Box::new(items));
        }
        result
    }
}

impl<T> Deref for SparseVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}
