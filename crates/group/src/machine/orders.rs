//! Lock, unlock, remove (PROTOCOL.md §2.7, §6).

use alloc::vec::Vec;
use core::time::Duration;

use super::Group;
use crate::{
    EndReason, Event, GroupError, Identity, LeaveReason, Permission, Recipient, SessionId, Time,
    members::orders::{Inserted, SignedOrder},
    message::{Action, Announce, Body, Message, Order, RefusalReason, Status},
    sorted::sorted_by,
};

/// How long after a moderator has departed its orders count without a live member that forwards
/// them.
const HEARD_AFTER: Duration = Duration::from_secs(180);

/// Minimum interval between forwards to all of the orders that void our removal.
const OBJECT_EVERY: Duration = Duration::from_secs(15);

impl Group {
    /// Locks the call: no identity that is not in the call now is admitted.
    ///
    /// # Errors
    /// [`GroupError::NotAllowed`] if we are not a moderator.
    pub fn lock(&mut self, now: Time) -> Result<(), GroupError> {
        let now = self.advance(now);
        let counter = self.next_counter()?;
        let away = self.away.iter().map(|(_, away)| away.member.identity());
        let identities = self.members.values().map(|member| member.identity()).chain(away);
        let identities = identities.chain([self.core.identity()]);
        let tag = |identity: Identity| Order::tag(self.core.session, counter, &identity);
        let mut allowed = sorted_by(identities.map(tag), Ord::cmp);
        allowed.dedup();
        self.issue_order(Order { counter, action: Action::Lock { allowed } }, now);
        Ok(())
    }

    /// Unlocks the call: newcomers may ask for admission again, including removed identities.
    ///
    /// # Errors
    /// [`GroupError::NotAllowed`] if we are not a moderator.
    pub fn unlock(&mut self, now: Time) -> Result<(), GroupError> {
        let now = self.advance(now);
        let counter = self.next_counter()?;
        self.issue_order(Order { counter, action: Action::Unlock }, now);
        Ok(())
    }

    /// Removes a member from the call, for all members. Its identity is refused until a later
    /// unlock.
    ///
    /// # Errors
    /// [`GroupError::NotAllowed`] if we are not a moderator, [`GroupError::UnknownMember`].
    pub fn remove_member(&mut self, target: SessionId, now: Time) -> Result<(), GroupError> {
        let now = self.advance(now);
        let away = self.away.get(target).map(|away| &away.member);
        let member = self.members.get(&target).or(away);
        let identity = member.ok_or(GroupError::UnknownMember(target))?.identity();
        let counter = self.next_counter()?;
        let identity = Order::tag(self.core.session, counter, &identity);
        self.issue_order(Order { counter, action: Action::Remove { target, identity } }, now);
        Ok(())
    }

    fn next_counter(&self) -> Result<u32, GroupError> {
        if self.has_ended {
            return Err(GroupError::Ended);
        }
        if self.core.config.permission != Permission::Moderator {
            return Err(GroupError::NotAllowed);
        }
        self.orders.highest().checked_add(1).ok_or(GroupError::NotAllowed)
    }

    fn issue_order(&mut self, order: Order, now: Time) {
        let message = self.core.sign(&Body::Order(order.clone()));
        self.core.out.send(Recipient::All, message.clone());
        let (by, identity) = (self.core.session, self.core.identity());
        // Our own order has a new counter, so it is never rejected.
        let _ = self.apply_order(SignedOrder { by, identity, order, message: message.into() }, now);
    }

