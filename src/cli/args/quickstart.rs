//! `quickstart`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Makes TPC-H orders and customer as Delta tables below DIR, and customer an Iceberg table of the warehouse testice
too; shares orders (Delta) and customer (Iceberg) as test, writes demo.share to the current directory, prints reads to
copy, and serves until Ctrl-C. A second run finds tables, share and warehouse, and makes a fresh token.

Examples:
  lakeshare quickstart
  lakeshare quickstart /data/demo --address 127.0.0.1:9100"
)]
pub(crate) struct Quickstart {
    /// Directory of the sample data; made when it does not exist
    #[arg(default_value = "lakeshare-demo")]
    pub dir: PathBuf,
    /// Where to listen [default: 127.0.0.1:9000]
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Option<String>,
}
