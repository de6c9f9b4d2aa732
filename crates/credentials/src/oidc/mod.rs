//! ID tokens of OpenID Connect providers.
//!
//! An ID token is a bearer token: anyone who sees it can present it. It becomes a credential by
//! naming the identity key. Every provider supports that, since it copies the client's `nonce` into
//! the token unread (OpenID Connect Core 1.0 §3.1.2.1): request the token with [`nonce`] or
//! [`nonce_of_call`]. OpenPubkey binds keys in the same way. A configurable provider may instead
//! write the key into `cnf` (RFC 7800), as `jwk` or as `jkt` ([`thumbprint`]).
//!
//! The application must still do this:
//! * Request the token by the authorization code flow with PKCE (RFC 7636) and with its own
//!   `state`, and drop responses that it has not requested: otherwise an attacker makes a user log
//!   in with the *attacker's* nonce and takes the user's name.
//! * Fetch the provider's key set over TLS, again every few hours, and on [`Refusal::UnknownKey`].
//! * Issue no token for one of its own `aud` values that another program can request with a nonce
//!   of its choice.
//!
//! The server of the call sees every credential, including the e-mail address and everything else
//! that the provider writes into the token.
//!
//! ```
//! use sealframe_credentials::{Judge, Refusal, oidc::{KeySet, Oidc}};
//!
//! let key_set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"2026-11",
//!     "alg":"EdDSA","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
//! let judge = Oidc::new("https://login.example.org", ["our-client-id"], KeySet::parse(key_set)?)?;
//!
//! // Made once, before logging in, and sent as `nonce` in the authorization request.
//! let identity = [7; 32];
//! assert_eq!(sealframe_credentials::oidc::nonce(&identity).len(), 43);
//!
//! let verdict = judge.judge(&identity, b"call 1", b"not a token", 1_800_000_000);
//! assert_eq!(verdict, Err(Refusal::NotThisKind));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod key_claims;
mod key_set;
mod token;

use core::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

pub use key_claims::{nonce, nonce_of_call, thumbprint};
pub use key_set::{KeySet, KeySetError};
use token::{Claims, Token};

use crate::{
    IDENTITY_LENGTH, Judge, Refusal, Verified, checked_length, is_name, replaceable::Replaceable,
};

/// The claim that names the user.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum UserClaim {
    /// `iss|sub`: never reassigned to another user (OpenID Connect Core 1.0 §5.7).
    #[default]
    Subject,
    /// `email`, if `email_verified` is true (or `"true"`, as some providers write it). Addresses
    /// may be reassigned over the years.
    Email,
    /// `iss|` and the value of this claim, which must be text. Choose one that users cannot change
    /// themselves.
    Other(String),
}

/// Where an ID token names the identity key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Binding {
    /// In `cnf`, as `jwk` or `jkt` (RFC 7800 §3.2, RFC 9449 §6.1). If it names a key, the nonce is
    /// ignored.
    Confirmation,
    /// In `nonce`, with the value of [`nonce`] or [`nonce_of_call`].
    Nonce,
}

/// How long an ID token is valid as a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lifetime {
    /// Until its `exp`, and at most this many seconds from its `iat`.
    Token {
        /// `None`: until `exp`, whenever it was issued.
        max_age: Option<u64>,
    },
    /// For this many seconds from its `iat`, whatever `exp` says: for providers whose tokens expire
    /// after minutes, in calls of hours that people may join late. A former user of the provider
    /// can stay a user of the call for that time.
    SinceIssued(u64),
}

/// The form of the group id in a claim.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CallForm {
    /// Unchanged: the group id is UTF-8.
    Text,
    /// In base64url without padding.
    Base64Url,
}

/// Judges ID tokens of one issuer for one application. For several issuers combine several judges
/// with [`AnyOf`](crate::AnyOf).
///
/// It accepts RS256, ES256 and EdDSA (RFC 7518 §3, RFC 8037), depending on the key: a token that
/// names another algorithm is refused.
#[derive(Debug)]
pub struct Oidc {
    issuer: String,
    audiences: Vec<String>,
    keys: Replaceable<KeySet>,
    user: UserClaim,
    bindings: Vec<Binding>,
    leeway: u64,
    lifetime: Lifetime,
    call_claim: Option<(String, CallForm)>,
    call_required: bool,
}

