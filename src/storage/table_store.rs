//! The objects below one table's root.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::files::object_path::path_of;
use super::local::{Fence, LocalBucket};

/// The objects below one table's root; cheap to clone. Keys are relative to the root.
#[derive(Debug, Clone)]
pub struct TableStore {
    store: Arc<dyn ObjectStore>,
    root: Path,
    /// Bucket and location, for messages.
    name: Arc<str>,
    /// The bucket, where the store is one that has a name.
    bucket: Arc<str>,
    /// `None`: the store has no symbolic links.
    fence: Option<Fence>,
}

/// What a store knows of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectInfo {
    pub size_bytes: u64,
    /// Milliseconds since the Unix epoch.
    pub modified_ms: i64,
    /// Differs when the object was replaced; `None` if the store has no tags.
    pub tag: Option<String>,
}

impl From<&ObjectMeta> for ObjectInfo {
    fn from(meta: &ObjectMeta) -> Self {
        Self {
            size_bytes: meta.size,
            modified_ms: meta.last_modified.timestamp_millis(),
            tag: meta.e_tag.clone(),
        }
    }
}

impl TableStore {
    /// The table at `location` in any object store; `name` stands for it in messages.
    ///
    /// # Errors
    /// [`Error::Location`].
    pub fn new(store: Arc<dyn ObjectStore>, location: &str, name: &str) -> Result<Self, Error> {
        let root = Path::parse(location).map_err(|_| Error::Location { location: location.to_owned() })?;
        Ok(Self { store, root, name: name.into(), bucket: "".into(), fence: None })
    }

    pub(super) fn in_directory(bucket: LocalBucket, location: &str) -> Result<Self, Error> {
        let name = format!("{}/{location}", bucket.name);
        let mut table = Self::new(Arc::new(bucket.store), location, &name)?;
        if !bucket.fence.holds(&table.root) {
            return Err(Error::OutsideBucket { object: name });
        }
        table.bucket = bucket.name.into();
        table.fence = Some(bucket.fence);
        Ok(table)
    }

    /// Bucket and location, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bucket; empty if the store has no name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The table's place in the bucket, without slashes around it.
    pub fn location(&self) -> &str {
        self.root.as_ref()
    }

    fn path(&self, key: &str) -> Result<Path, Error> {
        // Directories have no empty names.
        let key_path = if self.fence.is_some() { path_of(key) } else { key.into() };
        let path = format!("{}/{key_path}", self.root);
        Path::parse(path).map_err(|_| Error::Location { location: key.to_owned() })
    }

    /// The path of `key`, after a look at its symbolic links.
    async fn checked_path(&self, key: &str) -> Result<Path, Error> {
        let path = self.path(key)?;
        if let Some(fence) = self.fence.clone() {
            let checked = path.clone();
            let holds = tokio::task::spawn_blocking(move || fence.holds(&checked)).await;
            // The task cannot panic; a runtime that shuts down cancels it.
            if !holds.unwrap_or(false) {
                return Err(Error::OutsideBucket { object: key.to_owned() });
            }
        }
        Ok(path)
    }

    /// Calls `visit` with the name of each object directly in `directory` that comes after `after` in the
    /// order of bytes. The objects come in no order. A directory that does not exist is empty.
    pub async fn list(
        &self,
        directory: &str,
        after: &str,
        visit: &mut (dyn FnMut(&str, ObjectInfo) + Send),
    ) -> Result<(), Error> {
        let prefix = self.checked_path(directory).await?;
        let failed = |source| Error::of_store(directory.to_owned(), source);
        let mut visit_meta = |meta: &ObjectMeta| {
            let mut parts = meta.location.prefix_match(&prefix).into_iter().flatten();
            if let (Some(name), None) = (parts.next(), parts.next())
                && name.as_ref() > after
            {
                visit(name.as_ref(), ObjectInfo::from(meta));
            }
        };
        if self.fence.is_some() || after.is_empty() {
            // A file system reads the whole directory anyway, but need not enter those in it.
            let listed = self.store.list_with_delimiter(Some(&prefix)).await.map_err(failed)?;
            listed.objects.iter().for_each(visit_meta);
        } else {
            let offset = prefix.clone().join(after);
            let mut listed = self.store.list_with_offset(Some(&prefix), &offset);
            while let Some(meta) = listed.try_next().await.map_err(failed)? {
                visit_meta(&meta);
            }
        }
        Ok(())
    }

    /// What the store knows of `key`; `None` if it does not exist.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, Error> {
        let path = self.checked_path(key).await?;
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(ObjectInfo::from(&meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(Error::of_store(key.to_owned(), source)),
        }
    }

    /// The whole object.
    ///
    /// # Errors
    /// [`Error::ObjectTooLarge`] beyond `bytes_max`, before anything is read.
    pub async fn read(&self, key: &str, bytes_max: u64) -> Result<(Bytes, ObjectInfo), Error> {
        let path = self.checked_path(key).await?;
        let failed = |source| Error::of_store(key.to_owned(), source);
        let object = self.store.get(&path).await.map_err(failed)?;
        let info = ObjectInfo::from(&object.meta);
        if info.size_bytes > bytes_max {
            let size_bytes = info.size_bytes;
            return Err(Error::ObjectTooLarge { object: key.to_owned(), size_bytes, bytes_max });
        }
        Ok((object.bytes().await.map_err(failed)?, info))
    }

    /// A part of the object, which must still be the one that `info` describes. The range is cut at its end.
    ///
    /// # Errors
    /// [`Error::ObjectChanged`] if it was replaced.
    pub async fn read_range(&self, key: &str, info: &ObjectInfo, range: Range<u64>) -> Result<Bytes, Error> {
        let end = range.end.min(info.size_bytes);
        if range.start >= end {
            return Ok(Bytes::new());
        }
        let path = self.checked_path(key).await?;
        let failed = |source| Error::of_store(key.to_owned(), source);
        let options = GetOptions {
            range: Some((range.start..end).into()),
            if_match: info.tag.clone(),
            ..GetOptions::default()
        };
        let object = self.store.get_opts(&path, options).await.map_err(failed)?;
        object.bytes().await.map_err(failed)
    }
}

#[cfg(test)]
mod tests;
