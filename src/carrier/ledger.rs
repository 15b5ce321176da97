//! The carrier's ledger: one JSON line for each message it took, on disk before the reply.
//!
//! One thread owns the file and what it knows of it. It writes the lines of all requests that wait together and syncs
//! them once, so that what is answered is always on disk and a look-up never sees less than was answered.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use super::face::is_sid;
use crate::domain::{Channel, OneOrMany, Timestamp};
use crate::provider::simulator::{Book, CarriedMessage, Entry, NotWritten};

/// The most requests that are written with one sync.
const MAX_BATCH: usize = 1_024;
/// The messages to one recipient that can be listed, the newest.
const LISTED: usize = 1_000;

/// The way to the ledger. Cheap to clone; all clones are one ledger.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    orders: mpsc::Sender<Order>,
    taken: Arc<AtomicU64>,
}

/// A message in the ledger, as much as a look-up tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) provider_id: String,
    pub(super) at: Timestamp,
    pub(super) channel: Channel,
}

/// A message in the ledger, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) at: Timestamp,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) body: String,
}

/// Which messages are to be listed.
#[derive(Debug)]
struct Wanted {
    to: String,
    from: Option<String>,
    most: usize,
}

#[derive(Debug)]
enum Order {
    Enter { message: Box<CarriedMessage>, key: Option<String>, reply: oneshot::Sender<Result<Entry, NotWritten>> },
    Find { reference: String, reply: oneshot::Sender<Option<Known>> },
    List { wanted: Wanted, reply: oneshot::Sender<Vec<Listed>> },
}

#[derive(Serialize)]
struct Line<'a> {
    at: Timestamp,
    id: &'a str,
    reference: Option<&'a str>,
    from: &'a str,
    to: &'a OneOrMany,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

#[derive(Deserialize)]
struct KeptLine {
    at: Timestamp,
    id: String,
    reference: Option<String>,
    from: String,
    to: OneOrMany,
    body: String,
    #[serde(default)]
    key: Option<String>,
}

impl Ledger {
    /// Opens a ledger, makes it when it is not there, and reads back what it holds. A last line that was cut off is
    /// taken out: it was never answered.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        file.try_lock().map_err(|error| io::Error::other(format!("another carrier writes in it: {error}")))?;
        let mut writer = Writer { file, size_bytes: 0, is_broken: false, index: Index::default() };
        writer.read_back()?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        let taken = Arc::<AtomicU64>::default();
        let (orders, waiting) = mpsc::channel(MAX_BATCH);
        let counter = Arc::clone(&taken);
        std::thread::Builder::new().name("ledger".to_owned()).spawn(move || writer.run(waiting, &counter))?;
        Ok(Self { orders, taken })
    }

    /// How many messages were taken since it was opened.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::SeqCst)
    }

    /// Finds the first message of a reference; an error when the ledger is closed.
    pub(super) async fn find(&self, reference: String) -> Result<Option<Known>, NotWritten> {
        let (reply, found) = oneshot::channel();
        self.orders.send(Order::Find { reference, reply }).await.map_err(|_| NotWritten)?;
        found.await.map_err(|_| NotWritten)
    }

    /// Lists what was taken for a recipient under Twilio's names, the newest first; an error when the ledger is closed.
    pub(super) async fn list(&self, to: String, from: Option<String>, most: usize) -> Result<Vec<Listed>, NotWritten> {
        let (reply, found) = oneshot::channel();
        let wanted = Wanted { to, from, most };
        self.orders.send(Order::List { wanted, reply }).await.map_err(|_| NotWritten)?;
        found.await.map_err(|_| NotWritten)
    }
}

impl Book for Ledger {
    fn enter(&self, message: CarriedMessage, key: Option<String>) -> BoxFuture<'_, Result<Entry, NotWritten>> {
        async move {
            let (reply, entered) = oneshot::channel();
            let order = Order::Enter { message: Box::new(message), key, reply };
            self.orders.send(order).await.map_err(|_| NotWritten)?;
            entered.await.map_err(|_| NotWritten)?
        }
        .boxed()
    }

    fn pass(&self, _: &str) {}
}

#[derive(Debug, Default)]
struct Index {
    references: HashMap<String, Known>,
    keys: HashMap<String, Known>,
    recipients: HashMap<String, VecDeque<Listed>>,
}

impl Index {
    fn add(&mut self, known: &Known, reference: Option<String>, key: Option<String>) {
        if let Some(reference) = reference {
            self.references.entry(reference).or_insert_with(|| known.clone());
        }
        if let Some(key) = key {
            self.keys.entry(key).or_insert_with(|| known.clone());
        }
    }

