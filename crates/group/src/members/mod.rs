//! Sessions: members, applicants, members that are away, and departed sessions.

pub(crate) mod admission;
pub(crate) mod departed;
pub(crate) mod early;
pub(crate) mod map;
pub(crate) mod member;
pub(crate) mod orders;
pub(crate) mod presence;
