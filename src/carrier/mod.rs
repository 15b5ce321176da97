//! The simulated carrier as a process of its own: `switchboard carrier`.
//!
//! It speaks the `http` adapter's contract with look-ups and idempotency keys, and fails as its chaos says. What is in
//! its ledger was taken, and nothing else was: tests have it for a judge.
//!
//! `POST /messages`, `GET /messages?reference=`, `GET` and `PUT /chaos`, `GET /stats`.

mod callback;
mod face;
mod ledger;
mod line;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::SecretString;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use url::Url;

use self::callback::Callback;
use self::face::Desk;
use self::ledger::Ledger;
use self::line::{Line, Reset};
use crate::clock::Clock;
use crate::provider::simulator::{Carrier, Chaos};

/// How often the chaos file is looked at.
const CHAOS_WATCH: Duration = Duration::from_secs(1);
/// How long requests may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(2);
/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How many reports wait to be posted.
const REPORTS: usize = 1_024;

/// How a carrier is set up.
#[derive(Debug, Clone)]
pub struct CarrierOptions {
    /// Where it listens; port 0 takes any.
    pub listen: SocketAddr,
    /// The file in which it writes down what it takes.
    pub ledger: PathBuf,
    /// Where it posts its reports; absent: nowhere.
    pub callback: Option<Url>,
    /// The bearer token for that.
    pub callback_secret: Option<SecretString>,
    /// A file with its chaos, read again whenever it changes.
    pub chaos: Option<PathBuf>,
}

/// Why a carrier could not start.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// The address is not to be had.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The ledger cannot be opened or read back.
    #[error("cannot use the ledger {}", .0.display())]
    Ledger(PathBuf, #[source] io::Error),
    /// The chaos file cannot be read or followed.
    #[error("cannot follow the chaos in {}: {reason}", path.display())]
    Chaos {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Reports could not be posted.
    #[error("cannot post reports")]
    Client(#[from] reqwest::Error),
    /// Nobody could be told.
    #[error("cannot say where it listens")]
    Say(#[source] io::Error),
}

/// Runs a carrier until `shutdown`; says `listening on http://HOST:PORT` on standard output when it is ready.
///
/// # Errors
///
/// What kept it from starting.
pub async fn run(
    options: CarrierOptions,
    clock: Clock,
    shutdown: impl Future<Output = ()>,
) -> Result<(), CarrierError> {
    let bound = Bound::bind(options, clock).await?;
    writeln!(io::stdout(), "listening on http://{}", bound.address()).map_err(CarrierError::Say)?;
    bound.serve(shutdown).await;
    Ok(())
}

/// A carrier that listens and is about to serve.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    desk: Desk,
    chaos: Option<(PathBuf, Option<SystemTime>)>,
    callback: Option<(Callback, mpsc::Receiver<crate::provider::simulator::Receipt>)>,
}

impl Bound {
    /// Opens the ledger and the port.
    ///
    /// # Errors
    ///
    /// What kept it from starting.
    pub async fn bind(options: CarrierOptions, clock: Clock) -> Result<Self, CarrierError> {
        let CarrierOptions { listen, ledger: path, callback, callback_secret: secret, chaos } = options;
        let ledger = Ledger::open(&path).map_err(|error| CarrierError::Ledger(path, error))?;
        // Without a callback the receiver is dropped here, and nobody waits to send.
        let (reports, waiting) = mpsc::channel(REPORTS);
        let carrier = Carrier::new(clock.clone(), Arc::new(ledger.clone()), reports);
        let chaos = match chaos {
            Some(path) => {
                let stamp = modified(&path).await;
                let chaos =
                    read_chaos(&path).await.map_err(|reason| CarrierError::Chaos { path: path.clone(), reason })?;
                carrier.weather().set(chaos);
                Some((path, stamp))
            }
            None => None,
        };
        let callback = match callback {
            Some(url) => Some((Callback { url, secret, client: crate::provider::client()? }, waiting)),
            None => None,
        };
        let listener = TcpListener::bind(listen).await.map_err(|error| CarrierError::Listen(listen, error))?;
        let address = listener.local_addr().map_err(|error| CarrierError::Listen(listen, error))?;
        Ok(Self { listener, address, desk: Desk { carrier, ledger, clock }, chaos, callback })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then lets requests under way end for two seconds.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        if let Some((callback, waiting)) = self.callback {
            tasks.spawn(until(end.clone(), callback.run(waiting)));
        }
        if let Some((path, stamp)) = self.chaos {
            tasks.spawn(until(end.clone(), watch_chaos(self.desk.carrier.clone(), path, stamp)));
        }
        let router = face::routes(self.desk);
        tokio::select! {
            () = accept(&self.listener, &router, &tasks, &end) => {}
            () = shutdown => {}
        }
        end.cancel();
        tasks.close();
        let _ = tokio::time::timeout(GRACE, tasks.wait()).await;
    }
}

async fn until(end: CancellationToken, work: impl Future<Output = ()>) {
    end.run_until_cancelled(work).await;
}

async fn accept(listener: &TcpListener, router: &Router, tasks: &TaskTracker, end: &CancellationToken) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tasks.spawn(serve_connection(stream, router.clone(), end.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router, end: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let reset = Reset::default();
    let line = TokioIo::new(Line::new(stream, reset.clone()));
    let handle = reset.clone();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(handle.clone());
        router.clone().oneshot(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = std::pin::pin!(builder.serve_connection(line, service));
    tokio::select! {
        biased;
        () = reset.pulled() => return,
        _ = connection.as_mut() => return,
        () = end.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(GRACE, connection).await;
}

async fn watch_chaos(carrier: Carrier, path: PathBuf, mut stamp: Option<SystemTime>) {
    loop {
        tokio::time::sleep(CHAOS_WATCH).await;
        let now = modified(&path).await;
        if now.is_none() || now == stamp {
            continue;
        }
        stamp = now;
        match read_chaos(&path).await {
            Ok(chaos) => {
                tracing::info!("the chaos changed");
                carrier.weather().set(chaos);
            }
            Err(error) => tracing::warn!(error, "the chaos file cannot be followed; the former chaos goes on"),
        }
    }
}

async fn modified(path: &Path) -> Option<SystemTime> {
    tokio::fs::metadata(path).await.ok()?.modified().ok()
}

async fn read_chaos(path: &Path) -> Result<Chaos, String> {
    let bytes = tokio::fs::read(path).await.map_err(|error| error.to_string())?;
    let chaos: Chaos = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    match chaos.check() {
        Ok(()) => Ok(chaos),
        Err(errors) => {
            let wrong: Vec<_> = errors.into_iter().map(|error| format!("{} {}", error.field, error.message)).collect();
            Err(wrong.join("; "))
        }
    }
}
