//! The messages of emoji checks, without who they are from and for (PROTOCOL.md §2.11).

/// A step of an emoji check, as it is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SasMessage {
    /// Which check.
    pub check: [u8; 16],
    /// Which step of it.
    pub stage: Stage,
    /// What the step carries.
    pub data: [u8; 32],
}

impl SasMessage {
    /// Says that the check is over.
    #[must_use]
    pub const fn cancel(check: [u8; 16]) -> Self {
        Self { check, stage: Stage::Cancel, data: [0; 32] }
    }
}

/// The steps of an emoji check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Stage {
    /// A commits to its key.
    Start = 1,
    /// B sends its key.
    Reply = 2,
    /// A shows its key.
    Reveal = 3,
    /// Either gives up.
    Cancel = 4,
    /// Either says that the rows are the same.
    Confirm = 5,
}
