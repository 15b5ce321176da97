//! The people of a workspace, and what one of them and others said to each other (contract E).

use std::collections::HashMap;

use super::types::{Listed, PAGE_BYTES};
use super::{Dialect, Page, PageRequest, Position, Result, Tx, UserRow, handle, on, set};
use crate::domain::{MessageId, Timestamp, UserId, WorkspaceId};

/// What one person said to another.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SaidRow {
    /// The message.
    pub id: MessageId,
    /// Who said it.
    pub author_id: UserId,
    /// To whom.
    pub recipient_id: UserId,
    /// What.
    pub body: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was said.
    pub occurred_at: Timestamp,
    /// When the recipient's client fetched it.
    pub delivered_at: Option<Timestamp>,
    /// When the recipient read it.
    pub read_at: Option<Timestamp>,
}

macro_rules! said {
    ($($rest:literal),+) => {
        concat!(
            "select m.id, m.author_id, m.recipient_id, m.body, m.created_at, m.occurred_at,
                r.delivered_at, r.read_at",
            $($rest),+
        )
    };
}

impl Tx {
    /// The people of a workspace, by their ids.
    pub async fn list_colleagues(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<UserRow>> {
        const SQL: &str = "select u.id, u.username, u.first_name, u.last_name, u.email_id, u.mobile_id,
                u.pending_email_id, u.password_hash, u.created_at, u.modified_at, u.mobile_verified_at,
                u.email_verified_at, u.failures, u.locked_at, u.totp_since
            from (select user_id from memberships where workspace_id = $1 and user_id > $2 order by user_id limit $3) p
            cross join users u where u.id = p.user_id order by u.id";
        let after = page.after.map_or(0, |position| position.id);
        let limit = page.limit + 1;
        let rows: Vec<UserRow> =
            on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(after).bind(limit).fetch_all(conn).await)?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: row.id.0 }))
    }

    /// The ids of people of a workspace by their handles.
    pub async fn find_colleagues(
        &mut self,
        workspace: WorkspaceId,
        usernames: &[String],
    ) -> Result<HashMap<String, UserId>> {
        const SQL: Dialect = Dialect {
            sqlite: "select u.handle, u.id from users u
                join memberships p on p.workspace_id = $1 and p.user_id = u.id
                where u.handle in (select value from jsonb_each($2))",
            postgres: "select u.handle, u.id from users u
                join memberships p on p.workspace_id = $1 and p.user_id = u.id
                where u.handle = any(array(select jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let handles = set(&usernames.iter().map(|name| handle(name)).collect::<Vec<_>>())?;
        let rows: Vec<(String, UserId)> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(handles).fetch_all(conn).await)?;
        Ok(rows.into_iter().collect())
    }

    /// What somebody said to others one by one, and these to them, since then, the newest first; `is_theirs` leaves out what
    /// stands in conversations that they have left.
    pub async fn list_said(
        &mut self,
        workspace: WorkspaceId,
        (user, since, is_theirs): (UserId, Timestamp, bool),
        page: PageRequest,
    ) -> Result<Page<SaidRow>> {
        const SQL: &str = said!(
            ", p.listed from (select x.id, x.at, x.size, count(*) over () as listed,
                sum(x.size) over (order by x.at desc, x.id desc rows unbounded preceding) - x.size as above
             from (select u.id, u.at, (select octet_length(b.body) from messages b
                where b.workspace_id = $1 and b.id = u.id) as size
             from (select s.* from (select m.id, m.occurred_at as at from messages m
                    where m.workspace_id = $1 and m.author_id = $2 and m.recipient_id is not null
                      and m.occurred_at >= $3 and (m.occurred_at, m.id) < ($4, $5) and m.deleted_at is null
                      and (not $7 or exists (select 1 from members y where y.workspace_id = m.workspace_id
                        and y.conversation_id = m.conversation_id and y.user_id = $2 and y.left_at is null
                        and y.first_message_id <= m.id))
                    order by m.occurred_at desc, m.id desc limit $6) s
                union all select s.* from (select m.id, m.occurred_at as at from messages m
                    where m.workspace_id = $1 and m.recipient_id = $2
                      and m.occurred_at >= $3 and (m.occurred_at, m.id) < ($4, $5) and m.deleted_at is null
                      and (not $7 or exists (select 1 from members y where y.workspace_id = m.workspace_id
                        and y.conversation_id = m.conversation_id and y.user_id = $2 and y.left_at is null
                        and y.first_message_id <= m.id))
                    order by m.occurred_at desc, m.id desc limit $6) s) u
                order by u.at desc, u.id desc limit $6) x) p
             cross join messages m
             left join receipts r on r.workspace_id = m.workspace_id and r.message_id = m.id
                and r.user_id = m.recipient_id
             where m.workspace_id = $1 and m.id = p.id and (p.above = 0 or p.above + p.size <= $8)
             order by p.at desc, p.id desc"
        );
        let before = page.upper_bound();
        let limit = page.limit + 1;
        let rows: Vec<Listed<SaidRow>> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(user).bind(since).bind(before.at).bind(before.id);
            query.bind(limit).bind(is_theirs).bind(PAGE_BYTES).fetch_all(conn).await
        })?;
        Ok(Page::of(rows, page.limit, |row| Position { at: row.occurred_at, id: row.id.0 }))
    }

    /// What one person said to another in one message.
    pub async fn find_said(&mut self, workspace: WorkspaceId, message: MessageId) -> Result<Option<SaidRow>> {
        const SQL: &str = said!(
            " from messages m left join receipts r on r.workspace_id = m.workspace_id and r.message_id = m.id
                and r.user_id = m.recipient_id
             where m.workspace_id = $1 and m.id = $2 and m.recipient_id is not null"
        );
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(message).fetch_optional(conn).await)?)
    }
}
