//! Calls over a relay that a test rules, and messages that a test makes up.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod forge;
pub(crate) mod net;

pub(crate) use forge::*;
pub(crate) use net::*;
