//! Codes for two people to compare: of an epoch, and of two identity keys.

use alloc::{string::String, vec::Vec};
use core::fmt;

use scrypt::{Params, scrypt};

/// The only existing version of fingerprints.
const VERSION: u16 = 0;
const MAX_GROUP: usize = 8;
const GROUP: usize = 5;
const EPOCH_DIGITS: usize = 30;
const PAIRWISE_DIGITS: usize = 45;
const SALT: [u8; 16] =
    [0x24, 0xca, 0xb1, 0x7a, 0x7a, 0xf8, 0xec, 0x2b, 0x82, 0xb4, 0x12, 0xb9, 0x2d, 0xab, 0x19, 0x2e];
/// N = 2^14, so that one fingerprint costs 32 MiB of memory accesses.
const LOG_N: u8 = 14;
const R: u32 = 8;
const P: u32 = 2;

/// Bytes of a pairwise fingerprint.
pub const FINGERPRINT_LEN: usize = 64;

/// Why no code could be made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a caller has to handle a new variant")]
pub enum CodeError {
    /// Fewer bytes than the requested digits need.
    TooFewBytes,
    /// The digits do not fall into groups, or a group has none or more than 8.
    Groups,
    /// The key has no bytes.
    EmptyKey,
    /// Fingerprints have version 0.
    UnknownVersion,
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFewBytes => "fewer bytes than digits",
            Self::Groups => "digits do not fall into groups of 1 to 8",
            Self::EmptyKey => "the key is empty",
            Self::UnknownVersion => "unknown version of fingerprints",
        })
    }
}

impl core::error::Error for CodeError {}

/// `digits` decimal digits: each `group` bytes are a big-endian number, modulo `10^group`.
///
/// Source: discord/dave-protocol, `protocol.md`, "Displayable Codes".
///
/// # Errors
/// [`CodeError::TooFewBytes`], [`CodeError::Groups`].
pub fn displayable_code(bytes: &[u8], digits: usize, group: usize) -> Result<String, CodeError> {
    if !(1..=MAX_GROUP).contains(&group) || !digits.is_multiple_of(group) {
        return Err(CodeError::Groups);
    }
    let bytes = bytes.get(..digits).ok_or(CodeError::TooFewBytes)?;
    let mut code = String::with_capacity(digits);
    for chunk in bytes.chunks(group) {
        let mut number = chunk.iter().fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        let mut decimal = [b'0'; MAX_GROUP];
        for digit in &mut decimal {
            *digit += (number % 10).to_le_bytes()[0];
            number /= 10;
        }
        code.extend(decimal[..group].iter().rev().map(|&digit| char::from(digit)));
    }
    Ok(code)
}

/// 30 digits for an MLS group's epoch authenticator, which is the same for all members of the epoch
/// and changes with it.
///
/// # Errors
/// [`CodeError::TooFewBytes`] if it has fewer than 30 bytes.
pub fn epoch_code(epoch_authenticator: &[u8]) -> Result<String, CodeError> {
    displayable_code(epoch_authenticator, EPOCH_DIGITS, GROUP)
}

/// A member's identity key and user: `version u16 ‖ key ‖ user_id u64`, big-endian.
///
/// # Errors
/// [`CodeError::UnknownVersion`] for another version than 0, [`CodeError::EmptyKey`].
pub fn key_fingerprint(version: u16, key: &[u8], user_id: u64) -> Result<Vec<u8>, CodeError> {
    if version != VERSION {
        return Err(CodeError::UnknownVersion);
    }
    if key.is_empty() {
        return Err(CodeError::EmptyKey);
    }
    Ok([&version.to_be_bytes(), key, &user_id.to_be_bytes()].concat())
}

/// What two members compare, whichever comes first: scrypt of both [key
/// fingerprints](key_fingerprint) in the order of their bytes, with N = 16,384, r = 8, p = 2 and
/// DAVE's salt. Takes 16 MiB, and time that a person notices.
///
/// # Errors
/// As [`key_fingerprint`].
///
/// Source: discord/dave-protocol, `protocol.md`, "Verification Fingerprint".
pub fn pairwise_fingerprint(
    version: u16,
    (key, user_id): (&[u8], u64),
    (other_key, other_user_id): (&[u8], u64),
) -> Result<[u8; FINGERPRINT_LEN], CodeError> {
    let mut both =
        [key_fingerprint(version, key, user_id)?, key_fingerprint(version, other_key, other_user_id)?];
    both.sort();
    Ok(stretch(&both.concat()))
}

#[expect(clippy::expect_used, reason = "the parameters are fixed")]
fn stretch(both: &[u8]) -> [u8; FINGERPRINT_LEN] {
    let params = Params::new(LOG_N, R, P).expect("parameters in range");
    let mut fingerprint = [0; FINGERPRINT_LEN];
    scrypt(both, &SALT, &params, &mut fingerprint).expect("64 bytes");
    fingerprint
}

/// The 45 digits of a pairwise fingerprint.
#[must_use]
pub fn pairwise_code(fingerprint: &[u8; FINGERPRINT_LEN]) -> String {
    displayable_code(fingerprint, PAIRWISE_DIGITS, GROUP).unwrap_or_default()
}
