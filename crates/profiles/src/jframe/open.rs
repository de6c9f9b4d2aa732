//! Opens frames of either format: examines them, decrypts, and marks them as opened.

use alloc::vec::Vec;

use sealframe_codec::annex_b;
use sealframe_crypto::Backend;

#[cfg(feature = "livekit")]
use super::{IV_LEN, seen_ivs::SeenIvs};
use super::{
    IV_MARK, Iv, IvRule, IvWords, Layout, OVERHEAD, Opened, TAG_LEN, TRAILER_LEN,
    policy::{ReceiverPolicy, Replay, TrialBudget},
    receive_keys::ReceiveKeys,
    replay::Windows,
    report::Report,
};
use crate::{OpenError, ReceiverEvent};

/// The origin of a frame or of data, which decides how replays are detected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Channel {
    /// A frame: by the order of its stream, which the first word of the IV names.
    Media,
    /// Packets: by the IV alone.
    #[cfg(feature = "livekit")]
    Packets,
    /// Data tracks: by the IV alone.
    #[cfg(feature = "livekit")]
    Tracks,
}

/// The facts about a frame before it is opened. None of them is authentic.
pub(super) struct Examined {
    pub(super) iv: Iv,
    words: IvWords,
    channel: Channel,
    pub(super) index: u8,
}

impl Examined {
    #[inline(always)] // a part of the hot doors
    const fn done(&self, len: usize) -> Done {
        Done { words: self.words, index: self.index, len }
    }
}

/// A frame that has opened, and its length.
pub(super) struct Done {
    words: IvWords,
    index: u8,
    len: usize,
}

/// Why a frame was rejected, and under which key it was tried.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) error: OpenError,
    /// `None` if no key was tried.
    index: Option<u8>,
}

impl From<OpenError> for Failure {
    #[inline(always)] // a part of the hot doors
    fn from(error: OpenError) -> Self {
        Self { error, index: None }
    }
}

/// Opens frames of either format.
pub(crate) struct Opener {
    pub(crate) keys: ReceiveKeys,
    pub(crate) policy: ReceiverPolicy,
    rule: IvRule,
    windows: Windows,
    #[cfg(feature = "livekit")]
    packets: SeenIvs,
    #[cfg(feature = "livekit")]
    tracks: SeenIvs,
    pub(super) budget: TrialBudget,
    /// The ciphertext, for further tries on a backend that spoils it when the key is wrong.
    pub(super) spare: Vec<u8>,
    /// The frame as it came, for further layouts.
    #[cfg(feature = "livekit")]
    pub(super) spare_frame: Vec<u8>,
    pub(crate) report: Report,
}

impl Opener {
    pub(crate) fn new(backend: Backend, rule: IvRule, ring_size: u16, policy: ReceiverPolicy) -> Self {
        Self {
            keys: ReceiveKeys::new(backend, ring_size),
            policy,
            rule,
            windows: Windows::new(),
            #[cfg(feature = "livekit")]
            packets: SeenIvs::new(),
            #[cfg(feature = "livekit")]
            tracks: SeenIvs::new(),
            budget: TrialBudget::new(),
            spare: Vec::new(),
            #[cfg(feature = "livekit")]
            spare_frame: Vec::new(),
            report: Report::new(),
        }
    }

    pub(crate) fn forget_stream(&mut self, stream: u32) {
        self.windows.forget(stream);
    }

