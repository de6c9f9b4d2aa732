//! What people compare, to know that no server stands between them.
//!
//! - [`call_code`]: 60 digits for the whole call, read out once; changes with its members.
//! - [`pairwise_code`]: 45 digits for two people, the same in every call.
//! - [`SasVerifications`]: seven emoji for two people, by messages back and forth; quickest to compare.
//! - [`TrustStore`]: remembers whose identity was seen and verified, and tells when it changes.
//!
//! People compare over a channel on which they recognise each other: in one room, or by face and voice in the
//! call itself, which holds as long as nobody can imitate those.

mod code;
mod pairwise;
mod sas;
mod sas_error;
mod sas_exchange;
mod sas_message;
mod sas_verifications;
mod trust;
mod trust_bytes;

pub use code::{CallCode, Code, InvalidCode, PairwiseCode, call_code};
pub use pairwise::pairwise_code;
pub use sas::{Emoji, Sas};
pub use sas_error::SasError;
pub use sas_exchange::Party;
pub use sas_message::{SasMessage, Stage};
pub use sas_verifications::{SasEvent, SasProgress, SasVerifications};
pub use trust::{TrustError, TrustStore, VerificationState};
pub use trust_bytes::TrustBytesError;
