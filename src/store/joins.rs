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
use super::{Dialect, NewAct, NewEvent, Place, Result, Tx, on, set};
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
    /// What begins in a joined conversation stands as that does; absent: as it stood.
    state: Option<ConversationState>,
    #[serde(serialize_with = "micros_or_null")]
    snoozed_until: Option<Timestamp>,
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
    /// The joined conversation of each, where there was one.
    joints: BTreeMap<ContactId, ConversationId>,
    /// The oldest part that each joined conversation had.
    oldest: BTreeMap<ConversationId, ConversationId>,
}

/// What is to be done with the contacts of a unit of work.
#[derive(Default)]
struct Plan {
    goes: BTreeMap<ConversationId, (ContactId, Option<ConversationId>)>,
    joints: Vec<Joining>,
    moves: Vec<Move>,
    created: BTreeSet<ConversationId>,
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

    /// Open where any part is, else snoozed until the first of them wakes; answered by whoever answers the oldest. A part
    /// in which nothing was said yet opens nothing.
    fn of(id: ConversationId, parts: &[&PartRow], now: Timestamp) -> Self {
        let is_silent = parts.iter().all(|part| part.message_count == 0);
        let has = |state| parts.iter().any(|part| part.state == state && (is_silent || part.message_count > 0));
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

    /// Whether it shows what its row says already.
    fn is_as(&self, row: &PartRow) -> bool {
        (self.joined_to, self.channels, self.messages, self.unread, self.last)
            == (row.joined_to, row.channels, row.message_count, row.unread_count, row.last_message_id)
            && (self.state, self.snoozed_until, self.assignee) == (row.state, row.snoozed_until, row.assignee_id)
            && (self.created_at, self.activity_at) == (row.created_at, row.activity_at)
    }
}

impl Found {
    fn new(rows: Vec<PartRow>, wanted: BTreeMap<ContactId, Vec<ConversationId>>) -> Self {
        let rows: BTreeMap<ConversationId, PartRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        let joints = rows.values().filter(|row| row.is_joint()).filter_map(|row| Some((row.contact_id?, row.id)));
        let joints = joints.collect();
        let mut oldest = BTreeMap::new();
        for row in rows.values() {
            if let Some(joint) = row.joined_to {
                oldest.entry(joint).or_insert(row.id);
            }
        }
        Self { rows, wanted, joints, oldest }
    }

    fn rows_of(&self, parts: &[ConversationId]) -> Vec<&PartRow> {
        parts.iter().filter_map(|part| self.rows.get(part)).collect()
    }

    /// Where everything goes, and what that makes of what is joined; `joints` names the joined conversation of each
    /// contact that has one now.
    fn plan(
        &self,
        contacts: &BTreeSet<ContactId>,
        joints: &BTreeMap<ContactId, ConversationId>,
        now: Timestamp,
    ) -> Plan {
        let mut plan = Plan::default();
        for contact in contacts {
            let parts = self.wanted.get(contact).cloned().unwrap_or_default();
            let joint = joints.get(contact).copied().filter(|_| parts.len() > 1);
            plan.goes.extend(parts.iter().map(|part| (*part, (*contact, joint))));
            if let Some(id) = joint {
                plan.joints.push((Joint::of(id, &self.rows_of(&parts), now), parts));
            } else if let Some(old) = self.joints.get(contact).and_then(|id| self.rows.get(id)) {
                plan.joints.push((Joint::empty(old, self.oldest.get(&old.id).copied()), Vec::new()));
            }
        }
        plan
    }

