//! The module of the key management, which handles the keys of a call.

use std::collections::{BTreeMap, BTreeSet};

use sealframe_group::message::{self, Announce, Body, Head, Heartbeat, Message};
use sealframe_taint::{Kind, Machine, Report};

use crate::modules::{GROUP, files, for_each, give, hosts_with};

/// The application's name for the call.
const CALL: &[u8] = b"a call";

const X25519: u64 = 1;
const X_WING: u64 = 2;

/// Lengths of public random draws: of a jitter, of a session id, of a nonce. Keys and seeds have 32
/// or 64 bytes.
const SEEN: [usize; 3] = [2, 16, 24];

/// A member of a call, in an instance of its own. The seed of its identity and the keys that it
/// draws are secret; its messages to the server are not, nor is anything derived from them alone.
struct Member<'m> {
    machine: Machine<'m>,
    group: u64,
    /// By the called function of the module: the reports of each call.
    decided: Decided,
    /// The keys that it sealed with, and those that it received.
    made: Vec<Vec<u8>>,
    told: Vec<Vec<u8>>,
    /// The tasks of `poll`, by their numbers.
    tasks: Vec<(String, u64)>,
}

/// One list for each call.
type Decided = BTreeMap<&'static str, Vec<Vec<Report>>>;

impl<'m> Member<'m> {
    fn enter(module: &'m [u8], number: u8, kem: u64) -> Self {
        let mut machine =
            Machine::new(module, hosts_with(number.into(), |len| !SEEN.contains(&len))).unwrap();
        machine.call("__wbindgen_start", &[]).unwrap();
        let [group, group_len] = give(&mut machine, CALL, false);
        let [address, address_len] = give(&mut machine, &[b'a' + number], false);
        let [credential, credential_len] = give(&mut machine, b"known to the server", false);
        let [seed, seed_len] = give(&mut machine, &[number; 32], true);
        let (participant, is_moderator, sends) = (0, 0, 1);
        #[rustfmt::skip]
        let arguments = [
            group, group_len, address, address_len, kem, participant, is_moderator, credential, credential_len,
            sends, seed, seed_len, 0, 0, millis(1000), millis(0),
        ];
        let made = machine.call("group_new", &arguments).unwrap();
        assert_eq!(made[2], 0, "no error");
        let reports = machine.take_reports();
        let mut member = Self {
            machine,
            group: made[0],
            decided: BTreeMap::from([("new", vec![reports])]),
            made: Vec::new(),
            told: Vec::new(),
            tasks: tasks(),
        };
        let key = member.take_key();
        member.made.push(key);
        member
    }

    fn ask(&mut self, name: &'static str, arguments: &[u64]) -> Vec<u64> {
        let arguments = [&[self.group], arguments].concat();
        let results = self.machine.call(&format!("group_{name}"), &arguments).unwrap();
        self.decided.entry(name).or_default().push(self.machine.take_reports());
        results
    }

    /// Converts a result from a floating-point number of JavaScript.
    fn number(&mut self, name: &'static str, arguments: &[u64]) -> u64 {
        let number = f64::from_bits(self.ask(name, arguments)[0]);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let number = number as u64;
        number
    }

    /// The result of a getter of bytes, and whether it is secret.
    fn bytes(&mut self, name: &'static str) -> (Vec<u8>, bool) {
        let at = self.ask(name, &[]);
        self.machine.read(at[0], at[1]).unwrap()
    }

    fn take_key(&mut self) -> Vec<u8> {
        let (at, len) = (self.ask("keyOffset", &[])[0], self.ask("keyLength", &[])[0]);
        let (key, is_secret) = self.machine.read(at, len).unwrap();
        assert!(is_secret && key.len() == 32, "a key is followed to the end");
        self.ask("wipeKey", &[]);
        key
    }

