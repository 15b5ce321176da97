//! The list of conversations: only those that its caller sees, found by an index whoever asks.

use std::collections::BTreeSet;

use super::conversations::columns;
use super::statement::Statement;
use super::types::{Listed, PAGE_BYTES};
use super::{
    AssigneeFilter, ConversationFilter, ConversationRow, Dialect, Page, PageRequest, Position, Result, Tx, on, set,
};
use crate::domain::{
    Address, AddressId, Caller, Channel, ConversationId, ConversationState, LabelId, Sight, UserId, WorkspaceId,
};

/// A set of conversations that stands in one index in the order of the list. What somebody sees is one or two of them.
#[derive(Debug, Clone, Copy)]
enum Source {
    All,
    /// Those of the numbers that stand so.
    Numbers(ConversationState),
    Own(UserId),
    /// Those of the numbers that stand so and that nobody has read to the end; chats count nothing there.
    Unread(ConversationState),
    /// Those of the numbers that this person answers and that stand so.
    Assigned(UserId, ConversationState),
    /// Those of the numbers that have this label.
    Labelled(LabelId),
}

/// What the list is narrowed to, as ids.
#[derive(Debug, Default)]
struct Narrow {
    bits: i64,
    /// This address takes part, or this person does; 0 for neither. Only where that are many: few are among the found.
    participant: Option<(AddressId, UserId)>,
    /// Among these alone, as a set.
    found: Option<String>,
    state: Option<ConversationState>,
    assignee: Option<Assignee>,
    label: Option<LabelId>,
    is_unread: bool,
}

/// Whose conversations are wanted.
#[derive(Debug, Clone, Copy)]
enum Assignee {
    Nobody,
    Person(UserId),
}

