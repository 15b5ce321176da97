//! The server on its socket: slow, silent and deaf connections end, and a stop lets what is in flight finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::patience::Patient;
use crate::fault::is_sabotaged;

/// The most that a request's line and headers may take.
const MAX_HEADER_BYTES: usize = 64 * 1024;

/// How long to wait after a connection could not be accepted, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How patient the server is.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a connection may take for a request's header; also how long it may be silent before and between.
    pub header_timeout: Duration,
    /// How long a connection may take to read the next part of an answer.
    pub write_timeout: Duration,
    /// How long what is in flight may take after a stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

/// The connection that a request came by: what answers it may cut it.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    cut: CancellationToken,
    ended: CancellationToken,
}

impl Line {
    /// Ends it, whatever is on its way.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

/// Serves until `shutdown`, then accepts nothing new and waits for what is in flight, as long as the grace lasts. Each
/// request goes to the router of its moment.
pub async fn serve(
    listener: TcpListener,
    router: watch::Receiver<Router>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, router.clone(), limits, shutdown.clone());
                let cut = cut.clone();
                connections.spawn(async move {
                    tokio::select! {
                        () = connection => {}
                        () = cut.cancelled() => {}
                    }
                });
            }
            Err(error) => pause(&error).await,
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.grace, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests were cut off");
        cut.cancel();
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: watch::Receiver<Router>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection cannot be told to hurry");
    }
    let stream = Patient::new(stream, unless("write_timeout_off", limits.write_timeout));
    let line = Line::default();
    let _ended = line.ended.clone().drop_guard();
    let cut = line.cut.clone();
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (router, line) = (router.borrow().clone(), line.clone());
        async move {
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(line);
            Ok::<_, Infallible>(router.oneshot(request).await.unwrap_or_else(|never| match never {}))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(unless("header_timeout_off", limits.header_timeout))
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let serving = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    tokio::select! {
        ended = serving => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = cut.cancelled() => {}
    }
}

/// How long to wait; nearly for ever where that rule is broken.
fn unless(rule: &str, patience: Duration) -> Duration {
    if is_sabotaged(rule) { Duration::from_hours(1) } else { patience }
}

/// One connection that went away before it was accepted is nothing; a lack of descriptors passes.
async fn pause(error: &io::Error) {
    let is_theirs = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    );
    if !is_theirs {
        tracing::error!(%error, "a connection could not be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn start(limits: Limits) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "done"
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let large = || async { vec![b'x'; 64 * 1024 * 1024] };
        let router = Router::new().route("/slow", get(slow)).route("/large", get(large));
        let (_, current) = watch::channel(router);
        (address, shutdown.clone(), tokio::spawn(serve(listener, current, limits, shutdown)))
    }

    #[tokio::test]
    async fn a_silent_connection_is_closed() {
        let limits = Limits { header_timeout: Duration::from_millis(100), ..Limits::default() };
        let (address, ..) = start(limits).await;
        for sent in [&b""[..], b"GET /slow HTTP/1.1\r\nHo"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent).await.unwrap();
            let mut answer = Vec::new();
            let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer));
            read.await.expect("the connection is closed").unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_that_reads_nothing_of_its_answer_is_closed() {
        let limits = Limits { write_timeout: Duration::from_millis(200), ..Limits::default() };
        let (address, shutdown, server) = start(limits).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(1), server).await.expect("nothing is left in flight").unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.len() < 64 * 1024 * 1024, "{}", answer.len());
    }

    #[tokio::test]
    async fn a_stop_lets_a_request_finish_and_takes_no_other() {
        let (address, shutdown, server) = start(Limits::default()).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        shutdown.cancel();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn grace_ends() {
        let limits = Limits { grace: Duration::from_millis(50), ..Limits::default() };
        let (address, shutdown, server) = start(limits).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        shutdown.cancel();
        tokio::time::timeout(Duration::from_millis(250), server).await.expect("it stops").unwrap();
    }
}
