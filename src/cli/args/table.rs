//! `table …`, as typed.

#![expect(clippy::doc_markdown, reason = "help texts show words as they are typed")]

use clap::{Args, Subcommand};

use super::{alias, catalog, share, view};

/// Iceberg tables of a warehouse; the other groups too, for fingers that know `mc table`.
#[derive(Debug, Subcommand)]
#[command(after_help = "A table is ALIAS/WAREHOUSE/NAMESPACE/TABLE as one word, or separate words.

Examples:
  lakeshare table create local/lake/sales/orders --schema @orders.json --partition \"day(ordered_at)\"
  lakeshare table tree local/lake
  lakeshare table show local lake sales orders
  lakeshare table config local/lake --spark
  lakeshare table share info local/test")]
pub(crate) enum TableCommand {
    /// Make a table without rows
    Create(TableCreate),
    /// Enter a table whose metadata lies in the warehouse already
    Register(TableRegister),
    /// List tables
    #[command(visible_alias = "ls")]
    List(TableList),
    /// Show namespaces, tables and views as a tree
    Tree(TableTree),
    /// Show a table's columns, partitions, properties and current snapshot
    Show(TableShow),
    /// Give a table another name, or another namespace
    Rename(TableRename),
    /// Remove a table; its files stay
    #[command(visible_aliases = ["rm", "delete"])]
    Remove(TableRemove),
    /// Print the settings with which an engine reads and writes a warehouse
    Config(TableConfig),
    /// Views of a warehouse, which engines make
    #[command(subcommand)]
    View(view::ViewCommand),
    /// Names for servers, kept in config.toml
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Warehouses of the Iceberg catalog, a bucket each
    #[command(subcommand)]
    Warehouse(catalog::WarehouseCommand),
    /// Namespaces of a warehouse
    #[command(subcommand)]
    Namespace(catalog::NamespaceCommand),
    /// Shares, their tables and their tokens
    #[command(subcommand)]
    Share(share::ShareCommand),
}

#[derive(Debug, Args)]
#[command(
    after_help = "--schema is an Iceberg schema in JSON. Fields without ids are numbered from 1 on; a field without
\"required\" may be null.
--partition is a column or a function of it: year(COLUMN), month(COLUMN), day(COLUMN), hour(COLUMN),
bucket(N, COLUMN), truncate(WIDTH, COLUMN).
The files lie below s3://WAREHOUSE/ and an id of their own, unless --location says otherwise.

