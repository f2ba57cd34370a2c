//! The JSON of the admin API.

use std::collections::BTreeMap;

use http::HeaderValue;
use serde::{Deserialize, Deserializer, Serialize};

use crate::auth::profile::Profile;
use crate::clock;
use crate::state::change::{Edit, GrantedToken};
use crate::state::record::{PartitionFilter, Schema, Share, Table, TableOptions, TableSource};

/// Content type of every answer.
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A share to be made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateShare {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) properties: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) schemas: Vec<SchemaSpec>,
}

/// All schemas of a share, replaced at once (the older API's PUT).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReplaceShare {
    #[serde(default, deserialize_with = "edit")]
    pub(super) description: Edit,
    #[serde(default)]
    pub(super) schemas: Option<Vec<SchemaSpec>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemaSpec {
    pub(super) name: String,
    pub(super) tables: Vec<TableSpec>,
}

/// The levels of a namespace: a list, or one text with dots between them.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a list of names, or names with dots between them")]
pub(super) enum Levels {
    List(Vec<String>),
    Text(String),
}

/// A table as asked for. The fields of all source types are known so that foreign ones can be named.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TableSpec {
    pub(super) name: String,
    pub(super) source_type: String,
    #[serde(default)]
    pub(super) bucket: Option<String>,
    #[serde(default)]
    pub(super) location: Option<String>,
    #[serde(default)]
    pub(super) warehouse: Option<String>,
    #[serde(default)]
    pub(super) namespace: Option<Levels>,
    #[serde(default)]
    pub(super) table: Option<String>,
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<String>,
    #[serde(default)]
    pub(super) history: bool,
    #[serde(default)]
    pub(super) start_version: Option<i64>,
    #[serde(default)]
    pub(super) partition_filter: PartitionFilter,
    #[serde(default)]
    pub(super) directory_access: bool,
    #[serde(default)]
    pub(super) allowed_locations: Vec<String>,
}

/// Changes to a share, all or none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchShare {
    /// Absent leaves it; null and "" clear it.
    #[serde(default, deserialize_with = "edit")]
    pub(super) description: Edit,
    /// All properties at once; absent leaves them.
    #[serde(default)]
    pub(super) properties: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(super) add: Vec<Addition>,
    #[serde(default)]
    pub(super) remove: Vec<Removal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Addition {
    pub(super) schema: String,
    pub(super) table: TableSpec,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Removal {
    pub(super) schema: String,
    pub(super) name: String,
}

/// A token to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct CreateToken {
    #[serde(default)]
    pub(super) description: Option<String>,
    /// RFC 3339; absent means that the token never expires.
    #[serde(default)]
    pub(super) expires_at: Option<String>,
    #[serde(default)]
    pub(super) additional_shares: Vec<String>,
}

/// A field that is there sets the text, or clears it when it is null or empty.
fn edit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Edit, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    Ok(text.map_or(Edit::Clear, Edit::Set))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference to the field")]
fn is_empty(map: &&BTreeMap<String, String>) -> bool {
    map.is_empty()
}

#[derive(Serialize)]
pub(super) struct ShareAnswer<'a> {
    pub(super) share: ShareView<'a>,
}

#[derive(Serialize)]
pub(super) struct SharesAnswer<'a> {
    pub(super) shares: Vec<ShareView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShareView<'a> {
    id: uuid::Uuid,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "is_empty")]
    properties: &'a BTreeMap<String, String>,
    schemas: Vec<SchemaView<'a>>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct SchemaView<'a> {
    name: &'a str,
    tables: Vec<TableView<'a>>,
}

/// Has the fields that a request takes and no others, so that an answer can be sent back.
#[derive(Serialize)]
struct TableView<'a> {
    name: &'a str,
    #[serde(flatten)]
    source: &'a TableSource,
    #[serde(flatten)]
    options: &'a TableOptions,
}

impl<'a> From<&'a Share> for ShareView<'a> {
    fn from(share: &'a Share) -> Self {
        Self {
            id: share.id,
            name: &share.name,
            description: share.description.as_deref(),
            properties: &share.properties,
            schemas: share.schemas.iter().map(SchemaView::from).collect(),
            created_at: clock::rfc3339(share.created_ms),
            updated_at: clock::rfc3339(share.updated_ms),
        }
    }
}

impl<'a> From<&'a Schema> for SchemaView<'a> {
    fn from(schema: &'a Schema) -> Self {
        Self { name: &schema.name, tables: schema.tables.iter().map(TableView::from).collect() }
    }
}

impl<'a> From<&'a Table> for TableView<'a> {
    fn from(table: &'a Table) -> Self {
        Self { name: &table.name, source: &table.source, options: &table.options }
    }
}

/// A token right after it was made: the only answer that holds its text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenAnswer {
    token_id: uuid::Uuid,
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    shares: Vec<String>,
    profile: Profile,
}

impl TokenAnswer {
    pub(super) fn new(granted: GrantedToken, text: &str, profile: Profile) -> Self {
        Self {
            token_id: granted.token.id,
            token: text.to_owned(),
            description: granted.token.description,
            created_at: clock::rfc3339(granted.token.created_ms),
            expires_at: granted.token.expires_ms.map(clock::rfc3339),
            shares: granted.share_names,
            profile,
        }
    }
}

#[derive(Serialize)]
pub(super) struct TokensAnswer {
    pub(super) tokens: Vec<TokenView>,
}

/// A token as listed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenView {
    token_id: uuid::Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    shares: Vec<String>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl From<GrantedToken> for TokenView {
    fn from(granted: GrantedToken) -> Self {
        Self {
            token_id: granted.token.id,
            description: granted.token.description,
            shares: granted.share_names,
            created_at: clock::rfc3339(granted.token.created_ms),
            expires_at: granted.token.expires_ms.map(clock::rfc3339),
        }
    }
}

/// What the server says of itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InfoAnswer<'a> {
    pub(super) version: &'a str,
    pub(super) server_id: uuid::Uuid,
    pub(super) public_url: &'a str,
    pub(super) region: &'a str,
    pub(super) io_mode: &'a str,
    pub(super) uptime_seconds: i64,
    pub(super) share_count: usize,
    pub(super) token_count: usize,
}
