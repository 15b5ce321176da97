//! What a message of the server itself says and nothing may show: sealed beside it until it is carried.

use std::collections::HashMap;

use super::{Dialect, Error, Result, Sealed, Tx, on, set};
use crate::domain::{MessageId, Timestamp, WorkspaceId};

/// Where a secret goes in the body of its message.
pub const SECRET_MARK: &str = "{secret}";

#[derive(sqlx::FromRow)]
struct SecretRow {
    message_id: MessageId,
    #[sqlx(flatten)]
    sealed: Sealed,
}

impl Tx {
    /// Seals what stands in the place of [`SECRET_MARK`]; after `ends_at` nothing is sent any more.
    pub async fn insert_message_secret(
        &mut self,
        workspace: WorkspaceId,
        message: MessageId,
        (secret, ends_at): (&str, Timestamp),
    ) -> Result<()> {
        const SQL: &str = "insert into message_secrets (workspace_id, message_id, key_id, sealed, ends_at) values ($1, $2, $3, $4, $5)";
        let Sealed { key_id, sealed } =
            self.vault().seal("message_secrets", workspace, &message.0.to_be_bytes(), secret.as_bytes())?;
        on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(message).bind(key_id).bind(sealed).bind(ends_at);
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    /// The secrets of those messages that have one.
    pub async fn load_message_secrets(
        &mut self,
        workspace: WorkspaceId,
        messages: &[MessageId],
    ) -> Result<HashMap<MessageId, String>> {
        const SQL: Dialect = Dialect {
            sqlite: "select message_id, key_id, sealed from message_secrets
                where workspace_id = $1 and message_id in (select value from jsonb_each($2))",
            postgres: "select message_id, key_id, sealed from message_secrets where workspace_id = $1
                and message_id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let sql = SQL.pick(self);
        let ids = set(&messages)?;
        let rows: Vec<SecretRow> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?;
        let open = |row: SecretRow| {
            let about = row.message_id.0.to_be_bytes();
            let plain = self.vault().open("message_secrets", workspace, &about, &row.sealed)?;
            let text = String::from_utf8(plain).map_err(|_| Error::Corrupt("a secret that is no text"))?;
            Ok((row.message_id, text))
        };
        rows.into_iter().map(open).collect()
    }
}
