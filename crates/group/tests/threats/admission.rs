//! Admission: applicants, calls without room, and member ids that are taken.

use sealframe_group::{
    Admission, Event, GroupError, Identity, MemberId, Permission, Policy, RefusalReason, Time, UserId,
    message::{self, Announce, Body, Head},
    verification::VerificationState,
};

use crate::common::{Join, MILLI, Net, SECOND, Stranger, call, call_of, group, key_of};

fn admission() -> Admission {
    Admission { user: UserId::new("somebody").unwrap(), permission: Permission::None }
}

fn undecided(net: &mut Net, ids: &[u16]) {
    for id in ids {
        net.peers.get_mut(id).unwrap().is_undecided = true;
    }
}

#[test]
fn an_applicant_that_leaves_is_not_admitted() {
    for is_told in [false, true] {
        let (mut net, ids) = call_of(2);
        undecided(&mut net, &ids);
        let carol = net.join(&Join::of(3));
        net.run_for(SECOND);
        let session = net.session(carol);
        assert_eq!(net.peer(ids[0]).group.state(net.now).waiting, [session]);
        // It leaves with a message, or the relay reports it gone.
        if is_told {
            net.crash(carol);
            net.tell_gone(carol);
        } else {
            net.leave(carol);
        }
        net.run_for(SECOND);
        for &id in &ids {
            let admitted = net.with(id, |peer, now| peer.group.admit(session, admission(), now));
            assert_eq!(admitted, Err(GroupError::UnknownMember(session)));
            assert!(!net.peer(id).sees(session));
        }
        net.run_for(120 * SECOND);
        net.is_together().unwrap();
        net.assert_no_alarms();
    }
}

#[test]
fn a_leave_that_arrives_before_the_announce_prevents_admission() {
    let (mut net, ids) = call_of(2);
    let ghost = Stranger::of(9);
    let leave = ghost.sign(&Body::Leave);
    assert_eq!(net.hand(ids[0], &leave), Err(GroupError::UnknownMember(ghost.session)));
    assert_eq!(net.hand(ids[0], &ghost.message), Err(GroupError::Departed));
    net.run_for(SECOND);
    assert!(!net.peer(ids[0]).sees(ghost.session));
    // A forged leave excludes no session.
    let honest = Stranger::of(10);
    let forged = message::sign(&group(), honest.session, &Body::Leave, &key_of(9));
    let _ = net.hand(ids[0], &forged);
    net.hand(ids[0], &honest.message).unwrap();
    assert!(net.peer(ids[0]).sees(honest.session));
}

#[test]
fn an_applicant_that_is_not_heard_expires() {
    let (mut net, ids) = call_of(2);
    undecided(&mut net, &ids);
    let ghost = Stranger::of(9);
    net.hand(ids[0], &ghost.message).unwrap();
    net.run_for(95 * SECOND);
    assert_eq!(net.peer(ids[0]).group.state(net.now).waiting, [ghost.session]);
    net.run_for(6 * SECOND);
    assert!(net.peer(ids[0]).group.state(net.now).waiting.is_empty());
}

#[test]
fn a_session_refused_for_lack_of_room_is_admitted_once_there_is_room() {
    let policy = Policy { max_members: 3, ..Policy::default() };
    let (mut net, ids) = call(&[Join { policy, ..Join::of(1) }, Join { policy, ..Join::of(2) }]);
    undecided(&mut net, &ids[..1]);
    let [third, fourth] = [3, 4].map(|person| net.join(&Join { policy, ..Join::of(person) }));
    net.run_for(100 * MILLI);
    let [first, second] = [third, fourth].map(|address| net.session(address));
    let admit = |net: &mut Net, session| {
        net.with(ids[0], |peer, now| peer.group.admit(session, admission(), now))
    };
    assert_eq!(admit(&mut net, first), Ok(()));
    assert_eq!(admit(&mut net, second), Err(GroupError::Full));
    net.run_for(SECOND);
    let is_told =
        |event: &Event| matches!(event, Event::NotAdmitted { reason: RefusalReason::Full, .. });
    assert!(net.peer(fourth).has_event(is_told));
    // One leaves. The other announces itself again, is put to the application again, and is
    // admitted.
    net.leave(third);
    net.run_for(SECOND);
    net.with(fourth, |peer, now| peer.group.reconnected(now));
    net.run_for(SECOND);
    assert_eq!(net.peer(ids[0]).group.state(net.now).waiting, [second]);
    assert_eq!(admit(&mut net, second), Ok(()));
}

