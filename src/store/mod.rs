//! The database: pools, units of work, every line of SQL.
//!
//! What differs between SQLite and PostgreSQL is the text of a statement, never how it is bound, decoded or committed.

mod accepted;
mod accounts;
mod acts;
mod addresses;
mod attempts;
mod audit;
mod backup;
mod budgets;
mod chats;
mod codes;
mod consents;
mod contacts;
mod conversation_list;
mod conversations;
mod counts;
mod ears;
mod error;
mod events;
mod files;
mod friendships;
mod idempotency;
mod inbound;
mod inbound_media;
mod invitations;
mod joins;
mod keys;
mod known;
mod labels;
mod live;
mod mail_tokens;
mod mails;
mod members;
mod message_secrets;
mod messages;
mod migrate;
mod notes;
mod open;
mod outbox;
mod overview;
mod own_messages;
mod providers;
mod pulse;
mod quarantine;
mod reactions;
mod receipts;
mod rekey;
mod retention;
mod saved_replies;
mod search;
mod second_factor;
mod secret;
mod sessions;
mod statement;
mod statistics;
mod threads;
mod types;
mod users;
mod vault;
mod views;
mod ways;
mod webhook_deliveries;
mod webhook_endpoints;
mod workspaces;

use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction};
use tokio::sync::{Notify, watch};

use crate::domain::{Address, AddressId, WorkspaceId};

pub use accepted::Accepted;
pub use accounts::{MOST_FAILURES, ProfileChange};
pub use acts::{ActRow, Bench, NewAct};
pub use attempts::{AttemptRow, EndedAttempt, HistoryRow, NamedAttempt, NewAttempt, NewHistory, Sending};
pub use audit::{AuditFilter, AuditRow};
pub use backup::{RestoreError, restore_sqlite};
pub use budgets::{Budget, Taken, Tally};
pub use chats::SaidRow;
pub use codes::{CODE_TRIES, CodeRow, NewCode, Slot};
pub use consents::{ConsentRow, LeftOut, NewConsent, OPTED_OUT, Reach};
pub use contacts::{ContactFilter, ContactRow};
pub use conversations::{AssigneeFilter, ConversationFilter, ConversationRow};
pub use counts::Thread;
pub use ears::Ears;
pub use error::{Error, Gone, Result};
pub use events::NewEvent;
pub use files::{FileReach, FileRow, NewFile, OldFile};
pub use friendships::FriendshipRow;
pub use idempotency::{KeptAnswer, KeyTry};
pub use inbound::SeenEvent;
pub use inbound_media::ClaimedMedia;
pub use invitations::{InvitationRow, NewInvitation, TakenInvitation};
pub use joins::MOST_PARTS;
pub use keys::{ApiKeyRow, NewApiKey};
pub use labels::LabelledRow;
pub use live::{SeatRow, ShownPlace};
pub use mail_tokens::{MailPurpose, NewMailToken};
pub use mails::{NewMail, RelatedMail};
pub use members::{ChatRow, Customs, MemberRow, NewMember};
pub use message_secrets::SECRET_MARK;
pub use messages::{
    AttachmentRow, Bearing, MessageContent, MessageRow, NewAttachment, NewMessage, NewRecipient, RecipientRow,
};
pub use notes::NoteRow;
pub use open::{MasterKeys, OpenError, OpenOptions, sqlite_path};
pub use outbox::{Claim, Claimed, Depth, NewWork, Phase, Released, Rescheduled};
pub use overview::{DeliveryRow, MinuteRow};
pub use providers::PauseRow;
pub use pulse::Pulse;
pub use quarantine::{ParkedRow, QuarantinedRow, WaitsFor};
pub use reactions::{EditRow, ReactionRow};
pub use receipts::{ReceiptCounts, ReceiptRow};
pub use retention::Retention;
pub use second_factor::TotpRow;
pub use sessions::{NewSession, Rise, SessionRow};
pub use types::{Order, Page, PageRequest, Position};
pub use users::{MembershipRow, NewUser, UserRow, WorkspaceSeatRow, handle};
pub use vault::{Sealed, Vault};
pub use views::{Place, View};
pub use ways::{Moved, Queue, RouteClaim, Trail, Tried};
pub use webhook_deliveries::{
    ClaimedDelivery, DeliveryClaim, EndedWebhookAttempt, NewWebhookDelivery, WebhookAttemptRow, WebhookDeliveryRow,
};
pub use webhook_endpoints::{WebhookEndpointChange, WebhookEndpointRow, WebhookHealth, WebhookReader, WebhookTarget};
pub use workspaces::{ColleagueRow, SettingsChange, WorkspaceRow};

