//! What is known of an object beside its bytes.
//!
//! The record names the size and modification time of the file that it was written for. A file that was
//! changed from outside no longer matches them, and is a plain file again: its ETag comes from `stat`.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use rustix::fs::{Stat, XattrFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::error::{Error, io};
use crate::limits::objects::ATTRIBUTES_BYTES_MAX;

/// The extended attribute that holds the record, as JSON.
const NAME: &str = "user.lakeshare.object";

/// A record above this size did not fit; below it, the file system itself is full.
const SURELY_FITS_BYTES: usize = 512;

/// The ETag of no bytes: MD5 of the empty string.
pub const EMPTY_ETAG: &str = "d41d8cd98f00b204e9800998ecf8427e";

/// The record beside an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// Bytes of the file that this record was written for.
    pub size: u64,
    /// Modification time of that file, in nanoseconds since the Unix epoch.
    pub modified_ns: i64,
    /// Without quotes.
    pub etag: String,
    #[serde(default, skip_serializing_if = "Described::is_empty")]
    pub described: Described,
    #[serde(default, skip_serializing_if = "Checksums::is_empty")]
    pub checksums: Checksums,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
}

/// What the client says about an object: standard headers and user metadata.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Described {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What would be lost that a reader needs to understand the bytes; the content type may be.
    fn needed(&self) -> Option<&'static str> {
        if !self.metadata.is_empty() {
            return Some("user metadata");
        }
        if self.content_encoding.as_deref().is_some_and(|encoding| !encoding.is_empty()) {
            return Some("a content encoding");
        }
        None
    }
}

/// Checksums by the names of Amazon S3's `ChecksumAlgorithm`, in base64.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksums {
    #[serde(flatten)]
    pub by_algorithm: BTreeMap<String, String>,
    /// Whether they were made from the checksums of parts (`COMPOSITE`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub composite: bool,
}

impl Checksums {
    pub fn is_empty(&self) -> bool {
        self.by_algorithm.is_empty()
    }
}

/// The parts of an object that was uploaded in parts of one size, but for the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    pub count: i32,
    /// Bytes of each part but the last; 0 where the parts differ.
    pub bytes: u64,
}

/// An object's file as it stands: `stat`, and the record if it belongs to exactly this content.
#[derive(Debug, Clone)]
pub struct Known {
    pub size: u64,
    pub modified_ns: i64,
    inode: u64,
    pub attributes: Option<Attributes>,
}

impl Known {
    /// What is known of the open file `file`.
    pub fn of(file: impl AsFd) -> Result<Self, Error> {
        let stat = rustix::fs::fstat(&file).map_err(io("looking at an object"))?;
        let mut known = Self::plain(&stat);
        if let Read::Record(record) = read(file)?
            && (record.size, record.modified_ns) == (known.size, known.modified_ns)
        {
            known.attributes = Some(*record);
        }
        Ok(known)
    }

    /// A marker: no bytes, whatever its directory weighs; the record is not bound to the directory's time.
    pub fn marker(stat: &Stat, record: Option<Attributes>) -> Self {
        let modified_ns = record.as_ref().map_or_else(|| modified_ns(stat), |record| record.modified_ns);
        let empty = Attributes { etag: EMPTY_ETAG.to_owned(), ..Attributes::default() };
        Self { size: 0, modified_ns, inode: stat.st_ino, attributes: Some(record.unwrap_or(empty)) }
    }

    pub fn plain(stat: &Stat) -> Self {
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified_ns: modified_ns(stat),
            inode: stat.st_ino,
            attributes: None,
        }
    }

    /// The ETag without quotes: the recorded one, or one made from `stat`, which holds a hyphen so that no
    /// client takes it for an MD5.
    pub fn etag(&self) -> String {
        self.attributes.as_ref().map_or_else(
            || format!("{:x}-{:x}-{:x}", self.modified_ns, self.size, self.inode),
            |record| record.etag.clone(),
        )
    }

    pub fn described(&self) -> Described {
        self.attributes.as_ref().map(|record| record.described.clone()).unwrap_or_default()
    }

    pub fn checksums(&self) -> Checksums {
        self.attributes.as_ref().map(|record| record.checksums.clone()).unwrap_or_default()
    }
}

