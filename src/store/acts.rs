//! Who did what to a conversation, and where it stands with the team.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::Value;
use sqlx::types::Json;

use super::messages::micros;
use super::{Dialect, NewEvent, Page, PageRequest, Place, Position, Result, Tx, View, on, set};
use crate::domain::{
    ActKind, Actor, Caller, ConversationId, ConversationState, EventKind, MessageId, Timestamp, UserId, WorkspaceId,
};

/// Something that was done, to be stored.
#[derive(Debug, Clone, Serialize)]
pub struct NewAct {
    /// Whose conversation.
    pub workspace: WorkspaceId,
    /// Which conversation, and where that is shown.
    #[serde(rename = "conversation", serialize_with = "own_id")]
    pub place: Place,
    /// Who did it, as [`crate::domain::Who`] is written, or [`Actor::SYSTEM`].
    pub actor: String,
    /// What was done.
    pub kind: ActKind,
    /// More of it, by ids.
    pub data: Value,
    /// When.
    #[serde(serialize_with = "micros")]
    pub at: Timestamp,
}

fn own_id<S: Serializer>(place: &Place, serializer: S) -> Result<S::Ok, S::Error> {
    place.id.serialize(serializer)
}

impl NewAct {
    /// What the caller did.
    pub fn by(caller: &Caller, place: Place, kind: ActKind, data: Value, at: Timestamp) -> Self {
        Self { workspace: caller.workspace, place, actor: caller.who.to_string(), kind, data, at }
    }

    /// A conversation that somebody does not answer any more; somebody else may, where it is joined.
    pub fn freed((workspace, place): (WorkspaceId, Place), to: Option<UserId>, actor: &str, at: Timestamp) -> Self {
        let data = serde_json::json!({ "user": to });
        Self { workspace, place, actor: actor.to_owned(), kind: ActKind::Assignee, data, at }
    }

    /// A conversation that the server opened by itself.
    pub fn opened(workspace: WorkspaceId, place: Place, at: Timestamp) -> Self {
        let data = serde_json::json!({ "state": ConversationState::Open });
        Self { workspace, place, actor: Actor::SYSTEM.to_owned(), kind: ActKind::State, data, at }
    }
}

/// Something that was done.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ActRow {
    /// Its place.
    pub id: i64,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub kind: ActKind,
    /// More of it, by ids.
    pub data: Json<Value>,
    /// When.
    pub at: Timestamp,
}

/// Where a conversation stands with the team.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Bench {
    /// Open, snoozed or closed.
    pub state: ConversationState,
    /// Until when it is snoozed.
    pub snoozed_until: Option<Timestamp>,
    /// Who answers.
    pub assignee_id: Option<UserId>,
}

/// A conversation that was changed with others, or one in which some of these are shown.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
struct Changed {
    workspace_id: WorkspaceId,
    id: ConversationId,
    joined_to: Option<ConversationId>,
    last_message_id: Option<MessageId>,
    assignee_id: Option<UserId>,
}

#[derive(Serialize)]
struct Key {
    workspace: WorkspaceId,
    id: ConversationId,
}

/// The joined conversations in which those are shown, each with the one of them that has the newest message. Nothing is
/// written down with any other: these alone are locked.
fn shown_in(changed: &[Changed]) -> BTreeMap<ConversationId, Changed> {
    let mut shown: BTreeMap<ConversationId, Changed> = BTreeMap::new();
    for one in changed {
        if let Some(joint) = one.joined_to {
            let newest = shown.entry(joint).or_insert(*one);
            if newest.last_message_id < one.last_message_id {
                *newest = *one;
            }
        }
    }
    shown
}

/// Where what happened to those and to what shows them is told, in the order of what is shown.
fn places(changed: &[Changed], joints: &[Changed]) -> Vec<(Changed, Place)> {
    let newest = shown_in(changed);
    let alone = changed.iter().filter(|one| one.joined_to.is_none()).map(|one| (*one, Place::alone(one.id)));
    let joined =
        joints.iter().filter_map(|joint| Some((*joint, Place { id: newest.get(&joint.id)?.id, shown: joint.id })));
    let mut places: Vec<(Changed, Place)> = alone.chain(joined).collect();
    places.sort_unstable_by_key(|(one, _)| (one.workspace_id, one.id));
    places
}