Examples:
  lakeshare table create local/lake/sales/orders --schema @orders.json
  lakeshare table create local lake sales orders --partition \"day(at)\" --schema \\
      '{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"at\",\"type\":\"date\"}]}'
  lakeshare table create local/lake/sales/raw --schema @raw.json --location s3://lake/raw
  lakeshare table create local/lake/sales/new --schema @new.json --attr format-version=3"
)]
pub(crate) struct TableCreate {
    /// The table to make: ALIAS/WAREHOUSE/NAMESPACE/TABLE or separate words
    #[arg(required = true, num_args = 1..=4, value_name = "ALIAS/WAREHOUSE/NAMESPACE/TABLE")]
    pub target: Vec<String>,
    /// The schema, or @ and the file that holds it
    #[arg(long, value_name = "JSON|@FILE")]
    pub schema: String,
    /// A property; may be repeated
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub attr: Vec<String>,
    /// Partition by this; may be repeated
    #[arg(long, value_name = "COLUMN|FUNCTION(COLUMN)")]
    pub partition: Vec<String>,
    /// Where the table's files lie, inside the warehouse
    #[arg(long, value_name = "s3://WAREHOUSE/PATH")]
    pub location: Option<String>,
    /// Do not complain when the table exists; it stays as it is
    #[arg(long, short = 'p')]
    pub ignore_existing: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Metadata and data stay where they are, inside the warehouse.

Example:
  lakeshare table register local/lake/sales/orders s3://lake/old/orders/metadata/v3.metadata.json")]
pub(crate) struct TableRegister {
    /// The table to enter, then its metadata file
    #[arg(required = true, num_args = 2..=5, value_names = ["ALIAS/WAREHOUSE/NAMESPACE/TABLE", "METADATA_FILE"])]
    pub words: Vec<String>,
    /// Replace a table of that name
    #[arg(long)]
    pub overwrite: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without a namespace all tables of the warehouse are listed, without a warehouse all of them.

Examples:
  lakeshare table list local
  lakeshare table list local/lake/sales
  lakeshare --json table list local lake sales --views"
)]
pub(crate) struct TableList {
    /// What to list: ALIAS[/WAREHOUSE[/NAMESPACE]]
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS[/WAREHOUSE[/NAMESPACE]]")]
    pub target: Vec<String>,
    /// List tables of nested namespaces too
    #[arg(long, short)]
    pub recursive: bool,
    /// List views beside tables
    #[arg(long)]
    pub views: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare table tree local
  lakeshare table tree local/lake --depth 1
  lakeshare table tree local lake sales")]
pub(crate) struct TableTree {
    /// Where to begin: ALIAS[/WAREHOUSE[/NAMESPACE]]
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS[/WAREHOUSE[/NAMESPACE]]")]
    pub target: Vec<String>,
    /// Show this many levels at most
    #[arg(long, short, value_name = "LEVELS", value_parser = clap::value_parser!(u16).range(1..))]
    pub depth: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "With --json the whole table metadata is printed.

Examples:
  lakeshare table show local/lake/sales/orders
  lakeshare table show local lake sales orders --snapshots")]
pub(crate) struct TableShow {
    /// The table: ALIAS/WAREHOUSE/NAMESPACE/TABLE or separate words
    #[arg(required = true, num_args = 1..=4, value_name = "ALIAS/WAREHOUSE/NAMESPACE/TABLE")]
    pub target: Vec<String>,
    /// List all snapshots
    #[arg(long)]
    pub snapshots: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "A new name alone keeps the table in its namespace.

Examples:
  lakeshare table rename local/lake/sales/orders orders_2025
  lakeshare table rename local lake sales orders archive.sales/orders")]
pub(crate) struct TableRename {
    /// The table, then its new name
    #[arg(
        required = true,
        num_args = 2..=6,
        value_names = ["ALIAS/WAREHOUSE/NAMESPACE/TABLE", "[NAMESPACE/]TABLE"]
    )]
    pub words: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The table's files stay in the bucket, and can be registered again, unless --purge is given.

Examples:
  lakeshare table remove local/lake/sales/orders
  lakeshare table remove local lake sales orders --purge"
)]
pub(crate) struct TableRemove {
    /// The table: ALIAS/WAREHOUSE/NAMESPACE/TABLE or separate words
    #[arg(required = true, num_args = 1..=4, value_name = "ALIAS/WAREHOUSE/NAMESPACE/TABLE")]
    pub target: Vec<String>,
    /// Remove the table's files too
    #[arg(long)]
    pub purge: bool,
}

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("engine").required(true),
    after_help = "The settings hold the alias's key pair, so that they work as they are: show them to nobody, or
print them with --hide-secrets. Engines sign in with OAuth2, which all of them know; with --sigv4
they sign each request instead, and no secret travels.

Examples:
  lakeshare table config local/lake --spark > lake.conf && spark-sql --properties-file lake.conf
  lakeshare table config local lake --pyiceberg > .pyiceberg.yaml
  lakeshare table config local/lake --duckdb | duckdb
  lakeshare table config local/lake --trino --sigv4 > etc/catalog/lake.properties"
)]
pub(crate) struct TableConfig {
    /// The warehouse: ALIAS/WAREHOUSE or ALIAS WAREHOUSE
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/WAREHOUSE")]
    pub target: Vec<String>,
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Name of the catalog in the engine [default: the warehouse's, with _ for -]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Sign each request (SigV4, service s3tables) instead of signing in with OAuth2
    #[arg(long, conflicts_with = "duckdb")]
    pub sigv4: bool,
    /// Print ACCESS_KEY and SECRET_KEY instead of the key pair
    #[arg(long)]
    pub hide_secrets: bool,
}

/// Exactly one engine.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags, as typed")]
pub(crate) struct EngineArgs {
    /// Apache Spark: lines for spark-defaults.conf
    #[arg(long, group = "engine")]
    pub spark: bool,
    /// pyiceberg: a catalog for .pyiceberg.yaml, here or in the home directory
    #[arg(long, group = "engine")]
    pub pyiceberg: bool,
    /// Trino: a file for etc/catalog
    #[arg(long, group = "engine")]
    pub trino: bool,
    /// DuckDB: statements
    #[arg(long, group = "engine")]
    pub duckdb: bool,
}
