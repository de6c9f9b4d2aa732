//! What people compare, to know that no server stands between them.
//!
//! - [`call_code`]: 60 digits for the whole call, read out once; changes with its members.
//! - [`pairwise_code`]: 45 digits for two people, the same in every call.
//! - [`Checks`]: seven emoji for two people, by messages back and forth; quickest to compare.
//! - [`TrustStore`]: remembers whose identity was seen and verified, and tells when it changes.
//!
//! People compare over a channel on which they recognise each other: in one room, or by face and voice in the
//! call itself, which holds as long as nobody can imitate those.

mod check;
mod check_error;
mod check_message;
mod checks;
mod code;
mod pairwise;
mod sas;
mod trust;
mod trust_bytes;

pub use check::Party;
pub use check_error::CheckError;
pub use check_message::{CheckMessage, Stage};
pub use checks::{CheckEvent, CheckProgress, Checks};
pub use code::{CallCode, Code, NotACode, PairwiseCode, call_code};
pub use pairwise::pairwise_code;
pub use sas::{Emoji, Sas};
pub use trust::{Standing, TrustError, TrustStore};
pub use trust_bytes::TrustBytesError;
