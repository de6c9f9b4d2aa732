//! KID layouts against independent vectors and RFC 9605's own examples.
#![expect(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sealframe_testkit::keys;
use sealframe_wire::{Kid, MlsKid, MlsLayout, SenderKeyKid, SenderKeyLayout};

#[test]
fn all_90_sender_key_kids() {
    let vectors = keys::all().sender_key_kids;
    for vector in &vectors {
        let layout = SenderKeyLayout::new(vector.sender_bits, vector.step_bits).unwrap();
        let fields = SenderKeyKid {
            generation: vector.generation.0,
            sender: vector.sender.0,
            step: vector.step.0,
        };
        assert_eq!(layout.join(fields).map(Kid::get), vector.kid.map(|kid| kid.0), "{vector:?}");
        if let Some(kid) = vector.kid {
            assert_eq!(layout.split(Kid::new(kid.0)), fields);
        }
    }
    assert_eq!(vectors.len(), 90);
    println!("ran {} sender-key KIDs", vectors.len());
}

#[test]
fn all_64_mls_kids() {
    let vectors = keys::all().mls_kids;
    for vector in &vectors {
        let layout = MlsLayout::new(vector.epoch_bits, vector.index_bits).unwrap();
        let fields = MlsKid { context: vector.context.0, index: vector.index.0, epoch: vector.epoch.0 };
        assert_eq!(layout.join(fields).map(Kid::get), vector.kid.map(|kid| kid.0), "{vector:?}");
        if let Some(kid) = vector.kid {
            let low = fields.epoch % (1 << vector.epoch_bits);
            assert_eq!(layout.split(Kid::new(kid.0)), MlsKid { epoch: low, ..fields });
        }
    }
    assert_eq!(vectors.len(), 64);
    println!("ran {} MLS KIDs", vectors.len());
}

/// RFC 9605 §5.2, figure 8: E = 4, S = 6.
#[test]
fn the_examples_of_the_rfc() {
    let layout = MlsLayout::new(4, 6).unwrap();
    for (epoch, index, context, kid) in [
        (14, 3, 0, 0x3e),
        (14, 7, 0, 0x7e),
        (14, 20, 0, 0x14e),
        (15, 3, 0, 0x3f),
        (15, 5, 0, 0x5f),
        (16, 2, 2, 0x820),
        (16, 2, 3, 0xc20),
        (17, 33, 0, 0x211),
        (17, 51, 0, 0x331),
    ] {
        let joined = layout.join(MlsKid { context, index, epoch });
        assert_eq!(joined.map(Kid::get), Some(kid));
    }
}

#[test]
fn a_layout_leaves_a_bit_for_its_top_field() {
    for a in 0..=80 {
        for b in 0..=80 {
            let fits = u32::from(a) + u32::from(b) < 64;
            assert_eq!(SenderKeyLayout::new(a, b).is_some(), fits);
            assert_eq!(MlsLayout::new(a, b).is_some(), fits);
        }
    }
    assert!(SenderKeyLayout::new(200, 100).is_none());
}

proptest! {
    #[test]
    fn every_kid_splits_and_joins(kid in any::<u64>(), a in 0_u8..32, b in 0_u8..32) {
        let kid = Kid::new(kid);
        let layout = SenderKeyLayout::new(a, b).unwrap();
        prop_assert_eq!(layout.join(layout.split(kid)), Some(kid));
        let layout = MlsLayout::new(a, b).unwrap();
        prop_assert_eq!(layout.join(layout.split(kid)), Some(kid));
    }

    #[test]
    fn steps_go_forward_and_back(kid in any::<u64>(), bits in 0_u8..64, steps in 0_u64..1000) {
        let layout = SenderKeyLayout::new(0, bits).unwrap();
        let start = layout.split(Kid::new(kid));
        let end = (0..steps).fold(start, |at, _| layout.after(at));
        prop_assert_eq!(layout.behind(end, steps), start);
        prop_assert_eq!(layout.steps_between(start.step, end.step), steps % (1 << bits));
        prop_assert_eq!((start.generation, start.sender), (end.generation, end.sender));
    }
}

#[test]
fn half_the_circle_lies_ahead() {
    for bits in [1, 2, 8, 63] {
        let (layout, circle) = (SenderKeyLayout::new(0, bits).unwrap(), 1_u64 << bits);
        for at in [0, 1, circle / 2, circle - 1] {
            let step = |ahead: u64| at.wrapping_add(ahead) % circle;
            assert!(!layout.is_behind(at, at) && !layout.is_behind(at, step(circle / 2)));
            assert_eq!(layout.is_behind(at, step(circle / 2 + 1)), bits > 1);
        }
    }
    assert!(!SenderKeyLayout::new(8, 0).unwrap().is_behind(0, 0));
}
