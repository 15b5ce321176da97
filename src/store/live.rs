//! What those who listen may see, decided on sets: the conversations that events are about, who takes part in them, and
//! who may know of whom.

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{ConversationId, ConversationKind, EventId, MessageId, Timestamp, UserId, WorkspaceId};

/// A conversation that something is about, and the one in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct ShownPlace {
    /// The one that was asked for.
    pub id: ConversationId,
    /// The one in which it is shown now.
    pub shown_id: ConversationId,
    /// Between whom it is.
    pub kind: ConversationKind,
}

/// Somebody's part in a conversation of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct SeatRow {
    /// Where.
    pub conversation_id: ConversationId,
    /// Who.
    pub user_id: UserId,
    /// They see nothing before this message.
    pub first_message_id: MessageId,
    /// Since when.
    pub joined_at: Timestamp,
    /// Whether they have taken it on.
    pub is_accepted: bool,
}

impl Tx {
    /// Where each of those conversations is shown. A joined one that there is no more leads to the first of what it was
    /// joined of, and that may be joined again.
    pub async fn load_places(&mut self, workspace: WorkspaceId, ids: &[ConversationId]) -> Result<Vec<ShownPlace>> {
        const SQL: Dialect = Dialect {
            sqlite: "select a.id, coalesce(c.joined_to, c.id) as shown_id, c.kind from jsonb_each($2) x
                join conversations a on a.workspace_id = $1 and a.id = x.value
                join conversations c on c.workspace_id = a.workspace_id and c.id = coalesce(a.joined_to, a.id)",
            postgres: "select a.id, coalesce(c.joined_to, c.id) as shown_id, c.kind
                from jsonb_array_elements_text($2::jsonb) x
                join conversations a on a.workspace_id = $1 and a.id = x.value::bigint
                join conversations c on c.workspace_id = a.workspace_id and c.id = coalesce(a.joined_to, a.id)",
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&ids)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// The parts that those people take in those conversations now.
    pub async fn load_seats(
        &mut self,
        workspace: WorkspaceId,
        conversations: &[ConversationId],
        users: &[UserId],
    ) -> Result<Vec<SeatRow>> {
        const SQL: Dialect = Dialect {
            sqlite:
                "select conversation_id, user_id, first_message_id, joined_at, accepted_at is not null as is_accepted
                from members where workspace_id = $1 and left_at is null
                  and conversation_id in (select value from jsonb_each($2))
                  and user_id in (select value from jsonb_each($3))",
            // by the conversation alone: the index by both would be asked for every pair of one and a person
            postgres:
                "select conversation_id, user_id, first_message_id, joined_at, accepted_at is not null as is_accepted
                from members where workspace_id = $1 and left_at is null
                  and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                  and user_id + 0 = any(array(select value::bigint from jsonb_array_elements_text($3::jsonb)))",
        };
        if conversations.is_empty() || users.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, conversations, users) = (SQL.pick(self), set(&conversations)?, set(&users)?);
        Ok(on!(self, |conn| {
            sqlx::query_as(sql).bind(workspace).bind(conversations).bind(users).fetch_all(conn).await
        })?)
    }

