//! A share as a tree of text.

use serde_json::Value;

use super::catalog::address::show_levels;
use super::client::{SchemaInfo, ShareInfo, TableInfo};
use super::human;
use super::printer::{Printer, Tone};

/// The lines of `share info`.
pub(crate) fn render(share: &ShareInfo, printer: &Printer) -> Vec<String> {
    let mut lines = vec![
        format!("Share: {}", printer.tone(Tone::Strong, &share.name)),
        format!("ID: {}", printer.tone(Tone::Plain, &share.id)),
    ];
    if let Some(description) = share.description.as_deref().filter(|text| !text.is_empty()) {
        lines.push(format!("Description: {}", printer.tone(Tone::Plain, description)));
    }
    for (key, value) in &share.properties {
        lines.push(format!("Property: {}", printer.tone(Tone::Plain, &format!("{key}={value}"))));
    }
    lines.push(format!("Created: {}", printer.tone(Tone::Plain, &human::utc_moment(&share.created_at))));
    lines.push(format!("Updated: {}", printer.tone(Tone::Plain, &human::utc_moment(&share.updated_at))));
    lines.push(String::new());
    if share.schemas.is_empty() {
        lines.push("Schemas: none".to_owned());
        return lines;
    }
    lines.push("Schemas:".to_owned());
    for_each_branch(&share.schemas, |schema, branch| {
        lines.push(format!(
            "  {} {} ({})",
            branch.knot,
            printer.tone(Tone::Name, &schema.name),
            human::count(schema.tables.len(), "table")
        ));
        render_tables(schema, branch.rail, printer, &mut lines);
    });
    lines
}

fn render_tables(schema: &SchemaInfo, outer_rail: &str, printer: &Printer, lines: &mut Vec<String>) {
    for_each_branch(&schema.tables, |table, branch| {
        lines.push(format!(
            "  {outer_rail}   {} {} [{}]",
            branch.knot,
            printer.tone(Tone::Name, &table.name),
            format_name(table)
        ));
        for (label, value) in place_of(table) {
            let value = printer.tone(Tone::Plain, &value);
            lines.push(format!("  {outer_rail}   {}   {label}: {value}", branch.rail).trim_end().to_owned());
        }
        let options = options_text(table);
        if !options.is_empty() {
            let options = printer.tone(Tone::Plain, &options);
            lines.push(format!("  {outer_rail}   {}   Shared: {options}", branch.rail));
        }
    });
}

/// Where the table lies, under the names by which people know it.
fn place_of(table: &TableInfo) -> Vec<(&'static str, String)> {
    const LABELS: [(&str, &str); 6] = [
        ("warehouse", "Warehouse"),
        ("namespace", "Namespace"),
        ("table", "Table"),
        ("bucket", "Bucket"),
        ("location", "Location"),
        ("ref", "Ref"),
    ];
    let labels = LABELS.into_iter().filter_map(|(key, label)| Some((label, table.details.get(key)?)));
    let text = |value: &Value| match value.as_array() {
        Some(levels) => {
            let levels = levels.iter().map(|level| level.as_str().unwrap_or_default().to_owned());
            show_levels(&levels.collect::<Vec<_>>())
        }
        None => value.as_str().unwrap_or_default().to_owned(),
    };
    labels.map(|(label, value)| (label, text(value))).collect()
}

/// What of the table is shared, where it is not all of its latest version and no more.
fn options_text(table: &TableInfo) -> String {
    let mut parts = Vec::new();
    if table.details.get("history").is_some_and(|value| value == true) {
        parts.push(match table.details.get("startVersion") {
            Some(version) => format!("history from version {version}"),
            None => "history".to_owned(),
        });
    }
    for (column, values) in
        table.details.get("partitionFilter").and_then(Value::as_object).into_iter().flatten()
    {
        for value in values.as_array().into_iter().flatten() {
            parts.push(format!("{column}={}", value.as_str().unwrap_or_default()));
        }
    }
    if table.details.get("directoryAccess").is_some_and(|value| value == true) {
        parts.push("directory".to_owned());
    }
    for place in table.details.get("allowedLocations").and_then(Value::as_array).into_iter().flatten() {
        parts.push(format!("files in {}", place.as_str().unwrap_or_default()));
    }
    parts.join(", ")
}

fn format_name(table: &TableInfo) -> &str {
    match table.source_type.as_str() {
        "delta" => "Delta",
        "uniform" => "UniForm",
        "iceberg" => "Iceberg",
        other => other,
    }
}

