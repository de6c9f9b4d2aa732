//! Target `open`: set-up (suite, keys, label), then a sealed frame from anyone.

use sealframe::{Ctr, Kid, OpenError, Receiver};

use crate::{
    input::Input,
    keys::{Keys, Root},
    label::Label,
    reference,
};

/// A frame opens exactly if sealing its plaintext reproduces it, and a rejected frame changes
/// nothing.
pub fn open(data: &[u8]) {
    let mut input = Input::new(data);
    let keys = Keys::choose(&mut input);
    let label = Label::choose(&mut input);
    let sealed = input.rest();
    let suite = keys.cipher.suite;
    let opened_before = Primer::choose(&keys, data);
    let expected = reference::open(keys.cipher, &label, sealed, |kid| keys.base_key(kid));
    let expected = opened_before.judge(&label, sealed, expected);

    let mut receiver = keys.receiver();
    opened_before.deliver(&mut receiver, &keys, &label);
    assert_eq!(
        receiver.open_to_vec(sealed, label.metadata()),
        expected.clone().map(|(.., frame)| frame)
    );

    let mut receiver_in_place = keys.receiver();
    opened_before.deliver(&mut receiver_in_place, &keys, &label);
    let mut buf = sealed.to_vec();
    match (receiver_in_place.open_in_place(&mut buf, label.metadata()), expected) {
        (Ok(opened), Ok((kid, ctr, frame))) => {
            assert_eq!((opened.kid, opened.ctr, &*opened.frame), (kid, ctr, &frame[..]));
            for receiver in [&mut receiver, &mut receiver_in_place] {
                expect_error(receiver, &keys, &label, sealed, OpenError::Replayed(ctr));
            }
        }
        (Err(error), Err(expected)) => {
            assert_eq!(error, expected);
            assert_eq!(error.is_retryable(), matches!(error, OpenError::UnknownKey(_)));
            reference::check_untouched(suite, &label, sealed, &buf, error);
            let root = &keys.roots[sealed.len() % keys.roots.len()];
            open_genuine(&mut receiver_in_place, &keys, root, &label);
        }
        (result, expected) => panic!("{result:?}, not {expected:?}"),
    }
}

/// Frames that a receiver has opened before, of the first KID that it holds: it predicts more like
/// them.
struct Primer {
    kid: Kid,
    ctrs: &'static [u64],
}

impl Primer {
    /// Chosen by the byte that chooses the keys.
    fn choose(keys: &Keys, data: &[u8]) -> Self {
        let choice = data.get(1).map_or(0, |byte| byte / 4 % 3);
        let ctrs: [&[u64]; 3] = [&[], &[100, 101], &[300, 301]];
        Self { kid: keys.kids(&keys.roots[0])[0], ctrs: ctrs[usize::from(choice)] }
    }

    fn deliver(&self, receiver: &mut Receiver, keys: &Keys, label: &Label) {
        let frame = vec![0; usize::from(label.prefix_len)];
        for ctr in self.ctrs.iter().copied().map(Ctr::new) {
            let base_key = keys.base_key(self.kid).expect("held");
            let mut sealed = reference::seal(keys.cipher, &base_key, self.kid, ctr, label, &frame);
            receiver.open_in_place(&mut sealed, label.metadata()).expect("genuine");
        }
    }

    /// The result for a receiver with this memory, where one without memory gives `expected`.
    fn judge<T>(
        &self,
        label: &Label,
        sealed: &[u8],
        expected: Result<T, OpenError>,
    ) -> Result<T, OpenError> {
        let rest = sealed.get(usize::from(label.prefix_len)..).unwrap_or_default();
        match (reference::decode_header(rest), &expected) {
            (Ok((kid, ctr, _)), Ok(_) | Err(OpenError::Unauthentic))
                if kid == self.kid.get() && self.ctrs.contains(&ctr) =>
            {
                Err(OpenError::Replayed(Ctr::new(ctr)))
            }
            _ => expected,
        }
    }
}

/// A receiver that must still behave like a fresh one opens frames of one of its senders, each
/// once.
fn open_genuine(receiver: &mut Receiver, keys: &Keys, root: &Root, label: &Label) {
    let frame = vec![0x5a; usize::from(label.prefix_len) + 20];
    for kid in keys.kids(root) {
        let (base_key, ctr) = (keys.base_key(kid).expect("held"), Ctr::new(0));
        let sealed = reference::seal(keys.cipher, &base_key, kid, ctr, label, &frame);
        let mut buf = sealed.clone();
        let opened = receiver.open_in_place(&mut buf, label.metadata()).expect("genuine");
        assert_eq!((opened.kid, opened.ctr, &*opened.frame), (kid, ctr, &frame[..]));
        expect_error(receiver, keys, label, &sealed, OpenError::Replayed(ctr));
    }
}

fn expect_error(receiver: &mut Receiver, keys: &Keys, label: &Label, sealed: &[u8], error: OpenError) {
    let mut buf = sealed.to_vec();
    assert_eq!(receiver.open_in_place(&mut buf, label.metadata()).map(|_| ()), Err(error));
    reference::check_untouched(keys.cipher.suite, label, sealed, &buf, error);
}
