//! What people should know, as JSON.

use sealframe_group::{Departure, Event, Role, SessionId, verification::Standing};

use crate::{
    code,
    json::{self, Object},
};

pub(crate) fn json(event: &Event) -> String {
    let of = |name: &str| Object::new().word("type", name);
    let with = |name: &str, session: &SessionId| of(name).hex("session", &session.0);
    match event {
        Event::Applied(applicant) => with("applied", &applicant.session)
            .raw("member", applicant.sender)
            .hex("identity", &applicant.identity.0)
            .word("role", role(applicant.role))
            .hex("credential", &applicant.credential),
        Event::Joined(session) => with("joined", session),
        Event::Left { session, why } => with("left", session).word("why", departure(*why)),
        Event::IdentityChanged { session, standing } => {
            with("identityChanged", session).word("standing", self::standing(*standing))
        }
        Event::Silent(session) => with("silent", session),
        Event::Heard(session) => with("heard", session),
        Event::RosterMismatch(session) => with("rosterMismatch", session),
        Event::RosterAgrees(session) => with("rosterAgrees", session),
        Event::UpdateMissing(session) => with("updateMissing", session),
        Event::Equivocation(session) => with("equivocation", session),
        Event::Locked { by } => with("locked", by),
        Event::Unlocked { by } => with("unlocked", by),
        Event::LockedOut(identity) => of("lockedOut").hex("identity", &identity.0),
        Event::Removed { by } => with("removed", by),
        Event::CheckBegun(session) => with("checkBegun", session),
        Event::CheckCompare { session, sas } => {
            let emoji = sas
                .emoji()
                .map(|emoji| Object::new().word("symbol", emoji.symbol).word("name", emoji.name).end());
            let numbers = sas.numbers().map(|number| number.to_string());
            with("checkCompare", session)
                .raw("emoji", json::array(emoji.into_iter()))
                .raw("numbers", json::array(numbers.into_iter()))
        }
        Event::CheckVerified(session) => with("checkVerified", session),
        Event::CheckFailed { session, error } => {
            with("checkFailed", session).word("code", code::of_check(*error))
        }
    }
    .end()
}

pub(crate) const fn role(role: Role) -> &'static str {
    match role {
        Role::Participant => "participant",
        Role::Recorder => "recorder",
        Role::Bot => "bot",
    }
}

pub(crate) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::New => "new",
        Standing::Known => "known",
        Standing::Verified => "verified",
        Standing::Changed { was_verified: false } => "changed",
        Standing::Changed { was_verified: true } => "changedVerified",
    }
}

const fn departure(why: Departure) -> &'static str {
    match why {
        Departure::Left => "left",
        Departure::Removed => "removed",
        Departure::Lost => "lost",
        Departure::Dropped => "dropped",
    }
}
