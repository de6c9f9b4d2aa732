//! Snapshots of a call as JSON.

use core::time::Duration;

use sealframe_group::{Group, GroupState, Kem, MemberState, Permission, SessionId, Time};

use crate::{
    code,
    event::{role, verification_state},
    json::{self, Object},
};

pub(crate) fn json(group: &Group, now: Time) -> String {
    let state = group.state(now);
    let members = group.member_states(now);
    let away = state.away.iter().map(|session| of_away(*session, group));
    of_group(&state, group.suite().id())
        .raw("away", &json::array(away))
        .raw("members", &json::array(members.iter().map(of_member)))
        .end()
}

fn of_group(state: &GroupState, suite: u16) -> Object {
    let waiting = state.waiting.iter().map(|session| json::hex(&session.0));
    Object::new()
        .hex("session", &state.session.0)
        .number("number", state.member_id.get())
        .hex("identity", &state.identity.0)
        .word("kem", kem(state.kem))
        .number("suite", suite)
        .word("callCode", &code::digits(&state.call_code))
        .flag("locked", state.is_locked)
        .number("generation", state.key.generation)
        .number("step", state.key.step)
        .flag("sends", state.sends)
        .maybe("nextKeyWithin", state.next_key_within.map(millis))
        .raw("waiting", &json::array(waiting))
        .flag("ended", state.has_ended)
}

fn of_away(session: SessionId, group: &Group) -> String {
    let address = group.address_of(session).unwrap_or_default();
    Object::new().hex("session", &session.0).address("address", address).end()
}

fn of_member(of: &MemberState) -> String {
    Object::new()
        .hex("session", &of.session.0)
        .number("number", of.member_id.get())
        .address("address", &of.address)
        .hex("user", of.user.as_bytes())
        .hex("identity", &of.identity.0)
        .word("standing", verification_state(of.verification))
        .word("role", role(of.role))
        .flag("moderator", of.permission == Permission::Moderator)
        .number("since", millis(of.since))
        .maybe("generation", of.key.map(|key| key.generation))
        .maybe("step", of.key.map(|key| key.step))
        .maybe("keySince", of.key_since.map(millis))
        .flag("hasOurKey", of.has_our_key)
        .flag("isLive", of.is_live)
        .number("silentFor", millis(of.silent_for))
        .flag("sends", of.sends)
        .flag("rosterDiffers", of.roster_differs)
        .flag("equivocated", of.has_equivocated)
        .maybe("framesSealed", of.frames_sealed)
        .end()
}

/// Of a call, which does not last for 500 million years.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn kem(kem: Kem) -> &'static str {
    match kem {
        Kem::X25519 => "x25519",
        Kem::XWing => "x-wing",
    }
}
