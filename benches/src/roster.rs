//! The contestants: one list for the clock, for criterion and for the instruction counter.

use sealframe_crypto::{Backend, CipherSuite};

use crate::{
    Batch, Direction, Operation, Turn,
    bare::{self, Aead},
    frames::{self, BACKENDS, OpenMany, SealMany},
    peer,
};

/// Numbers of frames per call.
pub const AT_ONCE: [usize; 3] = [1, 4, 16];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// A whole frame by Sealframe.
    Ours,
    /// The AEAD alone, by some library.
    Bare,
    /// A whole frame by the `sframe` crate.
    Peer,
}

/// A contestant that seals or opens frames of one length in one suite.
pub struct Contestant {
    pub name: String,
    pub role: Role,
    enter: Box<dyn Fn(usize) -> Box<dyn Turn> + Send + Sync>,
}

impl Contestant {
    pub fn new<O: Operation + 'static>(
        role: Role,
        name: &str,
        operation: impl Fn() -> O + Send + Sync + 'static,
    ) -> Self {
        let enter = move |len| -> Box<dyn Turn> { Box::new(Batch::new(operation(), len)) };
        Self { name: name.to_owned(), role, enter: Box::new(enter) }
    }

    /// A new entry with its own keys and frames.
    pub fn enter(&self, batch_len: usize) -> Box<dyn Turn> {
        (self.enter)(batch_len)
    }
}

/// All contestants in this direction and suite.
pub fn contestants(direction: Direction, suite: CipherSuite, len: usize) -> Vec<Contestant> {
    let mut all = ours(direction, suite, len);
    all.extend(bare(direction, suite, len));
    all.extend(peer(direction, suite, len));
    all
}

/// Backends differ only in AES-GCM; the other suites have the same code on each.
pub fn backends(suite: CipherSuite) -> Vec<(String, Backend)> {
    if is_gcm(suite) {
        BACKENDS.iter().map(|&(name, backend)| (format!("sealframe {name}"), backend)).collect()
    } else {
        vec![("sealframe".to_owned(), Backend::recommended())]
    }
}

fn is_gcm(suite: CipherSuite) -> bool {
    peer::suite(suite).is_some()
}

fn ours(direction: Direction, suite: CipherSuite, len: usize) -> Vec<Contestant> {
    let one = |(name, backend): (String, Backend)| one_of_ours(direction, suite, backend, len, &name);
    backends(suite).into_iter().map(one).collect()
}

fn one_of_ours(
    direction: Direction,
    suite: CipherSuite,
    backend: Backend,
    len: usize,
    name: &str,
) -> Contestant {
    match direction {
        Direction::Seal => {
            Contestant::new(Role::Ours, name, move || frames::Seal::new(suite, backend, len))
        }
        Direction::Open => {
            Contestant::new(Role::Ours, name, move || frames::Open::new(suite, backend, len))
        }
    }
}

/// One backend with one, with several, and with many frames per call.
pub fn at_once(
    direction: Direction,
    suite: CipherSuite,
    (name, backend): (&str, Backend),
    len: usize,
) -> Vec<Contestant> {
    let [one, several, many] = AT_ONCE.map(|frames| format!("{name}, {frames} at once"));
    let one = one_of_ours(direction, suite, backend, len, &one);
    let ours = Role::Ours;
    let (several, many) = match direction {
        Direction::Seal => (
            Contestant::new(ours, &several, move || {
                SealMany::<{ AT_ONCE[1] }>::new(suite, backend, len)
            }),
            Contestant::new(ours, &many, move || SealMany::<{ AT_ONCE[2] }>::new(suite, backend, len)),
        ),
        Direction::Open => (
            Contestant::new(ours, &several, move || {
                OpenMany::<{ AT_ONCE[1] }>::new(suite, backend, len)
            }),
            Contestant::new(ours, &many, move || OpenMany::<{ AT_ONCE[2] }>::new(suite, backend, len)),
        ),
    };
    vec![one, several, many]
}

