//! LiveKit's format.

use core::fmt;

use sealframe_profiles::{
    ReceiverEvent, ReceiverPolicy,
    livekit::{Config, Key, KeySize, Peer, Receiver, Sender, data::DataChannel},
};
use subtle::ConstantTimeEq as _;
use wasm_bindgen::prelude::*;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{BACKEND, error_code::ErrorCode, label::label, random, region::Region};

/// One participant's keys, or those that all share: what seals our frames, and what opens
/// everybody's.
///
/// Keys can come as what WebCrypto derives from them, because a page's keys cannot be read.
#[wasm_bindgen]
#[derive(Debug)]
pub struct LiveKitCryptor {
    config: Config,
    ring_size: u32,
    /// Its keys are those that have been current: it takes none twice, because its counts go with
    /// them.
    sender: Sender,
    /// Whether anything was to be sealed yet. Until then the sender has no key: of who is only
    /// listened to there would be one for nothing.
    seals: bool,
    /// The index that seals.
    current: u32,
    /// By index.
    held: Vec<Option<Box<Held>>>,
    openings: Vec<Opening>,
    iv: [u8; 12],
}

/// A key at an index.
struct Held {
    /// What it began with.
    first: Derived,
    /// What we seal with: it, or what it has been ratcheted to.
    present: Derived,
    derivation: Derivation,
    /// How far we have ratcheted.
    steps: u32,
}

impl Held {
    fn new(first: Derived, derivation: Derivation) -> Self {
        Self { present: first.clone(), first, derivation, steps: 0 }
    }

    fn key(&self) -> Key {
        self.derivation.key(&self.present)
    }
}

/// How keys follow from each other.
#[derive(Clone, Copy)]
enum Derivation {
    Hkdf,
    Pbkdf2,
}

impl Derivation {
    const fn of(is_pbkdf2: bool) -> Self {
        if is_pbkdf2 { Self::Pbkdf2 } else { Self::Hkdf }
    }

    /// Of key material itself; `None` if there is too little of it.
    fn of_material(self, material: &[u8]) -> Option<Key> {
        match self {
            Self::Hkdf => Key::hkdf_of(material),
            Self::Pbkdf2 => Key::pbkdf2(material),
        }
    }

    fn key(self, derived: &[u8; 32]) -> Key {
        match self {
            Self::Hkdf => Key::hkdf_derived(derived),
            Self::Pbkdf2 => Key::pbkdf2_derived(derived),
        }
    }
}

/// What WebCrypto derives from key material: the AES key, and the next step's material.
type Derived = Zeroizing<[u8; 32]>;

/// One participant's frames.
#[derive(Debug)]
struct Opening {
    receiver: Receiver,
    /// By index: how far the participant has ratcheted.
    steps: Vec<u32>,
    /// Of the last ratchet that a frame has proven, until it is asked for.
    ratcheted: Option<u8>,
}

#[wasm_bindgen]
impl LiveKitCryptor {
    /// Without keys. The arguments are livekit-client's `ratchetSalt`, `keySize` in bits,
    /// `keyringSize` and `ratchetWindowSize`. Counts begin at random unless it is said where;
    /// frames are sealed as livekit-client does unless it is to be as native clients do.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(constructor)]
    pub fn new(
        ratchet_salt: &[u8],
        key_bits: u16,
        ring_size: u16,
        ratchet_window: u8,
        first_count: Option<u16>,
        is_native: Option<bool>,
    ) -> Result<Self, String> {
        let key_size = match key_bits {
            128 => KeySize::Aes128,
            256 => KeySize::Aes256,
            _ => return Err(ErrorCode::KeyRefused.into()),
        };
        // One step for a frame: that of a passphrase takes long enough.
        let policy = ReceiverPolicy {
            ratchet_window,
            max_derivations_per_frame: 1,
            ..ReceiverPolicy::default()
        };
        let config = Config::new(BACKEND).with_policy(policy).with_key_size(key_size);
        let config = config.with_ratchet_salt(ratchet_salt).with_ring_size(ring_size);
        let peer = if is_native == Some(true) { Peer::Native } else { Peer::JavaScript };
        let config = config.ok_or(ErrorCode::KeyRefused)?.with_peer(peer);
        let first_count = match first_count {
            Some(count) => count,
            None => u16::from_be_bytes(random()?),
        };
        let mut sender = Sender::resume(config.clone(), first_count);
        sender.begin_data(u32::from_be_bytes(random()?));
        let held = (0..ring_size).map(|_| None).collect();
        Ok(Self {
            config,
            ring_size: ring_size.into(),
            sender,
            seals: false,
            current: 0,
            held,
            openings: Vec::new(),
            iv: [0; 12],
        })
    }

