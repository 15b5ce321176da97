//! Messages: their ids, how sets of them are stored, and how sets of them move from one status to another.

use std::collections::HashMap;

use serde::Serialize;
use serde::ser::Serializer;

use super::{Dialect, Error, NewEvent, OpenError, Result, Tx, on, set};
use crate::clock::Clock;
use crate::domain::{
    AddressId, Channel, ConversationId, Direction, Encoding, EventKind, FileId, MessageId, Policy, RecipientKind,
    Status, Timestamp, UserId, WorkspaceId,
};

/// A message to be stored.
#[derive(Debug, Clone, Serialize)]
pub struct NewMessage {
    /// From [`Tx::allocate_messages`].
    pub id: MessageId,
    /// Where it belongs.
    pub conversation: ConversationId,
    /// Which way it goes.
    pub direction: Direction,
    /// How it travels.
    pub channel: Channel,
    /// Its sender's address; a chat has none.
    pub from: Option<AddressId>,
    /// The person who wrote it, where one did.
    pub author: Option<UserId>,
    /// The one person to whom a chat of two says it.
    pub recipient: Option<UserId>,
    /// Where answers go.
    pub reply_to: Option<AddressId>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its body, as given.
    pub body: String,
    /// What it costs as an SMS.
    pub segments: Option<i64>,
    /// In which alphabet.
    pub encoding: Option<Encoding>,
    /// Where it stands.
    pub status: Status,
    /// Whether that is final.
    pub is_final: bool,
    /// What to do in doubt; outbound only.
    pub policy: Option<Policy>,
    /// When the client says it was written.
    #[serde(serialize_with = "micros")]
    pub occurred_at: Timestamp,
    /// Not before then.
    #[serde(serialize_with = "micros_or_null")]
    pub scheduled_at: Option<Timestamp>,
    /// Not after then.
    #[serde(serialize_with = "micros_or_null")]
    pub deliver_by: Option<Timestamp>,
}

/// A recipient to be stored.
#[derive(Debug, Clone, Serialize)]
pub struct NewRecipient {
    /// Of which message.
    pub message: MessageId,
    /// Its place among the recipients, from 0.
    pub position: usize,
    /// `to` or `cc`.
    pub kind: RecipientKind,
    /// Who.
    pub address: AddressId,
}

/// An attachment to be stored.
#[derive(Debug, Clone, Serialize)]
pub struct NewAttachment<'a> {
    /// Of which message.
    pub message: MessageId,
    /// Its place among the attachments, from 0.
    pub position: usize,
    /// As it was given.
    pub url: &'a str,
    /// The upload it names, where it names one.
    pub file: Option<FileId>,
    /// By what the HTML of a mail names it.
    pub content_id: Option<&'a str>,
}

/// An attachment as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AttachmentRow {
    /// Of which message.
    pub message_id: MessageId,
    /// As it was given.
    pub url: String,
    /// The upload it names, where it names one.
    pub file_id: Option<FileId>,
    /// By what the HTML of a mail names it.
    pub content_id: Option<String>,
}

/// A message with everything but its recipients and attachments.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct MessageRow {
    /// Its id.
    pub id: MessageId,
    /// The conversation of its participants.
    pub own_conversation_id: ConversationId,
    /// Where it is shown.
    pub conversation_id: ConversationId,
    /// Which way it goes.
    pub direction: Direction,
    /// How it travels.
    pub channel: Channel,
    /// Its sender's address; a chat has none.
    pub from_id: Option<AddressId>,
    /// The person who wrote it, where one did.
    pub author_id: Option<UserId>,
    /// Where answers go.
    pub reply_to_id: Option<AddressId>,
    /// Its subject.
    pub subject: Option<String>,
    /// Its body, as given.
    pub body: String,
    /// What it costs as an SMS.
    pub segment_count: Option<i64>,
    /// In which alphabet.
    pub segment_encoding: Option<Encoding>,
    /// Where it stands.
    pub status: Status,
    /// Why.
    pub status_reason: Option<String>,
    /// Whether that is final.
    pub is_final: bool,
    /// Whether it may have been sent more than once.
    pub possible_duplicate: bool,
    /// What to do in doubt.
    pub policy: Option<Policy>,
    /// How many times it was sent anew by hand.
    pub generation: i64,
    /// When the client says it was written.
    pub occurred_at: Timestamp,
    /// Not before then.
    pub scheduled_at: Option<Timestamp>,
    /// Not after then.
    pub deliver_by: Option<Timestamp>,
    /// When its author changed it last.
    pub edited_at: Option<Timestamp>,
    /// When its author took it back.
    pub deleted_at: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When anything about it changed last.
    pub updated_at: Timestamp,
    /// When the outbox tries it next.
    pub next_attempt_at: Option<Timestamp>,
}