    /// What goes elsewhere than it is; what has just begun stands as what it is joined to does.
    fn moves(&self, plan: &Plan, begun: &BTreeSet<ConversationId>) -> Vec<Move> {
        let joints: BTreeMap<ConversationId, &Joint> = plan.joints.iter().map(|(joint, _)| (joint.id, joint)).collect();
        let mut moves = Vec::new();
        for row in self.rows.values().filter(|row| !row.is_joint()) {
            let (contact, joined_to) =
                plan.goes.get(&row.id).map_or((None, None), |(contact, joined_to)| (Some(*contact), *joined_to));
            if (contact, joined_to) != (row.contact_id, row.joined_to) {
                let joint = joined_to.filter(|_| begun.contains(&row.id)).and_then(|id| joints.get(&id));
                let (state, snoozed_until) =
                    joint.map_or((None, None), |joint| (Some(joint.state), joint.snoozed_until));
                moves.push(Move { id: row.id, contact, joined_to, state, snoozed_until, before: row.joined_to });
            }
        }
        moves
    }
}

impl Tx {
    /// Joins what belongs together by the addresses of those contacts as they are now, and splits the rest; gives what is
    /// hidden in a joined conversation now. Whoever has changed their addresses holds [`Tx::lock_contacts`]. Of what has
    /// `begun` in this unit of work nobody knows yet, and nothing is told.
    pub async fn rejoin(
        &mut self,
        workspace: WorkspaceId,
        contacts: &BTreeSet<ContactId>,
        begun: &BTreeSet<ConversationId>,
        (actor, now): (&str, Timestamp),
    ) -> Result<BTreeSet<ConversationId>> {
        let found = self.find_parts(workspace, contacts).await?;
        let is_new = |contact: &&ContactId| {
            !found.joints.contains_key(*contact) && found.wanted.get(*contact).is_some_and(|parts| parts.len() > 1)
        };
        let new: Vec<ContactId> = contacts.iter().filter(is_new).copied().collect();
        let new = self.insert_joints(workspace, &new, now).await?;
        let created = new.iter().map(|(_, id)| *id).collect();
        let joints = found.joints.iter().map(|(contact, id)| (*contact, *id)).chain(new).collect();
        let mut plan = Plan { created, ..found.plan(contacts, &joints, now) };
        plan.moves = found.moves(&plan, begun);
        let moved: BTreeSet<ConversationId> =
            plan.moves.iter().flat_map(|part| [part.before, part.joined_to]).flatten().collect();
        plan.joints.retain(|(joint, _)| {
            moved.contains(&joint.id) || !found.rows.get(&joint.id).is_some_and(|row| joint.is_as(row))
        });
        self.move_parts(workspace, &plan.moves).await?;
        self.put_joints(workspace, &plan.joints).await?;
        self.tell_of_joins(workspace, (&plan, begun), &found, (actor, now)).await?;
        Ok(plan.goes.into_iter().filter(|(_, (_, joint))| joint.is_some()).map(|(id, _)| id).collect())
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
                    where a.workspace_id = $1 and a.contact_id in (select value from jsonb_each($2))) x
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
                where workspace_id = $1 and contact_id in (select value from jsonb_each($2))",
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
        Ok(Found::new(rows, wanted))
    }

