//! Certificates with a signature.
//!
//! A certificate names no identity key, and it is public. So the credential is the chain with a
//! signature by the leaf's key over this identity in this call ([`statement`]; `FORMATS.md` §2).
//! The leaf's key signs nothing else of this form: TLS prefixes its signed data with other bytes
//! (RFC 8446 §4.4.3).

use core::{fmt, time::Duration};

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
    anchor_from_trusted_cert,
    ring::{
        ECDSA_P256_SHA256, ECDSA_P256_SHA384, ECDSA_P384_SHA256, ECDSA_P384_SHA384, ED25519,
        RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PSS_2048_8192_SHA256_LEGACY_KEY, RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    },
};
use x509_cert::{
    TbsCertificate,
    certificate::Certificate,
    der::{
        Decode,
        oid::{AssociatedOid, db::rfc5280::ID_KP_CLIENT_AUTH},
    },
    ext::pkix::{ExtendedKeyUsage, KeyUsage as Usages, SubjectAltName, name::GeneralName},
};

use crate::{
    IDENTITY_LENGTH, Judge, MAX_CREDENTIAL_LENGTH, Refusal, Verified, checked_length, is_name,
    replaceable::Replaceable, statement,
};

/// First byte of the encoding. No ID token and no name begins with it.
const VERSION: u8 = 1;

/// The algorithms with which certificates may be signed.
const CHAIN_ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    ECDSA_P256_SHA256,
    ECDSA_P256_SHA384,
    ECDSA_P384_SHA256,
    ECDSA_P384_SHA384,
    ED25519,
    RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// The leaf's signature scheme, with TLS's numbers (RFC 8446 §4.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5 with SHA-256, keys of 2048 to 8192 bits.
    RsaPkcs1Sha256 = 0x0401,
    /// ECDSA on P-256 with SHA-256, in DER.
    EcdsaP256Sha256 = 0x0403,
    /// ECDSA on P-384 with SHA-384, in DER.
    EcdsaP384Sha384 = 0x0503,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes, keys of 2048 to 8192 bits.
    RsaPssSha256 = 0x0804,
    /// Ed25519.
    Ed25519 = 0x0807,
}

impl Scheme {
    const ALL: [Self; 5] = [
        Self::RsaPkcs1Sha256,
        Self::EcdsaP256Sha256,
        Self::EcdsaP384Sha384,
        Self::RsaPssSha256,
        Self::Ed25519,
    ];

    const fn number(self) -> u16 {
        self as u16
    }

    fn of(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.number() == number)
    }

    fn algorithm(self) -> &'static dyn SignatureVerificationAlgorithm {
        match self {
            Self::RsaPkcs1Sha256 => RSA_PKCS1_2048_8192_SHA256,
            Self::EcdsaP256Sha256 => ECDSA_P256_SHA256,
            Self::EcdsaP384Sha384 => ECDSA_P384_SHA384,
            Self::RsaPssSha256 => RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            Self::Ed25519 => ED25519,
        }
    }
}

/// The subject alternative name (RFC 5280 §4.2.1.6) that is the user. The common name never is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NameKind {
    /// `rfc822Name`, for example `alice@example.org`.
    Email,
    /// `uniformResourceIdentifier`, for example `spiffe://example.org/alice`.
    Uri,
    /// `dNSName`, for example `room-4.example.org`. A wildcard is not a user.
    Dns,
}

/// Which certificates of a chain revocation lists must cover, if there are any.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Reach {
    /// Only the leaf.
    Leaf,
    /// The leaf and every certificate between it and the trust anchor.
    #[default]
    Chain,
}

/// Trust anchors and revocation lists.
#[derive(Debug)]
pub struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    lists: Vec<CertRevocationList<'static>>,
    reach: Reach,
}

/// Invalid trust. Keep the previous one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TrustError {
    /// There is no trust anchor: nobody could be accepted.
    NoAnchor,
    /// The certificate at this index is not valid DER.
    Anchor(usize),
    /// The revocation list at this index is not valid DER, or is a delta or an indirect one (RFC
    /// 5280 §5.2).
    RevocationList(usize),
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnchor => f.write_str("no trust anchor"),
            Self::Anchor(place) => write!(f, "trust anchor {place} is not a certificate"),
            Self::RevocationList(place) => write!(f, "revocation list {place} cannot be used"),
        }
    }
}

impl core::error::Error for TrustError {}

