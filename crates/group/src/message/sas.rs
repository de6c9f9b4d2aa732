//! The encoding of a step of an SAS verification (PROTOCOL.md §2.11).

use alloc::vec::Vec;

use super::error::MessageError;
use crate::{
    encoding::Reader,
    verification::{SasMessage, Stage},
};

pub(super) fn encode(message: &SasMessage, out: &mut Vec<u8>) {
    out.extend(message.check);
    out.push(message.stage as u8);
    out.extend(message.data);
}

pub(super) fn decode(reader: &mut Reader<'_>) -> Result<SasMessage, MessageError> {
    let check = reader.array()?;
    let stage = match reader.u8()? {
        1 => Stage::Start,
        2 => Stage::Reply,
        3 => Stage::Reveal,
        4 => Stage::Cancel,
        5 => Stage::Confirm,
        _ => return Err(MessageError::Malformed),
    };
    Ok(SasMessage { check, stage, data: reader.array()? })
}
