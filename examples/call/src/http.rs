//! Pages, the package and one WebSocket per participant.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::message::{FromPage, ToPage};
use crate::room::Refusal;
use crate::sfu::Command;

/// Bytes of one message from a page. The largest is an offer: a few kilobytes per participant.
const MESSAGE_LIMIT: usize = 256 * 1024;

/// Messages waiting for a page before it is given up.
const OUTBOX: usize = 256;

/// Headers on every answer. The page loads nothing from elsewhere and runs nothing inline.
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

/// Where files come from and where commands go.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// Served at `/`.
    pub(crate) page: Arc<Path>,
    /// Served at `/sealframe/`.
    pub(crate) package: Arc<Path>,
    /// To the media loop.
    pub(crate) commands: SyncSender<Command>,
}

#[derive(Debug, Deserialize)]
struct Entrance {
    room: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Place {
    room: String,
}

/// Answers requests until the process ends.
///
/// # Errors
/// What the listener says.
pub(crate) async fn serve(listener: TcpListener, site: Site) -> std::io::Result<()> {
    let router = Router::new()
        .route("/ws", get(enter))
        .route("/tap", get(report))
        .fallback(get(file))
        .with_state(site);
    axum::serve(listener, router).await
}

async fn file(State(site): State<Site>, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let (directory, name) = match path.strip_prefix("sealframe/") {
        Some(name) => (&site.package, name),
        None if path.is_empty() => (&site.page, "index.html"),
        None => (&site.page, path),
    };
    let read = match inside(directory, name) {
        Some(path) => tokio::fs::read(path).await.ok(),
        None => None,
    };
    match read {
        Some(bytes) => with_headers(([(header::CONTENT_TYPE, mime(name))], bytes)),
        None => with_headers((StatusCode::NOT_FOUND, "not found\n")),
    }
}

/// A path below `directory`, or `None` for a name that is not plain.
fn inside(directory: &Path, name: &str) -> Option<PathBuf> {
    let plain = |part: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(letters)
    };
    name.split('/').all(plain).then(|| directory.join(name))
}

fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "js" | "mjs")) => "text/javascript; charset=utf-8",
        Some((_, "json")) => "application/json",
        Some((_, "svg")) => "image/svg+xml",
        Some((_, "wasm")) => "application/wasm",
        _ => "application/octet-stream",
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
    let asked = site.commands.try_send(Command::Report { room, reply });
    match (asked, answer.await) {
        (Ok(()), Ok(streams)) => with_headers(axum::Json(streams)),
        _ => with_headers(StatusCode::SERVICE_UNAVAILABLE),
    }
}

async fn enter(
    State(site): State<Site>,
    Query(entrance): Query<Entrance>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // WebSockets know no same-origin rule: without this, any page in the browser could join.
    if !is_same_origin(&headers) {
        return with_headers(StatusCode::FORBIDDEN);
    }
    upgrade
        .max_message_size(MESSAGE_LIMIT)
        .max_frame_size(MESSAGE_LIMIT)
        .on_upgrade(move |socket| attend(socket, site, entrance))
}

fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true, // not a browser
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, at)| at == host),
        (Some(_), None) => false,
    }
}

/// One participant, from coming in to going away.
async fn attend(mut socket: WebSocket, site: Site, entrance: Entrance) {
    let (outbox, mut inbox) = mpsc::channel(OUTBOX);
    let (reply, answer) = oneshot::channel();
    let join = Command::Join { room: entrance.room, name: entrance.name, outbox, reply };
    if site.commands.try_send(join).is_err() {
        return;
    }
    let id = match answer.await {
        Ok(Ok(id)) => id,
        Ok(Err(refusal)) => return refuse(socket, refusal).await,
        Err(_) => return,
    };
    loop {
        tokio::select! {
            message = inbox.recv() => {
                let Some(message) = message else { break };
                if send(&mut socket, &message).await.is_err() {
                    break;
                }
            }
            heard = socket.recv() => {
                let Some(Ok(heard)) = heard else { break };
                let Some(message) = understand(&heard) else { continue };
                if site.commands.try_send(Command::Hear(id, message)).is_err() {
                    break;
                }
            }
        }
    }
    leave(&site, id).await;
}

/// Must arrive even when the loop is busy: a lost one would leave a ghost in the room.
async fn leave(site: &Site, id: crate::message::MemberId) {
    let commands = site.commands.clone();
    let _ = tokio::task::spawn_blocking(move || commands.send(Command::Leave(id))).await;
}

/// `None` for what is no message of ours; such bytes are skipped.
#[expect(clippy::wildcard_enum_match_arm, reason = "axum's: what is no text is no message of ours")]
fn understand(heard: &Message) -> Option<FromPage> {
    match heard {
        Message::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

async fn send(socket: &mut WebSocket, message: &ToPage) -> Result<(), axum::Error> {
    let json = serde_json::to_string(message).map_err(axum::Error::new)?;
    socket.send(Message::Text(json.into())).await
}

async fn refuse(mut socket: WebSocket, refusal: Refusal) {
    let reason = match refusal {
        Refusal::Full => "the room is full",
        Refusal::Name => "a room is named by letters, digits, _ and -; names have 1 to 64 bytes",
    };
    let frame = axum::extract::ws::CloseFrame {
        code: axum::extract::ws::close_code::POLICY,
        reason: Utf8Bytes::from_static(reason),
    };
    let _ = socket.send(Message::Close(Some(frame))).await;
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{HeaderMap, HeaderValue, header, inside, is_same_origin};

    #[test]
    fn only_plain_names_below_the_directory_are_served() {
        let directory = Path::new("d");
        for name in ["../x", "a/../x", "a//x", ".git", "/etc", "a\\x", "%2e%2e/x", ""] {
            assert_eq!(inside(directory, name), None, "{name}");
        }
        assert!(inside(directory, "a/b-c_1.js").is_some());
    }

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
