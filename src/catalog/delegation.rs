//! How an engine reaches the objects of one table.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::Serialize;

use super::context::Context;
use super::location::Place;
use crate::auth::session::{Grant, Reach};
use crate::limits;
use crate::state::catalog::{EntryName, join_levels};

/// What a client asks for (REST specification, `X-Iceberg-Access-Delegation`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    credentials: bool,
    signing: bool,
}

impl Wanted {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut wanted = Self::default();
        for value in headers.get_all("x-iceberg-access-delegation") {
            for word in value.to_str().unwrap_or_default().split(',') {
                match word.trim() {
                    "vended-credentials" => wanted.credentials = true,
                    "remote-signing" => wanted.signing = true,
                    _ => {}
                }
            }
        }
        wanted
    }
}

/// What is told beside the metadata of a table.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Delegation {
    config: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    storage_credentials: Vec<StorageCredential>,
}

/// Credentials for what lies below a prefix (REST specification, `StorageCredential`).
#[derive(Debug, Serialize)]
pub(super) struct StorageCredential {
    prefix: String,
    config: BTreeMap<&'static str, String>,
}

/// The table that something is delegated for.
pub(super) struct Table<'a> {
    pub(super) warehouse: &'a str,
    pub(super) name: &'a EntryName,
    pub(super) place: &'a Place,
}

/// How a client reaches the objects of a warehouse, in the words of both the Java and the Python client.
pub(super) fn access_properties(context: &Context) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("s3.endpoint", context.public_url.clone()),
        ("s3.path-style-access", "true".into()),
        ("s3.region", context.region.clone()),
        ("client.region", context.region.clone()),
    ])
}

/// What `wanted` comes to for a table. Credentials come first: they save a question for each object.
pub(super) fn delegate(context: &Context, wanted: Wanted, table: &Table<'_>) -> Delegation {
    let mut config = access_properties(context);
    let mut storage_credentials = Vec::new();
    if wanted.credentials {
        let credential = credential_of(context, table.place);
        // Clients that know no list of credentials look here.
        config.extend(credential.config.iter().map(|(key, value)| (*key, value.clone())));
        config.insert("client.refresh-credentials-endpoint", path_of(table, "credentials"));
        storage_credentials.push(credential);
    } else if wanted.signing {
        let uri = format!("{}/_iceberg", context.public_url);
        let endpoint = path_of(table, "sign");
        config.insert("s3.remote-signing-enabled", "true".into());
        for (uri_key, endpoint_key) in
            [("s3.signer.uri", "s3.signer.endpoint"), ("signer.uri", "signer.endpoint")]
        {
            config.insert(uri_key, uri.clone());
            config.insert(endpoint_key, endpoint.clone());
        }
    }
    Delegation { config, storage_credentials }
}

/// `storage-credentials` of a scan, where the client wants them.
pub(super) fn credentials_json(context: &Context, wanted: Wanted, place: &Place) -> Option<String> {
    wanted.credentials.then(|| serde_json::to_string(&[credential_of(context, place)]).unwrap_or_default())
}

/// A session that may read and write what lies below the table's location, and nothing else.
pub(super) fn credential_of(context: &Context, place: &Place) -> StorageCredential {
    let expires_ms = context.clock.now_ms().saturating_add(limits::catalog::VENDED_CREDENTIAL_MS);
    let Place { bucket, key } = place.clone();
    let prefix = format!("s3://{bucket}/{key}");
    let grant = Grant { bucket, directory: key, reach: Reach::Write, expires_ms };
    let session = context.sessions.issue(&grant);
    let mut config = access_properties(context);
    config.insert("s3.access-key-id", session.access_key);
    config.insert("s3.secret-access-key", session.secret_key);
    config.insert("s3.session-token", session.session_token);
    config.insert("s3.session-token-expires-at-ms", expires_ms.to_string());
    StorageCredential { prefix, config }
}

/// A call on the table, below the catalog's address.
fn path_of(table: &Table<'_>, call: &str) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let Table { warehouse, name, .. } = table;
    let namespace = encode(&join_levels(&name.namespace));
    format!("v1/{warehouse}/namespaces/{namespace}/tables/{}/{call}", encode(&name.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_name_both_ways() {
        let headers = |value: &str| {
            [(http::HeaderName::from_static("x-iceberg-access-delegation"), value.parse().unwrap())]
                .into_iter()
                .collect::<HeaderMap>()
        };
        let wanted = Wanted::of(&headers("vended-credentials, remote-signing"));
        assert!(wanted.credentials && wanted.signing);
        assert_eq!(Wanted::of(&headers("other")), Wanted::default());
        assert_eq!(Wanted::of(&HeaderMap::new()), Wanted::default());
    }

    #[test]
    fn a_call_is_spelt_as_clients_spell_paths() {
        let place = Place { bucket: "lake".into(), key: "t".into() };
        let name = EntryName { namespace: vec!["a".into(), "b c".into()], name: "t/1".into() };
        let table = Table { warehouse: "lake-1", name: &name, place: &place };
        assert_eq!(path_of(&table, "sign"), "v1/lake-1/namespaces/a%1Fb%20c/tables/t%2F1/sign");
    }
}
