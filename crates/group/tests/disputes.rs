//! What a member does when others see another call than it does.

use core::{cell::RefCell, time::Duration};
use std::{collections::BTreeSet, rc::Rc};

mod common;
use common::{Peer, call};

/// Announces are messages of this type.
const ANNOUNCE: u8 = 1;

#[test]
fn many_who_see_another_call_are_shown_ours_one_after_the_other() {
    let (mut net, all) = call(10);
    let alice = all[0];
    let ghost = Peer::new(99, net.now);
    let hidden = ghost.group.session();
    let shown = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&shown);
    // Nobody but Alice hears of it by the server, and only she says what she knows.
    net.drops = Box::new(move |from, to, bytes| {
        let is_news = from == hidden && to != alice || to == hidden && from != alice;
        let is_shown = bytes[1] == ANNOUNCE && from != hidden && to != hidden;
        if is_shown && from == alice {
            log.borrow_mut().push(to);
        }
        is_news || is_shown && from != alice
    });
    net.add(ghost);
    let mut times = Vec::new();
    let mut everybody = BTreeSet::new();
    for _ in 0..1200 {
        net.pass(Duration::from_millis(20));
        let now: BTreeSet<_> = shown.borrow_mut().drain(..).collect();
        if !now.is_empty() {
            times.push(net.now);
            assert_eq!(now.len(), 1, "to one at a time");
            everybody.extend(now);
        }
    }
    assert_eq!(everybody.len(), 9, "all are shown it");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(240)), "{times:?}");
    let sees =
        |session| net.peers[session].group.member_states(net.now).iter().any(|m| m.session == hidden);
    assert!(all.iter().all(sees), "so all see it now");
}
