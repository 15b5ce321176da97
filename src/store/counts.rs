//! Counting messages into their conversations.

use std::collections::HashSet;

use serde::Serialize;

use super::{Dialect, NewAct, Place, Result, Tx, on, set};
use crate::domain::{ConversationId, MessageId, Timestamp, WorkspaceId};

/// What one set of messages adds to a conversation.
#[derive(Debug, Clone, Serialize)]
pub struct Thread {
    /// The conversation.
    pub id: ConversationId,
    /// The channels of the messages, as bits.
    pub channels: i64,
    /// How many.
    pub messages: i64,
    /// How many of them came in.
    pub unread: i64,
    /// The last of them.
    pub last: MessageId,
    /// Where that stands.
    #[serde(skip)]
    pub place: Place,
}

/// Counts the messages of a set into conversations of the workspace `$1` at the time `$3`, and does what is given besides.
macro_rules! touch {
    (sqlite, $set:literal, $also:literal, $rest:literal) => {
        concat!(
            "update conversations set
                channels = channels | (x.value ->> 'channels'),
                message_count = message_count + (x.value ->> 'messages'),
                unread_count = unread_count + (x.value ->> 'unread'),
                last_message_id = max(coalesce(last_message_id, 0), x.value ->> 'last'),
                activity_at = max(activity_at, $3)",
            $also,
            " from (select value from jsonb_each(",
            $set,
            ") limit -1) x
            where conversations.workspace_id = $1 and conversations.id = x.value ->> 'id'",
            $rest
        )
    };
    (postgres, $set:literal, $also:literal, $rest:literal) => {
        concat!(
            "update conversations c set
                channels = c.channels | x.channels,
                message_count = message_count + x.messages,
                unread_count = unread_count + x.unread,
                last_message_id = greatest(last_message_id, x.last),
                activity_at = greatest(activity_at, $3)",
            $also,
            " from jsonb_to_recordset(",
            $set,
            "::jsonb) as x (id bigint, channels bigint, messages bigint, unread bigint, last bigint)
            where c.workspace_id = $1 and c.id = x.id
              and c.id = any(array(select (value ->> 'id')::bigint from jsonb_array_elements(",
            $set,
            "::jsonb)))",
            $rest
        )
    };
}
pub(super) use touch;

impl Tx {
    /// Counts a set of messages into their conversations; what came in opens those that are snoozed or closed. Rows are
    /// locked in the order of their ids, those that are shown in others first.
    pub async fn touch_conversations(
        &mut self,
        workspace: WorkspaceId,
        threads: &[Thread],
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect { sqlite: touch!(sqlite, "$2", "", ""), postgres: touch!(postgres, "$2", "", "") };
        const INBOUND: Dialect = Dialect {
            sqlite: touch!(
                sqlite,
                "$2",
                ", opened_by_id = case when state <> 'open' and x.value ->> 'unread' > 0 then x.value ->> 'last'
                    else opened_by_id end,
                snoozed_until = case when x.value ->> 'unread' > 0 then null else snoozed_until end,
                state = case when x.value ->> 'unread' > 0 then 'open' else state end",
                " returning id, opened_by_id"
            ),
            postgres: touch!(
                postgres,
                "$2",
                ", opened_by_id = case when c.state <> 'open' and x.unread > 0 then x.last else opened_by_id end,
                snoozed_until = case when x.unread > 0 then null else snoozed_until end,
                state = case when x.unread > 0 then 'open' else c.state end",
                " returning c.id, c.opened_by_id"
            ),
        };
        let rows = set(&threads)?;
        self.lock_threads(workspace, threads).await?;
        if threads.iter().all(|thread| thread.unread == 0) {
            let sql = SQL.pick(self);
            on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).bind(now).execute(conn).await.map(drop))?;
            return Ok(());
        }
        let sql = INBOUND.pick(self);
        let touched: Vec<(ConversationId, Option<MessageId>)> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(rows).bind(now).fetch_all(conn).await)?;
        let touched: HashSet<_> = touched.into_iter().collect();
        let is_opened =
            |thread: &&Thread| thread.id == thread.place.shown && touched.contains(&(thread.id, Some(thread.last)));
        let acts: Vec<NewAct> =
            threads.iter().filter(is_opened).map(|thread| NewAct::opened(workspace, thread.place, now)).collect();
        self.add_acts(&acts).await
    }

    /// Locks what a set of messages is counted into: those that are shown in others first, in the order of their ids.
    pub(super) async fn lock_threads(&mut self, workspace: WorkspaceId, threads: &[Thread]) -> Result<()> {
        const LOCK: &str = "select id from conversations where workspace_id = $1
            and id = any(array(select id from jsonb_to_recordset($2::jsonb) as x (id bigint)))
            order by joined_to is null, id for no key update";
        if threads.len() < 2 || !self.is_postgres() {
            return Ok(());
        }
        let rows = set(&threads)?;
        on!(self, |conn| sqlx::query(LOCK).bind(workspace).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }
}
