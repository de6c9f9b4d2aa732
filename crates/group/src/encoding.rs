//! Reading and writing fields: big-endian integers, fixed arrays, strings with a 16-bit length. No
//! field is optional.

use alloc::vec::Vec;

use crate::MessageError;

/// Reads a message from the front.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], MessageError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(MessageError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(MessageError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, MessageError> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, MessageError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, MessageError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, MessageError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// `x<max>`
    pub(crate) fn string(&mut self, max: usize) -> Result<&'a [u8], MessageError> {
        let len = usize::from(self.u16()?);
        if len > max { Err(MessageError::Malformed) } else { self.take(len) }
    }

    /// The bytes not read yet.
    pub(crate) const fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(crate) const fn end(self) -> Result<(), MessageError> {
        if self.0.is_empty() { Ok(()) } else { Err(MessageError::Malformed) }
    }
}

/// Appends to a message.
pub(crate) trait Write {
    fn string(&mut self, bytes: &[u8]);
}

impl Write for Vec<u8> {
    /// `x<65535>`. Callers have rejected longer input before.
    fn string(&mut self, bytes: &[u8]) {
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.extend(len.to_be_bytes());
        self.extend(&bytes[..usize::from(len)]);
    }
}
