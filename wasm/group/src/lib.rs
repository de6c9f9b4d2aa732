//! The key management of a call for browsers: `sealframe_group::Group`, without media.
//!
//! The worker loads this module beside the one that seals and opens frames, and copies keys between
//! them. It reads a key at [`Group::key_offset`] and then calls [`Group::wipe_key`].
#![forbid(unsafe_code)]

mod code;
mod event;
mod json;
mod output;
mod people;
mod stack;
mod state;

use core::time::Duration;

use getrandom::{
    SysRng,
    rand_core::{TryCryptoRng, TryRng, UnwrapErr},
};
use sealframe_crypto::CipherSuite;
use sealframe_group::{
    Admission, Config, IdentityKey, Kem, MemberId, Permission, Policy, Reason, Role, SessionId, Time,
    UserId,
    message::{self, Body},
    verification::TrustStore,
};
use wasm_bindgen::prelude::*;
use zeroize::Zeroize;

use output::Pieces;
pub use output::Task;

/// The suite of every call in the browser, as in the media module.
const SUITE: CipherSuite = CipherSuite::Aes128GcmSha256_128;

/// One member's side of a call. Times are milliseconds on one clock.
#[wasm_bindgen]
pub struct Group {
    group: sealframe_group::Group,
    pieces: Pieces,
    identity: IdentityKey,
    group_hash: [u8; 32],
}

