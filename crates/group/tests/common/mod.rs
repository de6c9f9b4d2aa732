//! Calls over a relay that the test controls, and messages that the test constructs.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod forge;
pub(crate) mod net;

pub(crate) use forge::*;
pub(crate) use net::*;
