//! The KIDs of a call.

use sealframe_wire::SenderKeyLayout;

/// 16 bits of member id, 8 bits of ratchet step. The compiler evaluates it, so it
/// cannot panic later.
pub(crate) const LAYOUT: SenderKeyLayout = SenderKeyLayout::new(16, 8).unwrap();
