//! The header alone: all that a media server handles.

use core::hint::black_box;

use sealframe_wire::{Ctr, Header, Kid};
use sframe::header::SframeHeader;

use crate::Operation;

/// KID and CTR of headers of 1, 7 and 17 bytes.
pub const HEADERS: [(u64, u64); 3] = [(5, 3), (0x0700, 1 << 24), (u64::MAX, u64::MAX)];

/// The start of a frame that is longer than any header.
fn frame((kid, ctr): (u64, u64)) -> [u8; 64] {
    let mut frame = [0x55; 64];
    let header = Header::new(Kid::new(kid), Ctr::new(ctr)).encode();
    frame[..header.as_bytes().len()].copy_from_slice(header.as_bytes());
    frame
}

/// `Header::parse`, which rejects non-minimal encodings.
pub struct Parse(pub (u64, u64));

impl Operation for Parse {
    type Input = [u8; 64];

    fn input(&self) -> [u8; 64] {
        frame(self.0)
    }

    #[inline(always)]
    fn run(&mut self, frame: &mut [u8; 64]) {
        let header = Header::parse(black_box(frame.as_slice())).unwrap();
        black_box((header.kid().get(), header.ctr().get()));
    }
}

/// `SframeHeader::deserialize`, with both values read; it accepts any encoding.
pub struct PeerParse(pub (u64, u64));

impl Operation for PeerParse {
    type Input = [u8; 64];

    fn input(&self) -> [u8; 64] {
        frame(self.0)
    }

    #[inline(always)]
    fn run(&mut self, frame: &mut [u8; 64]) {
        let header = SframeHeader::deserialize(black_box(frame.as_slice())).unwrap();
        black_box((header.key_id(), header.counter()));
    }
}

/// A KID, a CTR, and room for their header.
pub struct Fields {
    kid: u64,
    ctr: u64,
    out: [u8; 64],
}

impl Fields {
    fn new((kid, ctr): (u64, u64)) -> Self {
        Self { kid, ctr, out: [0; 64] }
    }
}

/// `Header::encode`, stored to the start of a buffer.
pub struct Encode(pub (u64, u64));

impl Operation for Encode {
    type Input = Fields;

    fn input(&self) -> Fields {
        Fields::new(self.0)
    }

    #[inline(always)]
    fn run(&mut self, fields: &mut Fields) {
        let Fields { kid, ctr, out } = black_box(fields);
        let header = Header::new(Kid::new(*kid), Ctr::new(*ctr)).encode();
        // Like the sealing path: all 17 bytes, right-aligned.
        *black_box(out).first_chunk_mut().unwrap() = *header.right_aligned();
        black_box(header.start());
    }
}

/// `SframeHeader::new` and `serialize`.
pub struct PeerEncode(pub (u64, u64));

impl Operation for PeerEncode {
    type Input = Fields;

    fn input(&self) -> Fields {
        Fields::new(self.0)
    }

    #[inline(always)]
    fn run(&mut self, fields: &mut Fields) {
        let Fields { kid, ctr, out } = black_box(fields);
        let header = SframeHeader::new(*kid, *ctr);
        header.serialize(black_box(out).as_mut_slice()).unwrap();
        black_box(header.len());
    }
}
