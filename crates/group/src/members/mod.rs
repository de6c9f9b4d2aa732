//! Sessions: members, those that ask to be admitted, those that are away, and those that have ended.

pub(crate) mod admission;
pub(crate) mod departed;
pub(crate) mod map;
pub(crate) mod member;
pub(crate) mod orders;
pub(crate) mod presence;
