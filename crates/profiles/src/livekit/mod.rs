//! LiveKit's frames, data packets and data tracks.
