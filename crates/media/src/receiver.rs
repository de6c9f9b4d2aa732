//! The opening side.

use alloc::vec::Vec;
use core::fmt;

use sealframe_crypto::{BaseKey, Cipher, FrameKey};
use sealframe_wire::{Ctr, FrameView, Header, HeaderPrediction, Kid, SenderKeyKid};

use crate::{
    KeyError, KeyPolicy, KidLayout, Metadata, OpenError,
    aad::AadBuf,
    key_store::{HeldKey, KeyStore, Selected},
    open::open,
};

/// Opens frames of every sender whose key it holds; each frame once.
///
/// One receiver for each space of KIDs: with a sender number in the KID, or under MLS, one for the
/// call; without, one for each remote member.
///
/// ```
/// use sealframe_crypto::{BaseKey, Cipher, CipherSuite};
/// use sealframe_media::{OpenError, Receiver, Sender, Stream, StreamKind};
/// use sealframe_wire::{SenderKeyKid, SenderKeyLayout};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let suite = CipherSuite::Aes128GcmSha256_128;
/// let layout = SenderKeyLayout::new(16, 8).ok_or("bits")?;
/// let kid = SenderKeyKid { sender: 7, ..Default::default() };
/// let camera = Stream::new(StreamKind::Camera, 0);
/// let base_key = || BaseKey::from_bytes(suite, &[0x42; 32]); // drawn at random, in earnest
/// let mut sender = Sender::new(Cipher::recommended(suite), layout, kid, base_key()?)?;
/// let mut receiver = Receiver::new(Cipher::recommended(suite), layout);
///
/// let mut frame = sender.seal_to_vec(b"a frame", camera)?;
/// assert!(matches!(receiver.open_in_place(&mut frame, camera), Err(OpenError::UnknownKey(_))));
/// receiver.add_sender(kid, base_key()?)?;
/// let opened = receiver.open_in_place(&mut frame, camera)?; // the same bytes: nothing was lost
/// assert_eq!(opened.frame, b"a frame");
/// # Ok(())
/// # }
/// ```
pub struct Receiver {
    pub(crate) cipher: Cipher,
    nt: u8,
    numbers: Numbers,
    pub(crate) keys: KeyStore,
    pub(crate) aad: AadBuf,
    /// The KID that opened last.
    last: Option<Kid>,
    /// What its next header looks like; only a short cut for parsing.
    next: HeaderPrediction,
    /// The number in the KID of a header that is recognised by it.
    next_number: u64,
    /// Bytes of the longest payload that gains from being interleaved with others.
    longest_interleaved: Option<usize>,
}

/// Where a KID has its sender number, or its leaf index.
#[derive(Clone, Copy)]
struct Numbers {
    shift: u8,
    mask: u64,
}

impl Numbers {
    const fn in_layout(layout: KidLayout) -> Self {
        let (shift, bits) = match layout {
            KidLayout::SenderKeys(layout) => (layout.step_bits(), layout.sender_bits()),
            KidLayout::Mls(layout) => (layout.epoch_bits(), layout.index_bits()),
        };
        Self { shift, mask: (1 << bits) - 1 }
    }

    #[inline(always)] // a part of the hot doors
    const fn sender_of(self, kid: Kid) -> u64 {
        kid.get() >> self.shift & self.mask
    }
}

/// The facts about a frame before it is opened. None of them is authentic.
#[derive(Clone, Copy)]
pub(crate) struct Examined {
    pub(crate) header: Header,
    pub(crate) header_len: usize,
    pub(crate) payload_len: usize,
    /// Where the key store holds its key.
    place: usize,
}

impl Default for Examined {
    fn default() -> Self {
        let header = Header::new(Kid::new(0), Ctr::new(0));
        Self { header, header_len: 0, payload_len: 0, place: 0 }
    }
}

