//! Names of shares, schemas and tables, as Delta Sharing allows them.
//!
//! Names keep the spelling in which they were created and are looked up without regard to case, so two
//! names that [`fold`] to one text cannot stand side by side.

use std::borrow::Cow;

use crate::error::Kind;
use crate::limits;

/// Which name is meant; schemas and tables are stricter than shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Share,
    Schema,
    Table,
}

impl std::fmt::Display for Of {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Share => "share",
            Self::Schema => "schema",
            Self::Table => "table",
        })
    }
}

/// Why a name is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the {of} name is empty; give it at least one character")]
    Empty { of: Of },
    #[error("the {of} name has {chars} characters; at most {} are allowed", limits::NAME_CHARS_MAX)]
    TooLong { of: Of, chars: usize },
    #[error("the {of} name {name:?} contains {character:?}, which is not allowed in {of} names")]
    Character { of: Of, name: String, character: char },
    #[error("the {of} name {name:?} would be taken for a step in a path; choose another name")]
    PathStep { of: Of, name: String },
}

impl Error {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Empty { .. } | Self::TooLong { .. } | Self::Character { .. } | Self::PathStep { .. } => {
                Kind::Invalid
            }
        }
    }
}

/// Checks `name` against the Delta Sharing protocol, "Names": at most 255 characters, no space, slash or
/// control character, and no period in names of schemas and tables.
///
/// `.` and `..` are refused for shares too, because URL libraries resolve them away.
pub fn check(of: Of, name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Empty { of });
    }
    let chars = name.chars().count();
    if chars > limits::NAME_CHARS_MAX {
        return Err(Error::TooLong { of, chars });
    }
    let is_refused = |character: char| match character {
        ' ' | '/' => true,
        '.' => of != Of::Share,
        _ => character.is_control(),
    };
    if let Some(character) = name.chars().find(|&character| is_refused(character)) {
        return Err(Error::Character { of, name: name.to_owned(), character });
    }
    if matches!(name, "." | "..") {
        return Err(Error::PathStep { of, name: name.to_owned() });
    }
    Ok(())
}

/// The text under which a name is looked up and sorted: equal for names that differ in case only.
pub fn fold(name: &str) -> Cow<'_, str> {
    let is_folded = name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_folded { Cow::Borrowed(name) } else { Cow::Owned(name.to_lowercase()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_protocol_are_allowed() {
        for of in [Of::Share, Of::Schema, Of::Table] {
            for name in ["a", "vaccine_share", "Ünïcode-日本", "a+b%2F", &"x".repeat(255), &"日".repeat(255)]
            {
                assert_eq!(check(of, name), Ok(()), "{of} {name}");
            }
        }
        assert_eq!(check(Of::Share, "acme.sales"), Ok(()));
    }

    #[test]
    fn names_that_break_urls_are_refused() {
        for of in [Of::Share, Of::Schema, Of::Table] {
            for name in ["", "a b", "a/b", "a\u{0}", "a\n", "\u{7f}", "\u{85}", &"x".repeat(256), ".", ".."] {
                let error = check(of, name).unwrap_err();
                assert_eq!(error.kind(), Kind::Invalid, "{of} {name}");
                assert!(error.to_string().contains(&of.to_string()), "{error}");
            }
        }
        assert!(check(Of::Schema, "a.b").is_err());
        assert!(check(Of::Table, "a.b").is_err());
    }

    #[test]
    fn folding_forgets_case_and_nothing_else() {
        assert_eq!(fold("Vaccine"), fold("vACCINE"));
        assert_eq!(fold("ÄRZTE"), fold("ärzte"));
        assert_ne!(fold("a_b"), fold("a-b"));
    }
}
