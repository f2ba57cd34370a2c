//! A table is shared only if it can be served now.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::error::Error;
use crate::error::Kind;
use crate::limits;
use crate::state::change::NewTable;

/// Why a table cannot be served.
#[derive(Debug)]
pub struct Refusal {
    pub kind: Kind,
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Loads the newest version of a table, as a query would, and checks that its options fit it.
pub trait Admission: Send + Sync {
    fn admit<'a>(&'a self, table: &'a NewTable) -> BoxFuture<'a, Result<(), Refusal>>;
}

/// A table to be added and where in the body it stands.
pub(super) struct Candidate {
    pub(super) field: String,
    pub(super) table: NewTable,
}

/// Loads all `candidates`, a few at once; the first in order that cannot be served is the answer.
pub(super) async fn admit_all(
    admission: &Arc<dyn Admission>,
    candidates: Vec<Candidate>,
) -> Result<Vec<NewTable>, Error> {
    let admit = |Candidate { field, table }| async move {
        match admission.admit(&table).await {
            Ok(()) => Ok(table),
            Err(Refusal { kind, source }) => {
                let place = table.source.to_string();
                let table = format!("{}.{}", table.schema, table.name);
                Err(Error::Table { field, table, place, kind, source })
            }
        }
    };
    stream::iter(candidates).map(admit).buffered(limits::ADMIN_LOADS_MAX).try_collect().await
}
