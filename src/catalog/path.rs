//! Names in paths: warehouse, namespace, table.

use axum::extract::{FromRequestParts, Path};
use http::Uri;
use http::request::Parts;
use http::uri::PathAndQuery;

use super::error::Error;
use crate::state::catalog::{EntryName, split_levels};

/// The same URI with `%20` for each `+` of its path. Iceberg's Java client encodes names in paths as forms do, where `+` is a
/// blank and `%2B` a plus sign (`RESTUtil.encodeString`); the other clients encode both.
pub(super) fn without_plus(uri: Uri) -> Uri {
    if !uri.path().contains('+') {
        return uri;
    }
    let mut text = uri.path().replace('+', "%20");
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(text).ok();
    Uri::from_parts(parts).unwrap_or(uri)
}

/// The levels of a namespace as a path or a query spells it.
///
/// # Errors
/// [`Error::Field`] for an empty namespace or an empty level.
pub(super) fn levels_of(text: &str) -> Result<Vec<String>, Error> {
    let levels = split_levels(text);
    if levels.is_empty() || levels.iter().any(String::is_empty) {
        return Err(Error::field("namespace", "a level of it is empty; levels are joined by %1F"));
    }
    Ok(levels)
}

/// `/{prefix}`.
pub(super) struct InWarehouse {
    pub(super) warehouse: String,
}

/// `/{prefix}/namespaces/{namespace}`.
pub(super) struct InNamespace {
    pub(super) warehouse: String,
    pub(super) levels: Vec<String>,
}

/// `/{prefix}/namespaces/{namespace}/tables/{table}`, and the same of views.
pub(super) struct InEntry {
    pub(super) warehouse: String,
    pub(super) name: EntryName,
}

async fn names<T, S>(parts: &mut Parts, state: &S) -> Result<T, Error>
where
    T: serde::de::DeserializeOwned + Send,
    S: Send + Sync,
{
    let Path(names) = Path::<T>::from_request_parts(parts, state)
        .await
        .map_err(|error| Error::Field { field: "the path".into(), reason: error.body_text() })?;
    Ok(names)
}

impl<S: Send + Sync> FromRequestParts<S> for InWarehouse {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Ok(Self { warehouse: names(parts, state).await? })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InNamespace {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let (warehouse, namespace): (String, String) = names(parts, state).await?;
        Ok(Self { warehouse, levels: levels_of(&namespace)? })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InEntry {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let (warehouse, namespace, name): (String, String, String) = names(parts, state).await?;
        Ok(Self { warehouse, name: EntryName { namespace: levels_of(&namespace)?, name } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_in_a_path_is_a_blank() {
        for (sent, meant) in [
            ("/a+b/c%2Bd?e=f+g", "/a%20b/c%2Bd?e=f+g"),
            ("http://h:1/+", "http://h:1/%20"),
            ("/a%20b", "/a%20b"),
            ("/a?b=+", "/a?b=+"),
        ] {
            assert_eq!(without_plus(sent.parse().unwrap()).to_string(), meant);
        }
    }

    #[test]
    fn levels_are_joined_by_the_unit_separator() {
        assert_eq!(levels_of("a").unwrap(), ["a"]);
        assert_eq!(levels_of("a.b\u{1f}c").unwrap(), ["a.b", "c"]);
        for wrong in ["", "\u{1f}a", "a\u{1f}", "a\u{1f}\u{1f}b"] {
            assert!(levels_of(wrong).is_err(), "{wrong:?}");
        }
    }
}
