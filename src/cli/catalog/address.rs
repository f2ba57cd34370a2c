//! Places in the catalog as typed: `ALIAS/WAREHOUSE/NAMESPACE/TABLE`, one word or several.

use std::fmt;

use crate::cli::fault::Fault;

/// A warehouse of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warehouse {
    pub alias: String,
    pub name: String,
}

/// A namespace of a warehouse; `sales.eu` has two levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namespace {
    pub warehouse: Warehouse,
    pub levels: Vec<String>,
}

/// A table, or the name of one to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub namespace: Namespace,
    pub name: String,
}

/// A server, one of its warehouses, or one of the warehouse's namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    pub alias: String,
    pub warehouse: Option<String>,
    pub levels: Vec<String>,
}

const TABLE_FORM: &str = "ALIAS/WAREHOUSE/NAMESPACE/TABLE";
const NAMESPACE_FORM: &str = "ALIAS/WAREHOUSE/NAMESPACE";
const WAREHOUSE_FORM: &str = "ALIAS/WAREHOUSE";

impl Warehouse {
    pub(crate) fn parse(words: &[String]) -> Result<Self, Fault> {
        match split(words)?.as_slice() {
            [alias, name] => Ok(Self { alias: alias.clone(), name: plain(name)? }),
            parts => Err(wrong_count(words, parts, 2, WAREHOUSE_FORM)),
        }
    }
}

impl Namespace {
    pub(crate) fn parse(words: &[String]) -> Result<Self, Fault> {
        match split(words)?.as_slice() {
            [alias, warehouse, levels] => Self::of(alias, warehouse, levels),
            parts => Err(wrong_count(words, parts, 3, NAMESPACE_FORM)),
        }
    }

    /// A warehouse, or a namespace of it: no levels are the warehouse itself.
    pub(crate) fn parse_or_warehouse(words: &[String]) -> Result<Self, Fault> {
        match split(words)?.as_slice() {
            [alias, warehouse, levels] => Self::of(alias, warehouse, levels),
            [alias, name] => {
                let warehouse = Warehouse { alias: alias.clone(), name: plain(name)? };
                Ok(Self { warehouse, levels: Vec::new() })
            }
            parts => Err(wrong_count(words, parts, 2, "ALIAS/WAREHOUSE[/NAMESPACE]")),
        }
    }

    fn of(alias: &str, warehouse: &str, levels: &str) -> Result<Self, Fault> {
        let warehouse = Warehouse { alias: alias.to_owned(), name: plain(warehouse)? };
        Ok(Self { warehouse, levels: parse_levels(levels)? })
    }

    /// The namespace's own name: `sales.eu`.
    pub(crate) fn name(&self) -> String {
        show_levels(&self.levels)
    }
}

impl Table {
    pub(crate) fn parse(words: &[String]) -> Result<Self, Fault> {
        match split(words)?.as_slice() {
            [alias, warehouse, levels, name] => {
                Ok(Self { namespace: Namespace::of(alias, warehouse, levels)?, name: plain(name)? })
            }
            parts => Err(wrong_count(words, parts, 4, TABLE_FORM)),
        }
    }

    /// A table and its new name: a name alone stays in the namespace, `NAMESPACE/NAME` leaves it.
    pub(crate) fn parse_rename(words: &[String]) -> Result<(Self, Self), Fault> {
        let parts = split(words)?;
        let from = Self::parse(parts.get(..4).unwrap_or(&parts))?;
        let to = match parts.get(4..).unwrap_or_default() {
            [name] => Self { namespace: from.namespace.clone(), name: plain(name)? },
            [levels, name] => {
                let warehouse = from.namespace.warehouse.clone();
                Self { namespace: Namespace { warehouse, levels: parse_levels(levels)? }, name: plain(name)? }
            }
            rest => {
                let why = if rest.is_empty() {
                    "its new name is missing"
                } else {
                    "the new name has too many parts"
                };
                return Err(Fault::usage(format!("cannot rename '{from}'"), why)
                    .advise(format!("Write {TABLE_FORM} NAME, or NAMESPACE/NAME for another namespace.")));
            }
        };
        Ok((from, to))
    }

    /// The table as engines call it in its warehouse: `sales.eu.orders`.
    pub(crate) fn dotted(&self) -> String {
        format!("{}.{}", self.namespace.name(), self.name)
    }
}

impl Root {
    pub(crate) fn parse(words: &[String]) -> Result<Self, Fault> {
        match split(words)?.as_slice() {
            [alias] => Ok(Self { alias: alias.clone(), warehouse: None, levels: Vec::new() }),
            parts if parts.len() > 3 => Err(wrong_count(words, parts, 3, "ALIAS[/WAREHOUSE[/NAMESPACE]]")),
            _ => {
                let Namespace { warehouse, levels } = Namespace::parse_or_warehouse(words)?;
                Ok(Self { alias: warehouse.alias, warehouse: Some(warehouse.name), levels })
            }
        }
    }
}

impl fmt::Display for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.alias, self.name)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.levels.is_empty() {
            return self.warehouse.fmt(f);
        }
        write!(f, "{}/{}", self.warehouse, self.name())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.alias)?;
        if let Some(warehouse) = &self.warehouse {
            write!(f, "/{warehouse}")?;
        }
        if self.levels.is_empty() { Ok(()) } else { write!(f, "/{}", show_levels(&self.levels)) }
    }
}

/// The parts of a target, cut at every slash; no name holds one.
fn split(words: &[String]) -> Result<Vec<String>, Fault> {
    let joined = words.iter().map(|word| word.trim_end_matches('/')).collect::<Vec<_>>().join("/");
    let parts: Vec<String> = joined.split('/').map(str::to_owned).collect();
    if parts.iter().any(String::is_empty) {
        return Err(Fault::usage(cannot_read(words), "a part of it is empty")
            .advise("Write names with one / between them; `lakeshare alias list` shows the aliases."));
    }
    Ok(parts)
}

