//! A key in transit to a member.

/// A key sent to a member, and the MAC of its acknowledgement.
pub(crate) struct Delivery {
    pub(crate) generation: u32,
    pub(crate) step: u8,
    pub(crate) mac: [u8; 8],
    pub(crate) prekey_number: u16,
}
