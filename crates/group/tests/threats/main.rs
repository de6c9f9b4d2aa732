//! What a server or a member may try, row by row of SECURITY.md's table, and what comes of it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use core::time::Duration;

use sealframe_group::{Output, SessionId, message::Heartbeat};

#[path = "../common/mod.rs"]
mod common;
mod member;
mod moderator;
mod replays;
mod server;

use common::Net;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const ANNOUNCE: u8 = 1;
pub(crate) const KEY_UPDATE: u8 = 2;
pub(crate) const HEARTBEAT: u8 = 5;
pub(crate) const LEAVE: u8 = 6;
pub(crate) const CONTROL: u8 = 7;

/// A member goes, and says so.
pub(crate) fn leave(net: &mut Net, session: SessionId) {
    for output in net.peers.remove(&session).unwrap().group.leave() {
        if let Output::Send { to, message } = output {
            net.carry(session, to, &message);
        }
    }
}

pub(crate) fn heartbeat(seq: u64, nonce_number: u8) -> Heartbeat {
    Heartbeat {
        seq,
        newest: 0,
        update_hash: [0; 32],
        generation: 0,
        step: 0,
        frames: 0,
        roster_hash: [0; 32],
        view_hash: [0; 32],
        control: 0,
        locked: false,
        nonce_number,
        nonce: [nonce_number; 24],
    }
}