    async fn lock_parts(&mut self, workspace: WorkspaceId, ids: &BTreeSet<ConversationId>) -> Result<Vec<PartRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, participants_key, contact_id, joined_to, channels, message_count, unread_count,
                    last_message_id, state, snoozed_until, assignee_id, created_at, activity_at from conversations
                where workspace_id = $1 and id in (select value from jsonb_each($2))",
            postgres: "select id, participants_key, contact_id, joined_to, channels, message_count, unread_count,
                    last_message_id, state, snoozed_until, assignee_id, created_at, activity_at from conversations
                where workspace_id = $1 and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by participants_key like 'contact:%', id for update",
        };
        let (sql, ids) = (SQL.pick(self), set(ids)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    async fn insert_joints(
        &mut self,
        workspace: WorkspaceId,
        contacts: &[ContactId],
        now: Timestamp,
    ) -> Result<Vec<(ContactId, ConversationId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into conversations (workspace_id, kind, participants_key, channels, message_count,
                    unread_count, state, contact_id, created_at, activity_at)
                select $1, 'numbers', 'contact:' || value, 0, 0, 0, 'open', value, $3, $3 from jsonb_each($2) order by key
                returning contact_id, id",
            postgres: "insert into conversations (workspace_id, kind, participants_key, channels, message_count,
                    unread_count, state, contact_id, created_at, activity_at)
                select $1, 'numbers', 'contact:' || value, 0, 0, 0, 'open', value::bigint, $3, $3
                from jsonb_array_elements_text($2::jsonb) with ordinality as x (value, place) order by place
                returning contact_id, id",
        };
        if contacts.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, rows) = (SQL.pick(self), set(&contacts)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(rows).bind(now).fetch_all(conn).await)?)
    }

    async fn move_parts(&mut self, workspace: WorkspaceId, moves: &[Move]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update conversations set contact_id = x.value ->> 'contact', joined_to = x.value ->> 'joined_to',
                    state = coalesce(x.value ->> 'state', state),
                    snoozed_until = case when x.value ->> 'state' is null then snoozed_until
                        else x.value ->> 'snoozed_until' end
                from (select value from jsonb_each($2) limit -1) x
                where conversations.workspace_id = $1 and conversations.id = x.value ->> 'id'",
            postgres: "update conversations c set contact_id = x.contact, joined_to = x.joined_to,
                    state = coalesce(x.state, c.state),
                    snoozed_until = case when x.state is null then c.snoozed_until
                        else timestamptz 'epoch' + x.snoozed_until * interval '1 microsecond' end
                from jsonb_to_recordset($2::jsonb) as x (id bigint, contact bigint, joined_to bigint, state text,
                    snoozed_until bigint)
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
                from (select value from jsonb_each($2) limit -1) x
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
                    where workspace_id = $1 and conversation_id in (select value from jsonb_each($2))",
                postgres: "delete from participants where workspace_id = $1
                    and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
            },
            Dialect {
                sqlite: "delete from conversation_labels
                    where workspace_id = $1 and conversation_id in (select value from jsonb_each($2))",
                postgres: "delete from conversation_labels where workspace_id = $1
                    and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
            },
        ];
        const GATHER: [Dialect; 3] = [
            Dialect {
                sqlite: "insert into participants (workspace_id, conversation_id, address_id)
                    select distinct $1, x.value ->> 'joint', p.address_id from jsonb_each($2) x
                    join participants p on p.workspace_id = $1 and p.conversation_id = x.value ->> 'part'",
                postgres: "insert into participants (workspace_id, conversation_id, address_id)
                    select distinct $1, x.joint, p.address_id
                    from jsonb_to_recordset($2::jsonb) as x (joint bigint, part bigint)
                    join participants p on p.workspace_id = $1 and p.conversation_id = x.part",
            },
            Dialect {
                sqlite: "insert into conversation_labels (workspace_id, conversation_id, label_id)
                    select distinct $1, x.value ->> 'joint', l.label_id from jsonb_each($2) x
                    join conversation_labels l on l.workspace_id = $1 and l.conversation_id = x.value ->> 'part'",
                postgres: "insert into conversation_labels (workspace_id, conversation_id, label_id)
                    select distinct $1, x.joint, l.label_id
                    from jsonb_to_recordset($2::jsonb) as x (joint bigint, part bigint)
                    join conversation_labels l on l.workspace_id = $1 and l.conversation_id = x.part",
            },
            Dialect {
                sqlite:
                    "insert into conversation_parts (workspace_id, conversation_id, part_id)
                    select $1, value ->> 'joint', value ->> 'part' from jsonb_each($2) where true on conflict do nothing",
                postgres: "insert into conversation_parts (workspace_id, conversation_id, part_id)
                    select $1, joint, part from jsonb_to_recordset($2::jsonb) as x (joint bigint, part bigint)
                    on conflict do nothing",
            },
        ];
        // whoever deletes a label holds it, and then takes it from each conversation
        const HOLD: &str = "select id from labels where workspace_id = $1 and id = any(array(select label_id
                from conversation_labels where workspace_id = $1 and conversation_id = any(array(
                    select part from jsonb_to_recordset($3::jsonb) as x (part bigint)
                    union all select value::bigint from jsonb_array_elements_text($2::jsonb)))))
            order by id for key share";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(HOLD).bind(workspace).bind(joints).bind(parts).execute(conn).await.map(drop))?;
        }
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
        (plan, begun): (&Plan, &BTreeSet<ConversationId>),
        found: &Found,
        (actor, now): (&str, Timestamp),
    ) -> Result<()> {
        let act = |place, kind, data| NewAct { workspace, place, actor: actor.to_owned(), kind, data, at: now };
        let last = |id: &&ConversationId| found.rows.get(*id).map(|row| row.last_message_id);
        let newest: BTreeMap<ConversationId, ConversationId> =
            plan.joints.iter().filter_map(|(joint, parts)| Some((joint.id, *parts.iter().max_by_key(last)?))).collect();
        let mut acts = Vec::new();
        for part in plan.moves.iter().filter(|part| part.before != part.joined_to) {
            if let Some(before) = part.before {
                let contact = found.rows.get(&part.id).and_then(|row| row.contact_id);
                let data = json!({ "conversation": before, "contact": contact });
                acts.push(act(Place { id: part.id, shown: part.joined_to.unwrap_or(part.id) }, ActKind::Split, data));
                if let Some(id) = newest.get(&before) {
                    let data = json!({ "conversation": part.id, "contact": contact });
                    acts.push(act(Place { id: *id, shown: before }, ActKind::Split, data));
                }
            }
            if let Some(shown) = part.joined_to {
                let data = json!({ "conversation": shown, "contact": part.contact });
                acts.push(act(Place { id: part.id, shown }, ActKind::Joined, data));
            }
        }
        self.insert_acts(&acts).await?;
        let changed = plan.moves.iter().map(|part| part.id).chain(plan.joints.iter().map(|(joint, _)| joint.id));
        let told: BTreeSet<ConversationId> = changed.filter(|id| !begun.contains(id)).collect();
        for id in told {
            let is_new = plan.created.contains(&id);
            let kind = if is_new { EventKind::ConversationCreated } else { EventKind::ConversationUpdated };
            self.record(NewEvent::of_conversation(workspace, kind, id, now));
        }
        Ok(())
    }
}