    /// Handles an order that is not verified yet. `is_vouched` says that a live member forwarded
    /// it.
    pub(super) fn on_order(
        &mut self,
        by: SessionId,
        order: &Order,
        bytes: &[u8],
        is_vouched: bool,
        now: Time,
    ) -> Result<(), GroupError> {
        if self.orders.removed_at(by).is_some_and(|counter| counter < order.counter) {
            if order.action.target() == self.core.session {
                self.object_if_signed(by, bytes, now);
            }
            return Err(GroupError::Departed);
        }
        let away = self.away.get(by).map(|away| &away.member);
        let known = if let Some(member) = self.members.get(&by) {
            let counts = is_vouched || member.presence.is_live();
            Some((member.identity(), member.permission, counts))
        } else if let Some(member) = away {
            Some((member.identity(), member.permission, is_vouched))
        } else if let Some(departed) = self.departed.get(by) {
            if !is_vouched && now >= departed.at + HEARD_AFTER {
                return Err(GroupError::Departed);
            }
            Some((departed.identity, departed.permission, is_vouched || departed.was_live))
        } else {
            None
        };
        let Some((identity, permission, counts)) = known else {
            self.buffer_early(by, bytes, is_vouched);
            return Err(GroupError::UnknownMember(by));
        };
        if permission != Permission::Moderator {
            return Err(GroupError::NotAllowed);
        }
        if self.orders.is_known(by, order, bytes) && self.has_ended_target(order) {
            return Err(GroupError::Stale);
        }
        let message = Message::parse(bytes)?;
        let Some(verified) = message.verify_order(&self.core.group, &identity) else {
            return Err(GroupError::Unauthentic);
        };
        if !counts && !self.is_of_this_call(order) {
            if self.departed.get(by).is_some() {
                return Err(GroupError::Departed);
            }
            self.buffer_early(by, bytes, is_vouched);
            return Ok(());
        }
        self.apply_order(SignedOrder::new(verified, identity), now)
    }

    /// Objects to a void removal of ourselves, if its signer is known and has signed it.
    fn object_if_signed(&mut self, by: SessionId, bytes: &[u8], now: Time) {
        let away = self.away.get(by).map(|away| &away.member);
        let member = self.members.get(&by).or(away).map(|member| member.identity());
        let identity = member.or_else(|| self.departed.get(by).map(|departed| departed.identity));
        let Some(identity) = identity.filter(|_| self.strangers.try_take(now)) else { return };
        let message = Message::parse(bytes);
        if message.is_ok_and(|message| message.verify_order(&self.core.group, &identity).is_some()) {
            self.object(now);
        }
    }

    /// Forwards our orders to all: other members have removed us by an order that does not count,
    /// and lack the one that voids it.
    fn object(&mut self, now: Time) {
        if self.objected_at.is_none_or(|at| now >= at + OBJECT_EVERY) {
            self.objected_at = Some(now);
            self.forward_orders_to_all();
        }
    }

    /// Whether a removal names a session that is or was live here. Any other order may be a
    /// recording of another call.
    fn is_of_this_call(&self, order: &Order) -> bool {
        let Action::Remove { target, .. } = order.action else { return false };
        let away = self.away.get(target).map(|away| &away.member);
        let member = self.members.get(&target).or(away);
        let departed = self.departed.get(target);
        target == self.core.session
            || member.is_some_and(|member| member.presence.was_live())
            || departed.is_some_and(|departed| departed.was_live)
    }

    /// Whether the session named by a removal needs no further handling.
    fn has_ended_target(&self, order: &Order) -> bool {
        let target = order.action.target();
        target != self.core.session
            && !self.members.contains_key(&target)
            && self.away.get(target).is_none()
            && self.waiting.get(target).is_none()
    }

    fn apply_order(&mut self, order: SignedOrder, now: Time) -> Result<(), GroupError> {
        let (by, target, message) = (order.by, order.order.action.target(), order.message.clone());
        let is_removal = matches!(order.order.action, Action::Remove { .. });
        let was_locked = self.orders.is_locked();
        let Inserted { counts, welcome, contradicts } = self.orders.insert(order);
        if !counts {
            if is_removal && target == self.core.session {
                self.object(now);
            }
            return Err(GroupError::Departed);
        }
        if contradicts {
            // All have both, and one of them in force.
            self.report_equivocation(by);
        }
        if is_removal && target == self.core.session {
            self.end(EndReason::Removed { by });
            return Ok(());
        }
        for session in welcome {
            // The removal of this session no longer counts, unless another one does.
            let departed = self.departed.get(session);
            let is_removed = departed.is_some_and(|departed| departed.status == Status::Removed);
            if is_removed && self.orders.removed_at(session).is_none() {
                self.departed.forget(session);
            }
        }
        if is_removal {
            self.remove_departed(target, LeaveReason::Removed, Some(message.to_vec()), now);
        }
        let is_locked = self.orders.is_locked();
        if is_locked != was_locked {
            self.core.event(if is_locked { Event::Locked { by } } else { Event::Unlocked { by } });
        }
        // Sessions that a lock or removal excluded may ask again, as they may be allowed now.
        self.refused.retain_those_by_application();
        self.enforce_orders(now);
        if self.orders_hash.set(self.orders.hash(), now) {
            let hash = self.orders_hash.now;
            for member in self.members.values_mut() {
                member.orders.update_ours(hash, now);
            }
        }
        Ok(())
    }

