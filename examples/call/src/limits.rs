//! Every bound of the server, with its reason. No other file contains a number that a stranger
//! could exhaust: the bound of anything that a page can make grow belongs here.
//!
//! Two kinds of bounds keep one page from harming the others. A *size* limits the memory held for a
//! page; a page that exceeds it is disconnected with a reason ([`Ending`](crate::outbox::Ending)).
//! An [`Allowance`] limits what a page may do per second; a page that exceeds it waits: the server
//! stops reading from that connection until the allowance has refilled, so nothing is lost and
//! nobody else notices.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

// Connections.

/// TCP connections that do not belong to a participant (yet). Beyond it the oldest one is closed:
/// an honest connection needs milliseconds, so silent ones go first.
pub(crate) const CONNECTIONS: usize = 256;

/// The same per address. A browser opens six.
pub(crate) const CONNECTIONS_PER_ADDRESS: usize = 64;

/// Bytes of a request's head; 8192 is hyper's minimum. Browsers send about 700.
pub(crate) const HEAD_BYTES: usize = 8192;

/// Header fields of a request. Browsers send about 15.
pub(crate) const HEAD_FIELDS: usize = 48;

/// Requests of one connection. The page and its package are 30 files over six connections, and then
/// two reports per second.
pub(crate) const REQUESTS: Allowance = Allowance { burst: 64, per_second: 16 };

/// Bytes from one connection, counted below HTTP and WebSocket, so that fragments, pings and
/// everything else that costs time per byte are included. The largest room's offers come at about
/// 50 kB per second while everybody joins.
pub(crate) const BYTES: Allowance = Allowance { burst: 512 * 1024, per_second: 128 * 1024 };

/// Bytes that the system buffers for a connection in each direction. The default grows to
/// megabytes.
pub(crate) const SYSTEM_BUFFER: u32 = 128 * 1024;

/// Connections that the system queues until the server accepts them.
pub(crate) const BACKLOG: u32 = 512;

/// Threads that read files.
pub(crate) const FILE_THREADS: usize = 4;

/// Bytes read from a WebSocket at once.
pub(crate) const READ_BUFFER: usize = 4096;

/// Pause after the system failed to hand over a connection, for example without a free file
/// descriptor.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

// WebSockets.

/// Bytes of one message from a page, whole or in fragments: an offer and its JSON.
pub(crate) const MESSAGE_BYTES: usize = 192 * 1024;

/// WebSocket frames of one page, control frames included. A rekey in the largest room is 16
/// messages.
pub(crate) const MESSAGES: Allowance = Allowance { burst: 256, per_second: 64 };

/// Bytes of one key management message, in base64. The longest, an announce, has about 6 kB
/// (PROTOCOL.md §2); an update for 15 members with X-Wing has 18 kB.
pub(crate) const RELAYED_BYTES: usize = 64 * 1024;

/// Bytes of key management messages from one page. All others in the room receive them, perhaps
/// over a slow line, so it is less than [`BYTES`].
pub(crate) const RELAYED: Allowance = Allowance { burst: 256 * 1024, per_second: 32 * 1024 };

/// Bytes waiting for a page before it is disconnected as a slow reader. An answer in the largest
/// room has about 60 kB.
pub(crate) const OUTBOX_BYTES: usize = 512 * 1024;

/// Cost of a waiting message besides its own bytes.
pub(crate) const OUTBOX_OVERHEAD: usize = 64;

/// Time for a page to read the reason for its disconnection.
pub(crate) const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

// Rooms.

/// Members of one room at a time. Everybody sends to everybody.
pub(crate) const ROOM_MEMBERS: usize = 16;

/// Members of all rooms at a time. A room exists only while it has members, so this bounds rooms as
/// well.
pub(crate) const MEMBERS: usize = 128;

/// The same per address.
pub(crate) const MEMBERS_PER_ADDRESS: usize = 64;

/// Joins of one room, including returning members. All members change keys at each join.
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

/// Offers of one page. The page makes one when a member joins, leaves or changes tracks, but never
/// before the last was answered.
pub(crate) const OFFERS: Allowance = Allowance { burst: 16, per_second: 2 };

// Media.

