//! The region of linear memory in which frames are sealed and opened.
//!
//! ```text
//! ┌ ROOM ┬ frame, as JavaScript copied it ┬ a size ┬ TAILROOM ┐
//! ```

use core::ops::Range;

use sealframe::FrameBuf;
use sealframe_codec::{FRONT_GROWTH, UnexpectedFrame, av1, h264};

use crate::framing::Parsed;

/// Space before a frame for a header, for growth of the front, and for a size.
const ROOM: usize = FrameBuf::HEADROOM + FRONT_GROWTH + av1::Size::MAX_LEN;

#[derive(Default)]
pub(crate) struct Region {
    bytes: Vec<u8>,
    /// The readable front of the last frame examined.
    front: Vec<u8>,
    /// A sealed frame that did not fit in place.
    wire: Vec<u8>,
}

impl Region {
    /// Offset for a frame of `len` bytes.
    pub(crate) fn reserve(&mut self, len: usize) -> *const u8 {
        let room = ROOM + len + av1::Size::MAX_LEN + FrameBuf::TAILROOM;
        if self.bytes.len() < room {
            self.bytes.resize(room, 0);
        }
        self.bytes.as_ptr().wrapping_add(ROOM)
    }

    /// The longest frame that fits.
    pub(crate) fn room(&self) -> usize {
        self.bytes.len().saturating_sub(ROOM + av1::Size::MAX_LEN + FrameBuf::TAILROOM)
    }

    /// The first `len` bytes of the frame; `None` if they were not reserved.
    pub(crate) fn frame(&mut self, len: usize) -> Option<&mut [u8]> {
        self.bytes.get_mut(ROOM..ROOM.checked_add(len)?)
    }

    /// The frame after a copy of its first bytes, with space around both; `None` if it has fewer
    /// bytes.
    pub(crate) fn copied(&mut self, len: usize, copy_len: usize) -> Option<FrameBuf<'_>> {
        let frame = ROOM.checked_sub(copy_len)?..ROOM.checked_add(len)?;
        let first = self.bytes.get_mut(frame.clone())?;
        let (copy, first) = first.split_at_mut_checked(copy_len)?;
        copy.copy_from_slice(first.get(..copy_len)?);
        FrameBuf::new(&mut self.bytes, frame)
    }

    /// Places the canonical front before the rest of a frame. Returns the prefix to authenticate,
    /// and the whole.
    pub(crate) fn arrange(
        &mut self,
        len: usize,
        codec: Parsed,
    ) -> Result<Arranged<'_>, UnexpectedFrame> {
        let len = match codec {
            Parsed::H264 => len,
            Parsed::Av1 => {
                // The space after the frame is for a header and a tag.
                let end = self.bytes.len().saturating_sub(FrameBuf::TAILROOM);
                av1::write_size(self.bytes.get_mut(ROOM..end).ok_or(UnexpectedFrame)?, len)?
            }
        };
        let rest = self.split(len, codec)?;
        self.lay(rest, ROOM + len)
    }

    /// Like [`arrange`](Self::arrange), for a sealed frame, whose rest is the sealed part.
    pub(crate) fn arrange_sealed(
        &mut self,
        len: usize,
        codec: Parsed,
    ) -> Result<Arranged<'_>, UnexpectedFrame> {
        let rest = self.split(len, codec)?;
        let sealed = self.bytes.get_mut(rest..ROOM + len).ok_or(UnexpectedFrame)?;
        match codec {
            Parsed::H264 => {
                let sealed_len = h264::unescape(&self.front, sealed)?;
                self.lay(rest, rest + sealed_len)
            }
            Parsed::Av1 => {
                let at = av1::sealed_at(sealed)?;
                self.lay(rest + at, ROOM + len)
            }
        }
    }

    /// Finds the front. Returns the offset of the rest in the region.
    fn split(&mut self, len: usize, codec: Parsed) -> Result<usize, UnexpectedFrame> {
        let frame = self.bytes.get(ROOM..ROOM + len).ok_or(UnexpectedFrame)?;
        let rest = match codec {
            Parsed::H264 => h264::front(frame, &mut self.front),
            Parsed::Av1 => av1::front(frame, &mut self.front),
        };
        Ok(ROOM + rest?)
    }

    fn lay(&mut self, rest: usize, end: usize) -> Result<Arranged<'_>, UnexpectedFrame> {
        let start = rest.checked_sub(self.front.len()).ok_or(UnexpectedFrame)?;
        self.bytes.get_mut(start..rest).ok_or(UnexpectedFrame)?.copy_from_slice(&self.front);
        let prefix_len = u16::try_from(self.front.len()).map_err(|_| UnexpectedFrame)?;
        Ok(Arranged { bytes: &mut self.bytes, frame: start..end, prefix_len })
    }

    /// Joins the front and the sealed part at `sealed` into one unit. Returns its offset and
    /// length.
    pub(crate) fn close(&mut self, sealed: Range<usize>, codec: Parsed) -> Option<(*const u8, usize)> {
        let front_len = self.front.len();
        let body = self.bytes.get(sealed.clone())?.get(front_len..)?;
        match codec {
            Parsed::H264 => {
                self.wire.clear();
                self.wire.extend_from_slice(&self.front);
                h264::escape(body, &mut self.wire);
                Some((self.wire.as_ptr(), self.wire.len()))
            }
            Parsed::Av1 => {
                let size = av1::Size::new(body.len())?;
                let size = size.as_bytes();
                let start = sealed.start.checked_sub(size.len())?;
                let body_at = sealed.start + front_len;
                self.bytes.get_mut(start..body_at - size.len())?.copy_from_slice(&self.front);
                self.bytes.get_mut(body_at - size.len()..body_at)?.copy_from_slice(size);
                Some((self.bytes.as_ptr().wrapping_add(start), sealed.end - start))
            }
        }
    }

    /// Offset of a slice of the region.
    pub(crate) fn place(&self, at: *const u8, len: usize) -> Range<usize> {
        let start = at.addr() - self.bytes.as_ptr().addr();
        start..start + len
    }
}

/// A frame whose readable bytes come first.
pub(crate) struct Arranged<'r> {
    pub(crate) bytes: &'r mut [u8],
    pub(crate) frame: Range<usize>,
    pub(crate) prefix_len: u16,
}
