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

/// One participant's keys, or the keys that all share, with our sealer and the participants'
/// openers.
///
/// Keys can be given as the output of WebCrypto's derivation, because a page's keys are not
/// extractable.
#[wasm_bindgen]
#[derive(Debug)]
pub struct LiveKitCryptor {
    config: Config,
    ring_size: u32,
    /// Holds the keys that have been current. It accepts none twice, because its frame counts
    /// belong to them.
    sender: Sender,
    /// Whether a frame was to be sealed yet. Until then the sender has no key, as participants that
    /// we only open need none.
    seals: bool,
    /// The index that seals.
    current: u32,
    /// The keys, by index.
    held: Vec<Option<Box<Held>>>,
    openings: Vec<Opening>,
    iv: [u8; 12],
}

/// A key at an index.
struct Held {
    /// The key as it was set.
    first: Derived,
    /// The key that we seal with: the same, or ratcheted.
    present: Derived,
    derivation: Derivation,
    /// How many steps we have ratcheted.
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

/// The derivation of keys.
#[derive(Clone, Copy)]
enum Derivation {
    Hkdf,
    Pbkdf2,
}

impl Derivation {
    const fn of(is_pbkdf2: bool) -> Self {
        if is_pbkdf2 { Self::Pbkdf2 } else { Self::Hkdf }
    }

    /// Derives from key material itself; `None` if it is too short.
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

/// The output of WebCrypto's derivation: the AES key, and the next step's material.
type Derived = Zeroizing<[u8; 32]>;

/// One participant's frames.
#[derive(Debug)]
struct Opening {
    receiver: Receiver,
    /// How many steps the participant has ratcheted, by index.
    steps: Vec<u32>,
    /// The index of the last ratchet that a frame proved, until it is read.
    ratcheted: Option<u8>,
}

#[wasm_bindgen]
impl LiveKitCryptor {
    /// Creates it without keys. The arguments are livekit-client's `ratchetSalt`, `keySize` in
    /// bits, `keyringSize` and `ratchetWindowSize`. Frame counts start at random values unless
    /// given. Frames are sealed as by livekit-client, or optionally as by native clients.
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
        // One step for each frame, because a step from a passphrase is slow.
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

    /// Adds a participant, whose frames open with the current and future keys. Returns its number.
    #[wasm_bindgen(js_name = addParticipant)]
    pub fn add_participant(&mut self) -> usize {
        let mut receiver = Receiver::new(self.config.clone());
        let mut steps = vec![0; self.held.len()];
        for (index, (held, steps)) in (0..).zip(self.held.iter().zip(&mut steps)) {
            let Some(held) = held else { continue };
            receiver.set_key(index, held.key());
            *steps = held.steps;
        }
        // Most have one, and a vector would allocate four.
        self.openings.reserve_exact(1);
        self.openings.push(Opening { receiver, steps, ratcheted: None });
        self.openings.len() - 1
    }

    /// Installs the 32 bytes derived from a key. Returns the index on the wire. This copy of them
    /// is wiped. A key that an index started with is not installed there again, as that would undo
    /// its ratcheting. A key that becomes current, and was current at another index, continues the
    /// frame counts from there.
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

    /// Like [`set`](Self::set), but takes the key itself and derives from it here.
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

    /// Ratchets a key by one step.
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

    /// Offset in linear memory of the 32 bytes of the next step's material, from which WebCrypto
    /// derives the input of [`advance`](Self::advance); 0 if there is no key. JavaScript must wipe
    /// its copy.
    #[wasm_bindgen(js_name = nextOffset)]
    #[must_use]
    pub fn next_offset(&self, index: u32) -> *const u8 {
        let held = self.held[(index % self.ring_size) as usize].as_ref();
        held.map_or(core::ptr::null(), |held| held.present.as_ptr())
    }

    /// Like [`ratchet`](Self::ratchet), but takes the output derived from the material at
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

    /// Seals the `len` bytes in the [`Region`]. Numbers as in `label.rs`.
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

    /// Opens the `len` bytes of a participant in the [`Region`].
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

    /// Drops the replay state of a participant's stream that has ended; its frames would open
    /// again.
    #[wasm_bindgen(js_name = forgetStream)]
    pub fn forget_stream(&mut self, participant: usize, ssrc: u32) {
        if let Some(opening) = self.openings.get_mut(participant) {
            opening.receiver.forget_stream(ssrc);
        }
    }

    /// The index of a key whose ratchet a frame of this participant proved since the last call.
    #[wasm_bindgen(js_name = takeRatcheted)]
    pub fn take_ratcheted(&mut self, participant: usize) -> Option<u8> {
        self.openings.get_mut(participant)?.ratcheted.take()
    }

    /// Offset in linear memory of the current material of a participant's key once it has been
    /// ratcheted; 0 before. Its length is [`material_len`](Self::material_len). JavaScript must
    /// wipe its copy.
    #[wasm_bindgen(js_name = materialOffset)]
    #[must_use]
    pub fn material_offset(&self, participant: usize, index: u32) -> *const u8 {
        self.exposed(participant, index).map_or(core::ptr::null(), <[u8]>::as_ptr)
    }

    /// Length of that material, bytes; 0 if there is none.
    #[wasm_bindgen(js_name = materialLength)]
    #[must_use]
    pub fn material_len(&self, participant: usize, index: u32) -> usize {
        self.exposed(participant, index).map_or(0, <[u8]>::len)
    }

    /// Encrypts a data packet in place; its nonce is [`iv`](Self::iv).
    #[wasm_bindgen(js_name = sealData)]
    pub fn seal_data(&mut self, region: &mut Region, len: usize, now_ms: u32) -> isize {
        region.work(len, |data| {
            let sealed = self.sealing()?.seal_data_in_place(data, now_ms)?;
            self.iv = sealed.iv;
            Ok(sealed.value.len())
        })
    }

    /// The nonce of the last data packet encrypted.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn iv(&self) -> Vec<u8> {
        self.iv.to_vec()
    }

    /// Opens a participant's data packet in place.
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

    /// A participant that has already ratcheted to it stays there.
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

    /// The output derived from a key.
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

    /// Notes that a frame of this participant proved a ratchet.
    fn follow(&mut self, participant: usize) {
        let Some(opening) = self.openings.get_mut(participant) else { return };
        let mut proven = None;
        while let Some(event) = opening.receiver.poll_event() {
            let (index, steps) = match event {
                ReceiverEvent::Ratcheted { index, steps } => (index, steps),
                // The result of each frame reports these.
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

    /// Ratchets our sealer along when a participant has ratcheted a shared key.
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

    /// The sender for the current key.
    fn sealing(&mut self) -> Result<&mut Sender, ErrorCode> {
        if !self.seals {
            self.seals = true;
            self.follow_to_seal(self.current);
        }
        self.sender.use_key(self.current)?;
        Ok(&mut self.sender)
    }

    /// Updates the sender after a change at an index: it holds the current key there, and no other.
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
            // Continue from where the key was current before. If it was nowhere, the key here must
            // not seal again.
            let moved = from.map(|from| self.sender.move_key(from, index).is_ok());
            if moved != Some(true) {
                self.sender.remove_key(index);
            }
        }
    }
}

/// Whether the sender holds this key at an index.
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
