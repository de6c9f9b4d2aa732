//! Messages waiting for a page, up to a number of bytes, and finally the reason for its
//! disconnection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::ws::{CloseCode, Utf8Bytes, close_code};
use tokio::sync::{mpsc, oneshot};

use crate::limits::{OUTBOX_BYTES, OUTBOX_OVERHEAD};

/// Why the server disconnects a page, in words for the person who uses it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    /// More than [`OUTBOX_BYTES`] waited for it.
    SlowReader,
    /// It sent neither messages nor media for too long.
    Idle,
    /// Its browser does not answer either.
    Unreachable,
    /// Idle, while a newcomer needed the place.
    Replaced,
    /// The same participant came in again.
    Elsewhere,
    /// One of its messages was invalid or too large.
    NoMessage,
    /// Its offer could not be answered.
    NoOffer,
    /// Its media connection ended.
    MediaLost,
}

impl Ending {
    /// The WebSocket close code, and words of at most 123 bytes.
    pub(crate) fn reason(self) -> (CloseCode, &'static str) {
        match self {
            Self::SlowReader => (
                close_code::POLICY,
                "This page read too slowly: too much was waiting for it. Reload to join again.",
            ),
            Self::Idle => (
                close_code::POLICY,
                "This page took no part in the call for too long. Reload to join again.",
            ),
            Self::Unreachable => (close_code::AWAY, "This page did not answer."),
            Self::Replaced => (
                close_code::AGAIN,
                "The server is full, and this page took no part in the call. Reload to join again.",
            ),
            Self::Elsewhere => (close_code::POLICY, "This call goes on in another tab."),
            Self::NoMessage => (
                close_code::UNSUPPORTED,
                "The server did not understand a message of this page, or it was too large.",
            ),
            Self::NoOffer => (
                close_code::UNSUPPORTED,
                "The server could not answer the offer of this page's connection.",
            ),
            Self::MediaLost => (close_code::AWAY, "The media connection ended."),
        }
    }
}

/// The room's side.
#[derive(Debug)]
pub(crate) struct Outbox {
    letters: mpsc::UnboundedSender<Utf8Bytes>,
    ending: oneshot::Sender<Ending>,
    waiting: Arc<AtomicUsize>,
    is_full: bool,
}

/// The WebSocket's side.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// The waiting messages.
    pub(crate) letters: Letters,
    /// Resolves when the page is disconnected; to an error if the page left by itself.
    pub(crate) ending: oneshot::Receiver<Ending>,
}

/// Messages waiting for a page.
#[derive(Debug)]
pub(crate) struct Letters {
    receiver: mpsc::UnboundedReceiver<Utf8Bytes>,
    waiting: Arc<AtomicUsize>,
}

/// Both sides.
pub(crate) fn outbox() -> (Outbox, Inbox) {
    let (letters, receiver) = mpsc::unbounded_channel();
    let (end, ending) = oneshot::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let outbox = Outbox { letters, ending: end, waiting: waiting.clone(), is_full: false };
    (outbox, Inbox { letters: Letters { receiver, waiting }, ending })
}

impl Outbox {
    /// Queues `letter` for the page, unless too much is waiting already: then it is lost, and the
    /// page [`must_end`](Self::must_end). Copies of one letter share their bytes.
    pub(crate) fn push(&mut self, letter: Utf8Bytes) {
        let cost = letter.len() + OUTBOX_OVERHEAD;
        let before = self.waiting.fetch_add(cost, Ordering::Relaxed);
        if self.is_full || before + cost > OUTBOX_BYTES {
            self.waiting.fetch_sub(cost, Ordering::Relaxed);
            self.is_full = true;
        } else {
            // It fails if the WebSocket is gone, which `must_end` reports.
            let _ = self.letters.send(letter);
        }
    }

    /// The reason why the page cannot go on: it missed a message, or is gone.
    pub(crate) fn must_end(&self) -> Option<Ending> {
        if self.is_full {
            return Some(Ending::SlowReader);
        }
        self.letters.is_closed().then_some(Ending::Unreachable)
    }

    /// Disconnects the page. Waiting messages are dropped.
    pub(crate) fn end(self, ending: Ending) {
        let _ = self.ending.send(ending);
    }
}

impl Letters {
    /// The next message; `None` after the page has left. It counts as waiting until it is
    /// [`sent`](Self::sent).
    pub(crate) async fn next(&mut self) -> Option<Utf8Bytes> {
        self.receiver.recv().await
    }

    /// A letter of `len` bytes no longer waits.
    pub(crate) fn sent(&self, len: usize) {
        self.waiting.fetch_sub(len + OUTBOX_OVERHEAD, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn try_next(&mut self) -> Option<Utf8Bytes> {
        let letter = self.receiver.try_recv().ok()?;
        self.sent(letter.len());
        Some(letter)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, OUTBOX_BYTES, OUTBOX_OVERHEAD, Utf8Bytes, outbox};

    #[test]
    fn bytes_are_counted_and_not_messages() {
        let (mut large, _inbox) = outbox();
        let letter = Utf8Bytes::from("x".repeat(OUTBOX_BYTES / 4));
        for _ in 0..3 {
            large.push(letter.clone());
            assert_eq!(large.must_end(), None);
        }
        large.push(letter);
        assert_eq!(large.must_end(), Some(Ending::SlowReader));

        let (mut small, _inbox) = outbox();
        for _ in 0..OUTBOX_BYTES / (OUTBOX_OVERHEAD + 1) {
            small.push(Utf8Bytes::from_static("x"));
        }
        assert_eq!(small.must_end(), None);
        small.push(Utf8Bytes::from_static("x"));
        assert_eq!(small.must_end(), Some(Ending::SlowReader));
    }

    #[test]
    fn a_page_that_reads_may_receive_any_number_of_bytes() {
        let (mut outbox, mut inbox) = outbox();
        let letter = Utf8Bytes::from("x".repeat(OUTBOX_BYTES / 4));
        for _ in 0..100 {
            outbox.push(letter.clone());
            assert_eq!(inbox.letters.try_next().as_ref(), Some(&letter));
        }
        assert_eq!(outbox.must_end(), None);
    }

    #[test]
    fn after_a_lost_message_none_is_delivered() {
        let (mut outbox, mut inbox) = outbox();
        outbox.push(Utf8Bytes::from("x".repeat(OUTBOX_BYTES)));
        outbox.push(Utf8Bytes::from_static("y"));
        assert_eq!(inbox.letters.try_next(), None);
        assert_eq!(outbox.must_end(), Some(Ending::SlowReader));
        outbox.end(Ending::SlowReader);
        assert_eq!(inbox.ending.try_recv(), Ok(Ending::SlowReader));
    }

    #[test]
    fn every_reason_fits_a_close_frame() {
        for ending in [
            Ending::SlowReader,
            Ending::Idle,
            Ending::Unreachable,
            Ending::Replaced,
            Ending::Elsewhere,
            Ending::NoMessage,
            Ending::NoOffer,
            Ending::MediaLost,
        ] {
            let (code, words) = ending.reason();
            assert!((1000..1016).contains(&code));
            assert!((1..=123).contains(&words.len()), "{words}");
        }
    }
}
