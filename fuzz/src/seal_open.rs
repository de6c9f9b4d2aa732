//! Target `seal_open`: set-up, KID fields, usage, room, mutation, frame.

use sealframe::{
    BaseKey, Cipher, Ctr, FrameBuf, KeyUsage, Kid, KidLayout, MlsKid, MlsLayout, OpenError, SealError,
    Sender, SenderEvent, SenderKeyKid, SenderKeyLayout, Stream, StreamKind,
};

use crate::{
    input::Input,
    keys::{At, Keys, Root, cipher, pattern},
    label::Label,
    reference,
};

/// Sealing gives the RFC's bytes in the right place; they open once, and no mutation of them opens.
pub fn seal_open(data: &[u8]) {
    let case = Case::choose(&mut Input::new(data));
    let Some(sealed) = case.seal() else {
        return;
    };
    let (kid, ctr) = (case.kid, Ctr::new(case.usage.frames));
    let mut receiver = case.keys.receiver();
    let label = &case.label;

    let (other, other_label, near) = case.mutate(&sealed);
    let expected = reference::open(other.cipher, &other_label, &near, |kid| other.base_key(kid));
    let Err(expected) = expected else {
        // A probability of 2^-32: the mutation matches the short tag.
        assert_eq!(reference::nt(other.cipher.suite), 4, "a mutation is authentic");
        return;
    };
    let mut strange = other.receiver();
    let same = other.cipher == case.keys.cipher;
    let judge = if same { &mut receiver } else { &mut strange };
    let mut buf = near.clone();
    let result = judge.open_in_place(&mut buf, other_label.metadata());
    assert_eq!(result.map(|_| ()), Err(expected));
    reference::check_untouched(other.cipher.suite, &other_label, &near, &buf, expected);

    let mut buf = sealed.clone();
    let base = buf.as_ptr() as usize;
    let opened = receiver.open_in_place(&mut buf, label.metadata()).expect("genuine");
    assert_eq!((opened.kid, opened.ctr, &*opened.frame), (kid, ctr, &case.frame[..]));
    let header_len = reference::encode_header(kid.get(), ctr.get()).len();
    assert_eq!(opened.frame.as_ptr() as usize - base, header_len, "the payload has moved");

    let mut buf = sealed.clone();
    let again = receiver.open_in_place(&mut buf, label.metadata()).map(|_| ());
    assert_eq!(again, Err(OpenError::Replayed(ctr)));
    assert_eq!(buf, sealed);
}

struct Case {
    keys: Keys,
    kid: Kid,
    usage: KeyUsage,
    label: Label,
    headroom: usize,
    tailroom: usize,
    mutation: u8,
    place: usize,
    frame: Vec<u8>,
}

impl Case {
    fn choose(input: &mut Input<'_>) -> Self {
        let cipher = cipher(input.u8());
        let choice = input.u8();
        let high = input.u8() % 64;
        let low = input.u8() % (64 - high);
        let (a, b, c) = (input.u64(), input.u64(), input.u64());
        let (top, middle, bottom) = (a >> (high + low), b % (1 << high), c % (1 << low));
        let (layout, at, kid): (KidLayout, _, _) = if choice.is_multiple_of(2) {
            let layout = SenderKeyLayout::new(high, low).expect("at most 63 bits");
            let at = SenderKeyKid { generation: top, sender: middle, step: bottom };
            (layout.into(), At::Sender(at), layout.join(at))
        } else {
            let layout = MlsLayout::new(low, high).expect("at most 63 bits");
            let at = MlsKid { context: top, index: middle, epoch: c };
            (layout.into(), At::Epoch(c), layout.join(at))
        };
        let root = Root { at, bytes: pattern(16 + usize::from(choice / 2), choice) };
        let usage = match at {
            At::Sender(_) => {
                KeyUsage { first_ctr: 0, frames: near(input, 1 << 32), blocks: near(input, 1 << 34) }
            }
            At::Epoch(_) => KeyUsage::default(),
        };
        let mut case = Self {
            keys: Keys { cipher, layout, roots: vec![root] },
            kid: kid.expect("every field fits"),
            usage,
            label: Label::choose(input),
            headroom: usize::from(input.u8() % 24),
            tailroom: usize::from(input.u8() % 24),
            mutation: input.u8(),
            place: usize::from(input.u16()),
            frame: input.rest().to_vec(),
        };
        // A sender may correct an impossible usage, but never below a limit.
        case.usage = case.sender().usage();
        assert_eq!(case.usage.frames.min(1 << 32), usage.frames.min(1 << 32));
        assert!(case.usage.blocks.min((1 << 34) + 1) >= usage.blocks.min((1 << 34) + 1));
        case
    }

