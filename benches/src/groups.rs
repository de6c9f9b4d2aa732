//! Members of a call who give each other their keys, in one process, over a network that costs nothing.

use core::time::Duration;

use sealframe::{
    CipherSuite,
    group::{
        Admission, Config, Event, Group, IdentityKey, Kem, Output, Policy, Power, Recipient, Role,
        SessionId, UserId, message::KeyUpdate, verification::TrustStore,
    },
};
use sealframe_testkit::random::Random;

/// A call. Everybody is there and knows everybody's keys.
pub struct Call {
    kem: Kem,
    members: Vec<Member>,
    next: u16,
    now: Duration,
}

struct Member {
    group: Group,
    rng: Random,
    traffic: Traffic,
}

/// Bytes that one member has sent and been sent, whole updates cut to what it needs.
#[derive(Clone, Copy, Default, Debug)]
pub struct Traffic {
    pub up: usize,
    pub down: usize,
}

/// What something took.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// Processor time of all members.
    pub total: Duration,
    pub members: usize,
    /// Of one member that was there before and stays.
    pub other: Traffic,
    /// Of the one who joined.
    pub newcomer: Traffic,
}

impl Cost {
    /// Processor time of each member, in microseconds.
    pub fn per_member(&self) -> f64 {
        self.total.as_secs_f64() * 1e6 / crate::turns::as_f64(self.members)
    }
}

impl Call {
    /// A call of `n`.
    pub fn new(n: usize, kem: Kem) -> Self {
        let mut call = Self { kem, members: Vec::new(), next: 1, now: Duration::from_secs(1) };
        for _ in 0..n {
            call.enter();
            call.settle();
        }
        // Until the heartbeats after joining are over.
        call.pass(Duration::from_secs(12));
        call
    }

    fn enter(&mut self) {
        let mut rng = Random::new(self.next.into());
        let config = Config {
            group_id: b"bench".to_vec(),
            kem: self.kem,
            suite: CipherSuite::Aes128GcmSha256_128,
            sender: self.next,
            role: Role::Participant,
            power: Power::None,
            credential: b"somebody".to_vec(),
            started_at: 0,
            policy: Policy { max_members: 1024, ..Policy::default() },
        };
        self.next += 1;
        let key = IdentityKey::generate(&mut rng);
        let (group, _) = Group::new(config, key, TrustStore::default(), self.now, &mut rng).unwrap();
        self.members.push(Member { group, rng, traffic: Traffic::default() });
    }

    /// Somebody comes.
    pub fn join(&mut self) -> Cost {
        self.pass(Duration::from_secs(1));
        self.measure(|call| {
            call.enter();
            call.settle();
        })
    }

    /// Somebody leaves, until everybody seals with a key that it does not have.
    pub fn leave(&mut self) -> Cost {
        self.pass(Duration::from_secs(4));
        let gone = self.members.pop().unwrap().group.session();
        self.measure(|call| {
            for member in &mut call.members {
                member.group.drop_member(gone, call.now).unwrap();
            }
            call.settle();
        })
    }

    fn measure(&mut self, work: impl FnOnce(&mut Self)) -> Cost {
        for member in &mut self.members {
            member.traffic = Traffic::default();
        }
        let start = processor_time();
        work(self);
        let total = processor_time() - start;
        let newcomer = self.members.last().map(|member| member.traffic).unwrap_or_default();
        Cost { total, members: self.members.len(), other: self.members[0].traffic, newcomer }
    }

    /// Hands over everything that there is to hand over now.
    fn settle(&mut self) {
        loop {
            let mut sent = Vec::new();
            for member in &mut self.members {
                let from = member.group.session();
                loop {
                    member.group.set_frames(1);
                    match member.group.poll(self.now, &mut member.rng) {
                        Output::Send { to, message } => {
                            member.traffic.up += message.len();
                            sent.push((from, to, message));
                        }
                        Output::Event(Event::Applied(applicant)) => {
                            let user = UserId(applicant.session.0.to_vec());
                            let admission = Admission { user, power: Power::None };
                            member.group.admit(applicant.session, admission, self.now).unwrap();
                        }
                        Output::Wait(_) => break,
                        Output::Event(_)
                        | Output::Ratchet
                        | Output::Rekey { .. }
                        | Output::Install { .. }
                        | Output::ForgetGeneration { .. }
                        | Output::ForgetBefore(_)
                        | Output::Forget { .. } => {}
                    }
                }
            }
            if sent.is_empty() {
                return;
            }
            for (from, to, message) in sent {
                self.hand(from, to, &message);
            }
        }
    }

    fn hand(&mut self, from: SessionId, to: Recipient, message: &[u8]) {
        for member in &mut self.members {
            let session = member.group.session();
            let is_for = match to {
                Recipient::All => session != from,
                Recipient::One(one) => one == session,
            };
            if is_for {
                let cut = KeyUpdate::cut_for(message, session);
                let message = cut.as_deref().unwrap_or(message);
                member.traffic.down += message.len();
                // Whoever is not admitted yet is asked.
                let _ = member.group.handle_message(message, self.now);
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(500);
            self.settle();
        }
    }
}

/// Of this process, whatever else the machine does.
pub fn processor_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the standard library has no such clock")]
    // SAFETY: writes to `time` alone.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}