/// A frame that has opened: its KID, CTR, metadata and bytes are the sender's.
#[non_exhaustive]
pub struct Opened<'f> {
    /// Which key sealed it: with sender keys one that its sender and those it gave it to have,
    /// under MLS one that every member can derive.
    pub kid: Kid,
    /// Which frame under that key.
    pub ctr: Ctr,
    /// Prefix and payload, as the encoder made them: a part of the buffer that was given.
    pub frame: &'f mut [u8],
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("kid", &self.kid)
            .field("ctr", &self.ctr)
            .field("len", &self.frame.len())
            .finish_non_exhaustive()
    }
}

impl Receiver {
    /// A receiver without keys, with the layout's default [`KeyPolicy`].
    #[must_use]
    pub fn new(cipher: Cipher, layout: impl Into<KidLayout>) -> Self {
        let layout = layout.into();
        Self::with_parts(cipher, layout, KeyPolicy::for_layout(layout))
    }

    /// A receiver without keys.
    ///
    /// # Errors
    /// [`KeyError::PolicyTooWide`].
    pub fn with_policy(
        cipher: Cipher,
        layout: impl Into<KidLayout>,
        policy: KeyPolicy,
    ) -> Result<Self, KeyError> {
        let layout = layout.into();
        if !policy.fits(layout) {
            return Err(KeyError::PolicyTooWide);
        }
        Ok(Self::with_parts(cipher, layout, policy))
    }

    #[expect(clippy::cast_possible_truncation, reason = "Nt is at most 16")]
    fn with_parts(cipher: Cipher, layout: KidLayout, policy: KeyPolicy) -> Self {
        Self {
            cipher,
            nt: cipher.suite.nt() as u8,
            numbers: Numbers::in_layout(layout),
            keys: KeyStore::new(cipher, layout, policy),
            aad: AadBuf::new(),
            last: None,
            next: HeaderPrediction::NONE,
            next_number: 0,
            longest_interleaved: cipher.longest_interleaved(),
        }
    }

    /// Opens no frame of this sender number, or under MLS of the member with this leaf index: our
    /// own, which a server could play back to us. Under MLS nothing else keeps it from that, as one
    /// base key serves every member.
    ///
    /// Its frames get [`OpenError::UnknownKey`].
    #[must_use]
    pub fn without_own(mut self, number: u64) -> Self {
        self.keys.set_own(number);
        self
    }

    /// As [`without_own`](Self::without_own), when our number changes.
    pub fn set_own(&mut self, number: u64) {
        self.keys.set_own(number);
    }

    /// Installs the base key that a sender has at `kid` (RFC 9605 §5.1). It does not open frames of
    /// earlier ratchet steps.
    ///
    /// A key that was removed must not be installed again: its frames would open once more.
    ///
    /// # Errors
    /// [`KeyError::KidInUse`] if this sender has a key of this generation, be it the same one;
    /// [`KeyError::OwnKey`], [`KeyError::KidOutOfRange`], [`KeyError::WrongLayout`],
    /// [`KeyError::OtherSuite`], [`KeyError::TooManyKeys`].
    pub fn add_sender(&mut self, kid: SenderKeyKid, base_key: BaseKey) -> Result<(), KeyError> {
        self.keys.add_sender(kid, base_key)
    }

    /// Installs the base key of an MLS epoch (RFC 9605 §5.2): every member's keys come from it. An
    /// older epoch with the same low bits is wiped.
    ///
    /// Do not install an epoch again after its removal: its frames would open once more. Tell the
    /// receiver [our own index](Self::without_own).
    ///
    /// # Errors
    /// [`KeyError::KidInUse`], [`KeyError::NotNewer`], [`KeyError::WrongLayout`],
    /// [`KeyError::OtherSuite`].
    pub fn add_epoch(&mut self, epoch: u64, base_key: BaseKey) -> Result<(), KeyError> {
        self.keys.add_epoch(epoch, base_key)
    }

    /// Wipes every key of a sender: it has left.
    pub fn remove_sender(&mut self, sender: u64) {
        self.keys.remove_sender(sender, |_| true);
    }

    /// Wipes one generation of a sender: a newer one is in use.
    pub fn remove_generation(&mut self, sender: u64, generation: u64) {
        self.keys.remove_sender(sender, |held| held == generation);
    }

