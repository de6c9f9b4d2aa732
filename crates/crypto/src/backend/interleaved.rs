//! Four frames at once: interleaved by the kernel, one after another by the other backends.

#[cfg(kernel)]
use sealframe_kernel::{Frame, Key, open_interleaved, seal_interleaved};

#[cfg(kernel)]
use super::kind::Kind;
use crate::{Decrypt, Encrypt, FrameTooLong, INTERLEAVE, Unauthentic};

/// [`FrameKey::encrypt`](crate::FrameKey::encrypt) for each, interleaved up to
/// [`Cipher::longest_interleaved`](crate::Cipher::longest_interleaved) bytes. Copies: none.
///
/// # Errors
/// For each frame, as alone.
///
/// # Panics
/// If a tag is not `Nt` bytes long.
#[allow(irrefutable_let_patterns, reason = "a build can have keys of one kind only")]
#[inline(always)] // see the crate's front page
pub fn encrypt_interleaved(
    frames: [Encrypt<'_>; INTERLEAVE],
) -> [Result<(), FrameTooLong>; INTERLEAVE] {
    #[cfg(kernel)]
    if let [Kind::Kernel(a), Kind::Kernel(b), Kind::Kernel(c), Kind::Kernel(d)] =
        frames.each_ref().map(|frame| &frame.key.aead.0)
    {
        return encrypt_by_kernel([a, b, c, d], frames);
    }
    frames.map(|Encrypt { key, ctr, aad, in_out, tag }| key.encrypt(ctr, aad, in_out, tag))
}

/// [`FrameKey::decrypt`](crate::FrameKey::decrypt) for each, interleaved up to
/// [`Cipher::longest_interleaved`](crate::Cipher::longest_interleaved) bytes. Copies: none.
///
/// # Errors
/// For each frame, as alone: a forged one among them does the others no harm.
#[allow(irrefutable_let_patterns, reason = "a build can have keys of one kind only")]
#[inline(always)] // see the crate's front page
pub fn decrypt_interleaved(frames: [Decrypt<'_>; INTERLEAVE]) -> [Result<(), Unauthentic>; INTERLEAVE] {
    #[cfg(kernel)]
    if let [Kind::Kernel(a), Kind::Kernel(b), Kind::Kernel(c), Kind::Kernel(d)] =
        frames.each_ref().map(|frame| &frame.key.aead.0)
    {
        return decrypt_by_kernel([a, b, c, d], frames);
    }
    frames.map(|Decrypt { key, ctr, aad, in_out, tag }| key.decrypt(ctr, aad, in_out, tag))
}

/// # Panics
/// If a tag is not 16 bytes long.
#[cfg(kernel)]
#[inline(always)] // see the crate's front page
fn encrypt_by_kernel(
    [a, b, c, d]: [&Key; INTERLEAVE],
    [of_a, of_b, of_c, of_d]: [Encrypt<'_>; INTERLEAVE],
) -> [Result<(), FrameTooLong>; INTERLEAVE] {
    // Written out: a loop would move the frames, which costs as much as sealing a small one.
    let made = seal_interleaved([
        Frame::new(a, of_a.key.nonce(of_a.ctr), of_a.aad, of_a.in_out),
        Frame::new(b, of_b.key.nonce(of_b.ctr), of_b.aad, of_b.in_out),
        Frame::new(c, of_c.key.nonce(of_c.ctr), of_c.aad, of_c.in_out),
        Frame::new(d, of_d.key.nonce(of_d.ctr), of_d.aad, of_d.in_out),
    ]);
    let tags = [of_a.tag, of_b.tag, of_c.tag, of_d.tag];
    let mut sealed = [Ok(()); INTERLEAVE];
    for ((sealed, made), tag) in sealed.iter_mut().zip(made).zip(tags) {
        match made {
            Ok(made) => tag.copy_from_slice(&<[u8; 16]>::from(made)),
            Err(_) => *sealed = Err(FrameTooLong),
        }
    }
    sealed
}

/// A tag that is not 16 bytes long is wrong.
#[cfg(kernel)]
#[inline(always)] // see the crate's front page
fn decrypt_by_kernel(
    [a, b, c, d]: [&Key; INTERLEAVE],
    frames: [Decrypt<'_>; INTERLEAVE],
) -> [Result<(), Unauthentic>; INTERLEAVE] {
    let tags = frames.each_ref().map(|frame| <[u8; 16]>::try_from(frame.tag));
    let [Ok(tag_a), Ok(tag_b), Ok(tag_c), Ok(tag_d)] = tags else {
        return frames.map(|Decrypt { key, ctr, aad, in_out, tag }| key.decrypt(ctr, aad, in_out, tag));
    };
    let [of_a, of_b, of_c, of_d] = frames;
    let opened = open_interleaved(
        [
            Frame::new(a, of_a.key.nonce(of_a.ctr), of_a.aad, of_a.in_out),
            Frame::new(b, of_b.key.nonce(of_b.ctr), of_b.aad, of_b.in_out),
            Frame::new(c, of_c.key.nonce(of_c.ctr), of_c.aad, of_c.in_out),
            Frame::new(d, of_d.key.nonce(of_d.ctr), of_d.aad, of_d.in_out),
        ],
        [tag_a.into(), tag_b.into(), tag_c.into(), tag_d.into()],
    );
    opened.map(|opened| opened.map_err(|_| Unauthentic))
}
