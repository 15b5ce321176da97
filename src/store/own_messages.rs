//! What the server itself sent, codes and notices: let go of when it is old, with everything that hangs on it.

use std::collections::BTreeSet;

use super::{Dialect, Result, Tx, on, set};
use crate::domain::{AddressId, ConversationId, MessageId, Timestamp, WorkspaceId};

/// Messages of one statement.
const SET: i64 = 1_000;
/// Addresses that are looked at in one unit of work, and those that are let go in it. That nothing points to one takes a
/// look at all that is left of the workspace: nothing that is sent to others is to pay for an index that says so.
const LOOKED_AT: i64 = 1_000;
const FREED: i64 = 3;

/// Deletes what belongs to a set of messages.
macro_rules! of_messages {
    ($table:literal, $id:literal) => {
        Dialect {
            sqlite: concat!(
                "delete from ",
                $table,
                " where workspace_id = $1 and ",
                $id,
                " in (select value from jsonb_each($2))"
            ),
            postgres: concat!(
                "delete from ",
                $table,
                " where workspace_id = $1 and ",
                $id,
                " = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))"
            ),
        }
    };
}

const MESSAGES: [Dialect; 6] = [
    of_messages!("message_secrets", "message_id"),
    of_messages!("attempts", "message_id"),
    of_messages!("message_events", "message_id"),
    of_messages!("recipients", "message_id"),
    of_messages!("attachments", "message_id"),
    of_messages!("messages", "id"),
];

