//! Lists of shares, schemas and tables, one line of JSON each.

use crate::directory::page::Cut;
use crate::directory::{SchemaEntry, ShareEntry, TableEntry};
use crate::encode::json::string_into;

/// Something that a list can hold.
pub trait Item {
    fn push(&self, out: &mut Vec<u8>);
}

impl Item for ShareEntry {
    fn push(&self, out: &mut Vec<u8>) {
        let id = self.id().to_string();
        let comment = self.description();
        push_open(&[("name", Some(self.name())), ("id", Some(&id)), ("comment", comment)], out);
        if !self.properties().is_empty() {
            out.extend_from_slice(b",\"properties\":");
            let pairs: Vec<_> =
                self.properties().iter().map(|(key, value)| (key.as_str(), Some(value.as_str()))).collect();
            push_fields(&pairs, out);
        }
        out.push(b'}');
    }
}

impl Item for SchemaEntry {
    fn push(&self, out: &mut Vec<u8>) {
        push_fields(&[("name", Some(self.name())), ("share", Some(self.share_name()))], out);
    }
}

impl Item for TableEntry {
    fn push(&self, out: &mut Vec<u8>) {
        push_table(self, None, out);
    }
}

/// The table by itself (OpenSharing, "Get Table"): as in lists, with the APIs that read it, whatever its format is.
pub fn table(table: &TableEntry) -> Vec<u8> {
    let mut out = Vec::new();
    push_table(table, Some("delta"), &mut out);
    out
}

fn push_table(table: &TableEntry, format: Option<&str>, out: &mut Vec<u8>) {
    let (share_id, id) = (table.share_id().to_string(), table.record().id.to_string());
    let fields = [
        ("name", Some(table.name())),
        ("schema", Some(table.schema_name())),
        ("share", Some(table.share_name())),
        ("shareId", Some(share_id.as_str())),
        ("id", Some(id.as_str())),
        ("format", format),
    ];
    push_open(&fields, out);
    if table.record().options.directory_access {
        let source = &table.record().source;
        let (bucket, location) = (source.bucket(), source.location());
        out.extend_from_slice(b",\"location\":");
        string_into(&format!("s3://{bucket}/{location}"), out);
        out.extend_from_slice(b",\"accessModes\":[\"url\",\"dir\"]");
    }
    out.push(b'}');
}

/// `{"share":{…}}`
pub fn share(share: &ShareEntry) -> Vec<u8> {
    let mut out = b"{\"share\":".to_vec();
    share.push(&mut out);
    out.push(b'}');
    out
}

/// `{"items":[…],"nextPageToken":"…"}`, the token only when items remain: Spark asks on for an empty one.
pub fn page<E: Item>(cut: &Cut<'_, E>) -> Vec<u8> {
    let mut out = b"{\"items\":[".to_vec();
    for (index, item) in cut.entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item.push(&mut out);
    }
    out.push(b']');
    if let Some(token) = &cut.next_page_token {
        out.extend_from_slice(b",\"nextPageToken\":");
        string_into(token, &mut out);
    }
    out.push(b'}');
    out
}

fn push_fields(fields: &[(&str, Option<&str>)], out: &mut Vec<u8>) {
    push_open(fields, out);
    out.push(b'}');
}

/// An object whose closing brace is left to the caller.
fn push_open(fields: &[(&str, Option<&str>)], out: &mut Vec<u8>) {
    let mut separator = b'{';
    for (name, value) in fields {
        if let Some(value) = value {
            out.push(separator);
            string_into(name, out);
            out.push(b':');
            string_into(value, out);
            separator = b',';
        }
    }
}