    fn add_listed(&mut self, listed: Listed) {
        if is_sid(&listed.id) {
            let of_recipient = self.recipients.entry(listed.to.clone()).or_default();
            of_recipient.push_back(listed);
            if of_recipient.len() > LISTED {
                of_recipient.pop_front();
            }
        }
    }

    fn list(&self, wanted: &Wanted) -> Vec<Listed> {
        let of_recipient = self.recipients.get(&wanted.to).into_iter().flatten().rev();
        let is_from = |listed: &&Listed| wanted.from.as_ref().is_none_or(|from| *from == listed.from);
        of_recipient.filter(is_from).take(wanted.most).cloned().collect()
    }
}

struct Writer {
    file: File,
    size_bytes: u64,
    is_broken: bool,
    index: Index,
}

/// A batch before it is on disk.
#[derive(Default)]
struct Batch {
    lines: Vec<u8>,
    index: Index,
    staged: Vec<Staged>,
    replies: Vec<(oneshot::Sender<Result<Entry, NotWritten>>, Entry)>,
    finds: Vec<(oneshot::Sender<Option<Known>>, String)>,
    lists: Vec<(oneshot::Sender<Vec<Listed>>, Wanted)>,
}

struct Staged {
    known: Known,
    reference: Option<String>,
    key: Option<String>,
    listed: Listed,
}

