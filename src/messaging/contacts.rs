//! Contacts: writing down that several addresses are one person's. With that their conversations become one, and with
//! taking an address away they are several again; nothing that was said is moved or lost.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};

use super::{Messaging, Page, PageRequest};
use crate::domain::{Address, AddressId, Caller, Contact, ContactId, ContactName, EventKind, Timestamp, WorkspaceId};
use crate::store::{self, ContactFilter, ContactRow, MOST_PARTS, NewEvent, Tx};

/// Addresses of one contact.
const MAX_ADDRESSES: usize = 20;
/// Characters of what the team knows of one contact.
pub const MAX_CONTACT_NOTES: usize = 10_000;

/// A contact to be written down.
#[derive(Debug, Clone)]
pub struct NewContact {
    /// What they are called.
    pub name: String,
    /// What the team knows of them.
    pub notes: Option<String>,
    /// What is theirs.
    pub addresses: Vec<Address>,
}

/// What is changed of a contact; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ContactChange {
    /// What they are called.
    pub name: Option<String>,
    /// What the team knows of them; an empty text is nothing.
    pub notes: Option<String>,
}

/// Which contacts are listed.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    /// Every word begins a word of their name, or the whole is an address of theirs.
    pub q: Option<String>,
    /// This address is theirs.
    pub address: Option<Address>,
}

/// Why nothing was done with a contact.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// There is no such contact.
    #[error("no such contact")]
    NoSuchContact,
    /// The contact has no such address.
    #[error("the contact has no such address")]
    NoSuchAddress,
    /// The address is another contact's.
    #[error("this address belongs to contact {}, {}", .other.id, .other.name)]
    Taken {
        /// Its place among those that were given.
        at: usize,
        /// Whose it is.
        other: ContactName,
    },
    /// The workspace itself writes from the address.
    #[error("this is an address of the workspace's own, by which it writes to others")]
    Own {
        /// Its place among those that were given.
        at: usize,
    },
    /// So many people write with the address that it is nobody's in particular.
    #[error("this address takes part in more than {MOST_PARTS} conversations; it is no single person's")]
    TooManyConversations {
        /// Its place among those that were given.
        at: usize,
    },
    /// The contact has as many addresses as it may have.
    #[error("a contact has at most {MAX_ADDRESSES} addresses")]
    TooManyAddresses,
    /// The notes of two contacts are too long for one.
    #[error("the notes of both have more than {MAX_CONTACT_NOTES} characters together; shorten them first")]
    NotesTooLong,
    /// A contact is merged with itself.
    #[error("a contact cannot be merged with itself")]
    Itself,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The contacts of a workspace, the oldest first.
pub async fn list_contacts(
    m: &Messaging,
    workspace: WorkspaceId,
    query: &ContactQuery,
    page: PageRequest,
) -> store::Result<Page<Contact>> {
    let mut tx = m.store.read().await?;
    let mut filter = ContactFilter { q: query.q.as_deref(), address: None };
    if let Some(address) = &query.address {
        let Some(id) = tx.find_address(workspace, address).await? else {
            return Ok(Page { data: Vec::new(), next: None });
        };
        filter.address = Some(id);
    } else if let Some(address) = query.q.as_deref().and_then(|q| Address::any(q.trim(), &m.rules.phone)) {
        let id = tx.find_address(workspace, &address).await?;
        let known = tx.contacts_of(workspace, &id.into_iter().collect::<Vec<_>>()).await?;
        if !known.is_empty() {
            filter = ContactFilter { q: None, address: id };
        }
    }
    let rows = tx.list_contacts(workspace, filter, page).await?;
    let next = rows.next;
    Ok(Page { data: compose(&mut tx, workspace, rows.data).await?, next })
}

/// One contact.
pub async fn find_contact(m: &Messaging, workspace: WorkspaceId, id: ContactId) -> store::Result<Option<Contact>> {
    show(&mut m.store.read().await?, workspace, id).await
}

