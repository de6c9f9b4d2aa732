//! The opening side: one sender, all epochs that it may be in.

use alloc::vec::Vec;
use core::{fmt, time::Duration};

use sealframe_codec::opus;
use sealframe_crypto::Backend;

use crate::{OpenError, ReceiverStats};

use super::{
    BaseSecret, Config, Trailer,
    epoch::{Epoch, GRACE, Trial},
    layout::Woven,
    send_key::GENERATION_SHIFT,
    trailer::TAG_LEN,
};

/// Epochs held at once. A forged frame is tried under each.
const MAX_EPOCHS: usize = 16;

/// Opens the frames of one member, each once. One for each member, and not our own.
///
/// A frame does not name its epoch, so the held epochs are tried, the newest first. A key that does
/// not open it leaves the frame unchanged and, if it had to be derived, is not kept. Times may be
/// those of any clock that runs forward.
pub struct Receiver {
    backend: Backend,
    /// The oldest first.
    epochs: Vec<Epoch>,
    woven: Woven,
    /// For a backend that opens in two buffers; ciphertext.
    scratch: Vec<u8>,
    stats: ReceiverStats,
}

/// A frame that has opened.
#[non_exhaustive]
pub struct Opened<'f> {
    /// The epoch whose key opened it: any member of that epoch can have sealed it.
    pub epoch: u64,
    /// Which frame in that epoch, counted from 1 over all of the sender's streams; the generation
    /// is above its low 24 bits.
    pub nonce: u64,
    /// The frame, as the encoder made it except where the sender's rules rewrite it: the beginning
    /// of the given buffer.
    pub frame: &'f mut [u8],
}

impl Opened<'_> {
    /// How often the epoch's ratchet had moved.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.nonce >> GENERATION_SHIFT
    }
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("epoch", &self.epoch)
            .field("nonce", &self.nonce)
            .field("len", &self.frame.len())
            .finish_non_exhaustive()
    }
}

