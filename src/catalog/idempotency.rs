//! Requests that are carried out once, however often they are sent.
//!
//! Source: REST specification, `Idempotency-Key`. The answer of a change is kept in the transaction of the change, under
//! the key of its client, and bound to caller, operation and body. So a repeated request finds it, also after a restart; of
//! two that race one changes something and the other is told what the first was told.

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::answers;
use super::caller::Caller;
use super::context::Context;
use super::delegation::Wanted;
use super::error::{Error, ErrorModel, refusal};
use super::wire::{json, no_content};
use crate::limits;
use crate::state;
use crate::state::catalog::{EntryName, KeptAnswer};

/// The key of a request, if its client sent one, and what it is bound to besides the body.
pub(super) struct KeyHeader {
    key: Option<Uuid>,
    operation: Sha256,
    wanted: Wanted,
}

impl<S: Send + Sync> FromRequestParts<S> for KeyHeader {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Error> {
        let key = match parts.headers.get("idempotency-key") {
            None => None,
            Some(value) => Some(
                value
                    .to_str()
                    .ok()
                    .filter(|text| text.len() == 36)
                    .and_then(|text| Uuid::parse_str(text).ok())
                    .ok_or_else(|| Error::field("Idempotency-Key", "it has to be a UUID of 36 characters"))?,
            ),
        };
        let caller = parts.extensions.get::<Caller>().map_or("", |caller| caller.0.as_str());
        let mut operation = Sha256::new();
        for field in [caller, parts.method.as_str(), &parts.uri.to_string()] {
            operation.update((field.len() as u64).to_le_bytes());
            operation.update(field);
        }
        Ok(Self { key, operation, wanted: Wanted::of(&parts.headers) })
    }
}

/// One request, told apart from all others by key and digest; without a key it is carried out whenever it is sent.
pub(super) struct Once {
    bound: Option<Bound>,
}

struct Bound {
    key: Uuid,
    digest: [u8; 32],
    expires_ms: i64,
    wanted: Wanted,
}

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Empty,
    Json(serde_json::Value),
    /// A table or view, told from its metadata file.
    Entry {
        kind: Kind,
        warehouse: String,
        namespace: Vec<String>,
        name: String,
        location: String,
    },
    Refused(ErrorModel),
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Table,
    View,
}

impl Answer {
    pub(super) fn json(body: &impl Serialize) -> Self {
        Self::Json(serde_json::to_value(body).unwrap_or_default())
    }

    pub(super) fn table(warehouse: &str, name: &EntryName, location: String) -> Self {
        Self::entry(Kind::Table, warehouse, name.clone(), location)
    }

    pub(super) fn view(warehouse: &str, name: &EntryName, location: String) -> Self {
        Self::entry(Kind::View, warehouse, name.clone(), location)
    }

    fn entry(kind: Kind, warehouse: &str, name: EntryName, location: String) -> Self {
        let EntryName { namespace, name } = name;
        Self::Entry { kind, warehouse: warehouse.to_owned(), namespace, name, location }
    }

    async fn repeat(self, context: &Context, wanted: Wanted) -> Result<Response, Error> {
        match self {
            Self::Empty => Ok(no_content()),
            Self::Json(body) => Ok(json(StatusCode::OK, &body)),
            Self::Entry { kind: Kind::Table, warehouse, namespace, name, location } => {
                let loaded = context.tables.load(&location).await?;
                Ok(answers::of_table(context, wanted, (&warehouse, &EntryName { namespace, name }), &loaded))
            }
            Self::Entry { kind: Kind::View, location, .. } => {
                Ok(answers::of_view(context.views.load(&location).await?.as_ref()))
            }
            Self::Refused(model) => Ok(refusal(model)),
        }
    }
}

impl KeyHeader {
    pub(super) fn once(self, context: &Context, body: &[u8]) -> Once {
        let expires_ms = context.clock.now_ms().saturating_add(limits::catalog::IDEMPOTENCY_MS);
        let bound = self.key.map(|key| {
            let digest = self.operation.chain_update(body).finalize().into();
            Bound { key, digest, expires_ms, wanted: self.wanted }
        });
        Once { bound }
    }
}

impl Once {
    /// What the transaction of a change has to keep, if this request has a key.
    pub(super) fn keep(&self, answer: &Answer) -> Option<KeptAnswer> {
        self.bound.as_ref().map(|bound| bound.keep(answer))
    }

    /// Carries out `action`, unless its answer is known. The action hands what it is going to answer to the transaction
    /// of its change, see [`Once::keep`].
    ///
    /// # Errors
    /// Those of `action`, and [`Error::Unprocessable`] for a key that belongs to another request.
    pub(super) async fn run(
        &self,
        context: &Context,
        action: impl Future<Output = Result<Response, Error>> + Send,
    ) -> Result<Response, Error> {
        let Some(bound) = &self.bound else { return action.await };
        if let Some(kept) = context.store.find_answer(bound.key).await? {
            return bound.repeat(context, &kept).await;
        }
        match action.await {
            Ok(response) => Ok(response),
            Err(Error::State(state::Error::KeyUsed { .. })) => {
                let kept = context.store.find_answer(bound.key).await?;
                match kept {
                    Some(kept) => bound.repeat(context, &kept).await,
                    None => Err(Error::Busy),
                }
            }
            Err(error) => {
                if error.is_final() {
                    let refused = bound.keep(&Answer::Refused(error.model()));
                    if let Err(failure) = context.store.keep_answer(refused).await {
                        tracing::warn!(%failure, "a refusal was not kept under its idempotency key");
                    }
                }
                Err(error)
            }
        }
    }
}

impl Bound {
    fn keep(&self, answer: &Answer) -> KeptAnswer {
        let answer = serde_json::to_vec(answer).unwrap_or_default();
        KeptAnswer { key: self.key, digest: self.digest, answer, expires_ms: self.expires_ms }
    }

    async fn repeat(&self, context: &Context, kept: &KeptAnswer) -> Result<Response, Error> {
        if kept.digest != self.digest {
            let reason = "the Idempotency-Key was used for another request; make a new one".to_owned();
            return Err(Error::Unprocessable { reason });
        }
        let answer: Answer = serde_json::from_slice(&kept.answer)
            .map_err(|_| state::Error::Stored { field: "an answer", value: kept.key.to_string() })?;
        answer.repeat(context, self.wanted).await
    }
}
