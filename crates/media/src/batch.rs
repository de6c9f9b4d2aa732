//! Many frames of many senders in one call, for a recorder, a gateway or a mixer with frames every
//! few milliseconds.
//!
//! Each frame is sealed or opened exactly as it would be alone, with its own result. Short frames
//! without prefix and application metadata wait until there are four of them, if their backend
//! interleaves such frames; all others are processed at once. So results do not come in the order
//! of the frames.

use core::{
    borrow::{Borrow, BorrowMut},
    fmt, mem,
};

use sealframe_crypto::{
    Decrypt, Encrypt, FrameKey, INTERLEAVE, decrypt_interleaved, encrypt_interleaved,
};

use crate::{
    FrameBuf, Metadata, OpenError, Opened, Receiver, SealError, Sender, aad::ShortAad,
    receiver::Examined, sender::Prepared,
};

/// A frame of a batch, to be sealed.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "arguments")]
pub struct ToSeal<'f, 'm> {
    /// The frame's sender: an index into the batch's senders.
    pub sender: usize,
    /// As for [`Sender::seal_in_place`].
    pub frame: FrameBuf<'f>,
    /// As for [`Sender::seal_in_place`].
    pub metadata: Metadata<'m>,
}

/// A frame of a batch, to be opened.
#[expect(clippy::exhaustive_structs, reason = "arguments")]
pub struct ToOpen<'f, 'm> {
    /// The frame's receiver: an index into the batch's receivers.
    pub receiver: usize,
    /// As for [`Receiver::open_in_place`].
    pub frame: &'f mut [u8],
    /// As for [`Receiver::open_in_place`].
    pub metadata: Metadata<'m>,
}

impl fmt::Debug for ToOpen<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToOpen")
            .field("receiver", &self.receiver)
            .field("len", &self.frame.len())
            .field("metadata", &self.metadata)
            .finish()
    }
}