    /// Wipes a sender's generations and ratchet steps before this one: a newer key is in use.
    /// Earlier frames never open again, whether or not a frame of this step has arrived.
    ///
    /// A generation that is further than [`KeyPolicy::max_ahead`](crate::KeyPolicy) steps before
    /// this one is wiped whole. Nothing happens if the layout is MLS's or `kid` does not fit into
    /// it.
    pub fn remove_before(&mut self, kid: SenderKeyKid) {
        self.keys.remove_before(kid);
    }

    /// Wipes an MLS epoch and everything derived from it.
    pub fn remove_epoch(&mut self, epoch: u64) {
        self.keys.remove_epoch(epoch);
    }

    /// Opens a sealed frame in place. Copies: only the prefix. Allocates: only when a sender's key
    /// changes.
    ///
    /// # Errors
    /// [`OpenError`]; the receiver is unchanged. So is the frame, except after
    /// [`OpenError::Unauthentic`]: then its payload is unspecified, but not plaintext.
    #[inline(always)] // a hot door: a call and the registers it spills cost as much as the header
    pub fn open_in_place<'f, 'm>(
        &mut self,
        frame: &'f mut [u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Opened<'f>, OpenError> {
        self.open_if(frame, &metadata.into(), |_| true)
    }

    /// Like [`open_in_place`](Self::open_in_place), for a frame that a server attributes to this
    /// sender number, or under MLS to this leaf index. Where KIDs have no sender, that is 0.
    ///
    /// # Errors
    /// [`OpenError::OtherSender`] if the KID names another, before any other check.
    #[inline(always)] // as open_in_place
    pub fn open_in_place_from<'f, 'm>(
        &mut self,
        from: u64,
        frame: &'f mut [u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Opened<'f>, OpenError> {
        self.open_if(frame, &metadata.into(), |number| number == from)
    }

    /// Opens a frame whose KID has a sender number that `accepts` returns true for.
    #[inline(always)] // as open_in_place
    fn open_if<'f>(
        &mut self,
        frame: &'f mut [u8],
        metadata: &Metadata<'_>,
        accepts: impl FnOnce(u64) -> bool,
    ) -> Result<Opened<'f>, OpenError> {
        if metadata.prefix_len() > 0 {
            return self.open_behind_prefix(frame, metadata, accepts);
        }
        self.open_sealed(frame, &[], metadata, accepts)
    }

