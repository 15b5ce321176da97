//! Files: uploading them, attaching them to messages, reading them, and letting go of those that nobody attached.
//!
//! A file's row is there before its bytes, so that none are ever kept that no row knows; its id is told when both are.
//! No transaction is open while bytes move.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Messaging;
use crate::blob::{self, Blobs, Content};
use crate::domain::{
    Caller, FieldError, FileId, MediaType, Refusal, Timestamp, UploadedFile, WorkspaceId, clean_file_name, file_of_url,
    file_url,
};
use crate::store::{self, Budget, FileRow, NewFile, OldFile, Position, Taken, Tx};

/// How long an upload may wait for the message that carries it.
const ATTACHABLE: Duration = Duration::from_hours(24);
/// For how long what somebody uploads is counted.
const DAY: Duration = Duration::from_hours(24);
/// When it is deleted then; the hour between the two is for what is under way.
const UNUSED: Duration = Duration::from_hours(25);
/// How long a link for a provider is good after the message's last moment.
const LINK_LIFE: Duration = Duration::from_hours(7 * 24);
/// Files that one step of the sweep looks at.
const SWEPT: i64 = 200;

/// Which file of which workspace.
type FileName = (WorkspaceId, FileId);

/// Why a file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It is none of the kinds that are taken.
    #[error("the file is of no kind that is taken")]
    Unsupported,
    /// Its uploader has uploaded too much.
    #[error("too much was uploaded")]
    Limited {
        /// After how long there may be more.
        after: Duration,
    },
    /// The workspace stores as much as it may.
    #[error("the workspace has no room for it")]
    Full,
    /// Its bytes could not be kept.
    #[error(transparent)]
    Blob(#[from] blob::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFileError {
    /// There is none, or it is not the caller's to see.
    #[error("no such attachment")]
    NoSuchFile,
    /// Its bytes could not be read.
    #[error(transparent)]
    Blob(#[from] blob::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A file that may be read.
#[derive(Debug)]
pub struct OpenFile {
    /// What it is; nothing else is ever said of it.
    pub media_type: MediaType,
    /// What it is called.
    pub name: String,
    /// SHA-256 of its bytes.
    pub hash: Vec<u8>,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The name of its bytes.
    object_key: String,
}

/// Keeps a file. What it is, its content says.
pub async fn upload(m: &Messaging, caller: &Caller, name: &str, bytes: Bytes) -> Result<UploadedFile, UploadError> {
    let file = describe(m, caller.who.to_string(), name, &bytes)?;
    let media_type = file.media_type;
    let mut tx = m.store.begin().await?;
    take_room(&mut tx, m, caller, file.size_bytes).await?;
    let id = tx.insert_file(caller.workspace, &file, m.clock.now()).await?;
    tx.commit().await?;
    put_bytes(m, (caller.workspace, id), &file.object_key, bytes).await?;
    metrics::counter!("switchboard_files_uploaded_total", "media_type" => media_type).increment(1);
    let media_type = media_type.to_owned();
    Ok(UploadedFile { id, url: file_url(id), media_type, size_bytes: file.size_bytes, name: file.name })
}

/// What a file is to be, by its content.
pub(super) fn describe(m: &Messaging, uploader: String, name: &str, bytes: &Bytes) -> Result<NewFile, UploadError> {
    if bytes.is_empty() {
        return Err(UploadError::Empty);
    }
    Ok(NewFile {
        uploader,
        object_key: Blobs::new_key(&m.clock),
        name: clean_file_name(name),
        media_type: MediaType::of(bytes).ok_or(UploadError::Unsupported)?.as_str(),
        size_bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        hash: Sha256::digest(bytes).to_vec(),
    })
}

/// Keeps the bytes of a file whose row is there; without them the row goes.
pub(super) async fn put_bytes(
    m: &Messaging,
    file: FileName,
    object_key: &str,
    bytes: Bytes,
) -> Result<(), UploadError> {
    if let Err(error) = m.blobs.put(object_key, bytes).await {
        let mut tx = m.store.begin().await?;
        tx.delete_files(&[file]).await?;
        tx.commit().await?;
        return Err(error.into());
    }
    Ok(())
}

/// Takes what an upload costs: of its uploader's day, and of the room that the workspace has.
async fn take_room(tx: &mut Tx, m: &Messaging, caller: &Caller, bytes: i64) -> Result<(), UploadError> {
    let (workspace, who) = (caller.workspace.0.to_be_bytes(), caller.who.to_string());
    let budget = Budget {
        name: "upload_bytes",
        about: vec![b"upload_bytes", &workspace, who.as_bytes()],
        most: m.rules.upload_limit_bytes_a_day,
        period: DAY,
        amount: bytes,
    };
    if budget.most > 0
        && let Taken::No { budget, after } = tx.take_budgets(&[budget], m.clock.now()).await?
    {
        metrics::counter!("switchboard_limited_total", "limit" => budget).increment(1);
        return Err(UploadError::Limited { after });
    }
    let has_room = tx.take_storage(caller.workspace, bytes, m.rules.storage_limit_bytes).await?;
    if has_room { Ok(()) } else { Err(UploadError::Full) }
}

/// Opens a file for whoever uploaded it, or sees a message that carries it.
pub async fn open_file(m: &Messaging, caller: &Caller, id: FileId) -> Result<OpenFile, ReadFileError> {
    let mut tx = m.store.read().await?;
    let reach = tx.reach_files(caller, &[id]).await?.pop();
    reach.filter(|reach| reach.is_own || reach.is_seen).ok_or(ReadFileError::NoSuchFile)?;
    let row = tx.find_file(caller.workspace, id).await?.ok_or(ReadFileError::NoSuchFile)?;
    open(row)
}

/// Opens a file for whoever holds a link that [`sign_link`] made and that is still good.
pub async fn open_linked_file(m: &Messaging, id: FileId, token: &str) -> Result<OpenFile, ReadFileError> {
    let workspace = read_token(m, id, token).ok_or(ReadFileError::NoSuchFile)?;
    let mut tx = m.store.read().await?;
    let row = tx.find_file(workspace, id).await?.ok_or(ReadFileError::NoSuchFile)?;
    open(row)
}

fn open(row: FileRow) -> Result<OpenFile, ReadFileError> {
    let media_type = MediaType::named(&row.media_type).ok_or(ReadFileError::NoSuchFile)?;
    let size_bytes = u64::try_from(row.size_bytes).unwrap_or_default();
    Ok(OpenFile { media_type, name: row.name, hash: row.hash, size_bytes, object_key: row.object_key })
}

/// The bytes of a file, or those of a range that lies in it.
pub async fn read_file(m: &Messaging, file: &OpenFile, range: Option<Range<u64>>) -> Result<Content, ReadFileError> {
    m.blobs.get(&file.object_key, range).await?.ok_or(ReadFileError::NoSuchFile)
}

/// The absolute link by which a provider fetches an upload without credentials: a week longer than the message may
/// still be sent, and the same at every attempt.
pub fn sign_link(m: &Messaging, workspace: WorkspaceId, file: FileId, last_moment: Timestamp) -> String {
    let ends = (last_moment + LINK_LIFE).micros().to_be_bytes();
    let workspace = workspace.0.to_be_bytes();
    let mac = link_mac(m, file, workspace, ends);
    let token = URL_SAFE_NO_PAD.encode([&workspace[..], &ends, &mac].concat());
    format!("{}{}/{token}", m.rules.base_url, file_url(file))
}

/// The workspace of a link that is ours and still good.
fn read_token(m: &Messaging, file: FileId, token: &str) -> Option<WorkspaceId> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (workspace, rest) = bytes.split_first_chunk::<8>()?;
    let (ends, mac) = rest.split_first_chunk::<8>()?;
    let is_ours = bool::from(link_mac(m, file, *workspace, *ends)[..].ct_eq(mac));
    let is_good = m.clock.now() < Timestamp::from_micros(i64::from_be_bytes(*ends));
    (is_ours && is_good).then(|| WorkspaceId(i64::from_be_bytes(*workspace)))
}

fn link_mac(m: &Messaging, file: FileId, workspace: [u8; 8], ends: [u8; 8]) -> [u8; 32] {
    m.store.vault().fingerprint(&[b"attachment link", &workspace, &file.0.to_be_bytes(), &ends])
}

/// The uploads among the attachments of one message; an upload that the caller may not attach is named.
///
/// Theirs are what they uploaded within a day or have attached before, and what messages carry that they see.
pub async fn check_attachments(
    tx: &mut Tx,
    caller: &Caller,
    urls: &[String],
    now: Timestamp,
) -> store::Result<Result<Vec<Option<FileId>>, Refusal>> {
    let attachable = find_attachable(tx, caller, urls.iter(), now).await?;
    Ok(resolve_attachments(urls, &attachable))
}

/// Those of the uploads that the caller may attach.
pub(super) async fn find_attachable(
    tx: &mut Tx,
    caller: &Caller,
    urls: impl Iterator<Item = &String>,
    now: Timestamp,
) -> store::Result<HashSet<FileId>> {
    let wanted: HashSet<FileId> = urls.filter_map(|url| file_of_url(url)).collect();
    if wanted.is_empty() {
        return Ok(HashSet::new());
    }
    let wanted: Vec<FileId> = wanted.into_iter().collect();
    tx.hold_files(caller.workspace, &wanted).await?;
    let reaches = tx.reach_files(caller, &wanted).await?;
    let may_attach = |reach: &store::FileReach| {
        let is_fresh = now.since(reach.created_at) < ATTACHABLE;
        reach.is_seen || (reach.is_own && (is_fresh || reach.is_attached))
    };
    Ok(reaches.into_iter().filter(may_attach).map(|reach| reach.id).collect())
}

/// The uploads among attachments, by what may be attached.
pub(super) fn resolve_attachments(
    urls: &[String],
    attachable: &HashSet<FileId>,
) -> Result<Vec<Option<FileId>>, Refusal> {
    let files: Vec<Option<FileId>> = urls.iter().map(|url| file_of_url(url)).collect();
    let is_missing = |file: &Option<FileId>| file.is_some_and(|file| !attachable.contains(&file));
    let refused = |at: usize| {
        let message = "there is no such upload of yours; one that is not sent within a day is deleted";
        FieldError::new(format!("attachments[{at}]"), "no_such_attachment", message)
    };
    let missing: Refusal =
        files.iter().enumerate().filter(|(_, file)| is_missing(file)).map(|(at, _)| refused(at)).collect();
    if missing.is_empty() { Ok(files) } else { Err(missing) }
}

/// Lets go of uploads that no message carries a day after they came, or after the last one that did was taken back.
/// Gives how many.
///
/// Bytes go before their rows: what is interrupted is done again, and nothing is kept that no row knows.
///
/// # Errors
///
/// When the database or the place of the bytes fails; the sets before that are gone.
pub async fn sweep_files(m: &Messaging) -> Result<usize, UploadError> {
    let before = m.clock.now() - UNUSED;
    let mut swept = 0;
    while let Some(gone) = sweep_unused(m, before).await? {
        swept += gone;
    }
    while let Some(gone) = sweep_released(m, before).await? {
        swept += gone;
    }
    Ok(swept)
}

/// One set in the order in which files came, each looked at once; nothing when none is left.
async fn sweep_unused(m: &Messaging, before: Timestamp) -> Result<Option<usize>, UploadError> {
    let mut tx = m.store.read().await?;
    let mark = tx.files_swept_to().await?;
    let old = tx.list_old_files(mark, before, SWEPT).await?;
    drop(tx);
    let Some(last) = old.last() else { return Ok(None) };
    let mark = Position { at: last.created_at, id: last.id.0 };
    let (unused, _) = delete_bytes(m, &old).await?;
    let mut tx = m.store.begin().await?;
    tx.delete_files(&unused).await?;
    tx.note_files_swept(mark).await?;
    tx.commit().await?;
    Ok(Some(unused.len()))
}

/// One set of those whose message was taken back.
async fn sweep_released(m: &Messaging, before: Timestamp) -> Result<Option<usize>, UploadError> {
    let old = m.store.read().await?.list_released_files(before, SWEPT).await?;
    if old.is_empty() {
        return Ok(None);
    }
    let (unused, used) = delete_bytes(m, &old).await?;
    let mut tx = m.store.begin().await?;
    tx.delete_files(&unused).await?;
    tx.keep_files(&used).await?;
    tx.commit().await?;
    Ok(Some(unused.len()))
}

/// Deletes the bytes of files that no message carries; these, and the others.
async fn delete_bytes(m: &Messaging, files: &[OldFile]) -> Result<(Vec<FileName>, Vec<FileName>), UploadError> {
    let (used, unused): (Vec<&OldFile>, Vec<&OldFile>) = files.iter().partition(|file| file.is_attached);
    m.blobs.delete(&unused.iter().map(|file| file.object_key.clone()).collect::<Vec<_>>()).await?;
    let names = |files: Vec<&OldFile>| files.into_iter().map(|file| (file.workspace_id, file.id)).collect();
    Ok((names(unused), names(used)))
}
