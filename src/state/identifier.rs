//! Names of warehouses, namespaces, tables and views: case-sensitive, safe in URLs.

use super::catalog::EntryName;
use crate::bucket_name;
use crate::error::Kind;
use crate::limits::catalog::{CATALOG_NAME_BYTES_MAX, NAMESPACE_LEVELS_MAX};

/// Why a name is not allowed in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{name:?} cannot be the name of a warehouse: {reason}")]
    Warehouse { name: String, reason: &'static str },
    #[error("a namespace has between 1 and {NAMESPACE_LEVELS_MAX} levels, not {count}")]
    Levels { count: usize },
    #[error("an empty name is not allowed")]
    Empty,
    #[error("a name has at most {CATALOG_NAME_BYTES_MAX} bytes, not {bytes}")]
    TooLong { bytes: usize },
    #[error("the name {name:?} contains {character:?}, which is not allowed")]
    Character { name: String, character: char },
    #[error("the name {name:?} would be taken for a step in a path; choose another name")]
    PathStep { name: String },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Warehouse { .. }
            | Self::Levels { .. }
            | Self::Empty
            | Self::TooLong { .. }
            | Self::Character { .. }
            | Self::PathStep { .. } => Kind::Invalid,
        }
    }
}

/// Checks the name of a new warehouse, which is that of its bucket and part of paths: no dots.
pub fn check_warehouse(name: &str) -> Result<(), Error> {
    let refused = |reason| Error::Warehouse { name: name.to_owned(), reason };
    if name.contains('.') {
        return Err(refused("dots are not allowed in it"));
    }
    bucket_name::check_new(name).map_err(refused)
}

/// Checks the levels of a new namespace.
pub fn check_namespace(levels: &[String]) -> Result<(), Error> {
    if levels.is_empty() || levels.len() > NAMESPACE_LEVELS_MAX {
        return Err(Error::Levels { count: levels.len() });
    }
    levels.iter().try_for_each(|level| check(level))
}

/// Checks the name of a new table or view.
pub fn check_entry(name: &EntryName) -> Result<(), Error> {
    check_namespace(&name.namespace)?;
    check(&name.name)
}

/// Refuses what a URL, a path or a list of levels would lose: slashes, control characters, steps of a path.
fn check(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Empty);
    }
    if name.len() > CATALOG_NAME_BYTES_MAX {
        return Err(Error::TooLong { bytes: name.len() });
    }
    if let Some(character) = name.chars().find(|character| *character == '/' || character.is_control()) {
        return Err(Error::Character { name: name.to_owned(), character });
    }
    if matches!(name, "." | "..") {
        return Err(Error::PathStep { name: name.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_that_engines_use_are_allowed() {
        for name in ["a", "Sales 2026", "ta.ble", "日本", "a%2Fb", "a+b", "...", &"x".repeat(255)] {
            assert_eq!(check_namespace(&levels(&["a", name])), Ok(()), "{name}");
            let entry = EntryName { namespace: levels(&["a"]), name: name.to_owned() };
            assert_eq!(check_entry(&entry), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_break_urls_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\u{1f}b",
            "a\0",
            "\n",
            "\u{7f}",
            "\u{85}",
            &"x".repeat(256),
            &"日".repeat(86),
        ] {
            let entry = EntryName { namespace: levels(&["a"]), name: name.to_owned() };
            assert_eq!(check_entry(&entry).unwrap_err().kind(), Kind::Invalid, "{name:?}");
            assert!(check_namespace(&levels(&["a", name])).is_err(), "{name:?}");
        }
        let deep = vec!["a".to_owned(); NAMESPACE_LEVELS_MAX + 1];
        assert!(check_namespace(&deep[1..]).is_ok());
        assert_eq!(check_namespace(&deep), Err(Error::Levels { count: deep.len() }));
        assert_eq!(check_namespace(&[]), Err(Error::Levels { count: 0 }));
    }

    #[test]
    fn a_warehouse_is_named_as_a_bucket_without_dots() {
        for name in ["abc", "lake-1", &"a".repeat(63)] {
            assert_eq!(check_warehouse(name), Ok(()), "{name}");
        }
        for name in ["ab", "Lake", "a.b", "-ab", "ab-", "a_b", "_iceberg", "metrics", "", &"a".repeat(64)] {
            assert_eq!(check_warehouse(name).unwrap_err().kind(), Kind::Invalid, "{name}");
        }
    }
}
