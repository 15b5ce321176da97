//! The bytes of uploaded files: in a folder of this machine, or in an S3-compatible bucket.