/// Cuts a page by the sizes of its last messages before any of these is read: `above` is what stands before a row.
const CUT: &str = "from (select s.id, s.at, s.size, count(*) over () as listed,
        sum(s.size) over (order by s.at desc, s.id desc rows unbounded preceding) - s.size as above
    from (select u.id, u.at, coalesce(";

/// From how many conversations of a participant on the list is walked until a page is full; fewer are read one by one.
const MANY: i64 = 1_000;

const STATES: [ConversationState; 3] = [ConversationState::Open, ConversationState::Snoozed, ConversationState::Closed];

impl Source {
    fn of(sight: Sight, narrow: &Narrow) -> Vec<Self> {
        if let Some(sources) = narrow.sources() {
            let sees_numbers = !matches!(sight, Sight::Person { sees_numbers: false, .. });
            return if sees_numbers { sources } else { Vec::new() };
        }
        let numbers = || STATES.map(if narrow.is_unread { Self::Unread } else { Self::Numbers }).to_vec();
        match sight {
            Sight::All if !narrow.is_unread => vec![Self::All],
            Sight::All | Sight::Numbers => numbers(),
            Sight::Person { user, sees_numbers: false } => vec![Self::Own(user)],
            Sight::Person { user, sees_numbers: true } => numbers().into_iter().chain([Self::Own(user)]).collect(),
        }
    }

    /// The column by which it is joined to the found.
    fn id(self) -> &'static str {
        match self {
            Self::All | Self::Numbers(_) | Self::Unread(_) | Self::Assigned(..) => " and c.id = f.id",
            Self::Own(_) => " and y.conversation_id = f.id",
            Self::Labelled(_) => " and l.conversation_id = f.id",
        }
    }

    /// From where they come, to the end of the first condition.
    fn push(self, query: &mut Statement, workspace: WorkspaceId) {
        match self {
            Self::All => query.push("conversations c where c.joined_to is null and c.workspace_id = ").bind(workspace),
            Self::Numbers(state) => query
                .push("conversations c where c.joined_to is null and c.workspace_id = ")
                .bind(workspace)
                .push(" and c.kind = 'numbers' and c.state = ")
                .bind(state.as_str().to_owned()),
            Self::Unread(state) => query
                .push("conversations c where c.unread_count > 0 and c.joined_to is null and c.workspace_id = ")
                .bind(workspace)
                .push(" and c.state = ")
                .bind(state.as_str().to_owned()),
            Self::Own(user) => query
                .push("members y cross join conversations c where y.workspace_id = ")
                .bind(workspace)
                .push(" and y.user_id = ")
                .bind(user)
                .push(
                    " and y.left_at is null and c.workspace_id = y.workspace_id and c.id = y.conversation_id
                      and c.kind <> 'numbers'",
                ),
            Self::Assigned(user, state) => query
                .push("conversations c where c.joined_to is null and c.workspace_id = ")
                .bind(workspace)
                .push(" and c.assignee_id = ")
                .bind(user)
                .push(" and c.state = ")
                .bind(state.as_str().to_owned()),
            Self::Labelled(label) => query
                .push("conversation_labels l cross join conversations c where l.workspace_id = ")
                .bind(workspace)
                .push(" and l.label_id = ")
                .bind(label.0)
                .push(" and c.workspace_id = l.workspace_id and c.id = l.conversation_id and c.joined_to is null"),
        };
    }
}

impl Narrow {
    /// The sets to which what is asked of the team leads; nothing when nothing is asked. Only conversations of the
    /// numbers are snoozed, closed, assigned or labelled.
    fn sources(&self) -> Option<Vec<Source>> {
        if let Some(label) = self.label {
            return Some(vec![Source::Labelled(label)]);
        }
        let states = self.state.map_or_else(|| STATES.to_vec(), |state| vec![state]);
        match (self.assignee, self.state) {
            (Some(Assignee::Person(user)), _) => {
                Some(states.into_iter().map(|state| Source::Assigned(user, state)).collect())
            }
            (None, None) => None,
            (_, _) if self.is_unread => Some(states.into_iter().map(Source::Unread).collect()),
            (_, _) => Some(states.into_iter().map(Source::Numbers).collect()),
        }
    }

    /// What of the team is asked besides the source's own condition.
    fn push_team(&self, query: &mut Statement, source: Source) {
        if let Some(state) = self.state {
            query.push(" and c.state = ").bind(state.as_str().to_owned());
        }
        match self.assignee {
            Some(Assignee::Person(user)) => {
                query.push(" and c.assignee_id = ").bind(user);
            }
            Some(Assignee::Nobody) => {
                query.push(" and c.assignee_id is null");
            }
            None => {}
        }
        if self.is_unread {
            query.push(match source {
                Source::Own(_) => " and y.unread_count > 0",
                _ => " and c.unread_count > 0",
            });
        }
    }

    /// Further conditions on `c`; each begins with `and`.
    fn push(&self, query: &mut Statement, workspace: WorkspaceId, source: Source) {
        if self.bits != 0 {
            query.push(" and (c.channels & ").bind(self.bits).push(") <> 0");
        }
        if let Some((address, user)) = self.participant {
            query.push(" and (exists (select 1 from participants q where q.workspace_id = ").bind(workspace);
            query.push(" and q.conversation_id = c.id and q.address_id = ").bind(address);
            query.push(") or exists (select 1 from members q where q.workspace_id = ").bind(workspace);
            query.push(" and q.conversation_id = c.id and q.left_at is null and q.user_id = ").bind(user).push("))");
        }
        if self.found.is_some() {
            query.push(source.id());
        }
    }
}

/// A set of ids as a table `f`, from which the rest is found: what stands before the set, and what behind it.
const FOUND: (Dialect, Dialect) = (
    Dialect {
        sqlite: "(select value as id from jsonb_each(",
        postgres: "(select value::bigint as id from jsonb_array_elements_text(",
    },
    Dialect { sqlite: ")) f cross join ", postgres: "::jsonb)) f cross join " },
);

impl Tx {
    /// The conversations that the caller sees, newest activity first; `q_address` is `q` read as an address, where it
    /// is one.
    pub async fn list_conversations(
        &mut self,
        caller: &Caller,
        filter: &ConversationFilter,
        q_address: Option<&Address>,
        page: PageRequest,
    ) -> Result<Page<ConversationRow>> {
        let workspace = caller.workspace;
        let Some(narrow) = self.narrow(caller, filter, q_address).await? else {
            return Ok(Page { data: Vec::new(), next: None });
        };
        let sources = Source::of(caller.sight(), &narrow);
        if sources.is_empty() {
            return Ok(Page { data: Vec::new(), next: None });
        }
        let each = (FOUND.0.pick(self), FOUND.1.pick(self));
        let before = page.upper_bound();
        let mut query = Statement::new(concat!("select ", columns!(), ", p.listed "));
        query.push(CUT);
        query.push("(select octet_length(b.body) from messages b where b.workspace_id = ").bind(workspace);
        query.push(" and b.id = u.last), 0) as size from (");
        for (at, source) in sources.into_iter().enumerate() {
            query.push(if at == 0 { "select s.* from (" } else { " union all select s.* from (" });
            query.push("select c.id, c.activity_at as at, c.last_message_id as last from ");
            if let Some(found) = &narrow.found {
                query.push(each.0).bind(found.clone()).push(each.1);
            }
            source.push(&mut query, workspace);
            query.push(" and (c.activity_at, c.id) < (").bind(before.at).push(", ").bind(before.id).push(")");
            narrow.push(&mut query, workspace, source);
            narrow.push_team(&mut query, source);
            query.push(" order by c.activity_at desc, c.id desc limit ").bind(page.limit + 1).push(") s");
        }
        query.push(") u order by u.at desc, u.id desc limit ").bind(page.limit + 1);
        query.push(
            ") s) p cross join conversations c
             left join messages m on m.workspace_id = c.workspace_id and m.id = c.last_message_id
             left join members x on x.workspace_id = c.workspace_id and x.conversation_id = c.id
                and x.left_at is null and x.user_id = ",
        );
        query.bind(caller.user().unwrap_or(UserId(0))).push(" where c.workspace_id = ").bind(workspace);
        query.push(" and c.id = p.id and (p.above = 0 or p.above + p.size <= ").bind(PAGE_BYTES);
        query.push(") order by p.at desc, p.id desc");
        let rows: Vec<Listed<ConversationRow>> = query.fetch_all(self).await?;
        Ok(Page::of(rows, page.limit, |row| Position { at: row.activity_at, id: row.id.0 }))
    }

    /// What a filter means in ids; nothing when it can find nothing.
    async fn narrow(
        &mut self,
        caller: &Caller,
        filter: &ConversationFilter,
        q_address: Option<&Address>,
    ) -> Result<Option<Narrow>> {
        let workspace = caller.workspace;
        let mut found: Option<BTreeSet<ConversationId>> = None;
        let mut narrow = Narrow {
            bits: filter.channel.map_or(0, Channel::bit),
            state: filter.state,
            label: filter.label,
            is_unread: filter.is_unread,
            ..Narrow::default()
        };
        if let Some(assignee) = &filter.assignee {
            let Some(assignee) = self.find_assignee(caller, assignee).await? else { return Ok(None) };
            narrow.assignee = Some(assignee);
        }
        if filter.participant.is_some() || filter.person.is_some() {
            let taking_part =
                self.find_participant(workspace, filter.participant.as_ref(), filter.person.as_deref()).await?;
            if taking_part == (AddressId(0), UserId(0)) {
                return Ok(None);
            }
            found = self.list_joint(workspace, taking_part).await?;
            narrow.participant = found.is_none().then_some(taking_part);
        }
        if let Some(q) = &filter.q {
            let named = self.find_participant(workspace, q_address, Some(q.trim())).await?;
            let hits = self.search_conversations(caller, q, named).await?;
            let hits = self.shown_of(workspace, &hits).await?;
            found = Some(match found {
                Some(others) => hits.into_iter().filter(|id| others.contains(id)).collect(),
                None => hits.into_iter().collect(),
            });
        }
        if let Some(contact) = filter.contact {
            let with_them = self.conversations_with(workspace, &[contact]).await?;
            let with_them: BTreeSet<ConversationId> = with_them.into_iter().map(|(_, id)| id).collect();
            found = Some(match found {
                Some(others) => with_them.intersection(&others).copied().collect(),
                None => with_them,
            });
        }
        narrow.found = found.map(|ids| set(&ids)).transpose()?;
        Ok(Some(narrow))
    }

    /// The conversations in which that address or that person takes part, where these are few.
    async fn list_joint(
        &mut self,
        workspace: WorkspaceId,
        (address, user): (AddressId, UserId),
    ) -> Result<Option<BTreeSet<ConversationId>>> {
        const SQL: &str = "select conversation_id from (select conversation_id from participants
                where workspace_id = $1 and address_id = $2 limit $4) a
            union select conversation_id from (select conversation_id from members
                where workspace_id = $1 and user_id = $3 and left_at is null limit $4) b";
        let rows: Vec<(ConversationId,)> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(address).bind(user).bind(MANY).fetch_all(conn).await
        })?;
        if i64::try_from(rows.len()).is_ok_and(|count| count >= MANY) {
            return Ok(None);
        }
        let ids: Vec<ConversationId> = rows.into_iter().map(|(id,)| id).collect();
        Ok(Some(self.shown_of(workspace, &ids).await?.into_iter().collect()))
    }

    /// Whose conversations are meant; nothing when that is somebody whom there is not.
    async fn find_assignee(&mut self, caller: &Caller, wanted: &AssigneeFilter) -> Result<Option<Assignee>> {
        Ok(match wanted {
            AssigneeFilter::Nobody => Some(Assignee::Nobody),
            AssigneeFilter::Me => caller.user().map(Assignee::Person),
            AssigneeFilter::Named(username) => {
                self.find_colleague(caller.workspace, username).await?.map(|row| Assignee::Person(row.id))
            }
        })
    }

    /// The address and the person that a text may name; 0 for what there is not.
    async fn find_participant(
        &mut self,
        workspace: WorkspaceId,
        address: Option<&Address>,
        person: Option<&str>,
    ) -> Result<(AddressId, UserId)> {
        let address = match address {
            Some(address) => self.find_address(workspace, address).await?,
            None => None,
        };
        let person = match person {
            Some(person) => self.find_colleague(workspace, person).await?.map(|row| row.id),
            None => None,
        };
        Ok((address.unwrap_or(AddressId(0)), person.unwrap_or(UserId(0))))
    }
}
