//! `server` and `healthcheck`, as typed.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Each setting may also come from the environment (LAKESHARE_ and the flag's name in capitals: \
LAKESHARE_PUBLIC_URL) or from the file of --config; the flag wins, then the environment, then the file.

The root key pair comes from LAKESHARE_ROOT_USER and LAKESHARE_ROOT_PASSWORD (or from files named by \
LAKESHARE_ROOT_USER_FILE and LAKESHARE_ROOT_PASSWORD_FILE); on a loopback address it is lakeadmin/lakeadmin \
unless set.

Examples:
  lakeshare server /data
  LAKESHARE_ROOT_USER=admin LAKESHARE_ROOT_PASSWORD_FILE=/run/secrets/root lakeshare server /data \\
      --address 0.0.0.0:9000 --public-url https://share.example.com --tls-cert cert.pem --tls-key key.pem"
)]
pub(crate) struct Server {
    /// Directory whose subdirectories are the buckets; made when it does not exist
    pub dir: PathBuf,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:9000]
    #[arg(long, value_name = "IP:PORT")]
    pub address: Option<String>,
    /// How recipients reach this server; goes into profiles and presigned URLs [default: from the address]
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// TOML file of settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Cores that serve [default: all that this process may use]
    #[arg(long, value_name = "N")]
    pub cores: Option<usize>,
    /// Certificate chain in PEM; read again on SIGHUP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of --tls-cert in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Serve plain HTTP on an address that is not loopback
    #[arg(long)]
    pub allow_http: bool,
    /// How local files are read: auto, uring or pread [default: auto]
    #[arg(long, value_name = "MODE")]
    pub io: Option<String>,
    /// Shortest life of a presigned URL, 15m to 7d [default: 1h]
    #[arg(long, value_name = "TIME")]
    pub url_expiry: Option<String>,
    /// Give each recipient URLs of its own, which name it to the store's log
    #[arg(long)]
    pub url_per_recipient: bool,
    /// Region named in signatures [default: us-east-1]
    #[arg(long, value_name = "NAME")]
    pub region: Option<String>,
    /// Domain for virtual-host style buckets, BUCKET.DOMAIN [default: path style only]
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Give clients that ask for it a query's id first, and its answer later
    #[arg(long)]
    pub async_queries: bool,
    /// How long a reader may take nothing of its answer, 1s to 1h [default: 2m]
    #[arg(long, value_name = "TIME")]
    pub reader_timeout: Option<String>,
    /// Memory for table snapshots [default: 2GiB]
    #[arg(long, value_name = "SIZE")]
    pub snapshot_cache: Option<String>,
    /// Memory for finished lines, which the next reader of the same files gets [default: 512MiB]
    #[arg(long, value_name = "SIZE")]
    pub listing_cache: Option<String>,
    /// Disk for table snapshots, which outlive a restart; 0: none [default: 16GiB]
    #[arg(long, value_name = "SIZE")]
    pub snapshot_disk: Option<String>,
    /// How log lines look: text or json [default: text]
    #[arg(long, value_name = "FORM")]
    pub log_format: Option<String>,
    /// Write the real address to this file once the server listens
    #[arg(long, value_name = "FILE")]
    pub port_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Exits with 0 when the server is ready to serve and with 1 when it is not.

Examples:
  lakeshare healthcheck
  lakeshare healthcheck https://share.example.com
  HEALTHCHECK CMD [\"lakeshare\", \"healthcheck\"]     (in a container file)")]
pub(crate) struct Healthcheck {
    /// The server; without a path, /readyz is asked
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:9000")]
    pub url: String,
}