/// The modification time of `stat`, in nanoseconds since the Unix epoch.
pub fn modified_ns(stat: &Stat) -> i64 {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// What a file says about its record.
#[derive(Debug)]
pub enum Read {
    Record(Box<Attributes>),
    /// None, or one that is not ours.
    Absent,
    /// The file system keeps no extended attributes of users.
    Unsupported,
}

/// Reads the record of an open file or directory, whether or not it still fits the content.
pub fn read(file: impl AsFd) -> Result<Read, Error> {
    let mut buffer = Vec::with_capacity(ATTRIBUTES_BYTES_MAX);
    match rustix::fs::fgetxattr(file, NAME, rustix::buffer::spare_capacity(&mut buffer)) {
        Ok(_) => {
            Ok(serde_json::from_slice(&buffer).map_or(Read::Absent, |record| Read::Record(Box::new(record))))
        }
        Err(Errno::NODATA | Errno::RANGE) => Ok(Read::Absent),
        Err(Errno::OPNOTSUPP | Errno::PERM) => Ok(Read::Unsupported),
        Err(errno) => Err(io("reading the attributes of an object")(errno)),
    }
}

/// Writes the record of an open file or directory; false if the file system keeps none.
///
/// Errors: the record is too large; it holds what must not be lost and cannot be kept.
pub fn write(file: impl AsFd, record: &Attributes) -> Result<bool, Error> {
    let text = serde_json::to_vec(record)
        .map_err(|error| Error::Io { doing: "writing the attributes of an object", source: error.into() })?;
    if text.len() > ATTRIBUTES_BYTES_MAX {
        return Err(Error::MetadataTooLarge { limit: ATTRIBUTES_BYTES_MAX });
    }
    match rustix::fs::fsetxattr(file, NAME, &text, XattrFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::PERM) => match record.described.needed() {
            Some(what) => Err(Error::MetadataUnsupported { what }),
            None => Ok(false),
        },
        Err(Errno::NOSPC | Errno::TOOBIG | Errno::RANGE) if text.len() > SURELY_FITS_BYTES => {
            Err(Error::MetadataTooLarge { limit: SURELY_FITS_BYTES })
        }
        Err(errno) => Err(io("writing the attributes of an object")(errno)),
    }
}

/// Takes the record off an open directory, so that it is no marker any more.
pub fn remove(directory: impl AsFd) -> Result<(), Error> {
    match rustix::fs::fremovexattr(directory, NAME) {
        Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::PERM) => Ok(()),
        Err(errno) => Err(io("removing a marker")(errno)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;

    use super::*;

    fn recorded(file: &File, etag: &str) -> Attributes {
        let known = Known::of(file).unwrap();
        Attributes {
            size: known.size,
            modified_ns: known.modified_ns,
            etag: etag.to_owned(),
            ..Attributes::default()
        }
    }

    #[test]
    fn a_record_is_read_back_whole() {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut record = recorded(file.as_file(), "abc");
        record.described.metadata.insert("colour".to_owned(), "blau ü".to_owned());
        record.described.content_type = Some("text/plain".to_owned());
        record.checksums.by_algorithm.insert("CRC32".to_owned(), "AAAAAA==".to_owned());
        record.parts = Some(Parts { count: 3, bytes: 5 });
        if write(file.as_file(), &record).unwrap_or(false) {
            assert_eq!(Known::of(file.as_file()).unwrap().attributes, Some(record));
        }
    }

    #[test]
    fn a_file_changed_from_outside_is_a_plain_file_again() {
        let mut file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        write(file.as_file(), &recorded(file.as_file(), "abc")).unwrap();
        file.write_all(b"more").unwrap();
        let known = Known::of(file.as_file()).unwrap();
        assert_eq!(known.attributes, None);
        assert!(known.etag().contains('-'));
    }

    #[test]
    fn a_foreign_attribute_is_no_record() {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        if rustix::fs::fsetxattr(file.as_file(), NAME, b"not json", XattrFlags::empty()).is_ok() {
            assert_eq!(Known::of(file.as_file()).unwrap().attributes, None);
        }
    }

    #[test]
    fn a_record_beyond_its_bound_is_refused() {
        let file = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut record = recorded(file.as_file(), "abc");
        record.described.metadata.insert("long".to_owned(), "x".repeat(ATTRIBUTES_BYTES_MAX));
        assert!(matches!(write(file.as_file(), &record), Err(Error::MetadataTooLarge { .. })));
    }
}