/// The database of one installation. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    pools: Pools,
    vault: Vault,
    epochs: messages::Epochs,
    callers: known::Callers,
    addresses: Arc<known::Addresses>,
    work: Work,
    news: Notify,
    /// Counts the commits of this process that have left events.
    told: watch::Sender<u64>,
    /// Held for as long as the database is open: a second server on the same file is refused.
    _lock: Option<std::fs::File>,
}

/// What commits have left to be carried.
#[derive(Debug, Default)]
struct Work {
    providers: Mutex<BTreeSet<String>>,
    left: Notify,
}

#[derive(Debug)]
enum Pools {
    /// SQLite has one writer; readers see the last commit.
    Sqlite {
        write: SqlitePool,
        read: SqlitePool,
    },
    Postgres(PgPool),
}

/// A unit of work. Dropped without [`Tx::commit`], it never happened.
#[derive(Debug)]
pub struct Tx {
    conn: Conn,
    store: Store,
    events: Vec<NewEvent>,
    /// The providers that it leaves work for.
    work: BTreeSet<String>,
    has_news: bool,
    /// Whether it changed what somebody may do.
    has_rights: bool,
    /// Whether it only reads, and so sees what is committed.
    is_reading: bool,
    /// Addresses that it stored or found, to be known once it is committed.
    met: Vec<(WorkspaceId, Address, AddressId)>,
}

#[derive(Debug)]
enum Conn {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(PostgresConn),
}

/// Each statement of PostgreSQL sees what was committed before it, in a transaction or not, so that reading needs none:
/// that saves two of three round trips of a single statement.
#[derive(Debug)]
enum PostgresConn {
    Writing(Transaction<'static, Postgres>),
    Reading(PoolConnection<Postgres>),
}

impl Deref for PostgresConn {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Writing(tx) => tx,
            Self::Reading(conn) => conn,
        }
    }
}

impl DerefMut for PostgresConn {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Writing(tx) => tx,
            Self::Reading(conn) => conn,
        }
    }
}

/// One statement, two spellings.
struct Dialect {
    sqlite: &'static str,
    postgres: &'static str,
}

