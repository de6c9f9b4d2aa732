//! The group protocol against vectors made by an independent script.
#![expect(clippy::unwrap_used, reason = "a test")]

use core::convert::Infallible;

use sealframe_crypto::CipherSuite;
use sealframe_group::{Kem, SessionId, rand_core};
use sealframe_testkit::{group::CallVector, hex::Hex};

mod checks;
mod groups;
mod messages;
mod refused;

fn array<const N: usize>(hex: &Hex) -> [u8; N] {
    hex.0.as_slice().try_into().unwrap()
}

fn session(hex: &Hex) -> SessionId {
    SessionId(array(hex))
}

fn kem(call: &CallVector) -> Kem {
    Kem::from_id(call.kem).unwrap()
}

fn suite(call: &CallVector) -> CipherSuite {
    CipherSuite::from_id(call.media_suite).unwrap()
}

/// Returns the randomness that the script used, in order; panics when it is exhausted.
struct Given(Vec<u8>);

impl rand_core::TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are asked for")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are asked for")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&core::mem::replace(&mut self.0, rest));
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Given {}
