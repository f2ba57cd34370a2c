//! A version of a table of any format, as it is kept.

use std::sync::Arc;

use super::iceberg_tables::Told;
use crate::delta;
use crate::table::snapshot::Snapshot;

/// A version together with what tells whether it is still the one asked for. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Loaded {
    Delta(delta::Loaded),
    Iceberg(Told),
}

impl Loaded {
    pub(super) fn snapshot(&self) -> &Arc<Snapshot> {
        match self {
            Self::Delta(loaded) => loaded.snapshot(),
            Self::Iceberg(told) => &told.snapshot,
        }
    }
}
