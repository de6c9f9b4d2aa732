//! The sealing side of one epoch.

use alloc::vec::Vec;
use core::{fmt, ops::Range, slice};

use sealframe_codec::{Codec, annex_b::has_start_code};
use sealframe_wire::FrameBuf;

use super::{
    BaseSecret, ClearRange, ClearUnits, Config,
    layout::{gather, scatter, write_clear},
    plan::{Plan, front_len},
    send_key::SendKey,
    trailer::{self, MAX_TRAILER_LEN, trailer_len},
};
use crate::{KeyError, SealError};

/// How often a frame is encrypted at most, so that no start code is in it.
const MAX_TRIES: u32 = 10;
/// At most this many bytes of a start code across the edge of a run lie outside the run.
const BESIDE: usize = 2;

/// Seals the frames of all of a member's streams in one epoch. Owns the nonce: not `Clone`, and
/// nothing sets it back.
///
/// The first nonce is 1. Every 2^24 frames the ratchet moves a generation on.
///
/// In a forked child it seals nothing ([`SealError::Forked`]): its parent goes on with the same
/// nonces.
///
/// ```
/// use sealframe_profiles::dave::{BaseSecret, Config, Receiver, Sender};
/// use sealframe_profiles::{Backend, Codec, FrameBuf};
/// use core::time::Duration;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let exported = [0x42; 16]; // MLS-Exporter(EXPORTER_LABEL, exporter_context(user_id), 16)
/// let config = Config::new(Backend::recommended());
/// let mut sender = Sender::new(config.clone(), BaseSecret::from_exported(&exported));
/// let mut receiver = Receiver::new(config);
/// receiver.add_epoch(7, BaseSecret::from_exported(&exported), Duration::ZERO);
///
/// let mut buf = [0; 160 + Sender::TAILROOM];
/// let frame = FrameBuf::new(&mut buf, 0..160).ok_or("range")?;
/// let sealed = sender.seal_in_place(frame, Codec::Opus)?;
/// assert_eq!(sealed.len(), 160 + 12);
/// let opened = receiver.open_in_place(sealed, Duration::from_millis(20))?;
/// assert_eq!((opened.epoch, &*opened.frame), (7, &[0; 160][..]));
/// # Ok(())
/// # }
/// ```
pub struct Sender {
    key: SendKey,
    clear_units: ClearUnits,
    plan: Plan,
}

impl Sender {
    /// Bytes after a frame that are enough for the trailer, and for start codes that become longer,
    /// unless a frame has more than 33 units: then [`SealError::NoTailroom`] names the number.
    pub const TAILROOM: usize = MAX_TRAILER_LEN + 33;

    /// A sender at the beginning of an epoch.
    ///
    /// One for each secret: a second would repeat every nonce of the first.
    #[must_use]
    pub fn new(config: Config, base_secret: BaseSecret) -> Self {
        let key = SendKey::new(base_secret, config.backend);
        Self { key, clear_units: config.clear_units, plan: Plan::default() }
    }

    /// How many nonces have been spent: the last one's whole number, its generation above 24 bits.
    #[must_use]
    pub const fn nonces(&self) -> u64 {
        self.key.nonce()
    }

    /// Spends all nonces up to this one without sealing: to continue after an earlier sender of
    /// this epoch. Costs an HMAC for each generation on the way.
    ///
    /// # Errors
    /// [`KeyError::NotNewer`] if it has been spent before, [`KeyError::OutOfRange`] beyond the last
    /// generation; [`KeyError::Forked`].
    pub fn skip_to(&mut self, nonce: u64) -> Result<(), KeyError> {
        self.key.skip_to(nonce)
    }

