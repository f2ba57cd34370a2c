//! Flags that every command takes, in any place.

#![expect(clippy::doc_markdown, reason = "help texts show words as they are typed")]

use std::path::PathBuf;

use clap::Args;

/// Accepted before and behind every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "flags, as typed")]
pub(crate) struct Globals {
    /// Answer with one JSON object a line
    #[arg(long, global = true)]
    pub json: bool,
    /// Print nothing but what was asked for, and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Print without colours (also: environment NO_COLOR)
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Directory of config.toml with the aliases [default: ~/.lakeshare]
    #[arg(long, global = true, value_name = "DIR", env = "LAKESHARE_CONFIG_DIR")]
    pub config_dir: Option<PathBuf>,
    /// Do not check the server's TLS certificate
    #[arg(long, global = true)]
    pub insecure: bool,
    /// PEM file of certificates to trust beside the system's
    #[arg(long, global = true, value_name = "FILE", env = "LAKESHARE_CA_CERT")]
    pub ca_cert: Option<PathBuf>,
}