impl Trust {
    /// Trusts these root certificates, each in DER. Their own dates and signatures are not checked.
    ///
    /// # Errors
    /// [`TrustError::NoAnchor`], [`TrustError::Anchor`].
    pub fn new<A: AsRef<[u8]>>(anchors: impl IntoIterator<Item = A>) -> Result<Self, TrustError> {
        let anchors: Result<Vec<_>, _> = anchors
            .into_iter()
            .enumerate()
            .map(|(place, anchor)| {
                let certificate = CertificateDer::from(anchor.as_ref());
                let anchor = anchor_from_trusted_cert(&certificate);
                anchor.map(|anchor| anchor.to_owned()).map_err(|_| TrustError::Anchor(place))
            })
            .collect();
        let anchors = anchors?;
        if anchors.is_empty() {
            return Err(TrustError::NoAnchor);
        }
        Ok(Self { anchors, lists: Vec::new(), reach: Reach::Chain })
    }

    /// Adds revocation lists, each in DER: then a valid one must cover every certificate within
    /// reach, or the chain is refused as [`Refusal::RevocationUnknown`]. Without any list no
    /// certificate counts as revoked.
    ///
    /// # Errors
    /// [`TrustError::RevocationList`].
    pub fn with_revocation<L: AsRef<[u8]>>(
        mut self,
        lists: impl IntoIterator<Item = L>,
        reach: Reach,
    ) -> Result<Self, TrustError> {
        let lists: Result<Vec<_>, _> = lists
            .into_iter()
            .enumerate()
            .map(|(place, list)| {
                let list = OwnedCertRevocationList::from_der(list.as_ref());
                list.map(CertRevocationList::from).map_err(|_| TrustError::RevocationList(place))
            })
            .collect();
        self.lists = lists?;
        self.reach = reach;
        Ok(self)
    }
}

/// Judges certificate chains for client authentication (RFC 5280, extended key usage
/// `id-kp-clientAuth`), which the leaf must have, with a signature by the leaf's key.
///
/// Authorities that are constrained to certain e-mail addresses or URIs are refused as
/// [`Refusal::UntrustedChain`] if the leaf has such a name: rustls-webpki does not compare these.
#[derive(Debug)]
pub struct X509 {
    trust: Replaceable<Trust>,
    user: NameKind,
}

impl X509 {
    /// Uses this trust, and takes the user from a name of this kind.
    #[must_use]
    pub fn new(trust: Trust, user: NameKind) -> Self {
        Self { trust: Replaceable::new(trust), user }
    }

    /// Replaces anchors and revocation lists.
    pub fn replace_trust(&self, trust: Trust) {
        self.trust.replace(trust);
    }
}

impl Judge for X509 {
    /// The verdict always names the call.
    ///
    /// # Errors
    /// [`Refusal`], in the order of `FORMATS.md` §2. A signature for another identity or
    /// another call cannot be told from a wrong one: [`Refusal::BadSignature`].
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        group_id: &[u8],
        credential: &[u8],
        now: u64,
    ) -> Result<Verified, Refusal> {
        checked_length(credential)?;
        let parts = Parts::parse(credential)?;
        let leaf = EndEntityCert::try_from(&parts.leaf).map_err(|error| chain_refusal(&error))?;
        let trust = self.trust.get();
        let expires_at = check_chain(&trust, &leaf, &parts, now)?;
        let statement = statement(group_id, identity);
        leaf.verify_signature(parts.scheme.algorithm(), &statement, parts.signature)
            .map_err(|error| signature_refusal(&error))?;
        let user = user_of(&parts.leaf, self.user)?;
        Ok(Verified { user, expires_at: Some(expires_at), names_call: true })
    }

    fn revision(&self) -> u64 {
        self.trust.revision()
    }
}

