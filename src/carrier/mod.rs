//! The simulated carrier as a process of its own: `switchboard carrier`.
//!
//! It speaks the contracts of all adapters: `http` with look-ups and idempotency keys, Twilio, SendGrid, and SMTP at an
//! address of its own; and fails as its chaos says. What is in its ledger was taken, and nothing else was: tests have it
//! for a judge.
//!
//! `POST` and `GET /messages`, `POST` and `GET /2010-04-01/Accounts/{account}/Messages.json`, `POST /v3/mail/send`,
//! `GET` and `PUT /chaos`, `GET /stats`.

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
use secrecy::{ExposeSecret, SecretString};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use url::Url;

use self::callback::{Callbacks, EventHook, HttpHook, NotAKey, Report, event_key, twilio_key};
use self::face::{Desk, serve_smtp};
use self::ledger::Ledger;
use self::line::{Line, Reset};
use crate::clock::Clock;
use crate::provider::simulator::{Carrier, Chaos, Receipt};

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
    /// Where it listens as a mail server; absent: nowhere.
    pub smtp: Option<SocketAddr>,
    /// The token that signs what it tells as Twilio; absent: it tells nothing as Twilio.
    pub twilio_token: Option<SecretString>,
    /// Where it posts events as SendGrid; absent: nowhere.
    pub sendgrid_events: Option<Url>,
    /// A file with the private key that signs those; absent: they are not signed.
    pub sendgrid_key: Option<PathBuf>,
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
    /// The key for events cannot be read.
    #[error("cannot use the key {}", .0.display())]
    Key(PathBuf, #[source] io::Error),
    /// Reports could not be posted.
    #[error("cannot post reports")]
    Client(#[from] reqwest::Error),
    /// Nobody could be told.
    #[error("cannot say where it listens")]
    Say(#[source] io::Error),
}

/// Runs a carrier until `shutdown`; says `listening on http://HOST:PORT`, and `smtp://` where it does, on standard output when it is ready.
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
    if let Some(address) = bound.smtp_address() {
        writeln!(io::stdout(), "listening on smtp://{address}").map_err(CarrierError::Say)?;
    }
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
    smtp: Option<TcpListener>,
    receipts: mpsc::Receiver<Receipt>,
    reports: mpsc::Receiver<Report>,
}

impl Bound {
    /// Opens the ledger and the ports.
    ///
    /// # Errors
    ///
    /// What kept it from starting.
    pub async fn bind(options: CarrierOptions, clock: Clock) -> Result<Self, CarrierError> {
        let ledger =
            Ledger::open(&options.ledger).map_err(|error| CarrierError::Ledger(options.ledger.clone(), error))?;
        let (listener, receipts) = mpsc::channel(REPORTS);
        let (sender, reports) = mpsc::channel(REPORTS);
        let carrier = Carrier::new(clock.clone(), Arc::new(ledger.clone()), listener);
        let callbacks = Arc::new(callbacks(&options, clock.clone()).await?);
        let chaos = match options.chaos {
            Some(path) => {
                let stamp = modified(&path).await;
                let chaos =
                    read_chaos(&path).await.map_err(|reason| CarrierError::Chaos { path: path.clone(), reason })?;
                carrier.weather().set(chaos);
                Some((path, stamp))
            }
            None => None,
        };
        let (listener, address) = listen(options.listen).await?;
        let smtp = match options.smtp {
            Some(address) => Some(listen(address).await?.0),
            None => None,
        };
        let desk = Desk { carrier, ledger, clock, callbacks, reports: sender };
        Ok(Self { listener, address, desk, chaos, smtp, receipts, reports })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens as a mail server, when it does.
    pub fn smtp_address(&self) -> Option<SocketAddr> {
        self.smtp.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `shutdown`, then lets requests under way end for two seconds.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let callbacks = Arc::clone(&self.desk.callbacks);
        // With nobody to tell the receivers are dropped here, and nobody waits to send.
        if callbacks.http.is_some() {
            tasks.spawn(until(end.clone(), wrap(self.receipts, self.desk.reports.clone())));
        } else {
            drop(self.receipts);
        }
        if callbacks.is_idle() {
            drop(self.reports);
        } else {
            tasks.spawn(until(end.clone(), callbacks.run(self.reports)));
        }
        if let Some((path, stamp)) = self.chaos {
            tasks.spawn(until(end.clone(), watch_chaos(self.desk.carrier.clone(), path, stamp)));
        }
        if let Some(listener) = self.smtp {
            let (desk, tasks_of_mail, ends) = (self.desk.clone(), tasks.clone(), end.clone());
            let serve = move |stream| {
                tasks_of_mail.spawn(serve_smtp(stream, desk.clone(), ends.clone()));
            };
            tasks.spawn(until(end.clone(), accept(listener, serve)));
        }
        let (router, tasks_of_http, ends) = (face::routes(self.desk), tasks.clone(), end.clone());
        let serve = move |stream| {
            tasks_of_http.spawn(serve_connection(stream, router.clone(), ends.clone()));
        };
        tokio::select! {
            () = accept(self.listener, serve) => {}
            () = shutdown => {}
        }
        end.cancel();
        tasks.close();
        let _ = tokio::time::timeout(GRACE, tasks.wait()).await;
    }
}

/// Whom to tell, and how.
async fn callbacks(options: &CarrierOptions, clock: Clock) -> Result<Callbacks, CarrierError> {
    let key = match &options.sendgrid_key {
        Some(path) => {
            let read = tokio::fs::read_to_string(path).await;
            let key = read.and_then(|pem| event_key(&pem).map_err(|NotAKey| io::Error::other(NotAKey)));
            Some(key.map_err(|error| CarrierError::Key(path.clone(), error))?)
        }
        None => None,
    };
    let http = options.callback.clone().map(|url| HttpHook { url, secret: options.callback_secret.clone() });
    Ok(Callbacks {
        client: crate::provider::client()?,
        clock,
        http,
        twilio: options.twilio_token.as_ref().map(|token| twilio_key(token.expose_secret())),
        sendgrid: options.sendgrid_events.clone().map(|url| EventHook { url, key }),
    })
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), CarrierError> {
    let failed = |error| CarrierError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

async fn wrap(mut receipts: mpsc::Receiver<Receipt>, reports: mpsc::Sender<Report>) {
    while let Some(receipt) = receipts.recv().await {
        if reports.send(Report::Http(receipt)).await.is_err() {
            return;
        }
    }
}

async fn until(end: CancellationToken, work: impl Future<Output = ()>) {
    end.run_until_cancelled(work).await;
}

async fn accept(listener: TcpListener, serve: impl Fn(TcpStream)) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => serve(stream),
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
