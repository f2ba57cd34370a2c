//! What a client says of the rows it wants.

/// The hints of one query; rows that do not fulfil all of them are not wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hints {
    /// `jsonPredicateHints`, as text.
    pub json: Option<String>,
    /// `predicateHints`.
    pub sql: Vec<String>,
}

impl Hints {
    pub fn is_empty(&self) -> bool {
        self.json.is_none() && self.sql.is_empty()
    }
}
