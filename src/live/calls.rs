//! What server processes on one PostgreSQL call out to each other. Each call may be missed: the log is the truth, and who
//! is there is called out again every few seconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Live;
use super::people::Person;
use super::typing::Typing;
use crate::domain::{UserId, WorkspaceId};
use crate::fault::is_sabotaged;
use crate::store;

/// How long to wait after the calls of the others could not be listened to.
const PAUSE: Duration = Duration::from_secs(1);
/// People of one call, which may have 8,000 bytes.
const AT_ONCE: usize = 150;

/// One call.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub(super) enum Call {
    /// There are new events.
    News,
    /// Who is there?
    Ask,
    /// These people are here.
    Here {
        /// Who.
        people: Vec<Person>,
    },
    /// These are here no more.
    Gone {
        /// Who.
        people: Vec<Person>,
    },
    /// These two may not know of each other any more.
    Parted {
        /// Where.
        workspace: WorkspaceId,
        /// Who.
        pair: [UserId; 2],
    },
    /// Somebody is typing.
    Typing(Typing),
}

#[derive(Debug, Serialize, Deserialize)]
struct Written {
    from: String,
    #[serde(flatten)]
    call: Call,
}

impl Call {
    /// As another process reads it.
    pub(super) fn written_by(self, from: &str) -> String {
        serde_json::to_string(&Written { from: from.to_owned(), call: self }).unwrap_or_default()
    }

    /// Says of people that they are here, in as many calls as it takes.
    pub(super) fn here(people: &[Person]) -> Vec<Self> {
        people.chunks(AT_ONCE).map(|people| Self::Here { people: people.to_vec() }).collect()
    }

    /// The same, of those who are here no more.
    pub(super) fn gone(people: &[Person]) -> Vec<Self> {
        people.chunks(AT_ONCE).map(|people| Self::Gone { people: people.to_vec() }).collect()
    }
}

impl Live {
    /// Listens to the other processes until it is told to stop; at once, where there can be none.
    pub(super) async fn hear_forever(self, stop: CancellationToken) {
        loop {
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                heard = self.hear() => heard,
            };
            match heard {
                Ok(()) => return,
                Err(error) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::warn!(
                        error = cause,
                        "the other servers are not heard for now; the log is looked at instead"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn hear(&self) -> store::Result<()> {
        let Some(mut ears) = self.shared.store.listen().await?.filter(|_| !is_sabotaged("live_deaf")) else {
            return Ok(());
        };
        self.ask().await;
        loop {
            match ears.hear().await? {
                Some(text) => self.hear_call(&text).await,
                None => self.ask().await,
            }
        }
    }

    /// Finds out what may have been called while nobody listened.
    async fn ask(&self) {
        self.shared.wake.notify_one();
        self.call_out(vec![Call::Ask]).await;
    }

    async fn hear_call(&self, text: &str) {
        let Ok(Written { from, call }) = serde_json::from_str(text) else {
            tracing::debug!("another server says what this one does not understand");
            return;
        };
        if from == self.shared.name {
            return;
        }
        match call {
            Call::News => self.shared.wake.notify_one(),
            Call::Ask => {
                let here = self.people().here();
                self.call_out(Call::here(&here)).await;
            }
            Call::Here { people } => self.people().hear(&from, &people, true),
            Call::Gone { people } => self.people().hear(&from, &people, false),
            Call::Parted { workspace, pair } => self.people().part(workspace, pair),
            Call::Typing(typing) => {
                let _is_heard = self.shared.typings.try_send(typing.heard());
            }
        }
    }

    /// Says of everybody who was here that they are here no more.
    pub(super) async fn say_goodbye(&self) {
        let here = self.people().here();
        self.call_out(Call::gone(&here)).await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::Timestamp;
    use crate::live::Limits;
    use crate::store::{MasterKeys, OpenOptions, Store};

    #[test]
    fn a_call_is_read_as_it_was_written_and_is_never_too_long() {
        let people: Vec<Person> = (0..400).map(|n| (WorkspaceId(i64::MAX - n), UserId(i64::MAX - n))).collect();
        let calls = Call::here(&people);
        assert_eq!(calls.len(), 3);
        for call in calls {
            let text = call.written_by("0123456789abcdef");
            assert!(text.len() < 8_000, "{}", text.len());
            let read: Written = serde_json::from_str(&text).unwrap();
            assert!(matches!(read.call, Call::Here { people } if !people.is_empty()), "{text}");
        }
        let read: Written = serde_json::from_str(&Call::News.written_by("a")).unwrap();
        assert!(matches!(read.call, Call::News) && read.from == "a");
    }

    #[tokio::test]
    async fn only_another_ones_news_wake_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/switchboard.db", folder.path().display());
        let keys = MasterKeys { current: [7; 32], previous: None };
        let clock = Clock::manual(Timestamp::from_micros(0), 1);
        let options = OpenOptions { url, keys, is_exclusive: true };
        let live = Live::new(Store::open(&options, &clock).await.unwrap(), clock, Limits::default());
        let (own, other) = (live.shared.name.clone(), "another".to_owned());
        let here = Call::Here { people: vec![(WorkspaceId(1), UserId(1))] };
        for (call, from, wakes) in
            [(Call::News, &other, true), (Call::News, &own, false), (Call::Ask, &other, false), (here, &other, false)]
        {
            live.hear_call(&call.clone().written_by(from)).await;
            assert_eq!(live.shared.wake.notified().now_or_never().is_some(), wakes, "{call:?} of {from}");
        }
    }
}