    /// Performs all due tasks; returns the messages to send.
    fn turn(&mut self, now: u64) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        let frames = 1;
        loop {
            let task = self.number("poll", &[frames, millis(now)]);
            match self.tasks.iter().find(|(_, number)| *number == task).unwrap().0.as_str() {
                "Wait" => return said,
                "Send" => {
                    let (message, _) = self.bytes("bytes");
                    self.publish(&message);
                    said.push(message);
                }
                "Rekey" => {
                    let key = self.take_key();
                    self.made.push(key);
                }
                "Install" => {
                    let key = self.take_key();
                    self.told.push(key);
                }
                "Event" => {
                    let event = String::from_utf8(self.bytes("event").0).unwrap();
                    if let Some((_, session)) = event.split_once(r#""joinRequested","session":""#) {
                        self.admit(&session[..32], now);
                    }
                }
                _ => {}
            }
        }
    }

    /// The server has seen a message, and derives what it can from it.
    fn publish(&mut self, message: &[u8]) {
        self.machine.publish(message);
        for message in message::unbundle(message).unwrap() {
            self.machine.publish(message);
            let parsed = Message::parse(message).unwrap();
            match parsed.body {
                Body::Announce(announce) => {
                    self.machine.publish(&announce.prekey);
                    let group = message::group_hash(CALL);
                    self.machine.publish(&Announce::hash_body(&group, &parsed.signed[Head::LEN..]));
                }
                Body::Heartbeat(heartbeat) => {
                    self.machine.publish(&heartbeat.update_hash);
                    self.machine.publish(&heartbeat.roster_hash);
                    self.machine.publish(&heartbeat.view_hash);
                    self.machine.publish(&heartbeat.prekey);
                    self.machine.publish(&Heartbeat::hash(message));
                }
                Body::Ack(ack) => self.machine.publish(&ack.mac),
                Body::UpdateHeader(header) => self.machine.publish(&header.key_commit),
                Body::KeyUpdate(_)
                | Body::Request(_)
                | Body::Leave
                | Body::Order(_)
                | Body::Roster(_)
                | Body::Forward(_)
                | Body::Refusal(_)
                | Body::Sas { .. } => {}
            }
        }
    }

    fn admit(&mut self, session: &str, now: u64) {
        let byte = |at: usize| u8::from_str_radix(&session[2 * at..2 * at + 2], 16).unwrap();
        let session: Vec<u8> = (0..16).map(byte).collect();
        let [session, session_len] = give(&mut self.machine, &session, false);
        let [user, user_len] = give(&mut self.machine, b"alice or bob", false);
        let is_moderator = 0;
        let done =
            self.ask("admit", &[session, session_len, user, user_len, is_moderator, millis(now)]);
        assert_eq!(done[1], 0, "no error");
    }

    /// Drops the reports during the verification of an update's signature. The multiplications
    /// there depend on a hash of the key's commitment, which is public: a member shows it to those
    /// that doubt it. It is derived from the key, but by a hash whose reports are kept. The
    /// multiplications are two functions, not among `others`, with more reports than everything
    /// else together.
    fn forget_signatures(&mut self, others: &[u32], name: &str) {
        let mut often = BTreeSet::new();
        for reports in self.decided.get("handleMessage").into_iter().flatten() {
            let mut times: BTreeMap<u32, usize> = BTreeMap::new();
            for report in reports {
                *times.entry(report.function).or_default() += 1;
            }
            let multiplies = |function: &u32, times: usize| times > 100 && !others.contains(function);
            often.extend(times.iter().filter(|(at, times)| multiplies(at, **times)).map(|(at, _)| *at));
        }
        assert!(often.len() <= 2, "{name}: {often:?}");
        for reports in self.decided.get_mut("handleMessage").into_iter().flatten() {
            reports.retain(|report| !often.contains(&report.function));
        }
    }

    /// Whether it accepts the message.
    fn hear(&mut self, message: &[u8], now: u64) -> bool {
        self.publish(message);
        let [at, len] = give(&mut self.machine, message, false);
        self.ask("handleMessage", &[at, len, millis(now)])[1] == 0
    }
}

