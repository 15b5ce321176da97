//! Full-text search, filled in sets right behind the commit, in the order of the log.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Dialect, Result, Store, Tx, on, set};
use crate::domain::{
    AddressId, Caller, Channel, ConversationId, Event, EventId, EventKind, MessageId, Sight, UserId, WorkspaceId,
    is_html, render,
};

/// Bytes of a body that are searched: as much as PostgreSQL takes into one vector.
const MAX_INDEXED: usize = 200_000;
/// Events a step: a writer of SQLite waits for one step at most.
const STEP: i64 = 300;
/// Messages with the words, newest first, whose conversations are found.
const MAX_HITS: i64 = 10_000;

#[derive(Serialize)]
struct Entry {
    workspace: WorkspaceId,
    id: MessageId,
    subject: String,
    body: String,
}

/// Hits that the caller may see: those in numbers, when they see these, and those of their own chats from where they
/// joined. Then the conversations in which somebody takes part.
macro_rules! search {
    ($hits:literal, $matches:literal, $id:literal) => {
        concat!(
            "select h.conversation_id from (select m.conversation_id from ",
            $hits,
            " where ",
            $matches,
            " and m.workspace_id = $1 and m.deleted_at is null
              and case when m.channel <> 'chat' then $6 = 1 when $7 = 1 then true else exists (select 1 from members x
                where x.workspace_id = m.workspace_id and x.conversation_id = m.conversation_id and x.user_id = $5
                  and x.left_at is null and x.first_message_id <= m.id) end
              order by ",
            $id,
            " desc limit $4) h
            union select p.conversation_id from (select conversation_id from participants
              where workspace_id = $1 and address_id = $3 order by conversation_id desc limit $4) p
            union select y.conversation_id from (select conversation_id from members
              where workspace_id = $1 and user_id = $8 and left_at is null order by conversation_id desc limit $4) y"
        )
    };
}

impl Store {
    /// Makes the next messages of the log searchable; false when there were none.
    ///
    /// Several processes may do it at once: only one of them moves the mark.
    pub async fn index_step(&self) -> Result<bool> {
        let mut tx = self.read().await?;
        let mark = tx.search_mark().await?;
        let events = tx.list_events(EventId(mark), STEP).await?;
        let Some(last) = events.last().map(|event| event.id) else { return Ok(false) };
        let (entries, stale) = tx.entries(&events).await?;
        drop(tx);
        let mut tx = self.begin().await?;
        if tx.move_search_mark(mark, last.0).await? {
            for (workspace, messages) in &stale {
                tx.forget_entries(*workspace, messages).await?;
            }
            tx.insert_entries(&entries).await?;
            tx.commit().await?;
        }
        Ok(true)
    }
}

impl Tx {
    /// Up to which event search has taken the log.
    pub(super) async fn search_mark(&mut self) -> Result<i64> {
        const SQL: &str = "select value from settings where name = 'search_mark'";
        let mark: Option<String> = on!(self, |conn| sqlx::query_scalar(SQL).fetch_optional(conn).await)?;
        Ok(mark.and_then(|mark| mark.parse().ok()).unwrap_or(0))
    }

    async fn move_search_mark(&mut self, from: i64, to: i64) -> Result<bool> {
        const SQL: &str = "insert into settings (name, value) values ('search_mark', $2)
            on conflict (name) do update set value = excluded.value where settings.value = $1";
        let moved = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(from.to_string()).bind(to.to_string());
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(moved == 1)
    }

