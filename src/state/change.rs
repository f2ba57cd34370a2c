//! What can be asked to change, and what comes back.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::record::{Share, TableOptions, TableSource, Token};

/// A table that is to join a share under `schema`, which is made when it is the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTable {
    pub schema: String,
    pub name: String,
    pub source: TableSource,
    pub options: TableOptions,
}

/// A share that is to exist from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewShare {
    pub name: String,
    pub description: Option<String>,
    pub properties: BTreeMap<String, String>,
    pub tables: Vec<NewTable>,
}

/// A table of a known share, names in any case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    pub schema: String,
    pub table: String,
}

/// What becomes of a text that may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Edit {
    #[default]
    Keep,
    Clear,
    Set(String),
}

/// Changes to one share that happen together or not at all: first `remove`, then `add`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharePatch {
    pub description: Edit,
    /// All properties at once; `None` keeps them.
    pub properties: Option<BTreeMap<String, String>>,
    pub add: Vec<NewTable>,
    pub remove: Vec<TableName>,
}

impl SharePatch {
    pub fn is_empty(&self) -> bool {
        let Self { description, properties, add, remove } = self;
        *description == Edit::Keep && properties.is_none() && add.is_empty() && remove.is_empty()
    }
}

/// One state of one share: a change happens only if the share still is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareStamp {
    pub id: Uuid,
    pub updated_ms: i64,
}

impl ShareStamp {
    pub fn of(share: &Share) -> Self {
        Self { id: share.id, updated_ms: share.updated_ms }
    }
}

/// A token that is to open `shares` from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// SHA-256 of the token's text.
    pub digest: [u8; 32],
    /// Names in any case; at least one, at most `limits::TOKEN_SHARES_MAX`.
    pub shares: Vec<String>,
    pub description: Option<String>,
    pub expires_ms: Option<i64>,
}

/// A token and the names of the shares that it opens, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedToken {
    pub token: Token,
    pub share_names: Vec<String>,
}
