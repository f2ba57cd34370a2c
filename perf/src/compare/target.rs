//! A server under measurement: address, token, table, process.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::load::{Compression, Query};
use crate::scenario::ResponseFormat;
use crate::server::{Grant, Server};
use crate::usage::Process;

use super::record::Side;

/// One table of one server.
#[derive(Debug, Clone)]
pub struct Target {
    pub side: Side,
    pub process: Process,
    pub address: SocketAddr,
    /// Path up to the shares: `/delta-sharing`.
    pub endpoint_path: String,
    pub share: String,
    pub table_path: String,
    pub bearer_token: String,
    pub files: u64,
    /// Files that commits of this run have added.
    pub added_files: u64,
    /// The table's directory, for commits to it.
    pub directory: Option<PathBuf>,
}

/// `share.schema.table=SIZE`, or `…=SIZE:DIRECTORY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RivalTable {
    names: [String; 3],
    files: u64,
    directory: Option<PathBuf>,
}

/// Another server that is running already.
#[derive(Debug)]
pub struct Rival {
    process: Process,
    address: SocketAddr,
    endpoint_path: String,
    bearer_token: String,
    tables: Vec<RivalTable>,
}

/// Reads `100k`, `1M` or a plain number.
pub fn parse_size(text: &str) -> anyhow::Result<u64> {
    let (digits, factor) = match text.as_bytes().last() {
        Some(b'k') => (&text[..text.len() - 1], 1_000),
        Some(b'M') => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    let count: u64 = digits.parse().with_context(|| format!("\"{text}\" is no size: 1000, 100k or 1M"))?;
    Ok(count * factor)
}

impl FromStr for RivalTable {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (names, size) = text.split_once('=').context("expected share.schema.table=SIZE")?;
        let names: Vec<String> = names.split('.').map(str::to_owned).collect();
        let names =
            names.try_into().map_err(|_| anyhow::anyhow!("expected share.schema.table before `=`"))?;
        let (size, directory) = match size.split_once(':') {
            Some((size, directory)) => (size, Some(PathBuf::from(directory))),
            None => (size, None),
        };
        Ok(Self { names, files: parse_size(size)?, directory })
    }
}

impl Rival {
    /// Reads the profile of a rival; it has to be reached by plain HTTP.
    pub fn open(profile: &Path, process_id: u32, tables: Vec<RivalTable>) -> anyhow::Result<Self> {
        let text = std::fs::read(profile).with_context(|| format!("reading {}", profile.display()))?;
        let profile: Value =
            serde_json::from_slice(&text).with_context(|| format!("in {}", profile.display()))?;
        let field =
            |key: &str| profile.get(key).and_then(Value::as_str).with_context(|| format!("profile: {key}"));
        let endpoint = field("endpoint")?;
        let Some(rest) = endpoint.strip_prefix("http://") else {
            bail!("the rival's endpoint is not http://…")
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address = if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
        let address = address.to_socket_addrs().context("the rival's address")?.find(SocketAddr::is_ipv4);
        let path = path.trim_end_matches('/');
        ensure!(!tables.is_empty(), "name the rival's tables: --rival-table share.schema.table=SIZE");
        Ok(Self {
            process: Process { id: process_id },
            address: address.context("the rival has no IPv4 address")?,
            endpoint_path: if path.is_empty() { String::new() } else { format!("/{path}") },
            bearer_token: field("bearerToken")?.to_owned(),
            tables,
        })
    }

    /// Its table of `files`, if it has one.
    pub fn target(&self, files: u64) -> Option<Target> {
        let table = self.tables.iter().find(|table| table.files == files)?;
        let [share, schema, name] = &table.names;
        Some(Target {
            side: Side::Rival,
            process: self.process,
            address: self.address,
            endpoint_path: self.endpoint_path.clone(),
            share: share.clone(),
            table_path: format!("{}/shares/{share}/schemas/{schema}/tables/{name}", self.endpoint_path),
            bearer_token: self.bearer_token.clone(),
            files,
            added_files: 0,
            directory: table.directory.clone(),
        })
    }
}

impl Target {
    /// A table of a server of our own.
    pub fn of_ours(server: &Server, grant: &Grant, side: Side, files: u64, directory: PathBuf) -> Self {
        let table_path = if side == Side::Iceberg { &grant.iceberg_table_path } else { &grant.table_path };
        Self {
            side,
            process: server.process(),
            address: server.address,
            endpoint_path: grant.endpoint_path.clone(),
            share: grant.share.clone(),
            table_path: table_path.clone(),
            bearer_token: grant.bearer_token.clone(),
            files,
            added_files: 0,
            directory: Some(directory),
        }
    }

    /// A query with the JSON `body`.
    pub fn query(&self, body: impl Into<String>, compression: Compression) -> Query {
        Query {
            address: self.address,
            table_path: self.table_path.clone(),
            bearer_token: self.bearer_token.clone(),
            response_format: ResponseFormat::Parquet,
            body: body.into(),
            compression,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rivals_table_is_read_with_and_without_a_directory() {
        let table: RivalTable = "s.d.t=100k:/data/t".parse().unwrap();
        assert_eq!((table.files, table.directory), (100_000, Some(PathBuf::from("/data/t"))));
        assert_eq!("s.d.t=7".parse::<RivalTable>().unwrap().files, 7);
        assert!("s.d=7".parse::<RivalTable>().is_err());
        assert!("s.d.t=7x".parse::<RivalTable>().is_err());
    }

    #[test]
    fn a_rivals_paths_follow_its_endpoint() {
        let directory = tempfile::tempdir().unwrap();
        let profile = directory.path().join("x.share");
        let text = r#"{"shareCredentialsVersion":1,"endpoint":"http://127.0.0.1:81/delta-sharing/","bearerToken":"t"}"#;
        std::fs::write(&profile, text).unwrap();
        let rival = Rival::open(&profile, 1, vec!["a.b.c=1k".parse().unwrap()]).unwrap();
        let target = rival.target(1_000).unwrap();
        assert_eq!(target.table_path, "/delta-sharing/shares/a/schemas/b/tables/c");
        assert_eq!(target.address.port(), 81);
        assert!(rival.target(2).is_none());
    }
}
