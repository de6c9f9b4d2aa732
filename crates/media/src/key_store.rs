//! Which key opens a frame: select one, and adopt a derived one only once its frame has opened.

use alloc::{boxed::Box, vec::Vec};
use core::{mem, ops::RangeInclusive};

use hashbrown::HashMap;
use sealframe_crypto::{BaseKey, Cipher, FrameKey};
use sealframe_wire::{Kid, MlsKid, MlsLayout, ReplayWindow, SenderKeyKid, SenderKeyLayout};

use crate::{KeyError, KeyPolicy, KidLayout, OpenError, sender::check_suite};

/// The keys of a receiver.
///
/// A *root* is a base key that a key management installed: that of one generation of one sender, or
/// of one MLS epoch. A *held* key is one KID's, derived from a root, with its replay window. Held
/// keys lie in one vector and are found through one map, so a look-up costs the same with any
/// number of them. Each is boxed, because moving a key would leave a copy to be wiped.
pub(crate) struct KeyStore {
    cipher: Cipher,
    layout: KidLayout,
    policy: KeyPolicy,
    /// Our own number: its keys are never held here.
    own: Option<u64>,
    roots: HashMap<u64, Root>,
    #[expect(clippy::vec_box, reason = "moving a key would leave a copy")]
    held: Vec<Box<HeldKey>>,
    place: HashMap<Kid, usize>,
    /// Counts, modulo 2^32, how often the key of a KID was erased.
    erasures: u32,
    /// The number of keys held for each owner, by [`KeyStore::owner`].
    shares: HashMap<u64, usize>,
    /// The place that is tried first.
    first: usize,
    /// Places that are tried before the map, by [`slot`].
    recent: [u32; RECENT],
}

/// With this many senders at once, look-ups do without the map.
const RECENT: usize = 64;

/// Where in [`KeyStore::recent`] the place of this KID may be.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "below RECENT")]
const fn slot(kid: Kid) -> usize {
    // The top bits of a product with 2^64 over the golden ratio: neighbours come to lie far apart.
    (kid.get().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - RECENT.ilog2())) as usize
}

/// An installed base key, moved on by the ratchet.
struct Root {
    base_key: BaseKey,
    /// Sender keys: the newest step, modulo `2^step_bits`, whose key is held. MLS: the whole epoch.
    at: u64,
    /// Keys that are held of it.
    held: usize,
}

/// The key of one KID.
pub(crate) struct HeldKey {
    kid: Kid,
    pub(crate) key: FrameKey,
    pub(crate) replay: ReplayWindow,
}

impl HeldKey {
    fn derive(cipher: Cipher, kid: Kid, base_key: &BaseKey) -> Box<Self> {
        let key = FrameKey::derive(cipher.backend, kid, base_key);
        Box::new(Self { kid, key, replay: ReplayWindow::new() })
    }
}

/// A key for one frame, until that frame has opened or not.
pub(crate) enum Selected {
    /// The key that is tried first.
    First,
    /// The place of a held key.
    Held(usize),
    /// Derived for this frame alone; stored by [`KeyStore::adopt`] or forgotten.
    Candidate(Box<Candidate>),
}

pub(crate) struct Candidate {
    held: Box<HeldKey>,
    /// Where the root goes if the frame opens: how many steps on, and its base key there.
    moves: Option<(u64, BaseKey)>,
}

impl KeyStore {
    pub(crate) fn new(cipher: Cipher, layout: KidLayout, policy: KeyPolicy) -> Self {
        Self {
            cipher,
            layout,
            policy,
            own: None,
            roots: HashMap::new(),
            held: Vec::new(),
            place: HashMap::new(),
            erasures: 0,
            shares: HashMap::new(),
            first: 0,
            recent: [0; RECENT],
        }
    }

