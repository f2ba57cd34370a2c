//! The Iceberg REST catalog of one server.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::address::{Namespace, Table, Warehouse};
use super::wire::{
    ConfigAnswer, ErrorAnswer, Identifier, IdentifiersAnswer, LoadedTable, NamespaceBody, NamespacesAnswer,
    NewTable, NewWarehouse, PropertiesAnswer, PropertyChanges, Registration, Renaming, WarehouseInfo,
    WarehousesAnswer,
};
use crate::cli::context::Context;
use crate::cli::fault::Fault;
use crate::cli::peer::{Answer, Call, Peer, encoded, json_of};

/// Names that are asked for at a time.
const PAGE_NAMES: usize = 1_000;
/// What stands between the levels of a namespace in a path (REST specification, `namespace`).
const LEVEL_SEPARATOR: &str = "\u{1f}";

/// What a list of a namespace holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Table,
    View,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
        }
    }
}

/// The catalog door of one server.
pub(crate) struct Catalog {
    pub peer: Peer,
}

impl Catalog {
    /// The catalog of `alias`; nothing is sent yet.
    pub(crate) fn find(context: &Context, alias: &str) -> Result<Self, Fault> {
        Ok(Self { peer: Peer::find(context, alias)? })
    }

    pub(crate) async fn create_warehouse(
        &self,
        name: &str,
        upgrade_existing: bool,
    ) -> Result<WarehouseInfo, Fault> {
        let what = format!("cannot make the warehouse '{name}'");
        let body = NewWarehouse { name, upgrade_existing };
        self.ask(&what, Method::POST, "/warehouses", Some(&body)).await
    }

    pub(crate) async fn list_warehouses(&self) -> Result<Vec<WarehouseInfo>, Fault> {
        let what = format!("cannot list the warehouses of '{}'", self.peer.name);
        let answer: WarehousesAnswer = self.get(&what, "/warehouses").await?;
        Ok(answer.warehouses)
    }

    pub(crate) async fn get_warehouse(&self, name: &str) -> Result<WarehouseInfo, Fault> {
        let what = format!("cannot show the warehouse '{name}'");
        self.get(&what, &format!("/warehouses/{}", encoded(name))).await
    }

    pub(crate) async fn remove_warehouse(&self, name: &str, preserve_bucket: bool) -> Result<(), Fault> {
        let what = format!("cannot remove the warehouse '{name}'");
        let path = format!("/warehouses/{}?preserve-bucket={preserve_bucket}", encoded(name));
        self.send(&what, Method::DELETE, &path, NO_BODY).await.map(drop)
    }

    /// What engines are told of a warehouse.
    pub(crate) async fn config(&self, warehouse: &Warehouse) -> Result<ConfigAnswer, Fault> {
        let what = format!("cannot print settings for '{warehouse}'");
        self.get(&what, &format!("/config?warehouse={}", encoded(&warehouse.name))).await
    }

    pub(crate) async fn create_namespace(
        &self,
        namespace: &Namespace,
        properties: BTreeMap<String, String>,
    ) -> Result<NamespaceBody, Fault> {
        let what = format!("cannot make the namespace '{}'", namespace.name());
        let body = NamespaceBody { namespace: namespace.levels.clone(), properties };
        let path = namespaces_path(&namespace.warehouse.name);
        self.ask(&what, Method::POST, &path, Some(&body)).await
    }

    pub(crate) async fn get_namespace(&self, namespace: &Namespace) -> Result<NamespaceBody, Fault> {
        let what = format!("cannot show the namespace '{}'", namespace.name());
        self.get(&what, &namespace_path(namespace)).await
    }

    /// One page of the namespaces directly below `parent`; a namespace without levels is the warehouse.
    pub(crate) async fn list_namespaces(
        &self,
        parent: &Namespace,
        token: &str,
    ) -> Result<NamespacesAnswer, Fault> {
        let what = format!("cannot list the namespaces of '{parent}'");
        let all = namespaces_path(&parent.warehouse.name);
        let levels = encoded(&parent.levels.join(LEVEL_SEPARATOR));
        let parent = if levels.is_empty() { String::new() } else { format!("&parent={levels}") };
        self.get(&what, &format!("{all}?{}{parent}", page(token))).await
    }

