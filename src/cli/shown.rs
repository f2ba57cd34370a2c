//! A loaded table or view: whole in JSON, in parts for people.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::catalog::address::Table;
use super::catalog::client::{Catalog, Kind};
use super::catalog::wire::LoadedTable;
use super::fault::Fault;
use super::printer::Printer;

/// What was loaded, and by which name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    pub kind: Kind,
    pub target: &'a Table,
    pub loaded: &'a LoadedTable,
}

impl Shown<'_> {
    /// The metadata, to be shown line by line; `None` in JSON manner, where this has told all of it.
    pub(crate) fn for_people<T: DeserializeOwned>(
        &self,
        catalog: &Catalog,
        printer: &Printer,
    ) -> Result<Option<T>, Fault> {
        let Self { kind, target, loaded } = self;
        if printer.is_json() {
            printer.object(&json!({
                "warehouse": target.namespace.warehouse.name,
                "namespace": target.namespace.levels,
                "name": target.name,
                "metadataLocation": loaded.metadata_location,
                "metadata": loaded.metadata,
            }));
            return Ok(None);
        }
        T::deserialize(&loaded.metadata).map(Some).map_err(|error| {
            let what = format!("cannot show the {} '{}'", kind.word(), target.dotted());
            catalog.peer.stranger(&what, &error.to_string())
        })
    }
}