#[test]
fn an_applicant_from_before_a_lock_is_not_admitted_after_it() {
    let (mut net, ids) = call_of(2);
    undecided(&mut net, &ids);
    let carol = net.join(&Join::of(3));
    net.run_for(100 * MILLI);
    net.with(ids[0], |peer, now| peer.group.lock(now).unwrap());
    net.run_for(SECOND);
    let session = net.session(carol);
    for &id in &ids {
        let admitted = net.with(id, |peer, now| peer.group.admit(session, admission(), now));
        assert_eq!(admitted, Err(GroupError::UnknownMember(session)), "it is no longer an applicant");
    }
    let by = net.session(ids[0]);
    assert!(net.peer(carol).has(&Event::NotAdmitted { by, reason: RefusalReason::Locked }));
}

/// A stranger with a member id of the test's choice.
fn with_member_id(person: u16, member: MemberId) -> Stranger {
    let mut announce = Stranger::of(person).announce;
    for joined_at in 0.. {
        announce.joined_at = joined_at;
        let head = Head::new(&group(), Default::default());
        let encoded = message::encode(&head, &Body::Announce(announce.clone()));
        if Announce::session_of(&group(), &encoded[Head::LEN..]).member_id() == member {
            break;
        }
    }
    let joined_at = announce.joined_at;
    Stranger::with(person, |announce| announce.joined_at = joined_at)
}

/// An attacker learns of a newcomer first, and joins with a session that has the same member id.
#[test]
fn a_newcomer_whose_member_id_is_taken_joins_with_another() {
    let (mut net, ids) = call_of(2);
    let honest = ids[1] + 1;
    for &id in &ids {
        net.cut.extend([(honest, id), (id, honest)]);
    }
    assert_eq!(net.join(&Join::of(3)), honest);
    let (session, number) = (net.session(honest), net.peer(honest).group.member_id());
    let squatter = with_member_id(9, number);
    for &id in &ids {
        net.hand(id, &squatter.message).unwrap();
        assert!(net.peer(id).sees(squatter.session));
    }
    net.cut.clear();
    net.with(honest, |peer, now| peer.group.reconnected(now));
    net.run_for(SECOND);
    let renewed = net.session(honest);
    assert!(renewed != session && net.peer(honest).has(&Event::SessionChanged(renewed)));
    for &id in &ids {
        assert!(net.peer(id).sees(renewed) && !net.peer(id).sees(session), "{id}");
        assert!(net.peer(id).opens(net.peer(honest)) && net.peer(honest).opens(net.peer(id)));
    }
    // The squatter has no client, so it is lost like every ghost.
    net.run_for(110 * SECOND);
    net.is_together().unwrap();
}

#[test]
fn a_newcomer_cannot_take_a_members_id() {
    let (mut net, ids) = call_of(2);
    let number = net.peer(ids[1]).group.member_id();
    let squatter = with_member_id(9, number);
    assert_eq!(net.hand(ids[0], &squatter.message), Err(GroupError::InUse));
    // Our own member id cannot be taken either.
    assert_eq!(net.hand(ids[1], &squatter.message), Err(GroupError::InUse));
    net.run_for(30 * SECOND);
    net.is_together().unwrap();
}

/// A session is the hash of its announce, so no second announce for it and no announce for
/// another's session is accepted.
#[test]
fn an_announce_whose_session_is_not_its_hash_is_rejected() {
    let (mut net, ids) = call_of(2);
    let ghost = Stranger::of(9);
    let other = Announce { joined_at: 2000, ..ghost.announce.clone() };
    for session in [ghost.session, net.session(ids[1]), Default::default()] {
        let message = message::sign(&group(), session, &Body::Announce(other.clone()), &ghost.key);
        assert_eq!(net.hand(ids[0], &message), Err(GroupError::Unauthentic));
    }
    net.hand(ids[0], &ghost.message).unwrap();
    net.run_for(SECOND);
    let message = message::sign(&group(), ghost.session, &Body::Announce(other), &ghost.key);
    assert_eq!(net.hand(ids[1], &message), Err(GroupError::Unauthentic));
    net.assert_no_alarms();
}

#[test]
fn no_member_is_admitted_beyond_the_bound() {
    let (mut net, ids) = call(&[Join::of(1)]);
    for person in 100..355 {
        net.hand(ids[0], &with_free_number(&net, ids[0], person)).unwrap();
    }
    assert_eq!(net.peer(ids[0]).group.member_states(net.now).len(), 255);
    let more = with_free_number(&net, ids[0], 355);
    assert_eq!(net.hand(ids[0], &more), Err(GroupError::Full));
}