/// A library's AEAD: its name as a contestant, and its output for a frame.
struct Library {
    name: &'static str,
    contestant: fn(&'static str, Direction, CipherSuite, usize) -> Contestant,
    sealed: fn(CipherSuite, usize) -> Vec<u8>,
}

const fn library<A: Aead + 'static>(name: &'static str) -> Library {
    Library { name, contestant: alone::<A>, sealed: bare::sealed::<A> }
}

fn alone<A: Aead + 'static>(
    name: &'static str,
    direction: Direction,
    suite: CipherSuite,
    len: usize,
) -> Contestant {
    match direction {
        Direction::Seal => Contestant::new(Role::Bare, name, move || bare::Seal::<A>::new(suite, len)),
        Direction::Open => Contestant::new(Role::Bare, name, move || bare::Open::<A>::new(suite, len)),
    }
}

fn libraries(suite: CipherSuite) -> Vec<Library> {
    match (is_gcm(suite), suite.nh()) {
        (true, 32) => vec![
            library::<bare::Ring>("ring alone"),
            library::<bare::AwsLc>("aws-lc-rs alone"),
            library::<bare::AesGcm128>("aes-gcm alone"),
        ],
        (true, _) => vec![
            library::<bare::Ring>("ring alone"),
            library::<bare::AwsLc>("aws-lc-rs alone"),
            library::<bare::AesGcm256>("aes-gcm alone"),
        ],
        (false, 32) => vec![
            library::<bare::RustCrypto128>("RustCrypto alone"),
            library::<bare::RingHmac128>("RustCrypto ctr, ring hmac"),
            library::<bare::AwsLcHmac128>("RustCrypto ctr, aws-lc-rs hmac"),
            library::<bare::AwsLcCtrHmac>("aws-lc-rs alone"),
        ],
        (false, _) => vec![
            library::<bare::RustCrypto256>("RustCrypto alone"),
            library::<bare::RingHmac256>("RustCrypto ctr, ring hmac"),
            library::<bare::AwsLcHmac256>("RustCrypto ctr, aws-lc-rs hmac"),
            library::<bare::AwsLcCtrHmac>("aws-lc-rs alone"),
        ],
    }
}

fn bare(direction: Direction, suite: CipherSuite, len: usize) -> Vec<Contestant> {
    let enter = |of: Library| (of.contestant)(of.name, direction, suite, len);
    libraries(suite).into_iter().map(enter).collect()
}

/// Stops unless all libraries give the same bytes in every suite, which shows that they do the same
/// work.
pub fn assert_libraries_agree() {
    const LEN: usize = 1201;
    for suite in CipherSuite::ALL {
        let mut sealed = libraries(suite).into_iter().map(|of| (of.name, (of.sealed)(suite, LEN)));
        let first = sealed.next();
        for (name, other) in sealed {
            assert_eq!(first.as_ref().map(|first| &first.1), Some(&other), "{name}, {suite:?}");
        }
    }
}

fn peer(direction: Direction, suite: CipherSuite, len: usize) -> Vec<Contestant> {
    const NAMES: [&str; 2] = ["sframe crate", "sframe crate, default"];
    let Some(suite) = peer::suite(suite) else {
        return vec![];
    };
    match direction {
        Direction::Seal => vec![
            Contestant::new(Role::Peer, NAMES[0], move || peer::Seal::new(suite, len)),
            Contestant::new(Role::Peer, NAMES[1], move || {
                peer::DefaultSeal(peer::Seal::new(suite, len))
            }),
        ],
        Direction::Open => vec![
            Contestant::new(Role::Peer, NAMES[0], move || peer::Open::new(suite, len)),
            Contestant::new(Role::Peer, NAMES[1], move || {
                peer::DefaultOpen(peer::Open::new(suite, len))
            }),
        ],
    }
}
