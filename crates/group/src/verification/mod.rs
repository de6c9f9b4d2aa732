//! What people compare, to know that no server stands between them.
//!
//! - [`call_code`]: 30 digits for the whole call, read out once; changes with its members.
//! - [`pairwise_code`]: 45 digits for two people, the same in every call.

mod code;
mod pairwise;

pub use code::{CallCode, Code, NotACode, PairwiseCode, call_code};
pub use pairwise::pairwise_code;
