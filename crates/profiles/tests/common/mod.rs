//! Shared by the tests.
#![allow(dead_code, reason = "each test takes a part")]

use sealframe_profiles::{Codec, FrameInfo, FrameType};
use sealframe_testkit::jframe::FrameVector;

pub(crate) fn codec(name: &str) -> Option<Codec> {
    match name {
        "opus" => Some(Codec::Opus),
        "vp8" => Some(Codec::Vp8),
        "vp9" => Some(Codec::Vp9),
        "h264" => Some(Codec::H264),
        "h265" => Some(Codec::H265),
        "av1" => Some(Codec::Av1),
        other => panic!("codec {other}"),
    }
}

/// The frame info that the peer's code received.
pub(crate) fn info(vector: &FrameVector) -> FrameInfo {
    let ssrc = vector.ssrc.unwrap_or(u32::MAX);
    let timestamp = vector.rtp_timestamp.unwrap_or(0);
    let codec = if vector.name.ends_with("codec-unknown") { None } else { codec(&vector.codec) };
    match (vector.kind.as_str(), vector.frame_type.as_deref(), vector.key_frame) {
        ("audio", ..) => FrameInfo::audio(codec, ssrc, timestamp),
        ("video", Some("key"), _) | ("video", None, Some(true)) => {
            FrameInfo::video(codec, FrameType::Key, ssrc, timestamp)
        }
        ("video", Some("delta"), _) | ("video", None, Some(false)) => {
            FrameInfo::video(codec, FrameType::Delta, ssrc, timestamp)
        }
        other => panic!("{other:?}"),
    }
}
