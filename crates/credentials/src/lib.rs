//! Judges for credentials, which prove who holds an identity key.
//!
//! In a call each member announces an Ed25519 identity key with a credential, and the application
//! decides whose it is. Announces are broadcast: everybody in the call, and the server, can copy a
//! credential. So a credential that does not **name or sign the identity key** proves nothing, and
//! each judge here refuses it. A credential should also name the call; if it does, the name is
//! checked.
//!
//! | organisation has | judge | credential |
//! |---|---|---|
//! | any OpenID Connect provider | [`oidc::Oidc`] | an ID token with [`oidc::nonce`] |
//! | a provider that writes `cnf` (RFC 7800) | [`oidc::Oidc`] | an ID token with the key in `cnf` |
//! | certificates for people or devices | [`x509::X509`] | [`x509::credential`]: chain, signature |
//! | a list of keys | [`Listed`] | the user's name, or nothing |
//! | several of these | [`AnyOf`] | one of any of them |
//!
//! [`Cached`] around a judge makes repeated verdicts cheap. Formats: `FORMATS.md` beside this
//! crate; vectors for other implementations: `crates/testkit/vectors/credentials`.
//!
//! ```
//! use sealframe_credentials::{Judge, KnownIdentities, Listed, Refusal};
//!
//! let identity = [7; 32]; // from the announce
//! let list = format!("# our team\n{} alice@example.org\n", "07".repeat(32));
//! let judge = Listed::new(list.parse::<KnownIdentities>()?);
//!
//! let verified = judge.judge(&identity, b"call 1", b"alice@example.org", 1_800_000_000)?;
//! assert_eq!(verified.user, "alice@example.org");
//!
//! let copied = judge.judge(&[8; 32], b"call 1", b"alice@example.org", 1_800_000_000);
//! assert_eq!(copied, Err(Refusal::ChangedIdentity { user: "alice@example.org".into() }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No judge opens a connection, reads a file or a clock: keys, certificates, lists and the time are
//! arguments.
#![forbid(unsafe_code)]

mod any;
mod binding;
mod cached;
mod known;
#[cfg(feature = "oidc")]
pub mod oidc;
mod refusal;
mod replaceable;

#[cfg(feature = "x509")]
pub mod x509;

pub use any::AnyOf;
pub use binding::statement;
pub use cached::Cached;
pub use known::{KnownIdentities, ListError, ListProblem, Listed};
pub use refusal::Refusal;

use std::sync::Arc;

/// Bytes of a public Ed25519 key (RFC 8032 §5.1.5).
pub const IDENTITY_LENGTH: usize = 32;

/// Longest credential, in bytes: the limit of the group protocol's announce.
pub const MAX_CREDENTIAL_LENGTH: usize = 4096;

/// Decides whose an identity key is.
pub trait Judge: Send + Sync {
    /// Judges one announce.
    ///
    /// * `identity`: the Ed25519 key that signed the announce. The group protocol verifies that
    ///   signature; it is not checked here.
    /// * `group_id`: the application's name for the call, any bytes.
    /// * `credential`: at most [`MAX_CREDENTIAL_LENGTH`] bytes, untrusted.
    /// * `now`: seconds since the Unix epoch, from a clock that the server of the call does not
    ///   control.
    ///
    /// # Errors
    /// [`Refusal`] gives the reason, and what the caller should do. Nothing has changed then.
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal>;

    /// A number that changes whenever the judge's trust changes (keys, lists, revocations): earlier
    /// verdicts must not be reused then.
    fn revision(&self) -> u64;
}

/// The owner of an identity key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The person's name, unique among those of the judge. Never empty, without control characters.
    pub user: String,
    /// The first second since the Unix epoch at which the verdict no longer holds; `None` if it
    /// does not expire.
    pub expires_at: Option<u64>,
    /// Whether the credential is for this call alone. If not, it is valid in every other call, for
    /// the same identity.
    pub names_call: bool,
}

impl<J: Judge + ?Sized> Judge for Arc<J> {
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal> {
        (**self).judge(identity, group_id, credential, now)
    }

    fn revision(&self) -> u64 {
        (**self).revision()
    }
}

impl<J: Judge + ?Sized> Judge for Box<J> {
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal> {
        (**self).judge(identity, group_id, credential, now)
    }

    fn revision(&self) -> u64 {
        (**self).revision()
    }
}

/// The first check of every judge.
fn checked_length(credential: &[u8]) -> Result<(), Refusal> {
    if credential.len() > MAX_CREDENTIAL_LENGTH { Err(Refusal::TooLarge) } else { Ok(()) }
}

/// Whether a name is not empty, not blank, and free of control characters.
fn is_name(user: &str) -> bool {
    !user.trim().is_empty() && !user.chars().any(char::is_control)
}