/// Returns when the first of the certificates expires.
fn check_chain(
    trust: &Trust,
    leaf: &EndEntityCert<'_>,
    parts: &Parts<'_>,
    now: u64,
) -> Result<u64, Refusal> {
    let lists: Vec<&CertRevocationList<'_>> = trust.lists.iter().collect();
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
        let depth = match trust.reach {
            Reach::Leaf => RevocationCheckDepth::EndEntity,
            Reach::Chain => RevocationCheckDepth::Chain,
        };
        options
            .with_depth(depth)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build()
    });
    // Nothing verified the bytes of an unnecessary certificate.
    let needs_all = |path: &VerifiedPath<'_>| {
        if path.intermediate_certificates().count() == parts.others.len() {
            Ok(())
        } else {
            Err(webpki::Error::UnknownIssuer)
        }
    };
    leaf.verify_for_usage(
        CHAIN_ALGORITHMS,
        &trust.anchors,
        &parts.others,
        UnixTime::since_unix_epoch(Duration::from_secs(now)),
        // Authorities need it only if they list any usages; the leaf is checked below.
        KeyUsage::client_auth(),
        revocation,
        Some(&needs_all),
    )
    .map_err(|error| chain_refusal(&error))?;

    let mut end = u64::MAX;
    for (place, certificate) in core::iter::once(&parts.leaf).chain(&parts.others).enumerate() {
        let certificate = parsed(certificate)?;
        if place == 0 {
            check_purpose(certificate.tbs_certificate())?;
        }
        let last = certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs();
        end = end.min(last.saturating_add(1));
    }
    Ok(end)
}

/// Parses a certificate that rustls-webpki has verified, to read its fields.
fn parsed(certificate: &CertificateDer<'_>) -> Result<Certificate, Refusal> {
    Certificate::from_der(certificate.as_ref()).map_err(|_| Refusal::Malformed)
}

/// An extension that a certificate has at most once.
fn extension<'a, T: Decode<'a> + AssociatedOid>(
    leaf: &'a TbsCertificate,
) -> Result<Option<T>, Refusal> {
    let found = leaf.get_extension::<T>().map_err(|_| Refusal::Malformed)?;
    Ok(found.map(|(_critical, value)| value))
}

/// Requires client authentication explicitly, and a key that may sign.
fn check_purpose(leaf: &TbsCertificate) -> Result<(), Refusal> {
    let purposes = extension::<ExtendedKeyUsage>(leaf)?;
    let usage = extension::<Usages>(leaf)?;
    let for_clients = purposes.is_some_and(|purposes| purposes.0.contains(&ID_KP_CLIENT_AUTH));
    let may_sign = usage.is_none_or(|usage| usage.digital_signature());
    if for_clients && may_sign { Ok(()) } else { Err(Refusal::WrongPurpose) }
}

/// The only name of this kind. With two, neither is certain.
fn user_of(leaf: &CertificateDer<'_>, kind: NameKind) -> Result<String, Refusal> {
    let leaf = parsed(leaf)?;
    let names = extension::<SubjectAltName>(leaf.tbs_certificate())?;
    let mut users = names.iter().flat_map(|names| &names.0).filter_map(|name| match (kind, name) {
        (NameKind::Email, GeneralName::Rfc822Name(name))
        | (NameKind::Uri, GeneralName::UniformResourceIdentifier(name))
        | (NameKind::Dns, GeneralName::DnsName(name)) => Some(name.as_str()),
        (NameKind::Email | NameKind::Uri | NameKind::Dns, _) => None,
    });
    match (users.next(), users.next()) {
        (Some(user), None) if is_name(user) => match kind {
            NameKind::Dns if user.contains('*') => Err(Refusal::NoUser),
            NameKind::Email | NameKind::Uri | NameKind::Dns => Ok(user.to_owned()),
        },
        (None | Some(_), _) => Err(Refusal::NoUser),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls-webpki's: what is not known is not trusted")]
fn chain_refusal(error: &webpki::Error) -> Refusal {
    use webpki::Error;
    match error {
        Error::BadDer
        | Error::BadDerTime
        | Error::ExtensionValueInvalid
        | Error::InvalidCertValidity
        | Error::InvalidSerialNumber
        | Error::MalformedExtensions
        | Error::TrailingData(_)
        | Error::UnsupportedCertVersion => Refusal::Malformed,
        Error::CertExpired { .. } => Refusal::Expired,
        Error::CertNotValidYet { .. } => Refusal::NotYetValid,
        Error::CertRevoked => Refusal::Revoked,
        Error::CrlExpired { .. }
        | Error::UnknownRevocationStatus
        | Error::InvalidCrlSignatureForPublicKey
        | Error::IssuerNotCrlSigner
        | Error::UnsupportedCrlSignatureAlgorithmContext(_)
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => Refusal::RevocationUnknown,
        Error::EmptyEkuExtension | Error::RequiredEkuNotFoundContext(_) => Refusal::WrongPurpose,
        _ => Refusal::UntrustedChain,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "rustls-webpki's: what is not known did not verify")]
fn signature_refusal(error: &webpki::Error) -> Refusal {
    match error {
        webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Refusal::WrongAlgorithm,
        _ => Refusal::BadSignature,
    }
}

/// A parsed credential: `01 ‖ scheme u16 ‖ count u8 ‖ count × certificate x ‖ signature x`, where
/// `x` is a `u16` length and that many bytes, big-endian.
struct Parts<'a> {
    scheme: Scheme,
    leaf: CertificateDer<'a>,
    others: Vec<CertificateDer<'a>>,
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn parse(credential: &'a [u8]) -> Result<Self, Refusal> {
        let Some((&VERSION, mut rest)) = credential.split_first() else {
            return Err(Refusal::NotThisKind);
        };
        let parts = Self::parse_rest(&mut rest).ok_or(Refusal::Malformed)?;
        if rest.is_empty() { parts } else { Err(Refusal::Malformed) }
    }

    fn parse_rest(rest: &mut &'a [u8]) -> Option<Result<Self, Refusal>> {
        let scheme = u16::from_be_bytes(*rest.split_off(..2)?.first_chunk()?);
        let count = *rest.split_off_first()?;
        let leaf = CertificateDer::from(long(rest).filter(|_| count > 0)?);
        let mut others = Vec::new();
        for _ in 1..count {
            others.push(CertificateDer::from(long(rest)?));
        }
        let signature = long(rest)?;
        // The encoding is valid, so only its scheme may be unknown.
        Some(match Scheme::of(scheme) {
            Some(scheme) => Ok(Self { scheme, leaf, others, signature }),
            None => Err(Refusal::WrongAlgorithm),
        })
    }
}

/// Bytes after their length.
fn long<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(*rest.split_off(..2)?.first_chunk()?);
    rest.split_off(..usize::from(length))
}

