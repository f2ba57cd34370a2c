//! The `delta-sharing` crate lists a share and reads one table.
//!
//!     lakeshare-rust-client PROFILE SHARE SCHEMA TABLE
//!
//! Prints one JSON object: what is listed, the version, the number of files and rows.

use std::error::Error;

use delta_sharing::blocking::Client;
use delta_sharing::protocol::{ProviderConfig, Share, Table};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, share, schema, table] = arguments.as_slice() else {
        return Err("usage: lakeshare-rust-client PROFILE SHARE SCHEMA TABLE".into());
    };
    let config: ProviderConfig = serde_json::from_str(&std::fs::read_to_string(profile)?)?;
    let cache = std::env::temp_dir().join(format!("lakeshare-rust-client-{}", std::process::id()));
    let mut client = Client::new(config, Some(cache.to_string_lossy().into_owned()), None)?;
    let shares: Vec<String> = client.list_shares()?.into_iter().map(|share| share.name).collect();
    let of_share = Share { name: share.clone() };
    let tables: Vec<String> = client.list_all_tables(&of_share)?.into_iter().map(|table| table.name).collect();
    let table = Table { name: table.clone(), schema: schema.clone(), share: share.clone() };
    let version = client.get_table_version(&table);
    let files = client.list_table_files(&table, None)?.files.len();
    let rows = client.get_dataframe(&table, None)?.collect()?.height();
    let _ = std::fs::remove_dir_all(cache);
    let answer = serde_json::json!({
        "shares": shares, "tables": tables, "version": version, "files": files, "rows": rows,
    });
    println!("{answer}");
    Ok(())
}
