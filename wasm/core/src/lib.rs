//! sealframe for browsers: the interface for an encoded-transform worker.
//!
//! A frame takes one call. JavaScript copies the encoder's frame into linear memory at the offset
//! in the word [`Outcome::Room`], calls [`FrameCore::seal`] or [`FrameCore::open`], which work in
//! place, and copies the result out:
//!
//! ```text
//! linear memory   ┌ room ┬ frame ────────────────┬ tailroom 16 ┐
//!                        └ Outcome::Room
//! ```
//!
//! Both return the offset of the result, or a negative error code for [`error_name`]; the word
//! [`Outcome::Length`] holds the result's length, and [`Outcome::Kid`] its KID. Only a frame longer
//! than [`Outcome::RoomLength`] takes a second call, [`FrameCore::reserve`]. After the longest
//! frame no frame causes an allocation.
#![forbid(unsafe_code)]

mod aead_params;
mod error_code;
mod framing;
mod member;
mod outcome;
mod region;

use sealframe::{
    Backend, BaseKey, Cipher, CipherSuite, Ctr, FrameBuf, Frames, Header, Kid, MemberId, Opened,
    SenderKeyKid, SharedSecret, SharedSecretCall,
};
use wasm_bindgen::prelude::*;
use zeroize::Zeroize;

use aead_params::AeadParams;
use error_code::ErrorCode;
use framing::{Label, MAX_PREFIX_LEN, Readable};
use member::{Keyed, Member};
pub use outcome::Outcome;
use outcome::{Published, Words};
use region::Region;

/// The suite of every call in the browser, for now AES-128-GCM. A build for vector instructions
/// uses our own kernel.
#[cfg(target_feature = "simd128")]
const CIPHER: Cipher = Cipher::new(CipherSuite::Aes128GcmSha256_128, Backend::Kernel);
#[cfg(not(target_feature = "simd128"))]
const CIPHER: Cipher = Cipher::new(CipherSuite::Aes128GcmSha256_128, Backend::Portable);

/// One member's side of a call. Members either share one secret, as in
/// `sealframe::SharedSecretCall`, or receive their keys from another module, as in
/// `sealframe::Frames`.
#[wasm_bindgen]
pub struct FrameCore {
    member: Published,
    region: Region,
    params: AeadParams,
}

#[wasm_bindgen]
impl FrameCore {
    /// Joins a call as member `me`. `secret` has at least 16 bytes; this copy of it is wiped.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(constructor)]
    pub fn new(mut secret: Vec<u8>, me: u16) -> Result<Self, String> {
        let parsed = SharedSecret::from_bytes(&secret);
        secret.zeroize();
        let parsed = parsed.map_err(ErrorCode::from_secret)?;
        let call = SharedSecretCall::new(CIPHER, &parsed, MemberId::new(me), random()?)
            .map_err(ErrorCode::from_call)?;
        Ok(Self::with_member(Member::Shared(call)))
    }

    /// Joins a call as member `me`, sealing with this base key as generation 0. The key must be
    /// unused; this copy of it is wiped.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = withKey)]
    pub fn with_key(me: u16, base_key: Vec<u8>) -> Result<Self, String> {
        let frames =
            Frames::new(CIPHER, MemberId::new(me), take_key(base_key)?).map_err(ErrorCode::from_key)?;
        Ok(Self::with_member(Member::Keyed(Keyed {
            frames,
            sources: Vec::new(),
            missed: MemberId::default(),
        })))
    }

    /// Creates a new sender as member `me`, like [`with_key`](Self::with_key).
    ///
    /// # Errors
    /// The name of an error code.
    pub fn restart(&mut self, me: u16, base_key: Vec<u8>) -> Result<(), String> {
        let base_key = take_key(base_key)?;
        Ok(self
            .keyed(|keyed| keyed.frames.restart(MemberId::new(me), base_key))?
            .map_err(ErrorCode::from_key)?)
    }

    /// Moves our sender to this generation, at step 0. This copy of the key is wiped.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = rekeyTo)]
    pub fn rekey_to(&mut self, generation: u64, base_key: Vec<u8>) -> Result<(), String> {
        let base_key = take_key(base_key)?;
        self.keyed(|keyed| keyed.frames.rekey_to(generation, base_key))?
            .map_err(ErrorCode::from_key)?;
        Ok(())
    }

