//! Conversations: one for each set of participants, never two.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Dialect, Error, NewEvent, Place, Result, Tx, on, set};
use crate::domain::{
    Actor, AddressId, Caller, Channel, ContactId, ConversationId, ConversationKind, ConversationState, Direction,
    EventKind, LabelId, MessageId, Status, Timestamp, UserId, WorkspaceId,
};
use crate::fault::is_sabotaged;

/// What the list of conversations is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct ConversationFilter {
    /// This address takes part.
    pub participant: Option<crate::domain::Address>,
    /// Or this person does, by their username.
    pub person: Option<String>,
    /// It was held on this channel, among others.
    pub channel: Option<Channel>,
    /// Every word occurs in one body or subject, or the whole is a participant's address.
    pub q: Option<String>,
    /// It stands so with the team.
    pub state: Option<ConversationState>,
    /// They answer.
    pub assignee: Option<AssigneeFilter>,
    /// It has this label.
    pub label: Option<LabelId>,
    /// It is with this contact.
    pub contact: Option<ContactId>,
    /// Somebody has not read all of it.
    pub is_unread: bool,
}

/// Whose conversations are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssigneeFilter {
    /// The caller's.
    Me,
    /// Nobody's.
    Nobody,
    /// This person's, by their username.
    Named(String),
}

/// A conversation as it is stored, with its last message.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ConversationRow {
    /// Its id.
    pub id: ConversationId,
    /// Between whom.
    pub kind: ConversationKind,
    /// A group's name.
    pub name: Option<String>,
    /// Where it stands with the team.
    pub state: ConversationState,
    /// Until when it is snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// Who answers.
    pub assignee_id: Option<UserId>,
    /// With which contact it is.
    pub contact_id: Option<ContactId>,
    /// In which conversation it is shown.
    pub joined_to: Option<ConversationId>,
    /// [`Channel::bit`]s.
    pub channels: i64,
    /// How many messages it holds.
    pub message_count: i64,
    /// How many inbound ones nobody has read; always 0 among people.
    pub unread_count: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When a message was accepted last.
    pub activity_at: Timestamp,
    /// The message accepted last.
    pub last_message_id: Option<MessageId>,
    /// Which way it went.
    pub last_direction: Option<Direction>,
    /// How it travelled.
    pub last_channel: Option<Channel>,
    /// From which address.
    pub last_from_id: Option<AddressId>,
    /// The person who wrote it, where one did.
    pub last_author_id: Option<UserId>,
    /// Its subject.
    pub last_subject: Option<String>,
    /// Its body.
    pub last_body: Option<String>,
    /// Where it stands.
    pub last_status: Option<Status>,
    /// When the client says it was written.
    pub last_occurred_at: Option<Timestamp>,
    /// How many the caller has not read; absent when they are no member.
    pub own_unread_count: Option<i64>,
    /// How many the caller does not see.
    pub hidden_count: Option<i64>,
    /// The first message that the caller sees.
    pub first_message_id: Option<MessageId>,
    /// When the caller joined.
    pub joined_at: Option<Timestamp>,
    /// When the caller took it on; absent while it is a request.
    pub accepted_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Keyed {
    id: ConversationId,
    participants_key: String,
    joined_to: Option<ConversationId>,
}

impl Keyed {
    fn named(self) -> (String, Place) {
        (self.participants_key, Place { id: self.id, shown: self.joined_to.unwrap_or(self.id) })
    }
}

#[derive(Serialize)]
struct NewParticipant {
    conversation: ConversationId,
    address: AddressId,
}

pub(super) const LOCK: &str = "select pg_advisory_xact_lock(7301, hashtext(x.key))
    from (select value as key from jsonb_array_elements_text($1::jsonb) order by 1) x";

/// Bytes of the key of a conversation as it stands there.
const LONGEST_KEY: usize = 1_000;

/// What is read of a conversation `c`, its last message `m` and the caller's own row `x` among its members.
macro_rules! columns {
    () => {
        "c.id, c.kind, c.name, c.state, c.snoozed_until, c.assignee_id, c.contact_id, c.joined_to, c.channels, c.message_count, c.unread_count, c.created_at, c.activity_at,
         c.last_message_id, m.direction as last_direction, m.channel as last_channel, m.from_id as last_from_id,
         m.author_id as last_author_id, m.subject as last_subject, m.body as last_body, m.status as last_status,
         m.occurred_at as last_occurred_at, x.unread_count as own_unread_count, x.hidden_count,
         x.first_message_id, x.joined_at, x.accepted_at"
    };
}
pub(super) use columns;

/// Names a set of participants: their ids in ascending order, joined by commas; where that is longer than an index of
/// PostgreSQL takes, by its hash.
fn participants_key(participants: &BTreeSet<AddressId>) -> String {
    let key = participants.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    if key.len() > LONGEST_KEY { format!("sha256:{}", hex::encode(Sha256::digest(key.as_bytes()))) } else { key }
}

