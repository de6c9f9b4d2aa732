//! Jitsi's frames (lib-jitsi-meet).