    fn base_key(&self) -> BaseKey {
        self.keys.roots[0].base_key(self.keys.cipher.suite)
    }

    fn sender(&self) -> Sender {
        let cipher = self.keys.cipher;
        match self.keys.layout {
            KidLayout::SenderKeys(layout) => {
                let at = layout.split(self.kid);
                Sender::resume(cipher, layout, at, self.base_key(), self.usage)
            }
            KidLayout::Mls(layout) => {
                Sender::new_mls(cipher, layout, layout.split(self.kid), &self.base_key())
            }
        }
        .expect("every field fits")
    }

    /// The sealed frame, or `None` if sealing must fail.
    fn seal(&self) -> Option<Vec<u8>> {
        let (mut sender, suite) = (self.sender(), self.keys.cipher.suite);
        assert_eq!((sender.kid(), sender.usage()), (self.kid, self.usage));
        let header_len = reference::encode_header(self.kid.get(), self.usage.frames).len();
        let nt = reference::nt(suite);
        let frame_len = self.frame.len();

        let mut buf = vec![0xa5; self.headroom + frame_len + self.tailroom];
        let range = self.headroom..self.headroom + frame_len;
        buf[range.clone()].copy_from_slice(&self.frame);
        let before = buf.clone();
        let base = buf.as_ptr() as usize;
        let frame = FrameBuf::new(&mut buf, range.clone()).expect("inside");
        let result = sender.seal_in_place(frame, self.label.metadata());
        let result = result.map(|sealed| (sealed.as_ptr() as usize - base, sealed.to_vec()));

        let prefix_len = usize::from(self.label.prefix_len);
        let refused = if self.is_exhausted() {
            Some(SealError::KeyExhausted)
        } else if prefix_len > frame_len {
            Some(SealError::PrefixTooLong)
        } else if self.headroom < header_len {
            Some(SealError::NoHeadroom { need: header_len })
        } else if self.tailroom < nt {
            Some(SealError::NoTailroom { need: nt })
        } else {
            None
        };
        let mut short = vec![0; header_len + frame_len + nt - 1];
        assert_eq!(
            self.sender().seal_into(&self.frame, self.label.metadata(), &mut short).map(|_| ()),
            Err(SealError::OutputTooShort { need: short.len() + 1 })
        );
        if let Some(error) = refused {
            assert_eq!(result, Err(error));
            assert_eq!(buf, before, "a rejected frame has changed");
            assert_eq!(sender.usage(), self.usage);
            assert_eq!(sender.poll_event(), None);
            return None;
        }

        let (start, sealed) = result.expect("sealing must succeed");
        let ctr = Ctr::new(self.usage.frames);
        let expected = reference::seal(
            self.keys.cipher,
            &self.base_key(),
            self.kid,
            ctr,
            &self.label,
            &self.frame,
        );
        assert_eq!(sealed, expected);
        assert_eq!(sealed.len(), header_len + frame_len + nt);
        assert_eq!(start, self.headroom - header_len, "the payload has moved");
        let touched = self.headroom.saturating_sub(FrameBuf::HEADROOM)
            ..(range.end + FrameBuf::TAILROOM).min(buf.len());
        assert_eq!(buf[..touched.start], before[..touched.start]);
        assert_eq!(buf[touched.end..], before[touched.end..]);
        self.check_usage(&mut sender);
        self.check_next(&mut sender);

        let again = self.sender().seal_to_vec(&self.frame, self.label.metadata());
        assert_eq!(again.as_ref(), Ok(&expected));
        Some(sealed)
    }

    /// The blocks that the frame really takes: payload, AAD, tag.
    fn blocks(&self) -> u64 {
        let prefix_len = usize::from(self.label.prefix_len).min(self.frame.len());
        let (prefix, payload) = self.frame.split_at(prefix_len);
        let header = reference::encode_header(self.kid.get(), self.usage.frames);
        let aad_len = header.len() + self.label.bytes(prefix).len();
        (payload.len().div_ceil(16) + aad_len.div_ceil(16) + 1) as u64
    }