    /// The six steps. `sealed` is `header ‖ ciphertext ‖ tag`; the opened frame is the payload
    /// alone.
    #[inline(always)] // the hot path, whose caller is a door of its own
    fn open_sealed<'f>(
        &mut self,
        sealed: &'f mut [u8],
        prefix: &[u8],
        metadata: &Metadata<'_>,
        accepts: impl FnOnce(u64) -> bool,
    ) -> Result<Opened<'f>, OpenError> {
        let recognised = self.next.recognise(sealed);
        let (header, header_len, number) = match recognised {
            Some(header) => (header, self.next.len(), self.next_number),
            None => {
                let FrameView { header, body, .. } = FrameView::parse(sealed)?;
                (header, sealed.len() - body.len(), self.numbers.sender_of(header.kid()))
            }
        };
        if !accepts(number) {
            return Err(OpenError::OtherSender(header.kid()));
        }
        let payload_len = sealed.len().checked_sub(header_len + usize::from(self.nt));
        let payload_len = payload_len.ok_or(OpenError::TooShort)?;
        let mut selected = self.keys.select(header.kid())?;
        let HeldKey { key, replay, .. } = self.keys.get(&mut selected);
        replay.check(header.ctr())?;
        let aad = self.aad.for_opening(sealed, header_len, metadata, prefix);
        let frame = open(key, header.ctr(), aad, &mut sealed[header_len..], payload_len)?;
        replay.mark(header.ctr());
        if let Selected::Candidate(candidate) = selected {
            self.keys.adopt(candidate);
        } else if recognised.is_none() {
            let place = self.keys.place_of(header.kid());
            self.predict(header, place.unwrap_or_default());
        }
        Ok(Opened { kid: header.kid(), ctr: header.ctr(), frame })
    }

    /// The sender number of a KID, or under MLS its leaf index.
    #[cfg(feature = "external-aead")]
    pub(crate) const fn number_of(&self, kid: Kid) -> u64 {
        self.numbers.sender_of(kid)
    }

    /// The facts about a sealed frame that gains from being interleaved and whose key is held.
    /// Reads only.
    #[inline]
    pub(crate) fn examine(&self, sealed: &[u8]) -> Option<Examined> {
        let longest = self.longest_interleaved?;
        let (header, header_len) = match self.next.recognise(sealed) {
            Some(header) => (header, self.next.len()),
            None => {
                let FrameView { header, body, .. } = FrameView::parse(sealed).ok()?;
                (header, sealed.len() - body.len())
            }
        };
        let payload_len = sealed.len().checked_sub(header_len + usize::from(self.nt))?;
        let place = self.keys.place_of(header.kid())?;
        (payload_len <= longest).then_some(Examined { header, header_len, payload_len, place })
    }

    /// The key for an examined frame, unless something has changed since: the key has been wiped or
    /// moved, or the frame has been opened.
    #[inline]
    pub(crate) fn key_for(&self, Examined { header, place, .. }: &Examined) -> Option<&FrameKey> {
        let held = self.keys.held_at(*place, header.kid())?;
        held.replay.check(header.ctr()).is_ok().then_some(&held.key)
    }

    /// A frame has opened with the key that was for it.
    #[inline]
    pub(crate) fn commit(&mut self, Examined { header, place, .. }: &Examined) {
        if let Some(held) = self.keys.held_at_mut(*place, header.kid()) {
            held.replay.mark(header.ctr());
        }
        self.predict(*header, *place);
    }

    /// Opens the bytes after the prefix, then slides the prefix right, over the header, against the
    /// payload.
    fn open_behind_prefix<'f>(
        &mut self,
        frame: &'f mut [u8],
        metadata: &Metadata<'_>,
        accepts: impl FnOnce(u64) -> bool,
    ) -> Result<Opened<'f>, OpenError> {
        let prefix_len = metadata.prefix_len();
        let split = frame.split_at_mut_checked(prefix_len);
        let (prefix, sealed) = split.ok_or(OpenError::TooShort)?;
        let Opened { kid, ctr, .. } = self.open_sealed(sealed, prefix, metadata, accepts)?;
        let header_len = Header::new(kid, ctr).len();
        frame.copy_within(..prefix_len, header_len);
        let end = frame.len() - usize::from(self.nt);
        Ok(Opened { kid, ctr, frame: &mut frame[header_len..end] })
    }

    /// After two frames in a row of one KID, whose key is held at this place, predicts a third.
    fn predict(&mut self, header: Header, place: usize) {
        self.keys.remember(header.kid(), place);
        if self.last == Some(header.kid()) {
            self.expect(header, place);
        }
        self.last = Some(header.kid());
    }

    #[inline(never)] // its registers are not to be spilled where senders take turns
    fn expect(&mut self, header: Header, place: usize) {
        self.next = HeaderPrediction::after(header);
        self.next_number = self.numbers.sender_of(header.kid());
        self.keys.try_first(place);
    }

    /// Opens a sealed frame into a new vector. Copies: the frame, once. Allocates: once.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place).
    pub fn open_to_vec<'m>(
        &mut self,
        frame: &[u8],
        metadata: impl Into<Metadata<'m>>,
    ) -> Result<Vec<u8>, OpenError> {
        let mut out = frame.to_vec();
        let Opened { kid, ctr, frame } = self.open_in_place(&mut out, metadata)?;
        let (start, len) = (Header::new(kid, ctr).len(), frame.len());
        out.copy_within(start..start + len, 0);
        out.truncate(len);
        Ok(out)
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("cipher", &self.cipher).finish_non_exhaustive()
    }
}
