//! Every bound of the server, with its reason. No other file has a number that a stranger could push
//! against: whoever adds something that a page can make grow, adds its bound here.
//!
//! Two kinds of bounds keep one page from harming the others. A *size* limits what is held for it, and
//! whoever exceeds it is disconnected by name ([`Ending`](crate::outbox::Ending)). An [`Allowance`]
//! limits what it may ask for per second, and whoever exceeds it waits: the server stops reading from
//! that connection until it is allowed to go on, so nothing is lost and nobody else notices.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

// Connections.

/// TCP connections that are not (or not yet) a participant's. Beyond it the one that has been open for
/// longest is closed: an honest one needs milliseconds, so those that say nothing go first.
pub(crate) const CONNECTIONS: usize = 256;

/// The same for one address. A browser opens six.
pub(crate) const CONNECTIONS_PER_ADDRESS: usize = 64;

/// Bytes of a request's head; 8192 is the least that hyper allows. Browsers send about 700.
pub(crate) const HEAD_BYTES: usize = 8192;

/// Header fields of a request. Browsers send about 15.
pub(crate) const HEAD_FIELDS: usize = 48;

/// Requests of one connection. The page and its package are 30 files over six connections, and then two
/// reports per second.
pub(crate) const REQUESTS: Allowance = Allowance { burst: 64, per_second: 16 };

/// Bytes from one connection, counted below HTTP and WebSocket, so that fragments, pings and whatever
/// else costs time by the byte is paid for. The largest room's offers come at about 50 kB per second
/// while everybody joins.
pub(crate) const BYTES: Allowance = Allowance { burst: 512 * 1024, per_second: 128 * 1024 };

/// Bytes that the system holds for a connection in each direction. The default grows to megabytes.
pub(crate) const SYSTEM_BUFFER: u32 = 128 * 1024;

/// Connections that the system holds until the server takes them.
pub(crate) const BACKLOG: u32 = 512;

/// Threads that read files.
pub(crate) const FILE_THREADS: usize = 4;

/// Bytes that are read from a WebSocket at once.
pub(crate) const READ_BUFFER: usize = 4096;

/// Pause after the system could not hand over a connection, as without a free file descriptor.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

// WebSockets.

/// Bytes of one message from a page, whole or in fragments: an offer and its JSON.
pub(crate) const MESSAGE_BYTES: usize = 192 * 1024;

/// WebSocket frames of one page, control frames included. A rekey in the largest room is 16 messages.
pub(crate) const MESSAGES: Allowance = Allowance { burst: 256, per_second: 64 };

/// Bytes of one key management message, in base64. The longest, an announce, has about 6 kB (PROTOCOL.md
/// §2); an update for 15 members with X-Wing 18 kB.
pub(crate) const RELAYED_BYTES: usize = 64 * 1024;

/// Bytes of key management messages from one page. Everybody else in the room receives them, also over a
/// slow line, so it is less than [`BYTES`].
pub(crate) const RELAYED: Allowance = Allowance { burst: 256 * 1024, per_second: 32 * 1024 };

/// Bytes that wait for a page before it is disconnected as a slow reader. An answer in the largest room
/// has about 60 kB.
pub(crate) const OUTBOX_BYTES: usize = 512 * 1024;

/// What a waiting message costs beside its own bytes.
pub(crate) const OUTBOX_OVERHEAD: usize = 64;

/// For a page to take the reason why it is disconnected.
pub(crate) const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

// Rooms.

/// Members of one room at a time. Everybody sends to everybody.
pub(crate) const ROOM_MEMBERS: usize = 16;

/// Members of all rooms at a time. A room exists only while it has members, so there are no more rooms.
pub(crate) const MEMBERS: usize = 128;

/// The same for one address.
pub(crate) const MEMBERS_PER_ADDRESS: usize = 64;

/// Joins of one room, those that come back included. Everybody there changes keys for each.
pub(crate) const JOINS: Allowance = Allowance { burst: 48, per_second: 1 };

/// Bytes of a room's or a participant's name.
pub(crate) const NAME_BYTES: usize = 64;

// Offers.

/// Bytes of a session description. In the largest room a page has 32 m-lines of about 2 kB.
pub(crate) const SDP_BYTES: usize = 128 * 1024;

/// M-lines of a session description, and tracks and slots that an offer names.
pub(crate) const SDP_MEDIA: usize = 64;

/// Lines of a session description. Chromium writes about 60 per m-line with all its codecs.
pub(crate) const SDP_LINES: usize = 4096;

/// Offers of one page. One is made whenever somebody joins, leaves or changes tracks, but never before
/// the last was answered.
pub(crate) const OFFERS: Allowance = Allowance { burst: 16, per_second: 2 };

// Media.

/// Datagrams of one participant: 19 Mbit/s of full packets. Beyond it they are dropped before they are
/// decrypted, as on a line that carries no more.
pub(crate) const DATAGRAMS: Allowance = Allowance { burst: 4000, per_second: 2000 };

/// Datagrams that are read between two commands, so that neither keeps the other waiting.
pub(crate) const DATAGRAMS_PER_TURN: usize = 64;

/// Commands waiting for the media loop. Every connection has at most one there.
pub(crate) const COMMANDS: usize = 64;

/// Lines that the server writes about what others do.
pub(crate) const LOG_LINES: Allowance = Allowance { burst: 10, per_second: 1 };