    /// Installs the base key that a sender has at `kid`; frames of earlier steps never open with
    /// it.
    pub(crate) fn add_sender(&mut self, kid: SenderKeyKid, base_key: BaseKey) -> Result<(), KeyError> {
        let KidLayout::SenderKeys(layout) = self.layout else {
            return Err(KeyError::WrongLayout);
        };
        let full = layout.join(kid).ok_or(KeyError::KidOutOfRange)?;
        if self.own == Some(kid.sender) {
            return Err(KeyError::OwnKey);
        }
        check_suite(self.cipher, &base_key)?;
        let root = full.get() >> layout.step_bits();
        if self.roots.contains_key(&root) {
            return Err(KeyError::KidInUse);
        }
        if !self.has_room(full, 1, 0) {
            return Err(KeyError::TooManyKeys);
        }
        let held = HeldKey::derive(self.cipher, full, &base_key);
        self.roots.insert(root, Root { base_key, at: kid.step, held: 0 });
        self.hold(held);
        Ok(())
    }

    /// Installs the base key of an MLS epoch; an older epoch with the same low bits goes.
    pub(crate) fn add_epoch(&mut self, epoch: u64, base_key: BaseKey) -> Result<(), KeyError> {
        let KidLayout::Mls(layout) = self.layout else {
            return Err(KeyError::WrongLayout);
        };
        check_suite(self.cipher, &base_key)?;
        let root = layout.split(Kid::new(epoch)).epoch;
        match self.roots.get(&root) {
            Some(old) if old.at == epoch => return Err(KeyError::KidInUse),
            Some(old) if old.at > epoch => return Err(KeyError::NotNewer),
            Some(_) | None => {}
        }
        self.remove_root(root);
        self.roots.insert(root, Root { base_key, at: epoch, held: 0 });
        Ok(())
    }

    /// Which root a KID's key comes from: with sender keys `generation | sender`, under MLS the
    /// epoch's low bits.
    const fn root_of(&self, kid: Kid) -> u64 {
        match self.layout {
            KidLayout::SenderKeys(layout) => kid.get() >> layout.step_bits(),
            KidLayout::Mls(layout) => layout.split(kid).epoch,
        }
    }

    /// The owner whose share a KID's key counts against: a sender, or an MLS member in one epoch.
    fn owner(&self, kid: Kid) -> u64 {
        match self.layout {
            KidLayout::SenderKeys(layout) => layout.split(kid).sender,
            KidLayout::Mls(layout) => {
                let of = MlsKid { context: 0, ..layout.split(kid) };
                layout.join(of).unwrap_or(kid).get()
            }
        }
    }

    /// Whether `come` more keys of this KID's owner fit once `go` of them are removed.
    fn has_room(&self, kid: Kid, come: usize, go: usize) -> bool {
        let all = match self.layout {
            KidLayout::SenderKeys(_) => self.held.len(),
            KidLayout::Mls(_) => self.roots.get(&self.root_of(kid)).map_or(0, |root| root.held),
        };
        let of_owner = self.shares.get(&self.owner(kid)).copied().unwrap_or(0);
        all + come - go <= self.policy.max_keys && of_owner + come - go <= self.policy.max_keys_each
    }

    /// Never opens frames of this sender number, or of the MLS member with this index, and wipes
    /// its keys.
    pub(crate) fn set_own(&mut self, own: u64) {
        self.own = Some(own);
        match self.layout {
            KidLayout::SenderKeys(_) => self.remove_sender(own, |_| true),
            KidLayout::Mls(layout) => self.forget_all(|kid| layout.split(kid).index == own),
        }
    }

    /// Wipes the generations of a sender for which `gone` returns true.
    pub(crate) fn remove_sender(&mut self, sender: u64, gone: impl Fn(u64) -> bool) {
        if let KidLayout::SenderKeys(layout) = self.layout {
            self.remove_roots(|id, _| {
                let at = layout.split(Kid::new(id << layout.step_bits()));
                at.sender == sender && gone(at.generation)
            });
        }
    }