    pub(crate) async fn update_namespace(
        &self,
        namespace: &Namespace,
        changes: &PropertyChanges,
    ) -> Result<PropertiesAnswer, Fault> {
        let what = format!("cannot update the namespace '{}'", namespace.name());
        let path = format!("{}/properties", namespace_path(namespace));
        self.ask(&what, Method::POST, &path, Some(changes)).await
    }

    pub(crate) async fn remove_namespace(&self, namespace: &Namespace) -> Result<(), Fault> {
        let what = format!("cannot remove the namespace '{}'", namespace.name());
        self.send(&what, Method::DELETE, &namespace_path(namespace), NO_BODY).await.map(drop)
    }

    /// One page of the names in a namespace.
    pub(crate) async fn list_entries(
        &self,
        kind: Kind,
        namespace: &Namespace,
        token: &str,
    ) -> Result<IdentifiersAnswer, Fault> {
        let what = format!("cannot list the {}s of '{namespace}'", kind.word());
        let path = format!("{}/{}s?{}", namespace_path(namespace), kind.word(), page(token));
        self.get(&what, &path).await
    }

    pub(crate) async fn create_table(
        &self,
        namespace: &Namespace,
        table: &NewTable,
    ) -> Result<LoadedTable, Fault> {
        let what = format!("cannot make the table '{}'", table.name);
        let path = format!("{}/tables", namespace_path(namespace));
        self.ask(&what, Method::POST, &path, Some(table)).await
    }

    pub(crate) async fn register_table(
        &self,
        table: &Table,
        metadata_location: &str,
        overwrite: bool,
    ) -> Result<LoadedTable, Fault> {
        let what = format!("cannot register the table '{}'", table.dotted());
        let path = format!("{}/register", namespace_path(&table.namespace));
        let body = Registration { name: &table.name, metadata_location, overwrite };
        self.ask(&what, Method::POST, &path, Some(&body)).await
    }

    /// The table with all its snapshots, or with those only that a branch or a tag names.
    pub(crate) async fn load_table(&self, table: &Table, all_snapshots: bool) -> Result<LoadedTable, Fault> {
        let what = format!("cannot show the table '{}'", table.dotted());
        let snapshots = if all_snapshots { "all" } else { "refs" };
        self.get(&what, &format!("{}?snapshots={snapshots}", table_path(table))).await
    }

    /// Changes a table, if what `commit` requires is still true.
    pub(crate) async fn commit_table(&self, table: &Table, commit: &Value) -> Result<(), Fault> {
        let what = format!("cannot write the table '{}'", table.dotted());
        self.send(&what, Method::POST, &table_path(table), Some(commit)).await.map(drop)
    }

    pub(crate) async fn rename_table(&self, from: &Table, to: &Table) -> Result<(), Fault> {
        let what = format!("cannot rename the table '{}'", from.dotted());
        let path = format!("/{}/tables/rename", encoded(&from.namespace.warehouse.name));
        let body = Renaming { source: identifier(from), destination: identifier(to) };
        self.send(&what, Method::POST, &path, Some(&body)).await.map(drop)
    }

    pub(crate) async fn remove_table(&self, table: &Table, purge: bool) -> Result<(), Fault> {
        let what = format!("cannot remove the table '{}'", table.dotted());
        let path = format!("{}?purgeRequested={purge}", table_path(table));
        self.send(&what, Method::DELETE, &path, NO_BODY).await.map(drop)
    }

    pub(crate) async fn load_view(&self, view: &Table) -> Result<LoadedTable, Fault> {
        let what = format!("cannot show the view '{}'", view.dotted());
        self.get(&what, &view_path(view)).await
    }

    pub(crate) async fn remove_view(&self, view: &Table) -> Result<(), Fault> {
        let what = format!("cannot remove the view '{}'", view.dotted());
        self.send(&what, Method::DELETE, &view_path(view), NO_BODY).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, what: &str, path: &str) -> Result<T, Fault> {
        self.ask(what, Method::GET, path, NO_BODY).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Fault> {
        let answer = self.send(what, method, path, body).await?;
        self.peer.parsed(what, &answer)
    }

    async fn send(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, Fault> {
        let json = json_of(what, body)?;
        let path = format!("/_iceberg/v1{path}");
        let answer = self.peer.call(what, Call { service: "s3tables", method, path: &path, json }).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refusal(what, &answer)) }
    }

