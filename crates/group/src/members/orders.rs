//! The orders of moderators: lock, unlock, remove. They commute: the same set of orders gives the
//! same rules in whatever order they arrived.

use alloc::{boxed::Box, vec::Vec};
use core::mem;

use crate::{
    Identity, SessionId,
    message::{Action, Message, Order, Verified},
};

/// Largest step by which one heartbeat raises the counter. Otherwise a member that is not a
/// moderator could exhaust it.
const MAX_SKIPPED: u32 = 1024;
/// Maximum number of removals kept.
const MAX_REMOVALS: usize = 256;
/// Maximum number of locks and unlocks kept. An older one is in force again if the later ones turn
/// out to be void.
const MAX_LOCKS: usize = 16;

/// The precedence of an order, which also identifies it. Two orders of one moderator with one
/// counter still differ in rank.
type Rank<'o> = (u32, SessionId, &'o [u8]);

fn rank<'o>(by: SessionId, order: &Order, message: &'o [u8]) -> Rank<'o> {
    (order.counter, by, Message::body_of(message))
}

/// An order with the message that its moderator signed: our own, or one whose signature was
/// verified.
#[derive(Clone)]
pub(crate) struct SignedOrder {
    pub(crate) by: SessionId,
    /// The moderator's identity.
    pub(crate) identity: Identity,
    pub(crate) order: Order,
    pub(crate) message: Box<[u8]>,
}

impl SignedOrder {
    /// A verified order of a moderator with this identity.
    pub(crate) fn new(order: Verified<'_, Order>, identity: Identity) -> Self {
        let (by, message) = (order.session(), order.bytes().into());
        Self { by, identity, order: order.body().clone(), message }
    }

    fn rank(&self) -> Rank<'_> {
        rank(self.by, &self.order, &self.message)
    }

    fn names(&self, identity: &Identity) -> bool {
        let tag = Order::tag(self.by, self.order.counter, identity);
        match &self.order.action {
            Action::Lock { allowed } => allowed.binary_search(&tag).is_ok(),
            Action::Remove { identity, .. } => *identity == tag,
            Action::Unlock => false,
        }
    }

    const fn is_removal(&self) -> bool {
        matches!(self.order.action, Action::Remove { .. })
    }
}

/// A moderator, during the pass that decides which orders count.
struct Signer {
    session: SessionId,
    identity: Identity,
    /// The counter of the first order that removed its session, for good.
    removed: Option<u32>,
    /// The counter of the first order since the last unlock that removed its identity.
    identity_removed: Option<u32>,
}

/// The effect of a new order.
pub(crate) struct Inserted {
    /// Whether the order counts.
    pub(crate) counts: bool,
    /// Sessions whose removals no longer count.
    pub(crate) welcome: Vec<SessionId>,
    /// Whether its moderator signed another order with the same counter.
    pub(crate) contradicts: bool,
}

/// The orders that count, and which of them are in force.
#[derive(Default)]
pub(crate) struct Orders {
    /// Ascending by rank.
    valid: Vec<SignedOrder>,
    /// Index of the newest lock or unlock, and of the newest unlock.
    lock: Option<usize>,
    unlock: Option<usize>,
    highest: u32,
}

impl Orders {
    pub(crate) const fn highest(&self) -> u32 {
        self.highest
    }

    /// Notes that a member has seen an order with this counter.
    pub(crate) fn note_counter(&mut self, counter: u32) {
        self.highest = counter.min(self.highest.saturating_add(MAX_SKIPPED)).max(self.highest);
    }

    /// Whether the order is held already.
    pub(crate) fn is_known(&self, by: SessionId, order: &Order, message: &[u8]) -> bool {
        let rank = rank(by, order, message);
        self.valid.binary_search_by(|known| known.rank().cmp(&rank)).is_ok()
    }

    /// Inserts an order whose signer the caller has checked, and decides again which orders count.
    pub(crate) fn insert(&mut self, order: SignedOrder) -> Inserted {
        let place = self.valid.binary_search_by(|known| known.rank().cmp(&order.rank()));
        let Err(place) = place else {
            return Inserted { counts: true, welcome: Vec::new(), contradicts: false };
        };
        let (counter, by) = (order.order.counter, order.by);
        let is_other = |known: &SignedOrder| (known.order.counter, known.by) == (counter, by);
        let contradicts = self.valid.iter().any(is_other);
        let message = order.message.clone();
        self.valid.insert(place, order);
        let void = self.drop_void();
        if void.iter().any(|void| void.message == message) {
            return Inserted { counts: false, welcome: Vec::new(), contradicts: false };
        }
        self.highest = self.highest.max(counter);
        self.drop_oldest();
        self.find_in_force();
        let removals = void.iter().filter(|order| order.is_removal());
        let welcome = removals.map(|order| order.order.action.target()).collect();
        Inserted { counts: true, welcome, contradicts }
    }