    /// Expels members and refuses applicants that the orders in force exclude.
    fn enforce_orders(&mut self, now: Time) {
        let of_member = self.members.values();
        let of_away = self.away.iter().map(|(_, away)| &away.member);
        let sessions = of_member.chain(of_away).map(|member| (member.session, member.identity()));
        let out = sessions
            .filter_map(|(session, identity)| Some((session, self.exclusion_of(session, &identity)?)));
        let out: Vec<_> = out.collect();
        for (session, (why, proof)) in out {
            match why {
                LeaveReason::LockedOut => self.lock_out(session, now),
                LeaveReason::Removed
                | LeaveReason::Left
                | LeaveReason::Replaced
                | LeaveReason::Dropped
                | LeaveReason::Lost => {
                    self.remove_departed(session, why, Some(proof.message.to_vec()), now);
                }
            }
        }
        let waiting = self.waiting.iter().filter(|(_, applicant)| !applicant.has_left);
        let refused: Vec<_> = waiting
            .filter_map(|(&session, applicant)| {
                let (why, _) = self.exclusion_of(session, &applicant.announce.identity)?;
                Some((session, why))
            })
            .collect();
        for (session, why) in refused {
            let Some(applicant) = self.waiting.remove(session) else { continue };
            let is_removed = why == LeaveReason::Removed;
            let reason = if is_removed { RefusalReason::Removed } else { RefusalReason::Locked };
            self.refuse_with(session, &applicant.announce.address, reason, false, now);
        }
        let us = self.exclusion_of(self.core.session, &self.core.identity());
        if let Some((why, order)) = us.filter(|(_, order)| order.by != self.core.session) {
            let by = order.by;
            let is_removed = why == LeaveReason::Removed;
            self.end(if is_removed { EndReason::Removed { by } } else { EndReason::LockedOut { by } });
        }
    }

    /// Expels a member that the lock does not list, until an unlock.
    fn lock_out(&mut self, session: SessionId, now: Time) {
        let member = self.members.remove(&session);
        let was_member = member.is_some();
        let Some(member) = member.or_else(|| self.away.remove(session).map(|away| away.member)) else {
            return;
        };
        self.wiped.note(session, &member.received);
        let address = Announce::address_in(&member.announce).to_vec();
        self.refuse_with(session, &address, RefusalReason::Locked, false, now);
        if was_member {
            self.forget_member(&member);
            self.core.event(Event::Left { session, why: LeaveReason::LockedOut });
            self.after_leave(session, now);
        }
    }

    /// The order that excludes this session or identity, and the reason.
    fn exclusion_of(
        &self,
        session: SessionId,
        identity: &Identity,
    ) -> Option<(LeaveReason, SignedOrder)> {
        if let Some(removal) = self.orders.removal_of(session, identity) {
            return Some((LeaveReason::Removed, removal.clone()));
        }
        let lock = self.orders.lock_in_force().filter(|_| !self.orders.allows(identity))?;
        Some((LeaveReason::LockedOut, lock.clone()))
    }

    /// Newcomers cannot verify a lock signed by a moderator that has departed, so a remaining
    /// moderator locks again.
    pub(super) fn relock_after(&mut self, gone: SessionId) {
        let is_theirs = self.orders.lock_in_force().is_some_and(|lock| lock.by == gone);
        let is_first = !self.members.iter().any(|(session, member)| {
            member.permission == Permission::Moderator
                && member.presence.is_live()
                && *session < self.core.session
        });
        if is_theirs && is_first && self.next_counter().is_ok() {
            self.timers.set_sooner(super::Timer::Relock, self.polled_at);
        }
    }

    pub(super) fn relock(&mut self, now: Time) {
        let lock = self.orders.lock_in_force();
        let is_theirs = lock
            .is_some_and(|lock| lock.by != self.core.session && !self.members.contains_key(&lock.by));
        if is_theirs {
            let _ = self.lock(self.clock.to_caller(now));
        }
    }
}
