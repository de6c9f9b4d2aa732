//! Verification by people, and the trust store.

use sealframe_group::UserId;
use wasm_bindgen::prelude::*;

use crate::{Group, code, id, random, time};

#[wasm_bindgen]
impl Group {
    /// The encoded trust store, to be kept for the next call where no one else can write. It holds
    /// no secret.
    #[wasm_bindgen(js_name = trustBytes)]
    #[must_use]
    pub fn trust_bytes(&self) -> Vec<u8> {
        self.group.trust().to_bytes()
    }

    /// Starts an SAS verification with a member.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = startCheck)]
    pub fn start_sas(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.start_sas(id(session)?, time(now), &mut random()).map_err(code::of_check)?)
    }

    /// Confirms that the emoji match, by our person's decision.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = confirmCheck)]
    pub fn confirm_sas(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.confirm_sas(id(session)?, time(now)).map_err(code::of_check)?)
    }

    /// Cancels the verification, as the emoji differ or our person gave up.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = cancelCheck)]
    pub fn cancel_sas(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        self.group.cancel_sas(id(session)?, time(now));
        Ok(())
    }

    /// The code of 45 digits that this member sees too. `user` is the user id that the other
    /// member's application gives us. Takes about 0.1 s.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = pairwiseCode)]
    pub fn pairwise_code(&self, session: &[u8], user: Vec<u8>) -> Result<String, String> {
        let code = self.group.pairwise_code(id(session)?, &UserId::new(user).map_err(|_| "Malformed")?);
        Ok(code::digits(&code.ok_or("UnknownMember")?))
    }

    /// Marks a member's identity as verified, after people compared codes.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = setVerified)]
    pub fn set_verified(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.set_verified(id(session)?, time(now)).map_err(code::of_trust)?)
    }

    /// Accepts a member's changed identity, without verifying it.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = acceptIdentity)]
    pub fn accept_identity(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.accept_identity(id(session)?, time(now)).map_err(code::of_trust)?)
    }
}
