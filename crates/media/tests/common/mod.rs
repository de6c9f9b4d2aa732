//! A sender and a receiver that belong together.
#![allow(dead_code, reason = "each test file uses its share")]

use sealframe_crypto::{BaseKey, Cipher, CipherSuite};
use sealframe_media::{Receiver, Sender, Stream, StreamKind};
use sealframe_wire::{SenderKeyKid, SenderKeyLayout};

pub(crate) const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;
pub(crate) const CIPHER: Cipher = Cipher::recommended(SUITE);
pub(crate) const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);

/// 16 sender bits, 8 step bits.
pub(crate) fn layout() -> SenderKeyLayout {
    SenderKeyLayout::new(16, 8).unwrap()
}

pub(crate) fn kid_of(sender: u64) -> SenderKeyKid {
    SenderKeyKid { sender, ..SenderKeyKid::default() }
}

/// A base key of [`SUITE`] that differs for each number.
pub(crate) fn base_key(number: u64) -> BaseKey {
    base_key_of(SUITE, number)
}

pub(crate) fn base_key_of(suite: CipherSuite, number: u64) -> BaseKey {
    BaseKey::derive(suite, b"a secret of tests", &[&number.to_be_bytes()]).unwrap()
}

pub(crate) fn sender(cipher: Cipher, number: u64) -> Sender {
    Sender::new(cipher, layout(), kid_of(number), base_key_of(cipher.suite, number)).unwrap()
}

pub(crate) fn receiver(cipher: Cipher, numbers: impl IntoIterator<Item = u64>) -> Receiver {
    let mut receiver = Receiver::new(cipher, layout());
    for number in numbers {
        receiver.add_sender(kid_of(number), base_key_of(cipher.suite, number)).unwrap();
    }
    receiver
}
