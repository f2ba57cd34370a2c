//! A table is admitted to a share by loading it once.

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::admin::admission::{Admission, Refusal};
use crate::delta::Wanted;
use crate::error::Kind;
use crate::snapshot::loader::Loader;
use crate::state::change::NewTable;

/// Admits what the loader can load at its newest version.
#[derive(Debug)]
pub(super) struct Served {
    loader: Loader,
}

impl Served {
    pub(super) fn new(loader: Loader) -> Self {
        Self { loader }
    }
}

impl Admission for Served {
    fn admit<'a>(&'a self, table: &'a NewTable) -> BoxFuture<'a, Result<(), Refusal>> {
        let admit = async move {
            let unloaded = |error: crate::snapshot::error::Error| Refusal {
                kind: error.kind(),
                source: Box::new(error),
            };
            let snapshot = self.loader.load(&table.source, Wanted::Latest).await.map_err(unloaded)?;
            let columns = &snapshot.metadata.partition_columns;
            let is_known =
                |column: &String| columns.iter().any(|known| known.to_lowercase() == column.to_lowercase());
            let refuse = |text: String| Refusal { kind: Kind::Invalid, source: text.into() };
            if let Some(place) =
                snapshot.files.outside().into_iter().find(|place| !table.options.allows(place))
            {
                let place = percent_encoding::percent_decode(place).decode_utf8_lossy();
                let place = place.trim_matches('/');
                return Err(refuse(format!(
                    "files of it lie outside of it, at {place:?}; allow the place they lie in with allowedLocations \
                     (--allow-location BUCKET/PATH), or share a deep clone"
                )));
            }
            match table.options.partition_filter.keys().find(|column| !is_known(column)) {
                None => Ok(()),
                Some(column) => Err(refuse(format!(
                    "partitionFilter names the column {column:?}, by which the table is not partitioned"
                ))),
            }
        };
        admit.boxed()
    }
}
