//! The cipher suites of RFC 9605 §4.5 and draft-barnes-sframe-iana-256.

use core::fmt;

use sealframe_wire::FrameBuf;

const SUITES: usize = if cfg!(feature = "ctr-hmac") { 8 } else { 2 };

/// A cipher suite; the discriminant is its number in IANA's registry "SFrame Cipher Suites".
///
/// Prefer [`Aes128GcmSha256_128`](Self::Aes128GcmSha256_128), or
/// [`Aes256GcmSha512_128`](Self::Aes256GcmSha512_128) where policy requires 256 bits: they are both
/// the strongest and, by far, the fastest. The others need feature `ctr-hmac`, which is on by
/// default.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[repr(u16)]
pub enum CipherSuite {
    /// AES-128 in counter mode, HMAC-SHA-256 cut to 80 bits.
    #[cfg(feature = "ctr-hmac")]
    Aes128CtrHmacSha256_80 = 1,
    /// As 1 with a 64-bit tag, which a patient forger can hit: 2^64 tries at the tag's best.
    #[cfg(feature = "ctr-hmac")]
    Aes128CtrHmacSha256_64ShortTag = 2,
    /// As 1 with a 32-bit tag: at 2^20 tries a second a forgery takes about an hour (RFC 9605
    /// §7.5).
    #[cfg(feature = "ctr-hmac")]
    Aes128CtrHmacSha256_32ShortTag = 3,
    /// AES-128-GCM with its full 128-bit tag; keys by HKDF-SHA-256.
    Aes128GcmSha256_128 = 4,
    /// AES-256-GCM with its full 128-bit tag; keys by HKDF-SHA-512.
    Aes256GcmSha512_128 = 5,
    /// AES-256 in counter mode, HMAC-SHA-512 cut to 80 bits.
    #[cfg(feature = "ctr-hmac")]
    Aes256CtrHmacSha512_80 = 6,
    /// As 6 with a 64-bit tag.
    #[cfg(feature = "ctr-hmac")]
    Aes256CtrHmacSha512_64ShortTag = 7,
    /// As 6 with a 32-bit tag.
    #[cfg(feature = "ctr-hmac")]
    Aes256CtrHmacSha512_32ShortTag = 8,
}

/// Which hash a suite's HKDF uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

/// Which AEAD a suite seals frames with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aead {
    Aes128Gcm,
    Aes256Gcm,
    #[cfg(feature = "ctr-hmac")]
    Aes128CtrHmacSha256,
    #[cfg(feature = "ctr-hmac")]
    Aes256CtrHmacSha512,
}

impl CipherSuite {
    /// Every suite of this build, in the order of the registry.
    pub const ALL: [Self; SUITES] = [
        #[cfg(feature = "ctr-hmac")]
        Self::Aes128CtrHmacSha256_80,
        #[cfg(feature = "ctr-hmac")]
        Self::Aes128CtrHmacSha256_64ShortTag,
        #[cfg(feature = "ctr-hmac")]
        Self::Aes128CtrHmacSha256_32ShortTag,
        Self::Aes128GcmSha256_128,
        Self::Aes256GcmSha512_128,
        #[cfg(feature = "ctr-hmac")]
        Self::Aes256CtrHmacSha512_80,
        #[cfg(feature = "ctr-hmac")]
        Self::Aes256CtrHmacSha512_64ShortTag,
        #[cfg(feature = "ctr-hmac")]
        Self::Aes256CtrHmacSha512_32ShortTag,
    ];

    /// The longest tag of any suite, in bytes.
    pub const MAX_NT: usize = FrameBuf::TAILROOM;

    /// The suite with IANA's number `id`, if its tag has at least 80 bits.
    ///
    /// # Errors
    /// [`SuiteError::ShortTag`] for 2, 3, 7 and 8: ask for those with
    /// [`from_id_allowing_short_tags`](Self::from_id_allowing_short_tags). Otherwise as there.
    pub const fn from_id(id: u16) -> Result<Self, SuiteError> {
        match Self::from_id_allowing_short_tags(id) {
            Ok(suite) if suite.nt() < 10 => Err(SuiteError::ShortTag { id }),
            other => other,
        }
    }

    /// The suite with IANA's number `id`, tags of 64 and 32 bits included.
    ///
    /// A forged frame passes a 32-bit tag once in 2^32 tries. Use such a suite for audio alone,
    /// where a forged frame is a click, and only if every byte counts.
    ///
    /// # Errors
    /// [`SuiteError::NotInThisBuild`], [`SuiteError::PrivateUse`] or [`SuiteError::Unknown`].
    pub const fn from_id_allowing_short_tags(id: u16) -> Result<Self, SuiteError> {
        match id {
            4 => Ok(Self::Aes128GcmSha256_128),
            5 => Ok(Self::Aes256GcmSha512_128),
            #[cfg(feature = "ctr-hmac")]
            1..=3 | 6..=8 => Ok(Self::ALL[id as usize - 1]),
            #[cfg(not(feature = "ctr-hmac"))]
            1..=3 | 6..=8 => Err(SuiteError::NotInThisBuild { id }),
            0xf000..=0xffff => Err(SuiteError::PrivateUse { id }),
            _ => Err(SuiteError::Unknown { id }),
        }
    }

    /// IANA's number.
    #[must_use]
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// Nh: bytes of the suite's hash, and of every base key that the ratchet makes.
    #[must_use]
    pub const fn nh(self) -> usize {
        match self.hash() {
            Hash::Sha256 => 32,
            Hash::Sha512 => 64,
        }
    }