macro_rules! changed {
    ($update:literal) => {
        concat!($update, " returning workspace_id, id, joined_to, last_message_id, assignee_id")
    };
}

impl Tx {
    /// Stores what was done, with an event for each conversation.
    pub async fn add_acts(&mut self, acts: &[NewAct]) -> Result<()> {
        self.insert_acts(acts).await?;
        let mut told: Option<ConversationId> = None;
        for act in acts {
            if told != Some(act.place.shown) {
                let kind = EventKind::ConversationUpdated;
                self.record(NewEvent::of_conversation(act.workspace, kind, act.place.shown, act.at));
            }
            told = Some(act.place.shown);
        }
        Ok(())
    }

    /// Stores what was done.
    pub(super) async fn insert_acts(&mut self, acts: &[NewAct]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into conversation_acts (workspace_id, conversation_id, actor, kind, data, at)
                select value ->> 'workspace', value ->> 'conversation', value ->> 'actor', value ->> 'kind',
                    value ->> 'data', value ->> 'at' from jsonb_each($1) order by key",
            postgres: "insert into conversation_acts (workspace_id, conversation_id, actor, kind, data, at)
                select workspace, conversation, actor, kind, data, timestamptz 'epoch' + at * interval '1 microsecond'
                from jsonb_to_recordset($1::jsonb) as x (workspace bigint, conversation bigint, actor text, kind text,
                    data jsonb, at bigint)",
        };
        if acts.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let rows = set(&acts)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// What was done to a conversation and to all of what it is joined, oldest first.
    pub async fn list_acts(&mut self, workspace: WorkspaceId, view: &View, page: PageRequest) -> Result<Page<ActRow>> {
        const SQL: &str = "select id, actor, kind, data, at from conversation_acts
            where workspace_id = $1 and conversation_id = $2 and id > $3 order by id limit $4";
        const JOINED: &str = "select id, actor, kind, data, at from conversation_acts
            where workspace_id = $1 and id > $3 and conversation_id in
                (select id from conversations where workspace_id = $1 and joined_to = $2)
            order by id limit $4";
        let sql = if view.parts.is_empty() { SQL } else { JOINED };
        let (after, limit) = (page.lower_bound().id, page.limit + 1);
        let rows: Vec<ActRow> = on!(self, |conn| {
            sqlx::query_as(sql).bind(workspace).bind(view.id).bind(after).bind(limit).fetch_all(conn).await
        })?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.at, id: row.id }))
    }

    /// How a conversation of the numbers stands that [`Tx::lock_view`] has locked.
    pub async fn find_bench(&mut self, workspace: WorkspaceId, id: ConversationId) -> Result<Option<Bench>> {
        const SQL: &str = "select state, snoozed_until, assignee_id from conversations
            where workspace_id = $1 and id = $2 and kind = 'numbers'";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_optional(conn).await)?)
    }

    /// Writes where a locked conversation stands now, and with it all of what it is joined.
    pub async fn put_bench(&mut self, workspace: WorkspaceId, id: ConversationId, bench: &Bench) -> Result<()> {
        const SQL: &str = "update conversations set state = $3, snoozed_until = $4, assignee_id = $5
            where workspace_id = $1 and (id = $2 or joined_to = $2 and participants_key not like 'contact:%')";
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(id).bind(bench.state).bind(bench.snoozed_until);
            query.bind(bench.assignee_id).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Takes from somebody what they answer; each conversation with its act. What is joined is answered by whoever still
    /// answers the oldest of its parts.
    pub async fn free_conversations(
        &mut self,
        workspace: WorkspaceId,
        (user, actor): (UserId, &str),
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: changed!(
                "update conversations set assignee_id = null
                where workspace_id = $1 and assignee_id = $2 and participants_key not like 'contact:%'"
            ),
            postgres: changed!(
                "update conversations set assignee_id = null
                where workspace_id = $1 and id in (select id from conversations
                    where workspace_id = $1 and assignee_id = $2 and participants_key not like 'contact:%'
                    order by id for no key update)"
            ),
        };
        const JOINTS: Dialect = Dialect {
            sqlite: changed!(
                "update conversations set assignee_id = (select p.assignee_id from conversations p
                    where p.workspace_id = $1 and p.joined_to = conversations.id and p.assignee_id is not null
                      and p.participants_key not like 'contact:%' order by p.id limit 1)
                where workspace_id = $1 and assignee_id = $2 and participants_key like 'contact:%'"
            ),
            postgres: changed!(
                "update conversations set assignee_id = (select p.assignee_id from conversations p
                    where p.workspace_id = $1 and p.joined_to = conversations.id and p.assignee_id is not null
                      and p.participants_key not like 'contact:%' order by p.id limit 1)
                where workspace_id = $1 and id in (select id from conversations
                    where workspace_id = $1 and assignee_id = $2 and participants_key like 'contact:%'
                    order by id for no key update)"
            ),
        };
        let mut changed: Vec<Vec<Changed>> = Vec::new();
        for dialect in [SQL, JOINTS] {
            let sql = dialect.pick(self);
            changed.push(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(user).fetch_all(conn).await)?);
        }
        let acts: Vec<NewAct> = places(&changed[0], &changed[1])
            .into_iter()
            .map(|(one, place)| NewAct::freed((workspace, place), one.assignee_id, actor, now))
            .collect();
        self.add_acts(&acts).await
    }

    /// Whether a snooze has ended.
    pub async fn has_ended_snooze(&mut self, now: Timestamp) -> Result<bool> {
        const SQL: &str = "select exists (select 1 from conversations where state = 'snoozed' and snoozed_until <= $1)";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(now).fetch_one(conn).await)?)
    }

    /// Opens conversations whose snooze has ended, at most so many and what shows them; each with its act.
    pub async fn end_snoozes(&mut self, now: Timestamp, limit: i64) -> Result<usize> {
        const SQL: Dialect = Dialect {
            sqlite: changed!(
                "update conversations set state = 'open', snoozed_until = null
                where id in (select id from conversations where state = 'snoozed' and snoozed_until <= $1
                    and participants_key not like 'contact:%' order by snoozed_until limit $2)"
            ),
            postgres: changed!(
                "update conversations set state = 'open', snoozed_until = null
                where (workspace_id, id) in (select workspace_id, id from conversations
                    where state = 'snoozed' and snoozed_until <= $1 and participants_key not like 'contact:%'
                    order by snoozed_until limit $2 for update skip locked)"
            ),
        };
        let sql = SQL.pick(self);
        let opened: Vec<Changed> = on!(self, |conn| sqlx::query_as(sql).bind(now).bind(limit).fetch_all(conn).await)?;
        let joints = self.open_joints(&shown_in(&opened)).await?;
        let acts: Vec<NewAct> = places(&opened, &joints)
            .into_iter()
            .map(|(one, place)| NewAct::opened(one.workspace_id, place, now))
            .collect();
        self.add_acts(&acts).await?;
        Ok(opened.len() + joints.len())
    }

    /// Opens the joined conversations in which something was opened, as far as they are snoozed.
    async fn open_joints(&mut self, shown: &BTreeMap<ConversationId, Changed>) -> Result<Vec<Changed>> {
        const SQL: Dialect = Dialect {
            sqlite: changed!(
                "update conversations set state = 'open', snoozed_until = null
                where state = 'snoozed' and id in (select value ->> 'id' from jsonb_each($1))"
            ),
            postgres: changed!(
                "update conversations set state = 'open', snoozed_until = null
                where (workspace_id, id) in (select c.workspace_id, c.id
                    from jsonb_to_recordset($1::jsonb) as x (workspace bigint, id bigint)
                    join conversations c on c.workspace_id = x.workspace and c.id = x.id
                    where c.state = 'snoozed' order by c.workspace_id, c.id for no key update of c)"
            ),
        };
        if shown.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Key> = shown.iter().map(|(id, part)| Key { workspace: part.workspace_id, id: *id }).collect();
        let (sql, rows) = (SQL.pick(self), set(&rows)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(rows).fetch_all(conn).await)?)
    }
}
