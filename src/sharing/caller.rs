//! Who asks for which table, and what of it he may see.

use std::sync::Arc;

use uuid::Uuid;

use super::door_parts::DoorParts;
use super::error::Error;
use super::filter;
use super::render::Signing;
use super::timestamp::{self, Timestamp};
use super::token::Tokens;
use crate::clock;
use crate::delta::Wanted;
use crate::delta::history::Moment;
use crate::directory::TableEntry;
use crate::http::coding::Coding;
use crate::limits::CLOCK_SKEW_MS_MAX;
use crate::sigv4::credential::Credential;
use crate::skip::hints::Hints;
use crate::snapshot::history::History;
use crate::snapshot::loader::Part;
use crate::state::record::{TableOptions, TableSource};
use crate::table::file_list::FileList;
use crate::table::snapshot::{Snapshot, Version};

/// A recipient at a table that he may see.
#[derive(Clone, Copy)]
pub struct Caller<'a> {
    pub parts: &'a DoorParts,
    pub recipient: Uuid,
    pub table: &'a TableEntry,
    /// How the lines of files are packed for him.
    pub coding: Coding,
}

impl Caller<'_> {
    pub fn options(&self) -> &TableOptions {
        &self.table.record().options
    }

    pub fn source(&self) -> &TableSource {
        &self.table.record().source
    }

    /// Makes and opens tokens for this recipient and this table.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens {
            sealer: &self.parts.sealer,
            recipient: self.recipient,
            share: self.table.share_id(),
            table: self.table.record().id,
            now_ms: self.parts.clock.now_ms(),
        }
    }

    /// What URLs of the table are signed with.
    pub fn signing(&self) -> Signing {
        let (bucket, location) = (self.source().bucket(), self.source().location());
        let signing = &self.parts.signing;
        Signing {
            endpoint: self.parts.public_url.clone(),
            bucket: bucket.to_owned(),
            location: location.to_owned(),
            region: self.parts.region.clone(),
            credential: Credential {
                access_key: signing.access_key.clone(),
                secret_key: signing.secret_key.clone(),
            },
            recipient: self.parts.url_per_recipient.then(|| self.recipient.to_string()),
            expires_seconds: self.parts.url_expiry_seconds,
        }
    }

    /// Where the table lies, for recipients that may read its directory.
    pub fn directory(&self) -> Option<String> {
        let (bucket, location) = (self.source().bucket(), self.source().location());
        self.options().directory_access.then(|| format!("s3://{bucket}/{location}"))
    }

    /// # Errors
    /// [`Error::HistoryNotShared`], which names the parameter that asked for history.
    pub fn check_history(&self, parameter: Option<&'static str>) -> Result<(), Error> {
        match parameter {
            Some(parameter) if !self.options().history => Err(Error::HistoryNotShared { parameter }),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`Error::BeforeStart`] for a version before the shared ones.
    pub fn check_start(&self, version: Version) -> Result<(), Error> {
        match self.options().start_version {
            Some(start) if version < start => Err(Error::BeforeStart { version, start }),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// Those of the loader, and [`Error::FilesElsewhere`].
    pub async fn load(&self, wanted: Wanted) -> Result<Arc<Snapshot>, Error> {
        let snapshot = self.parts.loader.load_together(self.source(), wanted).await?;
        self.check_places(&snapshot)?;
        Ok(snapshot)
    }

    /// A version without the files that `hints` rule out, as far as it costs nothing to tell; without hints no file is needed.
    ///
    /// # Errors
    /// Those of the loader, and [`Error::FilesElsewhere`].
    pub async fn load_part(&self, wanted: Wanted, hints: Option<&Hints>) -> Result<Part, Error> {
        // Who sees a part of the table is told the totals of this part.
        if !self.options().partition_filter.is_empty() || hints.is_some_and(Hints::is_empty) {
            return Ok(Part { snapshot: self.load(wanted).await?, totals: None });
        }
        let part = self.parts.loader.load_part(self.source(), wanted, hints).await?;
        self.check_places(&part.snapshot)?;
        Ok(part)
    }

    fn check_places(&self, snapshot: &Snapshot) -> Result<(), Error> {
        if snapshot.files.outside().into_iter().all(|place| self.options().allows(place)) {
            Ok(())
        } else {
            Err(Error::FilesElsewhere { version: snapshot.version })
        }
    }

    /// The versions of the table up to `latest`.
    ///
    /// # Errors
    /// Those of the loader.
    pub async fn history(&self, latest: &Arc<Snapshot>) -> Result<History, Error> {
        Ok(self.parts.loader.history(self.source(), Arc::clone(latest)).await?)
    }

    /// All versions of the table. Of an Iceberg table the latest need not be one that can be served.
    async fn whole_history(&self) -> Result<History, Error> {
        if let Some(history) = self.parts.loader.moments(self.source()).await? {
            return Ok(history);
        }
        let latest = self.load(Wanted::Latest).await?;
        self.history(&latest).await
    }

    /// The shared files of a version.
    ///
    /// # Errors
    /// [`Error::FilterColumn`].
    pub fn files(&self, snapshot: &Snapshot) -> Result<FileList, Error> {
        filter::shared_files(&self.options().partition_filter, snapshot)
    }

    /// The version that was the latest at a time.
    ///
    /// # Errors
    /// [`Error::TimestampBefore`], [`Error::TimestampAfter`], [`Error::BeforeStart`].
    pub async fn version_at(&self, parameter: &'static str, text: &str) -> Result<Version, Error> {
        let timestamp = timestamp::parse(parameter, text)?;
        let history = self.whole_history().await?;
        let version = self.at_or_before(&history, parameter, timestamp).await?;
        self.check_start(version)?;
        Ok(version)
    }

    /// The first version that was committed at a time or later.
    ///
    /// # Errors
    /// [`Error::TimestampAfter`], [`Error::BeforeStart`].
    pub async fn version_from(&self, parameter: &'static str, text: &str) -> Result<Version, Error> {
        let timestamp = timestamp::parse(parameter, text)?;
        let history = self.whole_history().await?;
        let version = self.at_or_after(&history, parameter, timestamp).await?;
        self.check_start(version)?;
        Ok(version)
    }

    /// Until now, the latest version is that of all times since its commit; the time to come has none yet.
    ///
    /// # Errors
    /// [`Error::TimestampBefore`] and [`Error::TimestampAfter`].
    pub async fn at_or_before(
        &self,
        history: &History,
        parameter: &'static str,
        timestamp: Timestamp,
    ) -> Result<Version, Error> {
        let (asked_ms, known_until_ms) = (timestamp.floor_ms, self.parts.clock.now_ms() + CLOCK_SKEW_MS_MAX);
        let history = history.clone();
        let found = self.parts.loader.run(async move {
            let Some(version) = history.at_or_before(asked_ms).await? else {
                return Ok(Found::Before(history.oldest_moment().await?));
            };
            if version == history.latest() && asked_ms > known_until_ms {
                let last = history.latest_moment().await?;
                if asked_ms > last.timestamp_ms {
                    return Ok(Found::After(last));
                }
            }
            Ok(Found::Version(version))
        });
        found.await?.named(parameter)
    }

    /// # Errors
    /// [`Error::TimestampAfter`].
    pub async fn at_or_after(
        &self,
        history: &History,
        parameter: &'static str,
        timestamp: Timestamp,
    ) -> Result<Version, Error> {
        let history = history.clone();
        let found = self.parts.loader.run(async move {
            Ok(match history.at_or_after(timestamp.ceiling_ms).await? {
                Some(version) => Found::Version(version),
                None => Found::After(history.latest_moment().await?),
            })
        });
        found.await?.named(parameter)
    }
}

/// What a time leads to. Only an error needs the times of the first or the last commit, which cost a read each.
enum Found {
    Version(Version),
    Before(Moment),
    After(Moment),
}

impl Found {
    fn named(self, parameter: &'static str) -> Result<Version, Error> {
        match self {
            Self::Version(version) => Ok(version),
            Self::Before(Moment { version, timestamp_ms }) => {
                Err(Error::TimestampBefore { parameter, version, time: clock::rfc3339(timestamp_ms) })
            }
            Self::After(Moment { version, timestamp_ms }) => {
                Err(Error::TimestampAfter { parameter, version, time: clock::rfc3339(timestamp_ms) })
            }
        }
    }
}
