//! Ghost state of the model beside the members: when each session was admitted, which keys began
//! after which departure, and all orders.

use std::collections::{BTreeMap, BTreeSet};

use sealframe_group::{
    Event, LeaveReason, Recipient, SessionId, Time,
    message::{Action, Body, Heartbeat, Message, Order, unbundle},
};

use crate::net::Peer;

/// One sender's view of one session.
#[derive(Default)]
struct Seen {
    is_in: bool,
    /// The newest generation begun when the session departed; `None` if it was never a member.
    went_at: Option<u64>,
    /// For each generation begun without it, the highest step that frames were sealed with
    /// meanwhile.
    sealed: BTreeMap<u64, u32>,
}

#[derive(Default)]
pub(crate) struct Ghost {
    /// Views by sender and other session.
    seen: BTreeMap<(SessionId, SessionId), Seen>,
    /// The newest generation begun by each sender.
    begun: BTreeMap<SessionId, u64>,
    sessions: BTreeMap<u16, SessionId>,
    /// Sessions whose removal some member has received.
    removed: BTreeSet<(SessionId, SessionId)>,
    orders: Vec<(SessionId, Order)>,
    equivocation: Option<String>,
}

impl Ghost {
    pub(crate) fn session_at(&self, address: u16) -> Option<SessionId> {
        self.sessions.get(&address).copied()
    }

    /// Sessions that were members at this sender and no longer are.
    pub(crate) fn gone_at(&self, sender: SessionId) -> Vec<SessionId> {
        let gone = self
            .seen
            .iter()
            .filter(|((us, _), seen)| *us == sender && !seen.is_in && seen.went_at.is_some());
        gone.map(|((_, session), _)| *session).collect()
    }

    pub(crate) fn accuse(&mut self, by: u16) {
        self.equivocation = Some(format!("{by} accuses"));
    }

    /// Notes removals that a member receives, whether or not it applies them.
    pub(crate) fn hear_removals(&mut self, us: SessionId, bytes: &[u8]) {
        for part in unbundle(bytes).unwrap() {
            if let Body::Order(Order { action: Action::Remove { target, .. }, .. }) =
                Message::parse(part).unwrap().body
            {
                self.removed.insert((us, target));
            }
        }
    }

    /// Notes that frames were sealed until now with a member's current key.
    pub(crate) fn before_turn(&mut self, peer: &Peer) {
        let us = peer.group.session();
        self.sessions.insert(peer.address, us);
        let others: Vec<_> = self.sessions.values().copied().filter(|other| *other != us).collect();
        for other in others {
            let seen = self.seen.entry((us, other)).or_default();
            let (generation, step, _) = peer.own;
            if !seen.is_in && seen.went_at.is_none_or(|went| generation > went) {
                let most = seen.sealed.entry(generation).or_default();
                *most = (*most).max(step);
            }
        }
    }

    pub(crate) fn after_turn(&mut self, peer: &Peer, first: usize, sent: &[(Recipient, Vec<u8>)]) {
        let us = peer.group.session();
        let begun = *self.begun.get(&us).unwrap_or(&0);
        for (_, event) in &peer.events[first..] {
            if let Event::Joined(session) | Event::Returned(session) = event {
                self.seen.entry((us, *session)).or_default().is_in = true;
            }
            if let Event::Left { session, .. } = event {
                let seen = self.seen.entry((us, *session)).or_default();
                (seen.is_in, seen.went_at) = (false, Some(begun));
            }
            if let Event::Equivocation(who) = event {
                self.equivocation = Some(format!("{} accuses {who:?}", peer.address));
            }
            if let Some(session) = is_removal(event) {
                self.removed.insert((us, session));
            }
        }
        let mut newest = begun.max(peer.own.0);
        for (_, bytes) in sent {
            for part in unbundle(bytes).unwrap() {
                let message = Message::parse(part).unwrap();
                if message.head.session != us {
                    continue;
                }
                if let Body::KeyUpdate(update) = &message.body {
                    newest = newest.max(update.generation.into());
                }
                if let Body::Order(order) = message.body
                    && !self.orders.contains(&(us, order.clone()))
                {
                    if let Action::Remove { target, .. } = order.action {
                        self.removed.insert((us, target));
                    }
                    self.orders.push((us, order));
                }
            }
        }
        self.begun.insert(us, newest);
    }

