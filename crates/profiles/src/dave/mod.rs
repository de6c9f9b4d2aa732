//! Discord's frames: DAVE 1.1.
