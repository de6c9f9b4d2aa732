//! Why a credential is refused.

use core::fmt;

/// Why a credential is refused, and what to do. A member whose credential is refused must not be
/// admitted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// More than [`MAX_CREDENTIAL_LENGTH`](crate::MAX_CREDENTIAL_LENGTH) bytes. Refuse.
    TooLarge,
    /// Not of this judge's kind, or too short to tell. Ask another judge, or refuse.
    NotThisKind,
    /// Of this judge's kind, but invalid: truncated, trailing bytes, a field missing or of another
    /// type. Refuse.
    Malformed,
    /// From another issuer. Ask another judge, or refuse.
    WrongIssuer,
    /// For another application (`aud`, `azp`). Refuse.
    WrongAudience,
    /// For another purpose: not an ID token, or a certificate that is not for client
    /// authentication. Refuse.
    WrongPurpose,
    /// Signed with a key that is not in the provider's key set. Fetch the set again, at most once a
    /// minute, and judge again.
    UnknownKey,
    /// Not signed, authenticated by a shared secret, or signed with another algorithm than the
    /// key's. Refuse: this is an attack, or a provider that does not use RS256, ES256 or EdDSA.
    WrongAlgorithm,
    /// The signature does not verify: the credential was changed, or signed with another key.
    /// Refuse.
    BadSignature,
    /// The certificates do not lead to a trust anchor, violate its rules, or include an unnecessary
    /// one. Refuse.
    UntrustedChain,
    /// A certificate of the chain was revoked. Refuse, and remove the member if it is in the call.
    Revoked,
    /// No valid revocation list covers a certificate of the chain. Fetch the lists again, and judge
    /// again.
    RevocationUnknown,
    /// Not valid yet, or issued in the future. Check the clock; the other side should try again
    /// later.
    NotYetValid,
    /// No longer valid, or older than allowed. The other side should get a new one and join again.
    Expired,
    /// Names no identity key: a bearer token, which anybody may have copied. Refuse; the other side
    /// should ask its provider for a token with the right nonce or `cnf`.
    NotBound,
    /// Names another identity key: copied, or the same person's from another device. Refuse.
    WrongIdentity,
    /// Names another call, or none although one is required. Refuse.
    WrongCall,
    /// Names no user: the claim or name is missing, empty, ambiguous, or has control characters.
    /// Refuse.
    NoUser,
    /// Names an e-mail address that the provider has not verified. Refuse; the user should verify
    /// it there.
    UnverifiedEmail,
    /// Neither the user nor the identity is in the list. Ask another judge, or refuse.
    NotListed,
    /// A user of the list with an identity that is not in the list: another device, or an impostor.
    /// Tell people the name, and refuse until the list has the identity.
    ChangedIdentity {
        /// The user that the credential names.
        user: String,
    },
}

impl Refusal {
    /// Whether another judge might accept the credential.
    #[must_use]
    pub const fn is_for_another_judge(&self) -> bool {
        match self {
            Self::NotThisKind | Self::WrongIssuer | Self::NotListed => true,
            Self::TooLarge
            | Self::Malformed
            | Self::WrongAudience
            | Self::WrongPurpose
            | Self::UnknownKey
            | Self::WrongAlgorithm
            | Self::BadSignature
            | Self::UntrustedChain
            | Self::Revoked
            | Self::RevocationUnknown
            | Self::NotYetValid
            | Self::Expired
            | Self::NotBound
            | Self::WrongIdentity
            | Self::WrongCall
            | Self::NoUser
            | Self::UnverifiedEmail
            | Self::ChangedIdentity { .. } => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the credential is too large",
            Self::NotThisKind => "the credential is of another kind",
            Self::Malformed => "the credential is malformed",
            Self::WrongIssuer => "the credential is from another issuer",
            Self::WrongAudience => "the credential is for another application",
            Self::WrongPurpose => "the credential is for another purpose",
            Self::UnknownKey => "the credential is signed with an unknown key",
            Self::WrongAlgorithm => "the credential is not signed with its key's algorithm",
            Self::BadSignature => "the credential's signature does not verify",
            Self::UntrustedChain => "the certificates do not lead to a trust anchor",
            Self::Revoked => "a certificate was revoked",
            Self::RevocationUnknown => "no valid revocation list covers a certificate",
            Self::NotYetValid => "the credential is not valid yet",
            Self::Expired => "the credential is no longer valid",
            Self::NotBound => "the credential names no identity key",
            Self::WrongIdentity => "the credential names another identity key",
            Self::WrongCall => "the credential does not name this call",
            Self::NoUser => "the credential names no user",
            Self::UnverifiedEmail => "the e-mail address is not verified",
            Self::NotListed => "neither the user nor the identity is listed",
            Self::ChangedIdentity { user } => {
                return write!(f, "{user} is listed with another identity key");
            }
        })
    }
}

impl core::error::Error for Refusal {}
