//! The Dependency Descriptor: a header extension that tells servers and receivers which video frame needs which,
//! also when frames are opaque. Passed on as it came.
//!
//! Source: AV1 RTP payload specification, appendix A.

use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues};

const URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// Its bytes, unread.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Descriptor(Vec<u8>);

/// The extension for [`str0m`], which does not know it.
pub(crate) fn extension() -> Extension {
    Extension::with_serializer(URI, Serializer)
}

#[derive(Debug)]
struct Serializer;

impl ExtensionSerializer for Serializer {
    fn write_to(&self, buf: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(Descriptor(bytes)) = values.user_values.get::<Descriptor>() else {
            return 0;
        };
        let Some(place) = buf.get_mut(..bytes.len()) else {
            return 0;
        };
        place.copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, buf: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(Descriptor(buf.to_vec()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    /// The first of a key frame has more than the 16 bytes that the short form holds.
    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        values.user_values.get::<Descriptor>().is_some_and(|Descriptor(bytes)| bytes.len() > 16)
    }
}

#[cfg(test)]
mod tests {
    use super::{Descriptor, ExtensionSerializer, ExtensionValues, Serializer};

    #[test]
    fn bytes_come_out_as_they_went_in() {
        for len in [0, 1, 3, 16, 17, 60] {
            let bytes: Vec<u8> = (0..len).collect();
            let mut values = ExtensionValues::default();
            assert!(Serializer.parse_value(&bytes, &mut values));
            assert_eq!(values.user_values.get(), Some(&Descriptor(bytes.clone())));
            assert_eq!(Serializer.requires_two_byte_form(&values), len > 16);
            let mut out = [0; 100];
            assert_eq!(Serializer.write_to(&mut out, &values), usize::from(len));
            assert_eq!(out[..usize::from(len)], bytes);
            assert_eq!(Serializer.write_to(&mut out[..usize::from(len.saturating_sub(1))], &values), 0);
        }
        assert_eq!(Serializer.write_to(&mut [0; 9], &ExtensionValues::default()), 0);
    }
}