/// A recipient as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RecipientRow {
    /// Of which message.
    pub message_id: MessageId,
    /// Its place among the recipients.
    pub position: i64,
    /// `to` or `cc`.
    pub kind: RecipientKind,
    /// Who.
    pub address_id: AddressId,
    /// Where it stands; absent: as the message.
    pub status: Option<Status>,
    /// The provider's time of that.
    pub status_at: Option<Timestamp>,
    /// Why.
    pub status_reason: Option<String>,
}

/// Recipients and attachments of a set of messages.
#[derive(Debug, Clone, Default)]
pub struct MessageContent {
    /// By message and position.
    pub recipients: Vec<RecipientRow>,
    /// By message and position.
    pub attachments: Vec<AttachmentRow>,
    /// The people who wrote them.
    pub authors: HashMap<UserId, String>,
}

/// How a message stands, locked for a change.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Bearing {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: MessageId,
    /// The conversation of its participants.
    pub own_conversation_id: ConversationId,
    /// Where it is shown.
    pub conversation_id: ConversationId,
    /// Which way it goes.
    pub direction: Direction,
    /// How it travels.
    pub channel: Channel,
    /// Where it stands.
    pub status: Status,
    /// Why.
    pub status_reason: Option<String>,
    /// Whether that is final.
    pub is_final: bool,
    /// Whether it may have been sent more than once.
    pub possible_duplicate: bool,
    /// What to do in doubt.
    pub policy: Option<Policy>,
    /// How many times it was sent anew by hand.
    pub generation: i64,
    /// Not after then.
    pub deliver_by: Option<Timestamp>,
}

#[derive(Serialize)]
struct Moved<'a> {
    workspace: WorkspaceId,
    id: MessageId,
    status: Status,
    reason: Option<&'a str>,
    is_final: bool,
    duplicate: bool,
    generation: i64,
    #[serde(serialize_with = "micros_or_null")]
    deliver_by: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
pub(super) fn micros<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(at.micros())
}

#[expect(clippy::ref_option, reason = "serde asks for a reference")]
pub(super) fn micros_or_null<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.serialize_some(&at.micros()),
        None => serializer.serialize_none(),
    }
}

/// Stores the messages of the set `$2` for the workspace `$1` at the time `$3`.
macro_rules! messages {
    (sqlite) => {
        "insert into messages (id, workspace_id, conversation_id, direction, channel, from_id, author_id,
                    recipient_id, reply_to_id,
                    subject, body, segment_count, segment_encoding, status, is_final, possible_duplicate, policy,
                    generation, occurred_at, scheduled_at, deliver_by, created_at, updated_at)
                select value ->> 'id', $1, value ->> 'conversation', value ->> 'direction', value ->> 'channel',
                    value ->> 'from', value ->> 'author', value ->> 'recipient', value ->> 'reply_to', value ->> 'subject', value ->> 'body',
                    value ->> 'segments', value ->> 'encoding', value ->> 'status', value ->> 'is_final', 0,
                    value ->> 'policy', 0, value ->> 'occurred_at', value ->> 'scheduled_at', value ->> 'deliver_by',
                    $3, $3
                from jsonb_each($2) order by key"
    };
    (postgres) => {
        "insert into messages (id, workspace_id, conversation_id, direction, channel, from_id, author_id,
                    recipient_id, reply_to_id,
                    subject, body, segment_count, segment_encoding, status, is_final, possible_duplicate, policy,
                    generation, occurred_at, scheduled_at, deliver_by, created_at, updated_at)
                select id, $1, conversation, direction, channel, \"from\", author, recipient, reply_to, subject, body, segments, encoding,
                    status, is_final, false, policy, 0, timestamptz 'epoch' + occurred_at * interval '1 microsecond',
                    timestamptz 'epoch' + scheduled_at * interval '1 microsecond',
                    timestamptz 'epoch' + deliver_by * interval '1 microsecond', $3, $3
                from json_to_recordset($2::json) as x (id bigint, conversation bigint, direction text, channel text,
                    \"from\" bigint, author bigint, recipient bigint, reply_to bigint, subject text, body text, segments bigint, encoding text,
                    status text, is_final boolean, policy text, occurred_at bigint, scheduled_at bigint,
                    deliver_by bigint)"
    };
}
pub(super) use messages;

