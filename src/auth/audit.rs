//! Reading the audit log, with the names of the people in it.

use std::collections::HashMap;

use crate::domain::{UserId, WorkspaceId};
use crate::messaging::Messaging;
use crate::store::{self, AuditFilter, AuditRow, Page, PageRequest};

/// What was done in a workspace, newest first, and the username of everybody who is named there.
pub async fn list_audit(
    m: &Messaging,
    workspace: WorkspaceId,
    filter: AuditFilter<'_>,
    page: PageRequest,
) -> store::Result<(Page<AuditRow>, HashMap<UserId, String>)> {
    let mut tx = m.store.read().await?;
    let page = tx.list_audit(workspace, filter, page).await?;
    let people = page.data.iter().flat_map(|row| [&row.actor, &row.target]);
    let names = tx.load_usernames(people.filter_map(|text| person_in(text))).await?;
    Ok((page, names))
}

/// The person that an actor or a target names.
pub fn person_in(text: &str) -> Option<UserId> {
    text.strip_prefix("user:")?.parse().ok().map(UserId)
}