    /// What the events make searchable, and the entries whose messages say something else now.
    async fn entries(&mut self, events: &[Event]) -> Result<(Vec<Entry>, BTreeMap<WorkspaceId, Vec<MessageId>>)> {
        let mut by_workspace: BTreeMap<WorkspaceId, BTreeSet<MessageId>> = BTreeMap::new();
        let mut stale: BTreeMap<WorkspaceId, Vec<MessageId>> = BTreeMap::new();
        for event in events {
            let Some(message) = event.message_id else { continue };
            let is_changed = matches!(event.kind, EventKind::MessageEdited | EventKind::MessageDeleted);
            if is_changed {
                stale.entry(event.workspace_id).or_default().push(message);
            }
            if is_changed || matches!(event.kind, EventKind::MessageAccepted | EventKind::MessageReceived) {
                by_workspace.entry(event.workspace_id).or_default().insert(message);
            }
        }
        let mut entries = Vec::new();
        for (workspace, ids) in by_workspace {
            let rows = self.load_messages(workspace, &ids.into_iter().collect::<Vec<_>>()).await?;
            for row in rows.into_iter().filter(|row| row.deleted_at.is_none()) {
                let is_html = row.channel == Channel::Email && is_html(&row.body);
                let body = if is_html { render(&row.body).text } else { row.body };
                let subject = words(row.subject.as_deref().unwrap_or_default());
                entries.push(Entry { workspace, id: row.id, subject, body: words(&body) });
            }
        }
        Ok((entries, stale))
    }

    /// Takes messages out of the search.
    pub(super) async fn forget_entries(&mut self, workspace: WorkspaceId, messages: &[MessageId]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "delete from message_search where $1 >= 0 and rowid in (select value from jsonb_each($2))",
            postgres: "delete from message_search where workspace_id = $1
                and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&messages)?;
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(ids).execute(conn).await.map(drop))?;
        Ok(())
    }

    async fn insert_entries(&mut self, entries: &[Entry]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "insert into message_search (rowid, subject, body)
                select value ->> 'id', value ->> 'subject', value ->> 'body' from jsonb_each($1)",
            postgres: "insert into message_search (workspace_id, message_id, words)
                select workspace, id, to_tsvector('simple', subject || ' ' || body)
                from json_to_recordset($1::json) as x (workspace bigint, id bigint, subject text, body text)
                on conflict do nothing",
        };
        if entries.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let rows = set(&entries)?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// The conversations with a message that holds every word and that the caller may see, or in which that address or
    /// that person takes part. Whether the caller sees each of them at all is for the list to decide.
    pub(super) async fn search_conversations(
        &mut self,
        caller: &Caller,
        q: &str,
        (address, person): (AddressId, UserId),
    ) -> Result<Vec<ConversationId>> {
        const SQL: Dialect = Dialect {
            sqlite: search!(
                "message_search s cross join messages m on m.id = s.rowid",
                "message_search match $2",
                "s.rowid"
            ),
            postgres: search!(
                "message_search s join messages m on m.workspace_id = s.workspace_id and m.id = s.message_id",
                "s.workspace_id = $1 and s.words @@ plainto_tsquery('simple', $2)",
                "s.message_id"
            ),
        };
        let words = words(q);
        let query = match (&self.conn, words.is_empty()) {
            (_, true) => "\"\"".to_owned(),
            (super::Conn::Sqlite(_), false) => {
                words.split(' ').map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" ")
            }
            (super::Conn::Postgres(_), false) => words,
        };
        let (sees_numbers, sees_chats, user) = match caller.sight() {
            Sight::All => (1, 1, UserId(0)),
            Sight::Numbers => (1, 0, UserId(0)),
            Sight::Person { user, sees_numbers } => (i64::from(sees_numbers), 0, user),
        };
        let sql = SQL.pick(self);
        let found: Vec<(ConversationId,)> = on!(self, |conn| {
            let search = sqlx::query_as(sql).bind(caller.workspace).bind(query).bind(address).bind(MAX_HITS);
            search.bind(user).bind(sees_numbers).bind(sees_chats).bind(person).fetch_all(conn).await
        })?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }
}

/// The words of a text in lower case, one space between them: the same on both databases.
pub(super) fn words(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_INDEXED);
    let mut words = String::new();
    for word in text[..end].split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        if !words.is_empty() {
            words.push(' ');
        }
        words.extend(word.chars().flat_map(char::to_lowercase));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_text_becomes_its_words() {
        assert_eq!(words("Hello, WORLD! it's <b>Ärger</b> 24/7"), "hello world it s b ärger b 24 7");
        assert_eq!(words("\"*^ --"), "");
    }
}
