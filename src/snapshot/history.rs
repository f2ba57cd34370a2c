//! Which versions a table still has, and since when.

use std::sync::Arc;

use super::error::Error;
use crate::delta;
use crate::delta::history::Moment;
use crate::state::record::TableVersion;
use crate::table::snapshot::Version;
use crate::uniform::moments::Moments;

/// The versions of a table up to one that is known, with their times.
#[derive(Debug, Clone)]
pub enum History {
    Log(Arc<delta::history::History>),
    Snapshots(Arc<Moments>),
}

impl History {
    pub fn latest(&self) -> Version {
        match self {
            Self::Log(history) => history.latest(),
            Self::Snapshots(moments) => moments.latest().map_or(0, |row| row.version),
        }
    }

    /// The latest version at `timestamp_ms`; `None` before the first. It may be one that is no longer available.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn at_or_before(&self, timestamp_ms: i64) -> Result<Option<Version>, Error> {
        match self {
            Self::Log(history) => Ok(history.at_or_before(timestamp_ms).await?),
            Self::Snapshots(moments) => Ok(moments.at_or_before(timestamp_ms)),
        }
    }

    /// The first version from `timestamp_ms` on; `None` after the latest.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn at_or_after(&self, timestamp_ms: i64) -> Result<Option<Version>, Error> {
        match self {
            Self::Log(history) => Ok(history.at_or_after(timestamp_ms).await?),
            Self::Snapshots(moments) => Ok(moments.at_or_after(timestamp_ms)),
        }
    }

    /// The oldest available version and its time.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn oldest_moment(&self) -> Result<Moment, Error> {
        match self {
            Self::Log(history) => Ok(history.oldest_moment().await?),
            Self::Snapshots(moments) => moment(moments.oldest()),
        }
    }

    /// # Errors
    /// See [`Error`].
    pub async fn latest_moment(&self) -> Result<Moment, Error> {
        match self {
            Self::Log(history) => Ok(history.latest_moment().await?),
            Self::Snapshots(moments) => moment(moments.latest()),
        }
    }
}

fn moment(row: Option<&TableVersion>) -> Result<Moment, Error> {
    let row = row.ok_or(Error::BrokenOff)?;
    Ok(Moment { version: row.version, timestamp_ms: row.timestamp_ms })
}
