//! Joining the conversations of a contact, and splitting them again.
//!
//! A joined conversation is a row of its own, in which those between one of the contact's addresses and one other are
//! shown. Nothing that was said moves: each message stays with the conversation of its own addresses, which also keeps
//! its own counts, state and labels, so that splitting has nothing to find out. What the joined one shows of itself is
//! made of its parts alone. docs/decisions/joined-conversations.md says why.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;

use super::messages::{micros, micros_or_null};
use super::{Dialect, Error, NewAct, NewEvent, Place, Result, Tx, on, set};
use crate::domain::{
    ActKind, ContactId, ConversationId, ConversationState, EventKind, MessageId, Timestamp, UserId, WorkspaceId,
};

/// Conversations that are joined to one at most: the oldest.
pub const MOST_PARTS: usize = 500;

/// A conversation that takes part in a join, locked.
#[derive(Debug, Clone, sqlx::FromRow)]
struct PartRow {
    id: ConversationId,
    participants_key: String,
    contact_id: Option<ContactId>,
    joined_to: Option<ConversationId>,
    channels: i64,
    message_count: i64,
    unread_count: i64,
    last_message_id: Option<MessageId>,
    state: ConversationState,
    snoozed_until: Option<Timestamp>,
    assignee_id: Option<UserId>,
    created_at: Timestamp,
    activity_at: Timestamp,
}

/// Where a conversation goes.
#[derive(Debug, Serialize)]
struct Move {
    id: ConversationId,
    contact: Option<ContactId>,
    joined_to: Option<ConversationId>,
    #[serde(skip)]
    before: Option<ConversationId>,
}

/// A joined conversation, and what it is joined of.
type Joining = (Joint, Vec<ConversationId>);

/// What a joined conversation shows of itself.
#[derive(Debug, Serialize)]
struct Joint {
    id: ConversationId,
    joined_to: Option<ConversationId>,
    channels: i64,
    messages: i64,
    unread: i64,
    last: Option<MessageId>,
    state: ConversationState,
    #[serde(serialize_with = "micros_or_null")]
    snoozed_until: Option<Timestamp>,
    assignee: Option<UserId>,
    #[serde(serialize_with = "micros")]
    created_at: Timestamp,
    #[serde(serialize_with = "micros")]
    activity_at: Timestamp,
}

#[derive(Serialize)]
struct NewPart {
    joint: ConversationId,
    part: ConversationId,
}

/// The contacts of a unit of work, with what is theirs.
struct Found {
    rows: BTreeMap<ConversationId, PartRow>,
    wanted: BTreeMap<ContactId, Vec<ConversationId>>,
}

fn joint_key(contact: ContactId) -> String {
    format!("contact:{contact}")
}

impl PartRow {
    fn is_joint(&self) -> bool {
        self.participants_key.starts_with("contact:")
    }
}

impl Joint {
    /// What stands where nothing is joined any more; it leads to what was.
    fn empty(row: &PartRow, leads_to: Option<ConversationId>) -> Self {
        Self {
            id: row.id,
            joined_to: leads_to.or(row.joined_to),
            channels: 0,
            messages: 0,
            unread: 0,
            last: None,
            state: ConversationState::Closed,
            snoozed_until: None,
            assignee: None,
            created_at: row.created_at,
            activity_at: row.activity_at,
        }
    }

    /// Open where any part is, else snoozed until the first of them wakes; answered by whoever answers the oldest.
    fn of(id: ConversationId, parts: &[&PartRow], now: Timestamp) -> Self {
        let has = |state| parts.iter().any(|part| part.state == state);
        let state = if has(ConversationState::Open) {
            ConversationState::Open
        } else if has(ConversationState::Snoozed) {
            ConversationState::Snoozed
        } else {
            ConversationState::Closed
        };
        let snoozes =
            parts.iter().filter(|_| state == ConversationState::Snoozed).filter_map(|part| part.snoozed_until);
        Self {
            id,
            joined_to: None,
            channels: parts.iter().fold(0, |bits, part| bits | part.channels),
            messages: parts.iter().map(|part| part.message_count).sum(),
            unread: parts.iter().map(|part| part.unread_count).sum(),
            last: parts.iter().filter_map(|part| part.last_message_id).max(),
            state,
            snoozed_until: snoozes.min(),
            assignee: parts.iter().find_map(|part| part.assignee_id),
            created_at: parts.iter().map(|part| part.created_at).min().unwrap_or(now),
            activity_at: parts.iter().map(|part| part.activity_at).max().unwrap_or(now),
        }
    }
}