    /// Opens a frame that has this layout.
    #[inline]
    pub(crate) fn open<'f>(
        &mut self,
        frame: &'f mut [u8],
        layout: Layout,
    ) -> Result<Opened<'f>, OpenError> {
        let done = self.open_as_inlined(frame, layout, true);
        self.ended(frame, done)
    }

    #[inline(always)] // a part of the hot doors
    pub(super) fn open_as_inlined(
        &mut self,
        frame: &mut [u8],
        layout: Layout,
        ratchets: bool,
    ) -> Result<Done, Failure> {
        let tail = frame.get_mut(layout.clear..).ok_or(OpenError::TooShort)?;
        // Escapes are at most a third of it, and are counted before any is removed: a rejected
        // frame stays unchanged.
        let may_be_short = layout.escaped && tail.len() < 2 * OVERHEAD;
        let len = if may_be_short { annex_b::unescaped_len(tail) } else { tail.len() };
        if len < OVERHEAD {
            return Err(OpenError::TooShort.into());
        }
        let (iv, mark, index) = if layout.escaped {
            split_trailer(&annex_b::last_unescaped(tail).ok_or(OpenError::TooShort)?)
        } else {
            split_trailer(tail.last_chunk().ok_or(OpenError::TooShort)?)
        };
        if mark != IV_MARK || !self.keys.has_place(index) {
            return Err(OpenError::NotThisFormat.into());
        }
        let examined = self.examine(iv, index, Channel::Media);
        self.check(&examined)?;
        let tail_len = if layout.escaped { annex_b::unescape(tail) } else { tail.len() };
        let payload_len = tail_len.checked_sub(OVERHEAD).ok_or(OpenError::TooShort)?;
        let (clear, tail) = frame.split_at_mut(layout.clear);
        let (payload, rest) = tail.split_at_mut(payload_len);
        self.decrypt(&examined, clear, payload, &rest[..TAG_LEN], ratchets)?;
        Ok(examined.done(layout.clear + payload_len))
    }

    /// Returned directly, not inside a `Result`, so it stays in registers.
    #[inline(always)] // a part of the hot doors
    fn examine(&self, iv: Iv, index: u8, channel: Channel) -> Examined {
        Examined { iv, words: self.rule.split(iv), channel, index }
    }

    /// Makes the checks that need no key.
    #[inline(always)] // a part of the hot doors
    fn check(&self, examined: &Examined) -> Result<(), OpenError> {
        if self.keys.at(examined.index).is_none() {
            return Err(OpenError::UnknownKey { index: examined.index });
        }
        if self.policy.replay == Replay::Allow {
            return Ok(());
        }
        let words = examined.words;
        match examined.channel {
            Channel::Media => self.windows.check(examined.iv, words),
            #[cfg(feature = "livekit")]
            Channel::Packets => self.packets.check(examined.iv, words.count),
            #[cfg(feature = "livekit")]
            Channel::Tracks => self.tracks.check(examined.iv, words.count),
        }
    }

    /// Marks a frame as opened.
    #[inline(always)] // a part of the hot doors
    fn mark(&mut self, examined: &Examined) {
        let (oldest, newest) = (self.keys.oldest(), self.keys.newest());
        match examined.channel {
            Channel::Media => self.windows.mark(examined.iv, examined.words, oldest, newest),
            #[cfg(feature = "livekit")]
            Channel::Packets => self.packets.mark(examined.iv),
            #[cfg(feature = "livekit")]
            Channel::Tracks => self.tracks.mark(examined.iv),
        }
    }

    /// Opens data whose IV and index were sent beside them. The bytes of the buffer after the
    /// plaintext have no meaning.
    #[cfg(feature = "livekit")]
    pub(crate) fn open_detached<'f>(
        &mut self,
        data: &'f mut [u8],
        iv: [u8; IV_LEN],
        index: u8,
        channel: Channel,
    ) -> Result<Opened<'f>, OpenError> {
        let done = self.open_data(data, iv, index, channel);
        self.ended(data, done)
    }

    #[cfg(feature = "livekit")]
    fn open_data(
        &mut self,
        data: &mut [u8],
        iv: [u8; IV_LEN],
        index: u8,
        channel: Channel,
    ) -> Result<Done, Failure> {
        let len = data.len().checked_sub(TAG_LEN).ok_or(OpenError::TooShort)?;
        if !self.keys.has_place(index) {
            return Err(OpenError::NotThisFormat.into());
        }
        let examined = self.examine(Iv::from_bytes(&iv), index, channel);
        self.check(&examined)?;
        let (payload, tag) = data.split_at_mut(len);
        self.decrypt(&examined, &[], payload, tag, true)?;
        Ok(examined.done(len))
    }

    /// The one point of trust. Marks the frame as opened, and moves the key on if a later one
    /// opened it.
    #[inline(always)] // a part of the hot doors
    fn decrypt(
        &mut self,
        examined: &Examined,
        clear: &[u8],
        payload: &mut [u8],
        tag: &[u8],
        ratchets: bool,
    ) -> Result<(), Failure> {
        let unknown = OpenError::UnknownKey { index: examined.index };
        let key = self.keys.at(examined.index).ok_or(unknown)?;
        let window = self.policy.ratchet_window;
        let may_walk = ratchets && window > 0 && key.can_ratchet() && self.budget.is_next();
        let has_ratcheted = key.has_ratcheted();
        let (aead, iv) = (&key.step.aead, examined.iv.to_bytes());
        let opened = if may_walk || ratchets && has_ratcheted {
            aead.decrypt_or_restore(iv, clear, payload, tag, &mut self.spare)
        } else {
            aead.decrypt(iv, clear, payload, tag)
        };
        if opened.is_err() {
            let is_from_before = ratchets && self.try_before(examined, clear, payload, tag);
            if !is_from_before {
                let steps = if may_walk { self.walk(examined, clear, payload, tag) } else { None };
                let steps = steps
                    .ok_or(Failure { error: OpenError::Unauthentic, index: Some(examined.index) })?;
                if let Some(key) = self.keys.at_mut(examined.index) {
                    key.advance(steps);
                }
                self.report.push(ReceiverEvent::Ratcheted { index: examined.index, steps });
            }
        } else if has_ratcheted && let Some(key) = self.keys.at_mut(examined.index) {
            key.opened_with_present();
        }
        if self.policy.replay == Replay::Refuse {
            self.mark(examined);
        }
        Ok(())
    }

    /// Counts and reports the frame, and returns it.
    #[inline(always)] // a part of the hot doors
    pub(super) fn ended<'f>(
        &mut self,
        frame: &'f mut [u8],
        done: Result<Done, Failure>,
    ) -> Result<Opened<'f>, OpenError> {
        let Done { words, index, len } = match done {
            Ok(done) => done,
            // It carries nothing, so nothing is lost.
            Err(Failure { error, .. }) if frame.is_empty() => return Err(error),
            Err(failure) => return Err(self.rejected(failure)),
        };
        self.report.stats.opened += 1;
        self.budget.opened(len);
        if let Some(key) = self.keys.at_mut(index)
            && key.failures > 0
        {
            (key.failures, key.is_reported) = (0, false);
        }
        let IvWords { stream, timestamp, count } = words;
        Ok(Opened { index, ssrc: stream, rtp_timestamp: timestamp, count, frame: &mut frame[..len] })
    }

    #[cold]
    fn rejected(&mut self, Failure { error, index }: Failure) -> OpenError {
        if error == OpenError::Unauthentic {
            self.budget.failed();
        }
        self.report.rejected(&mut self.keys, self.policy.failure_tolerance, error, index);
        error
    }
}

/// The IV, the mark of its length, and the key index.
#[inline(always)] // a part of the hot doors
fn split_trailer(&[ref iv @ .., mark, index]: &[u8; TRAILER_LEN]) -> (Iv, u8, u8) {
    (Iv::from_bytes(iv), mark, index)
}