fn wrong_count(words: &[String], parts: &[String], wanted: usize, form: &str) -> Fault {
    let why = if parts.len() > wanted { "it has too many parts" } else { "a part of it is missing" };
    let forms =
        if form.contains('[') { form.to_owned() } else { format!("{form}, or {}", form.replace('/', " ")) };
    Fault::usage(cannot_read(words), why).advise(format!("Write {forms}."))
}

fn cannot_read(words: &[String]) -> String {
    format!("cannot read the target '{}'", words.join(" "))
}

/// A name that can stand in an address.
fn plain(name: &str) -> Result<String, Fault> {
    if matches!(name, "." | "..") {
        return Err(Fault::usage(
            format!("cannot read '{name}'"),
            "no warehouse, namespace or table has that name",
        ));
    }
    Ok(name.to_owned())
}

/// Reads `sales.eu`; a level between backquotes may hold dots, and two backquotes mean one.
pub(crate) fn parse_levels(text: &str) -> Result<Vec<String>, Fault> {
    let mut levels = vec![String::new()];
    let mut letters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '`' if is_quoted && letters.next_if_eq(&'`').is_some() => push(&mut levels, '`'),
            '`' => is_quoted = !is_quoted,
            '.' if !is_quoted => levels.push(String::new()),
            letter => push(&mut levels, letter),
        }
    }
    if is_quoted || levels.iter().any(String::is_empty) {
        let why = if is_quoted { "a backquote is missing" } else { "a level of it is empty" };
        return Err(Fault::usage(format!("cannot read the namespace '{text}'"), why)
            .advise("Write levels with one dot between them: sales.eu"));
    }
    if let [only] = levels.as_slice() {
        plain(only)?;
    }
    Ok(levels)
}

fn push(levels: &mut [String], letter: char) {
    if let Some(level) = levels.last_mut() {
        level.push(letter);
    }
}

/// Levels as they are typed: `sales.eu`.
pub(crate) fn show_levels(levels: &[String]) -> String {
    let show = |level: &String| {
        if level.contains(['.', '`']) { format!("`{}`", level.replace('`', "``")) } else { level.clone() }
    };
    levels.iter().map(show).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::fault::Exit;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn shown(text: &str) -> String {
        Table::parse(&words(text)).unwrap().to_string()
    }

    #[test]
    fn one_word_and_separate_words_mean_the_same() {
        for text in [
            "local/lake/sales.eu/t",
            "local lake sales.eu t",
            "local lake/sales.eu t",
            "local/lake/ sales.eu t",
        ] {
            assert_eq!(shown(text), "local/lake/sales.eu/t", "{text}");
        }
        assert_eq!(Table::parse(&words("local/lake/a.b/t")).unwrap().dotted(), "a.b.t");
        assert_eq!(Warehouse::parse(&words("local/lake/")).unwrap().to_string(), "local/lake");
    }

    #[test]
    fn roots_stop_where_the_words_do() {
        for text in ["local", "local/lake", "local/lake/a.b"] {
            assert_eq!(Root::parse(&words(text)).unwrap().to_string(), text);
        }
        assert_eq!(Namespace::parse_or_warehouse(&words("local lake")).unwrap().levels, Vec::<String>::new());
    }

    #[test]
    fn wrong_targets_show_the_right_form() {
        for text in [
            "local",
            "local/lake",
            "local/lake/ns",
            "local/lake/ns/t/u",
            "local//ns/t",
            "/lake/ns/t",
            "a b c ..",
        ] {
            let fault = Table::parse(&words(text)).unwrap_err();
            assert_eq!(fault.exit, Exit::Usage, "{text}: {fault}");
        }
        let fault = Warehouse::parse(&words("local lake sales")).unwrap_err();
        assert!(fault.advice.contains("ALIAS/WAREHOUSE, or ALIAS WAREHOUSE"), "{fault}");
        assert!(Root::parse(&words("local/lake/ns/t")).is_err());
    }

    #[test]
    fn new_names_may_leave_the_namespace() {
        for (text, to) in [
            ("local/lake/a.b/t u", "local/lake/a.b/u"),
            ("local lake a.b t u", "local/lake/a.b/u"),
            ("local/lake/a.b/t c/u", "local/lake/c/u"),
            ("local lake a.b t c u", "local/lake/c/u"),
        ] {
            let (from, renamed) = Table::parse_rename(&words(text)).unwrap();
            assert_eq!((from.to_string().as_str(), renamed.to_string().as_str()), ("local/lake/a.b/t", to));
        }
        for text in ["local/lake/a/t", "local/lake/a/t b/c/d", "local/lake/a"] {
            assert!(Table::parse_rename(&words(text)).unwrap_err().exit == Exit::Usage, "{text}");
        }
    }

    #[test]
    fn levels_with_dots_stand_between_backquotes() {
        for (text, levels) in [
            ("a", vec!["a"]),
            ("a.b.c", vec!["a", "b", "c"]),
            ("`a.b`.c", vec!["a.b", "c"]),
            ("a.`b``.c`", vec!["a", "b`.c"]),
        ] {
            assert_eq!(parse_levels(text).unwrap(), levels);
            assert_eq!(show_levels(&parse_levels(text).unwrap()), text);
        }
        for wrong in ["", ".", "a.", ".a", "a..b", "`a", "`..`"] {
            assert_eq!(parse_levels(wrong).unwrap_err().exit, Exit::Usage, "{wrong}");
        }
    }
}
