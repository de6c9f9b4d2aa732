//! The authenticated data besides the header, encoded independently.

use sealframe::{Metadata, Stream, StreamKind};

use crate::input::Input;

/// Both sides' description of a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Label {
    pub(crate) stream: Option<Stream>,
    pub(crate) prefix_len: u16,
    pub(crate) application: Vec<u8>,
}

impl Label {
    /// Chosen by two bytes. The raw ones are those of the vectors.
    pub(crate) fn choose(input: &mut Input<'_>) -> Self {
        let (choice, prefix_len) = (input.u8(), input.u8());
        let (stream, application): (_, &[u8]) = match choice % 8 {
            0 => (None, b""),
            1 => (None, b"IETF SFrame WG"),
            2 => (None, &array(0x80)),
            3 => (Some(Stream::new(StreamKind::Camera, 0)), b""),
            4 => (Some(Stream::new(StreamKind::Microphone, 7)), b"x"),
            5 => (Some(Stream::new(StreamKind::Screen, u16::MAX)), b""),
            6 => (Some(Stream::new(StreamKind::ScreenAudio, 1)), &array(0)),
            _ => (Some(Stream::new(StreamKind::Data, 256)), b""),
        };
        Self { stream, prefix_len: u16::from(prefix_len), application: application.to_vec() }
    }

    /// In the library's type.
    pub(crate) fn metadata(&self) -> Metadata<'_> {
        let metadata = match self.stream {
            Some(stream) => Metadata::from(stream),
            None => Metadata::raw(&[]),
        };
        metadata.with_application(&self.application).with_prefix(self.prefix_len)
    }

    /// `kind u8 ‖ index u16 ‖ prefix_len u16 ‖ prefix ‖ application`; the first three only with a
    /// stream.
    pub(crate) fn bytes(&self, prefix: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(Stream { kind, index }) = self.stream {
            bytes.push(match kind {
                StreamKind::Microphone => 1,
                StreamKind::Camera => 2,
                StreamKind::Screen => 3,
                StreamKind::ScreenAudio => 4,
                StreamKind::Data => 5,
            });
            bytes.extend(index.to_be_bytes());
            bytes.extend(self.prefix_len.to_be_bytes());
        }
        bytes.extend(prefix);
        bytes.extend(&self.application);
        bytes
    }
}

/// 33 bytes, counting up.
fn array(start: u8) -> [u8; 33] {
    let mut next = start;
    [(); 33].map(|()| {
        next += 1;
        next - 1
    })
}