    /// Makes room for one more participant's frames, under the keys that are held and will be;
    /// returns its number.
    #[wasm_bindgen(js_name = addParticipant)]
    pub fn add_participant(&mut self) -> usize {
        let mut receiver = Receiver::new(self.config.clone());
        let mut steps = vec![0; self.held.len()];
        for (index, (held, steps)) in (0..).zip(self.held.iter().zip(&mut steps)) {
            let Some(held) = held else { continue };
            receiver.set_key(index, held.key());
            *steps = held.steps;
        }
        // Most have one, and a vector makes room for four.
        self.openings.reserve_exact(1);
        self.openings.push(Opening { receiver, steps, ratcheted: None });
        self.openings.len() - 1
    }

    /// Installs the 32 bytes that follow from a key; returns the index on the wire. This copy of
    /// them is wiped. A key that an index has begun with is not installed there again: it would go
    /// back to before it was ratcheted. One that is to become current, and has been so at another
    /// index, counts on from there.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn set(
        &mut self,
        index: u32,
        derived: Vec<u8>,
        is_pbkdf2: bool,
        is_current: bool,
    ) -> Result<u32, String> {
        Ok(self.install(index, taken(derived)?, Derivation::of(is_pbkdf2), is_current))
    }

    /// As [`set`](Self::set), of the key itself, from which all follows in here.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = setMaterial)]
    pub fn set_material(
        &mut self,
        index: u32,
        mut material: Vec<u8>,
        is_pbkdf2: bool,
        is_current: bool,
    ) -> Result<u32, String> {
        let derivation = Derivation::of(is_pbkdf2);
        let key = derivation.of_material(&material);
        material.zeroize();
        let derived = self.derive(key.ok_or(ErrorCode::KeyRefused)?);
        Ok(self.install(index, derived, derivation, is_current))
    }

    /// Moves a key one step on.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn ratchet(&mut self, index: u32) -> Result<(), String> {
        let index = index % self.ring_size;
        let held = self.held[index as usize].as_ref().ok_or(ErrorCode::UnknownKey)?;
        let key = held.derivation.of_material(&*held.present).ok_or(ErrorCode::KeyRefused)?;
        let derived = self.derive(key);
        Ok(self.step(index, &derived)?)
    }

    /// Where in linear memory the 32 bytes of the next step's material lie, of which WebCrypto
    /// derives what [`advance`](Self::advance) takes; 0 if there is no key. JavaScript wipes its
    /// copy.
    #[wasm_bindgen(js_name = nextOffset)]
    #[must_use]
    pub fn next_offset(&self, index: u32) -> *const u8 {
        let held = self.held[(index % self.ring_size) as usize].as_ref();
        held.map_or(core::ptr::null(), |held| held.present.as_ptr())
    }

    /// As [`ratchet`](Self::ratchet), given what follows from what is at
    /// [`next_offset`](Self::next_offset).
    ///
    /// # Errors
    /// The name of an error code.
    pub fn advance(&mut self, index: u32, derived: Vec<u8>) -> Result<(), String> {
        Ok(self.step(index, &*taken(derived)?)?)
    }

    /// The index that seals.
    #[wasm_bindgen(getter, js_name = currentIndex)]
    #[must_use]
    pub fn current_index(&self) -> u32 {
        self.current
    }

    /// Seals the `len` bytes that were copied to the [`Region`]. Numbers as in `label.rs`.
    pub fn seal(
        &mut self,
        region: &mut Region,
        len: usize,
        codec_id: u8,
        frame_type: u8,
        ssrc: u32,
        rtp_timestamp: u32,
    ) -> isize {
        region.work(len, |frame| {
            let info = label(codec_id, frame_type, ssrc, rtp_timestamp)?;
            Ok(self.sealing()?.seal_in_place(frame, &info)?.len())
        })
    }

    /// Opens the `len` bytes of a participant that were copied to the [`Region`].
    pub fn open(
        &mut self,
        participant: usize,
        region: &mut Region,
        len: usize,
        codec_id: u8,
        frame_type: u8,
    ) -> isize {
        let opened = region.work(len, |frame| {
            let info = label(codec_id, frame_type, 0, 0)?;
            let (bytes, at) = frame.into_parts();
            let sealed = bytes.get_mut(at).ok_or(ErrorCode::NotReserved)?;
            Ok(self.receiver(participant)?.open_in_place(sealed, &info)?.frame.len())
        });
        self.follow(participant);
        opened
    }

    /// Forgets what a participant's stream has opened, once it has ended: its frames would open
    /// again.
    #[wasm_bindgen(js_name = forgetStream)]
    pub fn forget_stream(&mut self, participant: usize, ssrc: u32) {
        if let Some(opening) = self.openings.get_mut(participant) {
            opening.receiver.forget_stream(ssrc);
        }
    }

    /// The index of a key that a frame of this participant has proven to be ratcheted, since it was
    /// last asked for.
    #[wasm_bindgen(js_name = takeRatcheted)]
    pub fn take_ratcheted(&mut self, participant: usize) -> Option<u8> {
        self.openings.get_mut(participant)?.ratcheted.take()
    }

    /// Where in linear memory the present material of a participant's key lies, once it has been
    /// ratcheted; 0 before. Its length is [`material_len`](Self::material_len). JavaScript wipes
    /// its copy.
    #[wasm_bindgen(js_name = materialOffset)]
    #[must_use]
    pub fn material_offset(&self, participant: usize, index: u32) -> *const u8 {
        self.exposed(participant, index).map_or(core::ptr::null(), <[u8]>::as_ptr)
    }

    /// Bytes of that material; 0 if there is none.
    #[wasm_bindgen(js_name = materialLength)]
    #[must_use]
    pub fn material_len(&self, participant: usize, index: u32) -> usize {
        self.exposed(participant, index).map_or(0, <[u8]>::len)
    }

    /// Encrypts a data packet where it lies; its nonce is [`iv`](Self::iv).
    #[wasm_bindgen(js_name = sealData)]
    pub fn seal_data(&mut self, region: &mut Region, len: usize, now_ms: u32) -> isize {
        region.work(len, |data| {
            let sealed = self.sealing()?.seal_data_in_place(data, now_ms)?;
            self.iv = sealed.iv;
            Ok(sealed.value.len())
        })
    }

    /// Of the data packet that was last encrypted.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn iv(&self) -> Vec<u8> {
        self.iv.to_vec()
    }

    /// Opens a participant's data packet where it lies.
    #[wasm_bindgen(js_name = openData)]
    pub fn open_data(
        &mut self,
        participant: usize,
        region: &mut Region,
        len: usize,
        index: u8,
        iv: &[u8],
    ) -> isize {
        let opened = region.work(len, |data| {
            let iv = iv.try_into().map_err(|_| ErrorCode::NotThisFormat)?;
            let (bytes, at) = data.into_parts();
            let sealed = bytes.get_mut(at).ok_or(ErrorCode::NotReserved)?;
            let receiver = self.receiver(participant)?;
            let opened = receiver.open_data_in_place(DataChannel::Packets, index, iv, sealed)?;
            Ok(opened.frame.len())
        });
        self.follow(participant);
        opened
    }
}

