//! The smallest Delta table that can be shared.

use std::path::Path;

use serde_json::json;

/// Writes a table of one column and no files at `location` in `bucket` of a server's directory.
pub(crate) fn write_empty(data_dir: &Path, bucket: &str, location: &str) {
    write_with_protocol(data_dir, (bucket, location), &json!({"minReaderVersion": 1, "minWriterVersion": 2}));
}

/// The same under another protocol.
pub(crate) fn write_with_protocol(
    data_dir: &Path,
    (bucket, location): (&str, &str),
    protocol: &serde_json::Value,
) {
    let log = data_dir.join(bucket).join(location).join("_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    let schema = json!({
        "type": "struct",
        "fields": [{"name": "id", "type": "long", "nullable": true, "metadata": {}}],
    });
    let metadata = json!({
        "id": "5fba94ed-9794-4965-ba6e-6ee3c0d22af9",
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema.to_string(),
        "partitionColumns": [],
        "configuration": {},
        "createdTime": 1_769_385_179_000_i64,
    });
    let text = format!("{}\n{}\n", json!({"protocol": protocol}), json!({"metaData": metadata}));
    std::fs::write(log.join("00000000000000000000.json"), text).unwrap();
}
