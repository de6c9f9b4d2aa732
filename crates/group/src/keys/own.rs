//! Our own base keys: the current one, which we seal with, and the pending one.

use alloc::vec::Vec;

use rand_core::CryptoRng;
use sealframe_crypto::{BaseKey, CipherSuite};
use zeroize::Zeroizing;

use super::{delivery::Delivery, kem::wrap};
use crate::{
    Time,
    context::Core,
    members::member::Member,
    message::{self, Ack, Addressee, KeyUpdate, Reason, SIGNATURE_LEN, UpdateHeader},
    randomness,
};

/// Ratchet steps for joins within a generation. After them a new one begins, so that no receiver
/// falls further behind than it can ratchet.
const MAX_STEPS: u8 = 32;

pub(crate) struct OwnKeys {
    pub(crate) current: Current,
    pub(crate) pending: Option<Pending>,
    /// The update that began our newest generation.
    pub(crate) newest_update: Signed,
    pub(crate) newest_generation: u32,
}

/// The key that we seal with.
pub(crate) struct Current {
    pub(crate) generation: u32,
    pub(crate) step: u8,
    base_key: BaseKey,
    /// header_hash of the update that began the generation; `None` while no member has been given
    /// it (PROTOCOL.md §4, listeners).
    start_hash: Option<[u8; 32]>,
    /// The signed delivery of this step, once there is one.
    delivery: Option<Signed>,
    /// Number of frames sealed at this step, from the media path.
    pub(crate) frames: u64,
}

/// The key that we shall switch to.
pub(crate) struct Pending {
    pub(crate) generation: u32,
    base_key: BaseKey,
    signed: Signed,
    pub(crate) switch_at: Time,
}

/// A signed update header.
#[derive(Clone)]
pub(crate) struct Signed {
    /// `head ‖ body ‖ signature`
    update: Vec<u8>,
    key_commit: [u8; 32],
    pub(crate) hash: [u8; 32],
}

impl Signed {
    fn new(core: &Core, update: KeyUpdate, base_key: &BaseKey) -> Self {
        let KeyUpdate { generation, step, .. } = update;
        let bytes = base_key.expose_bytes();
        let key_commit = KeyUpdate::commit(bytes, &core.group, core.session, generation, step);
        let header = UpdateHeader { update, key_commit };
        let update = message::sign_update(&core.group, core.session, &header, &core.key);
        let hash = KeyUpdate::header_hash(&core.group, &update[..KeyUpdate::SIGNED_LEN], &key_commit);
        Self { update, key_commit, hash }
    }

    /// The update header message, as shown to other members.
    pub(crate) fn header_message(&self) -> Vec<u8> {
        message::header_message(&self.update, &self.key_commit)
    }

    /// The update for this member. `None` if its prekey is invalid, which harms only that member.
    fn encrypt_for(
        &self,
        core: &Core,
        (generation, step): (u32, u8),
        base_key: &BaseKey,
        member: &Member,
        rng: &mut impl CryptoRng,
    ) -> Option<(Vec<u8>, Delivery)> {
        let session = member.session;
        let (prekey_number, prekey) = member.prekey();
        let to = Addressee { identity: member.identity(), session, prekey };
        let (kem, suite) = (core.config.kem, core.config.suite);
        let sender = (&core.identity(), core.session);
        let info = message::entry_info(&core.group, kem, suite, sender, &to);
        let signed = &self.update[..self.update.len() - SIGNATURE_LEN];
        let (enc, ciphertext) = wrap(kem, prekey, base_key, &info, signed, rng).ok()?;
        let mut bytes = self.update.clone();
        bytes.extend(session.member_id().get().to_be_bytes());
        bytes.extend(prekey_number.to_be_bytes());
        bytes.extend(enc);
        bytes.extend(ciphertext);
        let mac = Ack::mac(base_key.expose_bytes(), &self.hash, session);
        Some((bytes, Delivery { generation, step, mac, prekey_number }))
    }
}

impl OwnKeys {
    /// Generation 0. The second value is for the media path.
    pub(crate) fn new(core: &Core, base_key: BaseKey) -> (Self, BaseKey) {
        let update = KeyUpdate {
            reason: Reason::Start,
            wants_ack: true,
            generation: 0,
            step: 0,
            prev_hash: [0; 32],
        };
        let newest_update = Signed::new(core, update, &base_key);
        let for_media = base_key.duplicate();
        let current = Current {
            generation: 0,
            step: 0,
            base_key,
            start_hash: Some(newest_update.hash),
            delivery: None,
            frames: 0,
        };
        (Self { current, pending: None, newest_update, newest_generation: 0 }, for_media)
    }

