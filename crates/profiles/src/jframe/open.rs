//! The opening side.

use alloc::{collections::VecDeque, vec::Vec};
use core::fmt;

use sealframe_codec::annex_b;
use sealframe_crypto::Backend;

#[cfg(feature = "livekit")]
use super::{IV_LEN, seen_ivs::SeenIvs};
use super::{
    IV_MARK, Iv, IvRule, IvWords, Layout, OVERHEAD, TAG_LEN, TRAILER_LEN,
    policy::{ReceiverPolicy, Replay, TrialBudget},
    receive_keys::ReceiveKeys,
    replay::Windows,
};
use crate::{OpenError, ReceiverEvent, ReceiverStats};

/// Events that wait to be polled.
const MAX_EVENTS: usize = 16;

/// Whether further layouts are tried.
#[cfg(feature = "livekit")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Search {
    No,
    /// Clear bytes by a number modulo 256.
    CutOff,
}

/// A frame that has opened: all of it is from a holder of the key. Who that is, the formats do not say.
#[non_exhaustive]
pub struct Opened<'f> {
    /// The key's index, as on the wire.
    pub index: u8,
    /// The sender's SSRC, before servers rewrote it.
    pub ssrc: u32,
    /// The sender's RTP timestamp.
    pub rtp_timestamp: u32,
    /// The sender's count of frames, modulo 65,535.
    pub count: u32,
    /// The frame as the encoder made it: the front of the buffer that was given.
    pub frame: &'f mut [u8],
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("index", &self.index)
            .field("ssrc", &self.ssrc)
            .field("rtp_timestamp", &self.rtp_timestamp)
            .field("count", &self.count)
            .field("len", &self.frame.len())
            .finish_non_exhaustive()
    }
}

/// Where something came from, and so by what it is known when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Channel {
    /// By the order of its stream, which is the first word of the IV.
    Media,
    /// By its IV alone.
    #[cfg(feature = "livekit")]
    Packets,
    /// The same.
    #[cfg(feature = "livekit")]
    Tracks,
}

/// What is known of a frame before it is opened. Nothing of it is authentic.
struct Examined {
    iv: Iv,
    words: IvWords,
    channel: Channel,
    index: u8,
}

impl Examined {
    #[inline(always)] // a part of the hot doors
    const fn done(&self, len: usize) -> Done {
        Done { words: self.words, index: self.index, len }
    }
}

/// A frame that has opened, and its length.
struct Done {
    words: IvWords,
    index: u8,
    len: usize,
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
    budget: TrialBudget,
    /// The ciphertext, for further tries on a backend that spoils it when the key is wrong.
    spare: Vec<u8>,
    /// The frame as it came, for further layouts.
    #[cfg(feature = "livekit")]
    spare_frame: Vec<u8>,
    pub(crate) stats: ReceiverStats,
    events: VecDeque<ReceiverEvent>,
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
            stats: ReceiverStats::default(),
            events: VecDeque::with_capacity(MAX_EVENTS),
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<ReceiverEvent> {
        self.events.pop_front()
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
        self.ended(frame, done, None)
    }