impl Writer {
    fn read_back(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(&self.file);
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            number += 1;
            if line.last() != Some(&b'\n') {
                break;
            }
            let kept: KeptLine = serde_json::from_slice(&line)
                .map_err(|error| io::Error::other(format!("line {number} cannot be read: {error}")))?;
            let is_mail = kept.to.as_slice().iter().any(|to| to.contains('@'));
            let channel = if is_mail { Channel::Email } else { Channel::Sms };
            let to = kept.to.as_slice().first().cloned().unwrap_or_default();
            let listed = Listed { id: kept.id.clone(), at: kept.at, from: kept.from, to, body: kept.body };
            self.index.add_listed(listed);
            let known = Known { provider_id: kept.id, at: kept.at, channel };
            self.index.add(&known, kept.reference, kept.key);
            self.size_bytes += length as u64;
        }
        self.cut()
    }

    fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.size_bytes)?;
        self.file.sync_all()
    }

    fn run(mut self, mut waiting: mpsc::Receiver<Order>, taken: &AtomicU64) {
        let mut orders = Vec::new();
        while waiting.blocking_recv_many(&mut orders, MAX_BATCH) > 0 {
            let mut batch = Batch::default();
            for order in orders.drain(..) {
                match order {
                    Order::Enter { message, key, reply } => self.stage(&mut batch, &message, key, reply),
                    Order::Find { reference, reply } => batch.finds.push((reply, reference)),
                    Order::List { wanted, reply } => batch.lists.push((reply, wanted)),
                }
            }
            self.finish(batch, taken);
        }
    }

    fn stage(
        &self,
        batch: &mut Batch,
        message: &CarriedMessage,
        key: Option<String>,
        reply: oneshot::Sender<Result<Entry, NotWritten>>,
    ) {
        let earlier = |key: &String| self.index.keys.get(key).or_else(|| batch.index.keys.get(key));
        if let Some(first) = key.as_ref().and_then(earlier) {
            let entry = Entry { provider_id: first.provider_id.clone(), at: first.at, is_first: false };
            batch.replies.push((reply, entry));
            return;
        }
        let line = Line {
            at: message.at,
            id: &message.id,
            reference: message.reference.as_deref(),
            from: &message.from,
            to: &message.to,
            body: &message.body,
            key: key.as_deref(),
        };
        let Ok(line) = serde_json::to_vec(&line) else {
            let _ = reply.send(Err(NotWritten));
            return;
        };
        batch.lines.extend_from_slice(&line);
        batch.lines.push(b'\n');
        let known = Known { provider_id: message.id.clone(), at: message.at, channel: message.channel };
        batch.replies.push((reply, Entry { provider_id: message.id.clone(), at: message.at, is_first: true }));
        batch.index.add(&known, None, key.clone());
        let listed = Listed {
            id: message.id.clone(),
            at: message.at,
            from: message.from.clone(),
            to: message.to.as_slice().first().cloned().unwrap_or_default(),
            body: message.body.clone(),
        };
        batch.staged.push(Staged { known, reference: message.reference.clone(), key, listed });
    }

    fn finish(&mut self, batch: Batch, taken: &AtomicU64) {
        let is_written = batch.lines.is_empty() || self.write(&batch.lines);
        if is_written {
            taken.fetch_add(batch.staged.len() as u64, Ordering::SeqCst);
            for staged in batch.staged {
                self.index.add(&staged.known, staged.reference, staged.key);
                self.index.add_listed(staged.listed);
            }
        }
        for (reply, entry) in batch.replies {
            let _ = reply.send(if is_written { Ok(entry) } else { Err(NotWritten) });
        }
        for (reply, reference) in batch.finds {
            let _ = reply.send(self.index.references.get(&reference).cloned());
        }
        for (reply, wanted) in batch.lists {
            let _ = reply.send(self.index.list(&wanted));
        }
    }

    /// Appends and syncs. What could not be written whole is cut off again; when that fails too, nothing more is
    /// written, because the file may hold what was never answered.
    fn write(&mut self, lines: &[u8]) -> bool {
        if self.is_broken {
            return false;
        }
        match self.file.write_all(lines).and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.size_bytes += lines.len() as u64;
                true
            }
            Err(error) => {
                self.is_broken = self.cut().is_err();
                tracing::error!(%error, is_broken = self.is_broken, "the ledger could not be written");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::simulator::sample_message as message;

    async fn lines(path: &Path) -> Vec<serde_json::Value> {
        let text = tokio::fs::read_to_string(path).await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[tokio::test]
    async fn what_was_entered_is_a_line_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let ledger = Ledger::open(&path).unwrap();
        let first = ledger.enter(message("r-1", "+12015550101", "hi"), Some("k".to_owned())).await.unwrap();
        assert!(first.is_first);
        let line = lines(&path).await.remove(0);
        assert_eq!(line["id"], first.provider_id.as_str());
        let fields: Vec<_> = line.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, ["at", "body", "from", "id", "key", "reference", "to"]);
        assert!(Ledger::open(&path).is_err());
        drop(ledger);
        let ledger = reopened(&path).await;
        let again = ledger.enter(message("r-1", "+12015550101", "hi"), Some("k".to_owned())).await.unwrap();
        assert_eq!((again.provider_id.as_str(), again.is_first), (first.provider_id.as_str(), false));
        assert_eq!(ledger.find("r-1".to_owned()).await.unwrap().unwrap().provider_id, first.provider_id);
        assert_eq!(ledger.find("r-2".to_owned()).await.unwrap(), None);
        assert_eq!((lines(&path).await.len(), ledger.taken()), (1, 0));
    }

    async fn reopened(path: &Path) -> Ledger {
        loop {
            match Ledger::open(path) {
                Ok(ledger) => return ledger,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            }
        }
    }

    #[tokio::test]
    async fn one_key_at_once_is_one_line_and_no_key_is_a_line_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let ledger = Ledger::open(&path).unwrap();
        let enter = |key: Option<&str>| ledger.enter(message("r", "+12015550101", "hi"), key.map(str::to_owned));
        let keyed = futures_util::future::join_all((0..50).map(|_| enter(Some("k")))).await;
        assert_eq!(keyed.iter().filter(|entry| entry.as_ref().unwrap().is_first).count(), 1);
        assert_eq!(lines(&path).await.len(), 1);
        futures_util::future::join_all((0..50).map(|_| enter(None))).await;
        assert_eq!((lines(&path).await.len(), ledger.taken()), (51, 51));
    }

    #[tokio::test]
    async fn half_a_line_is_taken_out_and_a_spoilt_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let whole = r#"{"at":"2024-11-01T14:00:00Z","id":"sim-1","reference":"r","from":"a","to":"b","body":"x"}"#;
        std::fs::write(&path, format!("{whole}\n{}", &whole[..40])).unwrap();
        let ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.find("r".to_owned()).await.unwrap().unwrap().provider_id, "sim-1");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{whole}\n"));
        let spoilt = folder.path().join("spoilt");
        std::fs::write(&spoilt, format!("{}\n{whole}\n", &whole[..40])).unwrap();
        assert!(Ledger::open(&spoilt).unwrap_err().to_string().starts_with("line 1 cannot be read"));
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_not_taken() {
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let mut writer = Writer { file: full, size_bytes: 0, is_broken: false, index: Index::default() };
        let (reply, entered) = oneshot::channel();
        let mut batch = Batch::default();
        writer.stage(&mut batch, &message("r", "+12015550101", "hi"), Some("k".to_owned()), reply);
        let taken = AtomicU64::new(0);
        writer.finish(batch, &taken);
        assert_eq!(entered.await.unwrap(), Err(NotWritten));
        assert_eq!(taken.into_inner(), 0);
        assert!(writer.index.references.is_empty() && writer.index.keys.is_empty() && writer.is_broken);
    }
}