impl LiveKitCryptor {
    fn install(&mut self, index: u32, first: Derived, derivation: Derivation, is_current: bool) -> u32 {
        let index = index % self.ring_size;
        let place = &mut self.held[index as usize];
        let is_held = place.as_ref().is_some_and(|held| held.first.ct_eq(&*first).into());
        if !is_held {
            for opening in &mut self.openings {
                opening.receiver.set_key(index, derivation.key(&first));
                opening.steps[index as usize] = 0;
            }
            *place = Some(Box::new(Held::new(first, derivation)));
        }
        if is_current {
            self.current = index;
        }
        self.follow_to_seal(index);
        index
    }

    /// Who has been found to be there already stays.
    fn step(&mut self, index: u32, derived: &[u8; 32]) -> Result<(), ErrorCode> {
        let index = index % self.ring_size;
        let held = self.held[index as usize].as_mut().ok_or(ErrorCode::UnknownKey)?;
        held.steps += 1;
        held.present.copy_from_slice(derived);
        let (steps_now, derivation) = (held.steps, held.derivation);
        self.follow_to_seal(index);
        for opening in &mut self.openings {
            let steps = &mut opening.steps[index as usize];
            if *steps < steps_now {
                opening.receiver.ratchet_to(index, derivation.key(derived));
                *steps = steps_now;
            }
        }
        Ok(())
    }