/// The variants of `Task`, as the bindings name them.
fn tasks() -> Vec<(String, u64)> {
    let bindings =
        String::from_utf8(files("build", "sealframe_group.js").into_values().next().unwrap());
    let bindings = bindings.unwrap();
    let (_, tasks) = bindings.split_once("Task = Object.freeze({").unwrap();
    let (tasks, _) = tasks.split_once("});").unwrap();
    let named = tasks.lines().filter_map(|line| line.split_once(',')?.0.trim().split_once(": "));
    named.map(|(name, number)| (name.into(), number.parse().unwrap())).collect()
}

fn millis(millis: u64) -> u64 {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let millis = millis as f64;
    millis.to_bits()
}

/// The server relays their messages until there are no more.
fn talk(members: &mut [Member<'_>; 2], now: u64) {
    loop {
        let said = members.each_mut().map(|member| member.turn(now));
        if said.iter().all(Vec::is_empty) {
            return;
        }
        for (from, messages) in said.into_iter().enumerate() {
            for message in messages {
                members[1 - from].hear(&message, now);
            }
        }
    }
}

fn run(module: &[u8], kem: u64, numbers: [u8; 2]) -> [Member<'_>; 2] {
    let mut members = numbers.map(|number| Member::enter(module, number, kem));
    for now in [1000, 1100, 2100] {
        talk(&mut members, now);
    }
    members[0].ask("rekey", &[millis(2200)]);
    for now in [2200, 4500] {
        talk(&mut members, now);
    }
    members
}

/// The verdicts on updates and acknowledgements: the shared secret is not zero (with X25519 alone),
/// the tag and the passing on of its verdict, the key matches its commitment; the MAC of an
/// acknowledgement; and the key is not all zeros.
const VERDICTS: usize = 6;
/// A verdict selects the word that names it.
const WORDS: usize = 1;
/// A member's own session id, a hash of a message to all, is inserted among the others.
const OWN: usize = 4;
/// Most secrets drawn at once: a seed, a KEM key and a base key.
const DRAWN: usize = 4;

#[test]
fn only_verdicts_decide_in_the_key_management() {
    for_each(&GROUP, |name, module| {
        let mut seen = None;
        for numbers in [[1, 2], [3, 4]] {
            let mut members = run(module, X25519, numbers);
            for member in &mut members {
                member.forget_signatures(&[], name);
            }
            let what_was_decided = members.each_mut().map(|member| member.decided.clone());
            for member in &members {
                let all = member
                    .decided
                    .iter()
                    .flat_map(|(what, times)| times.iter().map(move |of| (what, of)));
                for (&what, reports) in all {
                    let most = match what {
                        // Whether a draw is all zeros, and again if it becomes a key.
                        "new" => 2 * DRAWN + OWN,
                        // The same, and for each member that receives a key whether its public key
                        // is all zeros.
                        "poll" => 2 * DRAWN + 1,
                        "handleMessage" => VERDICTS + WORDS,
                        _ => 0,
                    };
                    assert!(reports.len() <= most, "{name}: {what}: {reports:?}");
                }
            }
            let sites: BTreeSet<Report> = what_was_decided.iter().flat_map(sites).collect();
            assert!(sites.len() <= VERDICTS + WORDS + 2 * DRAWN + OWN, "{name}: {sites:?}");
            let others = sites.iter().filter(|site| site.kind != Kind::Branch).count();
            assert!(others <= WORDS, "{name}: {sites:?}");
            // At the same places, as often, and in the same order, whatever the keys are.
            assert_eq!(seen.get_or_insert_with(|| what_was_decided.clone()), &what_was_decided);

            forge(&mut members, name, &sites);
            leave(members, name);
        }
        println!(
            "{name}: verdicts at {:?}",
            seen.iter().flatten().flat_map(sites).collect::<BTreeSet<_>>()
        );
    });
}

#[test]
fn only_verdicts_and_the_public_matrix_decide_in_the_key_management_with_x_wing() {
    for_each(&GROUP, |name, module| {
        let mut members = run(module, X_WING, [1, 2]);
        for member in &mut members {
            // ML-KEM samples its matrix from a seed in the public key, and drops values that are
            // too large (FIPS 203, algorithm 7): once when a key is made, and twice when one is
            // opened, as only 32 bytes of it are kept.
            let mut times: BTreeMap<Report, usize> = BTreeMap::new();
            for report in &member.decided["new"][0] {
                *times.entry(*report).or_default() += 1;
            }
            let often = |report: &Report| times.get(report).is_some_and(|&times| times > 1000);
            let matrix: Vec<Report> = member.decided["new"][0].iter().copied().filter(often).collect();
            assert!(member.decided["new"][0].len() <= matrix.len() + 2 * DRAWN + OWN, "{name}");
            let sites: BTreeSet<Report> = matrix.iter().copied().collect();
            let functions: BTreeSet<u32> = sites.iter().map(|site| site.function).collect();
            assert_eq!((sites.len(), functions.len()), (2, 1), "{name}: {sites:?}");
            member.forget_signatures(&Vec::from_iter(functions), name);
            for (&what, times) in member.decided.iter().filter(|(what, _)| **what != "new") {
                for reports in times {
                    let (of_matrix, others): (Vec<Report>, Vec<Report>) =
                        reports.iter().partition(|report| sites.contains(report));
                    let verdicts = match what {
                        "handleMessage" => VERDICTS + WORDS - 1,
                        "poll" => 2 * DRAWN,
                        _ => 0,
                    };
                    assert!(others.len() <= verdicts, "{name}: {what}: {others:?}");
                    let words = others.iter().filter(|report| report.kind != Kind::Branch).count();
                    assert!(words <= WORDS, "{name}: {what}: {others:?}");
                    let opens = [matrix.clone(), matrix.clone()].concat();
                    assert!(of_matrix.is_empty() || of_matrix == opens, "{name}: {what}");
                }
            }
        }
        assert!(members.iter().all(|member| !member.told.is_empty()), "keys were opened");
        let verdicts = members.each_mut().map(|member| member.decided.clone());
        let verdicts = verdicts.iter().flat_map(sites).collect();
        forge(&mut members, name, &verdicts);
        leave(members, name);
    });
}

fn sites(decided: &Decided) -> BTreeSet<Report> {
    decided.values().flatten().flatten().copied().collect()
}

/// An update with a changed entry: the same decisions as for a genuine one.
fn forge(members: &mut [Member<'_>; 2], name: &str, verdicts: &BTreeSet<Report>) {
    let [alice, bob] = members;
    alice.ask("rekey", &[millis(9000)]);
    let said = alice.turn(9000);
    let is_update = |words: &Vec<u8>| matches!(Message::parse(words).unwrap().body, Body::KeyUpdate(_));
    let update = said.into_iter().find(is_update).unwrap();
    bob.turn(9000);
    let told = bob.told.len();
    bob.decided.clear();
    let mut forged = update.clone();
    *forged.last_mut().unwrap() ^= 1;
    assert!(!bob.hear(&forged, 9000), "{name}: a forgery was accepted");
    bob.turn(9000);
    assert_eq!(bob.told.len(), told);
    assert!(sites(&bob.decided).is_subset(verdicts), "{name}: {:?}", bob.decided);
    assert!(bob.hear(&update, 9000), "{name}: genuine");
    bob.turn(9000);
    assert_eq!(bob.told.len(), told + 1);
}

/// The received keys are those that the others made; a member's public output shows no secret.
fn leave(members: [Member<'_>; 2], name: &str) {
    let [made, told] = [&members[0].made, &members[1].told];
    assert!(made[1..].iter().all(|key| told.contains(key)), "{name}: received keys");
    for mut member in members {
        member.decided.clear();
        member.bytes("farewell");
        let at = member.ask("state", &[millis(9000)]);
        let (state, is_secret) = member.machine.read(at[0], at[1]).unwrap();
        assert!(!is_secret && state.starts_with(b"{"), "{name}: {}", String::from_utf8_lossy(&state));
        member.machine.call("__wbg_group_free", &[member.group, 0]).unwrap();
        assert_eq!(member.machine.take_reports(), [], "{name}");
        assert_eq!(sites(&member.decided), BTreeSet::new(), "{name}");
    }
}
