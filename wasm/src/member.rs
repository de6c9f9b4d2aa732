//! A member's frames, by whichever way its keys come.

use sealframe::{Frames, Kid, SharedSecretCall};

use crate::code::Code;

pub(crate) enum Member {
    /// Keys are derived from a secret that all share.
    Shared(SharedSecretCall),
    /// Keys are handed in: the page's worker has them of another module.
    Keyed(Frames),
}

impl Member {
    pub(crate) const fn shared(&mut self) -> Result<&mut SharedSecretCall, Code> {
        match self {
            Self::Shared(call) => Ok(call),
            Self::Keyed(_) => Err(Code::OtherKeys),
        }
    }

    pub(crate) const fn keyed(&mut self) -> Result<&mut Frames, Code> {
        match self {
            Self::Shared(_) => Err(Code::OtherKeys),
            Self::Keyed(frames) => Ok(frames),
        }
    }

    pub(crate) fn ratchet(&mut self) -> Result<Kid, Code> {
        match self {
            Self::Shared(call) => call.ratchet().map_err(Code::of_call),
            Self::Keyed(frames) => frames.ratchet().map_err(Code::of_key),
        }
    }

    pub(crate) fn remove(&mut self, member: u16) {
        match self {
            Self::Shared(call) => call.remove_member(member),
            Self::Keyed(frames) => frames.forget(member),
        }
    }

    pub(crate) const fn kid(&self) -> Kid {
        match self {
            Self::Shared(call) => call.kid(),
            Self::Keyed(frames) => frames.kid(),
        }
    }

    pub(crate) fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        match self {
            Self::Shared(call) => call.expose_key(kid),
            Self::Keyed(frames) => frames.expose_key(kid),
        }
    }

    pub(crate) const fn erasures(&self) -> u32 {
        match self {
            Self::Shared(call) => call.erasures(),
            Self::Keyed(frames) => frames.erasures(),
        }
    }

    /// What seals and opens.
    pub(crate) fn frames(&mut self) -> &mut Frames {
        match self {
            Self::Shared(call) => call.frames(),
            Self::Keyed(frames) => frames,
        }
    }
}