impl Tx {
    /// Joins what belongs together by the addresses of those contacts as they are now, and splits the rest; gives what is
    /// hidden in a joined conversation now. Whoever has changed their addresses holds [`Tx::lock_contacts`].
    pub async fn rejoin(
        &mut self,
        workspace: WorkspaceId,
        contacts: &BTreeSet<ContactId>,
        (actor, now): (&str, Timestamp),
    ) -> Result<BTreeSet<ConversationId>> {
        let mut found = self.find_parts(workspace, contacts).await?;
        let mut joints = Vec::new();
        let mut created = BTreeSet::new();
        let mut goes: BTreeMap<ConversationId, (ContactId, Option<ConversationId>)> = BTreeMap::new();
        for contact in contacts {
            let parts = found.wanted.remove(contact).unwrap_or_default();
            let key = joint_key(*contact);
            let old = found.rows.values().find(|row| row.participants_key == key).cloned();
            let joint = match &old {
                _ if parts.len() < 2 => None,
                Some(old) => Some(old.id),
                None => {
                    let id = self.insert_joint(workspace, *contact, now).await?;
                    created.insert(id);
                    Some(id)
                }
            };
            goes.extend(parts.iter().map(|part| (*part, (*contact, joint))));
            if let Some(id) = joint {
                let rows: Vec<&PartRow> = parts.iter().filter_map(|part| found.rows.get(part)).collect();
                joints.push((Joint::of(id, &rows, now), parts));
            } else if let Some(old) = old {
                let leads_to = found.rows.values().find(|row| row.joined_to == Some(old.id)).map(|row| row.id);
                joints.push((Joint::empty(&old, leads_to), Vec::new()));
            }
        }
        let moves = moves(&found, &goes);
        self.move_parts(workspace, &moves).await?;
        self.put_joints(workspace, &joints).await?;
        self.tell_of_joins(workspace, (&moves, &joints, &created), &found, (actor, now)).await?;
        Ok(goes.into_iter().filter(|(_, (_, joint))| joint.is_some()).map(|(id, _)| id).collect())
    }