/// An invalid configuration.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SetupError {
    /// The issuer is empty, or has a `|`, which no URL has. Use the text of the provider's
    /// `issuer`.
    Issuer,
    /// There is no audience, or an empty one. Use the application's client ids.
    Audience,
    /// The name of a claim is empty. Give its name.
    Claim,
    /// Neither `cnf` nor nonce is allowed. Allow one.
    Binding,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issuer => "the issuer is empty or has a `|`",
            Self::Audience => "an audience is missing or empty",
            Self::Claim => "the name of a claim is empty",
            Self::Binding => "neither `cnf` nor nonce is allowed",
        })
    }
}

impl core::error::Error for SetupError {}

impl Oidc {
    /// Judges tokens of `issuer` for one of `audiences` (client ids of the application), signed
    /// with one of `keys`.
    ///
    /// Defaults: the user is `iss|sub`, both bindings are allowed, the leeway is 60 s, a token is
    /// valid until `exp` but at most 24 h from `iat`, in any call.
    ///
    /// # Errors
    /// [`SetupError::Issuer`], [`SetupError::Audience`].
    pub fn new<A: Into<String>>(
        issuer: &str,
        audiences: impl IntoIterator<Item = A>,
        keys: KeySet,
    ) -> Result<Self, SetupError> {
        let audiences: Vec<String> = audiences.into_iter().map(Into::into).collect();
        if issuer.is_empty() || issuer.contains('|') {
            return Err(SetupError::Issuer);
        }
        if audiences.is_empty() || audiences.iter().any(String::is_empty) {
            return Err(SetupError::Audience);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            audiences,
            keys: Replaceable::new(keys),
            user: UserClaim::Subject,
            bindings: vec![Binding::Confirmation, Binding::Nonce],
            leeway: 60,
            lifetime: Lifetime::Token { max_age: Some(24 * 60 * 60) },
            call_claim: None,
            call_required: false,
        })
    }

    /// Takes the user from this claim.
    ///
    /// # Errors
    /// [`SetupError::Claim`].
    pub fn with_user(mut self, user: UserClaim) -> Result<Self, SetupError> {
        if matches!(&user, UserClaim::Other(name) if name.is_empty()) {
            return Err(SetupError::Claim);
        }
        self.user = user;
        Ok(self)
    }

    /// Accepts identities from these places only.
    ///
    /// # Errors
    /// [`SetupError::Binding`].
    pub fn with_bindings(mut self, bindings: &[Binding]) -> Result<Self, SetupError> {
        if bindings.is_empty() {
            return Err(SetupError::Binding);
        }
        self.bindings = bindings.to_vec();
        Ok(self)
    }

    /// Sets by how many seconds clocks may differ.
    #[must_use]
    pub const fn with_leeway(mut self, seconds: u64) -> Self {
        self.leeway = seconds;
        self
    }

    /// Sets how long a token is valid as a credential.
    #[must_use]
    pub const fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets a claim that names the call, if it is present.
    ///
    /// # Errors
    /// [`SetupError::Claim`].
    pub fn with_call_claim(mut self, name: &str, form: CallForm) -> Result<Self, SetupError> {
        if name.is_empty() {
            return Err(SetupError::Claim);
        }
        self.call_claim = Some((name.to_owned(), form));
        Ok(self)
    }

    /// Refuses a token that names the call neither by [`nonce_of_call`] nor by the claim of
    /// [`Oidc::with_call_claim`].
    #[must_use]
    pub const fn with_call_required(mut self) -> Self {
        self.call_required = true;
        self
    }

    /// Replaces the provider's keys: they change every few weeks, and at once if one is lost.
    pub fn replace_keys(&self, keys: KeySet) {
        self.keys.replace(keys);
    }

    /// Every audience must be one of the application's, and so must the authorized party (OpenID
    /// Connect Core 1.0 §3.1.3.7).
    fn check_audience(&self, claims: &Claims) -> Result<(), Refusal> {
        let audiences = claims.audiences()?;
        let authorized = claims.text("azp")?;
        let mut named = audiences.into_iter().chain(authorized);
        if named.all(|name| self.audiences.iter().any(|ours| ours == name)) {
            Ok(())
        } else {
            Err(Refusal::WrongAudience)
        }
    }

    /// Returns when the token expires as a credential.
    fn check_time(&self, claims: &Claims, now: u64) -> Result<u64, Refusal> {
        let expiry = claims.seconds("exp")?.ok_or(Refusal::Malformed)?;
        let issued = claims.seconds("iat")?.ok_or(Refusal::Malformed)?;
        let not_before = claims.seconds("nbf")?.unwrap_or(0).max(issued);
        if not_before > now.saturating_add(self.leeway) {
            return Err(Refusal::NotYetValid);
        }
        let end = match self.lifetime {
            Lifetime::Token { max_age: None } => expiry,
            Lifetime::Token { max_age: Some(age) } => expiry.min(issued.saturating_add(age)),
            Lifetime::SinceIssued(age) => issued.saturating_add(age),
        };
        let end = end.saturating_add(self.leeway);
        if now < end { Ok(end) } else { Err(Refusal::Expired) }
    }

    /// Returns also whether the call is named.
    fn check_binding(
        &self,
        claims: &Claims,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
    ) -> Result<bool, Refusal> {
        if self.bindings.contains(&Binding::Confirmation)
            && let Some(matches) = claims.confirms(identity)?
        {
            return if matches { Ok(false) } else { Err(Refusal::WrongIdentity) };
        }
        if !self.bindings.contains(&Binding::Nonce) {
            return Err(Refusal::NotBound);
        }
        match claims.text("nonce")? {
            None => Err(Refusal::NotBound),
            Some(text) if text == nonce_of_call(group_id, identity) => Ok(true),
            Some(text) if text == nonce(identity) => Ok(false),
            Some(_) => Err(Refusal::WrongIdentity),
        }
    }

    /// Returns whether the claim names this call; false without a claim.
    fn check_call_claim(&self, claims: &Claims, group_id: &[u8]) -> Result<bool, Refusal> {
        let Some((name, form)) = &self.call_claim else { return Ok(false) };
        let Some(text) = claims.text(name)? else { return Ok(false) };
        let is_this = match form {
            CallForm::Text => text.as_bytes() == group_id,
            CallForm::Base64Url => text == URL_SAFE_NO_PAD.encode(group_id),
        };
        if is_this { Ok(true) } else { Err(Refusal::WrongCall) }
    }

    fn user_of(&self, claims: &Claims) -> Result<String, Refusal> {
        let named = |claim: &str| {
            let value = claims.text(claim)?.unwrap_or_default();
            if is_name(value) { Ok(value) } else { Err(Refusal::NoUser) }
        };
        let of_issuer = |claim: &str| Ok(format!("{}|{}", self.issuer, named(claim)?));
        match &self.user {
            UserClaim::Subject => of_issuer("sub"),
            UserClaim::Other(claim) => of_issuer(claim),
            UserClaim::Email => {
                let address = named("email")?;
                if claims.email_is_verified() {
                    Ok(address.to_owned())
                } else {
                    Err(Refusal::UnverifiedEmail)
                }
            }
        }
    }
}

impl Judge for Oidc {
    /// # Errors
    /// All of [`Refusal`] except those of certificates and lists, in the order of `FORMATS.md` §1.
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal> {
        checked_length(credential)?;
        let token = Token::parse(credential)?;
        if token.claims.text("iss")?.ok_or(Refusal::Malformed)? != self.issuer {
            return Err(Refusal::WrongIssuer);
        }
        token.verify(&self.keys.get())?;
        let claims = &token.claims;
        self.check_audience(claims)?;
        let expires_at = self.check_time(claims, now)?;
        let nonce_names_call = self.check_binding(claims, identity, group_id)?;
        let names_call = self.check_call_claim(claims, group_id)? || nonce_names_call;
        if self.call_required && !names_call {
            return Err(Refusal::WrongCall);
        }
        Ok(Verified { user: self.user_of(claims)?, expires_at: Some(expires_at), names_call })
    }

    fn revision(&self) -> u64 {
        self.keys.revision()
    }
}
