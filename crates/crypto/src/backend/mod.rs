//! AEADs by the library that suits the target. No module outside names a library.

#[cfg(aws_lc)]
mod aws_lc;
#[cfg(feature = "ctr-hmac")]
mod ctr_hmac;
mod expanded_key;
#[cfg(feature = "ctr-hmac")]
mod hmac;
mod interleaved;
#[cfg(kernel)]
mod kernel;
mod kind;
mod library;
#[cfg(portable)]
mod portable;
#[cfg(ring)]
mod ring;
#[cfg(feature = "short-tags")]
mod short_tag;

pub(crate) use expanded_key::ExpandedKey;
pub use interleaved::{decrypt_interleaved, encrypt_interleaved};
pub(crate) use kind::{Kind, dispatch};
pub use library::{Backend, Interleaving};
#[cfg(feature = "short-tags")]
pub use short_tag::ShortTagKey;
