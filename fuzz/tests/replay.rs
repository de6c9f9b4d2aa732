//! Runs every seed, and a fixed number of changes to it, through the fuzzer's functions.
#![expect(clippy::expect_used, reason = "a test")]

use std::{fs, path::Path};

use sealframe_fuzz::Target;

/// Changed inputs per target, besides its seeds: a few seconds for all in a debug build.
const CHANGES: u64 = 1_500;

/// Prints the input if a target fails on it.
struct Case<'a>(&'a Target, &'a [u8]);

impl Case<'_> {
    fn run(&self) {
        (self.0.run)(self.1);
    }
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let hex: String = self.1.iter().map(|byte| format!("{byte:02x}")).collect();
            eprintln!("target {}, input {hex}", self.0.name);
        }
    }
}

fn replay(name: &str) {
    let target = Target::ALL.iter().find(|target| target.name == name).expect("a target");
    let seeds = seeds(target);
    assert!(seeds.len() >= target.seeds, "{} seeds of at least {}", seeds.len(), target.seeds);
    for seed in &seeds {
        Case(target, seed).run();
    }
    Case(target, &[]).run();

    let mut random = Random(0x5ea1);
    for _ in 0..CHANGES {
        let mut input = random.pick(&seeds).clone();
        for _ in 0..=random.below(3) {
            change(&mut input, &seeds, &mut random);
        }
        Case(target, &input).run();
    }
}

/// In the order of their names.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target.name);
    let entries = fs::read_dir(folder).expect("a folder of seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a seed").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a seed")).collect()
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(6) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.byte(),
        2 => input.truncate(at),
        3 => input.insert(at, random.byte()),
        4 if at < input.len() => drop(input.remove(at)),
        _ => {
            let other = random.pick(seeds);
            input.truncate(at);
            input.extend(&other[random.below(other.len() + 1)..]);
        }
    }
}

/// SplitMix64: the same changes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below end")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

#[test]
fn header_parsing_agrees_with_two_loops() {
    replay("header");
}

#[test]
fn only_sealed_frames_open() {
    replay("open");
}

#[test]
fn sealed_frames_open_once_and_mutations_do_not() {
    replay("seal_open");
}

#[test]
fn deliveries_agree_with_a_model_of_sets() {
    replay("replay_order");
}

#[test]
fn only_genuine_announcements_are_accepted() {
    replay("announcement");
}

#[test]
fn the_kernel_agrees_with_ring() {
    replay("kernel");
}

#[test]
fn codec_parsers_agree_with_loops() {
    replay("codec");
}

#[test]
fn only_sealed_dave_frames_open() {
    replay("dave");
}

#[test]
fn jitsi_and_livekit_frames_open_exactly_if_ring_opens_them() {
    replay("jitsi");
    replay("livekit");
    replay("livekit_data");
}

#[test]
fn group_messages_are_encoded_canonically() {
    replay("group_message");
}

#[test]
fn no_member_holds_a_group_key_that_was_not_sent_to_it() {
    replay("group");
}

#[test]
fn trust_stores_are_encoded_canonically() {
    replay("trust");
}
