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
        push_fields(&[("name", Some(self.name())), ("id", Some(&id)), ("comment", self.description())], out);
    }
}

impl Item for SchemaEntry {
    fn push(&self, out: &mut Vec<u8>) {
        push_fields(&[("name", Some(self.name())), ("share", Some(self.share_name()))], out);
    }
}

impl Item for TableEntry {
    fn push(&self, out: &mut Vec<u8>) {
        let (share_id, id) = (self.share_id().to_string(), self.record().id.to_string());
        let fields = [
            ("name", Some(self.name())),
            ("schema", Some(self.schema_name())),
            ("share", Some(self.share_name())),
            ("shareId", Some(share_id.as_str())),
            ("id", Some(id.as_str())),
        ];
        push_fields(&fields, out);
    }
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
    out.push(b'}');
}
