//! The Dependency Descriptor, an RTP header extension that tells for each packet which frame it
//! belongs to and which frames that one needs. With it, receivers can decode video although nobody
//! on the way can read its frames.
//!
//! Source: AV1 RTP specification, appendix A.

use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues};

const URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// Longest value that fits the short form of header extensions (RFC 8285 §4.2), in bytes.
const SHORT_FORM: usize = 16;

/// The bytes of the extension, forwarded unchanged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct DependencyDescriptor(pub(crate) Box<[u8]>);

impl DependencyDescriptor {
    /// Whether the packet is the first of its frame.
    pub(crate) fn starts_frame(&self) -> bool {
        self.0.first().is_some_and(|first| first & 0x80 != 0)
    }
}

/// The extension, for str0m to negotiate.
pub(crate) fn extension() -> Extension {
    Extension::with_serializer(URI, Untouched)
}

#[derive(Debug)]
struct Untouched;

impl ExtensionSerializer for Untouched {
    fn write_to(&self, buf: &mut [u8], ev: &ExtensionValues) -> usize {
        let Some(DependencyDescriptor(bytes)) = ev.user_values.get() else {
            return 0;
        };
        let Some(room) = buf.get_mut(..bytes.len()) else {
            return 0;
        };
        room.copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buf: &[u8], ev: &mut ExtensionValues) -> bool {
        ev.user_values.set(DependencyDescriptor(buf.into()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    // str0m panics if a longer value meets the short form; key frames have such values.
    fn requires_two_byte_form(&self, ev: &ExtensionValues) -> bool {
        ev.user_values.get().is_some_and(|DependencyDescriptor(bytes)| bytes.len() > SHORT_FORM)
    }
}

#[cfg(test)]
mod tests {
    use super::{DependencyDescriptor, ExtensionSerializer, ExtensionValues, Untouched};

    #[test]
    fn every_value_is_forwarded_unchanged() {
        for len in 0..=255_u8 {
            let value: Vec<u8> = (0..len).collect();
            let mut values = ExtensionValues::default();
            assert!(Untouched.parse_value(&value, &mut values));
            let mut written = [0; 255];
            let written_len = Untouched.write_to(&mut written, &values);
            assert_eq!(written[..written_len], value);
            assert_eq!(Untouched.requires_two_byte_form(&values), len > 16, "{len} bytes");
        }
    }

    #[test]
    fn a_packet_without_a_descriptor_gets_none() {
        let values = ExtensionValues::default();
        assert_eq!(Untouched.write_to(&mut [0; 255], &values), 0);
        assert!(!Untouched.requires_two_byte_form(&values));
    }

    #[test]
    fn the_first_bit_marks_the_start_of_a_frame() {
        let starts = |bytes: &[u8]| DependencyDescriptor(bytes.into()).starts_frame();
        assert!(starts(&[0x80, 0, 1]));
        assert!(!starts(&[0x40, 0, 1]));
        assert!(!starts(&[]));
    }
}