impl Tx {
    /// Deletes one set of messages of the server's own workspace that nothing is to be done for any more, with their
    /// attempts, events and recipients, and the conversations that hold nothing else; true when there may be more.
    pub async fn forget_own_messages(&mut self, oldest: Timestamp) -> Result<bool> {
        const OLD: Dialect = Dialect {
            sqlite: "select x.id, x.conversation_id from (select m.id, m.conversation_id, m.created_at from messages m
                    where m.workspace_id = $1 order by m.id limit $3) x
                where x.created_at <= $2
                  and not exists (select 1 from outbox o where o.workspace_id = $1 and o.message_id = x.id)",
            postgres:
                "select x.id, x.conversation_id from (select m.id, m.conversation_id, m.created_at from messages m
                    where m.workspace_id = $1 order by m.id limit $3 for update skip locked) x
                where x.created_at <= $2
                  and not exists (select 1 from outbox o where o.workspace_id = $1 and o.message_id = x.id)",
        };
        let sql = OLD.pick(self);
        let old: Vec<(MessageId, ConversationId)> = on!(self, |conn| {
            sqlx::query_as(sql).bind(WorkspaceId::ACCOUNTS).bind(oldest).bind(SET).fetch_all(conn).await
        })?;
        if old.is_empty() {
            return Ok(false);
        }
        let (messages, conversations): (Vec<MessageId>, BTreeSet<ConversationId>) = old.iter().copied().unzip();
        self.forget_entries(WorkspaceId::ACCOUNTS, &messages).await?;
        let ids = set(&messages)?;
        for dialect in &MESSAGES {
            let sql = dialect.pick(self);
            on!(self, |conn| sqlx::query(sql).bind(WorkspaceId::ACCOUNTS).bind(&ids).execute(conn).await.map(drop))?;
        }
        self.forget_empty_conversations(&conversations).await?;
        Ok(i64::try_from(old.len()) == Ok(SET))
    }

    /// Lets conversations go that hold nothing any more.
    async fn forget_empty_conversations(&mut self, ids: &BTreeSet<ConversationId>) -> Result<()> {
        const EMPTY: Dialect = Dialect {
            sqlite: "select c.id from jsonb_each($2) x join conversations c on c.workspace_id = $1 and c.id = x.value
                where not exists (select 1 from messages m where m.workspace_id = $1 and m.conversation_id = c.id)",
            postgres: "select c.id from conversations c where c.workspace_id = $1
                  and c.id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                  and not exists (select 1 from messages m where m.workspace_id = $1 and m.conversation_id = c.id)
                order by c.id for update skip locked",
        };
        const PARTICIPANTS: Dialect = Dialect {
            sqlite: "delete from participants where workspace_id = $1
                and conversation_id in (select value from jsonb_each($2))",
            postgres: "delete from participants where workspace_id = $1
                and conversation_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        const CONVERSATIONS: Dialect = of_messages!("conversations", "id");
        let (workspace, wanted, sql) = (WorkspaceId::ACCOUNTS, set(ids)?, EMPTY.pick(self));
        let empty: Vec<ConversationId> =
            on!(self, |conn| sqlx::query_scalar(sql).bind(workspace).bind(wanted).fetch_all(conn).await)?;
        if empty.is_empty() {
            return Ok(());
        }
        let ids = set(&empty)?;
        let sql = PARTICIPANTS.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(&ids).execute(conn).await.map(drop))?;
        let sql = CONVERSATIONS.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(ids).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Looks at the next addresses of the server's own workspace, and lets a few of those go that no account and no
    /// conversation has; true when there may be more.
    pub async fn forget_orphan_addresses(&mut self) -> Result<bool> {
        const NEXT: &str = "select id from addresses where workspace_id = $1 and id > $2 order by id limit $3";
        // on PostgreSQL looked up one by one: a join would read all accounts
        const ORPHANS: Dialect = Dialect {
            sqlite: "select a.id from jsonb_each($2) x join addresses a on a.workspace_id = $1 and a.id = x.value
                where not exists (select 1 from users u where u.email_id = a.id)
                  and not exists (select 1 from users u where u.mobile_id = a.id)
                  and not exists (select 1 from users u where u.pending_email_id = a.id)
                  and not exists (select 1 from participants p where p.workspace_id = $1 and p.address_id = a.id)
                order by a.id limit $3",
            postgres: "select a.id from addresses a where a.workspace_id = $1
                  and a.id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                  and (select u.id from users u where u.email_id = a.id limit 1) is null
                  and (select u.id from users u where u.mobile_id = a.id limit 1) is null
                  and (select u.id from users u where u.pending_email_id = a.id limit 1) is null
                  and (select p.address_id from participants p
                    where p.workspace_id = $1 and p.address_id = a.id limit 1) is null
                order by a.id limit $3",
        };
        let workspace = WorkspaceId::ACCOUNTS;
        let mark = self.addresses_mark().await?;
        let next: Vec<AddressId> = on!(self, |conn| sqlx::query_scalar(NEXT)
            .bind(workspace)
            .bind(mark)
            .bind(LOOKED_AT)
            .fetch_all(conn)
            .await)?;
        let (sql, looked_at) = (ORPHANS.pick(self), set(&next)?);
        let orphans: Vec<AddressId> = on!(self, |conn| {
            sqlx::query_scalar(sql).bind(workspace).bind(looked_at).bind(FREED).fetch_all(conn).await
        })?;
        self.forget_addresses(&orphans).await?;
        let last = if i64::try_from(orphans.len()) == Ok(FREED) { orphans.last() } else { next.last() };
        let is_end = i64::try_from(next.len()) != Ok(LOOKED_AT) && last == next.last();
        self.put_addresses_mark(last.filter(|_| !is_end).map_or(0, |id| id.0)).await?;
        Ok(i64::try_from(orphans.len()) == Ok(FREED))
    }

    async fn addresses_mark(&mut self) -> Result<i64> {
        const SQL: &str = "select value from settings where name = 'addresses_mark'";
        let found: Option<String> = on!(self, |conn| sqlx::query_scalar(SQL).fetch_optional(conn).await)?;
        Ok(found.and_then(|text| text.parse().ok()).unwrap_or(0))
    }

    async fn put_addresses_mark(&mut self, mark: i64) -> Result<()> {
        const SQL: &str = "insert into settings (name, value) values ('addresses_mark', $1)
            on conflict (name) do update set value = excluded.value";
        on!(self, |conn| sqlx::query(SQL).bind(mark.to_string()).execute(conn).await.map(drop))?;
        Ok(())
    }
}
