//! Attachments that came in: kept like uploads once they are here, and noted on their message's timeline when not.
//!
//! Whoever fetched one writes only while it is still theirs. What a crash leaves behind is a file that no message
//! carries, which goes as every other does.

use bytes::Bytes;
use serde_json::json;

use super::Messaging;
use super::files::{UploadError, describe, put_bytes};
use crate::domain::{MediaType, Timestamp, file_url};
use crate::fault::{is_sabotaged, point};
use crate::store::{self, ClaimedMedia, NewHistory};

/// What becomes of an attachment that is not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// It is fetched again then.
    Again(Timestamp),
    /// Nobody fetches it any more.
    GivenUp,
}

/// Keeps the bytes of an attachment and puts them in its place; nothing happens when it is no longer the caller's.
pub async fn keep_media(m: &Messaging, media: &ClaimedMedia, bytes: Bytes) -> Result<(), UploadError> {
    let name = format!("media-{}.{}", media.position + 1, extension(&bytes));
    let file = describe(m, format!("provider:{}", media.provider), &name, &bytes)?;
    let workspace = media.workspace_id;
    let mut tx = m.store.begin().await?;
    if !tx.take_storage(workspace, file.size_bytes, m.rules.storage_limit_bytes).await? {
        return Err(UploadError::Full);
    }
    let id = tx.insert_file(workspace, &file, m.clock.now()).await?;
    tx.commit().await?;
    point("after_media_row");
    put_bytes(m, (workspace, id), &file.object_key, bytes).await?;
    point("after_media_bytes");
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    if !tx.lock_inbound_media(media).await? && !is_sabotaged("ignore_fence") {
        return Ok(());
    }
    tx.finish_inbound_media(media.id).await?;
    tx.hold_files(workspace, &[id]).await?;
    tx.attach_file(media, (id, &file_url(id)), now).await?;
    tx.add_history(&[note(media, "an attachment was fetched from the service", now)]).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes down that an attachment is not here, and what becomes of it; the first time and the last also for people.
pub async fn end_media(m: &Messaging, media: &ClaimedMedia, becomes: &Media, reason: &str) -> store::Result<()> {
    let now = m.clock.now();
    let mut tx = m.store.begin().await?;
    if !tx.lock_inbound_media(media).await? {
        return Ok(());
    }
    let said = match becomes {
        Media::Again(due_at) => {
            tx.postpone_inbound_media(media.id, *due_at).await?;
            (media.tries == 1).then(|| format!("an attachment could not be fetched, and is tried again: {reason}"))
        }
        Media::GivenUp => {
            tx.finish_inbound_media(media.id).await?;
            Some(format!("an attachment could not be fetched: {reason}"))
        }
    };
    if let Some(said) = said {
        tx.add_history(&[note(media, &said, now)]).await?;
    }
    tx.commit().await
}

fn note(media: &ClaimedMedia, said: &str, now: Timestamp) -> NewHistory {
    let data = json!({ "note": said, "attachment": media.position, "provider": media.provider, "tries": media.tries });
    NewHistory { workspace: media.workspace_id, message: media.message_id, kind: "note", at: now, data }
}

fn extension(bytes: &Bytes) -> &'static str {
    match MediaType::of(bytes) {
        Some(MediaType::Png) => "png",
        Some(MediaType::Jpeg) => "jpg",
        Some(MediaType::Gif) => "gif",
        Some(MediaType::WebP) => "webp",
        Some(MediaType::Pdf) => "pdf",
        Some(MediaType::Text) => "txt",
        None => "bin",
    }
}
