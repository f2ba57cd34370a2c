//! Tables and views as clients are told of them.

use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::ETAG;

use super::context::Context;
use super::delegation::{self, Delegation, Wanted};
use super::error::Error;
use super::etag;
use super::location::Place;
use super::metadata_files::Loaded;
use super::wire::json_parts;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::view::ViewMetadata;
use crate::state::catalog::EntryName;

/// Which snapshots a client wants to read of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Snapshots {
    All,
    Refs,
}

impl Snapshots {
    pub(super) fn of(asked: Option<&str>) -> Result<Self, Error> {
        match asked.map(str::to_ascii_lowercase).as_deref() {
            None | Some("all") => Ok(Self::All),
            Some("refs") => Ok(Self::Refs),
            Some(_) => Err(Error::field("snapshots", "it has to be all or refs")),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Refs => "refs",
        }
    }
}

/// The whole of a table, as a client is told after a load, a commit or a creation.
pub(super) fn of_table(
    context: &Context,
    wanted: Wanted,
    (warehouse, name): (&str, &EntryName),
    loaded: &Loaded<TableMetadata>,
) -> Response {
    of_table_with(context, wanted, (warehouse, name), loaded, Snapshots::All)
}

/// The same with some of its snapshots.
pub(super) fn of_table_with(
    context: &Context,
    wanted: Wanted,
    (warehouse, name): (&str, &EntryName),
    loaded: &Loaded<TableMetadata>,
    snapshots: Snapshots,
) -> Response {
    let delegation = delegation_of(context, wanted, (warehouse, name), &loaded.metadata);
    let json = match snapshots {
        Snapshots::All => loaded.json.clone(),
        Snapshots::Refs => loaded.metadata.to_json_refs_only().into(),
    };
    let parts = table_parts(Some(&loaded.location), json, &delegation);
    let mut response = json_parts(StatusCode::OK, parts);
    let tag = etag::of(&loaded.location, snapshots.as_str());
    response.headers_mut().insert(ETAG, etag::header(&tag));
    response
}

/// Nothing is delegated for a table whose location lies outside of its warehouse.
fn delegation_of(
    context: &Context,
    wanted: Wanted,
    (warehouse, name): (&str, &EntryName),
    metadata: &TableMetadata,
) -> Delegation {
    match Place::inside(warehouse, "location", metadata.location()) {
        Ok(place) => {
            delegation::delegate(context, wanted, &delegation::Table { warehouse, name, place: &place })
        }
        Err(_) => Delegation::default(),
    }
}

/// `LoadTableResult` in pieces, so that the metadata is not copied.
fn table_parts(location: Option<&str>, metadata: Bytes, delegation: &Delegation) -> Vec<Bytes> {
    let location = serde_json::to_string(&location).unwrap_or_default();
    let rest = serde_json::to_string(delegation).unwrap_or_default();
    let head = format!("{{\"metadata-location\":{location},\"metadata\":");
    let tail = format!(",{}", rest.trim_start_matches('{'));
    vec![head.into(), metadata, tail.into()]
}

/// A table that a later commit is going to create.
pub(super) fn of_staged(
    context: &Context,
    wanted: Wanted,
    (warehouse, name): (&str, &EntryName),
    metadata: &TableMetadata,
) -> Result<Response, Error> {
    let place = Place::inside(warehouse, "location", metadata.location())?;
    let table = delegation::Table { warehouse, name, place: &place };
    let delegation = delegation::delegate(context, wanted, &table);
    Ok(json_parts(StatusCode::OK, table_parts(None, metadata.to_json().into(), &delegation)))
}

/// `LoadViewResult` in pieces, so that the metadata is not copied.
pub(super) fn of_view(loaded: &Loaded<ViewMetadata>) -> Response {
    let location = serde_json::to_string(&loaded.location).unwrap_or_default();
    let head = format!("{{\"metadata-location\":{location},\"metadata\":");
    let parts = vec![head.into(), loaded.json.clone(), Bytes::from_static(b",\"config\":{}}")];
    let mut response = json_parts(StatusCode::OK, parts);
    response.headers_mut().insert(ETAG, etag::header(&etag::of(&loaded.location, "view")));
    response
}
