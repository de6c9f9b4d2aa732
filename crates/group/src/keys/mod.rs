//! Keys: prekeys that others encrypt to, our own base keys, and those of others.

pub(crate) mod kem;
pub(crate) mod own;
pub(crate) mod prekeys;
pub(crate) mod received;