#[wasm_bindgen]
impl Group {
    /// Joins a call. Our base key of generation 0 is then at [`key_offset`](Self::key_offset), and
    /// our member id at [`own_number`](Self::own_number).
    ///
    /// `address` is our address at the relay; `sends` whether we send frames. `kem` is 1 for
    /// X25519, 2 for X-Wing; `role` is 0 for a participant, 1 for a recorder, 2 for a bot.
    /// `identity` is a seed of 32 bytes, whose copy here is wiped, or `None` to draw one. `trust`
    /// is an earlier result of [`trust_bytes`](Self::trust_bytes). `epoch` is the calendar time of
    /// the clock's start, in milliseconds since 1970.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(constructor)]
    #[expect(
        clippy::too_many_arguments,
        reason = "fields of a configuration, across a border of numbers and bytes"
    )]
    pub fn new(
        group_id: Vec<u8>,
        address: Vec<u8>,
        kem: u8,
        role: u8,
        is_moderator: bool,
        credential: Vec<u8>,
        sends: bool,
        identity: Option<Vec<u8>>,
        trust: Option<Vec<u8>>,
        now: f64,
        epoch: f64,
    ) -> Result<Self, String> {
        let kem = Kem::from_id(kem).ok_or("OtherKem")?;
        let identity = take_identity(identity)?;
        let trust = trust.map_or_else(|| Ok(TrustStore::new()), |bytes| TrustStore::from_bytes(&bytes));
        let group_hash = message::group_hash(&group_id);
        let config = Config {
            group_id,
            kem,
            suite: SUITE,
            address,
            role: Role::from_id(role).ok_or("Malformed")?,
            permission: permission(is_moderator),
            credential,
            sends,
            started_at: duration(epoch).as_secs(),
            policy: Policy::default(),
        };
        let trust = trust.map_err(|_| "TrustDamaged")?;
        let key = IdentityKey::from_seed(identity.expose_seed()).map_err(|_| "NoRandomness")?;
        let made = sealframe_group::Group::new(config, key, trust, time(now), &mut random());
        let (group, base_key) = made.map_err(code::of_group)?;
        let pieces = Pieces { key: Some(base_key), ..Pieces::default() };
        Ok(Self { group, pieces, identity, group_hash })
    }

    /// Our member id. It changes with [`Task::Restart`].
    #[wasm_bindgen(getter, js_name = ownNumber)]
    #[must_use]
    pub fn own_number(&self) -> u16 {
        self.group.member_id().get()
    }

    /// Handles a message from the server.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = handleMessage)]
    pub fn handle_message(&mut self, message: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.handle_message(message, time(now)).map_err(code::of_group)?)
    }

    /// The next task. Call this until it returns [`Task::Wait`]. `frames` is the number of frames
    /// sealed with our current key.
    pub fn poll(&mut self, frames: u64, now: f64) -> Task {
        self.group.set_frames(frames);
        let (task, pieces) = Pieces::take(self.group.poll(time(now), &mut random()));
        self.pieces = pieces;
        task
    }

    /// Of the last task: when to poll again.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn until(&self) -> f64 {
        self.pieces.until
    }

    /// Of the last task: the member id of the key, or our new one.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn number(&self) -> u16 {
        self.pieces.member.get()
    }

    /// The signed address of the member with this id; `None` if it is not UTF-8 or there is no such
    /// member.
    #[wasm_bindgen(js_name = addressAt)]
    #[must_use]
    pub fn address_at(&self, number: u16) -> Option<String> {
        self.group.session_of(MemberId::new(number)).and_then(|session| self.address_of(session))
    }

    /// Of the last task: the generation.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.pieces.generation
    }

    /// Of the last task: the ratchet step.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn step(&self) -> u32 {
        self.pieces.step
    }

    /// Of the last task: the message.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.pieces.bytes.clone()
    }

    /// Of the last task: the recipient's address at the relay, or `None` for all.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn to(&self) -> Option<String> {
        self.pieces.to.and_then(|session| self.address_of(session))
    }

    /// Of the last task: the event for the page, as JSON.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn event(&self) -> String {
        self.pieces.event.clone()
    }

    /// Of the last task, or of the start: the offset of the base key in linear memory. Its length
    /// is [`key_len`](Self::key_len).
    #[wasm_bindgen(js_name = keyOffset)]
    #[must_use]
    pub fn key_offset(&self) -> *const u8 {
        self.pieces.key.as_ref().map_or(core::ptr::null(), |key| key.expose_bytes().as_ptr())
    }

    /// Length of that key, bytes; 0 if there is none.
    #[wasm_bindgen(getter, js_name = keyLength)]
    #[must_use]
    pub fn key_len(&self) -> usize {
        self.pieces.key.as_ref().map_or(0, |key| key.expose_bytes().len())
    }

    /// Wipes the key, and the stack that deriving it used.
    #[wasm_bindgen(js_name = wipeKey)]
    pub fn wipe_key(&mut self) {
        self.pieces.key = None;
        stack::wipe();
    }

    /// Offset in linear memory of the 32 bytes of our identity's seed.
    #[wasm_bindgen(js_name = identityOffset)]
    #[must_use]
    pub fn identity_offset(&self) -> *const u8 {
        self.identity.expose_seed().as_ptr()
    }

    /// Reports that a frame of this member opened with a newer key than all before.
    pub fn opened(&mut self, number: u16, generation: u64, step: u32, now: f64) {
        self.group.opened(MemberId::new(number), generation, step, time(now));
    }

    /// Reports a frame whose key is not held. If the number is a member's id, the key is requested
    /// unless it arrives in time.
    #[wasm_bindgen(js_name = keyIsMissing)]
    pub fn key_is_missing(&mut self, number: u16, now: f64) {
        self.group.key_is_missing(MemberId::new(number), time(now));
    }

    /// Reports that the relay is connected again. We announce ourselves to all at once.
    pub fn reconnected(&mut self, now: f64) {
        self.group.reconnected(time(now));
    }

    /// Sets whether we send frames or only listen.
    #[wasm_bindgen(js_name = setSending)]
    pub fn set_sending(&mut self, sends: bool, now: f64) {
        self.group.set_sending(sends, time(now));
    }

    /// Reports that our key nears its usage limit.
    #[wasm_bindgen(js_name = nearsLimit)]
    pub fn nears_limit(&mut self, now: f64) {
        self.group.rekey(Reason::Limit, time(now));
    }

    /// Begins a new generation of our key on suspicion of compromise.
    pub fn rekey(&mut self, now: f64) {
        self.group.rekey(Reason::Suspicion, time(now));
    }

    /// Admits an applicant.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn admit(
        &mut self,
        session: &[u8],
        user: Vec<u8>,
        is_moderator: bool,
        now: f64,
    ) -> Result<(), String> {
        let user = UserId::new(user).map_err(|_| "Malformed")?;
        let admission = Admission { user, permission: permission(is_moderator) };
        Ok(self.group.admit(id(session)?, admission, time(now)).map_err(code::of_group)?)
    }

    /// Refuses an applicant.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn refuse(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        self.group.refuse(id(session)?, time(now));
        Ok(())
    }

    /// Drops the members and applicants at this address, which the relay reports gone. Returns
    /// whether there was one.
    #[wasm_bindgen(js_name = dropMember)]
    pub fn drop_member(&mut self, address: &[u8], now: f64) -> bool {
        let mut sessions: Vec<_> = self.group.sessions_at(address).collect();
        let waiting = self.group.state(time(now)).waiting;
        sessions
            .extend(waiting.iter().filter(|session| self.group.address_of(**session) == Some(address)));
        // Not `any`, which would stop after the first.
        let dropped =
            sessions.iter().filter(|session| self.group.drop_member(**session, time(now)).is_ok());
        dropped.count() > 0
    }

    /// Removes a member from the call, for all members.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = removeMember)]
    pub fn remove_member(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.remove_member(id(session)?, time(now)).map_err(code::of_group)?)
    }

    /// Locks the call: no identity that is not in the call now is admitted.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn lock(&mut self, now: f64) -> Result<(), String> {
        Ok(self.group.lock(time(now)).map_err(code::of_group)?)
    }

    /// Unlocks the call: newcomers may ask again.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn unlock(&mut self, now: f64) -> Result<(), String> {
        Ok(self.group.unlock(time(now)).map_err(code::of_group)?)
    }

    /// A snapshot of the call, as JSON.
    #[must_use]
    pub fn state(&self, now: f64) -> String {
        state::json(&self.group, time(now))
    }

    /// The signed leave message of our current session, to be kept ready: a page that is being
    /// closed has no time to ask for it.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn farewell(&self) -> Vec<u8> {
        message::sign(&self.group_hash, self.group.session(), &Body::Leave, &self.identity)
    }
}