    /// Seals an encoder's frame in place and returns the sealed frame, which begins where the frame
    /// did. Copies: the readable bytes, and the encrypted ones only if they move. Allocates: for
    /// the first frames only.
    ///
    /// A frame of no known codec (`None`), or that is not made as its codec's are, is encrypted
    /// whole.
    ///
    /// # Errors
    /// [`SealError::NoTailroom`], [`SealError::TooManyRanges`], [`SealError::KeyExhausted`],
    /// [`SealError::Forked`], [`SealError::FrameTooLong`]: frame and sender are unchanged.
    /// [`SealError::StartCode`] after ten tries: their nonces are spent and the frame is zeroed.
    #[inline]
    pub fn seal_in_place<'f>(
        &mut self,
        frame: FrameBuf<'f>,
        codec: impl Into<Option<Codec>>,
    ) -> Result<&'f mut [u8], SealError> {
        let (buf, Range { start, end }) = frame.into_parts();
        let buf = &mut buf[start..];
        let len = self.seal(buf, end - start, codec.into())?;
        Ok(&mut buf[..len])
    }

    /// Seals a frame into a new vector. Copies: the frame, once. Allocates: once.
    ///
    /// # Errors
    /// As [`seal_in_place`](Self::seal_in_place), except that there is always room.
    pub fn seal_to_vec(
        &mut self,
        frame: &[u8],
        codec: impl Into<Option<Codec>>,
    ) -> Result<Vec<u8>, SealError> {
        let codec = codec.into();
        let mut out = Vec::with_capacity(frame.len() + Self::TAILROOM);
        out.extend_from_slice(frame);
        out.resize(frame.len() + Self::TAILROOM, 0);
        let mut sealed = self.seal(&mut out, frame.len(), codec);
        if let Err(SealError::NoTailroom { need }) = sealed {
            out.resize(frame.len() + need, 0);
            sealed = self.seal(&mut out, frame.len(), codec);
        }
        out.truncate(sealed?);
        Ok(out)
    }

    /// Returns how long the sealed frame is.
    #[inline(always)] // a part of the hot door
    fn seal(
        &mut self,
        buf: &mut [u8],
        frame_len: usize,
        codec: Option<Codec>,
    ) -> Result<usize, SealError> {
        match front_len(codec, &buf[..frame_len]) {
            Some(front_len) => self.seal_behind_front(buf, frame_len, front_len),
            None => {
                self.plan.make(codec, self.clear_units, &buf[..frame_len]);
                seal_as_planned(&mut self.key, &self.plan, buf, frame_len, codec)
            }
        }
    }

    /// Seals a frame whose first `front_len` bytes stay readable: nothing is moved.
    #[inline(always)] // a part of the hot door
    fn seal_behind_front(
        &mut self,
        buf: &mut [u8],
        frame_len: usize,
        front_len: usize,
    ) -> Result<usize, SealError> {
        let front = ClearRange { offset: 0, len: front_len };
        let ranges = if front_len > 0 { slice::from_ref(&front) } else { &[] };
        let end = frame_len + trailer_len(self.key.longest_of_next(1), ranges);
        if end > buf.len() {
            return Err(SealError::NoTailroom { need: end - frame_len });
        }
        SendKey::check_len(frame_len - front_len)?;

        let (media, behind) = buf[..end].split_at_mut(frame_len);
        let (clear, payload) = media.split_at_mut(front_len);
        let mut tag = [0; 16];
        let nonce = self.key.encrypt(clear, payload, &mut tag)?;
        trailer::write(behind, &tag, nonce, ranges).ok_or(SealError::TooManyRanges)?;
        Ok(end)
    }
}

fn seal_as_planned(
    key: &mut SendKey,
    plan: &Plan,
    buf: &mut [u8],
    frame_len: usize,
    codec: Option<Codec>,
) -> Result<usize, SealError> {
    let parses_units = matches!(codec, Some(Codec::H264 | Codec::H265));
    let tries = if parses_units { MAX_TRIES } else { 1 };
    // Or a few bytes more than it will be: a later nonce may take more.
    let trailer_len_at_most = trailer_len(key.longest_of_next(tries), &plan.ranges);
    if trailer_len_at_most > MAX_TRAILER_LEN {
        return Err(SealError::TooManyRanges);
    }
    let room = plan.media_len + trailer_len_at_most;
    if room > buf.len() {
        return Err(SealError::NoTailroom { need: room - frame_len });
    }
    key.check(plan.clear.len(), plan.payload_len(), tries)?;

    // Nothing has changed until here, and from here only start codes can make sealing fail.
    let (is_in_place, first) = (plan.is_in_place(), plan.runs.first());
    let payload_at = first.filter(|_| is_in_place).map_or(0, |run| run.start);
    let payload = payload_at..payload_at + plan.payload_len();
    if !is_in_place {
        gather(buf, plan.runs.iter().cloned());
    }
    for _ in 0..tries {
        let mut tag = [0; 16];
        let nonce = key.encrypt(&plan.clear, &mut buf[payload.clone()], &mut tag)?;
        if !is_in_place {
            scatter(buf, payload.len(), plan.runs_in_media());
        }
        write_clear(buf, &plan.clear, &plan.ranges);
        let end = plan.media_len + trailer_len(nonce, &plan.ranges);
        let behind = &mut buf[plan.media_len..end];
        trailer::write(behind, &tag, nonce, &plan.ranges).ok_or(SealError::TooManyRanges)?;
        if !parses_units || !has_start_code_among(plan, &buf[..end]) {
            return Ok(end);
        }
        if !is_in_place {
            gather(buf, plan.runs_in_media());
        }
        let back = key.decrypt(&plan.clear, &mut buf[payload.clone()], &tag);
        debug_assert!(back.is_ok(), "what was just encrypted");
    }
    buf[..room].fill(0);
    Err(SealError::StartCode)
}

/// Whether a packetizer would find a start code among the encrypted bytes, across their edges, or
/// in the trailer.
fn has_start_code_among(plan: &Plan, sealed: &[u8]) -> bool {
    let found = |from: usize, to: usize| {
        has_start_code(
            &sealed[from.saturating_sub(BESIDE)..sealed.len().min(to.saturating_add(BESIDE))],
        )
    };
    plan.runs_in_media().any(|run| found(run.start, run.end)) || found(plan.media_len, sealed.len())
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("nonces", &self.nonces()).finish_non_exhaustive()
    }
}