impl Receiver {
    /// A receiver without secrets: it opens nothing.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            backend: config.backend,
            epochs: Vec::new(),
            woven: Woven::default(),
            scratch: Vec::new(),
            stats: ReceiverStats::default(),
        }
    }

    /// Adds the secret that the sender has in a new epoch. The held ones are erased 10 s later.
    /// [`Opened`] names the epoch by `epoch`, which need not be higher than earlier ones, because
    /// groups restart.
    ///
    /// A secret that was added must not be added again: its frames would open once more. Of more
    /// than 16 epochs the oldest is erased.
    pub fn add_epoch(&mut self, epoch: u64, base_secret: BaseSecret, now: Duration) {
        self.erase_old(now);
        for held in &mut self.epochs {
            held.until.get_or_insert(now.saturating_add(GRACE));
        }
        if self.epochs.len() == MAX_EPOCHS {
            self.epochs.remove(0);
        }
        self.epochs.push(Epoch::new(epoch, base_secret, self.backend, now));
    }

    /// Erases everything: the sender has left, or the call is no longer encrypted.
    pub fn remove_all(&mut self) {
        self.epochs.clear();
    }

    /// Erases expired keys. Opening does so too; a receiver whose frames have stopped needs a call.
    #[inline]
    pub fn erase_old(&mut self, now: Duration) {
        if self.epochs.iter().any(|epoch| epoch.has_old(now)) {
            self.erase(now);
        }
    }

    #[cold]
    fn erase(&mut self, now: Duration) {
        self.epochs.retain(|epoch| epoch.until.is_none_or(|until| now < until));
        for epoch in &mut self.epochs {
            epoch.erase_old(now);
        }
    }

    /// The results of all frames so far. Injected ones count as rejected.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.stats
    }

    /// Opens a sealed frame in place. Copies: nothing if the readable bytes are its front;
    /// otherwise those and the encrypted ones. Allocates: for the first frames, and when a sender's
    /// key changes.
    ///
    /// # Errors
    /// [`OpenError`]; the frame is unchanged, and so is the receiver, except that expired keys are
    /// erased. [`OpenError::Injected`] is the frame that Discord's servers send for a muted sender:
    /// exactly `F8 FF FE`. libdave plays it; any relay can send it.
    #[inline]
    pub fn open_in_place<'f>(
        &mut self,
        sealed: &'f mut [u8],
        now: Duration,
    ) -> Result<Opened<'f>, OpenError> {
        match self.open(sealed, now) {
            Ok((epoch, nonce, media_len)) => {
                self.stats.opened += 1;
                Ok(Opened { epoch, nonce, frame: &mut sealed[..media_len] })
            }
            Err(error) => {
                self.stats.count_rejected(error);
                Err(error)
            }
        }
    }

    /// Epoch, whole nonce, and bytes of the frame.
    #[inline(always)] // a part of the hot door
    fn open(&mut self, sealed: &mut [u8], now: Duration) -> Result<(u64, u64, usize), OpenError> {
        if *sealed == opus::SILENCE {
            return Err(OpenError::Injected);
        }
        self.erase_old(now);
        let trailer = Trailer::parse(sealed)?;
        let (media_len, nonce, tag) = (trailer.media_len(), trailer.nonce(), trailer.tag());
        let (epoch, nonce) = match trailer.front_len() {
            Some(front_len) => {
                let (clear, payload) = sealed[..media_len].split_at_mut(front_len);
                let mut trial = Trial { nonce, clear, tag, now, scratch: &mut self.scratch };
                try_epochs(&mut self.epochs, &mut trial, payload, &mut self.stats)?
            }
            None => {
                self.woven.read(&trailer);
                self.open_woven(&mut sealed[..media_len], nonce, tag, now)?
            }
        };
        Ok((epoch, nonce, media_len))
    }

    /// Opens media whose readable bytes lie in several pieces, or not at the front. Returns the
    /// epoch and the whole nonce.
    fn open_woven(
        &mut self,
        media: &mut [u8],
        nonce: u32,
        tag: [u8; TAG_LEN],
        now: Duration,
    ) -> Result<(u64, u64), OpenError> {
        let payload = self.woven.take_apart(media);
        let clear = self.woven.clear();
        let mut trial = Trial { nonce, clear, tag, now, scratch: &mut self.scratch };
        let opened = try_epochs(&mut self.epochs, &mut trial, payload, &mut self.stats);
        self.woven.put_together(media);
        opened
    }

    /// Opens a sealed frame into a new vector. Copies: the frame, once. Allocates: once.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place).
    pub fn open_to_vec(&mut self, sealed: &[u8], now: Duration) -> Result<Vec<u8>, OpenError> {
        let mut out = sealed.to_vec();
        let len = self.open_in_place(&mut out, now)?.frame.len();
        out.truncate(len);
        Ok(out)
    }
}

/// The epoch and the whole nonce of a frame that has opened. If none opens it, the error is of the
/// newest epoch that it was tried under, or else that of the newest.
#[inline(always)] // a part of the hot door
fn try_epochs(
    epochs: &mut [Epoch],
    trial: &mut Trial<'_>,
    payload: &mut [u8],
    stats: &mut ReceiverStats,
) -> Result<(u64, u64), OpenError> {
    let mut error = None;
    for epoch in epochs.iter_mut().rev() {
        match epoch.open(trial, payload, stats) {
            Ok(nonce) => return Ok((epoch.number, nonce)),
            Err(OpenError::Unauthentic) => error = Some(OpenError::Unauthentic),
            Err(other) => _ = error.get_or_insert(other),
        }
    }
    let [index, ..] = trial.nonce.to_be_bytes();
    Err(error.unwrap_or(OpenError::UnknownKey { index }))
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("epochs", &self.epochs.len()).finish_non_exhaustive()
    }
}
