//! The attacks of a relay or a member in SECURITY.md's table, and their outcomes.
#![expect(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "a test")]
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    reason = "a test"
)]

#[path = "../common/mod.rs"]
mod common;

mod admission;
mod clocks;
mod costs;
mod equivocation;
mod member;
mod moderator;
mod recordings;
mod replays;
mod server;
