//! Lines that simd-json will not take, cut down to what is needed.
//!
//! simd-json wants each number to fit 64 bits. JSON does not, and a number beyond that in a field that nobody
//! reads, say in `commitInfo`, is no reason to refuse a table. So such a line is read again by a slower parser
//! that keeps the text of values, and written down without the fields that are passed over anyway.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::commit_line::{ADD, COMMIT_INFO, METADATA, PROTOCOL, REMOVE, SIDECAR};

const ACTIONS: &[(&str, &[&str])] = &[
    ("add", ADD),
    ("remove", REMOVE),
    ("protocol", PROTOCOL),
    ("metaData", METADATA),
    ("commitInfo", COMMIT_INFO),
    ("sidecar", SIDECAR),
];

/// The line with known actions and known fields only.
///
/// # Errors
/// What is not JSON about the line.
pub(super) fn reduce(line: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let actions: Entries<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut reduced = Vec::new();
    write_object(&mut reduced, actions.0, |name, value, out| {
        let Some((_, fields)) = ACTIONS.iter().find(|&&(action, _)| action == name) else { return false };
        match serde_json::from_str::<Entries<'_>>(value.get()) {
            Ok(entries) => write_object(out, entries.0, |name, value, out| {
                let known = fields.contains(&name);
                if known {
                    out.extend_from_slice(value.get().as_bytes());
                }
                known
            }),
            Err(_) => out.extend_from_slice(value.get().as_bytes()),
        }
        true
    });
    Ok(reduced)
}

/// Writes the entries whose value `write` writes; it says whether it did.
fn write_object(
    out: &mut Vec<u8>,
    entries: Vec<(String, &RawValue)>,
    mut write: impl FnMut(&str, &RawValue, &mut Vec<u8>) -> bool,
) {
    out.push(b'{');
    let mut first = true;
    for (name, value) in entries {
        let before = out.len();
        if !first {
            out.push(b',');
        }
        crate::encode::json::string_into(&name, out);
        out.push(b':');
        if write(&name, value, out) {
            first = false;
        } else {
            out.truncate(before);
        }
    }
    out.push(b'}');
}

/// The entries of an object in their order, those with equal names too.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
