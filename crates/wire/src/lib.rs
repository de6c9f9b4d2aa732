//! The SFrame header (RFC 9605 §4.3) and the fields of a KID (§5), read and written without any key.
//!
//! ```text
//! sealed frame   ┌ header 1..=17 B ┬ ciphertext ──────┬ tag ┐
//! header         ┌ X KKK Y CCC ┬ KID 0..=8 B ┬ CTR 0..=8 B ┐
//!
//! X = 0: KKK is the KID (0..=7)     X = 1: the KID follows, in KKK + 1 bytes
//! Y = 0: CCC is the CTR (0..=7)     Y = 1: the CTR follows, in CCC + 1 bytes
//! ```
//!
//! This is what a media server links. The crate depends on nothing, allocates nothing and knows no
//! key, so neither does the server; `cargo tree -p sealframe-wire -e normal` prints one line, and a
//! test holds it to that.
//!
//! | module | noun |
//! |---|---|
//! | `kid` | [`Kid`], [`Ctr`]: two `u64` that must not be swapped |
//! | `header` | [`Header`]: parse and encode |
//! | `layout` | [`SenderKeyLayout`] (§5.1), [`MlsLayout`] (§5.2): the fields inside a KID |
//! | `member` | [`MemberId`]: the sender field in the KIDs of a call |
//! | `prediction` | [`HeaderPrediction`]: the next header of a stream, recognised without parsing |
//! | `view` | [`FrameView`]: a sealed frame as header and body |
//!
//! ```
//! use sealframe_wire::{Header, SenderKeyLayout};
//!
//! # fn main() -> Result<(), sealframe_wire::HeaderError> {
//! let frame = [0x91, 0x05, 0x07, 0xaa, 0xbb]; // as it arrived from the network
//! let header = Header::parse(&frame)?;
//! assert_eq!((header.kid().get(), header.ctr().get()), (0x0507, 1));
//!
//! // Route by the sender number inside the KID: here 16 sender bits and 8 step bits.
//! let layout = SenderKeyLayout::new(16, 8).unwrap();
//! assert_eq!(layout.split(header.kid()).sender, 5);
//! # Ok(())
//! # }
//! ```
#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::indexing_slicing)]

mod header;
mod kid;
mod layout;
mod member;
mod prediction;
mod view;

pub use header::{EncodedHeader, Header, HeaderError};
pub use kid::{Ctr, Kid};
pub use layout::{MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};
pub use member::MemberId;
pub use prediction::HeaderPrediction;
pub use view::FrameView;
