//! Credentials for one table, and requests signed in its name.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::{Deserialize, Serialize};

use super::context::{Context, Payload};
use super::delegation::{self, StorageCredential};
use super::entries;
use super::error::Error;
use super::location::Place;
use super::path::InEntry;
use super::wire::json;
use crate::auth::session::{Grant, Reach};
use crate::limits;
use crate::sigv4::credential::Credential;
use crate::sigv4::sign::{Payload as SignedPayload, sign_headers};
use crate::sigv4::signing_key::Scope;
use crate::state;
use crate::state::catalog::EntryKind;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct CredentialsAnswer {
    storage_credentials: Vec<StorageCredential>,
}

/// A request to the store that its sender cannot sign (REST specification, `RemoteSignRequest`).
#[derive(Deserialize)]
pub(super) struct SignRequest {
    region: String,
    uri: String,
    method: String,
    headers: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize)]
struct SignAnswer {
    uri: String,
    headers: BTreeMap<String, Vec<String>>,
}

/// The place of a table's files.
async fn place_of(context: &Context, InEntry { warehouse, name }: &InEntry) -> Result<Place, Error> {
    let entry = entries::require(context, warehouse, EntryKind::Table, name).await?;
    let loaded = context.tables.load(&entry.metadata_location).await?;
    Place::inside(warehouse, "location", loaded.metadata.location())
}

/// `GET /v1/{prefix}/namespaces/{namespace}/tables/{table}/credentials`.
pub(super) async fn get(State(context): State<Context>, table: InEntry) -> Result<Response, Error> {
    let place = place_of(&context, &table).await?;
    let storage_credentials = vec![delegation::credential_of(&context, &place)];
    Ok(json(StatusCode::OK, &CredentialsAnswer { storage_credentials }))
}

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/sign`.
///
/// What is signed carries a session for the table's directory: the S3 door lets it do no more, whatever the request
/// asks for.
pub(super) async fn sign(
    State(context): State<Context>,
    table: InEntry,
    Payload { value: request, .. }: Payload<SignRequest>,
) -> Result<Response, Error> {
    let place = match place_of(&context, &table).await {
        Err(Error::State(state::Error::EntryNotFound { kind, name })) => {
            let now_ms = context.clock.now_ms();
            let lain = context.dropped.place(&table.warehouse, &name, now_ms);
            lain.ok_or(state::Error::EntryNotFound { kind, name })?
        }
        found => found?,
    };
    let uri: Uri = request.uri.parse().map_err(|_| Error::field("uri", "it is not a URI"))?;
    let ours: Uri = context.public_url.parse().map_err(|_| Error::field("uri", "it cannot be compared"))?;
    if uri.authority() != ours.authority() {
        return Err(Error::field("uri", format!("only requests to {} are signed", context.public_url)));
    }
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| Error::field("method", "it is not a method of HTTP"))?;
    let mut builder = http::Request::builder().method(method).uri(uri);
    for (name, values) in &request.headers {
        for value in values {
            builder = builder.header(name, value);
        }
    }
    let (mut parts, ()) =
        builder.body(()).map_err(|_| Error::field("headers", "one of them cannot be sent"))?.into_parts();
    let expires_ms = context.clock.now_ms().saturating_add(limits::catalog::VENDED_CREDENTIAL_MS);
    let grant = Grant { bucket: place.bucket, directory: place.key, reach: Reach::Write, expires_ms };
    let session = context.sessions.issue(&grant);
    let token = HeaderValue::from_str(&session.session_token)
        .map_err(|_| Error::field("headers", "the session cannot be sent"))?;
    parts.headers.insert(HeaderName::from_static("x-amz-security-token"), token);
    let credential = Credential { access_key: session.access_key, secret_key: session.secret_key };
    let scope = Scope { region: &request.region, service: "s3" };
    sign_headers(&mut parts, SignedPayload::Unsigned, &scope, &credential, context.clock.now_ms())?;
    let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &parts.headers {
        let value = value.to_str().unwrap_or_default().to_owned();
        headers.entry(name.as_str().to_owned()).or_default().push(value);
    }
    Ok(json(StatusCode::OK, &SignAnswer { uri: request.uri, headers }))
}
