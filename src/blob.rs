//! The bytes of uploaded files: in a folder of this machine, or in an S3-compatible bucket.
//!
//! What they are and whose, the database knows; here they are a random name and nothing else.

use std::io;
use std::ops::Range;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use url::Url;

use crate::clock::Clock;

/// Where bytes are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

/// The bytes of one file, or some of them, as they come.
pub struct Content {
    /// How many come.
    pub size_bytes: u64,
    /// The bytes, in pieces.
    pub chunks: BoxStream<'static, io::Result<Bytes>>,
}

/// Why a place for bytes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is neither a folder nor a bucket.
    #[error("{0} is neither file:///a/folder nor s3://bucket/prefix")]
    Unknown(String),
    /// The folder cannot be made.
    #[error("the folder for attachments cannot be made")]
    Folder(#[source] io::Error),
    /// The place is not reachable as it is written.
    #[error("the place for attachments cannot be opened")]
    Store(#[from] object_store::Error),
}

/// The place does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the place for attachments does not answer")]
pub struct Error(#[from] object_store::Error);

impl Blobs {
    /// Keeps bytes in a folder, which is made for its owner alone when it is not there.
    pub fn in_folder(folder: &std::path::Path) -> Result<Self, OpenError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(OpenError::Folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(store), prefix: Path::default() })
    }

    /// Keeps bytes where a URL says: `file:///a/folder`, or `s3://bucket/prefix` with the credentials, the region and
    /// the endpoint that stand in the environment as `AWS_..`.
    pub fn at(url: &Url) -> Result<Self, OpenError> {
        let unknown = || OpenError::Unknown(url.scheme().to_owned());
        match url.scheme() {
            "file" => Self::in_folder(&url.to_file_path().map_err(|()| unknown())?),
            "s3" => {
                let bucket = url.host_str().ok_or_else(unknown)?;
                let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build()?;
                let prefix = Path::from_url_path(url.path()).map_err(object_store::Error::from)?;
                Ok(Self { store: Arc::new(store), prefix })
            }
            _ => Err(unknown()),
        }
    }

    /// A name for bytes that nobody can guess and nothing else has. The first two digits spread them over folders.
    pub fn new_key(clock: &Clock) -> String {
        let name = hex::encode(clock.bytes::<16>());
        format!("{}/{name}", &name[..2])
    }

    /// Keeps bytes for good.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), Error> {
        self.store.put(&self.path(key), bytes.into()).await?;
        Ok(())
    }

    /// The bytes of that name, or those in a range of them, and no others are read; nothing when there are none.
    pub async fn get(&self, key: &str, range: Option<Range<u64>>) -> Result<Option<Content>, Error> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        match self.store.get_opts(&self.path(key), options).await {
            Ok(found) => {
                let size_bytes = found.range.end - found.range.start;
                let chunks = found.into_stream().map(|chunk| chunk.map_err(io::Error::other)).boxed();
                Ok(Some(Content { size_bytes, chunks }))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets bytes go; those that are gone already are no error.
    pub async fn delete(&self, keys: &[String]) -> Result<(), Error> {
        for key in keys {
            match self.store.delete(&self.path(key)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn path(&self, key: &str) -> Path {
        self.prefix.parts().chain(Path::from(key).parts()).collect()
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} bytes)", self.size_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::domain::Timestamp;

    async fn read(blobs: &Blobs, key: &str) -> Option<Vec<u8>> {
        read_some(blobs, key, None).await
    }

    async fn read_some(blobs: &Blobs, key: &str, range: Option<Range<u64>>) -> Option<Vec<u8>> {
        let content = blobs.get(key, range).await.unwrap()?;
        let chunks: Vec<Bytes> = content.chunks.map(Result::unwrap).collect().await;
        let bytes = chunks.concat();
        assert_eq!(bytes.len() as u64, content.size_bytes);
        Some(bytes)
    }

    #[tokio::test]
    async fn what_is_put_is_there_until_it_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("attachments");
        let url = Url::from_directory_path(&kept).unwrap();
        let blobs = Blobs::at(&url).unwrap();
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o700);
        let clock = Clock::manual(Timestamp::from_micros(0), 1);
        let (key, other) = (Blobs::new_key(&clock), Blobs::new_key(&clock));
        assert_ne!(key, other);
        blobs.put(&key, Bytes::from_static(b"some bytes")).await.unwrap();
        assert_eq!(read(&blobs, &key).await.unwrap(), b"some bytes");
        assert_eq!(read_some(&blobs, &key, Some(2..6)).await.unwrap(), b"me b");
        assert!(read(&blobs, &other).await.is_none());
        blobs.delete(&[other, key.clone()]).await.unwrap();
        assert!(read(&blobs, &key).await.is_none());
    }

    #[test]
    fn a_place_that_is_none_is_refused() {
        for url in ["http://example.com/x", "gs://bucket", "memory:///"] {
            assert!(Blobs::at(&Url::parse(url).unwrap()).is_err(), "{url}");
        }
    }
}
