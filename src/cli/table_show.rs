//! `table show`: an Iceberg table as people read it.

use super::args::table::TableShow;
use super::catalog::address::Table;
use super::catalog::client::{Catalog, Kind};
use super::catalog::metadata::{Metadata, Snapshot};
use super::context::Context;
use super::fault::Fault;
use super::human;
use super::namespace::property_lines;
use super::printer::{Printer, Tone};
use super::shown::Shown;

/// Shows a table, or its snapshots.
pub(crate) async fn run(context: &Context, args: &TableShow) -> Result<(), Fault> {
    let target = Table::parse(&args.target)?;
    let catalog = Catalog::find(context, &target.namespace.warehouse.alias)?;
    let loaded = catalog.load_table(&target, args.snapshots).await?;
    let printer = &context.printer;
    let shown = Shown { kind: Kind::Table, target: &target, loaded: &loaded };
    let Some(metadata) = shown.for_people::<Metadata>(&catalog, printer)? else { return Ok(()) };
    let lines = if args.snapshots && metadata.snapshots.is_empty() {
        printer.note(&format!("'{target}' has no snapshots yet."));
        Vec::new()
    } else if args.snapshots {
        snapshot_lines(&metadata)
    } else {
        let metadata_location = loaded.metadata_location.as_deref().unwrap_or_default();
        render(&Parts { target: &target, metadata: &metadata, metadata_location }, printer)
    };
    for line in lines {
        printer.line(&line);
    }
    Ok(())
}

struct Parts<'a> {
    target: &'a Table,
    metadata: &'a Metadata,
    metadata_location: &'a str,
}

fn render(parts: &Parts<'_>, printer: &Printer) -> Vec<String> {
    let Parts { target, metadata, metadata_location } = parts;
    let plain = |text: &str| printer.tone(Tone::Plain, text);
    let mut lines = vec![
        format!("Table: {}", printer.tone(Tone::Strong, &target.dotted())),
        format!("ID: {}", plain(metadata.table_uuid.as_deref().unwrap_or("-"))),
        format!("Format: Iceberg, version {}", metadata.format_version),
        format!("Location: {}", plain(&metadata.location)),
        format!("Metadata: {}", plain(metadata_location)),
        format!("Updated: {}", moment(metadata.last_updated_ms)),
    ];
    match metadata.current_snapshot() {
        None => lines.push("Snapshot: none, nothing was written yet".to_owned()),
        Some(snapshot) => lines.push(format!("Snapshot: {}", snapshot_text(snapshot))),
    }
    for (label, fields) in [("Partitioned by", metadata.partitions()), ("Sorted by", metadata.sort_order())] {
        if !fields.is_empty() {
            lines.push(format!("{label}: {}", plain(&fields.join(", "))));
        }
    }
    for (name, reference) in metadata.refs.iter().filter(|(name, _)| *name != "main") {
        let kind = if reference.kind == "tag" { "Tag" } else { "Branch" };
        lines.push(format!("{kind}: {} at {}", plain(name), reference.snapshot_id));
    }
    lines.push(String::new());
    lines.push("Columns:".to_owned());
    let rows: Vec<[String; 5]> = metadata
        .columns()
        .into_iter()
        .map(|column| {
            let null = if column.is_required { "required" } else { "" };
            [column.id.to_string(), column.name, column.type_text, null.to_owned(), column.doc]
        })
        .collect();
    for line in human::table(["ID", "NAME", "TYPE", "", "COMMENT"], &rows) {
        lines.push(format!("  {}", plain(&line)));
    }
    lines.push(String::new());
    lines.extend(property_lines(&metadata.properties, printer));
    lines
}

/// `5 (append), 2026-01-25T23:52:59Z, 15000 rows in 3 files of 1.2MiB`, as far as the writer said it.
fn snapshot_text(snapshot: &Snapshot) -> String {
    let mut parts =
        vec![format!("{} ({}), {}", snapshot.id, snapshot.operation(), moment(snapshot.timestamp_ms))];
    let (rows, files) = (snapshot.total("total-records"), snapshot.total("total-data-files"));
    if let (Some(rows), Some(files)) = (rows, files) {
        parts.push(format!(", {} in {}", counted(rows, "row"), counted(files, "file")));
    }
    parts.extend(snapshot.total("total-files-size").map(|bytes| format!(" of {}", human::size(bytes))));
    parts.concat()
}

