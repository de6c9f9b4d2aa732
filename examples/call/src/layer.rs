//! The layer of a simulcast track that is forwarded.

use std::time::{Duration, Instant};

use str0m::media::Rid;

/// After this time without a packet of the chosen layer, another may replace it.
const SILENCE: Duration = Duration::from_secs(1);

/// The first layer received, and after it falls silent again the first one received.
///
/// Senders start with the smallest layer, and stop layers for which the connection is too slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layer {
    rid: Option<Rid>,
    heard: Instant,
}

impl Layer {
    /// Chooses the layer of the first packet.
    pub(crate) fn new(rid: Option<Rid>, now: Instant) -> Self {
        Self { rid, heard: now }
    }

    /// The chosen layer; `None` for a track without layers.
    pub(crate) fn rid(self) -> Option<Rid> {
        self.rid
    }

    /// Whether a packet of layer `rid` is forwarded.
    pub(crate) fn passes(&mut self, rid: Option<Rid>, now: Instant) -> bool {
        let passes = self.rid == rid || now.duration_since(self.heard) >= SILENCE;
        if passes {
            *self = Self::new(rid, now);
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Instant, Layer, Rid, SILENCE};

    #[test]
    fn one_layer_passes_until_it_falls_silent() {
        let (low, high) = (Some(Rid::from("l")), Some(Rid::from("h")));
        let start = Instant::now();
        let mut layer = Layer::new(low, start);
        let later = start + SILENCE - Duration::from_millis(1);
        assert!(!layer.passes(high, later));
        assert!(layer.passes(low, later));
        assert!(!layer.passes(high, start + SILENCE));
        assert!(layer.passes(high, later + SILENCE));
        assert!(!layer.passes(low, later + SILENCE));
        assert_eq!(layer.rid(), high);
    }
}
