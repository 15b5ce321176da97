//! The load: a closed loop, in which each connection has one request under way, and an open loop, in which requests are
//! due by a schedule and their time counts from then, so that a server that stalls is charged for whoever had to wait.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::task::{JoinSet, spawn_local};
use tokio::time::{Instant, sleep_until, timeout};

use crate::client::Connection;
use crate::process::thread_cpu;

/// How long one answer may take before the run is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes the request of that number.
pub type Write = Rc<dyn Fn(u64, &mut Vec<u8>)>;

/// What is sent to whom, and for how long.
#[derive(Clone)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// The requests.
    pub write: Write,
    /// How many connections.
    pub connections: u64,
    /// Before anything is measured.
    pub warm_up: Duration,
    /// For how long it is.
    pub measured: Duration,
}

/// What was measured.
#[derive(Debug)]
pub struct Tally {
    /// Answers within the measured time.
    pub count: u64,
    /// That time.
    pub elapsed: Duration,
    /// How long each request took, in microseconds.
    pub latency: Histogram<u64>,
    /// How much of one processor the load itself took.
    pub own_share: f64,
}

impl Tally {
    /// Answers a second.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.elapsed.as_secs_f64()
    }

    /// That quantile, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "microseconds are far below 2^52")]
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

struct Run {
    load: Load,
    number: Cell<u64>,
    from: Instant,
    until: Instant,
    latency: RefCell<Histogram<u64>>,
    /// Between the first and the last of a connection's requests; absent in a closed loop.
    pace: Option<Duration>,
}

impl Load {
    /// Loads as fast as the answers come.
    pub async fn closed(&self) -> Result<Tally> {
        self.run(None).await
    }

    /// Loads with that many requests a second, whatever the answers do.
    #[expect(clippy::cast_precision_loss, reason = "connections are few")]
    pub async fn open(&self, rate: f64) -> Result<Tally> {
        self.run(Some(Duration::from_secs_f64(self.connections as f64 / rate))).await
    }

    async fn run(&self, pace: Option<Duration>) -> Result<Tally> {
        let begun = Instant::now();
        let from = begun + self.warm_up;
        let run = Rc::new(Run {
            load: self.clone(),
            number: Cell::new(0),
            from,
            until: from + self.measured,
            latency: RefCell::new(Histogram::new(3)?),
            pace,
        });
        let mut tasks = JoinSet::new();
        for place in 0..self.connections {
            tasks.spawn_local(run.clone().connection(begun, place));
        }
        let cpu = spawn_local(cpu_between(from, run.until));
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let latency = run.latency.borrow().clone();
        let own_share = cpu.await??.as_secs_f64() / self.measured.as_secs_f64();
        if latency.is_empty() {
            bail!("no answer came within the measured time");
        }
        Ok(Tally { count: latency.len(), elapsed: self.measured, latency, own_share })
    }
}

impl Run {
    async fn connection(self: Rc<Self>, begun: Instant, place: u64) -> Result<()> {
        let mut connection = Connection::to(self.load.address);
        let mut request = Vec::with_capacity(1024);
        let mut due = begun;
        if let Some(gap) = self.pace {
            due += gap.mul_f64(fraction(place, self.load.connections));
        }
        loop {
            let since = match self.pace {
                Some(_) if due >= self.until => return Ok(()),
                Some(gap) => {
                    sleep_until(due).await;
                    let since = due;
                    due += gap;
                    since
                }
                None => Instant::now(),
            };
            if since >= self.until {
                return Ok(());
            }
            if self.until.elapsed() > PATIENCE {
                bail!("the server does not keep up");
            }
            request.clear();
            (self.load.write)(self.number.replace(self.number.get() + 1), &mut request);
            let answer =
                timeout(PATIENCE, connection.exchange(&request)).await.context("an answer took too long")??;
            answer.check().context("the run is refused for an answer")?;
            self.note(since, Instant::now())?;
        }
    }

    /// In a closed loop the answers of the measured time count, in an open one the requests that were due in it.
    fn note(&self, since: Instant, now: Instant) -> Result<()> {
        let at = if self.pace.is_some() { since } else { now };
        if (self.from..self.until).contains(&at) {
            let micros = u64::try_from((now - since).as_micros()).unwrap_or(u64::MAX);
            self.latency.borrow_mut().record(micros)?;
        }
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "connections are few")]
fn fraction(place: u64, of: u64) -> f64 {
    place as f64 / of as f64
}

async fn cpu_between(from: Instant, until: Instant) -> Result<Duration> {
    sleep_until(from).await;
    let before = thread_cpu()?;
    sleep_until(until).await;
    Ok(thread_cpu()?.saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::LocalSet;
    use tokio::time::sleep;

    use super::*;

    /// A server of one connection that answers at once but for one stall.
    async fn stalling(stall: Duration, status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 1024];
            for number in 0.. {
                if stream.read(&mut buffer).await.unwrap() == 0 {
                    return;
                }
                if number == 20 {
                    sleep(stall).await;
                }
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nok");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        address
    }

    fn load(address: SocketAddr) -> Load {
        let write: Write = Rc::new(|_, request| request.extend_from_slice(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
        let span = Duration::from_millis(400);
        Load { address, write, connections: 1, warm_up: Duration::ZERO, measured: span }
    }

    async fn run(test: impl Future<Output = ()>) {
        LocalSet::new().run_until(test).await;
    }

    #[tokio::test]
    async fn whoever_waits_for_a_stall_is_counted_in_an_open_loop() {
        run(async {
            let tally = load(stalling(Duration::from_millis(200), "200 OK").await).open(500.0).await.unwrap();
            assert_eq!(tally.count, 200);
            // a hundred requests were due within the stall, and waited for a half of it in the mean
            let late = tally.latency.iter_recorded().filter(|step| step.value_iterated_to() > 50_000);
            let late: u64 = late.map(|step| step.count_at_value()).sum();
            assert!((60..=110).contains(&late), "{late}");
        })
        .await;
    }

    #[tokio::test]
    async fn an_open_loop_ends_in_time_when_few_requests_are_due() {
        run(async {
            let mut load = load(stalling(Duration::ZERO, "200 OK").await);
            load.connections = 8;
            let begun = Instant::now();
            assert_eq!(load.open(2.0).await.unwrap().count, 1);
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        })
        .await;
    }

    #[tokio::test]
    async fn a_closed_loop_waits_with_the_server() {
        run(async {
            let tally = load(stalling(Duration::from_millis(200), "200 OK").await).closed().await.unwrap();
            let late = tally.latency.iter_recorded().filter(|step| step.value_iterated_to() > 50_000).count();
            assert_eq!(late, 1);
        })
        .await;
    }

    #[tokio::test]
    async fn an_answer_that_is_no_2xx_refuses_the_run() {
        run(async {
            let address = stalling(Duration::ZERO, "503 Service Unavailable").await;
            let error = load(address).closed().await.unwrap_err();
            assert!(format!("{error:#}").contains("503 ok"), "{error:#}");
        })
        .await;
    }
}