/// What stands before a node, and before the lines below it.
struct Branch {
    knot: &'static str,
    rail: &'static str,
}

fn for_each_branch<'a, T>(nodes: &'a [T], mut visit: impl FnMut(&'a T, Branch)) {
    let last = nodes.len().saturating_sub(1);
    for (index, node) in nodes.iter().enumerate() {
        let branch = if index == last {
            Branch { knot: "└─", rail: " " }
        } else {
            Branch { knot: "├─", rail: "│" }
        };
        visit(node, branch);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::cli::printer::Manner;

    fn table(name: &str) -> TableInfo {
        TableInfo {
            name: name.to_owned(),
            source_type: "delta".to_owned(),
            details: details(&json!({"bucket": "testdelta", "location": format!("tpch/{name}")})),
        }
    }

    fn details(value: &Value) -> BTreeMap<String, Value> {
        serde_json::from_value(value.clone()).unwrap()
    }

    fn share(schemas: Vec<SchemaInfo>) -> ShareInfo {
        ShareInfo {
            id: "c74c939b-d17a-4b8d-9270-7600ad53a71c".to_owned(),
            name: "test".to_owned(),
            description: None,
            properties: BTreeMap::new(),
            created_at: "2026-01-25T23:52:59Z".to_owned(),
            updated_at: "2026-01-25T23:53:57.250Z".to_owned(),
            schemas,
        }
    }

    fn text(share: &ShareInfo) -> String {
        render(share, &Printer::new(Manner::default())).join("\n")
    }

    #[test]
    fn a_share_looks_as_in_the_interfaces() {
        let customer = TableInfo {
            source_type: "uniform".to_owned(),
            details: details(&json!({"warehouse": "testice", "namespace": ["tpch"], "table": "customer"})),
            ..table("customer")
        };
        let tables = vec![table("orders"), customer];
        let share = share(vec![SchemaInfo { name: "tpch".to_owned(), tables }]);
        let expected = "\
Share: test
ID: c74c939b-d17a-4b8d-9270-7600ad53a71c
Created: 2026-01-25T23:52:59Z
Updated: 2026-01-25T23:53:57Z

Schemas:
  └─ tpch (2 tables)
      ├─ orders [Delta]
      │   Bucket: testdelta
      │   Location: tpch/orders
      └─ customer [UniForm]
          Warehouse: testice
          Namespace: tpch
          Table: customer";
        assert_eq!(text(&share), expected);
    }

    #[test]
    fn a_branch_is_told() {
        let audited = TableInfo {
            source_type: "iceberg".to_owned(),
            details: details(&json!({"bucket": "b", "location": "", "ref": "audit"})),
            ..table("t")
        };
        let share = share(vec![SchemaInfo { name: "a".to_owned(), tables: vec![audited] }]);
        assert!(
            text(&share)
                .ends_with("t [Iceberg]\n          Bucket: b\n          Location:\n          Ref: audit")
        );
    }

    #[test]
    fn rails_run_on_while_schemas_follow() {
        let schema = |name: &str| SchemaInfo { name: name.to_owned(), tables: vec![table("t")] };
        let mut share = share(vec![schema("a"), schema("b")]);
        share.description = Some("two\nlines".to_owned());
        let expected = "\
Schemas:
  ├─ a (1 table)
  │   └─ t [Delta]
  │       Bucket: testdelta
  │       Location: tpch/t
  └─ b (1 table)
      └─ t [Delta]
          Bucket: testdelta
          Location: tpch/t";
        let text = text(&share);
        assert!(text.ends_with(expected), "{text}");
        assert!(text.contains("Description: two\\nlines\n"), "{text}");
    }

    #[test]
    fn what_is_shared_beyond_the_latest_version_is_told() {
        let mut table = table("t");
        table.details = details(&json!({"history": true, "startVersion": 3, "directoryAccess": true,
            "partitionFilter": {"region": ["EU", null]}}));
        assert_eq!(options_text(&table), "history from version 3, region=EU, region=, directory");
        let mut share = share(vec![SchemaInfo { name: "a".to_owned(), tables: vec![table] }]);
        share.properties.insert("owner".to_owned(), "sales".to_owned());
        let text = text(&share);
        assert!(text.ends_with("Shared: history from version 3, region=EU, region=, directory"), "{text}");
        assert!(text.contains("\nProperty: owner=sales\n"), "{text}");
    }

    #[test]
    fn an_empty_share_says_so() {
        assert!(text(&share(Vec::new())).ends_with("\n\nSchemas: none"));
    }
}