    /// The library may count up to this many blocks too many.
    const SLACK: u64 = 4;

    /// Whether the key is at its limit. Within the slack, the sender's answer counts.
    fn is_exhausted(&self) -> bool {
        let blocks = self.usage.blocks.saturating_add(self.blocks());
        let fits = |blocks| self.usage.frames < 1 << 32 && blocks <= 1 << 34;
        if fits(blocks) != fits(blocks.saturating_add(Self::SLACK)) {
            let result = self.sender().seal_to_vec(&self.frame, self.label.metadata());
            return result == Err(SealError::KeyExhausted);
        }
        !fits(blocks)
    }

    fn check_usage(&self, sender: &mut Sender) {
        let (usage, blocks) = (sender.usage(), self.blocks());
        assert_eq!(usage.frames, self.usage.frames + 1);
        let counted = usage.blocks - self.usage.blocks;
        assert!((blocks..=blocks + Self::SLACK).contains(&counted), "{counted} for {blocks} blocks");
        let near = usage.frames >= 3 << 30 || usage.blocks >= 3 << 32;
        let event = near.then_some(SenderEvent::KeyNearlyExhausted(self.kid));
        assert_eq!(sender.poll_event(), event);
        assert_eq!(sender.poll_event(), None);
    }

    /// The following frames have the following counters, and the limit was reported once.
    fn check_next(&self, sender: &mut Sender) {
        let was_near = sender.usage().blocks >= 3 << 32;
        for ahead in 1..3 {
            let ctr = Ctr::new(self.usage.frames + ahead);
            let sealed = sender.seal_to_vec(&self.frame, self.label.metadata());
            if sealed != Err(SealError::KeyExhausted) {
                let Keys { cipher, .. } = self.keys;
                let (base_key, label) = (self.base_key(), &self.label);
                let expected = reference::seal(cipher, &base_key, self.kid, ctr, label, &self.frame);
                assert_eq!(sealed, Ok(expected));
            }
        }
        assert!(!was_near || sender.poll_event().is_none());
    }

    /// A mutation of the sealed frame, or of the receiver's keys or label.
    fn mutate(&self, sealed: &[u8]) -> (Keys, Label, Vec<u8>) {
        let mut label = self.label.clone();
        let mut near = sealed.to_vec();
        let mut suite = self.keys.cipher.suite;
        let at = self.place % near.len();
        match self.mutation % 8 {
            0 => near[at] ^= 1 << (self.place / near.len() % 8),
            1 => near.truncate(at),
            2 => near.extend(vec![0; 1 + at % 16]),
            3 => drop(near.remove(at)),
            4 => {
                label.stream = match label.stream {
                    None => Some(Stream::new(StreamKind::Camera, 0)),
                    Some(_) if at == 0 => None,
                    Some(Stream { kind, index }) if at.is_multiple_of(2) => {
                        Some(Stream::new(kind, index ^ 1))
                    }
                    Some(Stream { kind: StreamKind::Camera, index }) => {
                        Some(Stream::new(StreamKind::Screen, index))
                    }
                    Some(Stream { index, .. }) => Some(Stream::new(StreamKind::Camera, index)),
                }
            }
            5 => label.prefix_len ^= 1 << (at % 6),
            6 => label.application.push(self.mutation),
            _ => suite = cipher(self.mutation / 8 % 7 + 1 + low_id(suite)).suite,
        }
        let Keys { cipher: Cipher { backend, .. }, layout, ref roots } = self.keys;
        let roots = roots.iter().map(|root| Root { at: root.at, bytes: root.bytes.clone() }).collect();
        (Keys { cipher: Cipher::new(suite, backend), layout, roots }, label, near)
    }
}

/// The index of a suite in the list of all suites.
fn low_id(suite: sealframe::CipherSuite) -> u8 {
    u8::try_from(suite.id() - 1).expect("at most 7")
}

/// A number around `limit`, below it, or anywhere.
fn near(input: &mut Input<'_>, limit: u64) -> u64 {
    let number = input.u64();
    match input.u8() % 4 {
        0 => number % 0x1_0000,
        1 => number % limit,
        2 => limit - number % 0x100 + 1,
        _ => number,
    }
}
