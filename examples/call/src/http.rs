//! The page, the package and one WebSocket per participant.

use std::convert::Infallible;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::ws::{CloseCode, CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, Query, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, body::Bytes};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};

use crate::connections::{self, Caller};
use crate::files::Files;
use crate::limits::{
    Bucket, CONNECTIONS, FAREWELL_TIMEOUT, MESSAGE_BYTES, MESSAGES, OFFERS, READ_BUFFER, RELAYED,
    Timeouts,
};
use crate::message::{Address, FromPage, MemberId, ToPage, Token};
use crate::outbox::{Ending, Inbox, outbox};
use crate::room::{Refusal, Visitor};
use crate::sfu::Command;

/// Headers on every response. The page loads nothing from other origins and runs no inline script.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
         style-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Where files come from and commands go to.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    files: Arc<Files>,
    commands: mpsc::Sender<Command>,
    timeouts: Timeouts,
    /// WebSockets that do not belong to a participant yet.
    entering: Arc<Semaphore>,
    visits: Arc<Visits>,
}

/// Addresses for participants without a token.
#[derive(Debug)]
struct Visits {
    process: u64,
    visits: AtomicU64,
}

impl Visits {
    /// Draws a random number, so that no other process gives out the same addresses.
    fn new() -> Self {
        Self { process: RandomState::new().build_hasher().finish(), visits: AtomicU64::new(0) }
    }

