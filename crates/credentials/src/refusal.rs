//! Why a credential is refused.

use core::fmt;

/// Why a credential is refused, and what to do. Whoever is refused is not admitted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// More than [`MAX_CREDENTIAL_LENGTH`](crate::MAX_CREDENTIAL_LENGTH) bytes. Refuse.
    TooLarge,
    /// Not of this judge's kind, or cut before that shows. Ask another judge, or refuse.
    NotThisKind,
    /// Of this judge's kind, and broken: cut, trailing bytes, a field missing or of another type.
    /// Refuse.
    Malformed,
    /// Of another issuer. Ask another judge, or refuse.
    WrongIssuer,
    /// Made for another application (`aud`, `azp`). Refuse.
    WrongAudience,
    /// Made for another purpose: no ID token, or a certificate that is not for client
    /// authentication. Refuse.
    WrongPurpose,
    /// Signed with a key that the provider's key set does not have. Fetch the set again, at most
    /// once a minute, and judge again.
    UnknownKey,
    /// Not signed, by a shared secret, or by another algorithm than the key is for. Refuse: this is
    /// an attack, or a provider that signs otherwise than RS256, ES256 or EdDSA.
    WrongAlgorithm,
    /// The signature does not verify: changed, or signed by somebody else. Refuse.
    BadSignature,
    /// Certificates that lead to no trust anchor, break its rules, or of which one is not needed.
    /// Refuse.
    UntrustedChain,
    /// A certificate of the chain was revoked. Refuse, and remove the member if it is in the call.
    Revoked,
    /// No valid revocation list covers a certificate of the chain. Fetch the lists again, and judge
    /// again.
    RevocationUnknown,
    /// Not valid yet, or issued in the future. Check the clock; the other side tries again later.
    NotYetValid,
    /// No longer valid, or older than allowed. The other side gets a new one and joins again.
    Expired,
    /// Names no identity key: a bearer token, which anybody may have copied. Refuse; the other side
    /// asks its provider for a token with the right nonce or `cnf`.
    NotBound,
    /// Names another identity key: copied from somebody, or that person's own from another device.
    /// Refuse.
    WrongIdentity,
    /// Names another call, or none though one is demanded. Refuse.
    WrongCall,
    /// Names nobody: the claim or name is missing, empty, given more than once, or has control
    /// characters in it. Refuse.
    NoUser,
    /// Names an e-mail address that the provider has not verified. Refuse; the user verifies it
    /// there.
    UnverifiedEmail,
    /// Neither the user nor the identity is in the list. Ask another judge, or refuse.
    NotListed,
    /// A user of the list with an identity that the list does not have: another device, or somebody
    /// else. Say so to people by name, and refuse until the list has it.
    ChangedIdentity {
        /// Whom the credential claims to be.
        user: String,
    },
}

impl Refusal {
    /// Whether another judge may well accept the credential.
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
            Self::WrongIssuer => "the credential is of another issuer",
            Self::WrongAudience => "the credential is for another application",
            Self::WrongPurpose => "the credential is for another purpose",
            Self::UnknownKey => "the credential is signed with an unknown key",
            Self::WrongAlgorithm => "the credential is signed by another algorithm than its key is for",
            Self::BadSignature => "the credential's signature does not verify",
            Self::UntrustedChain => "the certificates lead to no trust anchor",
            Self::Revoked => "a certificate was revoked",
            Self::RevocationUnknown => "no valid revocation list covers a certificate",
            Self::NotYetValid => "the credential is not valid yet",
            Self::Expired => "the credential is no longer valid",
            Self::NotBound => "the credential names no identity key",
            Self::WrongIdentity => "the credential names another identity key",
            Self::WrongCall => "the credential does not name this call",
            Self::NoUser => "the credential names nobody",
            Self::UnverifiedEmail => "the e-mail address is not verified",
            Self::NotListed => "neither user nor identity is listed",
            Self::ChangedIdentity { user } => {
                return write!(f, "{user} is listed with another identity key");
            }
        })
    }
}

impl core::error::Error for Refusal {}
