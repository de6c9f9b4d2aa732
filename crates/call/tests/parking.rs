//! Frames that arrived before their key: bounds on their number, bytes and time.
#![cfg(feature = "group")]
#![expect(clippy::unwrap_used, reason = "a test")]

use core::time::Duration;

use sealframe::{
    Action, Backend, Call, CipherSuite, MemberId, Stream, StreamKind, Time,
    group::{
        Admission, Config, Event, IdentityKey, Kem, Permission, Policy, Role, UserId,
        verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;

const CAMERA: Stream = Stream::new(StreamKind::Camera, 0);
const MIB: usize = 1 << 20;

/// Members of one call, joined one after the other.
struct Meeting {
    calls: Vec<Call>,
    rng: Random,
    now: Time,
    /// The member whose messages are held back.
    muted: Option<usize>,
    held: Vec<Vec<u8>>,
}

impl Meeting {
    fn of(members: u16) -> Self {
        let mut rng = Random::new(1);
        let now = Time::at(Duration::from_secs(5));
        let mut join = |place: u16| {
            let config = Config {
                group_id: b"meeting".to_vec(),
                kem: Kem::X25519,
                suite: CipherSuite::Aes128GcmSha256_128,
                address: place.to_be_bytes().to_vec(),
                role: Role::Participant,
                permission: Permission::None,
                credential: place.to_be_bytes().to_vec(),
                sends: true,
                started_at: 0,
                policy: Policy::default(),
            };
            let key = IdentityKey::generate(&mut rng).unwrap();
            Call::join(config, Backend::recommended(), key, TrustStore::new(), now, &mut rng).unwrap()
        };
        let calls = (0..members).map(&mut join).collect();
        let mut meeting = Self { calls, rng, now, muted: None, held: Vec::new() };
        for _ in 0..6 {
            meeting.go_on();
            meeting.now += Duration::from_secs(1);
        }
        meeting
    }

    fn go_on(&mut self) {
        for us in 0..self.calls.len() {
            loop {
                match self.calls[us].poll(self.now, &mut self.rng) {
                    Action::Send { message, .. } if self.muted != Some(us) => {
                        for them in (0..self.calls.len()).filter(|&them| them != us) {
                            let _ = self.calls[them].handle_message(&message, self.now);
                        }
                    }
                    Action::Send { message, .. } => self.held.push(message),
                    Action::Event(Event::JoinRequested(who)) => {
                        let user = UserId::new(who.credential).unwrap();
                        let admission = Admission { user, permission: Permission::None };
                        self.calls[us].members().admit(who.session, admission, self.now).unwrap();
                    }
                    Action::Event(_) => {}
                    Action::Timeout(_) => break,
                }
            }
        }
    }

    /// The id of the member at this index.
    fn number(&self, place: usize) -> MemberId {
        self.calls[place].group().member_id()
    }

    fn park(&mut self, place: usize, len: usize) -> bool {
        let from = self.number(place);
        let token = place as u64 * 1000 + self.calls[0].parked() as u64;
        self.calls[0].park(from, token, &vec![7; len], self.now)
    }
}

#[test]
fn sixty_four_frames_of_one_member_and_as_many_of_the_next() {
    let mut meeting = Meeting::of(4);
    for from in [1, 2, 3] {
        for frame in 0..70 {
            assert_eq!(meeting.park(from, 10), frame < 64, "{from} {frame}");
        }
    }
    assert_eq!(meeting.calls[0].parked(), 3 * 64);
    // Neither a non-member nor ourselves.
    assert!(!meeting.park(0, 10));
    let nobody = (0..)
        .map(MemberId::new)
        .find(|number| (0..4).all(|place| meeting.number(place) != *number))
        .unwrap();
    let now = meeting.now;
    assert!(!meeting.calls[0].park(nobody, 0, &[7; 10], now));
}

#[test]
fn four_mebibytes_in_all_and_not_for_each() {
    let mut meeting = Meeting::of(4);
    assert!(!meeting.park(1, 4 * MIB + 1), "a frame that is too long alone");
    assert!(meeting.park(1, 4 * MIB));
    assert!(!meeting.park(2, 1), "all bytes are taken");
    assert!(meeting.park(2, 0));
    // After a second all bytes are free again.
    meeting.now += Duration::from_millis(1001);
    assert!(meeting.park(2, 4 * MIB - 1));
    assert_eq!(meeting.calls[0].parked(), 1);
    assert!(!meeting.park(3, 2));
    assert!(meeting.park(3, 1));
    assert!(!meeting.park(1, 1));
    // They are also freed when the member leaves.
    let gone = meeting.calls[2].session();
    let now = meeting.now;
    meeting.calls[0].members().drop_member(gone, now).unwrap();
    meeting.go_on();
    assert_eq!(meeting.calls[0].parked(), 1);
    assert!(!meeting.park(1, 4 * MIB));
    assert!(meeting.park(1, 4 * MIB - 1));
    assert!(!meeting.park(1, 1));
}

#[test]
fn a_second_and_no_longer() {
    let mut meeting = Meeting::of(3);
    assert!(meeting.park(1, 10));
    for (millis, parked) in [(999, 2), (1, 3), (1, 3), (999, 3), (1001, 1)] {
        // One more each time; those that have waited for more than a second are dropped.
        meeting.now += Duration::from_millis(millis);
        assert!(meeting.park(2, 10));
        assert_eq!(meeting.calls[0].parked(), parked, "{:?}", meeting.now);
    }
}

/// Frames return when their key has arrived: oldest first, unchanged, and their bytes are freed.
#[test]
fn a_parked_frame_returns_with_its_key() {
    let mut meeting = Meeting::of(2);
    let bob = meeting.number(1);
    assert!(meeting.calls[0].poll_parked(meeting.now).is_none(), "no frame waited for his first key");
    // Bob starts a generation that Alice does not receive.
    meeting.muted = Some(1);
    meeting.calls[1].rekey(meeting.now);
    for _ in 0..3 {
        meeting.go_on();
        meeting.now += Duration::from_secs(2);
    }
    let mut sealed = Vec::new();
    for number in 0..3_u64 {
        let frame = meeting.calls[1].seal_to_vec(&[b'0'; 100], CAMERA).unwrap();
        let opened = meeting.calls[0].open_in_place(bob, &mut frame.clone(), CAMERA).map(|_| ());
        assert!(opened.unwrap_err().is_retryable());
        assert!(meeting.calls[0].park(bob, number, &frame, meeting.now));
        sealed.push(frame);
    }
    assert!(meeting.park(1, 4 * MIB - 3 * sealed[0].len()));
    assert!(!meeting.park(1, 1));
    assert!(meeting.calls[0].poll_parked(meeting.now).is_none(), "the key has not arrived");
    // Now she asks for it, and receives it within the second that the frames wait.
    meeting.muted = None;
    for _ in 0..9 {
        meeting.now += Duration::from_millis(100);
        meeting.go_on();
    }
    for (number, frame) in sealed.iter().enumerate() {
        let mut parked = meeting.calls[0].poll_parked(meeting.now).unwrap();
        assert_eq!((parked.from, parked.token), (bob, number as u64));
        assert_eq!(&parked.frame, frame);
        let opened = meeting.calls[0].open_in_place(bob, &mut parked.frame, CAMERA).unwrap();
        assert_eq!(opened.frame, [b'0'; 100]);
        assert!(meeting.park(1, frame.len()), "its bytes are free");
        assert!(!meeting.park(1, 1));
    }
}

/// A frame may fail to open before its key arrives, and be parked afterwards, when no further
/// message would wake it.
#[test]
fn a_frame_parked_after_its_key_arrived_returns_at_once() {
    let mut meeting = Meeting::of(2);
    let bob = meeting.number(1);
    meeting.muted = Some(1);
    let fails = |meeting: &mut Meeting| {
        meeting.calls[1].rekey(meeting.now);
        meeting.held.clear();
        for _ in 0..3 {
            meeting.go_on();
            meeting.now += Duration::from_secs(2);
        }
        let frame = meeting.calls[1].seal_to_vec(b"late", CAMERA).unwrap();
        let opened = meeting.calls[0].open_in_place(bob, &mut frame.clone(), CAMERA).map(|_| ());
        assert!(opened.unwrap_err().is_retryable());
        (frame, core::mem::take(&mut meeting.held))
    };
    let hear = |meeting: &mut Meeting, messages: &[Vec<u8>]| {
        for message in messages {
            let _ = meeting.calls[0].handle_message(message, meeting.now);
        }
        meeting.go_on();
    };
    let comes_back = |meeting: &mut Meeting, token: u64| {
        let mut parked = meeting.calls[0].poll_parked(meeting.now).unwrap();
        assert_eq!((parked.from, parked.token), (bob, token));
        let opened = meeting.calls[0].open_in_place(bob, &mut parked.frame, CAMERA).unwrap();
        assert_eq!(opened.frame, b"late");
        assert!(meeting.calls[0].poll_parked(meeting.now).is_none());
    };

    let (first, of_first) = fails(&mut meeting);
    hear(&mut meeting, &of_first);
    assert!(meeting.calls[0].poll_parked(meeting.now).is_none(), "no frame waited");
    assert!(meeting.calls[0].park(bob, 7, &first, meeting.now));
    comes_back(&mut meeting, 7);

    // The arrival of another key is no reason to try.
    let (_, of_second) = fails(&mut meeting);
    let (third, of_third) = fails(&mut meeting);
    hear(&mut meeting, &of_second);
    assert!(meeting.calls[0].park(bob, 8, &third, meeting.now));
    assert!(meeting.calls[0].poll_parked(meeting.now).is_none(), "it would be tried in vain, and lost");
    hear(&mut meeting, &of_third);
    comes_back(&mut meeting, 8);
}
