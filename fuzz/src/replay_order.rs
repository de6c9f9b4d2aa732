//! Target `replay_order`: set-up, then operations on a sender and its receiver.

use std::collections::{BTreeMap, BTreeSet};

use sealframe::{
    BaseKey, Cipher, CipherSuite, Ctr, Header, KeyError, KeyPolicy, KeyUsage, Kid, OpenError, Receiver,
    Sender, SenderKeyKid, SenderKeyLayout, media::REPLAY_WINDOW,
};

use crate::{
    input::Input,
    keys::{cipher, pattern},
    label::Label,
    reference,
};

/// Every delivery gives the result that a model of sets predicts, whatever was sealed, lost,
/// delayed or forged before.
pub fn replay_order(data: &[u8]) {
    let mut input = Input::new(data);
    let mut call = Call::choose(&mut input);
    for _ in 0..150 {
        if input.is_empty() {
            break;
        }
        call.operate(&mut input);
    }
}

/// A sender, a receiver, everything on the wire between them, and the model.
struct Call {
    cipher: Cipher,
    layout: SenderKeyLayout,
    label: Label,
    sender: Sender,
    receiver: Receiver,
    /// The sender's position; its step is not wrapped.
    generation: u64,
    step: u64,
    wire: Vec<Sent>,
    model: Model,
}

struct Sent {
    generation: u64,
    step: u64,
    kid: Kid,
    ctr: Ctr,
    frame: Vec<u8>,
    sealed: Vec<u8>,
}

/// The sender's member id, in layouts that have one.
const SENDER: u64 = 7;

impl Call {
    fn choose(input: &mut Input<'_>) -> Self {
        let mut cipher = cipher(input.u8());
        if reference::nt(cipher.suite) == 4 {
            // With a tag of 32 bits, a flipped bit or a forged body would be authentic now and
            // then.
            cipher.suite = CipherSuite::Aes128GcmSha256_128;
        }
        let choice = input.u8();
        let step_bits = [1, 2, 4, 8][usize::from(choice % 4)];
        let sender_bits = if choice & 4 == 0 { 0 } else { 16 };
        let layout = SenderKeyLayout::new(sender_bits, step_bits).expect("at most 63 bits");
        let circle = 1_u64 << step_bits;

        let mut policy = KeyPolicy::for_layout(layout.into());
        policy.max_keys = if choice & 16 == 0 { usize::MAX } else { usize::from(input.u8() % 32) };
        policy.max_keys_each = policy.max_keys;
        let mut receiver = Receiver::with_policy(cipher, layout, policy).expect("the default fits");
        if choice & 8 != 0 {
            let wish = KeyPolicy { max_ahead: input.u8(), keep_behind: input.u8(), ..policy };
            let fits = 1 + u64::from(wish.max_ahead) + u64::from(wish.keep_behind) <= circle;
            match Receiver::with_policy(cipher, layout, wish) {
                Ok(wished) => {
                    assert!(fits, "{wish:?} in {layout:?}");
                    (receiver, policy) = (wished, wish);
                }
                Err(error) => assert!(!fits && error == KeyError::PolicyTooWide),
            }
        }
        let label = Label::choose(input);
        let sender = Sender::new(cipher, layout, Self::kid_at(layout, 0, 0), base_key(cipher, 0));
        let mut call = Self {
            cipher,
            layout,
            label,
            sender: sender.expect("it fits"),
            receiver,
            generation: 0,
            step: 0,
            wire: Vec::new(),
            model: Model { circle, policy, roots: BTreeMap::new() },
        };
        call.install();
        call
    }

    fn kid_at(layout: SenderKeyLayout, generation: u64, step: u64) -> SenderKeyKid {
        SenderKeyKid {
            generation,
            sender: if layout.sender_bits() == 0 { 0 } else { SENDER },
            step: step % (1 << layout.step_bits()),
        }
    }

    fn operate(&mut self, input: &mut Input<'_>) {
        match input.u8() % 12 {
            0 | 1 => self.seal(input.u8()),
            2 => self.skip(input.below(5_000)),
            3 => self.ratchet(1 + input.u8() % 20),
            4 => self.rekey(),
            5 => self.install(),
            6 if !self.wire.is_empty() => {
                let back = input.below(self.wire.len());
                self.deliver(self.wire.len() - 1 - back);
            }
            7 if !self.wire.is_empty() => {
                let at = input.below(self.wire.len());
                self.deliver(at);
            }
            8 if !self.wire.is_empty() => {
                let at = input.below(self.wire.len());
                self.deliver(at);
                self.deliver(at);
            }
            9 if !self.wire.is_empty() => {
                let at = input.below(self.wire.len());
                self.corrupt(at, usize::from(input.u16()));
            }
            10 => self.forge(input),
            11 => self.remove(input.u8()),
            _ => {}
        }
    }