    /// Adds a key for opening a member's frames, in streams from its [source](Self::set_source).
    /// This copy of the key is wiped.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn install(
        &mut self,
        member: u16,
        generation: u64,
        step: u32,
        base_key: Vec<u8>,
    ) -> Result<(), String> {
        let base_key = take_key(base_key)?;
        let kid = kid(member, generation, step);
        Ok(self.keyed(|keyed| keyed.frames.install(kid, base_key))?.map_err(ErrorCode::from_key)?)
    }

    /// Assigns a member to a source. Only frames that [`open`](Self::open) receives from that
    /// source may be the member's.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = setSource)]
    pub fn set_source(&mut self, member: u16, source: u32) -> Result<(), String> {
        self.keyed(|keyed| keyed.set_source(MemberId::new(member), source))?;
        Ok(())
    }

    /// The member of the last frame from a source whose key is not held.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn missed(&mut self) -> u16 {
        self.keyed(|keyed| keyed.missed.get()).unwrap_or(0)
    }

    /// Wipes a member's keys before this generation and ratchet step.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = wipeBefore)]
    pub fn wipe_before(&mut self, member: u16, generation: u64, step: u32) -> Result<(), String> {
        Ok(self.keyed(|keyed| keyed.frames.forget_before(kid(member, generation, step)))?)
    }

    /// Wipes one generation of a member.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = wipeGeneration)]
    pub fn wipe_generation(&mut self, member: u16, generation: u64) -> Result<(), String> {
        let member = MemberId::new(member);
        Ok(self.keyed(|keyed| keyed.frames.forget_generation(member, generation))?)
    }

    /// The KID of a key that has opened a frame for the first time and is its sender's newest.
    #[wasm_bindgen(js_name = pollNewer)]
    pub fn poll_newer(&mut self) -> Option<u64> {
        let newer = self.keyed(|keyed| keyed.frames.poll_newer()).ok()??;
        Some(newer.generation << 24 | newer.sender << 8 | newer.step)
    }

    /// Number of frames sealed with our current key.
    #[wasm_bindgen(getter, js_name = framesSealed)]
    pub fn frames_sealed(&mut self) -> u64 {
        self.keyed(|keyed| keyed.frames.usage().frames).unwrap_or(0)
    }

    /// Whether our key nears its usage limit; true once for each key.
    #[wasm_bindgen(js_name = isNearlyExhausted)]
    pub fn is_nearly_exhausted(&mut self) -> bool {
        self.keyed(|keyed| keyed.frames.is_nearly_exhausted()).unwrap_or(false)
    }

    /// Our current key, encrypted under the shared secret; opaque to the relaying server.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn announcement(&mut self) -> Result<Vec<u8>, String> {
        let random = random()?;
        Ok(self.member.change(|member, _| Ok::<_, ErrorCode>(member.shared()?.announcement(random)))?)
    }

    /// Installs the key that member `from` announces.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = addMember)]
    pub fn add_member(&mut self, from: u16, announcement: &[u8]) -> Result<(), String> {
        let from = MemberId::new(from);
        let added = self.member.change(|member, _| {
            member.shared()?.add_member(from, announcement).map_err(ErrorCode::from_call)
        });
        Ok(added?)
    }

    /// Wipes the keys of a member that left.
    #[wasm_bindgen(js_name = removeMember)]
    pub fn remove_member(&mut self, member: u16) {
        self.member.change(|of, _| of.remove(MemberId::new(member)));
    }

    /// Advances our key by one ratchet step before it is delivered to a newcomer. A key of a
    /// shared-secret call that has sealed no frame stays.
    ///
    /// # Errors
    /// The name of an error code.
    pub fn ratchet(&mut self) -> Result<(), String> {
        Ok(self.member.change(|member, _| member.ratchet().map(drop))?)
    }

    /// Offset in linear memory of the words of [`Outcome`], valid as long as this object.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn outcome(&self) -> *const u32 {
        self.member.outcome()
    }

    /// Reserves space for a frame of `len` bytes. Growing the memory detaches its old buffer.
    pub fn reserve(&mut self, len: usize) {
        let at = self.region.reserve(len);
        self.member.words().set_room(at, self.region.room());
    }

    /// Seals the `len` bytes at [`Outcome::Room`].
    ///
    /// `kind` is a `StreamKind`'s number, `framing` 0 for full and 1 for compatible, `codec_id` 1
    /// for Opus, 2 for VP8, 3 for VP9, 4 for H.264, 6 for AV1, 7 for RED with Opus inside.
    pub fn seal(&mut self, len: usize, kind: u8, index: u16, framing: u8, codec_id: u8) -> isize {
        let Some(label) = Label::new(kind, index, framing, codec_id) else {
            return ErrorCode::UnknownStream.as_result();
        };
        self.seal_labelled(len, &label).unwrap_or_else(ErrorCode::as_result)
    }

    /// Opens the `len` bytes at [`Outcome::Room`], from member `from`; in a call with keys from
    /// another module, from source `from`.
    pub fn open(
        &mut self,
        from: u32,
        len: usize,
        kind: u8,
        index: u16,
        framing: u8,
        codec_id: u8,
    ) -> isize {
        let Some(label) = Label::new(kind, index, framing, codec_id) else {
            return ErrorCode::UnknownStream.as_result();
        };
        self.open_labelled(from, len, &label).unwrap_or_else(ErrorCode::as_result)
    }

    /// Returns the parameters with which WebCrypto seals a frame of `len` bytes. The first
    /// [`front`](Self::front) bytes, or all, lie at [`Outcome::Room`]. The counter is used up.
    ///
    /// The result is `header ‖ nonce[12] ‖ aad`; [`Outcome::Kid`], [`Outcome::HeaderLength`] and
    /// [`Outcome::PrefixLength`] refer to this frame.
    #[wasm_bindgen(js_name = beginExternalSeal)]
    pub fn begin_external_seal(
        &mut self,
        len: usize,
        kind: u8,
        index: u16,
        framing: u8,
        codec_id: u8,
    ) -> isize {
        let Some((label, prefix_len)) = Label::with_prefix(kind, index, framing, codec_id) else {
            return ErrorCode::UnknownStream.as_result();
        };
        if len < usize::from(prefix_len) {
            return ErrorCode::PrefixTooLong.as_result();
        }
        let Some(prefix) = self.region.frame(prefix_len.into()) else {
            return ErrorCode::NotReserved.as_result();
        };
        self.member.change(|member, words| {
            match member.frames().begin_external_seal(prefix, len, label.metadata(prefix_len)) {
                Ok(frame) => self.params.set(&frame, prefix_len.into(), words),
                Err(error) => ErrorCode::from_seal(error).as_result(),
            }
        })
    }

    /// Returns the parameters with which WebCrypto opens a frame of `len` bytes from member `from`,
    /// like [`begin_external_seal`](Self::begin_external_seal). It changes no state:
    /// [`finish_external_open`](Self::finish_external_open) must follow.
    #[wasm_bindgen(js_name = beginExternalOpen)]
    pub fn begin_external_open(
        &mut self,
        from: u32,
        len: usize,
        kind: u8,
        index: u16,
        framing: u8,
        codec_id: u8,
    ) -> isize {
        let Some((label, prefix_len)) = Label::with_prefix(kind, index, framing, codec_id) else {
            return ErrorCode::UnknownStream.as_result();
        };
        let Some(front) = self.region.frame(len.min(Self::front())) else {
            return ErrorCode::NotReserved.as_result();
        };
        let sealed = front.get(prefix_len.into()..).unwrap_or_default();
        self.member.change(|member, words| {
            let from = match member.member_of(from, sealed) {
                Ok(member) => member,
                Err(code) => return code.as_result(),
            };
            match member.frames().begin_external_open(from, front, len, label.metadata(prefix_len)) {
                Ok(frame) => self.params.set(&frame, prefix_len.into(), words),
                Err(error) => ErrorCode::from_frame(error).as_result(),
            }
        })
    }

    /// Commits a frame whose tag WebCrypto verified. On a negative result drop the frame: it was
    /// opened before, or its key was wiped.
    #[wasm_bindgen(js_name = finishExternalOpen)]
    pub fn finish_external_open(&mut self, kid: u64, ctr: u64) -> isize {
        let (kid, ctr) = (Kid::new(kid), Ctr::new(ctr));
        match self.member.change(|member, _| member.frames().finish_external_open(kid, ctr)) {
            Ok(()) => 0,
            Err(error) => ErrorCode::from_open(error).as_result(),
        }
    }

    /// Offset in linear memory of the key of a KID, for import into WebCrypto; null if it is not
    /// held. Its length is [`key_len`](Self::key_len). JavaScript must wipe its copy.
    #[wasm_bindgen(js_name = keyOffset)]
    #[must_use]
    pub fn key_offset(&self, kid: u64) -> *const u8 {
        self.member.member().expose_key(Kid::new(kid)).map_or(core::ptr::null(), <[u8]>::as_ptr)
    }

    /// Length of that key, bytes; 0 if it is not held.
    #[wasm_bindgen(js_name = keyLength)]
    #[must_use]
    pub fn key_len(&self, kid: u64) -> usize {
        self.member.member().expose_key(Kid::new(kid)).map_or(0, <[u8]>::len)
    }

    /// Number of a frame's first bytes that suffice for the external operations.
    #[must_use]
    pub fn front() -> usize {
        MAX_PREFIX_LEN + Header::MAX_LEN
    }
}