fn counted(number: u64, word: &str) -> String {
    human::count(usize::try_from(number).unwrap_or(usize::MAX), word)
}

fn snapshot_lines(metadata: &Metadata) -> Vec<String> {
    let current = metadata.current_snapshot().map(|snapshot| snapshot.id);
    let total =
        |snapshot: &Snapshot, key: &str| snapshot.total(key).map_or("-".to_owned(), |n| n.to_string());
    let names = |id: i64| {
        let refs = metadata.refs.iter().filter(|(_, reference)| reference.snapshot_id == id);
        refs.map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", ")
    };
    let row = |snapshot: &Snapshot| {
        let mark = if Some(snapshot.id) == current { "*" } else { "" };
        [
            format!("{}{mark}", snapshot.id),
            moment(snapshot.timestamp_ms),
            snapshot.operation().to_owned(),
            total(snapshot, "added-records"),
            total(snapshot, "total-records"),
            names(snapshot.id),
        ]
    };
    let rows: Vec<[String; 6]> = metadata.snapshots.iter().map(row).collect();
    let lines = human::table(["SNAPSHOT", "COMMITTED", "OPERATION", "ADDED", "ROWS", "NAMES"], &rows);
    lines.into_iter().map(|line| super::printer::printable(&line).into_owned()).collect()
}

fn moment(unix_ms: i64) -> String {
    human::wire_moment(unix_ms).unwrap_or_else(|| format!("{unix_ms} ms"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printer::Manner;

    const METADATA: &str = r#"{"format-version":2,"table-uuid":"9c12d441-03fe-4693-9a96-a0705ddf69c1","location":"s3://lake/t",
        "last-updated-ms":1769385179123,"current-schema-id":0,"schemas":[{"type":"struct","schema-id":0,"fields":[
        {"id":1,"name":"id","required":true,"type":"long","doc":"the key"},{"id":2,"name":"at","required":false,"type":"timestamptz"}]}],
        "default-spec-id":0,"partition-specs":[{"spec-id":0,"fields":[{"name":"at_day","transform":"day","source-id":2,"field-id":1000}]}],
        "properties":{"owner":"ann"},"current-snapshot-id":6,"snapshots":[
        {"snapshot-id":5,"timestamp-ms":1769385170000,"summary":{"operation":"append","added-records":"1","total-records":"1"}},
        {"snapshot-id":6,"timestamp-ms":1769385179000,"summary":{"operation":"append","added-records":"2","total-records":"3","total-data-files":"2","total-files-size":"2048"}}],
        "refs":{"main":{"snapshot-id":6,"type":"branch"},"v1":{"snapshot-id":5,"type":"tag"}}}"#;

    #[test]
    fn a_table_is_shown_with_what_people_ask_for() {
        let metadata: Metadata = serde_json::from_str(METADATA).unwrap();
        let target = Table::parse(&["local/lake/sales/orders".to_owned()]).unwrap();
        let parts = Parts { target: &target, metadata: &metadata, metadata_location: "s3://lake/t/m.json" };
        let expected = "\
Table: sales.orders
ID: 9c12d441-03fe-4693-9a96-a0705ddf69c1
Format: Iceberg, version 2
Location: s3://lake/t
Metadata: s3://lake/t/m.json
Updated: 2026-01-25T23:52:59Z
Snapshot: 6 (append), 2026-01-25T23:52:59Z, 3 rows in 2 files of 2.0KiB
Partitioned by: day(at)
Tag: v1 at 5

Columns:
  ID  NAME  TYPE                   COMMENT
  1   id    long         required  the key
  2   at    timestamptz

Properties:
  owner=ann";
        assert_eq!(render(&parts, &Printer::new(Manner::default())).join("\n"), expected);
    }

    #[test]
    fn snapshots_are_listed_with_the_current_one_marked() {
        let metadata: Metadata = serde_json::from_str(METADATA).unwrap();
        let expected = "\
SNAPSHOT  COMMITTED             OPERATION  ADDED  ROWS  NAMES
5         2026-01-25T23:52:50Z  append     1      1     v1
6*        2026-01-25T23:52:59Z  append     2      3     main";
        assert_eq!(snapshot_lines(&metadata).join("\n"), expected);
    }
}
