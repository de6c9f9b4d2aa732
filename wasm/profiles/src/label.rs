//! JavaScript's statement about a frame, as numbers.

use sealframe_profiles::{Codec, FrameInfo, FrameType};

use crate::error_code::ErrorCode;

/// The codec: 1 for Opus, 2 for VP8, 3 for VP9, 4 for H.264, 5 for H.265, 6 for AV1, 0 for an
/// unknown one.
pub(crate) fn codec(codec_id: u8) -> Result<Option<Codec>, ErrorCode> {
    Ok(Some(match codec_id {
        0 => return Ok(None),
        1 => Codec::Opus,
        2 => Codec::Vp8,
        3 => Codec::Vp9,
        4 => Codec::H264,
        5 => Codec::H265,
        6 => Codec::Av1,
        _ => return Err(ErrorCode::UnknownCodec),
    }))
}

/// `frame_type` is 0 for audio, 1 for a key frame, 2 for a delta frame, 3 for an empty one;
/// `codec_id` is as above.
pub(crate) fn label(
    codec_id: u8,
    frame_type: u8,
    ssrc: u32,
    rtp_timestamp: u32,
) -> Result<FrameInfo, ErrorCode> {
    let codec = codec(codec_id)?;
    let frame_type = match frame_type {
        0 => return Ok(FrameInfo::audio(codec, ssrc, rtp_timestamp)),
        1 => FrameType::Key,
        2 => FrameType::Delta,
        3 => FrameType::Empty,
        _ => return Err(ErrorCode::UnknownCodec),
    };
    Ok(FrameInfo::video(codec, frame_type, ssrc, rtp_timestamp))
}
