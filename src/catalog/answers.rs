//! Tables and views as clients are told of them.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::ETAG;

use super::context::Context;
use super::delegation::{self, Delegation, Wanted};
use super::error::Error;
use super::etag;
use super::forms::Form;
use super::location::Place;
use super::metadata_files::Loaded;
use super::wire::json_parts;
use crate::iceberg::metadata::TableMetadata;
use crate::iceberg::view::ViewMetadata;
use crate::state::catalog::EntryName;

/// The whole of a table, as a client is told after a load, a commit or a creation.
pub(super) fn of_table(
    context: &Context,
    wanted: Wanted,
    (warehouse, name): (&str, &EntryName),
    loaded: &Loaded<TableMetadata>,
) -> Response {
    let (head, tail) = around(context, wanted, (warehouse, name), loaded);
    let parts = vec![head.into(), loaded.json.clone(), tail.into()];
    let mut response = json_parts(StatusCode::OK, parts);
    response.headers_mut().insert(ETAG, etag::header(&etag::of(&loaded.location, Form::PLAIN.as_str())));
    response
}

/// The same in a form of the client's choice.
pub(super) async fn of_table_in(
    context: &Context,
    wanted: Wanted,
    (warehouse, name): (&str, &EntryName),
    loaded: &Arc<Loaded<TableMetadata>>,
    form: Form,
) -> Result<Response, Error> {
    let packed = context.forms.get(loaded, form).await?;
    let (head, tail) = around(context, wanted, (warehouse, name), loaded);
    Ok(packed.answer(&head, &tail))
}

/// What stands before and after the metadata of a table.
fn around(
    context: &Context,
    wanted: Wanted,
    (warehouse, name): (&str, &EntryName),
    loaded: &Loaded<TableMetadata>,
) -> (String, String) {
    let delegation = delegation_of(context, wanted, (warehouse, name), &loaded.metadata);
    table_parts(Some(&loaded.location), &delegation)
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

/// `LoadTableResult` around the metadata, which is not copied.
fn table_parts(location: Option<&str>, delegation: &Delegation) -> (String, String) {
    let location = serde_json::to_string(&location).unwrap_or_default();
    let rest = serde_json::to_string(delegation).unwrap_or_default();
    let head = format!("{{\"metadata-location\":{location},\"metadata\":");
    (head, format!(",{}", rest.trim_start_matches('{')))
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
    let (head, tail) = table_parts(None, &delegation);
    Ok(json_parts(StatusCode::OK, vec![head.into(), metadata.to_json().into(), tail.into()]))
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
