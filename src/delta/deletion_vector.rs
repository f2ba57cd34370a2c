//! Deletion vector descriptors: from the words of the log to a place.
//!
//! "Deletion Vector Descriptor Schema" knows three kinds: `u`, a file below the table whose name is made of a UUID;
//! `p`, a file by its absolute path; `i`, the vector itself as text. What is in a vector is not looked at.

use super::action;
use super::path::{self, Root};
use crate::encode::{json, url_path, z85};
use crate::limits::objects::KEY_BYTES_MAX;
use crate::table::deletion_vector::{DeletionVector, Place};

/// Characters of a UUID in Z85.
const UUID_CHARS: usize = 20;

/// Why a deletion vector cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("its storage type '{0}' is none of u, p and i")]
    StorageType(String),
    #[error("its pathOrInlineDv is no UUID in base 85, with or without a prefix")]
    Uuid,
    #[error("its path leads elsewhere: {0}")]
    Path(path::Fault),
    #[error("its {0} is missing or negative")]
    Number(&'static str),
}

/// Reads a descriptor; `scratch` keeps the text of the place.
///
/// # Errors
/// [`Fault`], on any text; never a panic.
pub(super) fn resolve<'a>(
    descriptor: &action::DeletionVector<'_>,
    root: &Root,
    scratch: &'a mut Vec<u8>,
) -> Result<DeletionVector<'a>, Fault> {
    let number = |name, value: Option<i64>| {
        value.and_then(|value| u64::try_from(value).ok()).ok_or(Fault::Number(name))
    };
    let offset = descriptor.offset.map(|offset| number("offset", Some(offset))).transpose()?;
    let size_bytes = number("sizeInBytes", descriptor.size_bytes)?;
    let cardinality = number("cardinality", descriptor.cardinality)?;
    scratch.clear();
    let place = match descriptor.storage_type {
        "i" => {
            json::escape_into(descriptor.path_or_inline, scratch);
            Place::Inline(scratch)
        }
        "u" => {
            let key = relative_key(descriptor.path_or_inline)?;
            url_path::encode_into(key.as_bytes(), scratch);
            Place::File(scratch)
        }
        "p" => {
            let mut decoded = Vec::new();
            let resolved = path::resolve(descriptor.path_or_inline, root, &mut decoded);
            if let Some(fault) = resolved.fault {
                return Err(Fault::Path(fault));
            }
            url_path::encode_into(resolved.path.key, scratch);
            Place::File(scratch)
        }
        other => return Err(Fault::StorageType(other.to_owned())),
    };
    Ok(DeletionVector { place, offset, size_bytes, cardinality })
}

/// The key of a `u` vector's file: a prefix, which may be empty, is its folder ("Deletion Vectors", "storageType").
fn relative_key(text: &str) -> Result<String, Fault> {
    let at = text.len().checked_sub(UUID_CHARS).ok_or(Fault::Uuid)?;
    let (prefix, uuid) = text.split_at_checked(at).ok_or(Fault::Uuid)?;
    let bytes = z85::decode(uuid.as_bytes()).ok_or(Fault::Uuid)?;
    let uuid = uuid::Uuid::from_slice(&bytes).map_err(|_| Fault::Uuid)?;
    let name = format!("deletion_vector_{}.bin", uuid.hyphenated());
    if prefix.is_empty() {
        return Ok(name);
    }
    let key = format!("{prefix}/{name}");
    if key.len() > KEY_BYTES_MAX {
        return Err(Fault::Path(path::Fault::Length));
    }
    if path::has_dots(key.as_bytes()) || prefix.contains('\0') {
        return Err(Fault::Path(path::Fault::Dots));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root() -> Root {
        Root::new("lake", "sales/t")
    }

    fn place(storage_type: &str, path_or_inline: &str) -> Result<String, Fault> {
        let descriptor = action::DeletionVector {
            storage_type,
            path_or_inline,
            offset: Some(4),
            size_bytes: Some(40),
            cardinality: Some(6),
        };
        let mut scratch = Vec::new();
        let vector = resolve(&descriptor, &root(), &mut scratch)?;
        assert_eq!((vector.offset, vector.size_bytes, vector.cardinality), (Some(4), 40, 6));
        Ok(match vector.place {
            Place::Inline(text) => format!("inline {}", String::from_utf8_lossy(text)),
            Place::File(key) => String::from_utf8_lossy(key).into_owned(),
        })
    }

    #[test]
    fn the_examples_of_the_protocol_are_found() {
        assert_eq!(
            place("u", "ab^-aqEH.-t@S}K{vb[*k^").unwrap(),
            "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin"
        );
        assert_eq!(
            place("i", "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L").unwrap(),
            "inline wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L"
        );
    }

    #[test]
    fn an_absolute_path_leads_into_the_table_or_keeps_its_bucket() {
        assert_eq!(place("p", "s3://lake/sales/t/x%20y/dv.bin").unwrap(), "x%20y/dv.bin");
        assert_eq!(place("p", "s3://lake/sales/t2/d%20v.bin").unwrap(), "//lake/sales/t2/d%20v.bin");
        assert_eq!(place("p", "file:///mytable/dv.bin"), Err(Fault::Path(path::Fault::Absolute)));
        assert_eq!(place("p", "s3://lake/sales/t/../dv.bin"), Err(Fault::Path(path::Fault::Dots)));
    }

    #[test]
    fn what_is_no_descriptor_is_named() {
        assert_eq!(place("x", ""), Err(Fault::StorageType("x".to_owned())));
        for text in ["", "ab", "^-aqEH.-t@S}K{vb[*k\"", "#####^-aqEH.-t@S}K{v", "ööööööööööööö"]
        {
            assert_eq!(place("u", text), Err(Fault::Uuid), "{text}");
        }
        for prefix in ["..", "a/../b", "/", "a//b", "./a"] {
            let found = place("u", &format!("{prefix}^-aqEH.-t@S}}K{{vb[*k^"));
            assert_eq!(found, Err(Fault::Path(path::Fault::Dots)), "{prefix}");
        }
        assert_eq!(
            place("u", &format!("{}^-aqEH.-t@S}}K{{vb[*k^", "p".repeat(2_000))),
            Err(Fault::Path(path::Fault::Length))
        );
    }

    #[test]
    fn inline_text_is_escaped() {
        assert_eq!(place("i", "a\"b\n").unwrap(), r#"inline a\"b\n"#);
    }

    proptest! {
        #[test]
        fn no_descriptor_panics_or_leads_out_of_the_table(
            storage_type in "[uip]|\\PC{0,3}",
            text in "\\PC{0,60}|[0-9a-zA-Z./%:#@]{0,60}",
            numbers in any::<[Option<i64>; 3]>(),
        ) {
            let [offset, size_bytes, cardinality] = numbers;
            let descriptor = action::DeletionVector {
                storage_type: &storage_type, path_or_inline: &text, offset, size_bytes, cardinality,
            };
            let mut scratch = Vec::new();
            if let Ok(vector) = resolve(&descriptor, &root(), &mut scratch)
                && let Place::File(key) = vector.place
            {
                let key: Vec<u8> = percent_encoding::percent_decode(key).collect();
                prop_assert!(!key.is_empty() && !path::has_dots(&key));
            }
        }
    }
}