/// Writes a contact down, and joins their conversations.
///
/// # Errors
///
/// See [`ContactError`]. After an error nothing was stored.
pub async fn create_contact(m: &Messaging, caller: &Caller, new: &NewContact) -> Result<Contact, ContactError> {
    let (mut change, given) = Change::begin_with(m, caller, &new.addresses).await?;
    let (tx, workspace) = (&mut change.tx, caller.workspace);
    let id = tx.insert_contact(workspace, (&new.name, new.notes.as_deref()), change.now).await?;
    let addresses = change.give(id, given).await?;
    change.rejoin(BTreeSet::from([id]), &addresses).await?;
    change.finish(id, "contact.created", json!({ "address_ids": addresses })).await
}

/// Changes what a contact is called, and what is known of them.
pub async fn change_contact(
    m: &Messaging,
    workspace: WorkspaceId,
    id: ContactId,
    change: ContactChange,
) -> Result<Contact, ContactError> {
    let mut tx = m.store.begin().await?;
    tx.lock_contacts(workspace).await?;
    let row = tx.find_contact(workspace, id).await?.ok_or(ContactError::NoSuchContact)?;
    let name = change.name.unwrap_or(row.name);
    let notes = change.notes.or(row.notes).filter(|notes| !notes.is_empty());
    let now = m.clock.now();
    tx.put_contact(workspace, id, (&name, notes.as_deref()), now).await?;
    for (_, conversation) in tx.conversations_with(workspace, &[id]).await? {
        tx.record(NewEvent::of_conversation(workspace, EventKind::ConversationUpdated, conversation, now));
    }
    let contact = show(&mut tx, workspace, id).await?.ok_or(ContactError::NoSuchContact)?;
    tx.commit().await?;
    Ok(contact)
}

/// Gives a contact one more address, and joins the conversations with it to theirs; what is theirs already stays so.
pub async fn add_address(
    m: &Messaging,
    caller: &Caller,
    id: ContactId,
    address: Address,
) -> Result<Contact, ContactError> {
    let (mut change, given) = Change::begin_with(m, caller, &[address]).await?;
    change.find(id).await?;
    let given = change.give(id, given).await?;
    if given.is_empty() {
        return change.show(id).await;
    }
    change.rejoin(BTreeSet::from([id]), &given).await?;
    change.finish(id, "contact.address_added", json!({ "address_ids": given })).await
}

/// Takes an address from a contact, and splits the conversations with it from theirs.
pub async fn remove_address(
    m: &Messaging,
    caller: &Caller,
    id: ContactId,
    address: &Address,
) -> Result<Contact, ContactError> {
    let mut change = Change::begin(m, caller).await?;
    change.find(id).await?;
    let (tx, workspace) = (&mut change.tx, caller.workspace);
    let address = tx.find_address(workspace, address).await?.ok_or(ContactError::NoSuchAddress)?;
    if !tx.take_address(workspace, id, address).await? {
        return Err(ContactError::NoSuchAddress);
    }
    change.rejoin(BTreeSet::from([id]), &[address]).await?;
    change.finish(id, "contact.address_removed", json!({ "address_ids": [address] })).await
}

/// Makes one contact of two: the addresses and notes of the other go to the first, and the other is gone.
pub async fn merge_contacts(
    m: &Messaging,
    caller: &Caller,
    id: ContactId,
    other: ContactId,
) -> Result<Contact, ContactError> {
    let workspace = caller.workspace;
    let mut change = Change::begin(m, caller).await?;
    let row = change.find(id).await?;
    if id == other {
        return Err(ContactError::Itself);
    }
    let from = change.find(other).await?;
    if change.tx.addresses_of(workspace, &[id, other]).await?.len() > MAX_ADDRESSES {
        return Err(ContactError::TooManyAddresses);
    }
    let notes: Vec<String> = row.notes.into_iter().chain(from.notes).collect();
    let notes = Some(notes.join("\n\n")).filter(|notes| !notes.is_empty());
    if notes.as_ref().is_some_and(|notes| notes.chars().count() > MAX_CONTACT_NOTES) {
        return Err(ContactError::NotesTooLong);
    }
    let (tx, now) = (&mut change.tx, change.now);
    tx.put_contact(workspace, id, (&row.name, notes.as_deref()), now).await?;
    tx.move_addresses(workspace, other, Some(id)).await?;
    let addresses: Vec<AddressId> = tx.addresses_of(workspace, &[id]).await?.into_iter().map(|(_, id)| id).collect();
    change.rejoin(BTreeSet::from([id, other]), &addresses).await?;
    change.tx.delete_contact(workspace, other).await?;
    change.finish(id, "contact.merged", json!({ "contact_id": other })).await
}

