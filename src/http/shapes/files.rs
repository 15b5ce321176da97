//! Uploads.

use serde::Deserialize;
use utoipa::ToSchema;

/// A form with a file.
#[derive(Debug, Deserialize, ToSchema)]
pub struct UploadForm {
    /// 1 to 10,485,760 bytes.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    pub file: Vec<u8>,
}