/// An announce of this person whose member id is free: among hundreds of members clashes are
/// common.
fn with_free_number(net: &Net, at: u16, person: u16) -> Vec<u8> {
    let group = &net.peer(at).group;
    let tries =
        (0..).map(|joined_at| Stranger::with(person, |announce| announce.joined_at = joined_at));
    let is_free = |stranger: &Stranger| {
        let number = stranger.session.member_id();
        group.session_of(number).is_none() && group.member_id() != number
    };
    tries.into_iter().find(is_free).unwrap().message
}

#[test]
fn a_changed_identity_of_a_known_person_is_flagged() {
    let (mut net, ids) = call_of(2);
    let carol = net.join(&Join::of(3));
    net.run_for(2 * SECOND);
    net.leave(carol);
    net.run_for(SECOND);
    // The same credential, and so the same user, with another identity.
    let other = Stranger::with(9, |announce| announce.credential = vec![0, 3, 0]);
    net.hand(ids[0], &other.message).unwrap();
    let session = other.session;
    let is_flag =
        |event: &Event| matches!(event, Event::IdentityChanged { session: of, .. } if *of == session);
    assert!(net.peer(ids[0]).has_event(is_flag));
    let states = net.peer(ids[0]).group.member_states(net.now);
    let state = states.iter().find(|member| member.session == session).unwrap();
    assert!(state.verification.is_changed());
    assert_eq!(state.identity, key_of(9).public());
    assert_ne!(state.identity, Identity([0; 32]));
}

/// An SAS verification of a changed identity accepts and verifies it.
#[test]
fn an_sas_verification_of_a_changed_identity_is_stored() {
    let (mut net, ids) = call_of(1);
    let alice = ids[0];
    let person = 3;
    let first = Stranger::with(9, |announce| announce.credential = vec![0, 3, 0]);
    net.hand(alice, &first.message).unwrap();
    net.hand(alice, &first.sign(&Body::Leave)).unwrap();
    let bob = net.join(&Join::of(person));
    net.run_for(2 * SECOND);
    let (a, b) = (net.session(alice), net.session(bob));
    let verification = |net: &Net| net.peer(alice).group.member_states(net.now)[0].verification;
    assert!(verification(&net).is_changed());
    net.with(alice, |peer, now| peer.group.start_sas(b, now, &mut peer.rng).unwrap());
    net.run_for(SECOND);
    net.with(alice, |peer, now| peer.group.confirm_sas(b, now).unwrap());
    net.with(bob, |peer, now| peer.group.confirm_sas(a, now).unwrap());
    net.run_for(SECOND);
    assert!(net.peer(alice).has(&Event::SasVerified(b)));
    assert_eq!(verification(&net), VerificationState::Verified);
    // The stored result counts in the next call.
    let trust = net.peer(alice).group.trust();
    let user = UserId::new([0, 3]).unwrap();
    assert_eq!(trust.state_of(&user, &key_of(person).public()), VerificationState::Verified);
}

/// The application is not asked about a refused session again for a minute, and then it is.
#[test]
fn a_refusal_by_the_application_is_sent_and_holds_for_a_minute() {
    let (mut net, ids) = call_of(2);
    undecided(&mut net, &ids);
    let carol = net.join(&Join::of(3));
    net.run_for(SECOND);
    let session = net.session(carol);
    for &id in &ids {
        net.with(id, |peer, now| peer.group.refuse(session, now));
    }
    net.run_for(SECOND);
    let by = net.session(ids[0]);
    let told = |net: &Net| {
        let is_told = |(_, event): &&(Time, Event)| {
            matches!(event, Event::NotAdmitted { reason: RefusalReason::Refused, .. })
        };
        net.peer(carol).events.iter().filter(is_told).count()
    };
    assert_eq!(told(&net), 1, "reported once, not once for each member");
    net.with(carol, |peer, now| peer.group.reconnected(now));
    net.run_for(SECOND);
    assert!(net.peer(ids[0]).group.state(net.now).waiting.is_empty());
    net.run_for(60 * SECOND);
    net.with(carol, |peer, now| peer.group.reconnected(now));
    net.run_for(SECOND);
    assert_eq!(net.peer(ids[0]).group.state(net.now).waiting, [session]);
    let _ = by;
}
