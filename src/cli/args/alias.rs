//! `alias set|list|remove`, as typed.

#![expect(clippy::doc_markdown, reason = "help texts show words as they are typed")]

use clap::{Args, Subcommand};

/// Names for servers, kept in config.toml.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  lakeshare alias set local http://127.0.0.1:9000 lakeadmin lakeadmin
  lakeshare alias list
  lakeshare alias remove local")]
pub(crate) enum AliasCommand {
    /// Name a server and the key pair to use with it
    Set(AliasSet),
    /// Show the known aliases, without their secrets
    #[command(visible_alias = "ls")]
    List(AliasList),
    /// Forget an alias
    #[command(visible_aliases = ["rm", "delete"])]
    Remove(AliasRemove),
}

#[derive(Debug, Args)]
#[command(after_help = "The server is asked whether it takes the key pair before anything is written.
Without ACCESS_KEY and SECRET_KEY both are asked for, so that they stay out of the shell's history;
from a script they are read as two lines from standard input.

Examples:
  lakeshare alias set local http://127.0.0.1:9000 lakeadmin lakeadmin
  lakeshare alias set prod https://share.example.com
  lakeshare --ca-cert ca.pem alias set lab https://10.0.0.7:9000 < keys.txt")]
pub(crate) struct AliasSet {
    /// Letters, digits, - and _, a letter first
    pub name: String,
    /// http://HOST[:PORT] or https://HOST[:PORT]
    pub url: String,
    /// Access key, the server's LAKESHARE_ROOT_USER
    #[arg(requires = "secret_key")]
    pub access_key: Option<String>,
    /// Secret key, the server's LAKESHARE_ROOT_PASSWORD
    pub secret_key: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lakeshare alias list
  lakeshare alias list local
  lakeshare --json alias list")]
pub(crate) struct AliasList {
    /// Show this alias only
    pub name: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  lakeshare alias remove local")]
pub(crate) struct AliasRemove {
    /// The alias to forget
    pub name: String,
}
