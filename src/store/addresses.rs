//! Addresses: stored once, sealed, found by a blind index.

use std::collections::HashMap;

use serde::Serialize;

use super::{Dialect, Error, Result, Sealed, Tx, on, set};
use crate::domain::{Address, AddressId, AddressKind, Timestamp, WorkspaceId};

#[derive(sqlx::FromRow)]
struct Indexed {
    id: AddressId,
    blind_index: Vec<u8>,
}

/// A sealed address as it is joined to other rows.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct SealedAddress {
    pub(super) id: AddressId,
    pub(super) kind: AddressKind,
    pub(super) blind_index: Vec<u8>,
    pub(super) key_id: i64,
    pub(super) sealed: Vec<u8>,
}

#[derive(Serialize)]
struct NewAddress {
    kind: AddressKind,
    index: String,
    key: i64,
    sealed: String,
}

const FIND: Dialect = Dialect {
    sqlite: "select id, blind_index from addresses
        where workspace_id = $1 and blind_index in (select unhex(value) from jsonb_each($2))",
    postgres: "select id, blind_index from addresses
        where workspace_id = $1
          and blind_index = any(array(select decode(value, 'hex') from jsonb_array_elements_text($2::jsonb)))",
};

impl Tx {
    /// The id of each address that is known.
    pub async fn find_addresses(
        &mut self,
        workspace: WorkspaceId,
        addresses: &[Address],
    ) -> Result<HashMap<Address, AddressId>> {
        let mut by_index: HashMap<Vec<u8>, &Address> = HashMap::new();
        for address in addresses {
            for index in self.vault().blind_indexes(workspace, address) {
                by_index.insert(index.to_vec(), address);
            }
        }
        let wanted = set(&by_index.keys().map(hex::encode).collect::<Vec<_>>())?;
        let sql = FIND.pick(self);
        let rows: Vec<Indexed> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(wanted).fetch_all(conn).await)?;
        let named = |row: &Indexed| Some(((*by_index.get(&row.blind_index)?).clone(), row.id));
        Ok(rows.iter().filter_map(named).collect())
    }

    /// The id of each address; what is new is sealed and stored.
    pub async fn ensure_addresses(
        &mut self,
        workspace: WorkspaceId,
        addresses: &[Address],
        now: Timestamp,
    ) -> Result<HashMap<Address, AddressId>> {
        const INSERT: Dialect = Dialect {
            sqlite: "insert into addresses (workspace_id, kind, blind_index, key_id, sealed, created_at)
                select $1, value ->> 'kind', unhex(value ->> 'index'), value ->> 'key', unhex(value ->> 'sealed'), $3
                from jsonb_each($2) where true
                on conflict (workspace_id, blind_index) do nothing",
            postgres: "insert into addresses (workspace_id, kind, blind_index, key_id, sealed, created_at)
                select $1, kind, decode(index, 'hex'), key, decode(sealed, 'hex'), $3
                from jsonb_to_recordset($2::jsonb) as x (kind text, index text, key bigint, sealed text)
                order by index
                on conflict (workspace_id, blind_index) do nothing",
        };
        let mut known = self.store.shared.addresses.ids(workspace, addresses);
        let mut missing = absent(addresses, &known);
        if missing.is_empty() {
            return Ok(known);
        }
        let found = self.find_addresses(workspace, &missing).await?;
        self.meet(workspace, &found);
        known.extend(found);
        missing = absent(&missing, &known);
        if missing.is_empty() {
            return Ok(known);
        }
        let mut rows = Vec::with_capacity(missing.len());
        for address in &missing {
            let (index, sealed) = self.vault().seal_address(workspace, address)?;
            rows.push(NewAddress {
                kind: address.kind(),
                index: hex::encode(index),
                key: sealed.key_id,
                sealed: hex::encode(sealed.sealed),
            });
        }
        let rows = set(&rows)?;
        let sql = INSERT.pick(self);
        on!(self, |conn| sqlx::query(sql).bind(workspace).bind(rows).bind(now).execute(conn).await.map(drop))?;
        let stored = self.find_addresses(workspace, &missing).await?;
        self.meet(workspace, &stored);
        known.extend(stored);
        if addresses.iter().any(|address| !known.contains_key(address)) {
            return Err(Error::Corrupt("no row for an address that was just stored"));
        }
        Ok(known)
    }

    /// They are known once this unit of work is committed.
    fn meet(&mut self, workspace: WorkspaceId, found: &HashMap<Address, AddressId>) {
        self.met.extend(found.iter().map(|(address, id)| (workspace, address.clone(), *id)));
    }

    /// Opens the addresses of those ids; one that cannot be opened is logged and left out, so that it holds up nothing
    /// else.
    pub async fn load_addresses(
        &mut self,
        workspace: WorkspaceId,
        ids: &[AddressId],
    ) -> Result<HashMap<AddressId, Address>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, kind, blind_index, key_id, sealed from addresses
                where workspace_id = $1 and id in (select value from jsonb_each($2))",
            postgres: "select id, kind, blind_index, key_id, sealed from addresses
                where workspace_id = $1 and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let mut known = self.store.shared.addresses.addresses(workspace, &wanted);
        wanted.retain(|id| !known.contains_key(id));
        if wanted.is_empty() {
            return Ok(known);
        }
        let wanted = set(&wanted)?;
        let sql = SQL.pick(self);
        let rows: Vec<SealedAddress> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(wanted).fetch_all(conn).await)?;
        let open = |row: SealedAddress| {
            let id = row.id;
            let address = self.open_address(workspace, row);
            let address =
                address.inspect_err(|error| tracing::error!(address = id.0, %error, "an address stays sealed"));
            Some((id, address.ok()?))
        };
        let opened: HashMap<AddressId, Address> = rows.into_iter().filter_map(open).collect();
        if self.is_reading {
            let met = opened.iter().map(|(id, address)| (workspace, address.clone(), *id)).collect();
            self.store.shared.addresses.learn(met);
        }
        known.extend(opened);
        Ok(known)
    }

    fn open_address(&self, workspace: WorkspaceId, row: SealedAddress) -> Result<Address> {
        let sealed = Sealed { key_id: row.key_id, sealed: row.sealed };
        self.vault().open_address(workspace, row.kind, &row.blind_index, &sealed)
    }
}

/// Those without an id, each once and in their order.
fn absent(addresses: &[Address], known: &HashMap<Address, AddressId>) -> Vec<Address> {
    let mut absent: Vec<Address> = addresses.iter().filter(|address| !known.contains_key(*address)).cloned().collect();
    absent.sort();
    absent.dedup();
    absent
}