/// Datagrams of one participant: 19 Mbit/s of full packets. Further ones are dropped before
/// decryption, as on a slower line.
pub(crate) const DATAGRAMS: Allowance = Allowance { burst: 4000, per_second: 2000 };

/// Datagrams read between two commands, so that neither keeps the other waiting.
pub(crate) const DATAGRAMS_PER_TURN: usize = 64;

/// Commands waiting for the media loop. Every connection has at most one.
pub(crate) const COMMANDS: usize = 64;

/// Lines that the server logs about other parties' actions.
pub(crate) const LOG_LINES: Allowance = Allowance { burst: 10, per_second: 1 };

/// Bytes of one participant's recording; it stops growing there.
pub(crate) const RECORDING_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes of all recordings of a run.
pub(crate) const RECORDINGS_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Timeouts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For a request's head to arrive, from the first byte to the last; also the longest pause
    /// between two requests. Closes connections that are silent or send one byte at a time.
    pub(crate) head: Duration,
    /// After this time a connection that does not belong to a participant takes no further request,
    /// and after twice the time it is closed, which leaves enough to read the largest file.
    pub(crate) age: Duration,
    /// For a page to read one message.
    pub(crate) send: Duration,
    /// Between two pings. Browsers answer them, but pages do not see them, so the server also sends
    /// a pulse at each ping.
    pub(crate) ping: Duration,
    /// Without any byte for this time, pongs included, the other side is gone.
    pub(crate) pong: Duration,
    /// After this time without message, offer or media a page gives its place to a newcomer if
    /// there is no other. Two heartbeats.
    pub(crate) spare: Duration,
    /// A participant without message, offer or media for this time is disconnected: a recorder may
    /// wait for a call to begin, but not forever. Pages send a heartbeat every 10 s (PROTOCOL.md
    /// §2.5); pongs do not count.
    pub(crate) idle: Duration,
}

impl Timeouts {
    /// The values outside tests.
    pub(crate) const USUAL: Self = Self {
        head: Duration::from_secs(5),
        age: Duration::from_secs(30),
        send: Duration::from_secs(10),
        ping: Duration::from_secs(15),
        pong: Duration::from_secs(40),
        spare: Duration::from_secs(20),
        idle: Duration::from_secs(600),
    };

    /// Divides each of them: a test of a one-minute timeout need not take a minute.
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

/// A rate limit: a burst of `burst`, and `per_second` in the long run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(crate) burst: u32,
    pub(crate) per_second: u32,
}

/// The remainder of an [`Allowance`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    allowance: Allowance,
    /// Negative after a cost that exceeded the remainder.
    level: f64,
    filled: Instant,
}

impl Bucket {
    /// A full allowance.
    pub(crate) fn full(allowance: Allowance, now: Instant) -> Self {
        Self { allowance, level: f64::from(allowance.burst), filled: now }
    }

    /// Takes `cost` even if less is left: the next one waits until the debt is refilled.
    pub(crate) fn take(&mut self, cost: usize, now: Instant) {
        self.fill(now);
        self.level -= f64::from(u32::try_from(cost).unwrap_or(u32::MAX));
    }

    /// Takes one if one is left.
    pub(crate) fn try_take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let is_there = self.level >= 1.0;
        if is_there {
            self.level -= 1.0;
        }
        is_there
    }

    /// When the allowance is positive again; `None` for now.
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

/// The origin whose share of the server a connection uses: one address, or one /64 network of IPv6.
///
/// Loopback has no share of its own. Behind a TLS proxy all connections come from there, and then
/// the proxy must count addresses.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Origin(IpAddr);

impl Origin {
    /// `None` for loopback, which is not counted.
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
    fn a_burst_is_immediate_and_the_rest_waits() {
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
    fn an_hour_of_silence_refills_one_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::full(TEN, start);
        let later = start + Duration::from_secs(3600);
        for _ in 0..10 {
            assert!(bucket.try_take(later));
        }
        assert!(!bucket.try_take(later));
        // A clock that goes backwards refills nothing.
        assert!(!bucket.try_take(start));
        assert!(!bucket.try_take(later));
    }

    #[test]
    fn addresses_in_one_network_share_and_loopback_is_not_counted() {
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
