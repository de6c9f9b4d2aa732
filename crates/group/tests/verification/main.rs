//! Verification by people: codes, SAS verifications, and the trust store.
#![expect(clippy::unwrap_used, reason = "a test")]

mod attacks;
mod codes;
mod random;
mod sas;
mod trust;

use sealframe_testkit::hex;
use serde_json::Value;

/// `checks.json` (its script and provenance lie beside it).
fn vectors(list: &str) -> Vec<Value> {
    let file = include_str!("../../../testkit/vectors/group/checks.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    vectors[list].as_array().unwrap().clone()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().unwrap()
}
