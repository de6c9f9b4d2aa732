//! The sealing side.

use alloc::{vec, vec::Vec};

use sealframe_codec::annex_b;
use sealframe_crypto::Backend;
use sealframe_wire::FrameBuf;

#[cfg(feature = "livekit")]
use super::IV_LEN;
use super::{
    COUNTS, IV_MARK, Iv, IvRule, IvWords, Layout, OVERHEAD, TAG_LEN,
    send_keys::{Plan, SendKeys},
};
use crate::{SealError, SenderEvent};

/// Seals frames of either format.
pub(crate) struct Sealer {
    pub(crate) keys: SendKeys,
    rule: IvRule,
    first_count: u16,
    pub(crate) event: Option<SenderEvent>,
}

impl Sealer {
    pub(crate) fn new(backend: Backend, rule: IvRule, ring_size: u16, first_count: u16) -> Self {
        Self {
            keys: SendKeys::new(backend, ring_size),
            rule,
            first_count: first_count % COUNTS,
            event: None,
        }
    }

    /// The count that a stream's next frame has under the key in use.
    pub(crate) fn next_count(&self, stream: u32) -> u16 {
        let held = self.keys.key().ok().and_then(|key| key.count(stream));
        held.unwrap_or(self.first_count)
    }

    /// For a frame.
    #[inline(always)] // a part of the hot doors
    fn plan(&self, len: usize, layout: Layout, stream: u32, timestamp: u32) -> Result<Plan, SealError> {
        if !layout.fits(len) {
            return Err(SealError::TooShort);
        }
        let len = len + layout.short_codes;
        self.keys.key()?.plan(stream, timestamp, self.first_count, len)
    }

    /// Seals a frame in place.
    #[inline]
    pub(crate) fn seal_in_place<'f>(
        &mut self,
        frame: FrameBuf<'f>,
        layout: Layout,
        stream: u32,
        timestamp: u32,
    ) -> Result<&'f mut [u8], SealError> {
        let (buf, at) = frame.into_parts();
        let len = at.end - at.start;
        let plan = self.plan(len, layout, stream, timestamp)?;
        let need = layout.room(len);
        if buf.len() - at.end < need {
            return Err(SealError::NoTailroom { need });
        }
        self.finish(&mut buf[at.start..], len, layout, stream, timestamp, plan)
    }

    /// Seals a frame into the front of `out`.
    pub(crate) fn seal_into<'o>(
        &mut self,
        frame: &[u8],
        layout: Layout,
        stream: u32,
        timestamp: u32,
        out: &'o mut [u8],
    ) -> Result<&'o mut [u8], SealError> {
        // A frame that would be rejected is not copied: no plaintext may lie where a sealed frame
        // is expected.
        let plan = self.plan(frame.len(), layout, stream, timestamp)?;
        let need = frame.len() + layout.room(frame.len());
        let out = out.get_mut(..need).ok_or(SealError::OutputTooShort { need })?;
        out[..frame.len()].copy_from_slice(frame);
        self.finish(out, frame.len(), layout, stream, timestamp, plan)
    }

    /// Seals a frame into a new vector.
    pub(crate) fn seal_to_vec(
        &mut self,
        frame: &[u8],
        layout: Layout,
        stream: u32,
        timestamp: u32,
    ) -> Result<Vec<u8>, SealError> {
        let mut out = vec![0; frame.len() + layout.room(frame.len())];
        let len = self.seal_into(frame, layout, stream, timestamp, &mut out)?.len();
        out.truncate(len);
        Ok(out)
    }

    /// Encrypts data of which only the ciphertext and the tag go into `buf`; returns the index and
    /// the IV.
    #[cfg(feature = "livekit")]
    pub(crate) fn seal_detached<'f>(
        &mut self,
        data: FrameBuf<'f>,
        stream: u32,
        timestamp: u32,
    ) -> Result<(u8, [u8; IV_LEN], &'f mut [u8]), SealError> {
        let (buf, at) = data.into_parts();
        let len = at.end - at.start;
        let plan = self.keys.key()?.plan(stream, timestamp, self.first_count, len)?;
        if buf.len() - at.end < TAG_LEN {
            return Err(SealError::NoTailroom { need: TAG_LEN });
        }
        let buf = &mut buf[at.start..at.end + TAG_LEN];
        let iv = self.encrypt(buf, len, Layout::plain(0), stream, timestamp, plan)?;
        Ok((self.keys.in_use(), iv.to_bytes(), buf))
    }

    /// There is room for everything after the `len` bytes of the frame.
    #[inline(always)] // a part of the hot doors
    fn finish<'f>(
        &mut self,
        buf: &'f mut [u8],
        len: usize,
        layout: Layout,
        stream: u32,
        timestamp: u32,
        plan: Plan,
    ) -> Result<&'f mut [u8], SealError> {
        let len = if layout.short_codes == 0 {
            len
        } else {
            annex_b::lengthen_start_codes(buf, len, layout.short_codes)
                .ok_or(SealError::FrameTooLong)?
        };
        let iv = self.encrypt(&mut buf[..len + TAG_LEN], len, layout, stream, timestamp, plan)?;
        let end = len + OVERHEAD;
        buf[len + TAG_LEN..end - 2].copy_from_slice(&iv.to_bytes());
        buf[end - 2] = IV_MARK;
        buf[end - 1] = self.keys.in_use();
        if layout.escaped {
            let (tail, len) = (&mut buf[layout.clear..], end - layout.clear);
            let tail_len = annex_b::escape(tail, len).ok_or(SealError::FrameTooLong)?;
            return Ok(&mut buf[..layout.clear + tail_len]);
        }
        Ok(&mut buf[..end])
    }

    /// Encrypts the bytes after the clear ones, appends the tag, and counts.
    #[inline(always)] // a part of the hot doors
    fn encrypt(
        &mut self,
        frame_and_tag: &mut [u8],
        len: usize,
        layout: Layout,
        stream: u32,
        timestamp: u32,
        plan: Plan,
    ) -> Result<Iv, SealError> {
        let iv = self.rule.join(IvWords { stream, timestamp, count: plan.count });
        let (frame, tag) = frame_and_tag.split_at_mut(len);
        let (clear, payload) = frame.split_at_mut(layout.clear);
        let in_use = self.keys.in_use();
        let key = self.keys.key_mut().ok_or(SealError::NoKey)?;
        key.step.aead.encrypt(iv.to_bytes(), clear, payload, tag)?;
        if key.commit(plan) {
            self.event = Some(SenderEvent::KeyNearlyExhausted { index: in_use });
        }
        Ok(iv)
    }
}
