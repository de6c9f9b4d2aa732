//! The orders of moderators: lock, unlock, remove. They commute: whoever has the same orders has the same rules.

use alloc::{boxed::Box, vec::Vec};

use crate::{
    Identity, SessionId,
    message::{Action, Order, Verified},
};

/// Counters that one heartbeat may skip: whoever is no moderator could use them up otherwise.
const MAX_SKIPPED: u32 = 1024;
/// Removals that are kept.
const MAX_REMOVALS: usize = 256;

/// Which of two orders counts: the higher. Two of one moderator with one counter have a rank all the same.
type Rank<'o> = (u32, SessionId, u8, &'o [u8]);

fn rank<'o>(by: SessionId, order: &Order, message: &'o [u8]) -> Rank<'o> {
    (order.counter, by, order.action.id(), message)
}

/// An order as its moderator signed it: ours, or one whose signature has been verified.
#[derive(Clone)]
pub(crate) struct SignedOrder {
    pub(crate) by: SessionId,
    pub(crate) order: Order,
    pub(crate) message: Box<[u8]>,
}

impl From<Verified<'_, Order>> for SignedOrder {
    fn from(order: Verified<'_, Order>) -> Self {
        Self { by: order.session(), order: order.body().clone(), message: order.bytes().into() }
    }
}

impl SignedOrder {
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
}

const fn is_unlock(order: &SignedOrder) -> bool {
    matches!(order.order.action, Action::Unlock)
}

/// The orders in force.
#[derive(Default)]
pub(crate) struct Orders {
    /// The newest lock or unlock.
    lock: Option<SignedOrder>,
    /// The newest unlock, if a lock came after it.
    unlock: Option<SignedOrder>,
    removals: Vec<SignedOrder>,
    highest: u32,
}

impl Orders {
    pub(crate) const fn highest(&self) -> u32 {
        self.highest
    }

    /// A member says that it has seen an order with this counter.
    pub(crate) fn note_counter(&mut self, counter: u32) {
        self.highest = counter.min(self.highest.saturating_add(MAX_SKIPPED)).max(self.highest);
    }

    /// Whether this changes nothing in force: it is here, or a newer one has replaced it.
    pub(crate) fn is_known(&self, by: SessionId, order: &Order, message: &[u8]) -> bool {
        let rank = rank(by, order, message);
        let unlock = self.newest_unlock().map(SignedOrder::rank);
        match order.action {
            Action::Lock { .. } => self.lock.as_ref().is_some_and(|lock| lock.rank() >= rank),
            Action::Unlock => unlock >= Some(rank),
            Action::Remove { .. } => {
                unlock > Some(rank) || self.removals.iter().any(|known| known.rank() == rank)
            }
        }
    }

    fn newest_unlock(&self) -> Option<&SignedOrder> {
        self.lock.as_ref().filter(|lock| is_unlock(lock)).or(self.unlock.as_ref())
    }

    /// Takes an order that may be taken.
    pub(crate) fn insert(&mut self, order: SignedOrder) {
        self.highest = self.highest.max(order.order.counter);
        let is_newest = self.lock.as_ref().is_none_or(|lock| order.rank() > lock.rank());
        match &order.order.action {
            Action::Lock { .. } => {
                if is_newest {
                    let before = self.lock.replace(order);
                    if let Some(before) = before.filter(is_unlock) {
                        self.unlock = Some(before);
                    }
                }
            }
            Action::Unlock => {
                if is_newest {
                    (self.lock, self.unlock) = (Some(order), None);
                } else if self.unlock.as_ref().is_none_or(|unlock| order.rank() > unlock.rank()) {
                    self.unlock = Some(order);
                }
            }
            Action::Remove { .. } => {
                let place = self.removals.partition_point(|known| known.rank() < order.rank());
                self.removals.insert(place, order);
                if self.removals.len() > MAX_REMOVALS {
                    self.removals.remove(0);
                }
            }
        }
        let unlock = self.lock.as_ref().filter(|lock| is_unlock(lock)).or(self.unlock.as_ref());
        if let Some(unlock) = unlock {
            self.removals.retain(|removal| removal.rank() > unlock.rank());
        }
    }

    /// This moderator was removed by an order with this counter: what it ordered after that never counted. The removals
    /// among that.
    pub(crate) fn void(&mut self, by: SessionId, counter: u32) -> Vec<SignedOrder> {
        let is_void = |order: &SignedOrder| order.by == by && order.order.counter > counter;
        if self.unlock.as_ref().is_some_and(is_void) {
            self.unlock = None;
        }
        if self.lock.as_ref().is_some_and(is_void) {
            // Others still have what was in force before, and pass it on.
            self.lock = self.unlock.take();
        }
        let (void, valid) =
            core::mem::take(&mut self.removals).into_iter().partition(|order| is_void(order));
        self.removals = valid;
        void
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.lock_in_force().is_some()
    }

    /// The lock, if the newest order is one.
    pub(crate) fn lock_in_force(&self) -> Option<&SignedOrder> {
        let lock = self.lock.as_ref();
        lock.filter(|lock| matches!(lock.order.action, Action::Lock { .. }))
    }

    /// Whether the lock lets this identity in.
    pub(crate) fn allows(&self, identity: &Identity) -> bool {
        self.lock_in_force().is_none_or(|lock| lock.names(identity))
    }

    /// The removal that keeps this session or identity out.
    pub(crate) fn removal_of(&self, session: SessionId, identity: &Identity) -> Option<&SignedOrder> {
        self.removals
            .iter()
            .rev()
            .find(|removal| removal.order.action.target() == session || removal.names(identity))
    }

    /// The removals of this session.
    pub(crate) fn removals_of(&self, session: SessionId) -> impl Iterator<Item = &SignedOrder> {
        self.removals.iter().filter(move |removal| removal.order.action.target() == session)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SignedOrder> {
        self.lock.iter().chain(&self.unlock).chain(&self.removals)
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

    fn order(counter: u32, by: u8, action: Action) -> SignedOrder {
        SignedOrder { by: SessionId([by; 16]), order: Order { counter, action }, message: Box::new([]) }
    }

    fn removal(counter: u32, by: u8, target: u8) -> SignedOrder {
        let identity = Order::tag(SessionId([by; 16]), counter, &Identity([target; 32]));
        order(counter, by, Action::Remove { target: SessionId([target; 16]), identity })
    }

    /// All orders of six orders end in the same rules.
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
            assert!(state.removal_of(SessionId([7; 16]), &Identity([7; 32])).is_none());
            assert!(state.removal_of(SessionId([0; 16]), &Identity([8; 32])).is_some());
            assert!(state.removal_of(SessionId([2; 16]), &Identity([0; 32])).is_some());
            assert!(orders.iter().all(|order| state.is_known(order.by, &order.order, &order.message)));
            hashes.push(state.hash());
        });
        assert_eq!(hashes.len(), 720);
        assert!(hashes.iter().all(|hash| *hash == hashes[0]));
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
