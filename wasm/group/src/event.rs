//! Events as JSON.

use sealframe_group::{
    EndReason, Event, JoinRequest, LeaveReason, RefusalReason, Role, SessionId,
    verification::VerificationState,
};

use crate::{
    code,
    json::{self, Object},
};

pub(crate) fn json(event: &Event) -> String {
    let of = |name: &str| Object::new().word("type", name);
    let with = |name: &str, session: &SessionId| of(name).hex("session", &session.0);
    let by = |name: &str, session: &SessionId| of(name).hex("by", &session.0);
    match event {
        Event::JoinRequested(request) => join_request(with("joinRequested", &request.session), request),
        Event::Joined(session) => with("joined", session),
        Event::Left { session, why } => with("left", session).word("why", leave_reason(*why)),
        Event::Returned(session) => with("returned", session),
        Event::IdentityChanged { session, verification } => {
            with("identityChanged", session).word("standing", verification_state(*verification))
        }
        Event::Unresponsive(session) => with("unresponsive", session),
        Event::Responsive(session) => with("responsive", session),
        Event::RosterMismatch { with, sessions } => compared(of("rosterMismatch"), *with, sessions),
        Event::RosterAgrees(session) => with("rosterAgrees", session),
        Event::ViewMismatch { with, sessions } => compared(of("viewMismatch"), *with, sessions),
        Event::OrdersDiffer(session) => with("ordersDiffer", session),
        Event::Equivocation(session) => with("equivocation", session),
        Event::Locked { by: session } => by("locked", session),
        Event::Unlocked { by: session } => by("unlocked", session),
        Event::LockedOut(identity) => of("lockedOut").hex("identity", &identity.0),
        Event::NotAdmitted { by: session, reason } => refusal(by("notAdmitted", session), *reason),
        Event::SessionChanged(session) => with("sessionChanged", session),
        Event::Ended(reason) => {
            let (reason, session) = match reason {
                EndReason::Removed { by } => ("removed", by),
                EndReason::LockedOut { by } => ("lockedOut", by),
                EndReason::Replaced { by } => ("replaced", by),
            };
            by("ended", session).word("reason", reason)
        }
        Event::SasStarted(session) => with("checkBegun", session),
        Event::SasReady { session, sas } => {
            let emoji = sas
                .emoji()
                .map(|emoji| Object::new().word("symbol", emoji.symbol).word("name", emoji.name).end());
            let numbers = sas.numbers().map(|number| json::number(number.into()));
            with("checkCompare", session)
                .raw("emoji", &json::array(emoji.into_iter()))
                .raw("numbers", &json::array(numbers.into_iter()))
        }
        Event::SasVerified(session) => with("checkVerified", session),
        Event::SasFailed { session, error } => {
            with("checkFailed", session).word("code", code::of_check(*error))
        }
    }
    .end()
}

fn join_request(of: Object, request: &JoinRequest) -> Object {
    of.number("number", request.member_id.get())
        .address("address", &request.address)
        .hex("identity", &request.identity.0)
        .word("role", role(request.role))
        .hex("credential", &request.credential)
        .flag("hasLeft", request.has_left)
}

/// The other member's session, and the sessions that differ by their first 8 bytes.
fn compared(of: Object, with: SessionId, sessions: &[[u8; 8]]) -> Object {
    let sessions = sessions.iter().map(|session| json::hex(session));
    of.hex("with", &with.0).raw("sessions", &json::array(sessions))
}

fn refusal(of: Object, reason: RefusalReason) -> Object {
    match reason {
        RefusalReason::Refused => of.word("reason", "refused"),
        RefusalReason::Locked => of.word("reason", "locked"),
        RefusalReason::Removed => of.word("reason", "removed"),
        RefusalReason::Full => of.word("reason", "full"),
        RefusalReason::MemberIdInUse(other) => of.word("reason", "numberInUse").hex("other", &other.0),
        RefusalReason::OtherParameters => of.word("reason", "otherParameters"),
        RefusalReason::Replaced(other) => of.word("reason", "replaced").hex("other", &other.0),
    }
}

pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Participant => "participant",
        Role::Recorder => "recorder",
        Role::Bot => "bot",
    }
}

pub(crate) const fn verification_state(state: VerificationState) -> &'static str {
    match state {
        VerificationState::New => "new",
        VerificationState::Known => "known",
        VerificationState::Verified => "verified",
        VerificationState::Changed { was_verified: false } => "changed",
        VerificationState::Changed { was_verified: true } => "changedVerified",
    }
}

const fn leave_reason(why: LeaveReason) -> &'static str {
    match why {
        LeaveReason::Left => "left",
        LeaveReason::Removed => "removed",
        LeaveReason::LockedOut => "lockedOut",
        LeaveReason::Replaced => "replaced",
        LeaveReason::Dropped => "dropped",
        LeaveReason::Lost => "lost",
    }
}