    fn next(&self) -> Address {
        Address::of_visit(self.process, self.visits.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Debug, Deserialize)]
struct Entrance {
    room: String,
    name: String,
    /// A page that presents it again has the same address again.
    token: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Place {
    room: String,
}

impl Site {
    /// `page` is served at `/`, `package` at `/sealframe/`; `commands` go to the media loop.
    pub(crate) fn new(
        page: &Path,
        package: &Path,
        commands: mpsc::Sender<Command>,
        timeouts: Timeouts,
    ) -> Self {
        let files = Arc::new(Files::new(page, package));
        let entering = Arc::new(Semaphore::new(CONNECTIONS));
        Self { files, commands, timeouts, entering, visits: Arc::new(Visits::new()) }
    }
}

/// Handles requests until the process ends.
pub(crate) async fn serve(listener: TcpListener, site: Site) -> Infallible {
    let timeouts = site.timeouts;
    let router = Router::new()
        .route("/ws", get(enter))
        .route("/tap", get(report))
        .fallback(get(file))
        .with_state(site);
    connections::serve(listener, router, timeouts).await
}

async fn file(State(site): State<Site>, uri: Uri) -> Response {
    match site.files.read(uri.path()).await {
        Some((mime, bytes)) => {
            let headers = [(header::CONTENT_TYPE, mime)];
            with_headers((headers, bytes))
        }
        None => with_headers((StatusCode::NOT_FOUND, "not found\n")),
    }
}

fn with_headers(response: impl IntoResponse) -> Response {
    let mut response = response.into_response();
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn report(State(site): State<Site>, Query(Place { room }): Query<Place>) -> Response {
    let (reply, answer) = oneshot::channel();
    let asked = site.commands.send(Command::Report { room, reply }).await;
    match (asked, answer.await) {
        (Ok(()), Ok(streams)) => with_headers(axum::Json(streams)),
        _ => with_headers(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn enter(
    State(site): State<Site>,
    Extension(Caller(origin)): Extension<Caller>,
    Query(Entrance { room, name, token }): Query<Entrance>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // WebSockets have no same-origin policy: without this check, any page in the browser could
    // join.
    if !is_same_origin(&headers) {
        return with_headers(StatusCode::FORBIDDEN);
    }
    let Ok(entering) = site.entering.clone().try_acquire_owned() else {
        return with_headers(StatusCode::SERVICE_UNAVAILABLE);
    };
    let address = match token {
        Some(token) => Token::read(&token).map(Address::of).ok_or(Refusal::Token),
        None => Ok(site.visits.next()),
    };
    let visitor = address.map(|address| Visitor { room, name, address, origin });
    upgrade
        .max_message_size(MESSAGE_BYTES)
        .max_frame_size(MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER)
        // A message is written at once, and nothing else is buffered.
        .write_buffer_size(0)
        .on_upgrade(move |socket| attend(socket, site, visitor, entering))
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true, // not a browser
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, at)| at == host),
        (Some(_), None) => false,
    }
}

/// One participant, from joining to leaving.
async fn attend(
    mut socket: WebSocket,
    site: Site,
    visitor: Result<Visitor, Refusal>,
    entering: OwnedSemaphorePermit,
) {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(refusal) => return farewell(socket, refusal.reason()).await,
    };
    let (outbox, mut inbox) = outbox();
    let (reply, answer) = oneshot::channel();
    let join = Command::Join { visitor, outbox, reply };
    if site.commands.send(join).await.is_err() {
        return;
    }
    match answer.await {
        Ok(Ok(id)) => {
            drop(entering);
            let ending = converse(&mut socket, &mut inbox, &site, id).await;
            // Drops the messages that wait for the page.
            drop(inbox);
            let _ = site.commands.send(Command::Leave(id)).await;
            if let Some(ending) = ending {
                farewell(socket, ending.reason()).await;
            }
        }
        Ok(Err(refusal)) => farewell(socket, refusal.reason()).await,
        Err(_) => {}
    }
}

/// Passes messages in both directions. `None` if the page left by itself.
async fn converse(
    socket: &mut WebSocket,
    inbox: &mut Inbox,
    site: &Site,
    id: MemberId,
) -> Option<Ending> {
    let Site { commands, timeouts, .. } = site;
    let mut pace = Pace::new(Instant::now());
    let mut pings = interval(timeouts.ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let pulse = serde_json::to_string(&ToPage::Pulse).unwrap_or_default();
    let mut is_pulse_due = false;
    let mut heard_at = Instant::now();
    // While this runs (a message is passed on, or a limit is exceeded), nothing is read.
    let mut busy: Option<Pin<Box<dyn Future<Output = ()> + Send>>> = None;
    loop {
        // With the bytes that it takes of the outbox.
        let (outgoing, len) = tokio::select! {
            ending = &mut inbox.ending => return ending.ok(),
            () = async { if let Some(busy) = &mut busy { busy.await } }, if busy.is_some() => {
                busy = None;
                continue;
            }
            letter = inbox.letters.next() => match letter {
                Some(letter) => {
                    let len = letter.len();
                    (Message::Text(letter), Some(len))
                }
                None => return inbox.ending.try_recv().ok(),
            },
            _ = pings.tick() => {
                if heard_at.elapsed() > timeouts.pong {
                    return Some(Ending::Unreachable);
                }
                is_pulse_due = true;
                (Message::Ping(Bytes::new()), None)
            }
            () = std::future::ready(()), if is_pulse_due => {
                is_pulse_due = false;
                (Message::Text(pulse.clone().into()), None)
            }
            heard = socket.recv(), if busy.is_none() => {
                heard_at = Instant::now();
                let (message, ready) = match heard? {
                    Err(_) => return Some(Ending::NoMessage),
                    Ok(Message::Close(_)) => return None,
                    Ok(Message::Binary(_)) => return Some(Ending::NoMessage),
                    Ok(Message::Ping(_) | Message::Pong(_)) => (None, pace.control(heard_at)),
                    Ok(Message::Text(text)) => {
                        let Some(message) = FromPage::read(&text) else {
                            return Some(Ending::NoMessage);
                        };
                        let ready = pace.message(&message, heard_at);
                        (Some(message), ready)
                    }
                };
                busy = Some(Box::pin(pass_on(commands.clone(), id, message, ready)));
                continue;
            }
        };
        tokio::select! {
            ending = &mut inbox.ending => return ending.ok(),
            sent = timeout(timeouts.send, socket.send(outgoing)) => match sent {
                Ok(Ok(())) => len.into_iter().for_each(|len| inbox.letters.sent(len)),
                Ok(Err(_)) => return None,
                Err(_) => return Some(Ending::SlowReader),
            },
        }
    }
}

/// Hands a message to the media loop when it is `ready`, and waits until it was processed there.
async fn pass_on(
    commands: mpsc::Sender<Command>,
    id: MemberId,
    message: Option<FromPage>,
    ready: Option<Instant>,
) {
    if let Some(ready) = ready {
        sleep_until(ready.into()).await;
    }
    if let Some(message) = message {
        let (done, heard) = oneshot::channel();
        let _ = commands.send(Command::Hear { id, message, done }).await;
        let _ = heard.await;
    }
}

/// One page's remaining allowances.
#[derive(Debug)]
struct Pace {
    messages: Bucket,
    relayed: Bucket,
    offers: Bucket,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self {
            messages: Bucket::full(MESSAGES, now),
            relayed: Bucket::full(RELAYED, now),
            offers: Bucket::full(OFFERS, now),
        }
    }

    /// When a ping or pong is allowed; `None` for at once.
    fn control(&mut self, now: Instant) -> Option<Instant> {
        let ready = self.messages.ready_at(now);
        self.messages.take(1, now);
        ready
    }

    /// When a message may be passed on; `None` for at once.
    fn message(&mut self, message: &FromPage, now: Instant) -> Option<Instant> {
        let (bucket, cost) = match message {
            FromPage::Offer(_) => (&mut self.offers, 1),
            FromPage::Message { to: _, data } => (&mut self.relayed, data.len()),
        };
        let ready = bucket.ready_at(now);
        bucket.take(cost, now);
        ready.max(self.control(now))
    }
}

/// Sends the reason, and waits for the page to read it.
async fn farewell(mut socket: WebSocket, (code, reason): (CloseCode, &'static str)) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    // Closing with unread bytes would reset the connection, and the reason would be lost.
    let said = async {
        socket.send(Message::Close(Some(frame))).await?;
        while socket.recv().await.is_some_and(|heard| heard.is_ok()) {}
        Ok::<(), axum::Error>(())
    };
    let _ = timeout(FAREWELL_TIMEOUT, said).await;
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, HeaderValue, header, is_same_origin};

    #[test]
    fn another_sites_page_may_not_join() {
        let headers = |origin| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            headers
        };
        assert!(is_same_origin(&headers("http://127.0.0.1:8080")));
        assert!(!is_same_origin(&headers("http://127.0.0.1:8081")));
        assert!(!is_same_origin(&headers("https://example.org")));
        assert!(!is_same_origin(&headers("null")));
    }
}