    /// Bytes that a base key has at least, as many as the AES key: 16 or 32. RFC 9605 sets no
    /// bound; with fewer bytes the key is easier to guess than the suite to break.
    #[must_use]
    pub const fn min_base_key_len(self) -> usize {
        match self.aead() {
            Aead::Aes128Gcm => 16,
            Aead::Aes256Gcm => 32,
            #[cfg(feature = "ctr-hmac")]
            Aead::Aes128CtrHmacSha256 => 16,
            #[cfg(feature = "ctr-hmac")]
            Aead::Aes256CtrHmacSha512 => 32,
        }
    }

    /// Nk: bytes of the sframe_key.
    #[must_use]
    pub const fn nk(self) -> usize {
        match self.aead() {
            Aead::Aes128Gcm => 16,
            Aead::Aes256Gcm => 32,
            #[cfg(feature = "ctr-hmac")]
            Aead::Aes128CtrHmacSha256 => 16 + 32,
            #[cfg(feature = "ctr-hmac")]
            Aead::Aes256CtrHmacSha512 => 32 + 64,
        }
    }

    /// Nn: bytes of the nonce and the sframe_salt.
    #[must_use]
    pub const fn nn(self) -> usize {
        12
    }

    /// Nt: bytes of the tag.
    #[must_use]
    pub const fn nt(self) -> usize {
        match self {
            #[cfg(feature = "ctr-hmac")]
            Self::Aes128CtrHmacSha256_80 | Self::Aes256CtrHmacSha512_80 => 10,
            #[cfg(feature = "ctr-hmac")]
            Self::Aes128CtrHmacSha256_64ShortTag | Self::Aes256CtrHmacSha512_64ShortTag => 8,
            #[cfg(feature = "ctr-hmac")]
            Self::Aes128CtrHmacSha256_32ShortTag | Self::Aes256CtrHmacSha512_32ShortTag => 4,
            Self::Aes128GcmSha256_128 | Self::Aes256GcmSha512_128 => 16,
        }
    }

    pub(crate) const fn hash(self) -> Hash {
        match self.aead() {
            Aead::Aes128Gcm => Hash::Sha256,
            Aead::Aes256Gcm => Hash::Sha512,
            #[cfg(feature = "ctr-hmac")]
            Aead::Aes128CtrHmacSha256 => Hash::Sha256,
            #[cfg(feature = "ctr-hmac")]
            Aead::Aes256CtrHmacSha512 => Hash::Sha512,
        }
    }

    pub(crate) const fn aead(self) -> Aead {
        match self {
            Self::Aes128GcmSha256_128 => Aead::Aes128Gcm,
            Self::Aes256GcmSha512_128 => Aead::Aes256Gcm,
            #[cfg(feature = "ctr-hmac")]
            Self::Aes128CtrHmacSha256_80
            | Self::Aes128CtrHmacSha256_64ShortTag
            | Self::Aes128CtrHmacSha256_32ShortTag => Aead::Aes128CtrHmacSha256,
            #[cfg(feature = "ctr-hmac")]
            Self::Aes256CtrHmacSha512_80
            | Self::Aes256CtrHmacSha512_64ShortTag
            | Self::Aes256CtrHmacSha512_32ShortTag => Aead::Aes256CtrHmacSha512,
        }
    }
}

/// How much one key may seal; the first limit that is reached ends it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct KeyLimits {
    /// Frames.
    pub frames: u64,
    /// 16-byte blocks of payload and of authenticated data, plus one for each frame.
    pub blocks: u64,
}

impl KeyLimits {
    /// 2^32 frames, 2^34 blocks (256 GiB), for every suite.
    ///
    /// For AES-GCM an attacker's advantage over `s` blocks and `q` frames is at most `(s + q + 1)^2
    /// / 2^129` (draft-irtf-cfrg-aead-limits §5.1.1). A bound on frames alone is wrong for video:
    /// 2^32 frames of 1 MiB would leave 2^-33. Stopping at `s + q = 2^34` keeps it under 2^-61 for
    /// any mix, and 2^32 frames is the bound of NIST SP 800-38D §8.3. AES in counter mode is
    /// bounded by the same birthday term.
    pub const OF_ANY_SUITE: Self = Self { frames: 1 << 32, blocks: 1 << 34 };
}

/// Why a number names no usable suite.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SuiteError {
    /// Not in the registry, as far as this version knows it.
    Unknown {
        /// The number asked for.
        id: u16,
    },
    /// `0xf000..=0xffff`: for private use, with no meaning between strangers.
    PrivateUse {
        /// The number asked for.
        id: u16,
    },
    /// One of AES-CTR with HMAC, which this build leaves out: its feature `ctr-hmac` is off.
    NotInThisBuild {
        /// The number asked for.
        id: u16,
    },
    /// The suite's tag has 64 or 32 bits, and short tags were not asked for.
    ShortTag {
        /// The number asked for.
        id: u16,
    },
}

impl fmt::Display for SuiteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id } => write!(f, "unknown cipher suite {id}"),
            Self::PrivateUse { id } => write!(f, "cipher suite {id:#06x} is for private use"),
            Self::NotInThisBuild { id } => write!(f, "cipher suite {id} is not in this build"),
            Self::ShortTag { id } => write!(f, "cipher suite {id} has a short tag"),
        }
    }
}

impl core::error::Error for SuiteError {}
