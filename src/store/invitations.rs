//! Invitations: a token's SHA-256 finds one; the address it went to is sealed.

use super::{Error, Page, PageRequest, Position, Result, Sealed, Tx, on};
use crate::domain::{InvitationId, Role, Timestamp, UserId, WorkspaceId};

const TABLE: &str = "invitations";

/// An invitation to be stored.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// SHA-256 of its token.
    pub token_hash: [u8; 32],
    /// As what.
    pub role: Role,
    /// Where it is sent.
    pub to: String,
    /// Whose doing it is.
    pub invited_by: String,
    /// Not after then.
    pub expires_at: Timestamp,
}

/// An invitation as it is stored, opened.
#[derive(Debug, Clone)]
pub struct InvitationRow {
    /// Its id.
    pub id: InvitationId,
    /// As what.
    pub role: Role,
    /// Where it was sent.
    pub to: String,
    /// Whose doing it was.
    pub invited_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Not after then.
    pub expires_at: Timestamp,
    /// When it was used.
    pub accepted_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// What a token is good for.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct TakenInvitation {
    /// Which.
    pub id: InvitationId,
    /// Into which workspace.
    pub workspace_id: WorkspaceId,
    /// As what.
    pub role: Role,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: InvitationId,
    token_hash: Vec<u8>,
    role: Role,
    key_id: i64,
    sealed: Vec<u8>,
    invited_by: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    accepted_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl Tx {
    /// Stores an invitation.
    pub async fn insert_invitation(
        &mut self,
        workspace: WorkspaceId,
        new: &NewInvitation,
        now: Timestamp,
    ) -> Result<InvitationId> {
        const SQL: &str = "insert into invitations
                (workspace_id, token_hash, role, key_id, sealed, invited_by, created_at, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8) returning id";
        let Sealed { key_id, sealed } = self.vault().seal(TABLE, workspace, &new.token_hash, new.to.as_bytes())?;
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(&new.token_hash[..]).bind(new.role);
            let query = query.bind(key_id).bind(sealed).bind(&new.invited_by).bind(now).bind(new.expires_at);
            query.fetch_one(conn).await
        })?)
    }

    /// The invitations of a workspace, newest first.
    pub async fn list_invitations(&mut self, workspace: WorkspaceId, page: PageRequest) -> Result<Page<InvitationRow>> {
        const SQL: &str =
            "select id, token_hash, role, key_id, sealed, invited_by, created_at, expires_at, accepted_at,
                revoked_at
            from invitations where workspace_id = $1 and id < $2 order by id desc limit $3";
        let before = page.upper_bound().id;
        let rows: Vec<Row> = on!(self, |conn| {
            sqlx::query_as(SQL).bind(workspace).bind(before).bind(page.limit + 1).fetch_all(conn).await
        })?;
        let rows: Vec<InvitationRow> =
            rows.into_iter().map(|row| self.open_invitation(workspace, row)).collect::<Result<_>>()?;
        Ok(Page::cut(rows, page.limit, |row| Position { at: row.created_at, id: row.id.0 }))
    }

    fn open_invitation(&self, workspace: WorkspaceId, row: Row) -> Result<InvitationRow> {
        let sealed = Sealed { key_id: row.key_id, sealed: row.sealed };
        let to = self.vault().open(TABLE, workspace, &row.token_hash, &sealed)?;
        Ok(InvitationRow {
            id: row.id,
            role: row.role,
            to: String::from_utf8(to).map_err(|_| Error::Corrupt("an address that is no text"))?,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            accepted_at: row.accepted_at,
            revoked_at: row.revoked_at,
        })
    }

    /// Whether an invitation could be used now, without using it.
    pub async fn has_invitation(&mut self, token_hash: &[u8; 32], now: Timestamp) -> Result<bool> {
        const SQL: &str = "select id from invitations
            where token_hash = $1 and accepted_at is null and revoked_at is null and expires_at > $2";
        let found: Option<InvitationId> =
            on!(self, |conn| sqlx::query_scalar(SQL).bind(&token_hash[..]).bind(now).fetch_optional(conn).await)?;
        Ok(found.is_some())
    }

    /// Uses an invitation up, if it is good now: the token names it, and nobody can use it a second time.
    pub async fn take_invitation(
        &mut self,
        token_hash: &[u8; 32],
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<TakenInvitation>> {
        const SQL: &str = "update invitations set accepted_at = $3, accepted_by = $2
            where token_hash = $1 and accepted_at is null and revoked_at is null and expires_at > $3
            returning id, workspace_id, role";
        Ok(on!(self, |conn| {
            sqlx::query_as(SQL).bind(&token_hash[..]).bind(user).bind(now).fetch_optional(conn).await
        })?)
    }

    /// Takes an invitation back; false when there is none, or it was used or taken back already.
    pub async fn revoke_invitation(
        &mut self,
        workspace: WorkspaceId,
        id: InvitationId,
        now: Timestamp,
    ) -> Result<bool> {
        const SQL: &str = "update invitations set revoked_at = $3
            where workspace_id = $1 and id = $2 and accepted_at is null and revoked_at is null";
        let done = on!(self, |conn| {
            sqlx::query(SQL).bind(workspace).bind(id).bind(now).execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(done == 1)
    }

    /// Seals some invitations again under the current key; gives how many.
    pub(super) async fn rekey_invitations(&mut self, limit: i64) -> Result<u64> {
        const LIST: &str = "select id, workspace_id, token_hash, key_id, sealed from invitations
            where key_id <> $1 limit $2";
        const SQL: &str = "update invitations set key_id = $3, sealed = $4 where workspace_id = $1 and id = $2";
        let current = self.vault().current_key();
        let rows: Vec<Kept> = on!(self, |conn| sqlx::query_as(LIST).bind(current).bind(limit).fetch_all(conn).await)?;
        let moved = rows.len() as u64;
        for row in rows {
            let plain = self.vault().open(TABLE, row.workspace_id, &row.token_hash, &row.sealed)?;
            let new = self.vault().seal(TABLE, row.workspace_id, &row.token_hash, &plain)?;
            on!(self, |conn| {
                let query = sqlx::query(SQL).bind(row.workspace_id).bind(row.id).bind(new.key_id).bind(&new.sealed);
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(moved)
    }
}

#[derive(sqlx::FromRow)]
struct Kept {
    id: InvitationId,
    workspace_id: WorkspaceId,
    token_hash: Vec<u8>,
    #[sqlx(flatten)]
    sealed: Sealed,
}
