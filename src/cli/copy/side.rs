//! FROM and TO of a copy.

use std::path::{Path, PathBuf};

use crate::cli::aliases::Aliases;
use crate::cli::fault::Fault;
use crate::cli::target::Target;

/// One end of a copy as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Side {
    /// As typed, so that a trailing slash keeps its meaning.
    Local(String),
    Remote(Target),
}

impl Side {
    /// Whether the word names a place to copy into, or the contents of a place: it ends in a slash.
    pub(crate) fn is_slashed(&self) -> bool {
        match self {
            Self::Local(path) => path.ends_with('/') || matches!(last_part(path), "." | ".."),
            Self::Remote(target) => target.path.ends_with('/'),
        }
    }

    /// The last part of the name, for copies that keep it; empty for `/`.
    pub(crate) fn last_name(&self) -> &str {
        match self {
            Self::Local(path) => last_part(path),
            Self::Remote(target) => last_part(&target.path),
        }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local(path) => f.write_str(path),
            Self::Remote(target) => target.fmt(f),
        }
    }
}

fn last_part(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// Reads FROM and TO, each one word, or an alias and the rest of the place as two.
pub(crate) fn read_sides(words: &[String], aliases: &Aliases) -> Result<(Side, Side), Fault> {
    let is_alias = |word: &String| !word.contains('/') && aliases.contains(word) && !Path::new(word).exists();
    match words {
        [from, to] => Ok((read_side(from, aliases)?, read_side(to, aliases)?)),
        [alias, rest, to] if is_alias(alias) => Ok((join(alias, rest)?, read_side(to, aliases)?)),
        [from, alias, rest] if is_alias(alias) => Ok((read_side(from, aliases)?, join(alias, rest)?)),
        [one, from, two, to] if is_alias(one) && is_alias(two) => Ok((join(one, from)?, join(two, to)?)),
        _ => Err(Fault::usage("cannot tell FROM and TO apart", format!("there are {} words", words.len()))
            .advise(
                "Write lakeshare cp FROM TO, with remote places as ALIAS/BUCKET/KEY; one FROM at a time.",
            )),
    }
}

fn join(alias: &str, rest: &str) -> Result<Side, Fault> {
    Target::parse(&[alias.to_owned(), rest.to_owned()]).map(Side::Remote)
}

/// A word is remote when what stands before its first slash is an alias.
fn read_side(word: &str, aliases: &Aliases) -> Result<Side, Fault> {
    if word.is_empty() {
        return Err(Fault::usage("cannot copy", "FROM or TO is empty").advise("Write lakeshare cp FROM TO."));
    }
    match word.split_once('/') {
        Some((alias, _)) if aliases.contains(alias) => Target::parse(&[word.to_owned()]).map(Side::Remote),
        None if aliases.contains(word) && !Path::new(word).exists() => {
            Target::parse(&[word.to_owned()]).map(Side::Remote)
        }
        _ => Ok(Side::Local(word.to_owned())),
    }
}

/// Complains about a local side that cannot be meant: a mistyped alias looks like a path that is not there.
pub(crate) fn missing_path(word: &str, what: &str, aliases: &Aliases) -> Fault {
    let fault = Fault::refused(what, format!("there is no file or directory '{word}'"));
    let first = word.split('/').next().unwrap_or_default();
    if matches!(first, "" | "." | "..") {
        return fault;
    }
    let known: Vec<&str> = aliases.iter().map(|(name, _)| name).collect();
    if known.is_empty() {
        fault.advise(format!("If '{first}' is a server, set its alias: lakeshare alias set {first} URL"))
    } else {
        fault.advise(format!("'{first}' is no alias either; known aliases: {}.", known.join(", ")))
    }
}

/// The local path of a download, refused when it lies in a directory that does not exist.
pub(crate) fn local_destination(word: &str, what: &str, aliases: &Aliases) -> Result<PathBuf, Fault> {
    let path = PathBuf::from(word);
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if path.exists() || parent.is_dir() {
        Ok(path)
    } else {
        Err(missing_path(&parent.to_string_lossy(), what, aliases))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::aliases::StoredAlias;

    fn aliases() -> (tempfile::TempDir, Aliases) {
        let directory = tempfile::tempdir().unwrap();
        let mut aliases = Aliases::load(directory.path()).unwrap();
        for name in ["lk-one", "lk-two"] {
            let url = "http://127.0.0.1:9000".to_owned();
            aliases.set(name, StoredAlias { url, access_key: String::new(), secret_key: String::new() });
        }
        (directory, aliases)
    }

    fn sides(text: &str) -> Result<(Side, Side), Fault> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        read_sides(&words, &aliases().1)
    }

    fn remote(alias: &str, path: &str) -> Side {
        Side::Remote(Target { alias: alias.to_owned(), path: path.to_owned() })
    }

    fn local(path: &str) -> Side {
        Side::Local(path.to_owned())
    }

    #[test]
    fn one_word_and_two_words_mean_the_same() {
        assert_eq!(sides("a.txt lk-one/b/k").unwrap(), (local("a.txt"), remote("lk-one", "b/k")));
        assert_eq!(sides("a.txt lk-one b/k").unwrap(), (local("a.txt"), remote("lk-one", "b/k")));
        assert_eq!(sides("lk-one b/k ./a").unwrap(), (remote("lk-one", "b/k"), local("./a")));
        let both = (remote("lk-one", "b"), remote("lk-two", "c/"));
        assert_eq!(sides("lk-one b lk-two c/").unwrap(), both);
        assert_eq!(sides("lk-one/b lk-two/c/").unwrap(), both);
    }

    #[test]
    fn several_sources_are_wrong_usage() {
        assert!(sides("a b c").unwrap_err().advice.contains("FROM TO"));
    }

    #[test]
    fn a_mistyped_alias_is_told_the_known_ones() {
        let (_directory, aliases) = aliases();
        let fault = local_destination("lk-won/bucket/", "cannot copy", &aliases).unwrap_err();
        assert!(fault.advice.contains("known aliases: lk-one, lk-two"), "{fault}");
        assert!(local_destination("./x", "cannot copy", &aliases).is_ok());
    }

    #[test]
    fn trailing_slashes_and_dots_mean_contents() {
        for word in ["a/", ".", "./", "a/..", "/"] {
            assert!(local(word).is_slashed(), "{word}");
        }
        assert!(!local("a/b").is_slashed());
        assert_eq!(local("a/b").last_name(), "b");
        assert_eq!(remote("lk-one", "b/k/").last_name(), "k");
        assert_eq!(local("/").last_name(), "");
    }
}
