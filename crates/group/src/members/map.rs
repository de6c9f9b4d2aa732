//! All members, and when the next timeout of any of them is due.

use alloc::{boxed::Box, vec::Vec};
use core::ops::Deref;

use super::member::Member;
use crate::{SessionId, Time, sorted::SortedMap};

/// Up to this many changed members are checked one by one for the next timeout; beyond it, all
/// members are.
const MAX_TOUCHED: usize = 32;

/// All members. The map tracks members that may have changed, so that a message does not cause a
/// scan of all members for the next timeout.
pub(crate) struct MemberMap {
    members: SortedMap<SessionId, Box<Member>>,
    /// Members that may have changed; `None` means any of them.
    touched: Option<Vec<SessionId>>,
    /// The other members have no timeout before this.
    due_at: Option<Time>,
}

impl MemberMap {
    pub(crate) const fn new() -> Self {
        Self { members: SortedMap::new(), touched: None, due_at: None }
    }

    fn touch(&mut self, session: SessionId) {
        let Some(touched) = &mut self.touched else { return };
        if touched.last() == Some(&session) {
            return;
        }
        if touched.len() == MAX_TOUCHED {
            self.touched = None;
        } else {
            touched.push(session);
        }
    }

    pub(crate) fn get_mut(&mut self, session: &SessionId) -> Option<&mut Box<Member>> {
        self.touch(*session);
        self.members.get_mut(session)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Box<Member>> {
        self.touched = None;
        self.members.values_mut()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&SessionId, &mut Box<Member>)> {
        self.touched = None;
        self.members.iter_mut()
    }

    pub(crate) fn insert(&mut self, session: SessionId, member: Box<Member>) {
        self.touch(session);
        self.members.insert(session, member);
    }

    /// Removes a member. All members count as changed, because their timeouts depend on the number
    /// of members.
    pub(crate) fn remove(&mut self, session: &SessionId) -> Option<Box<Member>> {
        self.touched = None;
        self.members.remove(session)
    }

    /// The earliest timeout of a member. A result later than `now` may be earlier than the true
    /// one.
    pub(crate) fn due_at(
        &mut self,
        now: Time,
        next_of: impl Fn(&Member) -> Option<Time>,
    ) -> Option<Time> {
        let mut touched = self.touched.take();
        if let Some(touched) = &mut touched {
            let members = touched.drain(..).filter_map(|session| self.members.get(&session));
            let due_at = members.filter_map(|member| next_of(member)).min();
            self.due_at = [self.due_at, due_at].into_iter().flatten().min();
        }
        if touched.is_none() || self.due_at.is_some_and(|at| at <= now) {
            self.due_at = self.members.values().filter_map(|member| next_of(member)).min();
        }
        self.touched = Some(touched.unwrap_or_default());
        self.due_at
    }
}

impl Deref for MemberMap {
    type Target = SortedMap<SessionId, Box<Member>>;

    fn deref(&self) -> &Self::Target {
        &self.members
    }
}
