//! A member's frames, by whichever way its keys come.

use sealframe::{Frames, Header, Kid, MemberId, SharedSecretCall};

use crate::error_code::ErrorCode;

pub(crate) enum Member {
    /// Keys are derived from a secret that all share.
    Shared(SharedSecretCall),
    /// Keys are handed in: the page's worker has them of another module.
    Keyed(Keyed),
}

/// Frames whose keys are handed in.
pub(crate) struct Keyed {
    pub(crate) frames: Frames,
    /// By member: the source whose frames are its, as the worker numbers them. A source may have
    /// several members, one after the other.
    pub(crate) sources: Vec<(MemberId, u32)>,
    /// The member of the last frame whose key was not there.
    pub(crate) missed: MemberId,
}

impl Keyed {
    /// Where a member's source is, or belongs.
    fn source_of(&self, member: MemberId) -> Result<usize, usize> {
        self.sources.binary_search_by_key(&member, |(of, _)| *of)
    }

    pub(crate) fn set_source(&mut self, member: MemberId, source: u32) {
        match self.source_of(member) {
            Ok(at) => self.sources[at].1 = source,
            Err(at) => self.sources.insert(at, (member, source)),
        }
    }

    /// Whose frame this is, whose header comes first, if its member is of this source.
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

    /// Whose frame this is, whose header comes first, if it is of this source: of this member,
    /// where all share a secret.
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

    /// What seals and opens.
    pub(crate) fn frames(&mut self) -> &mut Frames {
        match self {
            Self::Shared(call) => call.frames(),
            Self::Keyed(keyed) => &mut keyed.frames,
        }
    }
}
