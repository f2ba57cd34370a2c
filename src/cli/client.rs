//! The admin API: shares and tokens of one server.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::peer::{Answer, Peer, encoded, json_of};
use super::table_spec::{Addition, Removal, TableSpec};

/// A share as the server tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShareInfo {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    pub created_at: String,
    pub updated_at: String,
    #[serde(default)]
    pub schemas: Vec<SchemaInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SchemaInfo {
    pub name: String,
    #[serde(default)]
    pub tables: Vec<TableInfo>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TableInfo {
    pub name: String,
    pub source_type: String,
    /// What else the server says of the table: where it lies, and its options.
    #[serde(flatten)]
    pub details: BTreeMap<String, serde_json::Value>,
}

/// A token right after it was made; the only time that its text is seen.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewToken {
    pub token_id: String,
    pub token: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub created_at: Option<String>,
    #[serde(default)]
    pub expires_at: Option<String>,
    #[serde(default)]
    pub shares: Vec<String>,
    /// What a Delta Sharing client opens, ready to be written to a file.
    pub profile: serde_json::Value,
}

/// A token as listed, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenInfo {
    pub token_id: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub shares: Vec<String>,
    pub created_at: String,
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// A share to be made.
#[derive(Debug, Serialize)]
pub(crate) struct NewShare {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    pub schemas: Vec<NewSchema>,
}

#[derive(Debug, Serialize)]
pub(crate) struct NewSchema {
    pub name: String,
    pub tables: Vec<TableSpec>,
}

/// Changes to a share, all or none.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SharePatch {
    /// An empty text clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// All properties at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<Addition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Removal>,
}

/// A token to be made.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TokenRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_shares: Vec<String>,
}

#[derive(Deserialize)]
struct ShareAnswer {
    share: ShareInfo,
}

#[derive(Deserialize)]
struct SharesAnswer {
    shares: Vec<ShareInfo>,
}