    /// Wipes a sender's generations and ratchet steps before this one, with the roots of them.
    pub(crate) fn remove_before(&mut self, kid: SenderKeyKid) {
        let KidLayout::SenderKeys(layout) = self.layout else { return };
        let Some(full) = layout.join(kid) else { return };
        self.remove_sender(kid.sender, |generation| generation < kid.generation);
        let Some(root) = self.roots.get(&self.root_of(full)) else { return };
        let ahead = layout.steps_between(root.at, kid.step);
        // Frames may be ahead of the root by as many steps as the policy allows. A step further
        // ahead counts as behind, where steps wrap soon compared with the policy.
        let is_ahead = (1..=u64::from(self.policy.max_ahead)).contains(&ahead);
        if ahead == 0 || !is_ahead && layout.is_behind(root.at, kid.step) {
            self.forget_steps(layout, kid, 1..=self.policy.keep_behind.into());
            return;
        }
        // No frame of it has opened: its root is before it, and so is all that is held of that.
        if ahead > self.policy.max_ahead.into() {
            // Nothing that may be kept could be reached.
            self.remove_root(self.root_of(full));
            return;
        }
        let base_key = Self::ratchet(&root.base_key, ahead);
        self.remove_root(self.root_of(full));
        let held = HeldKey::derive(self.cipher, full, &base_key);
        self.roots.insert(self.root_of(full), Root { base_key, at: kid.step, held: 0 });
        self.hold(held);
    }

    /// Wipes an MLS epoch.
    pub(crate) fn remove_epoch(&mut self, epoch: u64) {
        if let KidLayout::Mls(_) = self.layout {
            self.remove_roots(|_, root| root.at == epoch);
        }
    }

    /// The key for a frame with this KID. Takes `&self`: the KID is a stranger's until the frame
    /// opens.
    #[inline]
    pub(crate) fn select(&self, kid: Kid) -> Result<Selected, OpenError> {
        if self.held_at(self.first, kid).is_some() {
            return Ok(Selected::First);
        }
        match self.place_of(kid) {
            Some(place) => Ok(Selected::Held(place)),
            None => self.derive(kid).map(Selected::Candidate),
        }
    }

    /// Where the key of this KID is held, if it is.
    #[inline]
    pub(crate) fn place_of(&self, kid: Kid) -> Option<usize> {
        let recent = self.recent[slot(kid)] as usize;
        match self.held.get(recent) {
            Some(held) if held.kid == kid => Some(recent),
            _ => self.place.get(&kid).copied(),
        }
    }

    /// The key of this KID, if it is still held at this place.
    #[inline]
    pub(crate) fn held_at(&self, place: usize, kid: Kid) -> Option<&HeldKey> {
        self.held.get(place).map(|held| &**held).filter(|held| held.kid == kid)
    }

    #[inline]
    pub(crate) fn held_at_mut(&mut self, place: usize, kid: Kid) -> Option<&mut HeldKey> {
        self.held.get_mut(place).map(|held| &mut **held).filter(|held| held.kid == kid)
    }

    /// The selected key and its replay window, which only an opened frame may change.
    #[inline]
    pub(crate) fn get<'k>(&'k mut self, selected: &'k mut Selected) -> &'k mut HeldKey {
        match selected {
            Selected::First => &mut self.held[self.first],
            Selected::Held(place) => &mut self.held[*place],
            Selected::Candidate(candidate) => &mut candidate.held,
        }
    }

    /// Tries this place first from now on; a matter of speed alone.
    #[inline]
    pub(crate) const fn try_first(&mut self, place: usize) {
        self.first = place;
    }

