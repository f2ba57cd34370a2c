//! Whether a table without a catalog has moved, told at once.
//!
//! The newest metadata file is what the hint leads to. Where there is no hint it is known from a listing, which is as good as
//! a new one while the directory is the same and was left alone for a while before. All is asked of the kernel after the
//! question was put, so that no answer is older than its question.

use super::pointer::{DIRECTORY, Found, NAMES, Pointer, VERSION_HINT, key_of};
use crate::limits::iceberg::{DIRECTORY_SETTLED_MS, METADATA_FILES_AHEAD_MAX, VERSION_HINT_BYTES_MAX};
use crate::storage::Buckets;
use crate::storage::glimpse::{DirectoryMark, Glimpse};

/// A table without a catalog.
#[derive(Debug, Clone, Copy)]
pub struct BareTable<'a> {
    pub buckets: &'a Buckets,
    pub bucket: &'a str,
    pub location: &'a str,
}

/// What the directory of metadata was like before it was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// `None`: what comes next may leave no trace.
    mark: Option<DirectoryMark>,
}

/// Only the store can tell.
struct Unclear;

impl BareTable<'_> {
    /// To be taken before the newest metadata file is looked for.
    pub fn sight(&self, now_ms: i64) -> Sight {
        let mark =
            self.directory().filter(|mark| now_ms.saturating_sub(mark.changed_ms()) >= DIRECTORY_SETTLED_MS);
        Sight { mark }
    }

    /// Whether a metadata file that was found after this sight is the newest still; `false` also where only the store can
    /// tell.
    pub fn is_newest(&self, pointer: &Pointer, sight: Sight) -> bool {
        let is_it = |(name, info): &Found| {
            pointer.key == key_of(self.location, name) && pointer.info.as_ref() == Some(info)
        };
        match self.hinted() {
            Ok(Some(found)) => is_it(&found),
            Ok(None) => {
                let is_same = sight.mark.is_some() && self.directory() == sight.mark;
                let name = pointer.key.rsplit('/').next().unwrap_or_default();
                is_same && pointer.is_highest && matches!(self.file(name), Ok(Some(found)) if is_it(&found))
            }
            Err(Unclear) => false,
        }
    }

    fn directory(&self) -> Option<DirectoryMark> {
        match self.buckets.glimpse_directory([self.bucket, self.location, DIRECTORY]) {
            Glimpse::There(mark) => Some(mark),
            Glimpse::Absent | Glimpse::Unclear => None,
        }
    }

    /// A file in the directory of metadata.
    fn file(&self, name: &str) -> Result<Option<Found>, Unclear> {
        match self.buckets.glimpse(self.bucket, self.location, &format!("{DIRECTORY}/{name}")) {
            Glimpse::There(info) => Ok(Some((name.to_owned(), info))),
            Glimpse::Absent => Ok(None),
            Glimpse::Unclear => Err(Unclear),
        }
    }

    /// As the store is asked for it (see `pointer`).
    fn hinted(&self) -> Result<Option<Found>, Unclear> {
        let bytes_max = usize::try_from(VERSION_HINT_BYTES_MAX).map_err(|_| Unclear)?;
        let bytes = match self.buckets.glimpse_bytes([self.bucket, self.location, VERSION_HINT], bytes_max) {
            Glimpse::There(bytes) => bytes,
            Glimpse::Absent => return Ok(None),
            Glimpse::Unclear => return Err(Unclear),
        };
        let hint = std::str::from_utf8(&bytes).map_err(|_| Unclear)?.trim();
        // How a store takes other names is its own business.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if hint.is_empty() || !hint.bytes().all(is_plain) {
            return Err(Unclear);
        }
        let Some(mut found) = self.of_hint(hint, &NAMES)? else { return Ok(None) };
        let Ok(number) = hint.parse::<u64>() else { return Ok(Some(found)) };
        let [of_number @ .., _, _, _] = &NAMES;
        for ahead in 1..=METADATA_FILES_AHEAD_MAX {
            let Some(number) = number.checked_add(ahead) else { break };
            let Some(next) = self.of_hint(&number.to_string(), of_number)? else { return Ok(Some(found)) };
            found = next;
        }
        Ok(None)
    }

    fn of_hint(&self, hint: &str, names: &[(&str, &str)]) -> Result<Option<Found>, Unclear> {
        for (before, after) in names {
            if let Some(found) = self.file(&format!("{before}{hint}{after}"))? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pointer::of_directory;
    use super::*;

    struct Table {
        directory: std::path::PathBuf,
        buckets: Buckets,
        _dir: tempfile::TempDir,
    }

    impl Table {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let directory = dir.path().join("lake/a/t/metadata");
            std::fs::create_dir_all(&directory).unwrap();
            Self { directory, buckets: Buckets::embedded(dir.path().to_owned()), _dir: dir }
        }

        fn bare(&self) -> BareTable<'_> {
            BareTable { buckets: &self.buckets, bucket: "lake", location: "a/t" }
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.directory.join(name), text).unwrap();
        }

        /// Changes the directory until its clock has gone on.
        fn age(&self) {
            let before = self.bare().directory();
            while self.bare().directory() == before {
                self.write("other", "");
                std::fs::remove_file(self.directory.join("other")).unwrap();
            }
        }

        /// What a look finds, as if the directory had been left alone for long.
        async fn look(&self) -> (Pointer, Sight) {
            self.age();
            let sight = self.bare().sight(i64::MAX);
            let pointer = of_directory(&self.buckets, "lake", "a/t").await.unwrap();
            self.tick();
            (pointer, sight)
        }

        /// Waits until a change would leave a trace.
        fn tick(&self) {
            let probe = tempfile::tempdir().unwrap();
            let mark = |path: &std::path::Path| std::fs::metadata(path).unwrap().modified().unwrap();
            let before = mark(&self.directory);
            let mut count = 0;
            while mark(probe.path()) <= before {
                std::fs::write(probe.path().join(count.to_string()), "").unwrap();
                count += 1;
            }
        }

        fn is_newest(&self, (pointer, sight): &(Pointer, Sight)) -> bool {
            self.bare().is_newest(pointer, *sight)
        }
    }

    /// Kernels without the call tell nothing at once.
    fn tells(table: &Table) -> bool {
        table.bare().directory().is_some()
    }

    #[tokio::test]
    async fn a_listing_is_good_until_its_directory_changes() {
        let table = Table::new();
        table.write("00001-a.metadata.json", "{}");
        let seen = table.look().await;
        assert_eq!(table.is_newest(&seen), tells(&table));
        assert!(!table.bare().is_newest(&seen.0, table.bare().sight(0)), "it was changed a moment ago");
        table.write("00002-b.metadata.json", "{}");
        assert!(!table.is_newest(&seen));
        let seen = table.look().await;
        assert_eq!(table.is_newest(&seen), tells(&table));
        table.write("00002-b.metadata.json", "{ }");
        assert!(!table.is_newest(&seen), "the file itself was replaced");
        table.write("00002-c.metadata.json", "{}");
        let seen = table.look().await;
        assert!(!table.is_newest(&seen), "of two files with one number the later one counts");
        std::fs::remove_dir_all(&table.directory).unwrap();
        assert!(!table.is_newest(&seen));
    }

    #[tokio::test]
    async fn the_hint_is_read_each_time() {
        let table = Table::new();
        for number in [1, 2, 5] {
            table.write(&format!("v{number}.metadata.json"), "{}");
        }
        table.write("version-hint.text", "1");
        let seen = table.look().await;
        assert!(seen.0.key.ends_with("/v2.metadata.json"));
        assert_eq!(table.is_newest(&seen), tells(&table));
        table.write("version-hint.text", "5");
        assert!(!table.is_newest(&seen));
        let seen = table.look().await;
        table.write("v6.metadata.json", "{}");
        assert!(!table.is_newest(&seen), "the next file is there before the hint");
        let seen = table.look().await;
        for hint in ["", "a b", "a/b", "../x", "7"] {
            table.write("version-hint.text", hint);
            assert!(!table.is_newest(&seen), "{hint:?}");
        }
        table.write("version-hint.text", "6");
        assert_eq!(table.is_newest(&seen), tells(&table));
    }
}
