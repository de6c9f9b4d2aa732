//! Call codes and pairwise codes.

use sealframe_group::{
    Identity, UserId,
    verification::{CallCode, PairwiseCode, call_code, pairwise_code},
};

use crate::{array, bytes, vectors};

#[test]
fn all_10_call_codes_in_any_order() {
    let cases = vectors("call_codes");
    for case in &cases {
        let group_hash = array(&case["group_hash"]);
        let listed = case["announce_hashes"].as_array().unwrap().iter();
        let mut announces: Vec<[u8; 32]> = listed.map(array).collect();
        for _ in 0..announces.len().min(9) {
            let code = call_code(&group_hash, &announces);
            assert_eq!(code.to_string(), case["code"].as_str().unwrap());
            announces.rotate_left(1);
        }
    }
    assert_eq!(cases.len(), 10);
}

#[test]
fn the_call_code_changes_with_its_members() {
    let members: Vec<[u8; 32]> = (0..20).map(|number| [number; 32]).collect();
    let code = call_code(&[7; 32], &members);
    for at in 0..members.len() {
        let mut others = members.clone();
        others.remove(at);
        assert_ne!(call_code(&[7; 32], &others), code);
        for bit in 0..256 {
            let mut swapped = members.clone();
            swapped[at][bit / 8] ^= 1 << (bit % 8);
            assert_ne!(call_code(&[7; 32], &swapped), code);
        }
    }
    let ghost = [&members[..], &[[99; 32]]].concat();
    assert_ne!(call_code(&[7; 32], &ghost), code);
    let twice = [&members[..], &members[..1]].concat();
    assert_ne!(call_code(&[7; 32], &twice), code);
    assert_ne!(call_code(&[8; 32], &members), code);
}

#[test]
fn all_6_pairwise_codes_from_both_sides() {
    let cases = vectors("pairwise_codes");
    let mut nameless = 0;
    for case in &cases {
        let user = |which: &str| UserId::new(bytes(&case[which]));
        let (Ok(user_a), Ok(user_b)) = (user("user_a"), user("user_b")) else {
            // The encoding defines it, but the library has no such user.
            nameless += 1;
            continue;
        };
        let a = (Identity(array(&case["identity_a"])), user_a);
        let b = (Identity(array(&case["identity_b"])), user_b);
        let code = pairwise_code((&a.0, &a.1), (&b.0, &b.1));
        assert_eq!(code.to_string(), case["code"].as_str().unwrap());
        assert_eq!(pairwise_code((&b.0, &b.1), (&a.0, &a.1)), code);
    }
    assert_eq!((cases.len(), nameless), (6, 1));
}

/// Plain concatenation would let the user id of one record be read as the other record's identity.
#[test]
fn a_user_id_cannot_pass_for_the_other_record() {
    let (a, b, ghost) = (Identity([1; 32]), Identity([2; 32]), Identity([3; 32]));
    let all = [b"bob".as_slice(), &[0, 0], &ghost.0, b"rest"].concat();
    let long = UserId::new(all).unwrap();
    let plain = pairwise_code((&a, &long), (&b, &UserId::new("x").unwrap()));
    let moved = UserId::new([b"rest".as_slice(), &[0, 0], &b.0, b"x"].concat()).unwrap();
    assert_ne!(pairwise_code((&a, &UserId::new("bob").unwrap()), (&ghost, &moved)), plain);
}

#[test]
fn codes_are_parsed_with_spaces_anywhere_and_nothing_else() {
    let code = call_code(&[0; 32], &[[1; 32]]);
    let text = code.to_string();
    assert_eq!((text.len(), text.split(' ').count()), (71, 12));
    assert_eq!(text.parse(), Ok(code));
    assert_eq!(text.replace(' ', "").parse(), Ok(code));
    assert_eq!(format!("  {}\n", text.replace(' ', "\n")).parse(), Ok(code));
    for wrong in ["", "12345", &text[1..], &format!("{text}0"), &text.replace(' ', "-")] {
        assert!(wrong.parse::<CallCode>().is_err(), "{wrong}");
    }
    assert!(text.parse::<PairwiseCode>().is_err());
}

#[cfg(feature = "serde")]
#[test]
fn codes_are_stored_as_text() {
    let code = call_code(&[0; 32], &[[1; 32]]);
    let json = serde_json::to_string(&code).unwrap();
    assert_eq!(json, format!("\"{code}\""));
    assert_eq!(serde_json::from_str::<CallCode>(&json).unwrap(), code);
    assert!(serde_json::from_str::<PairwiseCode>(&json).is_err());
}