impl Group {
    fn address_of(&self, session: SessionId) -> Option<String> {
        let address = self.group.address_of(session)?;
        core::str::from_utf8(address).ok().map(String::from)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        stack::wipe();
    }
}

fn take_identity(seed: Option<Vec<u8>>) -> Result<IdentityKey, &'static str> {
    let Some(mut bytes) = seed else {
        return IdentityKey::generate(&mut random()).map_err(|_| "NoRandomness");
    };
    let seed = <&[u8; 32]>::try_from(&*bytes).ok().and_then(|seed| IdentityKey::from_seed(seed).ok());
    bytes.zeroize();
    seed.ok_or("Malformed")
}

const fn permission(is_moderator: bool) -> Permission {
    if is_moderator { Permission::Moderator } else { Permission::None }
}

fn id(session: &[u8]) -> Result<SessionId, &'static str> {
    session.try_into().map(SessionId).map_err(|_| "Malformed")
}

fn time(millis: f64) -> Time {
    Time::at(duration(millis))
}

fn duration(millis: f64) -> Duration {
    // A broken clock stands still.
    Duration::try_from_secs_f64(millis / 1000.0).unwrap_or_default()
}

/// If the browser returns no randomness, or only zeros, the module stops, and with it the call.
const fn random() -> UnwrapErr<Random> {
    UnwrapErr(Random)
}

/// The browser's generator, or a page's replacement.
struct Random;

/// Only zeros in this many bytes mean that the generator is broken.
const NEVER_ZEROS: usize = 16;

impl TryRng for Random {
    type Error = getrandom::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        SysRng.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        SysRng.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        SysRng.try_fill_bytes(bytes)?;
        // The bytes are secret, so they are not compared.
        let is_broken = bytes.len() >= NEVER_ZEROS && bytes.iter().fold(0, |all, byte| all | byte) == 0;
        if is_broken { Err(getrandom::Error::UNEXPECTED) } else { Ok(()) }
    }
}

impl TryCryptoRng for Random {}
