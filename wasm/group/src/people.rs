//! Who is who: what people compare, and what is remembered of them.

use sealframe_group::UserId;
use wasm_bindgen::prelude::*;

use crate::{Group, code, id, random, time};

#[wasm_bindgen]
impl Group {
    /// What is known of people, to be kept until the next call where nobody else writes. It holds no secret.
    #[wasm_bindgen(js_name = trustBytes)]
    #[must_use]
    pub fn trust_bytes(&self) -> Vec<u8> {
        self.group.trust().to_bytes()
    }

    /// Begins an emoji check with a member.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = startCheck)]
    pub fn start_sas(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.start_sas(id(session)?, time(now), &mut random()).map_err(code::of_check)?)
    }

    /// Our person says that the rows are the same.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = confirmCheck)]
    pub fn confirm_sas(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.confirm_sas(id(session)?, time(now)).map_err(code::of_check)?)
    }

    /// Our person says that they differ, or gives up.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = cancelCheck)]
    pub fn cancel_sas(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        self.group.cancel_sas(id(session)?, time(now));
        Ok(())
    }

    /// 45 digits that a member sees too. `user` is what the others' application calls us. Takes a fraction of a second.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = pairwiseCode)]
    pub fn pairwise_code(&self, session: &[u8], user: Vec<u8>) -> Result<String, String> {
        let code = self.group.pairwise_code(id(session)?, &UserId::new(user).map_err(|_| "Malformed")?);
        Ok(code::digits(&code.ok_or("UnknownMember")?))
    }

    /// Our person has compared codes with a member.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = setVerified)]
    pub fn set_verified(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.set_verified(id(session)?, time(now)).map_err(code::of_trust)?)
    }

    /// Our person accepts that a member has another identity than before.
    ///
    /// # Errors
    /// The name of an error code.
    #[wasm_bindgen(js_name = acceptIdentity)]
    pub fn accept_identity(&mut self, session: &[u8], now: f64) -> Result<(), String> {
        Ok(self.group.accept_identity(id(session)?, time(now)).map_err(code::of_trust)?)
    }
}
