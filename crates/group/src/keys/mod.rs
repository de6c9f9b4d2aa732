//! Keys: our prekeys, our base keys, and other members' base keys.

pub(crate) mod delivery;
pub(crate) mod kem;
pub(crate) mod own;
pub(crate) mod prekeys;
pub(crate) mod received;