impl Tx {
    /// Draws ids for new messages, ascending.
    pub async fn allocate_messages(&mut self, count: usize) -> Result<Vec<MessageId>> {
        const SQL: Dialect = Dialect {
            sqlite: "with recursive ids (id, rest) as (
                    select coalesce((select seq from sqlite_sequence where name = 'messages'), 0) + 1, $1 - 1
                    union all select id + 1, rest - 1 from ids where rest > 0)
                select group_concat(id) from ids",
            postgres: "select string_agg(nextval('messages_id_seq')::text, ',') from generate_series(1, $1)",
        };
        let sql = SQL.pick(self);
        let wanted = i64::try_from(count).unwrap_or(i64::MAX);
        let drawn: Option<String> = on!(self, |conn| sqlx::query_scalar(sql).bind(wanted).fetch_one(conn).await)?;
        let drawn = drawn.unwrap_or_default();
        let mut ids: Vec<MessageId> = drawn.split(',').filter_map(|id| id.parse().ok().map(MessageId)).collect();
        ids.sort_unstable();
        if ids.len() == count { Ok(ids) } else { Err(Error::Corrupt("no ids for new messages")) }
    }

    /// Stores messages.
    pub async fn insert_messages(
        &mut self,
        workspace: WorkspaceId,
        messages: &[NewMessage],
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect { sqlite: messages!(sqlite), postgres: messages!(postgres) };
        let sql = SQL.pick(self);
        let rows = set(&messages)?;
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Stores the attachments of new messages.
    pub async fn insert_attachments(
        &mut self,
        workspace: WorkspaceId,
        attachments: &[NewAttachment<'_>],
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into attachments (workspace_id, message_id, position, url, file_id, content_id)
                select $1, value ->> 'message', value ->> 'position', value ->> 'url', value ->> 'file',
                    value ->> 'content_id'
                from jsonb_each($2)",
            postgres: "insert into attachments (workspace_id, message_id, position, url, file_id, content_id)
                select $1, message, position, url, file, content_id
                from json_to_recordset($2::json) as x (message bigint, position bigint, url text, file bigint,
                    content_id text)",
        };
        if attachments.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let rows = set(&attachments)?;
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Locks messages for a change, in the order of their ids, and tells how they stand.
    ///
    /// Whoever also changes their outbox rows locks those first.
    pub async fn lock_messages(&mut self, ids: &[(WorkspaceId, MessageId)]) -> Result<Vec<Bearing>> {
        const SQL: Dialect = Dialect {
            sqlite: "select m.workspace_id, m.id, m.conversation_id as own_conversation_id,
                    coalesce(c.joined_to, c.id) as conversation_id, m.direction, m.channel, m.status, m.status_reason,
                    m.is_final, m.possible_duplicate, m.policy, m.generation, m.deliver_by
                from jsonb_each($1) x
                join messages m on m.workspace_id = x.value ->> 0 and m.id = x.value ->> 1
                join conversations c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
                order by m.id",
            postgres: "select m.workspace_id, m.id, m.conversation_id as own_conversation_id,
                    coalesce(c.joined_to, c.id) as conversation_id, m.direction, m.channel, m.status, m.status_reason,
                    m.is_final, m.possible_duplicate, m.policy, m.generation, m.deliver_by
                from jsonb_array_elements($1::jsonb) x
                join messages m on m.workspace_id = (x.value ->> 0)::bigint and m.id = (x.value ->> 1)::bigint
                join conversations c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
                order by m.id for update of m",
        };
        let sql = SQL.pick(self);
        let rows = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(rows).fetch_all(conn).await)?)
    }

    /// Writes how locked messages stand now, each with an event.
    pub async fn move_messages(&mut self, bearings: &[Bearing], now: Timestamp) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update messages set status = x.value ->> 'status', status_reason = x.value ->> 'reason',
                    is_final = x.value ->> 'is_final', possible_duplicate = x.value ->> 'duplicate',
                    generation = x.value ->> 'generation', deliver_by = x.value ->> 'deliver_by', updated_at = $2
                from (select value from jsonb_each($1) limit -1) x
                where messages.workspace_id = x.value ->> 'workspace' and messages.id = x.value ->> 'id'",
            postgres: "update messages m set status = x.status, status_reason = x.reason, is_final = x.is_final,
                    possible_duplicate = x.duplicate, generation = x.generation,
                    deliver_by = timestamptz 'epoch' + x.deliver_by * interval '1 microsecond', updated_at = $2
                from jsonb_to_recordset($1::jsonb) as x (workspace bigint, id bigint, status text, reason text,
                    is_final boolean, duplicate boolean, generation bigint, deliver_by bigint)
                where m.workspace_id = x.workspace and m.id = x.id",
        };
        if bearings.is_empty() {
            return Ok(());
        }
        let rows: Vec<Moved<'_>> = bearings
            .iter()
            .map(|bearing| Moved {
                workspace: bearing.workspace_id,
                id: bearing.id,
                status: bearing.status,
                reason: bearing.status_reason.as_deref(),
                is_final: bearing.is_final,
                duplicate: bearing.possible_duplicate,
                generation: bearing.generation,
                deliver_by: bearing.deliver_by,
            })
            .collect();
        let rows = set(&rows)?;
        let sql = SQL.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(rows).bind(now).execute(conn).await.map(drop))?;
        for bearing in bearings {
            let event =
                NewEvent::of_conversation(bearing.workspace_id, EventKind::MessageStatus, bearing.conversation_id, now);
            self.record(event.of_message(bearing.id, bearing.status));
        }
        Ok(())
    }

    /// Writes where one recipient stands by the provider's word.
    pub async fn move_recipient(&mut self, workspace: WorkspaceId, recipient: &RecipientRow) -> Result<()> {
        const SQL: &str = "update recipients set status = $4, status_at = $5, status_reason = $6
            where workspace_id = $1 and message_id = $2 and position = $3";
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(recipient.message_id).bind(recipient.position);
            query
                .bind(recipient.status)
                .bind(recipient.status_at)
                .bind(&recipient.status_reason)
                .execute(conn)
                .await
                .map(drop)
        })?;
        Ok(())
    }

    /// Forgets what providers said of the recipients of a message that is sent anew, but for those it has reached.
    pub async fn reset_recipients(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<()> {
        const SQL: &str = "update recipients set status = null, status_at = null, status_reason = null
            where workspace_id = $1 and message_id = $2 and status not in ('delivered', 'read')";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(message).execute(conn).await.map(drop))?;
        Ok(())
    }
}

