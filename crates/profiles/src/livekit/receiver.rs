//! The opening side of LiveKit's format.

use alloc::vec::Vec;
use core::fmt;

use super::{
    Config, Key,
    data::{DataChannel, Packet},
    frame_metadata, injected,
    layout::{self, LayoutCandidates},
};
use crate::{
    FrameInfo, KeyError, OpenError, Opened, ReceiverEvent, ReceiverStats,
    jframe::{IvRule, Layout, Opener, Search},
};

/// Opens the frames and the data of one participant, of all its streams, whichever implementation
/// made them.
pub struct Receiver {
    opener: Opener,
    config: Config,
    injection_trailer: Vec<u8>,
    /// How the last frame was laid out that a native client had cut off.
    cut_off: Option<Layout>,
}

impl Receiver {
    /// A receiver without keys.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let rule = IvRule::TimestampLessCount;
        let opener = Opener::new(config.backend, rule, config.ring_size, config.policy);
        Self { opener, config, injection_trailer: Vec::new(), cut_off: None }
    }

    /// Takes a key, in place of the one at this index; returns the index on the wire: `index`
    /// modulo the ring's size.
    ///
    /// Do not set a replaced key again: frames that it opened would open once more if their stream
    /// has been evicted since, by more than 1,024 others, or if their IVs show no order and more
    /// than 4,096 such have come since.
    pub fn set_key(&mut self, index: u32, key: Key) -> u8 {
        let (kdf, input) = key.into_parts(&self.config);
        self.opener.keys.set(index, kdf, input)
    }

    /// Moves a key one step on, when its sender has signalled it. Optional, because frames prove it
    /// too.
    ///
    /// # Errors
    /// [`KeyError::NoKey`].
    pub fn ratchet(&mut self, index: u32) -> Result<u8, KeyError> {
        self.opener.keys.ratchet(index)
    }

    /// Moves a key one step on, to one that has been derived of it somewhere else: see
    /// [`Key::hkdf_derived`]. Frames that were sealed before and are still on their way open for a
    /// moment, as after any ratchet. Returns the index on the wire.
    ///
    /// If the index has no key, or one that is derived in another way, sets the key there.
    pub fn ratchet_to(&mut self, index: u32, key: Key) -> u8 {
        let (kdf, input) = key.into_parts(&self.config);
        self.opener.keys.move_on(index, kdf, input)
    }

    /// Wipes a key. Whether there was one.
    pub fn remove_key(&mut self, index: u32) -> bool {
        self.opener.keys.remove(index)
    }

    /// The material of a key's next step, whose front is its AES key: the argument of
    /// [`Key::hkdf_derived`]. Wipe every copy.
    #[must_use]
    pub fn expose_next(&self, index: u32) -> Option<&[u8]> {
        self.opener.keys.next_material(index)
    }

    /// The present material of a key: after a ratchet step 32 bytes. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self, index: u32) -> Option<&[u8]> {
        self.opener.keys.material(index)
    }

    /// The `sif_trailer` from the server's answer to joining the room: frames that end with it are
    /// the server's own.
    ///
    /// It makes no frame open. It only names the error: [`OpenError::Injected`].
    pub fn set_injection_trailer(&mut self, trailer: &[u8]) {
        self.injection_trailer = trailer.to_vec();
    }

    /// Opens a sealed frame in place. Copies: the ciphertext, once, on ring and aws-lc-rs; in rare
    /// cases the frame, once more. Allocates: only until it has seen the longest frame, and for the
    /// first frame of a stream.
    ///
    /// Drops [frame metadata](frame_metadata) after it. A frame may be up to the policy's window of
    /// ratchet steps ahead; the key moves on when a frame has proven it, and never back. Frames of
    /// the previous step open until 256 of the new one have.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::TooShort`] for a frame without bytes, which is not counted. Only
    /// after [`OpenError::Unauthentic`] can the frame have changed: to garbage or zeros. The keys
    /// and the replay state are unchanged.
    #[inline]
    pub fn open_in_place<'f>(
        &mut self,
        frame: &'f mut [u8],
        info: &FrameInfo,
    ) -> Result<Opened<'f>, OpenError> {
        let len = frame_metadata::len_without(frame);
        let frame = &mut frame[..len];
        if injected::has_trailer(frame, &self.injection_trailer) {
            self.opener.report.count_rejected();
            return Err(OpenError::Injected);
        }
        let candidates = layout::to_open(info, frame);
        match candidates.as_slice() {
            [layout] if candidates.search == Search::No => self.opener.open(frame, *layout),
            _ => self.open_any(frame, candidates),
        }
    }

    #[cold]
    fn open_any<'f>(
        &mut self,
        frame: &'f mut [u8],
        candidates: LayoutCandidates,
    ) -> Result<Opened<'f>, OpenError> {
        let search = candidates.search;
        let candidates = match self.cut_off {
            Some(layout) if search == Search::CutOff => candidates.or(layout),
            _ => candidates,
        };
        let (layout, opened) = self.opener.open_any(frame, candidates.as_slice(), search)?;
        if !candidates.as_slice().contains(&layout) {
            self.cut_off = Some(layout);
        }
        Ok(opened)
    }

    /// Opens a sealed frame into a new vector. Copies: the frame, once more. Allocates: once more.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place).
    pub fn open_to_vec(&mut self, frame: &[u8], info: &FrameInfo) -> Result<Vec<u8>, OpenError> {
        let mut out = frame.to_vec();
        let len = self.open_in_place(&mut out, info)?.frame.len();
        out.truncate(len);
        Ok(out)
    }

    /// Opens data in place: `value` is ciphertext and tag, `iv` and `key_index` came beside them.
    /// They open once, within the bounds of [`DataChannel`]. Allocates: until 4,096 are remembered,
    /// 64 kB for packets and as much for data tracks.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place).
    pub fn open_data_in_place<'f>(
        &mut self,
        channel: DataChannel,
        key_index: u8,
        iv: [u8; 12],
        value: &'f mut [u8],
    ) -> Result<Opened<'f>, OpenError> {
        self.opener.open_detached(value, iv, key_index, channel.channel())
    }

    /// Opens an `EncryptedPacket` in place: its `frame` is an `EncryptedPacketPayload`.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place); [`OpenError::NotThisFormat`] if the bytes are no
    /// such message, or its IV does not have 12 bytes.
    pub fn open_packet_in_place<'f>(&mut self, packet: &'f mut [u8]) -> Result<Opened<'f>, OpenError> {
        let Some(Packet { key_index, iv, value }) = Packet::parse(packet) else {
            self.opener.report.count_rejected();
            return Err(OpenError::NotThisFormat);
        };
        self.open_data_in_place(DataChannel::Packets, key_index, iv, &mut packet[value])
    }

    /// Forgets which frames of an ended stream have been opened: they would open again.
    pub fn forget_stream(&mut self, ssrc: u32) {
        self.opener.forget_stream(ssrc);
    }

    /// The next event since the last call. At most 16 events wait; further ones are dropped.
    pub fn poll_event(&mut self) -> Option<ReceiverEvent> {
        self.opener.report.poll_event()
    }

    /// How many frames ended how.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.opener.report.stats
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("config", &self.config)
            .field("stats", &self.opener.report.stats)
            .finish_non_exhaustive()
    }
}
