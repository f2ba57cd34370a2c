//! `share …` and `share token …`, as typed.

#![expect(clippy::doc_markdown, reason = "help texts show words as they are typed")]

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::expiry::{Expiry, parse_expiry};

/// Shares, their tables and their tokens.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  lakeshare share create local/test tpch \"orders:delta:testdelta:tpch/orders\"
  lakeshare share info local/test
  lakeshare share token create local/test --expires 30d --profile test.share")]
pub(crate) enum ShareCommand {
    /// Make a share of one or more tables
    Create(ShareCreate),
    /// Add tables, remove tables, change the description
    Update(ShareUpdate),
    /// List the shares of a server
    #[command(visible_alias = "ls")]
    List(ShareList),
    /// Show a share with its schemas and tables
    Info(ShareName),
    /// Remove a share and revoke all its tokens
    #[command(visible_aliases = ["rm", "delete"])]
    Remove(ShareRemove),
    /// Tokens, with which recipients read a share
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Args)]
#[command(after_help = "TABLE is the name that recipients see, a format, and where the table lies:
  NAME:delta:BUCKET:PATH                        a Delta table
  NAME:uniform:WAREHOUSE:NAMESPACE:TABLE[@REF]  an Iceberg table of the catalog
  NAME:iceberg:BUCKET:PATH[@REF]                an Iceberg table by its newest metadata file
REF is a branch or a tag. Recipients read all of them in the same way.
A table that does not exist or cannot be read is refused, and then no share is made.
--history and the options after it hold for all tables of the call.

Examples:
  lakeshare share create local/test tpch \"orders:delta:testdelta:tpch/orders\"
  lakeshare share create local/test tpch \"orders:delta:testdelta:tpch/orders\" \\
      \"customer:delta:testdelta:tpch/customer\" --description \"For the auditors\"
  lakeshare share create local test tpch \"orders:delta:testdelta:tpch/orders\" --history
  lakeshare share create local/test tpch \"customer:uniform:testice:tpch:customer\"
  lakeshare share create local test sales \"eu:delta:sales:orders\" --partition region=EU")]
pub(crate) struct ShareCreate {
    /// The share (ALIAS/SHARE or ALIAS SHARE), a schema, and its tables
    #[arg(required = true, num_args = 3.., value_names = ["ALIAS/SHARE", "SCHEMA", "TABLE"])]
    pub words: Vec<String>,
    /// What the share is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Something to be told to recipients; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub property: Vec<String>,
    #[command(flatten)]
    pub options: TableOptionArgs,
}

/// What recipients may read of the tables of one call.
#[derive(Debug, Args)]
pub(crate) struct TableOptionArgs {
    /// Share earlier versions of the tables, and their changes
    #[arg(long)]
    pub history: bool,
    /// Share no version before this one; with --history
    #[arg(long, value_name = "VERSION", requires = "history")]
    pub start_version: Option<u32>,
    /// Share only files of this partition value; may be repeated; no VALUE is null
    #[arg(long, value_name = "COLUMN=VALUE")]
    pub partition: Vec<String>,
    /// Let recipients read the tables' directories with temporary credentials; with --history
    #[arg(long, requires = "history", conflicts_with_all = ["start_version", "partition"])]
    pub directory_access: bool,
    /// List files that lie here, outside of the table, as shallow clones have them; may be repeated
    #[arg(long, value_name = "BUCKET/PATH")]
    pub allow_location: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "All changes of one call happen together or not at all. A schema exists as long as it has tables.
--history and the options after it hold for the tables that are added.
To change them for a table, remove and add it in one call.

Examples:
  lakeshare share update local/test --add \"tpch:nation:delta:testdelta:tpch/nation\"
  lakeshare share update local/test --remove \"tpch/nation,tpch/region\"
  lakeshare share update local/test --description \"\""
)]
pub(crate) struct ShareUpdate {
    /// The share: ALIAS/SHARE or ALIAS SHARE
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/SHARE")]
    pub target: Vec<String>,
    /// Add a table, SCHEMA:NAME:delta:BUCKET:PATH, or of another format as in `share create`; may be repeated
    #[arg(long, value_name = "SCHEMA:TABLE")]
    pub add: Vec<String>,
    /// Remove tables; may be repeated
    #[arg(long, value_name = "SCHEMA/NAME[,…]")]
    pub remove: Vec<String>,
    /// What the share is for; "" clears it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Replace what is told to recipients; may be repeated; "" leaves nothing
    #[arg(long, value_name = "KEY=VALUE")]
    pub property: Vec<String>,
    #[command(flatten)]
    pub options: TableOptionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare share list local
  lakeshare share list local/test
  lakeshare --json share list local")]
pub(crate) struct ShareList {
    /// The server, or one share of it: ALIAS[/SHARE]
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS[/SHARE]")]
    pub target: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare share info local/test
  lakeshare --json share info local test")]
pub(crate) struct ShareName {
    /// The share: ALIAS/SHARE or ALIAS SHARE
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/SHARE")]
    pub target: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "The tables themselves stay as they are. Tokens stop working at once.

Example:
  lakeshare share remove local/test")]
pub(crate) struct ShareRemove {
    /// The share: ALIAS/SHARE or ALIAS SHARE
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/SHARE")]
    pub target: Vec<String>,
}

/// Tokens, with which recipients read a share.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  lakeshare share token create local/test --expires 30d --profile test.share
  lakeshare share token list local/test
  lakeshare share token remove local 238fe2ac-2ed6-4c2d-b7f3-6119049d08ba")]
pub(crate) enum TokenCommand {
    /// Make a token for one or more shares and show it once
    Create(TokenCreate),
    /// List the tokens of a share, without their secrets
    #[command(visible_alias = "ls")]
    List(TokenList),
    /// Revoke a token at once
    #[command(visible_aliases = ["rm", "delete"])]
    Remove(TokenRemove),
}

#[derive(Debug, Args)]
#[command(after_help = "The token is shown once and never again; the server keeps a digest only.
With --quiet nothing but the token is printed.

Examples:
  lakeshare share token create local/test
  lakeshare share token create local/test --expires 30d --description \"for Ann\" --profile ann.share
  lakeshare share token create local/sales local/test
  lakeshare share token create local sales test")]
pub(crate) struct TokenCreate {
    /// One or more shares: ALIAS/SHARE…, or ALIAS SHARE…
    #[arg(required = true, num_args = 1.., value_name = "ALIAS/SHARE")]
    pub targets: Vec<String>,
    /// How long the token works, from 1m to 3650d: 30d, 24h, 30m [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = parse_expiry)]
    pub expires: Option<Expiry>,
    /// Whom or what the token is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Write the profile that Delta Sharing clients open; readable by you alone
    #[arg(long, value_name = "FILE.share")]
    pub profile: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  lakeshare share token list local/test")]
pub(crate) struct TokenList {
    /// The share: ALIAS/SHARE or ALIAS SHARE
    #[arg(required = true, num_args = 1..=2, value_name = "ALIAS/SHARE")]
    pub target: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  lakeshare share token remove local 238fe2ac-2ed6-4c2d-b7f3-6119049d08ba")]
pub(crate) struct TokenRemove {
    /// The server and the token's id: ALIAS TOKEN_ID or ALIAS/TOKEN_ID
    #[arg(required = true, num_args = 1..=2, value_names = ["ALIAS", "TOKEN_ID"])]
    pub target: Vec<String>,
}
