//! Buffered messages of sessions that are unknown or not live yet.

use alloc::vec::Vec;

use crate::{
    SessionId,
    message::{Body, Message},
};

/// An order or leave of an unknown session, or an order of a session that is not live yet.
pub(crate) struct Early {
    pub(crate) session: SessionId,
    pub(crate) bytes: Vec<u8>,
    /// A live member has forwarded it.
    pub(crate) is_vouched: bool,
}

/// The counter of an order; `None` for any other message.
pub(crate) fn counter_of(message: &[u8]) -> Option<u32> {
    let parsed = Message::parse(message).ok()?;
    if let Body::Order(order) = parsed.body { Some(order.counter) } else { None }
}
