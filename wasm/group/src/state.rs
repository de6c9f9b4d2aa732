//! How a call stands, as JSON.

use core::time::Duration;

use sealframe_group::{Group, GroupState, Kem, MemberState, Power};

use crate::{
    event::{role, standing},
    json::{self, Object},
};

pub(crate) fn json(group: &Group, now: Duration) -> String {
    let state = group.state(now);
    let members = group.member_states(now);
    of_group(&state, group.suite().id())
        .raw("members", json::array(members.iter().map(of_member)))
        .end()
}

fn of_group(state: &GroupState, suite: u16) -> Object {
    let applicants = state.applicants.iter().map(|session| format!("\"{}\"", json::hex(&session.0)));
    Object::new()
        .hex("session", &state.session.0)
        .raw("member", state.sender)
        .hex("identity", &state.identity.0)
        .word("kem", kem(state.kem))
        .raw("suite", suite)
        .word("callCode", &state.call_code.to_string())
        .raw("locked", state.is_locked)
        .raw("generation", state.key.0)
        .raw("step", state.key.1)
        .maybe("nextKeyWithin", state.next_key_within.map(millis))
        .raw("applicants", json::array(applicants))
        .raw("ended", state.has_ended)
}

fn of_member(of: &MemberState) -> String {
    Object::new()
        .hex("session", &of.session.0)
        .raw("member", of.sender)
        .hex("user", &of.user.0)
        .hex("identity", &of.identity.0)
        .word("standing", standing(of.standing))
        .word("role", role(of.role))
        .raw("moderator", of.power == Power::Moderator)
        .raw("since", millis(of.since))
        .maybe("generation", of.key.map(|(generation, _)| generation))
        .maybe("step", of.key.map(|(_, step)| step))
        .maybe("keySince", of.key_since.map(millis))
        .raw("hasOurKey", of.has_our_key)
        .raw("fresh", of.is_fresh)
        .raw("silentFor", millis(of.silent_for))
        .raw("rosterDiffers", of.roster_differs)
        .raw("equivocated", of.has_equivocated)
        .maybe("framesSealed", of.frames_sealed)
        .end()
}

fn millis(time: Duration) -> u128 {
    time.as_millis()
}

fn kem(kem: Kem) -> &'static str {
    match kem {
        Kem::X25519 => "x25519",
        Kem::XWing => "x-wing",
    }
}