    /// What is joined to those contacts and what should be, locked: first what has participants of its own, then what is
    /// joined.
    async fn find_parts(&mut self, workspace: WorkspaceId, contacts: &BTreeSet<ContactId>) -> Result<Found> {
        const HOLD: &str = "select id from contacts where workspace_id = $1
            and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb))) order by id for update";
        const WANTED: Dialect = Dialect {
            sqlite: "select p.conversation_id, max(c.contact_id) from (
                    select distinct q.conversation_id from contact_addresses a
                    join participants q on q.workspace_id = a.workspace_id and q.address_id = a.address_id
                    where a.workspace_id = $1 and a.contact_id in (select value from json_each($2))) x
                join participants p on p.workspace_id = $1 and p.conversation_id = x.conversation_id
                left join contact_addresses c on c.workspace_id = $1 and c.address_id = p.address_id
                group by p.conversation_id having count(*) = 2 and count(distinct c.contact_id) = 1 order by 1",
            postgres: "select p.conversation_id, max(c.contact_id) from (
                    select distinct q.conversation_id from contact_addresses a
                    join participants q on q.workspace_id = a.workspace_id and q.address_id = a.address_id
                    where a.workspace_id = $1
                      and a.contact_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))) x
                join participants p on p.workspace_id = $1 and p.conversation_id = x.conversation_id
                left join contact_addresses c on c.workspace_id = $1 and c.address_id = p.address_id
                group by p.conversation_id having count(*) = 2 and count(distinct c.contact_id) = 1 order by 1",
        };
        const ATTACHED: Dialect = Dialect {
            sqlite: "select id from conversations
                where workspace_id = $1 and contact_id in (select value from json_each($2))",
            postgres: "select id from conversations where workspace_id = $1
                and contact_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let ids = set(contacts)?;
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(HOLD).bind(workspace).bind(&ids).execute(conn).await.map(drop))?;
        }
        let sql = WANTED.pick(self);
        let rows: Vec<(ConversationId, ContactId)> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(&ids).fetch_all(conn).await)?;
        let mut wanted: BTreeMap<ContactId, Vec<ConversationId>> = BTreeMap::new();
        for (conversation, contact) in rows {
            let parts = wanted.entry(contact).or_default();
            if parts.len() < MOST_PARTS {
                parts.push(conversation);
            }
        }
        let sql = ATTACHED.pick(self);
        let attached: Vec<ConversationId> =
            on!(self, |conn| sqlx::query_scalar(sql).bind(workspace).bind(&ids).fetch_all(conn).await)?;
        let all: BTreeSet<ConversationId> = wanted.values().flatten().copied().chain(attached).collect();
        let rows = self.lock_parts(workspace, &all).await?;
        Ok(Found { rows: rows.into_iter().map(|row| (row.id, row)).collect(), wanted })
    }

    async fn lock_parts(&mut self, workspace: WorkspaceId, ids: &BTreeSet<ConversationId>) -> Result<Vec<PartRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, participants_key, contact_id, joined_to, channels, message_count, unread_count,
                    last_message_id, state, snoozed_until, assignee_id, created_at, activity_at from conversations
                where workspace_id = $1 and id in (select value from json_each($2))",
            postgres: "select id, participants_key, contact_id, joined_to, channels, message_count, unread_count,
                    last_message_id, state, snoozed_until, assignee_id, created_at, activity_at from conversations
                where workspace_id = $1 and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by participants_key like 'contact:%', id for update",
        };
        let (sql, ids) = (SQL.pick(self), set(ids)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    async fn insert_joint(
        &mut self,
        workspace: WorkspaceId,
        contact: ContactId,
        now: Timestamp,
    ) -> Result<ConversationId> {
        const SQL: &str = "insert into conversations (workspace_id, kind, participants_key, channels, message_count,
                unread_count, state, contact_id, created_at, activity_at)
            values ($1, 'numbers', $3, 0, 0, 0, 'open', $2, $4, $4) returning id";
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(contact).bind(joint_key(contact));
            query.bind(now).fetch_one(conn).await
        })?)
    }

    async fn move_parts(&mut self, workspace: WorkspaceId, moves: &[Move]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update conversations set contact_id = x.value ->> 'contact', joined_to = x.value ->> 'joined_to'
                from (select value from json_each($2) limit -1) x
                where conversations.workspace_id = $1 and conversations.id = x.value ->> 'id'",
            postgres: "update conversations c set contact_id = x.contact, joined_to = x.joined_to
                from jsonb_to_recordset($2::jsonb) as x (id bigint, contact bigint, joined_to bigint)
                where c.workspace_id = $1 and c.id = x.id",
        };
        if moves.is_empty() {
            return Ok(());
        }
        let (sql, rows) = (SQL.pick(self), set(&moves)?);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Writes what joined conversations show of themselves: it follows from their parts.
    async fn put_joints(&mut self, workspace: WorkspaceId, joints: &[Joining]) -> Result<()> {
        const PUT: Dialect = Dialect {
            sqlite: "update conversations set joined_to = x.value ->> 'joined_to', channels = x.value ->> 'channels',
                    message_count = x.value ->> 'messages', unread_count = x.value ->> 'unread',
                    last_message_id = x.value ->> 'last', state = x.value ->> 'state',
                    snoozed_until = x.value ->> 'snoozed_until', assignee_id = x.value ->> 'assignee',
                    created_at = x.value ->> 'created_at', activity_at = x.value ->> 'activity_at'
                from (select value from json_each($2) limit -1) x
                where conversations.workspace_id = $1 and conversations.id = x.value ->> 'id'",
            postgres: "update conversations c set joined_to = x.joined_to, channels = x.channels,
                    message_count = x.messages, unread_count = x.unread, last_message_id = x.last, state = x.state,
                    snoozed_until = timestamptz 'epoch' + x.snoozed_until * interval '1 microsecond',
                    assignee_id = x.assignee,
                    created_at = timestamptz 'epoch' + x.created_at * interval '1 microsecond',
                    activity_at = timestamptz 'epoch' + x.activity_at * interval '1 microsecond'
                from jsonb_to_recordset($2::jsonb) as x (id bigint, joined_to bigint, channels bigint, messages bigint,
                    unread bigint, last bigint, state text, snoozed_until bigint, assignee bigint, created_at bigint,
                    activity_at bigint)
                where c.workspace_id = $1 and c.id = x.id",
        };
        if joints.is_empty() {
            return Ok(());
        }
        let (sql, rows) = (PUT.pick(self), set(&joints.iter().map(|(joint, _)| joint).collect::<Vec<_>>())?);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).execute(conn).await.map(drop))?;
        let ids = set(&joints.iter().map(|(joint, _)| joint.id).collect::<Vec<_>>())?;
        let parts =
            joints.iter().flat_map(|(joint, parts)| parts.iter().map(|part| NewPart { joint: joint.id, part: *part }));
        self.gather(workspace, &ids, &set(&parts.collect::<Vec<_>>())?).await
    }

    /// Gives joined conversations the participants and labels of all of their parts, and notes which these are.
    async fn gather(&mut self, workspace: WorkspaceId, joints: &str, parts: &str) -> Result<()> {
        const CLEAR: [Dialect; 2] = [
            Dialect {
                sqlite: "delete from participants
                    where workspace_id = $1 and conversation_id in (select value from json_each($2))",
                postgres: "delete from participants where workspace_id = $1
                    and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
            },
            Dialect {
                sqlite: "delete from conversation_labels
                    where workspace_id = $1 and conversation_id in (select value from json_each($2))",
                postgres: "delete from conversation_labels where workspace_id = $1
                    and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
            },
        ];
        const GATHER: [Dialect; 3] = [
            Dialect {
                sqlite: "insert into participants (workspace_id, conversation_id, address_id)
                    select distinct $1, x.value ->> 'joint', p.address_id from json_each($2) x
                    join participants p on p.workspace_id = $1 and p.conversation_id = x.value ->> 'part'",
                postgres: "insert into participants (workspace_id, conversation_id, address_id)
                    select distinct $1, x.joint, p.address_id
                    from jsonb_to_recordset($2::jsonb) as x (joint bigint, part bigint)
                    join participants p on p.workspace_id = $1 and p.conversation_id = x.part",
            },
            Dialect {
                sqlite: "insert into conversation_labels (workspace_id, conversation_id, label_id)
                    select distinct $1, x.value ->> 'joint', l.label_id from json_each($2) x
                    join conversation_labels l on l.workspace_id = $1 and l.conversation_id = x.value ->> 'part'",
                postgres: "insert into conversation_labels (workspace_id, conversation_id, label_id)
                    select distinct $1, x.joint, l.label_id
                    from jsonb_to_recordset($2::jsonb) as x (joint bigint, part bigint)
                    join conversation_labels l on l.workspace_id = $1 and l.conversation_id = x.part",
            },
            Dialect {
                sqlite:
                    "insert into conversation_parts (workspace_id, conversation_id, part_id)
                    select $1, value ->> 'joint', value ->> 'part' from json_each($2) where true on conflict do nothing",
                postgres: "insert into conversation_parts (workspace_id, conversation_id, part_id)
                    select $1, joint, part from jsonb_to_recordset($2::jsonb) as x (joint bigint, part bigint)
                    on conflict do nothing",
            },
        ];
        for (dialects, rows) in [(&CLEAR[..], joints), (&GATHER[..], parts)] {
            for dialect in dialects {
                let sql = dialect.pick(self);
                on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).execute(conn).await.map(drop))?;
            }
        }
        Ok(())
    }

    /// Notes in their histories what was joined and split, and tells of every conversation that shows something else now.
    async fn tell_of_joins(
        &mut self,
        workspace: WorkspaceId,
        (moves, joints, created): (&[Move], &[Joining], &BTreeSet<ConversationId>),
        found: &Found,
        (actor, now): (&str, Timestamp),
    ) -> Result<()> {
        let act = |place, kind, data| NewAct { workspace, place, actor: actor.to_owned(), kind, data, at: now };
        let mut acts = Vec::new();
        for part in moves.iter().filter(|part| part.before != part.joined_to) {
            if let Some(before) = part.before {
                let contact = found.rows.get(&part.id).and_then(|row| row.contact_id);
                let data = json!({ "conversation": before, "contact": contact });
                acts.push(act(Place { id: part.id, shown: part.joined_to.unwrap_or(part.id) }, ActKind::Split, data));
                let left = joints.iter().find(|(joint, parts)| joint.id == before && !parts.is_empty());
                if let Some((joint, parts)) = left {
                    let newest = parts.iter().max_by_key(|id| found.rows.get(id).map(|row| row.last_message_id));
                    let id = *newest.ok_or(Error::Corrupt("a joined conversation of nothing"))?;
                    let data = json!({ "conversation": part.id, "contact": contact });
                    acts.push(act(Place { id, shown: joint.id }, ActKind::Split, data));
                }
            }
            if let Some(shown) = part.joined_to {
                let data = json!({ "conversation": shown, "contact": part.contact });
                acts.push(act(Place { id: part.id, shown }, ActKind::Joined, data));
            }
        }
        self.insert_acts(&acts).await?;
        let told: BTreeSet<ConversationId> =
            moves.iter().map(|part| part.id).chain(joints.iter().map(|(joint, _)| joint.id)).collect();
        for id in told {
            let kind =
                if created.contains(&id) { EventKind::ConversationCreated } else { EventKind::ConversationUpdated };
            self.record(NewEvent::of_conversation(workspace, kind, id, now));
        }
        Ok(())
    }
}

/// What goes elsewhere than it is.
fn moves(found: &Found, goes: &BTreeMap<ConversationId, (ContactId, Option<ConversationId>)>) -> Vec<Move> {
    let parts = found.rows.values().filter(|row| !row.is_joint());
    let mut moves = Vec::new();
    for row in parts {
        let (contact, joined_to) =
            goes.get(&row.id).map_or((None, None), |(contact, joined_to)| (Some(*contact), *joined_to));
        if (contact, joined_to) != (row.contact_id, row.joined_to) {
            moves.push(Move { id: row.id, contact, joined_to, before: row.joined_to });
        }
    }
    moves
}