/// Why no credential was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CredentialError<E> {
    /// No certificate is given.
    NoLeaf,
    /// The first certificate is not valid DER.
    Malformed,
    /// Together longer than [`MAX_CREDENTIAL_LENGTH`]. Leave out the trust anchor, or use
    /// certificates with elliptic curves.
    TooLarge,
    /// The closure's error.
    Signing(E),
    /// The signature does not verify with the leaf's key and this scheme. Use the key of the first
    /// certificate.
    WrongKey,
}

impl<E: fmt::Display> fmt::Display for CredentialError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLeaf => f.write_str("no certificate"),
            Self::Malformed => f.write_str("the first certificate is malformed"),
            Self::TooLarge => f.write_str("certificates and signature are too large"),
            Self::Signing(error) => write!(f, "cannot sign: {error}"),
            Self::WrongKey => f.write_str("the signature is not by the first certificate's key"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for CredentialError<E> {}

/// Makes a credential for `identity` in the call `group_id`.
///
/// * `chain`: certificates in DER, the leaf first, without the trust anchor and without unnecessary
///   certificates.
/// * `sign`: signs 87 bytes ([`statement`]) with the leaf's key and `scheme`; it may use a smart
///   card or a key store.
///
/// # Errors
/// [`CredentialError`]. The result verifies with the leaf; whether the chain is trusted is for the
/// other members to decide.
pub fn credential<E>(
    chain: &[impl AsRef<[u8]>],
    scheme: Scheme,
    group_id: &[u8],
    identity: &[u8; IDENTITY_LENGTH],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<Vec<u8>, CredentialError<E>> {
    let leaf = CertificateDer::from(chain.first().ok_or(CredentialError::NoLeaf)?.as_ref());
    let leaf = EndEntityCert::try_from(&leaf).map_err(|_| CredentialError::Malformed)?;
    let count = u8::try_from(chain.len()).map_err(|_| CredentialError::TooLarge)?;
    let mut made = vec![VERSION];
    made.extend(scheme.number().to_be_bytes());
    made.push(count);
    let statement = statement(group_id, identity);
    let signature = sign(&statement).map_err(CredentialError::Signing)?;
    for part in chain.iter().map(AsRef::as_ref).chain([&*signature]) {
        let length = u16::try_from(part.len()).map_err(|_| CredentialError::TooLarge)?;
        made.extend(length.to_be_bytes());
        made.extend(part);
    }
    if made.len() > MAX_CREDENTIAL_LENGTH {
        return Err(CredentialError::TooLarge);
    }
    let verdict = leaf.verify_signature(scheme.algorithm(), &statement, &signature);
    verdict.map_err(|_| CredentialError::WrongKey)?;
    Ok(made)
}
