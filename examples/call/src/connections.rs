//! TCP connections before they belong to a participant: how many an origin may have, and for how
//! long.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::{sleep, sleep_until, timeout};

use crate::limits::{
    ACCEPT_PAUSE, BYTES, Bucket, CONNECTIONS, CONNECTIONS_PER_ADDRESS, HEAD_BYTES, HEAD_FIELDS, Origin,
    REQUESTS, Timeouts,
};
use crate::meter::Metered;

/// The origin of a request, for counting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller(pub(crate) Option<Origin>);

/// All connections that do not belong to a participant, oldest first.
#[derive(Debug, Default)]
struct Connections {
    came: u64,
    open: BTreeMap<u64, Open>,
}

#[derive(Debug)]
struct Open {
    origin: Option<Origin>,
    task: AbortHandle,
}

/// Accepts connections until the process ends.
pub(crate) async fn serve(listener: TcpListener, router: Router, timeouts: Timeouts) -> Infallible {
    let connections = Arc::new(Mutex::new(Connections::default()));
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                let origin = Origin::of(address.ip());
                let requests = attend(stream, origin, router.clone(), timeouts);
                let_in(&connections, origin, requests);
            }
            // No file descriptor is free, or the connection is already gone. Retrying at once would
            // loop.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

fn let_in(
    connections: &Arc<Mutex<Connections>>,
    origin: Option<Origin>,
    requests: impl Future<Output = ()> + Send + 'static,
) {
    let mut all = lock(connections);
    all.came += 1;
    let number = all.came;
    all.make_room(origin);
    let guard = Guard { connections: connections.clone(), number };
    let task = tokio::spawn(async move {
        let _guard = guard;
        requests.await;
    });
    all.open.insert(number, Open { origin, task: task.abort_handle() });
}

/// Handles the requests of one connection, until it ends or becomes a WebSocket.
async fn attend(stream: TcpStream, origin: Option<Origin>, router: Router, timeouts: Timeouts) {
    let _ = stream.set_nodelay(true);
    let requests = Mutex::new(Bucket::full(REQUESTS, Instant::now()));
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let now = Instant::now();
        let mut requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = requests.ready_at(now);
        requests.take(1, now);
        request.extensions_mut().insert(Caller(origin));
        let answer = router.call(request);
        async move {
            if let Some(ready) = ready {
                sleep_until(ready.into()).await;
            }
            answer.await
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.head)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .serve_connection(TokioIo::new(Metered::new(stream, BYTES)), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    if timeout(timeouts.age, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(timeouts.age, connection).await;
    }
}

impl Connections {
    /// Closes the oldest if there are too many: the oldest of this origin, if this origin has too
    /// many.
    fn make_room(&mut self, origin: Option<Origin>) {
        let is_neighbour = |open: &Open| origin.is_some() && open.origin == origin;
        let neighbours = self.open.values().filter(|open| is_neighbour(open)).count();
        let oldest = if neighbours >= CONNECTIONS_PER_ADDRESS {
            self.open.iter().find(|(_, open)| is_neighbour(open))
        } else if self.open.len() >= CONNECTIONS {
            self.open.first_key_value()
        } else {
            None
        };
        if let Some(number) = oldest.map(|(number, _)| *number)
            && let Some(open) = self.open.remove(&number)
        {
            open.task.abort();
        }
    }
}

/// Removes a connection from the list when its task ends, for whatever reason.
#[derive(Debug)]
struct Guard {
    connections: Arc<Mutex<Connections>>,
    number: u64,
}

impl Drop for Guard {
    fn drop(&mut self) {
        lock(&self.connections).open.remove(&self.number);
    }
}

fn lock(connections: &Mutex<Connections>) -> MutexGuard<'_, Connections> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{CONNECTIONS, CONNECTIONS_PER_ADDRESS, Connections, Open, Origin};

    /// Opens connections with these origins in order and returns the numbers of those that stay
    /// open.
    async fn stay(came: impl Iterator<Item = Option<Origin>>) -> Vec<u64> {
        let mut connections = Connections::default();
        for (number, origin) in (0..).zip(came) {
            connections.make_room(origin);
            let task = tokio::spawn(std::future::pending::<()>()).abort_handle();
            connections.open.insert(number, Open { origin, task });
        }
        connections.open.into_keys().collect()
    }

    #[tokio::test]
    async fn the_oldest_connection_is_evicted() {
        let number = |number| u64::try_from(number).unwrap_or(u64::MAX);
        let all = (0..number(CONNECTIONS + 3)).map(|_| None);
        assert_eq!(stay(all).await, (3..number(CONNECTIONS + 3)).collect::<Vec<_>>());

        let of = |text: &str| text.parse().ok().and_then(Origin::of);
        let (one, many) = (of("192.0.2.1"), of("192.0.2.2"));
        let came = [one].into_iter().chain((0..CONNECTIONS_PER_ADDRESS + 2).map(|_| many));
        let expected = [0].into_iter().chain(3..number(CONNECTIONS_PER_ADDRESS + 3));
        assert_eq!(stay(came).await, expected.collect::<Vec<_>>());
    }
}