/// Runs the same query on whichever connection is there: the body is written once and type-checked twice.
macro_rules! on {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match &mut $tx.conn {
            $crate::store::Conn::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Conn::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}
use on;

impl Store {
    /// Starts a unit of work that may write.
    ///
    /// On SQLite the write lock is taken now rather than at the first write, because a transaction that upgrades from
    /// reading to writing can fail with `SQLITE_BUSY` however long it is willing to wait.
    pub async fn begin(&self) -> Result<Tx> {
        let conn = match &self.shared.pools {
            Pools::Sqlite { write, .. } => Conn::Sqlite(write.begin_with("begin immediate").await?),
            Pools::Postgres(pool) => Conn::Postgres(PostgresConn::Writing(pool.begin().await?)),
        };
        Ok(self.unit(conn))
    }

    /// The same, which waits for nobody else's row for long: many wait for it.
    pub async fn begin_hurried(&self) -> Result<Tx> {
        const HURRIED: &str = "begin; set local lock_timeout = '200ms'";
        match &self.shared.pools {
            Pools::Sqlite { .. } => self.begin().await,
            Pools::Postgres(pool) => {
                Ok(self.unit(Conn::Postgres(PostgresConn::Writing(pool.begin_with(HURRIED).await?))))
            }
        }
    }

    /// Starts a unit of work that only reads; it is never committed.
    pub async fn read(&self) -> Result<Tx> {
        let conn = match &self.shared.pools {
            Pools::Sqlite { read, .. } => Conn::Sqlite(read.begin().await?),
            Pools::Postgres(pool) => Conn::Postgres(PostgresConn::Reading(pool.acquire().await?)),
        };
        Ok(Tx { is_reading: true, ..self.unit(conn) })
    }

    fn unit(&self, conn: Conn) -> Tx {
        Tx {
            conn,
            store: self.clone(),
            events: Vec::new(),
            work: BTreeSet::new(),
            has_news: false,
            has_rights: false,
            is_reading: false,
            met: Vec::new(),
        }
    }

    /// Seals, opens and indexes what must not stand in clear.
    pub fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    /// Waits until commits of this process have left work in the outbox; gives for which providers.
    pub async fn work(&self) -> BTreeSet<String> {
        self.shared.work.left.notified().await;
        std::mem::take(&mut *self.shared.work.providers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a commit of this process has left an event or a delivery.
    pub async fn news(&self) {
        self.shared.news.notified().await;
    }

    /// Wakes whoever waits for an event or a delivery: another process has left one.
    pub fn tell(&self) {
        self.shared.news.notify_one();
        self.shared.told.send_modify(|count| *count += 1);
    }

    /// Changes with every commit of this process that has left an event, and when one of another process is seen.
    pub fn told(&self) -> watch::Receiver<u64> {
        self.shared.told.subscribe()
    }

    /// Answers when the database does.
    pub async fn ping(&self) -> Result<()> {
        let mut tx = self.read().await?;
        on!(tx, |conn| sqlx::query("select 1").execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Whether several processes may share this database.
    pub fn is_shared(&self) -> bool {
        matches!(self.shared.pools, Pools::Postgres(_))
    }

    /// Closes every connection.
    pub async fn close(&self) {
        match &self.shared.pools {
            Pools::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Makes it durable, with the events it caused.
    ///
    /// The events go in last, so that whoever waited for a row of this transaction draws higher ids, and the log is held
    /// back for readers no longer than the commit takes.
    pub async fn commit(mut self) -> Result<()> {
        self.write_events().await?;
        match self.conn {
            Conn::Sqlite(tx) => tx.commit().await?,
            Conn::Postgres(PostgresConn::Writing(tx)) => tx.commit().await?,
            Conn::Postgres(PostgresConn::Reading(_)) => {}
        }
        self.store.shared.addresses.learn(std::mem::take(&mut self.met));
        if self.has_rights {
            self.store.shared.callers.changed();
        }
        if !self.work.is_empty() {
            let work = &self.store.shared.work;
            work.providers.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.work);
            work.left.notify_one();
        }
        if self.has_news || !self.events.is_empty() {
            self.store.shared.news.notify_one();
        }
        if !self.events.is_empty() {
            self.store.shared.told.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    fn vault(&self) -> &Vault {
        &self.store.shared.vault
    }

    fn is_postgres(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }
}

impl Dialect {
    fn pick(&self, tx: &Tx) -> &'static str {
        match tx.conn {
            Conn::Sqlite(_) => self.sqlite,
            Conn::Postgres(_) => self.postgres,
        }
    }
}

/// Writes rows as the one JSON parameter that a statement unfolds: `jsonb_each` on SQLite, whose rows are read without being
/// parsed again for each of their fields, and `jsonb_to_recordset` on PostgreSQL. Bytes are hex in it, times microseconds.
///
/// An `update .. from` on SQLite unfolds it in a subquery with `limit -1`: that is read once, as the outer loop, where
/// a bare `jsonb_each` may become the inner one and be read again for every row of the table.
fn set<T: serde::Serialize>(rows: &T) -> Result<String> {
    serde_json::to_string(rows).map_err(|_| Error::Corrupt("a set that cannot be written"))
}
