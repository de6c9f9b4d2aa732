//! The messages of SAS verifications, without sender and recipient (PROTOCOL.md §2.11).

/// A step of an SAS verification, as sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SasMessage {
    /// The id of the verification.
    pub check: [u8; 16],
    /// The stage.
    pub stage: Stage,
    /// The data of the stage.
    pub data: [u8; 32],
}

impl SasMessage {
    /// The message that cancels the verification with this id.
    #[must_use]
    pub const fn cancel(check: [u8; 16]) -> Self {
        Self { check, stage: Stage::Cancel, data: [0; 32] }
    }
}

/// The stages of an SAS verification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Stage {
    /// A commits to its key.
    Start = 1,
    /// B sends its key.
    Reply = 2,
    /// A reveals its key.
    Reveal = 3,
    /// Either side cancels.
    Cancel = 4,
    /// Either side's person confirms that the emoji match.
    Confirm = 5,
}
