//! `table view …`, as typed.

use clap::{Args, Subcommand};

/// Views of a warehouse, which engines make.
#[derive(Debug, Subcommand)]
#[command(after_help = "A view is ALIAS/WAREHOUSE/NAMESPACE/VIEW as one word, or separate words.

Examples:
  lakeshare table view list local/lake
  lakeshare table view info local/lake/sales/late_orders
  lakeshare table view remove local lake sales late_orders")]
pub(crate) enum ViewCommand {
    /// List views
    #[command(visible_alias = "ls")]
    List(ViewList),
    /// Show a view's text, columns and properties
    #[command(
        visible_alias = "show",
        after_help = "With --json the whole view metadata is printed.

Example:
  lakeshare table view info local/lake/sales/late_orders"
    )]
    Info(ViewTarget),
    /// Remove a view
    #[command(
        visible_aliases = ["rm", "delete"],
        after_help = "Example:
  lakeshare table view remove local/lake/sales/late_orders"
    )]
    Remove(ViewTarget),
}

#[derive(Debug, Args)]
#[command(
    after_help = "Without a namespace all views of the warehouse are listed, without a warehouse all of them.

Examples:
  lakeshare table view list local
  lakeshare table view list local/lake/sales --recursive"
)]
pub(crate) struct ViewList {
    /// What to list: ALIAS[/WAREHOUSE[/NAMESPACE]]
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS[/WAREHOUSE[/NAMESPACE]]")]
    pub target: Vec<String>,
    /// List views of nested namespaces too
    #[arg(long, short)]
    pub recursive: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ViewTarget {
    /// The view: ALIAS/WAREHOUSE/NAMESPACE/VIEW or separate words
    #[arg(required = true, num_args = 1..=4, value_name = "ALIAS/WAREHOUSE/NAMESPACE/VIEW")]
    pub target: Vec<String>,
}
