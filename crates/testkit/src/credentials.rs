//! Credentials that judges accept or refuse: `vectors/credentials/`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{hex::Hex, rfc9605::read};

/// All of `credentials.json`.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Values derived from an identity and a group id.
    pub derived: Vec<Derived>,
    /// Key sets of providers, by name.
    pub key_sets: BTreeMap<String, KeySetVector>,
    /// Texts that are not key sets.
    pub no_key_sets: Vec<NoKeySet>,
    /// The issuer of tokens whose setup names none.
    pub issuer: String,
    /// The audiences of tokens whose setup names none.
    pub audiences: Vec<String>,
    /// ID tokens.
    pub oidc: Vec<Token>,
    /// Chains with a signature.
    pub x509: Vec<Chain>,
    /// A list of known identities.
    pub list: List,
    /// Secret keys for making credentials.
    pub leaves: Vec<Leaf>,
}

/// Values derived from an identity and a group id.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    /// 32 bytes.
    pub identity: Hex,
    /// Any bytes.
    pub group_id: Hex,
    /// The bytes that a leaf's key signs.
    pub statement: Hex,
    /// For any call.
    pub nonce: String,
    /// For this call.
    pub nonce_of_call: String,
    /// RFC 7638.
    pub thumbprint: String,
}

/// A provider's key set.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct KeySetVector {
    /// The document.
    pub json: String,
    /// Number of usable keys.
    pub usable: usize,
}

/// A text that is not a key set.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct NoKeySet {
    /// The document.
    pub json: String,
    /// The error's name.
    pub problem: String,
}

/// A judge's positive verdict.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// The user.
    pub user: String,
    /// The first second after its validity.
    pub expires_at: Option<u64>,
    /// Whether the credential is for this call alone.
    pub names_call: bool,
}

/// An ID token.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The special property of this case.
    pub name: String,
    /// The token.
    pub credential: String,
    /// The identity that presents it.
    pub identity: Hex,
    /// The call.
    pub group_id: Hex,
    /// The time.
    pub now: u64,
    /// Name of the key set.
    pub keys: String,
    /// How the judge is configured.
    pub setup: Setup,
    /// If it is accepted.
    pub accepted: Option<Accepted>,
    /// The refusal's name, if it is not.
    pub refusal: Option<String>,
}

/// The configuration of a judge of ID tokens; absent fields are as in a new judge.
#[derive(Deserialize, Debug, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Setup {
    /// The issuer.
    pub issuer: Option<String>,
    /// Client ids of the application.
    pub audiences: Option<Vec<String>>,
    /// `email`, or another claim.
    pub user_claim: Option<String>,
    /// A list of `cnf` and `nonce`.
    pub bindings: Option<Vec<String>>,
    /// Seconds.
    pub leeway: Option<u64>,
    /// A lifetime in seconds from `iat`.
    pub since_issued: Option<u64>,
    /// Whether there is no maximum age.
    pub any_age: bool,
    /// The claim that names the call.
    pub call_claim: Option<String>,
    /// `base64url`, or unchanged.
    pub call_form: Option<String>,
    /// Whether the call must be named.
    pub call_required: bool,
}

/// A chain with a signature.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Chain {
    /// The special property of this case.
    pub name: String,
    /// The credential.
    pub credential: Hex,
    /// The identity that presents it.
    pub identity: Hex,
    /// The call.
    pub group_id: Hex,
    /// The time.
    pub now: u64,
    /// `email`, `uri` or `dns`.
    pub kind: String,
    /// Trust anchors.
    pub anchors: Vec<Hex>,
    /// Revocation lists.
    pub revocations: Vec<Hex>,
    /// `leaf` or `chain`.
    pub reach: String,
    /// If it is accepted.
    pub accepted: Option<Accepted>,
    /// The refusal's name, if it is not.
    pub refusal: Option<String>,
}

/// A list of known identities.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// The list.
    pub text: String,
    /// Cases judged with the list.
    pub cases: Vec<ListCase>,
    /// Texts that are not lists.
    pub no_lists: Vec<NoList>,
}

/// A case judged with a list.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct ListCase {
    /// The special property of this case.
    pub name: String,
    /// The credential.
    pub credential: Hex,
    /// The identity that presents it.
    pub identity: Hex,
    /// If it is accepted.
    pub accepted: Option<Accepted>,
    /// The refusal's name, if it is not.
    pub refusal: Option<String>,
    /// The user named by the refusal.
    pub named: Option<String>,
}

/// A text that is not a list.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct NoList {
    /// The text.
    pub text: String,
    /// The wrong line, counted from 1.
    pub line: usize,
    /// The error in it.
    pub problem: String,
}

/// A certificate's secret key.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// `ed25519`, `p256`, `p384` or `rsa`.
    pub kind: String,
    /// PKCS #8.
    pub key: Hex,
    /// The leaf and its issuer.
    pub chain: Vec<Hex>,
    /// The trust anchor.
    pub anchor: Hex,
}

/// All of the file.
#[must_use]
pub fn all() -> Credentials {
    read(include_str!("../vectors/credentials/credentials.json"))
}