    /// Drops and returns the orders that moderators signed after their removal, checking from the
    /// lowest rank up.
    fn drop_void(&mut self) -> Vec<SignedOrder> {
        let mut signers: Vec<Signer> = Vec::new();
        for order in &self.valid {
            if !signers.iter().any(|signer| signer.session == order.by) {
                let (session, identity) = (order.by, order.identity);
                signers.push(Signer { session, identity, removed: None, identity_removed: None });
            }
        }
        let mut void = Vec::new();
        for order in mem::take(&mut self.valid) {
            let counter = order.order.counter;
            let is_after = |removal: Option<u32>| removal.is_some_and(|removal| removal < counter);
            let is_void = signers.iter().any(|signer| {
                signer.session == order.by
                    && (is_after(signer.removed) || is_after(signer.identity_removed))
            });
            if is_void {
                void.push(order);
                continue;
            }
            for signer in &mut signers {
                match order.order.action {
                    Action::Lock { .. } => {}
                    Action::Unlock => signer.identity_removed = None,
                    Action::Remove { target, .. } if target == signer.session => {
                        signer.removed.get_or_insert(counter);
                    }
                    Action::Remove { .. } => {
                        if signer.identity_removed.is_none() && order.names(&signer.identity) {
                            signer.identity_removed = Some(counter);
                        }
                    }
                }
            }
            self.valid.push(order);
        }
        void
    }

    fn drop_oldest(&mut self) {
        let removals = self.valid.iter().filter(|order| order.is_removal()).count();
        let is_unlock = |order: &SignedOrder| matches!(order.order.action, Action::Unlock);
        let newest_unlock = self.valid.iter().rposition(is_unlock);
        let locks = self.valid.len() - removals;
        let (mut surplus, mut place) = ((removals, locks), 0);
        self.valid.retain(|order| {
            let (left, most) = if order.is_removal() {
                (&mut surplus.0, MAX_REMOVALS)
            } else {
                (&mut surplus.1, MAX_LOCKS)
            };
            let stays = *left <= most || Some(place) == newest_unlock;
            *left -= usize::from(!stays);
            place += 1;
            stays
        });
    }

    fn find_in_force(&mut self) {
        self.lock = self.valid.iter().rposition(|order| !order.is_removal());
        let is_unlock = |order: &SignedOrder| matches!(order.order.action, Action::Unlock);
        self.unlock = self.valid.iter().rposition(is_unlock);
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.lock_in_force().is_some()
    }

    /// The lock in force, if there is one.
    pub(crate) fn lock_in_force(&self) -> Option<&SignedOrder> {
        let lock = self.valid.get(self.lock?);
        lock.filter(|lock| matches!(lock.order.action, Action::Lock { .. }))
    }

    /// Whether no lock in force excludes this identity.
    pub(crate) fn allows(&self, identity: &Identity) -> bool {
        self.lock_in_force().is_none_or(|lock| lock.names(identity))
    }

    /// The removal that excludes this session, for good, or its identity, until an unlock.
    pub(crate) fn removal_of(&self, session: SessionId, identity: &Identity) -> Option<&SignedOrder> {
        let of_session = |order: &&SignedOrder| order.order.action.target() == session;
        let since = self.unlock.map_or(0, |unlock| unlock + 1);
        let in_force = self.valid.get(since..).unwrap_or_default();
        let in_force = in_force.iter().rev().filter(|order| order.is_removal());
        let mut of_identity = in_force.filter(|removal| removal.names(identity));
        self.removals().rfind(of_session).or_else(|| of_identity.next())
    }

    /// The counter of the first order that removed this session. Its later orders do not count.
    pub(crate) fn removed_at(&self, session: SessionId) -> Option<u32> {
        let mut removals = self.removals();
        let first = removals.find(|removal| removal.order.action.target() == session)?;
        Some(first.order.counter)
    }

    fn removals(&self) -> impl DoubleEndedIterator<Item = &SignedOrder> {
        self.valid.iter().filter(|order| order.is_removal())
    }