/// The names this database goes by in references, each with the first message it stands for.
///
/// A database restored from a backup gives ids again that a provider may have seen already; a new name keeps their
/// references, and so their idempotency keys, apart.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs(Vec<(String, i64)>);

/// How many times one message may have been sent anew between a backup and its restore.
const GENERATIONS_KEPT: i64 = 1_000;

impl Epochs {
    fn of(&self, message: MessageId) -> Option<&str> {
        self.0.iter().rev().find(|(_, first)| *first <= message.0).map(|(name, _)| name.as_str())
    }
}

impl super::Store {
    /// Our name for one sending of a message, as providers get it: `<epoch>-<message>-<generation>`.
    pub fn reference(&self, message: MessageId, generation: i64) -> String {
        let epoch = self.shared.epochs.of(message).unwrap_or_default();
        format!("{epoch}-{message}-{generation}")
    }

    /// The generation of the next sending of a message by hand. After a restore it leaves room for what the lost future
    /// may have sent, so that no reference is used twice.
    pub fn next_generation(&self, generation: i64) -> i64 {
        let restores = i64::try_from(self.shared.epochs.0.len()).unwrap_or(1) - 1;
        (generation + 1).max(restores * GENERATIONS_KEPT)
    }

    /// Reads a reference of ours; one of another database, or of a message lost in a restore, is none of ours.
    pub fn read_reference(&self, reference: &str) -> Option<(MessageId, i64)> {
        let mut parts = reference.rsplitn(3, '-');
        let generation = parts.next()?.parse().ok()?;
        let message = MessageId(parts.next()?.parse().ok()?);
        (parts.next()? == self.shared.epochs.of(message)?).then_some((message, generation))
    }
}

impl Tx {
    /// The names of this database; the first open gives it one.
    pub(super) async fn ensure_epoch(&mut self, clock: &Clock) -> Result<Epochs, OpenError> {
        const LIST: &str = "select name, first_message_id from epochs order by first_message_id, created_at";
        let mut known: Vec<(String, i64)> = on!(self, |conn| sqlx::query_as(LIST).fetch_all(conn).await)?;
        if known.is_empty() {
            known.push((self.begin_epoch(1, clock).await?, 1));
        }
        Ok(Epochs(known))
    }

    /// Gives the database a new name from that message on.
    pub(super) async fn begin_epoch(&mut self, first_message: i64, clock: &Clock) -> Result<String> {
        const SQL: &str = "insert into epochs (name, first_message_id, created_at) values ($1, $2, $3)";
        let name = hex::encode(clock.bytes::<5>());
        on!(self, |conn| {
            sqlx::query(SQL).bind(&name).bind(first_message).bind(clock.now()).execute(conn).await.map(drop)
        })?;
        Ok(name)
    }
}
