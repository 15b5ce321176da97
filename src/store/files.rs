//! Uploaded files: whose they are, who reaches them, and which of them nobody needs.

use std::collections::BTreeMap;

use super::{Dialect, Error, Position, Result, Tx, on, set};
use crate::domain::{Caller, FileId, MessageId, Sight, Timestamp, UserId, WorkspaceId};

/// A file to be stored.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Whose it is, as [`crate::domain::Who`] is written.
    pub uploader: String,
    /// The name of its bytes.
    pub object_key: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: &'static str,
    /// How long it is.
    pub size_bytes: i64,
    /// SHA-256 of its bytes.
    pub hash: Vec<u8>,
}

/// A file as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FileRow {
    /// Its id.
    pub id: FileId,
    /// The name of its bytes.
    pub object_key: String,
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// How long it is.
    pub size_bytes: i64,
    /// SHA-256 of its bytes.
    pub hash: Vec<u8>,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// How somebody stands to a file.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FileReach {
    /// The file.
    pub id: FileId,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// Whether they uploaded it.
    pub is_own: bool,
    /// Whether a message that they see carries it.
    pub is_seen: bool,
    /// Whether any message carries it.
    pub is_attached: bool,
}

/// A file that is old enough to be looked at by the sweep.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct OldFile {
    /// Whose.
    pub workspace_id: WorkspaceId,
    /// Its id.
    pub id: FileId,
    /// The name of its bytes.
    pub object_key: String,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// Whether any message carries it.
    pub is_attached: bool,
}

macro_rules! reach {
    ($among:literal) => {
        concat!(
            "select f.id, f.created_at, f.uploader = $3 as is_own,
                exists (select 1 from attachments a where a.workspace_id = f.workspace_id and a.file_id = f.id) as is_attached,
                exists (select 1 from attachments a
                    join messages m on m.workspace_id = a.workspace_id and m.id = a.message_id
                    join conversations c on c.workspace_id = m.workspace_id and c.id = m.conversation_id
                    left join members x on x.workspace_id = c.workspace_id and x.conversation_id = c.id
                        and x.user_id = $4 and x.left_at is null
                    where a.workspace_id = f.workspace_id and a.file_id = f.id and m.deleted_at is null
                      and ($5 or ($6 and c.kind = 'numbers') or m.id >= x.first_message_id)) as is_seen
            from files f where f.workspace_id = $1 and f.id ",
            $among
        )
    };
}

