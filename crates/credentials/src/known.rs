//! A shared list of known identities.

use core::{fmt, str::FromStr};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    IDENTITY_LENGTH, Judge, Refusal, Verified, checked_length, is_name, replaceable::Replaceable,
};

/// The owners of identity keys: a user has one or several keys, and a key belongs to one user.
///
/// Parsed from text, one line per key (`FORMATS.md` §3): the key in 64 hexadecimal digits, blanks,
/// the user's name to the end of the line. Lines that are blank or begin with `#` are ignored.
///
/// ```
/// # use sealframe_credentials::KnownIdentities;
/// let list: KnownIdentities = "
/// ## Alice has two devices.
/// 0101010101010101010101010101010101010101010101010101010101010101 alice
/// 0202020202020202020202020202020202020202020202020202020202020202 alice
/// ".parse()?;
/// assert_eq!(list.identities_of("alice").count(), 2);
/// # Ok::<(), sealframe_credentials::ListError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KnownIdentities {
    users: BTreeMap<[u8; IDENTITY_LENGTH], String>,
    identities: BTreeMap<String, BTreeSet<[u8; IDENTITY_LENGTH]>>,
}

impl KnownIdentities {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key of a user. Adding it again has no effect.
    ///
    /// # Errors
    /// [`ListProblem::NoName`] and [`ListProblem::OfAnother`]; the list is unchanged then.
    pub fn add(&mut self, user: &str, identity: [u8; IDENTITY_LENGTH]) -> Result<(), ListProblem> {
        if !is_name(user) || user != user.trim() {
            return Err(ListProblem::NoName);
        }
        if self.users.get(&identity).is_some_and(|other| other != user) {
            return Err(ListProblem::OfAnother);
        }
        self.users.insert(identity, user.to_owned());
        self.identities.entry(user.to_owned()).or_default().insert(identity);
        Ok(())
    }

    /// The owner of a key.
    #[must_use]
    pub fn user_of(&self, identity: &[u8; IDENTITY_LENGTH]) -> Option<&str> {
        self.users.get(identity).map(String::as_str)
    }

    /// The keys of a user.
    pub fn identities_of(&self, user: &str) -> impl Iterator<Item = &[u8; IDENTITY_LENGTH]> {
        self.identities.get(user).into_iter().flatten()
    }
}

impl FromStr for KnownIdentities {
    type Err = ListError;

    fn from_str(text: &str) -> Result<Self, ListError> {
        let mut list = Self::new();
        for (place, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let refused = |problem| ListError { line: place + 1, problem };
            let (digits, user) =
                line.split_once([' ', '\t']).ok_or_else(|| refused(ListProblem::NoName))?;
            let identity = identity_of(digits).ok_or_else(|| refused(ListProblem::NoIdentity))?;
            list.add(user.trim(), identity).map_err(refused)?;
        }
        Ok(list)
    }
}

/// Accepts upper and lower case, but no signs, which number parsers accept.
fn identity_of(digits: &str) -> Option<[u8; IDENTITY_LENGTH]> {
    if digits.len() != 2 * IDENTITY_LENGTH {
        return None;
    }
    let mut identity = [0; IDENTITY_LENGTH];
    for (byte, pair) in identity.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(identity)
}

/// An invalid list. Keep the previous one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ListError {
    /// Line number, from 1.
    pub line: usize,
    /// The error in the line.
    pub problem: ListProblem,
}

/// An error in an entry of a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ListProblem {
    /// Not 64 hexadecimal digits. Write the whole key.
    NoIdentity,
    /// No name, or one with control characters. Write the user's name after the key.
    NoName,
    /// Another user has this key already. Remove one of the two.
    OfAnother,
}

impl fmt::Display for ListProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIdentity => "no identity key of 64 hexadecimal digits",
            Self::NoName => "no user's name",
            Self::OfAnother => "an identity key that is another user's",
        })
    }
}

impl core::error::Error for ListProblem {}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

impl core::error::Error for ListError {}

/// Judges by a list. The credential is the user's name in UTF-8, or empty: then the owner of the
/// key is accepted.
///
/// The verdict is the same in every call and at all times, until the list is replaced.
#[derive(Debug)]
pub struct Listed {
    list: Replaceable<KnownIdentities>,
}

impl Listed {
    /// Judges by this list.
    #[must_use]
    pub fn new(list: KnownIdentities) -> Self {
        Self { list: Replaceable::new(list) }
    }

    /// Replaces the list.
    pub fn replace(&self, list: KnownIdentities) {
        self.list.replace(list);
    }
}

impl Judge for Listed {
    /// # Errors
    /// [`Refusal::TooLarge`], [`Refusal::NotThisKind`] (not UTF-8), [`Refusal::NotListed`] (an
    /// unknown name, whoever owns the key) and [`Refusal::ChangedIdentity`].
    fn judge(
        &self,
        identity: &[u8; IDENTITY_LENGTH],
        _group_id: &[u8],
        credential: &[u8],
        _now: u64,
    ) -> Result<Verified, Refusal> {
        checked_length(credential)?;
        let claimed = core::str::from_utf8(credential).map_err(|_| Refusal::NotThisKind)?;
        let list = self.list.get();
        let user = list.user_of(identity);
        if let Some(user) = user.filter(|user| claimed.is_empty() || *user == claimed) {
            return Ok(Verified { user: user.to_owned(), expires_at: None, names_call: false });
        }
        Err(if list.identities.contains_key(claimed) {
            Refusal::ChangedIdentity { user: claimed.to_owned() }
        } else {
            Refusal::NotListed
        })
    }

    fn revision(&self) -> u64 {
        self.list.revision()
    }
}