    /// What follows from a key.
    fn derive(&self, key: Key) -> Derived {
        let mut sender = Sender::new(self.config.clone());
        let mut derived = Derived::default();
        if sender.set_key(0, key).is_ok() {
            derived.copy_from_slice(sender.expose_next(0).unwrap_or(&[0; 32]));
        }
        derived
    }

    fn exposed(&self, participant: usize, index: u32) -> Option<&[u8]> {
        self.openings.get(participant)?.receiver.expose_key(index)
    }

    fn receiver(&mut self, participant: usize) -> Result<&mut Receiver, ErrorCode> {
        Ok(&mut self.openings.get_mut(participant).ok_or(ErrorCode::UnknownKey)?.receiver)
    }

    /// Notes that a frame of this participant has proven a ratchet.
    fn follow(&mut self, participant: usize) {
        let Some(opening) = self.openings.get_mut(participant) else { return };
        let mut proven = None;
        while let Some(event) = opening.receiver.poll_event() {
            let (index, steps) = match event {
                ReceiverEvent::Ratcheted { index, steps } => (index, steps),
                // Those who wait hear it of each frame.
                ReceiverEvent::UnknownKey { .. } | ReceiverEvent::Failing { .. } => continue,
            };
            opening.steps[usize::from(index)] += u32::from(steps);
            opening.ratcheted = Some(index);
            proven = Some(index);
        }
        if let Some(index) = proven {
            self.catch_up(participant, index);
        }
    }

    /// Who has ratcheted a key that all share has us do so too.
    fn catch_up(&mut self, participant: usize, index: u8) -> Option<()> {
        let opening = self.openings.get(participant)?;
        let held = self.held[usize::from(index)].as_mut()?;
        let steps = opening.steps[usize::from(index)];
        if steps > held.steps {
            let next = opening.receiver.expose_next(index.into())?;
            held.present = Derived::new(next.try_into().ok()?);
            held.steps = steps;
            self.follow_to_seal(index.into());
        }
        Some(())
    }

    /// What seals with the key that is current.
    fn sealing(&mut self) -> Result<&mut Sender, ErrorCode> {
        if !self.seals {
            self.seals = true;
            self.follow_to_seal(self.current);
        }
        self.sender.use_key(self.current)?;
        Ok(&mut self.sender)
    }

    /// Has the sender follow what has changed at an index: it takes what is current, and has
    /// nothing else there.
    fn follow_to_seal(&mut self, index: u32) {
        if !self.seals {
            return;
        }
        let Some(held) = &self.held[index as usize] else { return };
        if index != self.current {
            if !is_at(&self.sender, index, held) {
                self.sender.remove_key(index);
            }
        } else if self.sender.set_key(index, held.key()).is_err() {
            let from = (0..self.ring_size).find(|&other| is_at(&self.sender, other, held));
            // From where it was current before. If it is nowhere, what was here must not go on
            // sealing.
            let moved = from.map(|from| self.sender.move_key(from, index).is_ok());
            if moved != Some(true) {
                self.sender.remove_key(index);
            }
        }
    }
}

/// Whether the sender has this key at an index.
fn is_at(sender: &Sender, index: u32, held: &Held) -> bool {
    sender.expose_next(index).is_some_and(|next| next.ct_eq(&*held.present).into())
}

fn taken(mut derived: Vec<u8>) -> Result<Derived, ErrorCode> {
    let taken = derived.as_slice().try_into().map(Zeroizing::new).map_err(|_| ErrorCode::KeyRefused);
    derived.zeroize();
    taken
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("steps", &self.steps).finish_non_exhaustive()
    }
}