impl FrameCore {
    fn with_member(member: Member) -> Self {
        let mut core = Self {
            member: Published::new(member),
            region: Region::default(),
            params: AeadParams::default(),
        };
        core.reserve(0);
        core
    }

    fn keyed<R>(&mut self, work: impl FnOnce(&mut Keyed) -> R) -> Result<R, ErrorCode> {
        self.member.change(|member, _| member.keyed().map(work))
    }

    fn seal_labelled(&mut self, len: usize, label: &Label) -> Result<isize, ErrorCode> {
        self.member.change(|member, words| seal(member, &mut self.region, words, len, label))
    }

    fn open_labelled(&mut self, from: u32, len: usize, label: &Label) -> Result<isize, ErrorCode> {
        self.member.change(|member, words| open(member, &mut self.region, words, from, len, label))
    }
}

fn seal(
    member: &mut Member,
    region: &mut Region,
    words: &mut Words,
    len: usize,
    label: &Label,
) -> Result<isize, ErrorCode> {
    region.frame(len).ok_or(ErrorCode::NotReserved)?;
    let (frame, prefix_len) = match label.readable {
        Readable::Prefix(prefix_len) => {
            let frame = region.copied(len, prefix_len.into()).ok_or(ErrorCode::PrefixTooLong)?;
            (Some(frame), prefix_len)
        }
        Readable::Front(codec) => {
            let arranged = region.arrange(len, codec)?;
            (FrameBuf::new(arranged.bytes, arranged.frame), arranged.prefix_len)
        }
    };
    let frame = frame.ok_or(ErrorCode::NotReserved)?;
    let sealed = member.frames().seal_in_place(frame, label.metadata(prefix_len));
    let sealed = sealed.map_err(ErrorCode::from_seal)?;
    // Read the KID only now, as the key may just have been replaced.
    words.set_kid(member.kid());
    let (mut at, mut len) = (sealed.as_ptr(), sealed.len());
    if let Readable::Front(codec) = label.readable {
        let sealed = region.place(at, len);
        (at, len) = region.close(sealed, codec).ok_or(ErrorCode::NoRoom)?;
    }
    words.set_len(Outcome::Length, len);
    Ok(at.addr().cast_signed())
}

