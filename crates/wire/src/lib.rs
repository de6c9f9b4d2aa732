//! The SFrame header (RFC 9605 §4.3), the fields of a KID (§5), and what every frame format needs
//! around them: a buffer with room for a sealed frame, and the replay window. None of it uses a
//! key.
//!
//! ```text
//! sealed frame   ┌ header 1..=17 B ┬ ciphertext ──────┬ tag ┐
//! header         ┌ X KKK Y CCC ┬ KID 0..=8 B ┬ CTR 0..=8 B ┐
//!
//! X = 0: KKK is the KID (0..=7)     X = 1: the KID follows, in KKK + 1 bytes
//! Y = 0: CCC is the CTR (0..=7)     Y = 1: the CTR follows, in CCC + 1 bytes
//! ```
//!
//! This is the crate that a media server links. It depends on nothing, allocates nothing and has no
//! type for a key; `cargo tree -p sealframe-wire -e normal` prints one line, and a test enforces
//! it.
//!
//! | module | noun |
//! |---|---|
//! | `kid` | [`Kid`], [`Ctr`]: two `u64` that must not be swapped |
//! | `header` | [`Header`]: parse and encode |
//! | `layout` | [`SenderKeyLayout`] (§5.1), [`MlsLayout`] (§5.2): the fields inside a KID |
//! | `member` | [`MemberId`]: the sender field in the KIDs of a call |
//! | `prediction` | [`HeaderPrediction`]: the next header of a stream, recognised without parsing |
//! | `view` | [`FrameView`]: a sealed frame as header and body |
//! | `frame_buf` | [`FrameBuf`]: a frame with headroom and tailroom |
//! | `replay` | [`ReplayWindow`]: which counters have been opened |
//!
//! The last two are here, rather than in a crate of their own, because they are made of this
//! crate's types, use no key and have no dependency; the crates for SFrame and for other formats
//! both import them, and neither imports the other.
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

mod frame_buf;
mod header;
mod kid;
mod layout;
mod member;
mod prediction;
mod replay;
mod view;

pub use frame_buf::FrameBuf;
pub use header::{EncodedHeader, Header, HeaderError};
pub use kid::{Ctr, Kid};
pub use layout::{MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};
pub use member::MemberId;
pub use prediction::HeaderPrediction;
pub use replay::{REPLAY_WINDOW, ReplayError, ReplayWindow};
pub use view::FrameView;