    /// Opens a frame that has one of these layouts, of which there is at least one; or, with `Search::CutOff`, any number of clear bytes
    /// from 1 to 255, which are tried if so many bytes can be afforded. Returns the layout too.
    #[cfg(feature = "livekit")]
    #[cold]
    pub(crate) fn open_any<'f>(
        &mut self,
        frame: &'f mut [u8],
        layouts: &[Layout],
        search: Search,
    ) -> Result<(Layout, Opened<'f>), OpenError> {
        let mut spare = core::mem::take(&mut self.spare_frame);
        spare.clear();
        spare.extend_from_slice(frame);
        let (layout, done) = self.try_any(frame, &spare, layouts, search);
        if !matches!(done, Ok(_) | Err(OpenError::Unauthentic)) {
            frame.copy_from_slice(&spare);
        }
        self.spare_frame = spare;
        self.ended(frame, done, None).map(|opened| (layout, opened))
    }

    /// `spare` is the frame as it came. The first layout's error stands for all, unless that was too short.
    #[cfg(feature = "livekit")]
    fn try_any(
        &mut self,
        frame: &mut [u8],
        spare: &[u8],
        layouts: &[Layout],
        search: Search,
    ) -> (Layout, Result<Done, OpenError>) {
        let mut error = None;
        // All layouts with the present key before any further key: a step can take long.
        for ratchets in [false, true] {
            for &layout in layouts {
                frame.copy_from_slice(spare);
                match self.open_as(frame, layout, ratchets) {
                    Ok(done) => return (layout, Ok(done)),
                    // Whatever says more than that there is too little.
                    Err(it) if matches!(error, None | Some(OpenError::TooShort)) => error = Some(it),
                    Err(_) => {}
                }
            }
            if ratchets || error != Some(OpenError::Unauthentic) {
                break;
            }
            if search == Search::CutOff && self.budget.try_spend(u8::MAX, frame.len()) {
                for layout in (1..=u8::MAX).rev().map(|clear| Layout::escaped(clear.into())) {
                    frame.copy_from_slice(spare);
                    self.stats.trials += 1;
                    if let Ok(done) = self.open_as(frame, layout, false) {
                        return (layout, Ok(done));
                    }
                }
            }
        }
        (layouts[0], Err(error.unwrap_or(OpenError::Unauthentic)))
    }

    /// For the cold doors.
    #[cfg(feature = "livekit")]
    fn open_as(&mut self, frame: &mut [u8], layout: Layout, ratchets: bool) -> Result<Done, OpenError> {
        self.open_as_inlined(frame, layout, ratchets)
    }

    #[inline(always)] // a part of the hot doors
    fn open_as_inlined(
        &mut self,
        frame: &mut [u8],
        layout: Layout,
        ratchets: bool,
    ) -> Result<Done, OpenError> {
        let tail = frame.get_mut(layout.clear..).ok_or(OpenError::TooShort)?;
        // Escapes are a third of it at most, and are counted before any is taken out: what is refused stays as it was.
        let may_be_short = layout.escaped && tail.len() < 2 * OVERHEAD;
        let len = if may_be_short { annex_b::unescaped_len(tail) } else { tail.len() };
        if len < OVERHEAD {
            return Err(OpenError::TooShort);
        }
        let (iv, mark, index) = if layout.escaped {
            split_trailer(&annex_b::last_unescaped(tail).ok_or(OpenError::TooShort)?)
        } else {
            split_trailer(tail.last_chunk().ok_or(OpenError::TooShort)?)
        };
        if mark != IV_MARK || !self.keys.has_place(index) {
            return Err(OpenError::NotThisFormat);
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

    /// Not as the result of what can fail: between that and its use it would lie in memory, in pieces.
    #[inline(always)] // a part of the hot doors
    fn examine(&self, iv: Iv, index: u8, channel: Channel) -> Examined {
        Examined { iv, words: self.rule.split(iv), channel, index }
    }

    /// Checks what can be without the key.
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

    /// Marks what has been opened.
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

    /// Opens data whose IV and index came by another way. What is not the plaintext of the buffer has no meaning.
    #[cfg(feature = "livekit")]
    pub(crate) fn open_detached<'f>(
        &mut self,
        data: &'f mut [u8],
        iv: [u8; IV_LEN],
        index: u8,
        channel: Channel,
    ) -> Result<Opened<'f>, OpenError> {
        let done = self.open_data(data, iv, index, channel);
        self.ended(data, done, Some(index))
    }

    #[cfg(feature = "livekit")]
    fn open_data(
        &mut self,
        data: &mut [u8],
        iv: [u8; IV_LEN],
        index: u8,
        channel: Channel,
    ) -> Result<Done, OpenError> {
        let len = data.len().checked_sub(TAG_LEN).ok_or(OpenError::TooShort)?;
        if !self.keys.has_place(index) {
            return Err(OpenError::NotThisFormat);
        }
        let examined = self.examine(Iv::from_bytes(&iv), index, channel);
        self.check(&examined)?;
        let (payload, tag) = data.split_at_mut(len);
        self.decrypt(&examined, &[], payload, tag, true)?;
        Ok(examined.done(len))
    }

    /// The one point of trust. Marks the frame as opened, and moves the key on if a later one opened it.
    #[inline(always)] // a part of the hot doors
    fn decrypt(
        &mut self,
        examined: &Examined,
        clear: &[u8],
        payload: &mut [u8],
        tag: &[u8],
        ratchets: bool,
    ) -> Result<(), OpenError> {
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
                let steps = steps.ok_or(OpenError::Unauthentic)?;
                if let Some(key) = self.keys.at_mut(examined.index) {
                    key.advance(steps);
                }
                self.tell(ReceiverEvent::Ratcheted { index: examined.index, steps });
            }
        } else if has_ratcheted && let Some(key) = self.keys.at_mut(examined.index) {
            key.opened_with_present();
        }
        if self.policy.replay == Replay::Refuse {
            self.mark(examined);
        }
        Ok(())
    }

    /// Tries the step before, if the key has left it only now.
    #[cold]
    fn try_before(
        &mut self,
        examined: &Examined,
        clear: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> bool {
        let key = self.keys.at(examined.index);
        let Some(aead) = key.and_then(|key| key.aead_before()) else { return false };
        self.stats.trials += 1;
        let iv = examined.iv.to_bytes();
        aead.decrypt_or_restore(iv, clear, payload, tag, &mut self.spare).is_ok()
    }

    /// Tries the keys ahead, one after the other, each a step of the one before. Returns which one opened the frame.
    #[cold]
    fn walk(
        &mut self,
        examined: &Examined,
        clear: &[u8],
        payload: &mut [u8],
        tag: &[u8],
    ) -> Option<u8> {
        let (backend, iv) = (self.keys.backend, examined.iv.to_bytes());
        let key = self.keys.at_mut(examined.index)?;
        let mut derivations = self.policy.max_derivations_per_frame.min(key.steps_at_once());
        for number in 1..=self.policy.ratchet_window {
            let before = key.worked_out();
            let candidate = key.candidate(backend, number, derivations > 0)?;
            let aead = &candidate.aead;
            let opened = aead.decrypt_or_restore(iv, clear, payload, tag, &mut self.spare);
            let has_derived = key.worked_out() > before;
            derivations -= u8::from(has_derived);
            self.stats.derivations += u64::from(has_derived);
            self.stats.trials += 1;
            if opened.is_ok() {
                return Some(number);
            }
        }
        None
    }

    /// Counts, tells, and hands the frame out.
    #[inline(always)] // a part of the hot doors
    fn ended<'f>(
        &mut self,
        frame: &'f mut [u8],
        done: Result<Done, OpenError>,
        index: Option<u8>,
    ) -> Result<Opened<'f>, OpenError> {
        let Done { words, index, len } = match done {
            Ok(done) => done,
            // It carries nothing, so nothing is lost.
            Err(error) if frame.is_empty() => return Err(error),
            Err(error) => {
                self.refused(index.or_else(|| frame.last().copied()), error);
                return Err(error);
            }
        };
        self.stats.opened += 1;
        self.budget.opened(len);
        if let Some(key) = self.keys.at_mut(index)
            && key.failures > 0
        {
            (key.failures, key.has_told) = (0, false);
        }
        let IvWords { stream, timestamp, count } = words;
        Ok(Opened { index, ssrc: stream, rtp_timestamp: timestamp, count, frame: &mut frame[..len] })
    }

    #[cold]
    fn refused(&mut self, index: Option<u8>, error: OpenError) {
        self.stats.refused += 1;
        match error {
            OpenError::Unauthentic => {
                self.stats.unauthentic += 1;
                self.budget.failed();
                let after = self.policy.failure_tolerance;
                let Some(index) = index else { return };
                let Some(key) = self.keys.at_mut(index) else { return };
                key.failures = key.failures.saturating_add(1);
                if key.failures >= after && !key.has_told {
                    key.has_told = true;
                    self.tell(ReceiverEvent::Failing { index });
                }
            }
            OpenError::UnknownKey { index } => {
                self.stats.unknown_key += 1;
                if self.keys.reports_unknown(index) {
                    self.tell(ReceiverEvent::UnknownKey { index });
                }
            }
            OpenError::Replayed { .. } | OpenError::TooOld { .. } => self.stats.replayed += 1,
            OpenError::TooShort
            | OpenError::StepErased { .. }
            | OpenError::StepTooFar { .. }
            | OpenError::NotThisFormat
            | OpenError::Injected => {}
        }
    }

    /// Refused before any key was tried.
    #[cfg(feature = "livekit")]
    pub(crate) const fn count_refused(&mut self) {
        self.stats.refused += 1;
    }

    #[cold]
    fn tell(&mut self, event: ReceiverEvent) {
        if self.events.len() < MAX_EVENTS {
            self.events.push_back(event);
        }
    }
}

/// IV, its length as it is marked, key index.
#[inline(always)] // a part of the hot doors
fn split_trailer(&[ref iv @ .., mark, index]: &[u8; TRAILER_LEN]) -> (Iv, u8, u8) {
    (Iv::from_bytes(iv), mark, index)
}
