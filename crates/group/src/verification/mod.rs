//! Verification by people: codes and emoji that they compare to rule out an attacker in between.
//!
//! - [`call_code`]: 60 digits for the whole call, to be read out once; changes with its members.
//! - [`pairwise_code`]: 45 digits for two people, the same in every call.
//! - [`SasVerifications`]: seven emoji for two people, after an exchange of messages; quickest to
//!   compare.
//! - [`TrustStore`]: stores which identities were seen and verified, and detects changes.
//!
//! People compare over a channel on which they recognise each other: in one room, or by face and
//! voice in the call itself, as long as an attacker cannot imitate those.

mod code;
mod pairwise;
mod sas;
mod sas_error;
mod sas_exchange;
mod sas_message;
mod sas_verifications;
mod trust;
mod trust_bytes;

pub use code::{CallCode, DigitCode, InvalidCode, PairwiseCode, call_code};
pub use pairwise::pairwise_code;
pub use sas::{Emoji, Sas};
pub use sas_error::SasError;
pub use sas_exchange::Party;
pub use sas_message::{SasMessage, Stage};
pub use sas_verifications::{SasEvent, SasProgress, SasVerifications};
pub use trust::{TrustError, TrustStore, VerificationState};
pub use trust_bytes::TrustBytesError;
