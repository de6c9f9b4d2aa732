//! Fixed keys, including those of the vectors, so that vectors can be seeds.

use sealframe::{
    Backend, BaseKey, Cipher, CipherSuite, Kid, KidLayout, MlsLayout, OpenError, Receiver,
    SenderKeyKid, SenderKeyLayout,
};

use crate::input::Input;

/// The keys of a receiver.
pub(crate) struct Keys {
    pub(crate) cipher: Cipher,
    pub(crate) layout: KidLayout,
    pub(crate) roots: Vec<Root>,
}

/// One installed base key.
pub(crate) struct Root {
    pub(crate) at: At,
    pub(crate) bytes: Vec<u8>,
}

/// The KID under which it was installed.
#[derive(Clone, Copy)]
pub(crate) enum At {
    Sender(SenderKeyKid),
    Epoch(u64),
}

impl Keys {
    /// Chosen by two bytes.
    pub(crate) fn choose(input: &mut Input<'_>) -> Self {
        let cipher = cipher(input.u8());
        let suite = cipher.suite;
        let id = u8::try_from(suite.id()).expect("at most 8");
        let sender = |generation, sender, step, bytes: Vec<u8>| Root {
            at: At::Sender(SenderKeyKid { generation, sender, step }),
            bytes,
        };
        let (layout, roots) = match input.u8() % 4 {
            // KID 0x123 with the base key of the RFC's vectors, and a step just before its wrap.
            0 => (
                sender_keys(16, 8),
                vec![sender(0, 1, 0x23, (0..16).collect()), sender(3, 9, 250, pattern(suite.nh(), 99))],
            ),
            // The KIDs of the vectors that must be rejected.
            1 => (
                sender_keys(0, 8),
                vec![
                    sender(1, 0, 0x23, pattern(suite.nh(), 16 * id + 12)),
                    sender(0, 0, 5, pattern(suite.nh(), 16 * id + 12)),
                ],
            ),
            // The ratchet's vectors with R = 4; another sender is at its last step.
            2 => (
                sender_keys(0, 4),
                vec![
                    sender(5, 0, 0, pattern(suite.nh(), 16 * id + 2)),
                    sender(6, 0, 15, pattern(suite.nh(), 98)),
                ],
            ),
            // The MLS vectors.
            _ => (
                KidLayout::Mls(MlsLayout::new(4, 6).expect("10 bits")),
                [14, 15]
                    .into_iter()
                    .zip([8, 9])
                    .map(|(epoch, start)| Root {
                        at: At::Epoch(epoch),
                        bytes: pattern(suite.nk(), 16 * id + start),
                    })
                    .collect(),
            ),
        };
        Self { cipher, layout, roots }
    }

    pub(crate) fn receiver(&self) -> Receiver {
        let mut receiver = Receiver::new(self.cipher, self.layout);
        for root in &self.roots {
            let base_key = root.base_key(self.cipher.suite);
            match root.at {
                At::Sender(kid) => receiver.add_sender(kid, base_key),
                At::Epoch(epoch) => receiver.add_epoch(epoch, base_key),
            }
            .expect("fixed keys");
        }
        receiver
    }

    /// The base key that a fresh receiver with these keys holds for a KID.
    pub(crate) fn base_key(&self, kid: Kid) -> Result<BaseKey, OpenError> {
        let unknown = OpenError::UnknownKey(kid);
        match self.layout {
            KidLayout::SenderKeys(layout) => {
                let fields = layout.split(kid);
                let found = self.roots.iter().find_map(|root| match root.at {
                    At::Sender(at) => ((at.generation, at.sender)
                        == (fields.generation, fields.sender))
                        .then(|| (root.base_key(self.cipher.suite), at.step)),
                    At::Epoch(_) => None,
                });
                let (mut base_key, step) = found.ok_or(unknown)?;
                let steps = 1_u128 << layout.step_bits();
                let ahead = (u128::from(fields.step) + steps - u128::from(step)) % steps;
                // As documented: at most 64 steps ahead, and at most half the circle; any other
                // step is behind.
                if ahead <= 64.min(steps / 2) {
                    for _ in 0..ahead {
                        base_key = base_key.ratchet();
                    }
                    Ok(base_key)
                } else if ahead <= steps / 2 {
                    Err(OpenError::StepTooFar(kid))
                } else {
                    Err(OpenError::StepErased(kid))
                }
            }
            KidLayout::Mls(layout) => {
                let low = layout.split(kid).epoch;
                let found = self.roots.iter().find(|root| match root.at {
                    At::Epoch(epoch) => epoch % (1 << layout.epoch_bits()) == low,
                    At::Sender(_) => false,
                });
                found.map(|root| root.base_key(self.cipher.suite)).ok_or(unknown)
            }
        }
    }

    /// KIDs whose frames a fresh receiver opens, in this order.
    pub(crate) fn kids(&self, root: &Root) -> Vec<Kid> {
        match (self.layout, root.at) {
            // Two steps ahead, then the one between, late.
            (KidLayout::SenderKeys(layout), At::Sender(at)) => {
                let next = layout.after(at);
                let kids = [at, layout.after(next), next];
                kids.map(|kid| layout.join(kid).expect("fixed keys")).to_vec()
            }
            (KidLayout::Mls(layout), At::Epoch(epoch)) => {
                let low = epoch % (1 << layout.epoch_bits());
                vec![Kid::new(low), Kid::new(0x3f0 + low)]
            }
            (KidLayout::SenderKeys(_), At::Epoch(_)) | (KidLayout::Mls(_), At::Sender(_)) => {
                panic!("the root has the other layout")
            }
        }
    }
}

impl Root {
    pub(crate) fn base_key(&self, suite: CipherSuite) -> BaseKey {
        BaseKey::from_bytes_allowing_128_bits(suite, &self.bytes).expect("fixed keys")
    }
}

/// Suite and backend, chosen by one byte.
pub(crate) fn cipher(choice: u8) -> Cipher {
    let suite = CipherSuite::ALL[usize::from(choice) % 8];
    let backend = [Backend::Ring, Backend::Portable][usize::from(choice / 8 % 2)];
    Cipher::new(suite, backend)
}

fn sender_keys(sender_bits: u8, step_bits: u8) -> KidLayout {
    KidLayout::SenderKeys(SenderKeyLayout::new(sender_bits, step_bits).expect("at most 63 bits"))
}

/// The pattern of base keys in `keys.json`.
pub(crate) fn pattern(len: usize, start: u8) -> Vec<u8> {
    let next = |byte: &u8| Some(byte.wrapping_add(7));
    core::iter::successors(Some(start), next).take(len).collect()
}
