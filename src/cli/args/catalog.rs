//! `warehouse …` and `namespace …`, as typed.

use clap::{Args, Subcommand};

/// Warehouses of the Iceberg catalog, a bucket each.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  lakeshare warehouse create local/lake
  lakeshare warehouse list local
  lakeshare warehouse remove local/lake")]
pub(crate) enum WarehouseCommand {
    /// Make a warehouse, and its bucket where there is none
    Create(WarehouseCreate),
    /// List the warehouses of a server
    #[command(visible_alias = "ls")]
    List(WarehouseList),
    /// Remove an empty warehouse; its bucket stays
    #[command(visible_aliases = ["rm", "delete"])]
    Remove(WarehouseRemove),
}

#[derive(Debug, Args)]
#[command(after_help = "A warehouse is a bucket of the same name, in which the catalog puts tables.

Examples:
  lakeshare warehouse create local/lake
  lakeshare warehouse create local lake --ignore-existing")]
pub(crate) struct WarehouseCreate {
    /// The warehouse to make: ALIAS/WAREHOUSE or ALIAS WAREHOUSE
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/WAREHOUSE")]
    pub target: Vec<String>,
    /// Do not complain when the warehouse exists
    #[arg(long, short = 'p')]
    pub ignore_existing: bool,
    /// Taken for symmetry with mc: a bucket that exists becomes a warehouse in any case, objects and all
    #[arg(long)]
    pub upgrade_existing: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare warehouse list local
  lakeshare --json warehouse list local")]
pub(crate) struct WarehouseList {
    /// The server
    #[arg(value_name = "ALIAS")]
    pub alias: String,
}

#[derive(Debug, Args)]
#[command(after_help = "A warehouse with namespaces is refused: remove its tables and namespaces first.
The bucket and what lies in it stay, unless both --purge and --force are given.

Examples:
  lakeshare warehouse remove local/lake
  lakeshare warehouse remove local/lake --purge --force")]
pub(crate) struct WarehouseRemove {
    /// The warehouse to remove: ALIAS/WAREHOUSE or ALIAS WAREHOUSE
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/WAREHOUSE")]
    pub target: Vec<String>,
    /// Remove the bucket too, with all objects in it; needs --force
    #[arg(long)]
    pub purge: bool,
    /// Mean it; with --purge
    #[arg(long)]
    pub force: bool,
}

/// Namespaces of a warehouse.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "A namespace in a namespace is written with a dot: sales.eu. A level with a dot in its own name
stands between backquotes: 'sales.`v1.0`'.

Examples:
  lakeshare namespace create local/lake/sales --attr owner=ann
  lakeshare namespace list local/lake
  lakeshare namespace update local/lake/sales --set owner=bob --remove note"
)]
pub(crate) enum NamespaceCommand {
    /// Make a namespace
    Create(NamespaceCreate),
    /// List the namespaces of a warehouse, or of a namespace
    #[command(visible_alias = "ls")]
    List(NamespaceList),
    /// Show a namespace with its properties
    Info(NamespaceInfo),
    /// Set and remove properties
    Update(NamespaceUpdate),
    /// Remove an empty namespace
    #[command(visible_aliases = ["rm", "delete"])]
    Remove(NamespaceRemove),
}

#[derive(Debug, Args)]
#[command(after_help = "The namespace around a nested one has to exist.

Examples:
  lakeshare namespace create local/lake/sales
  lakeshare namespace create local lake sales.eu --attr owner=ann --attr note=\"since May\"")]
pub(crate) struct NamespaceCreate {
    /// The namespace to make: ALIAS/WAREHOUSE/NAMESPACE or separate words
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS/WAREHOUSE/NAMESPACE")]
    pub target: Vec<String>,
    /// A property; may be repeated
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub attr: Vec<String>,
    /// Do not complain when the namespace exists; its properties stay as they are
    #[arg(long, short = 'p')]
    pub ignore_existing: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare namespace list local/lake
  lakeshare namespace list local/lake --recursive
  lakeshare namespace list local lake sales")]
pub(crate) struct NamespaceList {
    /// The warehouse, or a namespace of it: ALIAS/WAREHOUSE[/NAMESPACE]
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS/WAREHOUSE[/NAMESPACE]")]
    pub target: Vec<String>,
    /// List nested namespaces too
    #[arg(long, short)]
    pub recursive: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare namespace info local/lake/sales
  lakeshare namespace info local lake sales.eu")]
pub(crate) struct NamespaceInfo {
    /// The namespace: ALIAS/WAREHOUSE/NAMESPACE or separate words
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS/WAREHOUSE/NAMESPACE")]
    pub target: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "A namespace that holds namespaces, tables or views is refused.

Examples:
  lakeshare namespace remove local/lake/sales
  lakeshare namespace remove local lake sales.eu")]
pub(crate) struct NamespaceRemove {
    /// The namespace: ALIAS/WAREHOUSE/NAMESPACE or separate words
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS/WAREHOUSE/NAMESPACE")]
    pub target: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "All changes of one call happen together or not at all.

Example:
  lakeshare namespace update local/lake/sales --set owner=bob --remove note")]
pub(crate) struct NamespaceUpdate {
    /// The namespace: ALIAS/WAREHOUSE/NAMESPACE or separate words
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS/WAREHOUSE/NAMESPACE")]
    pub target: Vec<String>,
    /// Set a property; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Remove a property; may be repeated
    #[arg(long, value_name = "KEY")]
    pub remove: Vec<String>,
}