    /// Who of those people has blocked whom of them.
    pub async fn load_blocks(&mut self, workspace: WorkspaceId, users: &[UserId]) -> Result<Vec<(UserId, UserId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "select user_id, other_id from friendships where workspace_id = $1 and state = 'blocked'
                and user_id in (select value from jsonb_each($2)) and other_id in (select value from jsonb_each($2))",
            postgres: "select user_id, other_id from friendships where workspace_id = $1 and state = 'blocked'
                and user_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                and other_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        if users.len() < 2 {
            return Ok(Vec::new());
        }
        let (sql, users) = (SQL.pick(self), set(&users)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(users).fetch_all(conn).await)?)
    }

    /// Who of the first may be known to be there by whom of the second: friends, people of one conversation that both
    /// have taken on, and colleagues who answer the same numbers; nobody where one has blocked the other.
    pub async fn load_acquaintances(
        &mut self,
        workspace: WorkspaceId,
        (users, others): (&[UserId], &[UserId]),
    ) -> Result<Vec<(UserId, UserId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "with a (id) as materialized (select value from jsonb_each($2)),
                    b (id) as materialized (select value from jsonb_each($3))
                select f.user_id, f.other_id from a cross join friendships f
                    where f.workspace_id = $1 and f.user_id = a.id and f.state = 'friends'
                      and f.other_id in (select id from b)
                union select f.other_id, f.user_id from b cross join friendships f
                    where f.workspace_id = $1 and f.user_id = b.id and f.state = 'friends'
                      and f.other_id in (select id from a)
                union select p.user_id, q.user_id from a cross join members p cross join members q
                    where p.workspace_id = $1 and p.user_id = a.id and p.left_at is null and p.accepted_at is not null
                      and q.workspace_id = $1 and q.conversation_id = p.conversation_id
                      and q.user_id in (select id from b) and q.left_at is null and q.accepted_at is not null
                union select p.user_id, q.user_id from a cross join memberships p cross join b cross join memberships q
                    where p.workspace_id = $1 and p.user_id = a.id and p.role in ('agent', 'admin')
                      and q.workspace_id = $1 and q.user_id = b.id and q.role in ('agent', 'admin')
                except select f.user_id, f.other_id from a cross join friendships f
                    where f.workspace_id = $1 and f.user_id = a.id and f.state = 'blocked'
                except select f.other_id, f.user_id from b cross join friendships f
                    where f.workspace_id = $1 and f.user_id = b.id and f.state = 'blocked'",
            postgres: "with a (id) as materialized (select value::bigint from jsonb_array_elements_text($2::jsonb)),
                    b (id) as materialized (select value::bigint from jsonb_array_elements_text($3::jsonb))
                select f.user_id, f.other_id from friendships f
                    where f.workspace_id = $1 and f.user_id = any(array(select id from a)) and f.state = 'friends'
                      and f.other_id = any(array(select id from b))
                union select f.other_id, f.user_id from friendships f
                    where f.workspace_id = $1 and f.user_id = any(array(select id from b)) and f.state = 'friends'
                      and f.other_id = any(array(select id from a))
                union select p.user_id, q.user_id from members p
                    join members q on q.workspace_id = $1 and q.conversation_id = p.conversation_id
                      and q.user_id = any(array(select id from b)) and q.left_at is null and q.accepted_at is not null
                    where p.workspace_id = $1 and p.user_id = any(array(select id from a)) and p.left_at is null
                      and p.accepted_at is not null
                union select p.user_id, q.user_id from memberships p
                    join memberships q on q.workspace_id = $1 and q.user_id = any(array(select id from b))
                      and q.role in ('agent', 'admin')
                    where p.workspace_id = $1 and p.user_id = any(array(select id from a))
                      and p.role in ('agent', 'admin')
                except select f.user_id, f.other_id from friendships f
                    where f.workspace_id = $1 and f.user_id = any(array(select id from a)) and f.state = 'blocked'
                except select f.other_id, f.user_id from friendships f
                    where f.workspace_id = $1 and f.user_id = any(array(select id from b)) and f.state = 'blocked'",
        };
        if users.is_empty() || others.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, users, others) = (SQL.pick(self), set(&users)?, set(&others)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(users).bind(others).fetch_all(conn).await)?)
    }

    /// The oldest event of the log; nothing when it holds none.
    pub async fn first_event(&mut self) -> Result<Option<EventId>> {
        const SQL: &str = "select min(id) from events";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).fetch_one(conn).await)?)
    }

    /// The newest event that can be seen; nothing when the log holds none. There may be older ones still to come.
    pub async fn last_event(&mut self) -> Result<Option<EventId>> {
        const SQL: &str = "select max(id) from events";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).fetch_one(conn).await)?)
    }

    /// How many events of a workspace lie between two; no more than `most` are counted.
    pub async fn count_events_of(
        &mut self,
        workspace: WorkspaceId,
        (after, to): (EventId, EventId),
        most: i64,
    ) -> Result<i64> {
        const SQL: &str = "select count(*) from (select id from events
            where workspace_id = $1 and id > $2 and id <= $3 order by id limit $4) x";
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(after).bind(to).bind(most);
            query.fetch_one(conn).await
        })?)
    }
}