    /// Checks the invariants of every state.
    pub(crate) fn check(&self, peers: &BTreeMap<u16, Peer>) -> Result<(), String> {
        if let Some(what) = &self.equivocation {
            return Err(format!("equivocation: {what}"));
        }
        for sender in peers.values() {
            let us = sender.group.session();
            for other in peers.values().filter(|other| other.address != sender.address) {
                let session = other.group.session();
                let pair = format!("{} of {}", other.address, sender.address);
                if self.removed.contains(&(us, session)) && sender.sees(session) {
                    return Err(format!("a removed session is back: {pair}"));
                }
                let Some(seen) = self.seen.get(&(us, session)) else { continue };
                let number = sender.group.member_id();
                for ((_, generation), held) in other.held.range((number, 0)..=(number, u64::MAX)) {
                    if !seen.is_in && seen.went_at.is_some_and(|went| *generation > went) {
                        return Err(format!("a key after it departed: {generation} held by {pair}"));
                    }
                    if seen.sealed.get(generation).is_some_and(|sealed| held.step <= *sealed) {
                        return Err(format!(
                            "a key from before: {generation} {} held by {pair}",
                            held.step
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// The orders in force among the given ones, computed from PROTOCOL.md §6 independently of the
    /// code.
    fn in_force(orders: &[&(SessionId, Order)]) -> Vec<(SessionId, Order)> {
        let rank = |order: &&&(SessionId, Order)| (order.1.counter, order.0);
        let is_unlock = |order: &&&(SessionId, Order)| order.1.action == Action::Unlock;
        let is_removal = |order: &&&(SessionId, Order)| matches!(order.1.action, Action::Remove { .. });
        let lock = orders.iter().filter(|order| !is_removal(order)).max_by_key(rank);
        let unlock = orders.iter().filter(is_unlock).max_by_key(rank);
        let removals = orders.iter().filter(is_removal);
        let removals = removals.filter(|order| unlock.is_none_or(|unlock| rank(order) > rank(&unlock)));
        let mut all: Vec<_> =
            lock.into_iter().chain(unlock).chain(removals).map(|o| (*o).clone()).collect();
        all.dedup();
        all
    }

    /// Checks members' heartbeats: their orders are among those given, and they act accordingly.
    pub(crate) fn check_orders(
        &self,
        peers: &BTreeMap<u16, Peer>,
        told: &BTreeMap<u16, Heartbeat>,
    ) -> Result<(), String> {
        let mut known = BTreeMap::new();
        for subset in 0..1_u32 << self.orders.len() {
            let some = self.orders.iter().enumerate().filter(|(place, _)| subset >> place & 1 == 1);
            let some: Vec<_> = some.map(|(_, order)| order).collect();
            let force = Self::in_force(&some);
            let hash = Order::orders_hash(force.iter().map(|(by, order)| (*by, order)));
            known.insert(hash, force);
        }
        for (address, heartbeat) in told {
            let peer = &peers[address];
            let Some(force) = known.get(&heartbeat.orders_hash) else {
                return Err(format!("{address} tells orders that nobody gave"));
            };
            let lock = force.iter().find(|(_, order)| !matches!(order.action, Action::Remove { .. }));
            let is_locked = lock.is_some_and(|(_, order)| matches!(order.action, Action::Lock { .. }));
            if is_locked != heartbeat.is_locked {
                return Err(format!("{address}: its orders say locked {is_locked}, and it does not"));
            }
            let members = peer.group.member_states(Time::START);
            for member in members {
                for (by, order) in force {
                    let tag = Order::tag(*by, order.counter, &member.identity);
                    let is_out = match &order.action {
                        Action::Lock { allowed } => !allowed.contains(&tag),
                        Action::Remove { target, identity } => {
                            *target == member.session || *identity == tag
                        }
                        Action::Unlock => false,
                    };
                    if is_out {
                        return Err(format!("{address}: {:?} is in against {order:?}", member.session));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether an order is the reason, so that the session has ended for good.
fn is_removal(event: &Event) -> Option<SessionId> {
    if let Event::Left { session, why: LeaveReason::Removed } = event { Some(*session) } else { None }
}