impl Tx {
    /// Stores what is known of a file.
    pub async fn insert_file(&mut self, workspace: WorkspaceId, file: &NewFile, now: Timestamp) -> Result<FileId> {
        const SQL: &str = "insert into files (workspace_id, uploader, object_key, name, media_type, size_bytes, hash,
                created_at) values ($1, $2, $3, $4, $5, $6, $7, $8) returning id";
        Ok(on!(self, |conn| {
            let query = sqlx::query_scalar(SQL).bind(workspace).bind(&file.uploader).bind(&file.object_key);
            let query = query.bind(&file.name).bind(file.media_type).bind(file.size_bytes).bind(&file.hash);
            query.bind(now).fetch_one(conn).await
        })?)
    }

    /// Stores what is known of files; gives their ids in the same order.
    pub async fn insert_files(
        &mut self,
        workspace: WorkspaceId,
        files: &[NewFile],
        now: Timestamp,
    ) -> Result<Vec<FileId>> {
        const SQL: Dialect = Dialect {
            sqlite:
                "insert into files (workspace_id, uploader, object_key, name, media_type, size_bytes, hash, created_at)
                select $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, unhex(value ->> 5), $3
                from jsonb_each($2) order by key returning object_key, id",
            postgres: "insert into files (workspace_id, uploader, object_key, name, media_type, size_bytes, hash,
                    created_at)
                select $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, (value ->> 4)::bigint,
                    decode(value ->> 5, 'hex'), $3
                from jsonb_array_elements($2::jsonb) with ordinality x (value, place) order by place
                returning object_key, id",
        };
        let row = |file: &NewFile| {
            let (key, hash) = (file.object_key.clone(), hex::encode(&file.hash));
            (file.uploader.clone(), key, file.name.clone(), file.media_type, file.size_bytes, hash)
        };
        let sql = SQL.pick(self);
        let rows = set(&files.iter().map(row).collect::<Vec<_>>())?;
        let ids: Vec<(String, FileId)> =
            on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(rows).bind(now).fetch_all(conn).await)?;
        let ids: BTreeMap<String, FileId> = ids.into_iter().collect();
        let id = |file: &NewFile| ids.get(&file.object_key).copied().ok_or(Error::Corrupt("no row for a new file"));
        files.iter().map(id).collect()
    }

    /// Counts bytes that a workspace stores; false, and nothing is counted, when it has no room for them. 0 is no limit.
    pub async fn take_storage(&mut self, workspace: WorkspaceId, bytes: i64, limit: i64) -> Result<bool> {
        const SQL: &str = "update workspaces set stored_bytes = stored_bytes + $2
            where id = $1 and ($3 = 0 or stored_bytes + $2 <= $3)";
        let taken = on!(self, |conn| {
            let query = sqlx::query(SQL).bind(workspace).bind(bytes).bind(limit);
            query.execute(conn).await.map(|done| done.rows_affected())
        })?;
        Ok(taken == 1)
    }

    /// Gives back what files took that are gone.
    async fn give_storage_back(&mut self, gone: &[(WorkspaceId, i64)]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update workspaces set stored_bytes = stored_bytes - (x.value ->> 1)
                from (select value from jsonb_each($1) limit -1) x where workspaces.id = x.value ->> 0",
            postgres: "update workspaces w set stored_bytes = w.stored_bytes - (x.value ->> 1)::bigint
                from jsonb_array_elements($1::jsonb) x where w.id = (x.value ->> 0)::bigint",
        };
        let mut sums: BTreeMap<WorkspaceId, i64> = BTreeMap::new();
        for (workspace, bytes) in gone {
            *sums.entry(*workspace).or_default() += bytes;
        }
        if sums.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let rows = set(&sums.into_iter().collect::<Vec<_>>())?;
        on!(self, |conn| sqlx::query(sql).bind(rows).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// One file. Whoever shows it to somebody asks [`Tx::reach_files`] first.
    pub async fn find_file(&mut self, workspace: WorkspaceId, id: FileId) -> Result<Option<FileRow>> {
        const SQL: &str = "select id, object_key, name, media_type, size_bytes, hash, created_at from files
            where workspace_id = $1 and id = $2";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(workspace).bind(id).fetch_optional(conn).await)?)
    }

    /// Those of the files that there are, for what a message carries.
    pub async fn load_files(&mut self, workspace: WorkspaceId, ids: &[FileId]) -> Result<Vec<FileRow>> {
        const SQL: Dialect = Dialect {
            sqlite: "select id, object_key, name, media_type, size_bytes, hash, created_at from files
                where workspace_id = $1 and id in (select value from jsonb_each($2))",
            postgres: "select id, object_key, name, media_type, size_bytes, hash, created_at from files
                where workspace_id = $1
                  and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))",
        };
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let sql = SQL.pick(self);
        let ids = set(&ids)?;
        Ok(on!(self, |conn| sqlx::query_as(sql).bind(workspace).bind(ids).fetch_all(conn).await)?)
    }

    /// How the caller stands to those of the files that there are. Who sees a message sees what it carries, but for
    /// one that was taken back.
    pub async fn reach_files(&mut self, caller: &Caller, ids: &[FileId]) -> Result<Vec<FileReach>> {
        const SQL: Dialect = Dialect {
            sqlite: reach!("in (select value from jsonb_each($2))"),
            postgres: reach!("= any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))"),
        };
        let (sees_all, sees_numbers, user) = match caller.sight() {
            Sight::All => (true, true, UserId(0)),
            Sight::Numbers => (false, true, UserId(0)),
            Sight::Person { user, sees_numbers } => (false, sees_numbers, user),
        };
        let sql = SQL.pick(self);
        let (ids, uploader) = (set(&ids)?, caller.who.to_string());
        Ok(on!(self, |conn| {
            let query = sqlx::query_as(sql).bind(caller.workspace).bind(ids).bind(uploader).bind(user);
            query.bind(sees_all).bind(sees_numbers).fetch_all(conn).await
        })?)
    }

    /// Files of every workspace that were uploaded before then, after that place, the oldest first.
    pub async fn list_old_files(&mut self, after: Position, before: Timestamp, limit: i64) -> Result<Vec<OldFile>> {
        const SQL: &str = "select f.workspace_id, f.id, f.object_key, f.created_at,
                exists (select 1 from attachments a where a.workspace_id = f.workspace_id and a.file_id = f.id) as is_attached
            from files f where (f.created_at, f.id) > ($1, $2) and f.created_at < $3
            order by f.created_at, f.id limit $4";
        Ok(on!(self, |conn| {
            sqlx::query_as(SQL).bind(after.at).bind(after.id).bind(before).bind(limit).fetch_all(conn).await
        })?)
    }

    /// Files of every workspace whose last message was taken back before then, the longest ago first.
    pub async fn list_released_files(&mut self, before: Timestamp, limit: i64) -> Result<Vec<OldFile>> {
        const SQL: &str = "select f.workspace_id, f.id, f.object_key, f.created_at,
                exists (select 1 from attachments a where a.workspace_id = f.workspace_id and a.file_id = f.id) as is_attached
            from files f where f.released_at is not null and f.released_at < $1 order by f.released_at, f.id limit $2";
        Ok(on!(self, |conn| sqlx::query_as(SQL).bind(before).bind(limit).fetch_all(conn).await)?)
    }

    /// Notes since when no message carries the files of one that is taken back now. Whoever attaches one of them
    /// meanwhile is waited for.
    pub(super) async fn release_files(
        &mut self,
        workspace: WorkspaceId,
        message: MessageId,
        now: Timestamp,
    ) -> Result<()> {
        const LOCK: &str =
            "select f.id from attachments a join files f on f.workspace_id = a.workspace_id and f.id = a.file_id
            where a.workspace_id = $1 and a.message_id = $2 order by f.id for update of f";
        const SQL: &str = "update files set released_at = $3 where workspace_id = $1
            and id in (select a.file_id from attachments a where a.workspace_id = $1 and a.message_id = $2)
            and not exists (select 1 from attachments o where o.workspace_id = files.workspace_id
                and o.file_id = files.id and o.message_id <> $2)";
        if self.is_postgres() {
            on!(self, |conn| sqlx::query(LOCK).bind(workspace).bind(message).execute(conn).await.map(drop))?;
        }
        on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(message).bind(now).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Holds files that a message is about to carry, in the order of their ids, as whoever lets them go takes them.
    pub async fn hold_files(&mut self, workspace: WorkspaceId, files: &[FileId]) -> Result<()> {
        const SQL: &str = "select id from files where workspace_id = $1
            and id = any(array(select value::bigint from jsonb_array_elements_text($2::jsonb)))
            order by id for key share";
        if self.is_postgres() && !files.is_empty() {
            let files = set(&files)?;
            on!(self, |conn| sqlx::query(SQL).bind(workspace).bind(files).execute(conn).await.map(drop))?;
        }
        Ok(())
    }

    /// Keeps released files that a message carries again.
    pub async fn keep_files(&mut self, files: &[(WorkspaceId, FileId)]) -> Result<()> {
        const SQL: Dialect = Dialect {
            sqlite: "update files set released_at = null
                where (workspace_id, id) in (select value ->> 0, value ->> 1 from jsonb_each($1))
                  and exists (select 1 from attachments a where a.workspace_id = files.workspace_id
                    and a.file_id = files.id)",
            postgres: "update files f set released_at = null from jsonb_array_elements($1::jsonb) x
                where f.workspace_id = (x.value ->> 0)::bigint and f.id = (x.value ->> 1)::bigint
                  and exists (select 1 from attachments a where a.workspace_id = f.workspace_id and a.file_id = f.id)",
        };
        if files.is_empty() {
            return Ok(());
        }
        let sql = SQL.pick(self);
        let files = set(&files)?;
        on!(self, |conn| sqlx::query(sql).bind(files).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Lets files go, but for those that a message carries by now, and gives back what they took.
    pub async fn delete_files(&mut self, files: &[(WorkspaceId, FileId)]) -> Result<u64> {
        const SQL: Dialect = Dialect {
            sqlite:
                "delete from files where (workspace_id, id) in (select value ->> 0, value ->> 1 from jsonb_each($1))
                and not exists (select 1 from attachments a
                    where a.workspace_id = files.workspace_id and a.file_id = files.id)
                returning workspace_id, size_bytes",
            postgres: "delete from files f using jsonb_array_elements($1::jsonb) x
                where f.workspace_id = (x.value ->> 0)::bigint and f.id = (x.value ->> 1)::bigint
                and not exists (select 1 from attachments a where a.workspace_id = f.workspace_id and a.file_id = f.id)
                returning f.workspace_id, f.size_bytes",
        };
        let sql = SQL.pick(self);
        let files = set(&files)?;
        let gone: Vec<(WorkspaceId, i64)> = on!(self, |conn| sqlx::query_as(sql).bind(files).fetch_all(conn).await)?;
        self.give_storage_back(&gone).await?;
        Ok(gone.len() as u64)
    }

    /// How far the sweep of old files has come.
    pub async fn files_swept_to(&mut self) -> Result<Position> {
        const SQL: &str = "select value from settings where name = 'files_mark'";
        let mark: Option<String> = on!(self, |conn| sqlx::query_scalar(SQL).fetch_optional(conn).await)?;
        let read = |mark: String| {
            let (at, id) = mark.split_once(' ')?;
            Some(Position { at: Timestamp::from_micros(at.parse().ok()?), id: id.parse().ok()? })
        };
        Ok(mark.and_then(read).unwrap_or(Position { at: Timestamp::from_micros(0), id: 0 }))
    }

    /// Remembers how far the sweep of old files has come.
    pub async fn note_files_swept(&mut self, to: Position) -> Result<()> {
        const SQL: &str = "insert into settings (name, value) values ('files_mark', $1)
            on conflict (name) do update set value = excluded.value";
        let mark = format!("{} {}", to.at.micros(), to.id);
        on!(self, |conn| sqlx::query(SQL).bind(mark).execute(conn).await.map(drop))?;
        Ok(())
    }
}