impl Tx {
    /// The conversation of each set of participants; what is new begins now.
    ///
    /// Until the end of this unit of work none of them is joined to another, or split from one.
    pub async fn ensure_conversations(
        &mut self,
        workspace: WorkspaceId,
        sets: &[BTreeSet<AddressId>],
        now: Timestamp,
    ) -> Result<Vec<Place>> {
        if sets.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<String> = sets.iter().map(participants_key).collect();
        let wanted: BTreeSet<String> = keys.iter().cloned().collect();
        // a single one is held at once; of several none is held before what is new has been locked
        let is_held = wanted.len() == 1 || !self.is_postgres();
        let mut known = if is_held {
            self.hold_conversations(workspace, &wanted).await?
        } else {
            self.find_conversations(workspace, wanted.clone()).await?
        };
        let missing: BTreeMap<&String, &BTreeSet<AddressId>> =
            keys.iter().zip(sets).filter(|(key, _)| !known.contains_key(*key)).collect();
        if !missing.is_empty() {
            // nobody else sees yet what has just begun
            known.extend(self.begin_conversations(workspace, missing, now).await?);
        }
        if !is_held || wanted.len() > known.len() {
            known = self.hold_conversations(workspace, &wanted).await?;
        }
        let found =
            keys.iter().map(|key| known.get(key).copied().ok_or(Error::Corrupt("no row for a new conversation")));
        found.collect()
    }