    fn seal(&mut self, len: u8) {
        let frame = pattern(usize::from(self.label.prefix_len) + usize::from(len), len);
        let (kid, ctr) = (self.sender.kid(), Ctr::new(self.sender.usage().frames));
        let expected = Self::kid_at(self.layout, self.generation, self.step);
        assert_eq!(Some(kid), self.layout.join(expected));
        let sealed = self.sender.seal_to_vec(&frame, self.label.metadata()).expect("a short frame");
        let (generation, step) = (self.generation, self.step);
        self.wire.push(Sent { generation, step, kid, ctr, frame, sealed });
    }

    /// As if `frames` frames had been sealed and lost.
    fn skip(&mut self, frames: usize) {
        let mut usage = self.sender.usage();
        usage = KeyUsage { frames: usage.frames + frames as u64, ..usage };
        let kid = Self::kid_at(self.layout, self.generation, self.step);
        let base_key = self.sender.export_base_key().expect("a sender key");
        self.sender = Sender::resume(self.cipher, self.layout, kid, base_key, usage).expect("it fits");
    }

    fn ratchet(&mut self, steps: u8) {
        for _ in 0..steps {
            self.step += 1;
            let kid = self.layout.join(Self::kid_at(self.layout, self.generation, self.step));
            assert_eq!(self.sender.ratchet().ok(), kid);
            assert_eq!(self.sender.usage(), KeyUsage::default());
        }
    }

    fn rekey(&mut self) {
        (self.generation, self.step) = (self.generation + 1, 0);
        let kid = self.layout.join(Self::kid_at(self.layout, self.generation, 0));
        assert_eq!(self.sender.rekey(base_key(self.cipher, self.generation)).ok(), kid);
        assert_eq!(self.sender.usage(), KeyUsage::default());
    }

    /// The receiver learns the sender's current key, unless it holds this generation.
    fn install(&mut self) {
        let kid = Self::kid_at(self.layout, self.generation, self.step);
        let base_key = self.sender.export_base_key().expect("a sender key");
        let result = self.receiver.add_sender(kid, base_key);
        assert_eq!(result, self.model.install(self.generation, self.step));
    }

    fn remove(&mut self, back: u8) {
        let generation = self.generation.saturating_sub(u64::from(back));
        if self.model.removed(generation) {
            let kid = Self::kid_at(self.layout, generation, 0);
            self.receiver.remove_generation(kid.sender, generation);
        }
    }

    fn deliver(&mut self, at: usize) {
        let Sent { generation, step, kid, ctr, frame, sealed } = &self.wire[at];
        let expected = self.model.deliver(*generation, Some(*step), *kid, *ctr);
        let mut buf = sealed.clone();
        match (self.receiver.open_in_place(&mut buf, self.label.metadata()), expected) {
            (Ok(opened), Ok(())) => {
                assert_eq!((opened.kid, opened.ctr, &*opened.frame), (*kid, *ctr, &frame[..]));
            }
            (Err(error), Err(expected)) => {
                assert_eq!(error, expected);
                reference::check_untouched(self.cipher.suite, &self.label, sealed, &buf, error);
            }
            (result, expected) => panic!("{result:?}, not {expected:?}"),
        }
    }

    /// Delivers a frame with one bit flipped.
    fn corrupt(&mut self, at: usize, bit: usize) {
        let mut sealed = self.wire[at].sealed.clone();
        let byte = bit / 8 % sealed.len();
        sealed[byte] ^= 1 << (bit % 8);
        self.deliver_strange(&sealed);
    }

    /// Delivers a forged header and body.
    fn forge(&mut self, input: &mut Input<'_>) {
        let kid = Self::kid_at(self.layout, u64::from(input.u8()), u64::from(input.u8()));
        let ctr = Ctr::new(input.u64() >> (input.u8() % 64));
        let kid = self.layout.join(kid).expect("it fits");
        let prefix = vec![0; usize::from(self.label.prefix_len)];
        let sealed = [&prefix, Header::new(kid, ctr).encode().as_bytes(), input.take(32)].concat();
        self.deliver_strange(&sealed);
    }