fn open(
    member: &mut Member,
    region: &mut Region,
    words: &mut Words,
    from: u32,
    len: usize,
    label: &Label,
) -> Result<isize, ErrorCode> {
    let frame = region.frame(len).ok_or(ErrorCode::NotReserved)?;
    let (frame, prefix_len) = match label.readable {
        Readable::Prefix(prefix_len) => (frame, prefix_len),
        Readable::Front(codec) => {
            let arranged = region.arrange_sealed(len, codec)?;
            let frame = arranged.bytes.get_mut(arranged.frame).ok_or(ErrorCode::NotReserved)?;
            (frame, arranged.prefix_len)
        }
    };
    let sealed = frame.get(prefix_len.into()..).unwrap_or_default();
    let from = member.member_of(from, sealed)?;
    let opened = member.frames().open_in_place(from, frame, label.metadata(prefix_len));
    let Opened { kid, frame, .. } = opened.map_err(ErrorCode::from_frame)?;
    let frame = frame.get(label.copy_len()..).ok_or(ErrorCode::TooShort)?;
    words.set_kid(kid);
    words.set_len(Outcome::Length, frame.len());
    Ok(frame.as_ptr().addr().cast_signed())
}

/// The name of a negative result of [`FrameCore::seal`] or [`FrameCore::open`].
#[wasm_bindgen(js_name = errorName)]
#[must_use]
pub fn error_name(result: isize) -> String {
    ErrorCode::from_result(result).map_or_else(|| "Unknown".into(), String::from)
}

fn kid(from: u16, generation: u64, step: u32) -> SenderKeyKid {
    SenderKeyKid { generation, sender: from.into(), step: step.into() }
}

/// Converts a key from JavaScript, and wipes the copy.
fn take_key(mut bytes: Vec<u8>) -> Result<BaseKey, ErrorCode> {
    let key = BaseKey::from_bytes(CIPHER.suite, &bytes);
    bytes.zeroize();
    key.map_err(|_| ErrorCode::KeyRefused)
}

fn random() -> Result<[u8; 32], ErrorCode> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| ErrorCode::NoRandomness)?;
    // A broken generator, or a page's replacement of the browser's. The bytes are secret, so they
    // are not compared.
    if bytes.iter().fold(0, |all, byte| all | byte) == 0 {
        return Err(ErrorCode::NoRandomness);
    }
    Ok(bytes)
}
