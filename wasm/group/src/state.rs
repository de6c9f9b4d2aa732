//! How a call stands, as JSON.

use core::time::Duration;

use sealframe_group::{Group, GroupState, Kem, MemberState, Permission, SessionId, Time};

use crate::{
    event::{role, standing},
    json::{self, Object},
};

pub(crate) fn json(group: &Group, now: Time) -> String {
    let state = group.state(now);
    let members = group.member_states(now);
    let away = state.away.iter().map(|session| of_away(*session, group));
    of_group(&state, group.suite().id())
        .raw("away", json::array(away))
        .raw("members", json::array(members.iter().map(of_member)))
        .end()
}

fn of_group(state: &GroupState, suite: u16) -> Object {
    let waiting = state.waiting.iter().map(|session| format!("\"{}\"", json::hex(&session.0)));
    Object::new()
        .hex("session", &state.session.0)
        .raw("number", state.member_id.get())
        .hex("identity", &state.identity.0)
        .word("kem", kem(state.kem))
        .raw("suite", suite)
        .word("callCode", &state.call_code.to_string())
        .raw("locked", state.is_locked)
        .raw("generation", state.key.generation)
        .raw("step", state.key.step)
        .raw("sends", state.sends)
        .maybe("nextKeyWithin", state.next_key_within.map(millis))
        .raw("waiting", json::array(waiting))
        .raw("ended", state.has_ended)
}

fn of_away(session: SessionId, group: &Group) -> String {
    let address = group.address_of(session).unwrap_or_default();
    Object::new().hex("session", &session.0).address("address", address).end()
}

fn of_member(of: &MemberState) -> String {
    Object::new()
        .hex("session", &of.session.0)
        .raw("number", of.member_id.get())
        .address("address", &of.address)
        .hex("user", of.user.as_bytes())
        .hex("identity", &of.identity.0)
        .word("standing", standing(of.standing))
        .word("role", role(of.role))
        .raw("moderator", of.permission == Permission::Moderator)
        .raw("since", millis(of.since))
        .maybe("generation", of.key.map(|key| key.generation))
        .maybe("step", of.key.map(|key| key.step))
        .maybe("keySince", of.key_since.map(millis))
        .raw("hasOurKey", of.has_our_key)
        .raw("isLive", of.is_live)
        .raw("silentFor", millis(of.silent_for))
        .raw("sends", of.sends)
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