/// Lets a contact go, and splits all of their conversations; every message stays.
pub async fn delete_contact(m: &Messaging, caller: &Caller, id: ContactId) -> Result<(), ContactError> {
    let workspace = caller.workspace;
    let mut change = Change::begin(m, caller).await?;
    change.find(id).await?;
    let tx = &mut change.tx;
    let addresses: Vec<AddressId> = tx.addresses_of(workspace, &[id]).await?.into_iter().map(|(_, id)| id).collect();
    tx.move_addresses(workspace, id, None).await?;
    change.rejoin(BTreeSet::from([id]), &addresses).await?;
    change.tx.delete_contact(workspace, id).await?;
    change.audit(id, "contact.deleted", json!({ "address_ids": addresses })).await?;
    Ok(change.tx.commit().await?)
}

/// A change of contacts under way, which holds off every other.
struct Change<'a> {
    caller: &'a Caller,
    tx: Tx,
    now: Timestamp,
}

/// An address that is given to a contact.
struct Given {
    /// Its place among those that were given.
    at: usize,
    id: AddressId,
    is_own: bool,
}

impl<'a> Change<'a> {
    async fn begin(m: &Messaging, caller: &'a Caller) -> store::Result<Self> {
        let mut tx = m.store.begin().await?;
        tx.lock_contacts(caller.workspace).await?;
        Ok(Self { caller, tx, now: m.clock.now() })
    }

    /// The same, with rows for addresses. A message writes its addresses down before it asks for contacts, and so it is
    /// here.
    async fn begin_with(
        m: &Messaging,
        caller: &'a Caller,
        addresses: &[Address],
    ) -> Result<(Self, Vec<Given>), ContactError> {
        let mut seen = HashSet::new();
        let distinct: Vec<(usize, &Address)> =
            addresses.iter().enumerate().filter(|(_, address)| seen.insert(*address)).collect();
        if distinct.len() > MAX_ADDRESSES {
            return Err(ContactError::TooManyAddresses);
        }
        let (mut tx, workspace, now) = (m.store.begin().await?, caller.workspace, m.clock.now());
        let wanted: Vec<Address> = distinct.iter().map(|(_, address)| (*address).clone()).collect();
        let ids = if wanted.is_empty() { HashMap::new() } else { tx.ensure_addresses(workspace, &wanted, now).await? };
        tx.lock_contacts(workspace).await?;
        let given = distinct.into_iter().map(|(at, address)| Given {
            at,
            id: ids[address],
            is_own: m.rules.is_own(workspace, address),
        });
        Ok((Self { caller, tx, now }, given.collect()))
    }

    async fn find(&mut self, id: ContactId) -> Result<ContactRow, ContactError> {
        self.tx.find_contact(self.caller.workspace, id).await?.ok_or(ContactError::NoSuchContact)
    }

    /// Gives addresses to a contact; tells which were not theirs before.
    async fn give(&mut self, id: ContactId, addresses: Vec<Given>) -> Result<Vec<AddressId>, ContactError> {
        let (tx, workspace) = (&mut self.tx, self.caller.workspace);
        let whose = tx.contacts_of(workspace, &addresses.iter().map(|given| given.id).collect::<Vec<_>>()).await?;
        let new: Vec<Given> = addresses.into_iter().filter(|given| whose.get(&given.id) != Some(&id)).collect();
        if tx.addresses_of(workspace, &[id]).await?.len() + new.len() > MAX_ADDRESSES {
            return Err(ContactError::TooManyAddresses);
        }
        for Given { at, id: address, is_own } in &new {
            let at = *at;
            if let Some(other) = whose.get(address) {
                let name = tx.find_contact(workspace, *other).await?.map(|row| row.name).unwrap_or_default();
                return Err(ContactError::Taken { at, other: ContactName { id: *other, name } });
            }
            let most = i64::try_from(MOST_PARTS).unwrap_or(i64::MAX);
            if tx.count_conversations_of(workspace, *address, most + 1).await? > most {
                return Err(ContactError::TooManyConversations { at });
            }
            if *is_own || tx.is_own_address(workspace, *address).await? {
                return Err(ContactError::Own { at });
            }
        }
        let given: Vec<AddressId> = new.into_iter().map(|given| given.id).collect();
        if !given.is_empty() {
            tx.give_addresses(workspace, id, &given, self.now).await?;
        }
        Ok(given)
    }