/// Seals many frames in place, each like [`Sender::seal_in_place`]. Copies: only prefixes and
/// headers. Allocates: no.
///
/// `sealed` gets each frame's place in the batch and what became of it, once; a frame that it has
/// not got is not sealed. One sender may have several frames; their CTRs count up in the order of
/// `frames`. The senders may be owned or borrowed, and be a slice of one.
///
/// ```
/// use sealframe_crypto::{BaseKey, Cipher, CipherSuite};
/// use sealframe_media::{FrameBuf, Sender, Stream, StreamKind, ToSeal, seal_batch};
/// use sealframe_wire::{SenderKeyKid, SenderKeyLayout};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layout = SenderKeyLayout::new(16, 8).ok_or("bits")?;
/// let mut senders = Vec::new();
/// for sender in 0..8 {
///     let kid = SenderKeyKid { sender, ..Default::default() };
///     let suite = CipherSuite::Aes128GcmSha256_128;
///     let base_key = BaseKey::from_bytes(suite, &[1 + sender as u8; 32])?; // in earnest: random
///     senders.push(Sender::new(Cipher::recommended(suite), layout, kid, base_key)?);
/// }
/// let microphone = Stream::new(StreamKind::Microphone, 0);
/// let mut bufs = [[0_u8; FrameBuf::HEADROOM + 80 + FrameBuf::TAILROOM]; 8];
/// let frames = bufs.iter_mut().enumerate().filter_map(|(sender, buf)| {
///     let frame = FrameBuf::new(buf, FrameBuf::HEADROOM..FrameBuf::HEADROOM + 80)?;
///     Some(ToSeal { sender, frame, metadata: microphone.into() })
/// });
/// let mut sealed_bytes = 0;
/// seal_batch(&mut senders, frames, |_place, sealed| {
///     sealed_bytes += sealed.map_or(0, |frame| frame.len()); // in earnest: send it
/// });
/// assert!(sealed_bytes > 8 * (80 + 16));
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If a frame's sender is not in `senders`.
pub fn seal_batch<'f, 'm, S: BorrowMut<Sender>>(
    senders: &mut [S],
    frames: impl IntoIterator<Item = ToSeal<'f, 'm>>,
    mut sealed: impl FnMut(usize, Result<&'f mut [u8], SealError>),
) {
    let mut waiting: [Sealing<'f>; INTERLEAVE] = Default::default();
    let mut count = 0;
    for (at, ToSeal { sender: of, frame, metadata }) in frames.into_iter().enumerate() {
        let sender = senders[of].borrow_mut();
        if !(metadata.is_short() && sender.interleaves(frame.len())) {
            sealed(at, sender.seal_in_place(frame, metadata));
            continue;
        }
        let next = &mut waiting[count];
        match sender.prepare(frame, &metadata, &mut next.aad) {
            Ok(prepared) => (next.at, next.of, next.prepared) = (at, of, prepared),
            Err(error) => {
                sealed(at, Err(error));
                continue;
            }
        }
        count += 1;
        if count == INTERLEAVE {
            count = 0;
            let [a, b, c, d] = &mut waiting;
            let made = encrypt_interleaved([
                a.encryption(senders),
                b.encryption(senders),
                c.encryption(senders),
                d.encryption(senders),
            ]);
            for (one, made) in waiting.iter_mut().zip(made) {
                let frame = mem::take(&mut one.prepared.sealed);
                sealed(one.at, made.map(|()| frame).map_err(SealError::from));
            }
        }
    }
    for one in &mut waiting[..count] {
        let Encrypt { key, ctr, aad, in_out, tag } = one.encryption(senders);
        let made = key.encrypt(ctr, aad, in_out, tag);
        let frame = mem::take(&mut one.prepared.sealed);
        sealed(one.at, made.map(|()| frame).map_err(SealError::from));
    }
}

/// A frame that waits to be encrypted: its CTR is spent.
#[derive(Default)]
struct Sealing<'f> {
    at: usize,
    of: usize,
    aad: ShortAad,
    prepared: Prepared<'f>,
}

impl Sealing<'_> {
    #[inline(always)] // avoids a store-forwarding stall
    fn encryption<'p, S: Borrow<Sender>>(&'p mut self, senders: &'p [S]) -> Encrypt<'p> {
        let Self { of, aad, prepared, .. } = self;
        let Prepared { ctr, aad: range, header_len, nt, sealed } = prepared;
        let body = &mut sealed[*header_len..];
        let payload_len = body.len() - *nt;
        let (in_out, tag) = body.split_at_mut(payload_len);
        Encrypt { key: senders[*of].borrow().key(), ctr: *ctr, aad: &aad[range.clone()], in_out, tag }
    }
}

