//! Moving everything sealed from the previous master key to the current one, while servers run.

use std::time::Duration;

use serde::Serialize;

use super::addresses::SealedAddress;
use super::{Dialect, Error, Result, Sealed, Store, Tx, on, set};
use crate::domain::{AddressId, MessageId, QuarantineId, WorkspaceId};

/// Rows a step: each step is a unit of work of its own, so that senders wait for one step at most.
const STEP: i64 = 500;

/// How long a step waits when senders hold what it wants.
const BUSY_WAIT: Duration = Duration::from_millis(200);

/// Up to where addresses have been moved.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    workspace: i64,
    address: i64,
}

#[derive(sqlx::FromRow)]
struct Owned {
    workspace_id: WorkspaceId,
    #[sqlx(flatten)]
    address: SealedAddress,
}

#[derive(Serialize)]
struct Resealed {
    id: AddressId,
    workspace: WorkspaceId,
    index: String,
    key: i64,
    sealed: String,
}

#[derive(sqlx::FromRow)]
struct Kept {
    workspace_id: WorkspaceId,
    caller: String,
    key_hash: Vec<u8>,
    key_id: i64,
    sealed: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Held {
    id: QuarantineId,
    workspace_id: WorkspaceId,
    path: String,
    key_id: i64,
    sealed: Vec<u8>,
    parked: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct Hidden {
    workspace_id: WorkspaceId,
    message_id: MessageId,
    #[sqlx(flatten)]
    sealed: Sealed,
}

impl Store {
    /// Re-seals and re-indexes all that other keys than the current one sealed, then forgets those keys.
    ///
    /// Gives how many rows were moved. A server that runs at the same time must already know both keys.
    pub async fn rekey(&self) -> Result<u64> {
        let (mut moved, mut after) = (0, Place::default());
        loop {
            match self.rekey_step(after).await {
                Ok((step, place)) => {
                    moved += step;
                    after = place;
                    if step == 0 {
                        return Ok(moved);
                    }
                }
                Err(Error::Busy(_)) => tokio::time::sleep(BUSY_WAIT).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn rekey_step(&self, after: Place) -> Result<(u64, Place)> {
        let mut tx = self.begin().await?;
        let (addresses, place) = tx.rekey_addresses(after).await?;
        let step = addresses
            + tx.rekey_answers().await?
            + tx.rekey_quarantine().await?
            + tx.rekey_invitations(STEP).await?
            + tx.rekey_message_secrets().await?
            + tx.rekey_totp(STEP).await?
            + tx.rekey_webhook_endpoints(STEP).await?
            + tx.rekey_secret().await?;
        if step == 0 {
            tx.forget_other_keys().await?;
        }
        tx.commit().await?;
        Ok((step, place))
    }
}

impl Tx {
    async fn rekey_addresses(&mut self, after: Place) -> Result<(u64, Place)> {
        const LIST: Dialect = Dialect {
            sqlite: "select workspace_id, id, kind, blind_index, key_id, sealed from addresses
                where key_id <> $1 and (workspace_id, id) > ($3, $4) order by workspace_id, id limit $2",
            postgres: "select workspace_id, id, kind, blind_index, key_id, sealed from addresses
                where key_id <> $1 and (workspace_id, id) > ($3, $4) order by workspace_id, id limit $2 for update",
        };
        const SQL: Dialect = Dialect {
            sqlite: "update addresses set blind_index = unhex(x.value ->> 'index'), key_id = x.value ->> 'key',
                    sealed = unhex(x.value ->> 'sealed')
                from (select value from jsonb_each($1) limit -1) x
                where addresses.workspace_id = x.value ->> 'workspace' and addresses.id = x.value ->> 'id'",
            postgres: "update addresses a set blind_index = decode(x.index, 'hex'), key_id = x.key,
                    sealed = decode(x.sealed, 'hex')
                from jsonb_to_recordset($1::jsonb) as x (workspace bigint, id bigint, index text, key bigint, sealed text)
                where a.workspace_id = x.workspace and a.id = x.id",
        };
        let current = self.vault().current_key();
        let list = LIST.pick(self);
        let rows: Vec<Owned> = on!(self, |conn| {
            let query = sqlx::query_as(list).bind(current).bind(STEP).bind(after.workspace).bind(after.address);
            query.fetch_all(conn).await
        })?;
        let place = rows.last().map_or(after, |row| Place { workspace: row.workspace_id.0, address: row.address.id.0 });
        let reseal = |row: Owned| {
            let vault = self.vault();
            let Owned { workspace_id: workspace, address } = row;
            let sealed = Sealed { key_id: address.key_id, sealed: address.sealed };
            let plain = vault.open_address(workspace, address.kind, &address.blind_index, &sealed)?;
            let (index, sealed) = vault.seal_address(workspace, &plain)?;
            Ok(Resealed {
                id: address.id,
                workspace,
                index: hex::encode(index),
                key: sealed.key_id,
                sealed: hex::encode(sealed.sealed),
            })
        };
        let rows: Vec<Resealed> = rows.into_iter().map(reseal).collect::<Result<_>>()?;
        let moved = rows.len() as u64;
        if moved > 0 {
            let sql = SQL.pick(self);
            let rows = set(&rows)?;
            on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        }
        Ok((moved, place))
    }

    async fn rekey_answers(&mut self) -> Result<u64> {
        const LIST: &str = "select workspace_id, caller, key_hash, key_id, sealed from idempotency_keys
            where key_id <> $1 limit $2";
        const SQL: &str = "update idempotency_keys set key_id = $4, sealed = $5
            where workspace_id = $1 and caller = $2 and key_hash = $3";
        let current = self.vault().current_key();
        let rows: Vec<Kept> = on!(self, |conn| sqlx::query_as(LIST).bind(current).bind(STEP).fetch_all(conn).await)?;
        let moved = rows.len() as u64;
        for row in rows {
            let old = Sealed { key_id: row.key_id, sealed: row.sealed };
            let plain = self.vault().open("idempotency_keys", row.workspace_id, &row.key_hash, &old)?;
            let new = self.vault().seal("idempotency_keys", row.workspace_id, &row.key_hash, &plain)?;
            on!(self, |conn| {
                let query = sqlx::query(SQL).bind(row.workspace_id).bind(&row.caller).bind(&row.key_hash);
                query.bind(new.key_id).bind(&new.sealed).execute(conn).await.map(drop)
            })?;
        }
        Ok(moved)
    }

    async fn rekey_quarantine(&mut self) -> Result<u64> {
        const LIST: &str =
            "select id, workspace_id, path, key_id, sealed, parked from quarantine where key_id <> $1 limit $2";
        const SQL: &str =
            "update quarantine set key_id = $3, sealed = $4, parked = $5 where workspace_id = $1 and id = $2";
        let current = self.vault().current_key();
        let rows: Vec<Held> = on!(self, |conn| sqlx::query_as(LIST).bind(current).bind(STEP).fetch_all(conn).await)?;
        let moved = rows.len() as u64;
        for row in rows {
            let old = Sealed { key_id: row.key_id, sealed: row.sealed };
            let plain = self.vault().open("quarantine", row.workspace_id, row.path.as_bytes(), &old)?;
            let new = self.vault().seal("quarantine", row.workspace_id, row.path.as_bytes(), &plain)?;
            let parked = match row.parked {
                Some(sealed) => {
                    let old = Sealed { key_id: row.key_id, sealed };
                    let plain = self.vault().open("quarantine", row.workspace_id, b"parked", &old)?;
                    Some(self.vault().seal("quarantine", row.workspace_id, b"parked", &plain)?.sealed)
                }
                None => None,
            };
            on!(self, |conn| {
                let query = sqlx::query(SQL).bind(row.workspace_id).bind(row.id).bind(new.key_id).bind(&new.sealed);
                query.bind(&parked).execute(conn).await.map(drop)
            })?;
        }
        Ok(moved)
    }

    async fn rekey_message_secrets(&mut self) -> Result<u64> {
        const LIST: &str = "select workspace_id, message_id, key_id, sealed from message_secrets
            where key_id <> $1 limit $2";
        const SQL: &str = "update message_secrets set key_id = $3, sealed = $4
            where workspace_id = $1 and message_id = $2";
        let current = self.vault().current_key();
        let rows: Vec<Hidden> = on!(self, |conn| sqlx::query_as(LIST).bind(current).bind(STEP).fetch_all(conn).await)?;
        let moved = rows.len() as u64;
        for row in rows {
            let (workspace, message) = (row.workspace_id, row.message_id);
            let about = message.0.to_be_bytes();
            let plain = self.vault().open("message_secrets", workspace, &about, &row.sealed)?;
            let new = self.vault().seal("message_secrets", workspace, &about, &plain)?;
            on!(self, |conn| {
                let query = sqlx::query(SQL).bind(workspace).bind(message).bind(new.key_id).bind(&new.sealed);
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(moved)
    }

    async fn forget_other_keys(&mut self) -> Result<()> {
        const SQL: &str = "delete from master_keys where id <> $1";
        let current = self.vault().current_key();
        on!(self, |conn| sqlx::query(SQL).bind(current).execute(conn).await.map(drop))?;
        Ok(())
    }
}