    pub(super) async fn find_conversations(
        &mut self,
        workspace: WorkspaceId,
        keys: BTreeSet<String>,
    ) -> Result<HashMap<String, Place>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, participants_key, joined_to from conversations
                where workspace_id = $1 and participants_key in (select value from jsonb_each($2))",
            postgres: "select id, participants_key, joined_to from conversations
                where workspace_id = $1 and participants_key = any(array(select jsonb_array_elements_text($2::jsonb)))",
        };
        self.keyed(workspace, SQL.pick(self), &keys).await
    }

    /// Where conversations with participants of their own are shown; none of them is joined or split before the end of
    /// this unit of work.
    pub async fn hold_places(
        &mut self,
        workspace: WorkspaceId,
        ids: &BTreeSet<ConversationId>,
    ) -> Result<HashMap<ConversationId, Place>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, participants_key, joined_to from conversations
                where workspace_id = $1 and id in (select value from jsonb_each($2))",
            postgres: "select id, participants_key, joined_to from conversations where workspace_id = $1
                and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by id for key share",
        };
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let (sql, ids) = (SQL.pick(self), set(ids)?);
        let rows: Vec<Keyed> = on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?;
        Ok(rows.into_iter().map(|row| (row.id, row.named().1)).collect())
    }

    /// The same, and none of them is joined or split before the end of this unit of work.
    async fn hold_conversations(
        &mut self,
        workspace: WorkspaceId,
        keys: &BTreeSet<String>,
    ) -> Result<HashMap<String, Place>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, participants_key, joined_to from conversations
                where workspace_id = $1 and participants_key in (select value from jsonb_each($2))",
            postgres: "select id, participants_key, joined_to from conversations
                where workspace_id = $1 and participants_key = any(array(select jsonb_array_elements_text($2::jsonb)))
                order by id for key share",
        };
        if is_sabotaged("joins_unheld") {
            return self.find_conversations(workspace, keys.clone()).await;
        }
        self.keyed(workspace, SQL.pick(self), keys).await
    }

    async fn keyed(
        &mut self,
        workspace: WorkspaceId,
        sql: &'static str,
        keys: &BTreeSet<String>,
    ) -> Result<HashMap<String, Place>> {
        let keys = set(keys)?;
        let rows: Vec<Keyed> = on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(keys).fetch_all(conn).await)?;
        Ok(rows.into_iter().map(Keyed::named).collect())
    }

    /// Begins conversations that there were not a moment ago; those with a contact join the others with them. Gives those
    /// that are with none.
    ///
    /// An existing conversation burns no number: on PostgreSQL whoever misses one takes a lock by its name and looks
    /// again before inserting.
    async fn begin_conversations(
        &mut self,
        workspace: WorkspaceId,
        mut missing: BTreeMap<&String, &BTreeSet<AddressId>>,
        now: Timestamp,
    ) -> Result<HashMap<String, Place>> {
        let ends: Vec<AddressId> =
            missing.values().filter(|ends| ends.len() == 2).flat_map(|ends| ends.iter().copied()).collect();
        if self.is_postgres() {
            if self.contacts_of(workspace, &ends).await?.is_empty() {
                self.share_contacts(workspace).await?;
            } else {
                self.lock_contacts(workspace).await?;
            }
            let names = set(&missing.keys().collect::<Vec<_>>())?;
            on!(self, |conn| sqlx::query(LOCK).bind(names).execute(conn).await.map(drop))?;
            let known = self.find_conversations(workspace, missing.keys().map(|key| (*key).clone()).collect()).await?;
            missing.retain(|key, _| !known.contains_key(*key));
        }
        if missing.is_empty() {
            return Ok(HashMap::new());
        }
        let begun = self.insert_conversations(workspace, &missing, now).await?;
        let ids: BTreeSet<ConversationId> = begun.iter().map(|row| row.id).collect();
        let contacts: BTreeSet<ContactId> = self.contacts_of(workspace, &ends).await?.into_values().collect();
        let hidden = if contacts.is_empty() {
            BTreeSet::new()
        } else {
            self.rejoin(workspace, &contacts, &ids, (Actor::SYSTEM, now)).await?
        };
        for id in ids.difference(&hidden) {
            self.record(NewEvent::of_conversation(workspace, EventKind::ConversationCreated, *id, now));
        }
        Ok(if contacts.is_empty() { begun.into_iter().map(Keyed::named).collect() } else { HashMap::new() })
    }

    async fn insert_conversations(
        &mut self,
        workspace: WorkspaceId,
        missing: &BTreeMap<&String, &BTreeSet<AddressId>>,
        now: Timestamp,
    ) -> Result<Vec<Keyed>> {
        const INSERT: Dialect = Dialect {
            sqlite: "insert into conversations (workspace_id, kind, participants_key, channels, message_count,
                    unread_count, state, created_at, activity_at)
                select $1, 'numbers', value, 0, 0, 0, 'open', $3, $3 from jsonb_each($2) order by key
                returning id, participants_key, joined_to",
            postgres: "insert into conversations (workspace_id, kind, participants_key, channels, message_count,
                    unread_count, state, created_at, activity_at)
                select $1, 'numbers', value, 0, 0, 0, 'open', $3, $3 from jsonb_array_elements_text($2::jsonb) with ordinality order by ordinality
                returning id, participants_key, joined_to",
        };
        const JOIN: Dialect = Dialect {
            sqlite: "insert into participants (workspace_id, conversation_id, address_id)
                select $1, value ->> 'conversation', value ->> 'address' from jsonb_each($2)",
            postgres: "insert into participants (workspace_id, conversation_id, address_id)
                select $1, conversation, address
                from jsonb_to_recordset($2::jsonb) as x (conversation bigint, address bigint)",
        };
        let names = set(&missing.keys().collect::<Vec<_>>())?;
        let sql = INSERT.pick(self);
        let rows: Vec<Keyed> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(names).bind(now).fetch_all(conn).await)?;
        let mut joins = Vec::new();
        for row in &rows {
            let addresses = missing.get(&row.participants_key).copied().into_iter().flatten();
            joins.extend(addresses.map(|address| NewParticipant { conversation: row.id, address: *address }));
        }
        let joins = set(&joins)?;
        let sql = JOIN.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(joins).execute(conn).await.map(drop))?;
        Ok(rows)
    }

    /// One conversation, or the one in which it is shown, when the caller sees it.
    pub async fn find_conversation(&mut self, caller: &Caller, id: ConversationId) -> Result<Option<ConversationRow>> {
        const SQL: &str = concat!(
            "select ",
            columns!(),
            " from conversations c
            left join messages m on m.workspace_id = c.workspace_id and m.id = c.last_message_id
            left join members x on x.workspace_id = c.workspace_id and x.conversation_id = c.id and x.user_id = $3
                and x.left_at is null
            where c.workspace_id = $1 and c.id = $2"
        );
        let Some(view) = self.view(caller, id).await? else { return Ok(None) };
        let user = caller.user().unwrap_or(UserId(0));
        Ok(on!(self, |conn| {
            sqlx::query_as(SQL).bind(caller.workspace).bind(view.id).bind(user).fetch_optional(conn).await
        })?)
    }

    /// Conversations of the numbers, as everybody sees them who sees them.
    pub async fn load_conversations(
        &mut self,
        workspace: WorkspaceId,
        ids: &[ConversationId],
    ) -> Result<Vec<ConversationRow>> {
        const SQL: Dialect = Dialect {
            sqlite: concat!(
                "select ",
                columns!(),
                " from jsonb_each($2) i
                join conversations c on c.workspace_id = $1 and c.id = i.value
                left join messages m on m.workspace_id = c.workspace_id and m.id = c.last_message_id
                left join members x on x.workspace_id = $1 and x.conversation_id = c.id and x.user_id = 0
                where c.kind = 'numbers'"
            ),
            postgres: concat!(
                "select ",
                columns!(),
                " from jsonb_array_elements_text($2::jsonb) i
                join conversations c on c.workspace_id = $1 and c.id = i.value::bigint
                left join messages m on m.workspace_id = c.workspace_id and m.id = c.last_message_id
                left join members x on x.workspace_id = $1 and x.conversation_id = c.id and x.user_id = 0
                where c.kind = 'numbers'"
            ),
        };
        let (sql, ids) = (SQL.pick(self), set(&ids)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// The participants of each of those conversations.
    pub async fn list_participants(
        &mut self,
        workspace: WorkspaceId,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, AddressId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "select conversation_id, address_id from participants
                where workspace_id = $1 and conversation_id in (select value from jsonb_each($2))",
            postgres: "select conversation_id, address_id from participants where workspace_id = $1
                and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&conversations)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// The id of one address, if it is known.
    pub async fn find_address(
        &mut self,
        workspace: WorkspaceId,
        address: &crate::domain::Address,
    ) -> Result<Option<AddressId>> {
        let found = self.find_addresses(workspace, std::slice::from_ref(address)).await?;
        Ok(found.into_values().next())
    }
}
