//! The command line as typed.

pub(crate) mod alias;
pub(crate) mod catalog;
pub(crate) mod globals;
pub(crate) mod object;
pub(crate) mod quickstart;
pub(crate) mod server;
pub(crate) mod share;
pub(crate) mod table;
pub(crate) mod view;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

/// Shares Delta tables, where they lie, over the open Delta Sharing protocol; an Iceberg catalog too.
#[derive(Debug, Parser)]
#[command(
    name = "lakeshare",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Targets are ALIAS/NAME as one word or ALIAS NAME as separate words.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage.

Examples:
  lakeshare server /data
  lakeshare alias set local http://127.0.0.1:9000 lakeadmin lakeadmin
  lakeshare mb local/sales
  lakeshare cp --recursive ./orders local/sales/tpch/
  lakeshare share create local/test tpch \"orders:delta:sales:tpch/orders\"
  lakeshare share token create local/test --expires 30d --profile test.share
  lakeshare warehouse create local/lake
  lakeshare table config local/lake --spark"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub globals: globals::Globals,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a directory of tables: S3, Delta Sharing and administration on one port
    Server(Box<server::Server>),
    /// Names for servers, kept in config.toml
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Make a bucket
    Mb(object::MakeBucket),
    /// Remove an empty bucket
    Rb(object::RemoveBucket),
    /// Copy files and objects, either way or between buckets
    Cp(object::Copy),
    /// List buckets or objects
    #[command(visible_alias = "list")]
    Ls(object::List),
    /// Show buckets and directories as a tree
    Tree(object::Tree),
    /// Remove objects
    #[command(visible_aliases = ["remove", "delete"])]
    Rm(object::Remove),
    /// Shares, their tables and their tokens
    #[command(subcommand)]
    Share(share::ShareCommand),
    /// Warehouses of the Iceberg catalog, a bucket each
    #[command(subcommand)]
    Warehouse(catalog::WarehouseCommand),
    /// Namespaces of a warehouse
    #[command(subcommand)]
    Namespace(catalog::NamespaceCommand),
    /// Iceberg tables; the other groups too, for fingers that know `mc table`
    #[command(subcommand)]
    Table(Box<table::TableCommand>),
    /// Make sample tables, share them, and serve them until Ctrl-C
    Quickstart(quickstart::Quickstart),
    /// Ask whether a server is ready, for containers
    Healthcheck(server::Healthcheck),
    /// Print the completions of a shell
    Completions(Completions),
    /// Print the manual, or write one page for each command
    Man(Man),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare completions bash > /etc/bash_completion.d/lakeshare
  lakeshare completions zsh > ~/.zfunc/_lakeshare
  lakeshare completions fish > ~/.config/fish/completions/lakeshare.fish")]
pub(crate) struct Completions {
    /// The shell
    pub shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare man | man -l -
  lakeshare man /usr/local/share/man/man1")]
pub(crate) struct Man {
    /// Directory to write the pages to, one for each command; without it the main page is printed
    pub dir: Option<PathBuf>,
}