#[derive(Deserialize)]
struct TokensAnswer {
    tokens: Vec<TokenInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorAnswer {
    error_code: String,
    message: String,
}

/// The admin door of one server.
pub(crate) struct Client {
    peer: Peer,
}

impl Client {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer }
    }

    pub(crate) async fn create_share(&self, share: &NewShare) -> Result<ShareInfo, Fault> {
        let what = format!("cannot create the share '{}'", share.name);
        let answer: ShareAnswer = self.ask(&what, Method::POST, "/shares", Some(share)).await?;
        Ok(answer.share)
    }

    pub(crate) async fn list_shares(&self) -> Result<Vec<ShareInfo>, Fault> {
        let what = format!("cannot list the shares of '{}'", self.peer.name);
        let answer: SharesAnswer = self.ask(&what, Method::GET, "/shares", None::<&()>).await?;
        Ok(answer.shares)
    }

    pub(crate) async fn get_share(&self, name: &str) -> Result<ShareInfo, Fault> {
        let what = format!("cannot show the share '{name}'");
        let answer: ShareAnswer = self.ask(&what, Method::GET, &share_path(name), None::<&()>).await?;
        Ok(answer.share)
    }

    pub(crate) async fn update_share(&self, name: &str, patch: &SharePatch) -> Result<ShareInfo, Fault> {
        let what = format!("cannot update the share '{name}'");
        let answer: ShareAnswer = self.ask(&what, Method::PATCH, &share_path(name), Some(patch)).await?;
        Ok(answer.share)
    }

    pub(crate) async fn remove_share(&self, name: &str) -> Result<(), Fault> {
        let what = format!("cannot remove the share '{name}'");
        self.send(&what, Method::DELETE, &share_path(name), None::<&()>).await.map(drop)
    }

    pub(crate) async fn create_token(&self, share: &str, request: &TokenRequest) -> Result<NewToken, Fault> {
        let what = format!("cannot create a token for the share '{share}'");
        self.ask(&what, Method::POST, &format!("{}/tokens", share_path(share)), Some(request)).await
    }

    pub(crate) async fn list_tokens(&self, share: &str) -> Result<Vec<TokenInfo>, Fault> {
        let what = format!("cannot list the tokens of the share '{share}'");
        let path = format!("{}/tokens", share_path(share));
        let answer: TokensAnswer = self.ask(&what, Method::GET, &path, None::<&()>).await?;
        Ok(answer.tokens)
    }

    pub(crate) async fn remove_token(&self, id: &str) -> Result<(), Fault> {
        let what = format!("cannot remove the token '{id}'");
        self.send(&what, Method::DELETE, &format!("/tokens/{}", encoded(id)), None::<&()>).await.map(drop)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Fault> {
        let answer = self.send(what, method, path, body).await?;
        self.peer.parsed(what, &answer)
    }

    async fn send(
        &self,
        what: &str,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Answer, Fault> {
        let body = json_of(what, body)?;
        let answer = self.peer.send(what, method, &format!("/_admin/v1{path}"), body).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(self.refusal(what, &answer)) }
    }

    fn refusal(&self, what: &str, answer: &Answer) -> Fault {
        let Ok(error) = serde_json::from_slice::<ErrorAnswer>(&answer.body) else {
            return self.peer.stranger(what, &format!("status {}", answer.status));
        };
        let message = without_field(error.message.trim_end_matches('.'));
        let advice = match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.peer.credential_advice(&answer.headers),
            _ => self.advice(&error.error_code),
        };
        Fault::refused(what, message).coded(error.error_code).advise(advice)
    }

    /// What to do about each of the admin API's error codes.
    fn advice(&self, code: &str) -> String {
        let alias = &self.peer.name;
        match code {
            "SHARE_NOT_FOUND" => format!("`lakeshare share list {alias}` shows the shares."),
            "TABLE_NOT_FOUND" => format!("`lakeshare share info {alias}/SHARE` shows the tables of a share."),
            "TOKEN_NOT_FOUND" => {
                format!("`lakeshare share token list {alias}/SHARE` shows the tokens of a share.")
            }
            "SHARE_ALREADY_EXISTS" => {
                "Change it with `lakeshare share update`, or choose another name.".to_owned()
            }
            "TABLE_ALREADY_EXISTS" => {
                "Choose another name, or remove the table from the share first.".to_owned()
            }
            "TABLE_DATA_NOT_FOUND" => format!(
                "`lakeshare ls {alias}/BUCKET/PATH` shows what lies there, `lakeshare table show \
                 {alias}/WAREHOUSE/NAMESPACE/TABLE` a table of the catalog with its branches and tags."
            ),
            "UNSUPPORTED_OPERATION" => "A table without that feature can be shared.".to_owned(),
            "INVALID_PARAMETER_VALUE" => "`lakeshare share --help` leads to the forms.".to_owned(),
            "PRECONDITION_FAILED" | "CONFLICT" => "Look at the share as it is now, and try again.".to_owned(),
            "TOO_MANY_REQUESTS" | "TEMPORARILY_UNAVAILABLE" => "Try again in a moment.".to_owned(),
            "STATE_CORRUPT" | "INTERNAL_ERROR" => "The server's log says more.".to_owned(),
            _ => String::new(),
        }
    }
}

/// A message without the place in the request's body, which nobody typed: `add[0]: …` and `add[0].location: …`.
fn without_field(message: &str) -> String {
    match message.split_once(": ") {
        Some((field, rest)) if field.contains('[') && !field.contains(' ') => match field.rsplit_once("].") {
            Some((_, name)) if !name.ends_with(']') => format!("the {name} {rest}"),
            _ => rest.to_owned(),
        },
        _ => message.to_owned(),
    }
}

fn share_path(name: &str) -> String {
    format!("/shares/{}", encoded(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_the_body_are_not_shown() {
        assert_eq!(
            without_field("schemas[0].tables[1]: table t cannot be shared: no"),
            "table t cannot be shared: no"
        );
        assert_eq!(without_field("schemas[0].tables[1].location: has no end"), "the location has no end");
        assert_eq!(without_field("the share 'a[b]' exists: no"), "the share 'a[b]' exists: no");
    }

    #[test]
    fn names_are_one_segment_of_a_path() {
        assert_eq!(share_path("a/b c"), "/shares/a%2Fb%20c");
    }
}
