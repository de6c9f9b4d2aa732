//! The opening side of LiveKit's format.

use alloc::vec::Vec;
use core::fmt;

use super::{
    Key, Options,
    data::{DataChannel, Packet},
    frame_metadata, injected,
    layout::{self, LayoutCandidates},
};
use crate::{
    FrameInfo, KeyError, OpenError, Opened, ReceiverEvent, ReceiverPolicy, ReceiverStats,
    jframe::{IvRule, Layout, Opener, Search},
};

/// Opens the frames and the data of one participant, of all its streams, whichever implementation made them.
pub struct Receiver {
    opener: Opener,
    options: Options,
    injection_trailer: Vec<u8>,
    /// How the last frame was laid out that a native client had cut off.
    cut_off: Option<Layout>,
}

impl Receiver {
    /// A receiver without keys, with the default [`ReceiverPolicy`].
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self::with_policy(options, ReceiverPolicy::default())
    }

    /// A receiver without keys.
    #[must_use]
    pub fn with_policy(options: Options, policy: ReceiverPolicy) -> Self {
        let rule = IvRule::TimestampLessCount;
        let opener = Opener::new(options.backend, rule, options.ring_size, policy);
        Self { opener, options, injection_trailer: Vec::new(), cut_off: None }
    }

    /// Takes a key, in place of the one at this index; returns the index on the wire: `index` modulo the ring's size.
    ///
    /// One that was here before another should not come back: what it opened of streams that have
    /// made room for others since, more than 1,024, would open again, and so would what it opened
    /// of frames without order, more than 4,096.
    pub fn set_key(&mut self, index: u32, key: Key) -> u8 {
        let (kdf, input) = key.into_parts(&self.options);
        self.opener.keys.set(index, kdf, input)
    }

    /// Moves a key one step on, when its sender has said so. Not needed: frames tell.
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
    /// If there is none at this index, or one that is derived otherwise, it is set there.
    pub fn ratchet_to(&mut self, index: u32, key: Key) -> u8 {
        let (kdf, input) = key.into_parts(&self.options);
        self.opener.keys.move_on(index, kdf, input)
    }

    /// Wipes a key. Whether there was one.
    pub fn remove_key(&mut self, index: u32) -> bool {
        self.opener.keys.remove(index)
    }

    /// The material of a key's next step, of which its AES key is the front: what [`Key::hkdf_derived`] takes. Wipe every copy.
    #[must_use]
    pub fn expose_next(&self, index: u32) -> Option<&[u8]> {
        self.opener.keys.next_material(index)
    }

    /// The present material of a key: after a ratchet step 32 bytes. Wipe every copy.
    #[must_use]
    pub fn expose_key(&self, index: u32) -> Option<&[u8]> {
        self.opener.keys.material(index)
    }

    /// The `sif_trailer` that the server told when the room was joined: frames that end with it are the server's own.
    ///
    /// It makes no frame open. It only names the error: [`OpenError::Injected`].
    pub fn set_injection_trailer(&mut self, trailer: &[u8]) {
        self.injection_trailer = trailer.to_vec();
    }

    /// Opens a sealed frame where it lies. Copies: the ciphertext, once, on ring and aws-lc-rs; in rare cases the frame, once more.
    /// Allocates: only until it has seen the longest frame, and for the first frame of a stream.
    ///
    /// [Frame metadata](frame_metadata) behind it are left out. A frame may be up to the policy's
    /// window of ratchet steps ahead; the key moves on when a frame has proven it, and never back.
    /// Frames of the step before open until 256 of the new one have.
    ///
    /// # Errors
    /// [`OpenError`]; [`OpenError::TooShort`] for a frame without bytes, which counts as nothing.
    /// Only after [`OpenError::Unauthentic`] can the frame have changed: to garbage or zeros. The
    /// keys and what has been opened are as they were.
    #[inline]
    pub fn open_in_place<'f>(
        &mut self,
        frame: &'f mut [u8],
        info: &FrameInfo,
    ) -> Result<Opened<'f>, OpenError> {
        let len = frame_metadata::len_without(frame);
        let frame = &mut frame[..len];
        if injected::has_trailer(frame, &self.injection_trailer) {
            self.opener.count_refused();
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

    /// Opens data where they lie: `value` is ciphertext and tag, `iv` and `key_index` came beside
    /// them. They open once, as far back as [`DataChannel`] says. Allocates: until 4,096 are
    /// remembered, 64 kB for packets and as much for data tracks.
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

    /// Opens an `EncryptedPacket` where it lies: its `frame` is an `EncryptedPacketPayload`.
    ///
    /// # Errors
    /// As [`open_in_place`](Self::open_in_place); [`OpenError::NotThisFormat`] if the bytes are no such message, or its IV does not
    /// have 12 bytes.
    pub fn open_packet_in_place<'f>(&mut self, packet: &'f mut [u8]) -> Result<Opened<'f>, OpenError> {
        let Some(Packet { key_index, iv, value }) = Packet::parse(packet) else {
            self.opener.count_refused();
            return Err(OpenError::NotThisFormat);
        };
        self.open_data_in_place(DataChannel::Packets, key_index, iv, &mut packet[value])
    }

    /// Forgets which frames of an ended stream have been opened: they would open again.
    pub fn forget_stream(&mut self, ssrc: u32) {
        self.opener.forget_stream(ssrc);
    }

    /// What has happened since the last call. At most 16 events wait; more are not kept.
    pub fn poll_event(&mut self) -> Option<ReceiverEvent> {
        self.opener.poll_event()
    }

    /// How many frames ended how.
    #[must_use]
    pub const fn stats(&self) -> ReceiverStats {
        self.opener.stats
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("options", &self.options)
            .field("stats", &self.opener.stats)
            .finish_non_exhaustive()
    }
}
