//! Names of a warehouse, all pages of them.

use std::ops::ControlFlow;

use super::address::{Namespace, Root, Warehouse};
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

/// What a list of tables or views asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listing<'a> {
    pub root: &'a Root,
    /// Namespaces within the one that is named, too; of a warehouse all are listed.
    pub recursive: bool,
    pub kinds: &'a [Kind],
}

/// Tells of each entry that a list asks for, namespace by namespace, until `tell` breaks off.
pub(crate) async fn each_entry(
    catalog: &Catalog,
    listing: Listing<'_>,
    mut tell: impl FnMut(&Namespace, Kind, String) -> ControlFlow<()>,
) -> Result<(), Fault> {
    let Listing { root, recursive, kinds } = listing;
    for warehouse in warehouses(catalog, root.warehouse.as_deref()).await? {
        let top = Namespace { warehouse, levels: root.levels.clone() };
        let goes_down = top.levels.is_empty() || recursive;
        let below = if goes_down { descendants(catalog, &top).await? } else { Vec::new() };
        let own = (!top.levels.is_empty()).then_some(top);
        for namespace in own.into_iter().chain(below) {
            for kind in kinds {
                for name in entries(catalog, *kind, &namespace).await? {
                    if tell(&namespace, *kind, name).is_break() {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
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
