//! `mb`, `rb`, `cp`, `ls`, `tree` and `rm`, as typed.

use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare mb local/sales
  lakeshare mb --ignore-existing local/sales")]
pub(crate) struct MakeBucket {
    /// The bucket to make: ALIAS/BUCKET or ALIAS BUCKET
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/BUCKET")]
    pub target: Vec<String>,
    /// Do not complain when the bucket exists
    #[arg(long, short = 'p')]
    pub ignore_existing: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Only an empty bucket can be removed.

Example:
  lakeshare rb local/sales")]
pub(crate) struct RemoveBucket {
    /// The bucket to remove: ALIAS/BUCKET or ALIAS BUCKET
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/BUCKET")]
    pub target: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "FROM and TO are local paths or ALIAS/BUCKET/KEY; a word is remote when what stands before its
first / is a known alias, so write ./NAME for a local path that looks like one.
A TO that ends in / is a directory to copy into; a TO that does not is the new name.
A recursive FROM that ends in / means what is in it, without its own name.
Files of a _delta_log are copied last, so that readers never see a table without its data.

Examples:
  lakeshare cp part.parquet local/sales/orders/
  lakeshare cp --recursive ./orders local/sales/tpch/
  lakeshare cp --recursive local/sales/tpch/orders ./orders
  lakeshare cp --recursive local/sales/tpch/orders prod/archive/tpch/orders"
)]
pub(crate) struct Copy {
    /// What to copy, then where to
    #[arg(required = true, num_args = 2..=4, value_names = ["FROM", "TO"])]
    pub words: Vec<String>,
    /// Copy everything below FROM
    #[arg(long, short)]
    pub recursive: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare ls local
  lakeshare ls local/sales/tpch
  lakeshare ls --recursive --json local/sales
  lakeshare ls --tables local/lake")]
pub(crate) struct List {
    /// What to list: ALIAS[/BUCKET[/PREFIX]]
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS[/BUCKET[/PREFIX]]")]
    pub target: Vec<String>,
    /// List everything below, not only the next level
    #[arg(long, short)]
    pub recursive: bool,
    /// List files only, no directories
    #[arg(long, short)]
    pub files: bool,
    /// List tables and views of the Iceberg catalog instead: ALIAS[/WAREHOUSE[/NAMESPACE]]
    #[arg(long, short, conflicts_with = "files")]
    pub tables: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare tree local
  lakeshare tree --files local/sales/tpch
  lakeshare tree --depth 2 local
  lakeshare tree --tables local/lake")]
pub(crate) struct Tree {
    /// Where to begin: ALIAS[/BUCKET[/PREFIX]]
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS[/BUCKET[/PREFIX]]")]
    pub target: Vec<String>,
    /// Show files beside directories
    #[arg(long, short)]
    pub files: bool,
    /// Show namespaces and tables of the Iceberg catalog instead: ALIAS[/WAREHOUSE[/NAMESPACE]]
    #[arg(long, short, conflicts_with = "files")]
    pub tables: bool,
    /// Show this many levels at most
    #[arg(long, short, value_name = "LEVELS", value_parser = clap::value_parser!(u16).range(1..))]
    pub depth: Option<u16>,
    /// Taken for symmetry with ls: a tree always is
    #[arg(long, short, hide = true)]
    pub recursive: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "A prefix means the directory of that name: `orders` never touches `orders2`.
Removing all objects of a bucket asks for --force as well.

Examples:
  lakeshare rm local/sales/tpch/orders/part-0.parquet
  lakeshare rm --recursive local/sales/tpch/orders
  lakeshare rm --recursive --force local/sales")]
pub(crate) struct Remove {
    /// What to remove: ALIAS/BUCKET/KEY
    #[arg(required = true, num_args = 1..=3, value_name = "ALIAS/BUCKET/KEY")]
    pub target: Vec<String>,
    /// Remove everything below
    #[arg(long, short)]
    pub recursive: bool,
    /// Allow a whole bucket to be emptied
    #[arg(long)]
    pub force: bool,
}