/// Bytes of one participant's recording, after which it no longer grows.
pub(crate) const RECORDING_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes of all recordings of a run.
pub(crate) const RECORDINGS_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// How long something may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For a request's head to arrive, from the first byte to the last; also the longest pause between two
    /// requests. Keeps connections that never speak, or one byte at a time, from staying.
    pub(crate) head: Duration,
    /// After so long a connection that is no participant's takes no further request, and after twice as
    /// long it is closed: so long may it take to read the largest file.
    pub(crate) age: Duration,
    /// For a page to take one message.
    pub(crate) send: Duration,
    /// Between two pings. Browsers answer them by themselves, and pages, which do not see them, are told as often that the
    /// connection is alive.
    pub(crate) ping: Duration,
    /// After so long without any byte, pongs included, the other side is gone.
    pub(crate) pong: Duration,
    /// After so long without message, offer or media a page gives its place to a newcomer if there is no
    /// other. Two heartbeats.
    pub(crate) spare: Duration,
    /// After so long without message, offer or media somebody is disconnected: a recorder may wait for a call
    /// to begin, but not for ever. Pages send a heartbeat every 10 s (PROTOCOL.md §2.5); pongs do not count.
    pub(crate) idle: Duration,
}

impl Timeouts {
    /// As they are unless a test wants them shorter.
    pub(crate) const USUAL: Self = Self {
        head: Duration::from_secs(5),
        age: Duration::from_secs(30),
        send: Duration::from_secs(10),
        ping: Duration::from_secs(15),
        pong: Duration::from_secs(40),
        spare: Duration::from_secs(20),
        idle: Duration::from_secs(600),
    };

    /// Each of them so many times shorter: a test of what happens after a minute need not take one.
    pub(crate) fn divided_by(self, divisor: u32) -> Self {
        let Self { head, age, send, ping, pong, spare, idle } = self;
        Self {
            head: head / divisor,
            age: age / divisor,
            send: send / divisor,
            ping: ping / divisor,
            pong: pong / divisor,
            spare: spare / divisor,
            idle: idle / divisor,
        }
    }
}

/// How often something may be done: `burst` times at once, and `per_second` times per second in the long
/// run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(crate) burst: u32,
    pub(crate) per_second: u32,
}

/// What is left of an [`Allowance`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    allowance: Allowance,
    /// Below zero after more was taken at once than was left.
    level: f64,
    filled: Instant,
}

impl Bucket {
    /// All of it.
    pub(crate) fn full(allowance: Allowance, now: Instant) -> Self {
        Self { allowance, level: f64::from(allowance.burst), filled: now }
    }

    /// Takes `cost`, also if there is less: what is missing must be waited for before the next.
    pub(crate) fn take(&mut self, cost: usize, now: Instant) {
        self.fill(now);
        self.level -= f64::from(u32::try_from(cost).unwrap_or(u32::MAX));
    }

    /// Takes one if there is one.
    pub(crate) fn try_take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let is_there = self.level >= 1.0;
        if is_there {
            self.level -= 1.0;
        }
        is_there
    }

    /// When something may be taken again; `None` for at once.
    pub(crate) fn ready_at(&mut self, now: Instant) -> Option<Instant> {
        self.fill(now);
        let wait = -self.level / f64::from(self.allowance.per_second);
        (wait > 0.0).then(|| now + Duration::from_secs_f64(wait))
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        let more = passed * f64::from(self.allowance.per_second);
        self.level = (self.level + more).min(f64::from(self.allowance.burst));
        self.filled = self.filled.max(now);
    }
}

/// Whose share of the server a connection takes: one address, or one /64 network of IPv6.
///
/// Loopback has no share of its own. Behind a proxy that terminates TLS everybody comes from there, and
/// then the proxy must count addresses.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Origin(IpAddr);

impl Origin {
    /// `None` for loopback, which nothing is counted for.
    pub(crate) fn of(address: IpAddr) -> Option<Self> {
        let address = address.to_canonical();
        if address.is_loopback() {
            return None;
        }
        Some(Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Ipv6Addr::from(network).into()
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::{Allowance, Bucket, Duration, Instant, Origin};

    const TEN: Allowance = Allowance { burst: 10, per_second: 5 };

    #[test]
    fn a_burst_is_free_and_the_rest_is_waited_for() {
        let start = Instant::now();
        let mut bucket = Bucket::full(TEN, start);
        bucket.take(10, start);
        assert_eq!(bucket.ready_at(start), None);
        bucket.take(5, start);
        let ready = start + Duration::from_secs(1);
        assert_eq!(bucket.ready_at(start), Some(ready));
        assert_eq!(bucket.ready_at(ready), None);
        assert!(!bucket.try_take(ready));
        assert!(bucket.try_take(ready + Duration::from_millis(200)));
    }

    #[test]
    fn an_hour_of_rest_is_worth_one_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::full(TEN, start);
        let later = start + Duration::from_secs(3600);
        for _ in 0..10 {
            assert!(bucket.try_take(later));
        }
        assert!(!bucket.try_take(later));
        // A clock that is read out of order gives nothing.
        assert!(!bucket.try_take(start));
        assert!(!bucket.try_take(later));
    }

    #[test]
    fn neighbours_in_one_network_share_and_loopback_does_not_count() {
        let of = |text: &str| text.parse().ok().map(Origin::of);
        assert_eq!(of("127.0.0.1"), Some(None));
        assert_eq!(of("::1"), Some(None));
        assert_eq!(of("::ffff:127.0.0.1"), Some(None));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
