//! Targets: `ALIAS/NAME` as one word, or `ALIAS NAME…` as separate words.

use super::fault::Fault;

/// A place on a server: an alias and what follows it, without the slash between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub alias: String,
    /// The share, or bucket and key; empty when only the alias was given.
    pub path: String,
}

impl Target {
    /// Reads a whole list of words as one target.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Fault> {
        let Some((first, rest)) = words.split_first() else {
            return Err(Fault::usage("cannot read the target", "it is missing"));
        };
        let (alias, head) = match first.split_once('/') {
            Some((alias, path)) => (alias, Some(path)),
            None => (first.as_str(), None),
        };
        if alias.is_empty() {
            let why = "it begins with / where an alias is expected";
            return Err(Fault::usage(format!("cannot read the target '{first}'"), why)
                .advise("Write ALIAS/NAME; `lakeshare alias list` shows the aliases."));
        }
        let mut path = head.unwrap_or_default().to_owned();
        for word in rest {
            if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(word);
        }
        Ok(Self { alias: alias.to_owned(), path })
    }

    /// Reads a target with a one-part name from the front of `words`; returns the words behind it.
    ///
    /// `what` is the name's kind for complaints: `share`, `bucket`.
    pub(crate) fn parse_front<'a>(words: &'a [String], what: &str) -> Result<(Self, &'a [String]), Fault> {
        let count = if words.first().is_some_and(|word| word.contains('/')) { 1 } else { 2 };
        let (front, rest) = words.split_at_checked(count).unwrap_or((words, &[]));
        let target = Self::parse(front)?;
        target.require_name(what)?;
        Ok((target, rest))
    }

    /// Reads a whole list of words as a target with a one-part name.
    pub(crate) fn parse_name(words: &[String], what: &str) -> Result<Self, Fault> {
        let (target, rest) = Self::parse_front(words, what)?;
        match rest.first() {
            None => Ok(target),
            Some(word) => Err(Fault::usage(
                format!("cannot read the target '{}'", words.join(" ")),
                format!("'{word}' is one word too many"),
            )
            .advise(format!(
                "Write ALIAS/{} or ALIAS {}.",
                what.to_uppercase(),
                what.to_uppercase()
            ))),
        }
    }

    /// The bucket and the key of the path; the key is empty when only a bucket was given.
    pub(crate) fn bucket_and_key(&self) -> (&str, &str) {
        self.path.split_once('/').unwrap_or((&self.path, ""))
    }

    fn require_name(&self, what: &str) -> Result<(), Fault> {
        let shape = what.to_uppercase();
        let name = self.path.strip_suffix('/').unwrap_or(&self.path);
        if name.is_empty() {
            return Err(Fault::usage(
                format!("cannot read the target '{}'", self.alias),
                format!("the name of the {what} is missing"),
            )
            .advise(format!("Write {}/{shape} or {} {shape}.", self.alias, self.alias)));
        }
        if name.contains('/') || matches!(name, "." | "..") {
            return Err(Fault::usage(
                format!("cannot read the target '{self}'"),
                format!("'{name}' is not the name of a {what}, because of its / or dots"),
            )
            .advise(format!("Write ALIAS/{shape} or ALIAS {shape}.")));
        }
        Ok(())
    }

    /// The path as a name: without a trailing slash.
    pub(crate) fn name(&self) -> &str {
        self.path.strip_suffix('/').unwrap_or(&self.path)
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.alias)
        } else {
            write!(f, "{}/{}", self.alias, self.path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn target(alias: &str, path: &str) -> Target {
        Target { alias: alias.to_owned(), path: path.to_owned() }
    }

    #[test]
    fn one_word_and_separate_words_mean_the_same() {
        for text in
            ["local/b/tpch/orders", "local b tpch/orders", "local b tpch orders", "local b/ tpch/orders"]
        {
            assert_eq!(Target::parse(&words(text)), Ok(target("local", "b/tpch/orders")), "{text}");
        }
        assert_eq!(Target::parse(&words("local")), Ok(target("local", "")));
        assert_eq!(Target::parse(&words("local/")), Ok(target("local", "")));
    }

    #[test]
    fn the_rest_of_the_words_follows_the_name() {
        for text in ["local/test tpch t1 t2", "local test tpch t1 t2"] {
            let words = words(text);
            let (share, rest) = Target::parse_front(&words, "share").unwrap();
            assert_eq!(share, target("local", "test"));
            assert_eq!(rest, ["tpch", "t1", "t2"]);
        }
    }

    #[test]
    fn a_name_of_two_parts_is_no_share() {
        for text in ["local/a/b", "local", "local/", "/a", "local a b", "local/.."] {
            let fault = Target::parse_name(&words(text), "share").unwrap_err();
            assert_eq!(fault.exit, crate::cli::fault::Exit::Usage, "{text}: {fault}");
            assert!(!fault.advice.is_empty(), "{text}");
        }
    }

    #[test]
    fn bucket_and_key_are_told_apart_at_the_first_slash() {
        assert_eq!(target("a", "b/c/d").bucket_and_key(), ("b", "c/d"));
        assert_eq!(target("a", "b").bucket_and_key(), ("b", ""));
        assert_eq!(target("a", "b/").bucket_and_key(), ("b", ""));
    }
}
