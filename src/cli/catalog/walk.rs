//! Names of a warehouse, all pages of them.

use super::address::{Namespace, Warehouse};
use super::client::{Catalog, Kind};
use crate::cli::fault::Fault;

/// The namespaces directly below `parent`; a namespace without levels is the warehouse.
pub(crate) async fn children(catalog: &Catalog, parent: &Namespace) -> Result<Vec<Namespace>, Fault> {
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let page = catalog.list_namespaces(parent, &token).await?;
        let warehouse = &parent.warehouse;
        found.extend(
            page.namespaces.into_iter().map(|levels| Namespace { warehouse: warehouse.clone(), levels }),
        );
        match page.next_page_token.filter(|next| !next.is_empty() && *next != token) {
            Some(next) => token = next,
            None => return Ok(found),
        }
    }
}

/// All namespaces below `parent`, each before what it holds.
pub(crate) async fn descendants(catalog: &Catalog, parent: &Namespace) -> Result<Vec<Namespace>, Fault> {
    let mut found = Vec::new();
    let mut open = vec![children(catalog, parent).await?.into_iter()];
    while let Some(level) = open.last_mut() {
        let Some(namespace) = level.next() else {
            open.pop();
            continue;
        };
        open.push(children(catalog, &namespace).await?.into_iter());
        found.push(namespace);
    }
    Ok(found)
}

/// The names of one kind in a namespace.
pub(crate) async fn entries(
    catalog: &Catalog,
    kind: Kind,
    namespace: &Namespace,
) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    let mut token = String::new();
    loop {
        let page = catalog.list_entries(kind, namespace, &token).await?;
        found.extend(page.identifiers.into_iter().map(|identifier| identifier.name));
        match page.next_page_token.filter(|next| !next.is_empty() && *next != token) {
            Some(next) => token = next,
            None => return Ok(found),
        }
    }
}

/// The warehouses of a server, or the one that is named.
pub(crate) async fn warehouses(catalog: &Catalog, named: Option<&str>) -> Result<Vec<Warehouse>, Fault> {
    let alias = &catalog.peer.name;
    let of = |name: String| Warehouse { alias: alias.clone(), name };
    match named {
        Some(name) => Ok(vec![of(catalog.get_warehouse(name).await?.name)]),
        None => {
            Ok(catalog.list_warehouses().await?.into_iter().map(|warehouse| of(warehouse.name)).collect())
        }
    }
}
