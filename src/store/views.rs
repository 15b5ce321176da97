//! What somebody sees of a conversation, and where that is: the conversation itself, or the one in which it is shown.

use super::{Bearing, Dialect, MessageRow, Result, Tx, on, set};
use crate::domain::{Caller, ConversationId, ConversationKind, MessageId, Sight, Timestamp, UserId, WorkspaceId};

/// How often a conversation is looked at again that was joined or split while its lock was waited for.
const TRIES: usize = 5;

/// Where a message, a note or an act stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The conversation of its own participants.
    pub id: ConversationId,
    /// The one in which that is shown: the same, unless it is joined with others.
    pub shown: ConversationId,
}

impl Place {
    /// In a conversation that is joined with no other.
    pub fn alone(id: ConversationId) -> Self {
        Self { id, shown: id }
    }
}

/// What somebody sees of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Which one was asked for.
    pub asked: ConversationId,
    /// The one that is shown.
    pub id: ConversationId,
    /// Between whom it is.
    pub kind: ConversationKind,
    /// Nothing before this message.
    pub since: MessageId,
    /// Whether they take part in it as a person.
    pub is_member: bool,
    /// Whether they have not taken it on yet.
    pub is_request: bool,
    /// Of what it is joined, the one with the newest message first; empty when of nothing.
    pub parts: Vec<ConversationId>,
}

impl View {
    /// Where what is said and done here stands: with the newest message.
    pub fn place(&self) -> Place {
        Place { id: self.parts.first().copied().unwrap_or(self.id), shown: self.id }
    }
}

impl MessageRow {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { id: self.own_conversation_id, shown: self.conversation_id }
    }
}

impl Bearing {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { id: self.own_conversation_id, shown: self.conversation_id }
    }
}

#[derive(sqlx::FromRow)]
struct Seen {
    id: ConversationId,
    kind: ConversationKind,
    joined_to: Option<ConversationId>,
    is_joint: bool,
    first_message_id: Option<MessageId>,
    accepted_at: Option<Timestamp>,
}

impl Tx {
    /// Whether there is such a conversation and the caller sees it.
    pub async fn sees(&mut self, caller: &Caller, id: ConversationId) -> Result<bool> {
        Ok(self.view(caller, id).await?.is_some())
    }

    /// What the caller sees of a conversation; nothing when there is none, or they do not see it.
    ///
    /// A joined one that there is no more leads to the first of what it was joined of, and that may be joined again.
    pub async fn view(&mut self, caller: &Caller, asked: ConversationId) -> Result<Option<View>> {
        let Some(mut seen) = self.see(caller, asked).await? else { return Ok(None) };
        if let Some(next) = seen.joined_to {
            let Some(further) = self.see(caller, next).await? else { return Ok(None) };
            seen = further;
        }
        let first = seen.first_message_id;
        let is_numbers = seen.kind == ConversationKind::Numbers;
        let may_see = match caller.sight() {
            Sight::All => true,
            Sight::Numbers => is_numbers,
            Sight::Person { sees_numbers, .. } => {
                if is_numbers {
                    sees_numbers
                } else {
                    first.is_some()
                }
            }
        };
        if !may_see {
            return Ok(None);
        }
        let parts = if seen.is_joint { self.parts_of(caller.workspace, seen.id).await? } else { Vec::new() };
        let is_request = first.is_some() && seen.accepted_at.is_none();
        let (since, is_member) = (first.unwrap_or(MessageId(0)), first.is_some());
        Ok(Some(View { asked, id: seen.id, kind: seen.kind, since, is_member, is_request, parts }))
    }

    /// The conversation in which another is shown.
    async fn see(&mut self, caller: &Caller, id: ConversationId) -> Result<Option<Seen>> {
        const SQL: &str = "select c.id, c.kind, c.joined_to, c.participants_key like 'contact:%' as is_joint,
                x.first_message_id, x.accepted_at
            from conversations a
            join conversations c on c.workspace_id = a.workspace_id and c.id = coalesce(a.joined_to, a.id)
            left join members x on x.workspace_id = c.workspace_id and x.conversation_id = c.id and x.user_id = $3
                and x.left_at is null
            where a.workspace_id = $1 and a.id = $2";
        let user = caller.user().unwrap_or(UserId(0));
        Ok(on!(self, |conn| {
            sqlx::query_as(SQL).bind(caller.workspace).bind(id).bind(user).fetch_optional(conn).await
        })?)
    }

    /// Of what a conversation is joined, the one with the newest message first.
    pub(super) async fn parts_of(
        &mut self,
        workspace: WorkspaceId,
        joint: ConversationId,
    ) -> Result<Vec<ConversationId>> {
        const SQL: &str = "select id from conversations where workspace_id = $1 and joined_to = $2
            order by coalesce(last_message_id, 0) desc, id";
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(joint).fetch_all(conn).await)?)
    }

    /// The same as [`Tx::view`], with a conversation of the numbers and all of what it is joined locked for a change.
    pub async fn lock_view(&mut self, caller: &Caller, asked: ConversationId) -> Result<Option<View>> {
        const LOCK: &str = "select id from conversations where workspace_id = $1
              and (id = $2 or joined_to = $2 and participants_key not like 'contact:%')
            order by joined_to is null, id for no key update";
        let mut seen = self.view(caller, asked).await?;
        for _ in 0..TRIES {
            let Some(view) = seen.as_ref().filter(|view| view.kind == ConversationKind::Numbers) else { break };
            if !self.is_postgres() {
                break;
            }
            let id = view.id;
            on!(self, |conn| sqlx::query(LOCK).bind(caller.workspace).bind(id).execute(conn).await.map(drop))?;
            let again = self.view(caller, asked).await?;
            let is_same = seen.as_ref().map(|view| (view.id, view.parts.len()))
                == again.as_ref().map(|view| (view.id, view.parts.len()));
            seen = again;
            if is_same {
                break;
            }
        }
        Ok(seen)
    }

    /// Whether a message stands where it is looked for: in the conversation that is shown, or in one that was ever
    /// shown in the one that was asked for.
    pub async fn holds(&mut self, workspace: WorkspaceId, view: &View, place: Place) -> Result<bool> {
        const SQL: &str = "select exists (select 1 from conversation_parts
            where workspace_id = $1 and conversation_id = $2 and part_id = $3)";
        if place.shown == view.id || place.id == view.asked {
            return Ok(true);
        }
        let (asked, part) = (view.asked, place.id);
        Ok(on!(self, |conn| sqlx::query_scalar(SQL).bind(workspace).bind(asked).bind(part).fetch_one(conn).await)?)
    }

    /// The conversations in which those are shown.
    pub(super) async fn shown_of(
        &mut self,
        workspace: WorkspaceId,
        ids: &[ConversationId],
    ) -> Result<Vec<ConversationId>> {
        const SQL: Dialect = Dialect {
            sqlite: "select distinct coalesce(c.joined_to, c.id) from jsonb_each($2) x
                join conversations c on c.workspace_id = $1 and c.id = x.value",
            postgres: "select distinct coalesce(c.joined_to, c.id) from jsonb_array_elements_text($2::jsonb) x
                join conversations c on c.workspace_id = $1 and c.id = x.value::bigint",
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let (sql, ids) = (SQL.pick(self), set(&ids)?);
        Ok(on!(self, |conn| sqlx::query_scalar(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }
}
