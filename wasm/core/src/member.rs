//! A member's frames, for both sources of keys.

use sealframe::{Frames, Header, Kid, MemberId, SharedSecretCall};

use crate::error_code::ErrorCode;

pub(crate) enum Member {
    /// Keys are derived from a shared secret.
    Shared(SharedSecretCall),
    /// Keys come from another module, through the page's worker.
    Keyed(Keyed),
}

/// Frames whose keys come from another module.
pub(crate) struct Keyed {
    pub(crate) frames: Frames,
    /// The source of each member, as the worker numbers them, ascending by member. A source may
    /// have several members, one after the other.
    pub(crate) sources: Vec<(MemberId, u32)>,
    /// The member of the last frame whose key is not held.
    pub(crate) missed: MemberId,
}

impl Keyed {
    /// Index of a member's source, or where to insert it.
    fn source_of(&self, member: MemberId) -> Result<usize, usize> {
        self.sources.binary_search_by_key(&member, |(of, _)| *of)
    }

    pub(crate) fn set_source(&mut self, member: MemberId, source: u32) {
        match self.source_of(member) {
            Ok(at) => self.sources[at].1 = source,
            Err(at) => self.sources.insert(at, (member, source)),
        }
    }

    /// The member of a frame, by the header at its start, if the member has this source.
    fn member_of(&mut self, source: u32, sealed: &[u8]) -> Result<MemberId, ErrorCode> {
        let header = Header::parse(sealed).map_err(|_| ErrorCode::HeaderInvalid)?;
        let member = Frames::member_of(header.kid());
        match self.source_of(member).ok().and_then(|at| self.sources.get(at)) {
            Some((_, of)) if *of == source => {
                self.missed = member;
                Ok(member)
            }
            Some(_) => Err(ErrorCode::OtherMember),
            None => {
                self.missed = member;
                Err(ErrorCode::UnknownKey)
            }
        }
    }
}

impl Member {
    pub(crate) const fn shared(&mut self) -> Result<&mut SharedSecretCall, ErrorCode> {
        match self {
            Self::Shared(call) => Ok(call),
            Self::Keyed(_) => Err(ErrorCode::OtherKeys),
        }
    }

    pub(crate) const fn keyed(&mut self) -> Result<&mut Keyed, ErrorCode> {
        match self {
            Self::Shared(_) => Err(ErrorCode::OtherKeys),
            Self::Keyed(keyed) => Ok(keyed),
        }
    }

    /// The member of a frame, by the header at its start, if the frame is from this source; in a
    /// shared-secret call, from this member.
    pub(crate) fn member_of(&mut self, source: u32, sealed: &[u8]) -> Result<MemberId, ErrorCode> {
        match self {
            Self::Shared(_) => {
                u16::try_from(source).map(MemberId::new).map_err(|_| ErrorCode::OtherMember)
            }
            Self::Keyed(keyed) => keyed.member_of(source, sealed),
        }
    }

    pub(crate) fn ratchet(&mut self) -> Result<Kid, ErrorCode> {
        match self {
            Self::Shared(call) => call.ratchet().map_err(ErrorCode::from_call),
            Self::Keyed(keyed) => keyed.frames.ratchet().map_err(ErrorCode::from_key),
        }
    }

    pub(crate) fn remove(&mut self, member: MemberId) {
        match self {
            Self::Shared(call) => call.remove_member(member),
            Self::Keyed(keyed) => {
                keyed.frames.forget(member);
                if let Ok(at) = keyed.source_of(member) {
                    keyed.sources.remove(at);
                }
            }
        }
    }

    pub(crate) const fn kid(&self) -> Kid {
        match self {
            Self::Shared(call) => call.kid(),
            Self::Keyed(keyed) => keyed.frames.kid(),
        }
    }

    pub(crate) fn expose_key(&self, kid: Kid) -> Option<&[u8]> {
        match self {
            Self::Shared(call) => call.expose_key(kid),
            Self::Keyed(keyed) => keyed.frames.expose_key(kid),
        }
    }

    pub(crate) const fn erasures(&self) -> u32 {
        match self {
            Self::Shared(call) => call.erasures(),
            Self::Keyed(keyed) => keyed.frames.erasures(),
        }
    }

    /// The sender and receivers.
    pub(crate) fn frames(&mut self) -> &mut Frames {
        match self {
            Self::Shared(call) => call.frames(),
            Self::Keyed(keyed) => &mut keyed.frames,
        }
    }
}
