//! Contacts: who they are, and which addresses are theirs. Their conversations are the business of [`super::joins`].

use std::collections::HashMap;

use serde::Serialize;

use super::search::words;
use super::statement::Statement;
use super::{Dialect, Page, PageRequest, Position, Result, Tx, on, set};
use crate::domain::{AddressId, ContactId, ConversationId, Timestamp, WorkspaceId};

/// Words of a search that are looked at.
const MAX_WORDS: usize = 8;
/// Behind every text that begins with what stands before it, byte by byte.
const BEHIND: char = char::MAX;

/// A contact as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ContactRow {
    /// Their id.
    pub id: ContactId,
    /// What they are called.
    pub name: String,
    /// What the team knows of them.
    pub notes: Option<String>,
    /// When they were written down.
    pub created_at: Timestamp,
    /// When anything of theirs changed last.
    pub updated_at: Timestamp,
}

/// Which contacts are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct ContactFilter<'a> {
    /// Every word of it begins a word of their name.
    pub q: Option<&'a str>,
    /// This address is theirs.
    pub address: Option<AddressId>,
}

#[derive(Serialize)]
struct NewWord<'a> {
    word: &'a str,
}

impl Tx {
    /// Holds off every other change of contacts in the workspace, and new conversations, until the end of this unit of
    /// work.
    pub async fn lock_contacts(&mut self, workspace: WorkspaceId) -> Result<()> {
        const SQL: &str = "select pg_advisory_xact_lock(7302, hashtext($1::text))";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(SQL).bind(workspace).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Holds off changes of contacts, while others may do the same.
    pub(super) async fn share_contacts(&mut self, workspace: WorkspaceId) -> Result<()> {
        const SQL: &str = "select pg_advisory_xact_lock_shared(7302, hashtext($1::text))";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(SQL).bind(workspace).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Stores a contact without addresses.
    pub async fn insert_contact(
        &mut self,
        workspace: WorkspaceId,
        (name, notes): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<ContactId> {
        const SQL: &str = "insert into contacts (workspace_id, name, notes, created_at, updated_at)
            values ($1, $2, $3, $4, $4) returning id";
        let id = on!(self, |conn| {
            sqlx::query_scalar(SQL).bind(workspace).bind(name).bind(notes).bind(now).fetch_one(conn).await
        })?;
        self.put_words(workspace, id, name).await?;
        Ok(id)
    }

    /// Writes what a contact is called and what is known of them; false when there is none.
    pub async fn put_contact(
        &mut self,
        workspace: WorkspaceId,
        id: ContactId,
        (name, notes): (&str, Option<&str>),
        now: Timestamp,
    ) -> Result<bool> {
        const SQL: &str =
            "update contacts set name = $3, notes = $4, updated_at = $5 where workspace_id = $1 and id = $2";
        let done = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(id).bind(name).bind(notes).bind(now);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        if done == 1 {
            self.put_words(workspace, id, name).await?;
        }
        Ok(done == 1)
    }

    async fn put_words(&mut self, workspace: WorkspaceId, id: ContactId, name: &str) -> Result<()> {
        const FORGET: &str = "delete from contact_words where workspace_id = $1 and contact_id = $2";
        const INSERT: Dialect = Dialect {
            sqlite: "insert into contact_words (workspace_id, word, contact_id)
                select $1, value ->> 'word', $2 from jsonb_each($3) where true on conflict do nothing",
            postgres: "insert into contact_words (workspace_id, word, contact_id)
                select $1, word, $2 from jsonb_to_recordset($3::jsonb) as x (word text) on conflict do nothing",
        };
        on!(self, |conn| sqlx::query(FORGET).bind(workspace).bind(id).execute(conn).await.map(drop))?;
        let words = words(name);
        let rows: Vec<NewWord<'_>> =
            words.split(' ').filter(|word| !word.is_empty()).map(|word| NewWord { word }).collect();
        let (sql, rows) = (INSERT.pick(self), set(&rows)?);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(id).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Lets a contact go that has no addresses any more.
    pub async fn delete_contact(&mut self, workspace: WorkspaceId, id: ContactId) -> Result<()> {
        const LEAVE: &str = "update conversations set contact_id = null where workspace_id = $1 and contact_id = $2";
        const SQL: &str = "delete from contacts where workspace_id = $1 and id = $2";
        for sql in [LEAVE, SQL] {
            on!(self, |conn| sqlx::query(sql).bind(workspace).bind(id).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Notes that something of a contact's has changed.
    pub async fn touch_contact(&mut self, workspace: WorkspaceId, id: ContactId, now: Timestamp) -> Result<()> {
        const SQL: &str = "update contacts set updated_at = $3 where workspace_id = $1 and id = $2";
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(id).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Contacts of those ids.
    pub async fn load_contacts(&mut self, workspace: WorkspaceId, ids: &[ContactId]) -> Result<Vec<ContactRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, name, notes, created_at, updated_at from contacts
                where workspace_id = $1 and id in (select value from jsonb_each($2)) order by id",
            postgres: "select id, name, notes, created_at, updated_at from contacts where workspace_id = $1
                and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb))) order by id",
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&ids)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// One contact.
    pub async fn find_contact(&mut self, workspace: WorkspaceId, id: ContactId) -> Result<Option<ContactRow>> {
        Ok(self.load_contacts(workspace, &[id]).await?.pop())
    }

    /// Contacts of a workspace, the oldest first.
    pub async fn list_contacts(
        &mut self,
        workspace: WorkspaceId,
        filter: ContactFilter<'_>,
        page: PageRequest,
    ) -> Result<Page<ContactRow>> {
        let mut query = Statement::new(
            "select c.id, c.name, c.notes, c.created_at, c.updated_at from contacts c where c.workspace_id = ",
        );
        query.bind(workspace).push(" and c.id > ").bind(page.lower_bound().id);
        if let Some(address) = filter.address {
            query.push(" and c.id = (select a.contact_id from contact_addresses a where a.workspace_id = ");
            query.bind(workspace).push(" and a.address_id = ").bind(address).push(")");
        }
        let asked = filter.q.map(words).unwrap_or_default();
        if filter.q.is_some() && asked.trim().is_empty() {
            return Ok(Page { data: Vec::new(), next: None });
        }
        for word in asked.split(' ').filter(|word| !word.is_empty()).take(MAX_WORDS) {
            query.push(" and c.id in (select w.contact_id from contact_words w where w.workspace_id = ");
            query.bind(workspace).push(" and w.word >= ").bind(word.to_owned());
            query.push(" and w.word < ").bind(format!("{word}{BEHIND}")).push(")");
        }
        query.push(" order by c.id limit ").bind(page.limit + 1);
        let rows: Vec<ContactRow> = query.fetch_all(self).await?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: row.id.0 }))
    }

    /// Whose those addresses are, where they are somebody's.
    pub async fn contacts_of(
        &mut self,
        workspace: WorkspaceId,
        addresses: &[AddressId],
    ) -> Result<HashMap<AddressId, ContactId>> {
        const SQL: Dialect = Dialect {
            sqlite: "select address_id, contact_id from contact_addresses
                where workspace_id = $1 and address_id in (select value from jsonb_each($2))",
            postgres: "select address_id, contact_id from contact_addresses where workspace_id = $1
                and address_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        if addresses.is_empty() {
            return Ok(HashMap::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&addresses)?);
        let rows: Vec<(AddressId, ContactId)> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?;
        Ok(rows.into_iter().collect())
    }

    /// The addresses of those contacts.
    pub async fn addresses_of(
        &mut self,
        workspace: WorkspaceId,
        contacts: &[ContactId],
    ) -> Result<Vec<(ContactId, AddressId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "select contact_id, address_id from contact_addresses
                where workspace_id = $1 and contact_id in (select value from jsonb_each($2)) order by contact_id, address_id",
            postgres: "select contact_id, address_id from contact_addresses where workspace_id = $1
                and contact_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                order by contact_id, address_id",
        };
        if contacts.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&contacts)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// Gives addresses that are nobody's to a contact.
    pub async fn give_addresses(
        &mut self,
        workspace: WorkspaceId,
        contact: ContactId,
        addresses: &[AddressId],
        now: Timestamp,
    ) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into contact_addresses (workspace_id, address_id, contact_id, created_at)
                select $1, value, $2, $4 from jsonb_each($3)",
            postgres: "insert into contact_addresses (workspace_id, address_id, contact_id, created_at)
                select $1, value::bigint, $2, $4 from jsonb_array_elements_text($3::jsonb)",
        };
        let (sql, ids) = (SQL.pick(self), set(&addresses)?);
        on!(self, |conn| {
            sqlx::query(sql).bind(workspace).bind(contact).bind(ids).bind(now).execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// Takes one address from a contact; false when it was not theirs.
    pub async fn take_address(
        &mut self,
        workspace: WorkspaceId,
        contact: ContactId,
        address: AddressId,
    ) -> Result<bool> {
        const SQL: &str =
            "delete from contact_addresses where workspace_id = $1 and address_id = $3 and contact_id = $2";
        let done = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(contact).bind(address);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Takes every address from a contact, and gives them to another where one is named.
    pub async fn move_addresses(
        &mut self,
        workspace: WorkspaceId,
        from: ContactId,
        to: Option<ContactId>,
    ) -> Result<()> {
        const MOVE: &str = "update contact_addresses set contact_id = $3 where workspace_id = $1 and contact_id = $2";
        const FORGET: &str = "delete from contact_addresses where workspace_id = $1 and contact_id = $2";
        on!(self, |conn| match to {
            Some(to) => sqlx::query(MOVE).bind(workspace).bind(from).bind(to).execute(conn).await.map(drop),
            None => sqlx::query(FORGET).bind(workspace).bind(from).execute(conn).await.map(drop),
        })?;
        Ok(())
    }

    /// Whoever else is in a conversation of one of those addresses and one other, as far as they are contacts.
    pub async fn neighbours_of(&mut self, workspace: WorkspaceId, addresses: &[AddressId]) -> Result<Vec<ContactId>> {
        const SQL: Dialect = Dialect {
            sqlite: "select distinct c.contact_id from participants p
                join participants q on q.workspace_id = p.workspace_id and q.conversation_id = p.conversation_id
                join contact_addresses c on c.workspace_id = q.workspace_id and c.address_id = q.address_id
                where p.workspace_id = $1 and p.address_id in (select value from jsonb_each($2))
                  and (select count(*) from participants r
                    where r.workspace_id = p.workspace_id and r.conversation_id = p.conversation_id) = 2",
            postgres: "select distinct c.contact_id from participants p
                join participants q on q.workspace_id = p.workspace_id and q.conversation_id = p.conversation_id
                join contact_addresses c on c.workspace_id = q.workspace_id and c.address_id = q.address_id
                where p.workspace_id = $1
                  and p.address_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
                  and (select count(*) from participants r
                    where r.workspace_id = p.workspace_id and r.conversation_id = p.conversation_id) = 2",
        };
        let (sql, ids) = (SQL.pick(self), set(&addresses)?);
        Ok(on!(self, |conn| sqlx::query_scalar(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// The conversation that is shown of each of those contacts.
    pub async fn conversations_with(
        &mut self,
        workspace: WorkspaceId,
        contacts: &[ContactId],
    ) -> Result<Vec<(ContactId, ConversationId)>> {
        const SQL: Dialect = Dialect {
            sqlite: "select contact_id, id from conversations where workspace_id = $1 and joined_to is null
                and contact_id in (select value from jsonb_each($2))",
            postgres: "select contact_id, id from conversations where workspace_id = $1 and joined_to is null
                and contact_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        if contacts.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&contacts)?);
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// What the contact is called with whom a conversation is.
    pub async fn find_contact_with(
        &mut self,
        workspace: WorkspaceId,
        conversation: ConversationId,
    ) -> Result<Option<String>> {
        const SQL: &str = "select t.name from conversations c
            join contacts t on t.workspace_id = c.workspace_id and t.id = c.contact_id
            where c.workspace_id = $1 and c.id = $2";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(conversation).fetch_optional(conn).await)?)
    }

    /// In how many conversations an address takes part, counted up to so many.
    pub async fn count_conversations_of(
        &mut self,
        workspace: WorkspaceId,
        address: AddressId,
        most: i64,
    ) -> Result<i64> {
        const SQL: &str = "select count(*) from (select 1 from participants
            where workspace_id = $1 and address_id = $2 limit $3) x";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(address).bind(most).fetch_one(conn).await)?)
    }

    /// Whether an address is the workspace's own, by the last message of each of its conversations: it went out from
    /// there, or came in from another and to there alone.
    pub async fn is_own_address(&mut self, workspace: WorkspaceId, address: AddressId) -> Result<bool> {
        const SQL: &str = "select exists (select 1 from participants p
            join conversations c on c.workspace_id = p.workspace_id and c.id = p.conversation_id
            join messages m on m.workspace_id = c.workspace_id and m.id = c.last_message_id
            where p.workspace_id = $1 and p.address_id = $2 and (m.direction = 'outbound' and m.from_id = $2
              or m.direction = 'inbound' and m.from_id <> $2
                and exists (select 1 from recipients r
                  where r.workspace_id = $1 and r.message_id = m.id and r.address_id = $2)
                and not exists (select 1 from recipients r
                  where r.workspace_id = $1 and r.message_id = m.id and r.address_id <> $2)))";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(address).fetch_one(conn).await)?)
    }
}