    /// Finds this KID's key at its place without the map from now on, until another takes its slot;
    /// a matter of speed alone.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no memory holds as many keys; if it did, only slower"
    )]
    pub(crate) fn remember(&mut self, kid: Kid, place: usize) {
        self.recent[slot(kid)] = place as u32;
    }

    /// Derives the key of a KID that is not held, from its root if there is one.
    #[cold]
    fn derive(&self, kid: Kid) -> Result<Box<Candidate>, OpenError> {
        match self.layout {
            KidLayout::SenderKeys(layout) => self.derive_step(layout, kid),
            KidLayout::Mls(layout) => self.derive_member(layout, kid),
        }
    }

    /// The key of a ratchet step, with its root moved there.
    fn derive_step(&self, layout: SenderKeyLayout, kid: Kid) -> Result<Box<Candidate>, OpenError> {
        let root = self.roots.get(&(kid.get() >> layout.step_bits()));
        let root = root.ok_or(OpenError::UnknownKey(kid))?;
        let step = layout.split(kid).step;
        let steps = layout.steps_between(root.at, step);
        if !(1..=u64::from(self.policy.max_ahead)).contains(&steps) {
            let is_erased = steps == 0 || layout.is_behind(root.at, step);
            return Err(if is_erased {
                OpenError::StepErased(kid)
            } else {
                OpenError::StepTooFar(kid)
            });
        }
        // Before any work: a stranger may have named the step.
        if !self.has_room_after(layout, kid, steps) {
            return Err(OpenError::TooManyKeys);
        }
        let base_key = Self::ratchet(&root.base_key, steps);
        let held = HeldKey::derive(self.cipher, kid, &base_key);
        Ok(Box::new(Candidate { held, moves: Some((steps, base_key)) }))
    }

    /// The key of a member in an epoch, whose root stays.
    fn derive_member(&self, layout: MlsLayout, kid: Kid) -> Result<Box<Candidate>, OpenError> {
        let MlsKid { epoch, index, .. } = layout.split(kid);
        if self.own == Some(index) {
            return Err(OpenError::UnknownKey(kid));
        }
        let root = self.roots.get(&epoch).ok_or(OpenError::UnknownKey(kid))?;
        if !self.has_room(kid, 1, 0) {
            return Err(OpenError::TooManyKeys);
        }
        let held = HeldKey::derive(self.cipher, kid, &root.base_key);
        Ok(Box::new(Candidate { held, moves: None }))
    }

    /// Whether there is room for the keys that will be held if a frame opens that is `steps`
    /// ratchet steps ahead.
    fn has_room_after(&self, layout: SenderKeyLayout, kid: Kid, steps: u64) -> bool {
        let kept = u64::from(self.policy.keep_behind);
        let late = (1..steps).take_while(|&behind| behind <= kept).count();
        let go = (kept + 1..=kept + steps)
            .filter_map(|behind| layout.join(layout.behind(layout.split(kid), behind)))
            .filter(|kid| self.place.contains_key(kid))
            .count();
        self.has_room(kid, 1 + late, go)
    }

    /// `base_key` after `steps >= 1` ratchet steps.
    fn ratchet(base_key: &BaseKey, steps: u64) -> BaseKey {
        let mut next = base_key.ratchet();
        for _ in 1..steps {
            next = next.ratchet();
        }
        next
    }

    /// Stores a candidate whose frame has opened. With sender keys its root moves there: the steps
    /// between are derived as far as they are kept, for late frames, and everything older is wiped.
    #[cold]
    #[expect(clippy::boxed_local, reason = "moving a key would leave a copy")]
    pub(crate) fn adopt(&mut self, candidate: Box<Candidate>) {
        let Candidate { held, moves } = *candidate;
        let kid = held.kid;
        if let (KidLayout::SenderKeys(layout), Some((steps, base_key))) = (self.layout, moves) {
            let at = layout.split(kid);
            if let Some(root) = self.roots.get_mut(&(kid.get() >> layout.step_bits())) {
                let before = mem::replace(&mut root.base_key, base_key);
                root.at = at.step;
                self.hold_late_steps(layout, before, at, steps);
            }
            let kept = u64::from(self.policy.keep_behind);
            self.forget_steps(layout, at, kept + 1..=kept + steps);
        }
        self.hold(held);
    }

    /// Derives the steps that a jump of `steps` to `at` skips, as far back as keys are kept.
    fn hold_late_steps(
        &mut self,
        layout: SenderKeyLayout,
        mut base_key: BaseKey,
        at: SenderKeyKid,
        steps: u64,
    ) {
        for behind in (1..steps).rev() {
            base_key = base_key.ratchet();
            if behind <= u64::from(self.policy.keep_behind)
                && let Some(kid) = layout.join(layout.behind(at, behind))
            {
                self.hold(HeldKey::derive(self.cipher, kid, &base_key));
            }
        }
    }

    /// Wipes the held keys that lie these many steps behind `at`.
    fn forget_steps(&mut self, layout: SenderKeyLayout, at: SenderKeyKid, behind: RangeInclusive<u64>) {
        for behind in behind {
            if let Some(kid) = layout.join(layout.behind(at, behind)) {
                self.forget(kid);
            }
        }
    }

    /// As [`Receiver::erasures`](crate::Receiver::erasures).
    #[cfg(feature = "external-aead")]
    pub(crate) const fn erasures(&self) -> u32 {
        self.erasures
    }

    /// The only way in: counts the key against its root and its owner.
    fn hold(&mut self, held: Box<HeldKey>) {
        if let Some(root) = self.roots.get_mut(&self.root_of(held.kid)) {
            root.held += 1;
        }
        *self.shares.entry(self.owner(held.kid)).or_default() += 1;
        let before = self.place.insert(held.kid, self.held.len());
        debug_assert!(before.is_none(), "a KID is held once");
        self.held.push(held);
    }

    /// The only way out. Wipes one held key; the last one takes its place.
    fn forget(&mut self, kid: Kid) {
        if let Some(place) = self.place.remove(&kid) {
            self.erasures = self.erasures.wrapping_add(1);
            if let Some(root) = self.roots.get_mut(&self.root_of(kid)) {
                root.held -= 1;
            }
            let owner = self.owner(kid);
            if let Some(share) = self.shares.get_mut(&owner) {
                *share -= 1;
                if *share == 0 {
                    self.shares.remove(&owner);
                }
            }
            self.held.swap_remove(place);
            if let Some(moved) = self.held.get(place) {
                self.place.insert(moved.kid, place);
            }
        }
        self.shrink();
    }

    /// Returns memory when two thirds of it are unused: after a member leaves, every sender has two
    /// generations for a while.
    fn shrink(&mut self) {
        if self.place.capacity() > 3 * self.place.len().max(RECENT) {
            self.place.shrink_to_fit();
            self.held.shrink_to_fit();
        }
        if self.shares.capacity() > 3 * self.shares.len().max(RECENT) {
            self.shares.shrink_to_fit();
        }
        if self.roots.capacity() > 3 * self.roots.len().max(RECENT) {
            self.roots.shrink_to_fit();
        }
    }

    fn remove_roots(&mut self, gone: impl Fn(u64, &Root) -> bool) {
        let ids = self.roots.iter().filter(|&(&id, root)| gone(id, root));
        let ids: Vec<u64> = ids.map(|(&id, _)| id).collect();
        for id in ids {
            self.remove_root(id);
        }
    }

    /// Wipes a root and every key derived from it.
    fn remove_root(&mut self, id: u64) {
        let Some(root) = self.roots.remove(&id) else {
            return;
        };
        match self.layout {
            KidLayout::SenderKeys(layout) => {
                let newest = layout.split(Kid::new(id << layout.step_bits() | root.at));
                let kept = u64::from(self.policy.keep_behind);
                self.forget_steps(layout, newest, 0..=kept);
            }
            KidLayout::Mls(layout) => self.forget_all(|kid| layout.split(kid).epoch == id),
        }
    }

    /// Wipes every held key for which `gone` returns true.
    fn forget_all(&mut self, gone: impl Fn(Kid) -> bool) {
        let kids = self.held.iter().map(|held| held.kid).filter(|&kid| gone(kid));
        for kid in kids.collect::<Vec<_>>() {
            self.forget(kid);
        }
    }
}