/// Opens many frames in place, each like [`Receiver::open_in_place`], in any order: of two with the
/// same CTR one is opened and one rejected. Copies: only prefixes. Allocates: only when a sender's
/// key changes.
///
/// `opened` gets each frame's place in the batch and what became of it, once. A frame that does not
/// open does the others no harm. The receivers may be owned or borrowed, and be a slice of one.
///
/// # Panics
/// If a frame's receiver is not in `receivers`.
pub fn open_batch<'f, 'm, R: BorrowMut<Receiver>>(
    receivers: &mut [R],
    frames: impl IntoIterator<Item = ToOpen<'f, 'm>>,
    mut opened: impl FnMut(usize, Result<Opened<'f>, OpenError>),
) {
    let mut waiting: [Opening<'f, 'm>; INTERLEAVE] = Default::default();
    let mut count = 0;
    for (at, ToOpen { receiver: of, frame, metadata }) in frames.into_iter().enumerate() {
        let receiver = receivers[of].borrow_mut();
        let known = if metadata.is_short() { receiver.examine(frame) } else { None };
        let Some((known, head)) = known.zip(frame.first_chunk()) else {
            opened(at, receiver.open_in_place(frame, metadata));
            continue;
        };
        let next = &mut waiting[count];
        next.aad_len = next.aad.for_opening(head, known.header_len, &metadata).len();
        (next.at, next.of, next.known, next.frame, next.metadata) = (at, of, known, frame, metadata);
        count += 1;
        if count == INTERLEAVE {
            count = 0;
            open_four(receivers, &mut waiting, &mut opened);
        }
    }
    for one in &mut waiting[..count] {
        one.open_alone(receivers, &mut opened);
    }
}

/// Opens four frames together, if each still has its key and is the only one of its CTR.
#[inline]
fn open_four<'f, R: BorrowMut<Receiver>>(
    receivers: &mut [R],
    four: &mut [Opening<'f, '_>; INTERLEAVE],
    opened: &mut impl FnMut(usize, Result<Opened<'f>, OpenError>),
) {
    let is_twin = |i: usize, j: usize| {
        let (i, j) = (&four[i], &four[j]);
        i.known.header == j.known.header && i.of == j.of
    };
    let has_twins = (1..INTERLEAVE).any(|j| (0..j).any(|i| is_twin(i, j)));
    let [a, b, c, d] = four;
    let keys = [a.key(receivers), b.key(receivers), c.key(receivers), d.key(receivers)];
    let ([Some(key_a), Some(key_b), Some(key_c), Some(key_d)], false) = (keys, has_twins) else {
        for one in four {
            one.open_alone(receivers, opened);
        }
        return;
    };
    let made = decrypt_interleaved([
        a.decryption(key_a),
        b.decryption(key_b),
        c.decryption(key_c),
        d.decryption(key_d),
    ]);
    // All are marked before the first is passed to the caller, so none opens again whatever the
    // caller does.
    for (one, _) in four.iter().zip(&made).filter(|(_, made)| made.is_ok()) {
        receivers[one.of].borrow_mut().commit(&one.known);
    }
    for (one, made) in four.iter_mut().zip(made) {
        let Examined { header, header_len, payload_len, .. } = one.known;
        let frame = mem::take(&mut one.frame);
        let result = made.map_err(OpenError::from).map(|()| {
            let frame = &mut frame[header_len..header_len + payload_len];
            Opened { kid: header.kid(), ctr: header.ctr(), frame }
        });
        opened(one.at, result);
    }
}

/// A frame that waits to be opened. Nothing of it is authentic, and nothing has changed.
struct Opening<'f, 'm> {
    at: usize,
    of: usize,
    aad: ShortAad,
    aad_len: usize,
    known: Examined,
    frame: &'f mut [u8],
    metadata: Metadata<'m>,
}

impl Default for Opening<'_, '_> {
    fn default() -> Self {
        let (aad, known) = Default::default();
        let metadata = Metadata::raw(&[]);
        Self { at: 0, of: 0, aad, aad_len: 0, known, frame: &mut [], metadata }
    }
}

impl<'f> Opening<'f, '_> {
    /// Its key, unless that has changed since, or the frame has been opened.
    #[inline]
    fn key<'r, R: Borrow<Receiver>>(&self, receivers: &'r [R]) -> Option<&'r FrameKey> {
        receivers[self.of].borrow().key_for(&self.known)
    }

    #[inline(always)] // as Sealing::encryption
    fn decryption<'p>(&'p mut self, key: &'p FrameKey) -> Decrypt<'p> {
        let Self {
            aad, aad_len, known: Examined { header, header_len, payload_len, .. }, frame, ..
        } = self;
        let (in_out, tag) = frame[*header_len..].split_at_mut(*payload_len);
        Decrypt { key, ctr: header.ctr(), aad: &aad[0..*aad_len], in_out, tag }
    }

    fn open_alone<R: BorrowMut<Receiver>>(
        &mut self,
        receivers: &mut [R],
        opened: &mut impl FnMut(usize, Result<Opened<'f>, OpenError>),
    ) {
        let frame = mem::take(&mut self.frame);
        opened(self.at, receivers[self.of].borrow_mut().open_in_place(frame, self.metadata));
    }
}