    /// Joins and splits what follows from a change of those contacts' addresses, and of whoever writes with these.
    async fn rejoin(&mut self, mut contacts: BTreeSet<ContactId>, addresses: &[AddressId]) -> store::Result<()> {
        let workspace = self.caller.workspace;
        contacts.extend(self.tx.neighbours_of(workspace, addresses).await?);
        let (actor, begun) = (self.caller.who.to_string(), BTreeSet::new());
        self.tx.rejoin(workspace, &contacts, &begun, (&actor, self.now)).await.map(drop)
    }

    async fn audit(&mut self, id: ContactId, action: &str, data: Value) -> store::Result<()> {
        let (actor, target) = (self.caller.who.to_string(), format!("contact:{id}"));
        self.tx.audit(self.caller.workspace, &actor, action, &target, data, self.now).await
    }

    async fn show(&mut self, id: ContactId) -> Result<Contact, ContactError> {
        show(&mut self.tx, self.caller.workspace, id).await?.ok_or(ContactError::NoSuchContact)
    }

    async fn finish(mut self, id: ContactId, action: &str, data: Value) -> Result<Contact, ContactError> {
        self.tx.touch_contact(self.caller.workspace, id, self.now).await?;
        self.audit(id, action, data).await?;
        let contact = self.show(id).await?;
        self.tx.commit().await?;
        Ok(contact)
    }
}

async fn show(tx: &mut Tx, workspace: WorkspaceId, id: ContactId) -> store::Result<Option<Contact>> {
    let Some(row) = tx.find_contact(workspace, id).await? else { return Ok(None) };
    Ok(compose(tx, workspace, vec![row]).await?.pop())
}

/// Contacts as they are shown, in the order of their rows.
async fn compose(tx: &mut Tx, workspace: WorkspaceId, rows: Vec<ContactRow>) -> store::Result<Vec<Contact>> {
    let ids: Vec<ContactId> = rows.iter().map(|row| row.id).collect();
    let owned = tx.addresses_of(workspace, &ids).await?;
    let wanted: Vec<AddressId> = owned.iter().map(|(_, address)| *address).collect();
    let texts = tx.load_addresses(workspace, &wanted).await?;
    let mut addresses: HashMap<ContactId, Vec<String>> = HashMap::new();
    for (contact, address) in owned {
        let text = texts.get(&address).map(|address| address.as_str().to_owned()).unwrap_or_default();
        addresses.entry(contact).or_default().push(text);
    }
    let mut conversations = HashMap::new();
    for (contact, conversation) in tx.conversations_with(workspace, &ids).await? {
        conversations.entry(contact).or_insert(conversation);
    }
    let compose = |row: ContactRow| {
        let mut addresses = addresses.remove(&row.id).unwrap_or_default();
        addresses.sort();
        Contact {
            id: row.id,
            name: row.name,
            notes: row.notes,
            addresses,
            conversation_id: conversations.get(&row.id).copied(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    };
    Ok(rows.into_iter().map(compose).collect())
}

/// What those contacts are called.
pub(super) async fn load_contact_names(
    tx: &mut Tx,
    workspace: WorkspaceId,
    ids: impl Iterator<Item = ContactId>,
) -> store::Result<HashMap<ContactId, ContactName>> {
    let ids: BTreeSet<ContactId> = ids.collect();
    let rows = tx.load_contacts(workspace, &ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(rows.into_iter().map(|row| (row.id, ContactName { id: row.id, name: row.name })).collect())
}
