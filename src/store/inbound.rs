//! What the outside has told us already: the dedupe of webhooks, by the names they came with.

use super::{Result, Tx, on};
use crate::domain::{MessageId, Timestamp, WorkspaceId};

/// Something that was seen before.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct SeenEvent {
    /// The message it became or was about.
    pub message_id: MessageId,
    /// Of its content.
    pub fingerprint: Vec<u8>,
}

impl Tx {
    /// Notes that the outside named something so on that endpoint, or tells what it named so before.
    ///
    /// The message may be stored later in the same unit of work.
    pub async fn see_event(
        &mut self,
        workspace: WorkspaceId,
        (endpoint, name): (&str, &str),
        seen: &SeenEvent,
        now: Timestamp,
    ) -> Result<Option<SeenEvent>> {
        const NOTE: &str = "insert into inbound_events
                (workspace_id, endpoint, key_hash, fingerprint, message_id, received_at)
            values ($1, $2, $3, $4, $5, $6) on conflict do nothing";
        let hash = self.vault().fingerprint(&[name.as_bytes()]).to_vec();
        let noted = on!(self, |conn| {
            let query = sqlx::query(NOTE).bind(workspace).bind(endpoint).bind(&hash).bind(&seen.fingerprint);
            query.bind(seen.message_id).bind(now).execute(conn).await.map(|done| done.rows_affected())
        })?;
        if noted == 1 { Ok(None) } else { self.find_event(workspace, (endpoint, name)).await }
    }

    /// What the outside named so on that endpoint.
    pub async fn find_event(
        &mut self,
        workspace: WorkspaceId,
        (endpoint, name): (&str, &str),
    ) -> Result<Option<SeenEvent>> {
        const FIND: &str = "select message_id, fingerprint from inbound_events
            where workspace_id = $1 and endpoint = $2 and key_hash = $3";
        let hash = self.vault().fingerprint(&[name.as_bytes()]).to_vec();
        Ok(on!(self, |conn| {
            sqlx::query_as(FIND).bind(workspace).bind(endpoint).bind(hash).fetch_optional(conn).await
        })?)
    }
}