    /// The orders in force.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SignedOrder> {
        self.valid
            .iter()
            .enumerate()
            .filter(|(place, _)| self.is_in_force(*place))
            .map(|(_, order)| order)
    }

    /// Removals that an unlock has ended. They still void the later orders of the sessions that
    /// they removed.
    pub(crate) fn ended_removals(&self) -> impl Iterator<Item = &SignedOrder> {
        let ended = self.valid.get(..self.unlock.unwrap_or_default()).unwrap_or_default();
        ended.iter().filter(|order| order.is_removal())
    }

    fn is_in_force(&self, place: usize) -> bool {
        let is_removal = self.valid.get(place).is_some_and(SignedOrder::is_removal);
        is_removal && self.unlock.is_none_or(|unlock| place > unlock)
            || [self.lock, self.unlock].contains(&Some(place))
    }

    /// `orders_hash`
    pub(crate) fn hash(&self) -> [u8; 32] {
        Order::orders_hash(self.iter().map(|order| (order.by, &order.order)))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::message::{self, Body, Head, SIGNATURE_LEN};

    fn order(counter: u32, by: u8, action: Action) -> SignedOrder {
        let order = Order { counter, action };
        let (by, identity) = (SessionId([by; 16]), Identity([by; 32]));
        let head = Head::new(&[0; 32], by);
        let signed = message::encode(&head, &Body::Order(order.clone()));
        let message = [signed, vec![0; SIGNATURE_LEN]].concat().into();
        SignedOrder { by, identity, order, message }
    }

    fn removal(counter: u32, by: u8, target: u8) -> SignedOrder {
        let identity = Order::tag(SessionId([by; 16]), counter, &Identity([target; 32]));
        order(counter, by, Action::Remove { target: SessionId([target; 16]), identity })
    }

    /// All permutations of six orders give the same rules.
    #[test]
    fn orders_commute() {
        let allowed = vec![Order::tag(SessionId([3; 16]), 4, &Identity([9; 32]))];
        let orders = [
            order(1, 1, Action::Lock { allowed: vec![] }),
            removal(2, 1, 7),
            order(3, 2, Action::Unlock),
            removal(3, 3, 8),
            order(4, 3, Action::Lock { allowed }),
            removal(4, 1, 2),
        ];
        let mut places: Vec<usize> = (0..orders.len()).collect();
        let mut hashes = Vec::new();
        permute(&mut places, 0, &mut |places| {
            let mut state = Orders::default();
            for &place in places {
                state.insert(orders[place].clone());
            }
            assert!(state.is_locked());
            assert!(state.allows(&Identity([9; 32])) && !state.allows(&Identity([1; 32])));
            assert!(state.removal_of(SessionId([0; 16]), &Identity([7; 32])).is_none());
            assert!(state.removal_of(SessionId([7; 16]), &Identity([0; 32])).is_some());
            assert!(state.removal_of(SessionId([0; 16]), &Identity([8; 32])).is_some());
            assert!(state.removal_of(SessionId([2; 16]), &Identity([0; 32])).is_some());
            assert!(orders.iter().all(|order| state.is_known(order.by, &order.order, &order.message)));
            hashes.push(state.hash());
        });
        assert_eq!(hashes.len(), 720);
        assert!(hashes.iter().all(|hash| *hash == hashes[0]));
    }

    /// The second moderator is removed, so its removal of the third and its lock never counted, and
    /// the third's unlock does. A later session of a removed identity cannot order before an
    /// unlock. Members that hold orders which turn out to count forward them again.
    #[test]
    fn later_orders_of_a_removed_moderator_are_void_in_any_order_of_arrival() {
        let mut later_session = order(6, 5, Action::Lock { allowed: vec![] });
        later_session.identity = Identity([2; 32]);
        let orders = [
            order(1, 1, Action::Lock { allowed: vec![] }),
            removal(5, 1, 2),
            removal(7, 2, 3),
            later_session,
            order(9, 2, Action::Lock { allowed: vec![] }),
            order(8, 3, Action::Unlock),
        ];
        let mut places: Vec<usize> = (0..orders.len()).collect();
        let mut hashes = Vec::new();
        permute(&mut places, 0, &mut |places| {
            let mut state = Orders::default();
            for &place in places.iter().chain(places) {
                state.insert(orders[place].clone());
            }
            assert!(!state.is_locked());
            assert_eq!(state.removed_at(SessionId([2; 16])), Some(5));
            assert_eq!(state.removed_at(SessionId([3; 16])), None);
            assert_eq!(state.ended_removals().count(), 1);
            hashes.push(state.hash());
        });
        assert!(hashes.iter().all(|hash| *hash == hashes[0]));
    }

    /// Of two locks of one moderator with one counter all members end with the same one, and a
    /// member that holds the other is seen to differ.
    #[test]
    fn two_locks_with_one_counter_have_two_hashes() {
        let lists = [[1; 12], [2; 12]];
        let locks = lists.map(|tag| order(3, 1, Action::Lock { allowed: vec![tag] }));
        let hash_of = |places: &[usize]| {
            let mut state = Orders::default();
            for &place in places {
                state.insert(locks[place].clone());
            }
            state.hash()
        };
        assert_ne!(hash_of(&[0]), hash_of(&[1]));
        assert_eq!(hash_of(&[0, 1]), hash_of(&[1, 0]));
    }

    #[test]
    fn old_orders_are_forgotten_and_the_newest_unlock_is_not() {
        let mut state = Orders::default();
        state.insert(order(1, 1, Action::Unlock));
        for counter in 2..600 {
            state.insert(removal(counter, 1, 7));
            state.insert(order(counter, 2, Action::Lock { allowed: vec![] }));
        }
        assert_eq!(state.removals().count(), MAX_REMOVALS);
        assert_eq!(state.valid.len(), MAX_REMOVALS + MAX_LOCKS);
        assert!(matches!(state.valid[0].order.action, Action::Unlock));
        assert_eq!(state.iter().count(), MAX_REMOVALS + 2);
    }

    fn permute(places: &mut [usize], from: usize, then: &mut impl FnMut(&[usize])) {
        if from == places.len() {
            return then(places);
        }
        for at in from..places.len() {
            places.swap(from, at);
            permute(places, from + 1, then);
            places.swap(from, at);
        }
    }
}