    fn refusal(&self, what: &str, answer: &Answer) -> Fault {
        let Ok(ErrorAnswer { error }) = serde_json::from_slice(&answer.body) else {
            return self.peer.stranger(what, &format!("status {}", answer.status));
        };
        let advice = match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.peer.credential_advice(&answer.headers),
            status => advice(&self.peer.name, status, &error.kind),
        };
        Fault::refused(what, error.message.trim_end_matches('.')).coded(error.kind).advise(advice)
    }
}

const NO_BODY: Option<&()> = None;

/// Whether something could not be made because it is there.
pub(crate) fn is_there(fault: &Fault) -> bool {
    fault.code.as_deref() == Some("AlreadyExistsException")
}

/// Whether something could not be removed because of what it holds; a warehouse has no word of its own for it.
pub(crate) fn is_not_empty(fault: &Fault) -> bool {
    is_there(fault) || fault.code.as_deref().is_some_and(|code| code.ends_with("NotEmptyException"))
}

/// What to do about each of the catalog's errors.
fn advice(alias: &str, status: StatusCode, kind: &str) -> String {
    match kind {
        "NoSuchWarehouseException" => format!(
            "`lakeshare warehouse list {alias}` shows the warehouses; `lakeshare warehouse create {alias}/WAREHOUSE` makes one."
        ),
        "NoSuchNamespaceException" => format!(
            "`lakeshare namespace list {alias}/WAREHOUSE --recursive` shows the namespaces; `lakeshare namespace create` makes one."
        ),
        "NoSuchTableException" | "NoSuchViewException" => {
            format!("`lakeshare table tree {alias}/WAREHOUSE` shows what there is.")
        }
        "NamespaceNotEmptyException" => {
            format!(
                "`lakeshare table tree {alias}/WAREHOUSE/NAMESPACE` shows what it holds; remove that first."
            )
        }
        "CommitStateUnknownException" => {
            "It may have happened or not: look at what there is now, before you try again.".to_owned()
        }
        "AlreadyExistsException" => String::new(),
        _ if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE => {
            "Try again in a moment.".to_owned()
        }
        _ if status.is_server_error() => "The server's log says more.".to_owned(),
        _ => String::new(),
    }
}

fn page(token: &str) -> String {
    format!("pageSize={PAGE_NAMES}&pageToken={}", encoded(token))
}

fn identifier(table: &Table) -> Identifier {
    Identifier { namespace: table.namespace.levels.clone(), name: table.name.clone() }
}

fn namespaces_path(warehouse: &str) -> String {
    format!("/{}/namespaces", encoded(warehouse))
}

fn namespace_path(namespace: &Namespace) -> String {
    let levels = encoded(&namespace.levels.join(LEVEL_SEPARATOR));
    format!("{}/{levels}", namespaces_path(&namespace.warehouse.name))
}

fn view_path(view: &Table) -> String {
    format!("{}/views/{}", namespace_path(&view.namespace), encoded(&view.name))
}

fn table_path(table: &Table) -> String {
    format!("{}/tables/{}", namespace_path(&table.namespace), encoded(&table.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Table::parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn names_are_one_segment_each_and_levels_are_joined() {
        let path = table_path(&table("local lake sales.eu orders+1"));
        assert_eq!(path, "/lake/namespaces/sales%1Feu/tables/orders%2B1");
        assert_eq!(page("a+b="), "pageSize=1000&pageToken=a%2Bb%3D");
    }

    #[test]
    fn every_error_that_a_person_can_mend_says_how() {
        for kind in ["NoSuchWarehouseException", "NoSuchNamespaceException", "NoSuchTableException"] {
            let advice = advice("local", StatusCode::NOT_FOUND, kind);
            assert!(advice.contains("local"), "{kind}: {advice}");
        }
        let unknown = advice("local", StatusCode::INTERNAL_SERVER_ERROR, "CommitStateUnknownException");
        assert!(unknown.contains("look"), "{unknown}");
        assert!(advice("local", StatusCode::SERVICE_UNAVAILABLE, "X").contains("again"));
        assert_eq!(advice("local", StatusCode::BAD_REQUEST, "BadRequestException"), "");
    }
}