    /// Delivers a frame that no sender made.
    fn deliver_strange(&mut self, sealed: &[u8]) {
        let mut buf = sealed.to_vec();
        let result = self.receiver.open_in_place(&mut buf, self.label.metadata());
        let error = result.map(|_| ()).expect_err("nobody made this");
        reference::check_untouched(self.cipher.suite, &self.label, sealed, &buf, error);

        let rest = &sealed[usize::from(self.label.prefix_len)..];
        let expected = match reference::decode_header(rest) {
            Err(error) => OpenError::Header(error),
            Ok((_, _, len)) if rest.len() < len + reference::nt(self.cipher.suite) => {
                OpenError::TooShort
            }
            Ok((kid, ctr, _)) => {
                let (kid, ctr) = (Kid::new(kid), Ctr::new(ctr));
                let at = self.layout.split(kid);
                let ours = Self::kid_at(self.layout, at.generation, at.step);
                let result = if at == ours {
                    self.model.deliver(at.generation, None, kid, ctr)
                } else {
                    Err(OpenError::UnknownKey(kid))
                };
                result.expect_err("nobody made this")
            }
        };
        assert_eq!(error, expected);
    }
}

/// The first base key of a generation.
fn base_key(cipher: Cipher, generation: u64) -> BaseKey {
    let info: [&[u8]; 1] = [&generation.to_be_bytes()];
    BaseKey::derive(cipher.suite, b"the secret of this fuzz target", &info).expect("long enough")
}

/// The receiver's state, as sets. Steps are not wrapped here.
struct Model {
    circle: u64,
    policy: KeyPolicy,
    roots: BTreeMap<u64, Root>,
}

struct Root {
    newest: u64,
    /// For each held step, the opened counters.
    held: BTreeMap<u64, BTreeSet<Ctr>>,
}

impl Model {
    fn install(&mut self, generation: u64, step: u64) -> Result<(), KeyError> {
        if self.roots.contains_key(&generation) {
            return Err(KeyError::KidInUse);
        }
        if self.held() >= self.policy.max_keys {
            return Err(KeyError::TooManyKeys);
        }
        let held = BTreeMap::from([(step, BTreeSet::new())]);
        self.roots.insert(generation, Root { newest: step, held });
        Ok(())
    }

    /// Number of held keys.
    fn held(&self) -> usize {
        self.roots.values().map(|root| root.held.len()).sum()
    }

    fn removed(&mut self, generation: u64) -> bool {
        self.roots.remove(&generation).is_some()
    }

    /// `step` is the step that really sealed the frame; `None` if it was forged.
    fn deliver(
        &mut self,
        generation: u64,
        step: Option<u64>,
        kid: Kid,
        ctr: Ctr,
    ) -> Result<(), OpenError> {
        let low = kid.get() % self.circle;
        let root = self.roots.get(&generation).ok_or(OpenError::UnknownKey(kid))?;
        let named = root.held.iter().find(|(step, _)| *step % self.circle == low);
        let (at, seen) = if let Some((at, seen)) = named {
            (*at, seen.clone())
        } else {
            let ahead = (low + self.circle - root.newest % self.circle) % self.circle;
            if ahead > u64::from(self.policy.max_ahead) {
                let behind = ahead > self.circle / 2;
                return Err(if behind {
                    OpenError::StepErased(kid)
                } else {
                    OpenError::StepTooFar(kid)
                });
            }
            let after = root.moved_to(root.newest + ahead, self.policy.keep_behind).held.len();
            if self.held() - root.held.len() + after > self.policy.max_keys {
                return Err(OpenError::TooManyKeys);
            }
            (root.newest + ahead, BTreeSet::new())
        };
        if let Some(newest) = seen.last()
            && ctr <= *newest
        {
            if newest.get() - ctr.get() >= REPLAY_WINDOW {
                return Err(OpenError::TooOld(ctr));
            }
            if seen.contains(&ctr) {
                return Err(OpenError::Replayed(ctr));
            }
        }
        if step != Some(at) {
            return Err(OpenError::Unauthentic);
        }
        let mut moved = root.moved_to(at, self.policy.keep_behind);
        if let Some(seen) = moved.held.get_mut(&at) {
            seen.insert(ctr);
        }
        self.roots.insert(generation, moved);
        Ok(())
    }
}

impl Root {
    /// The state after a frame of step `at` has opened: skipped steps are held too, and old ones
    /// are not.
    fn moved_to(&self, at: u64, keep_behind: u8) -> Self {
        let newest = self.newest.max(at);
        let mut held = self.held.clone();
        held.extend((self.newest + 1..=at).map(|passed| (passed, BTreeSet::new())));
        held.retain(|step, _| *step + u64::from(keep_behind) >= newest);
        Self { newest, held }
    }
}
