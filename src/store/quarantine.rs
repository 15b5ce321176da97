//! What came in and could not be understood: kept, sealed, until somebody looks or it matches after all.

use super::types::{Listed, PAGE_BYTES};
use super::{Dialect, Page, PageRequest, Position, Result, Sealed, Tx, on, set};
use crate::domain::{QuarantineId, Timestamp, WorkspaceId};

/// A body in quarantine, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// Its id.
    pub id: QuarantineId,
    /// When it came.
    pub received_at: Timestamp,
    /// Where it came to.
    pub path: String,
    /// Why it was not understood.
    pub reason: String,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// What was read of a body before it was put aside to wait for a message's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    /// The body's id.
    pub id: QuarantineId,
    /// As it was parked.
    pub parked: Vec<u8>,
}

/// For what a parked body waits: a provider's name for a message.
#[derive(Debug, Clone, Copy)]
pub struct WaitsFor<'a> {
    /// Which provider, when its secret said so.
    pub provider: Option<&'a str>,
    /// The name.
    pub name: &'a str,
    /// What was read of the body.
    pub parked: &'a [u8],
}

#[derive(sqlx::FromRow)]
struct ParkedSealed {
    id: QuarantineId,
    key_id: i64,
    parked: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: QuarantineId,
    received_at: Timestamp,
    path: String,
    reason: String,
    key_id: i64,
    sealed: Vec<u8>,
}

impl Tx {
    /// Keeps a body; with a provider's name for a message, it is found again when that message has the name.
    pub async fn insert_quarantined(
        &mut self,
        workspace: WorkspaceId,
        (path, reason, raw): (&str, &str, &[u8]),
        waits_for: Option<WaitsFor<'_>>,
        now: Timestamp,
    ) -> Result<QuarantineId> {
        const SQL: &str = "insert into quarantine
                (workspace_id, received_at, path, reason, key_id, sealed, parked, match_hash)
            values ($1, $2, $3, $4, $5, $6, $7, $8) returning id";
        let sealed = self.vault().seal("quarantine", workspace, path.as_bytes(), raw)?;
        let parked = waits_for.map(|waits| self.vault().seal("quarantine", workspace, b"parked", waits.parked));
        let parked = parked.transpose()?.map(|parked| parked.sealed);
        let hash = waits_for.map(|waits| self.match_hash(waits.provider, waits.name));
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(now).bind(path).bind(reason);
            let query = query.bind(sealed.key_id).bind(&sealed.sealed).bind(&parked).bind(&hash);
            query.fetch_one(conn).await
        })?)
    }

    fn match_hash(&self, provider: Option<&str>, name: &str) -> Vec<u8> {
        let provider = provider.unwrap_or_default();
        self.vault().fingerprint(&[b"parked", provider.as_bytes(), name.as_bytes()]).to_vec()
    }

    /// What is in quarantine, newest first.
    pub async fn list_quarantined(
        &mut self,
        workspace: WorkspaceId,
        page: PageRequest,
    ) -> Result<Page<QuarantinedRow>> {
        const SQL: &str = "select q.id, q.received_at, q.path, q.reason, q.key_id, q.sealed, p.listed
            from (select s.id, s.at, s.size, count(*) over () as listed,
                    sum(s.size) over (order by s.at desc, s.id desc rows unbounded preceding) - s.size as above
                from (select x.id, x.at, (select octet_length(b.sealed) from quarantine b
                        where b.workspace_id = $1 and b.id = x.id) as size
                    from (select id, received_at as at from quarantine
                        where workspace_id = $1 and (received_at, id) < ($2, $3)
                        order by received_at desc, id desc limit $4) x) s) p
            cross join quarantine q
            where q.workspace_id = $1 and q.id = p.id and (p.above = 0 or p.above + p.size <= $5)
            order by p.at desc, p.id desc";
        let before = page.upper_bound();
        let rows: Vec<Listed<Row>> = on!(self, |conn| {
            let query = sqlx::query_as(SQL).bind(workspace).bind(before.at).bind(before.id);
            query.bind(page.limit + 1).bind(PAGE_BYTES).fetch_all(conn).await
        })?;
        let page = Page::of(rows, page.limit, |row: &Row| Position { at: row.received_at, id: row.id.0 });
        Ok(Page { data: self.open_rows(workspace, page.data)?, next: page.next })
    }

    /// One body in quarantine.
    pub async fn find_quarantined(
        &mut self,
        workspace: WorkspaceId,
        id: QuarantineId,
    ) -> Result<Option<QuarantinedRow>> {
        const SQL: &str = "select id, received_at, path, reason, key_id, sealed from quarantine
            where workspace_id = $1 and id = $2";
        let rows: Vec<Row> = on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_all(conn).await)?;
        Ok(self.open_rows(workspace, rows)?.pop())
    }

    /// Those bodies that wait for one of these names, each of a provider.
    pub async fn list_waiting(&mut self, workspace: WorkspaceId, names: &[(&str, &str)]) -> Result<Vec<ParkedRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, key_id, parked from quarantine
                where workspace_id = $1 and parked is not null
                  and match_hash in (select unhex(value) from jsonb_each($2)) order by id",
            postgres: "select id, key_id, parked from quarantine where workspace_id = $1 and parked is not null
                and match_hash = any(array(select decode(value, 'hex') from jsonb_array_elements_text($2::jsonb)))
                order by id",
        };
        let hashes = names.iter().flat_map(|(provider, name)| [(Some(*provider), *name), (None, *name)]);
        let hashes: Vec<String> = hashes.map(|(provider, name)| hex::encode(self.match_hash(provider, name))).collect();
        let hashes = set(&hashes)?;
        let sql = SQL.pick(self);
        let rows: Vec<ParkedSealed> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(hashes).fetch_all(conn).await)?;
        let open = |row: ParkedSealed| {
            let sealed = Sealed { key_id: row.key_id, sealed: row.parked };
            Ok(ParkedRow { id: row.id, parked: self.vault().open("quarantine", workspace, b"parked", &sealed)? })
        };
        rows.into_iter().map(open).collect()
    }

    /// Lets one go; false when it was gone already.
    pub async fn delete_quarantined(&mut self, workspace: WorkspaceId, id: QuarantineId) -> Result<bool> {
        const SQL: &str = "delete from quarantine where workspace_id = $1 and id = $2";
        let gone = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(id).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(gone == 1)
    }

    fn open_rows(&self, workspace: WorkspaceId, rows: Vec<Row>) -> Result<Vec<QuarantinedRow>> {
        let open = |row: Row| {
            let sealed = Sealed { key_id: row.key_id, sealed: row.sealed };
            let raw = self.vault().open("quarantine", workspace, row.path.as_bytes(), &sealed)?;
            Ok(QuarantinedRow { id: row.id, received_at: row.received_at, path: row.path, reason: row.reason, raw })
        };
        rows.into_iter().map(open).collect()
    }
}