    /// Begins a generation. It replaces a pending one, which is then never used.
    pub(crate) fn begin(
        &mut self,
        core: &Core,
        reason: Reason,
        wants_ack: bool,
        base_key: BaseKey,
        switch_at: Time,
    ) {
        let generation = self.newest_generation.max(self.current.generation) + 1;
        let signed = self.sign_beginning(core, reason, wants_ack, generation, &base_key);
        self.pending = Some(Pending { generation, base_key, signed, switch_at });
    }

    fn sign_beginning(
        &mut self,
        core: &Core,
        reason: Reason,
        wants_ack: bool,
        generation: u32,
        base_key: &BaseKey,
    ) -> Signed {
        let prev_hash = self.newest_update.hash;
        let update = KeyUpdate { reason, wants_ack, generation, step: 0, prev_hash };
        let signed = Signed::new(core, update, base_key);
        (self.newest_update, self.newest_generation) = (signed.clone(), generation);
        signed
    }

    /// Whether no member has been given the current key.
    pub(crate) const fn is_private(&self) -> bool {
        self.current.start_hash.is_none()
    }

    /// Switches to a key that no member has been given. Returns its generation and the key for the
    /// media path.
    pub(crate) fn begin_private(&mut self, base_key: BaseKey) -> (u32, BaseKey) {
        let generation = self.newest_generation + 1;
        let for_media = base_key.duplicate();
        self.pending = None;
        self.current =
            Current { generation, step: 0, base_key, start_hash: None, delivery: None, frames: 0 };
        (generation, for_media)
    }

    /// Signs the update of a key that no member has been given, so that it can be delivered like
    /// any other.
    pub(crate) fn publish(&mut self, core: &Core, reason: Reason, wants_ack: bool) {
        if self.is_private() {
            let (generation, base_key) = (self.current.generation, self.current.base_key.duplicate());
            let signed = self.sign_beginning(core, reason, wants_ack, generation, &base_key);
            self.current.start_hash = Some(signed.hash);
            self.current.delivery = Some(signed);
        }
    }

    /// The update that delivers the current key to this member.
    pub(crate) fn current_for(
        &mut self,
        core: &Core,
        wants_ack: bool,
        member: &Member,
        rng: &mut impl CryptoRng,
    ) -> Option<(Vec<u8>, Delivery)> {
        let Current { generation, step, base_key, start_hash, delivery, .. } = &mut self.current;
        let prev_hash = (*start_hash)?;
        let (generation, step) = (*generation, *step);
        let update = KeyUpdate { reason: Reason::Delivery, wants_ack, generation, step, prev_hash };
        let signed = delivery.get_or_insert_with(|| Signed::new(core, update, base_key));
        signed.encrypt_for(core, (generation, step), base_key, member, rng)
    }

    /// The update that delivers the pending key to this member.
    pub(crate) fn pending_for(
        &self,
        core: &Core,
        member: &Member,
        rng: &mut impl CryptoRng,
    ) -> Option<(Vec<u8>, Delivery)> {
        let Pending { generation, base_key, signed, .. } = self.pending.as_ref()?;
        signed.encrypt_for(core, (*generation, 0), base_key, member, rng)
    }

    /// Whether the next generation should begin soon, before the steps run out.
    pub(crate) const fn is_near_step_limit(&self) -> bool {
        self.current.step >= MAX_STEPS * 3 / 4
    }

    /// Whether the current generation has room for another step.
    pub(crate) const fn can_ratchet(&self) -> bool {
        self.current.step + 1 < MAX_STEPS
    }

    /// Advances the current key by one step; the media path must do the same.
    pub(crate) fn ratchet(&mut self) {
        self.current.base_key = self.current.base_key.ratchet();
        self.current.step += 1;
        self.current.frames = 0;
        self.current.delivery = None;
    }

    /// Makes the pending key the current one. Returns its generation and the key for the media
    /// path.
    pub(crate) fn switch(&mut self) -> Option<(u32, BaseKey)> {
        let Pending { generation, base_key, signed, .. } = self.pending.take()?;
        let for_media = base_key.duplicate();
        self.current = Current {
            generation,
            step: 0,
            base_key,
            start_hash: Some(signed.hash),
            delivery: Some(signed),
            frames: 0,
        };
        Some((generation, for_media))
    }
}

/// A fresh base key; `None` if the generator returned only zeros.
pub(crate) fn draw(suite: CipherSuite, rng: &mut impl CryptoRng) -> Option<BaseKey> {
    let mut bytes = Zeroizing::new(alloc::vec![0; suite.nh()]);
    randomness::fill(rng, &mut bytes);
    BaseKey::from_bytes(suite, &bytes).ok()
}
