//! A bearer token in exchange for our access key.
//!
//! Source: OAuth 2.0, RFC 6749, section 4.4; RFC 8693 to renew one.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;

use super::context::Context;
use super::wire::json;
use crate::limits;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The form of a request; what is not known is passed over (RFC 6749, section 3.2).
#[derive(Default)]
struct TokenRequest {
    grant_type: String,
    scope: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    subject_token: Option<String>,
    actor_token: Option<String>,
}

impl TokenRequest {
    /// A parameter that comes twice makes the request invalid (RFC 6749, section 3.2).
    fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut request = Self::default();
        let mut grant_type = None;
        for (name, value) in url::form_urlencoded::parse(body) {
            let slot = match name.as_ref() {
                "grant_type" => &mut grant_type,
                "scope" => &mut request.scope,
                "client_id" => &mut request.client_id,
                "client_secret" => &mut request.client_secret,
                "subject_token" => &mut request.subject_token,
                "actor_token" => &mut request.actor_token,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return Err(Refusal::InvalidRequest("a parameter comes twice"));
            }
        }
        request.grant_type = grant_type.ok_or(Refusal::InvalidRequest("grant_type is missing"))?;
        Ok(request)
    }
}

#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    issued_token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}

/// Why there is no token (RFC 6749, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    InvalidRequest(&'static str),
    InvalidClient,
    InvalidGrant,
    UnsupportedGrantType,
}

#[derive(Serialize)]
struct RefusalBody {
    error: &'static str,
    error_description: &'static str,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, error, error_description) = match self {
            Self::InvalidRequest(why) => (StatusCode::BAD_REQUEST, "invalid_request", why),
            Self::InvalidClient => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "the access key or its secret is wrong; send them as client_id and client_secret",
            ),
            Self::InvalidGrant => (
                StatusCode::BAD_REQUEST,
                "invalid_grant",
                "the token to be renewed is not one of this catalog, or has ended",
            ),
            Self::UnsupportedGrantType => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "grant_type has to be client_credentials, or token exchange of a token of this catalog",
            ),
        };
        let mut response = json(status, &RefusalBody { error, error_description });
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"lakeshare\""));
        }
        response
    }
}

/// `POST /v1/oauth/tokens`.
pub(super) async fn tokens(State(context): State<Context>, headers: HeaderMap, body: Bytes) -> Response {
    match grant(&context, &headers, &body) {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

fn grant(context: &Context, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let request = TokenRequest::parse(body)?;
    let now_ms = context.clock.now_ms();
    match request.grant_type.as_str() {
        "client_credentials" => {
            let (id, secret) = client_of(&request, headers).ok_or(Refusal::InvalidClient)?;
            if !context.tokens.knows(&id, &secret) {
                return Err(Refusal::InvalidClient);
            }
        }
        TOKEN_EXCHANGE => {
            let subject = request.subject_token.as_deref();
            let subject = subject.ok_or(Refusal::InvalidRequest("subject_token is missing"))?;
            let actor = request.actor_token.as_deref().unwrap_or(subject);
            let are_live = context.tokens.is_live(subject, now_ms) && context.tokens.is_live(actor, now_ms);
            // Iceberg's Java client sends its credential along once its token has ended.
            let is_known = || {
                client_of(&request, headers).is_some_and(|(id, secret)| context.tokens.knows(&id, &secret))
            };
            if !are_live && !is_known() {
                return Err(Refusal::InvalidGrant);
            }
        }
        _ => return Err(Refusal::UnsupportedGrantType),
    }
    let answer = TokenAnswer {
        access_token: context.tokens.issue(now_ms),
        token_type: "bearer",
        expires_in: limits::catalog::TOKEN_SECONDS,
        issued_token_type: ACCESS_TOKEN,
        scope: request.scope.as_deref(),
    };
    let mut response = json(StatusCode::OK, &answer);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The client's credential, in the form or in the header (RFC 6749, section 2.3.1).
fn client_of(request: &TokenRequest, headers: &HeaderMap) -> Option<(String, String)> {
    if let (Some(id), Some(secret)) = (&request.client_id, &request.client_secret) {
        return Some((id.clone(), secret.clone()));
    }
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    let decode =
        |text: &str| Some(percent_encoding::percent_decode_str(text).decode_utf8().ok()?.into_owned());
    Some((decode(id)?, decode(secret)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(text: &str) -> HeaderMap {
        let value = format!("Basic {}", STANDARD.encode(text));
        [(AUTHORIZATION, value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn a_form_names_each_parameter_once() {
        let request = TokenRequest::parse(b"grant_type=client_credentials&client_id=a%3Ab&other=1").unwrap();
        assert_eq!(
            (request.grant_type.as_str(), request.client_id.as_deref()),
            ("client_credentials", Some("a:b"))
        );
        assert!(TokenRequest::parse(b"client_id=a").is_err());
        assert!(TokenRequest::parse(b"grant_type=x&scope=a&scope=b").is_err());
    }

    #[test]
    fn a_credential_is_read_from_the_form_or_the_header() {
        let both = TokenRequest {
            client_id: Some("a".into()),
            client_secret: Some("b".into()),
            ..TokenRequest::default()
        };
        let pair = |id: &str, secret: &str| Some((id.to_owned(), secret.to_owned()));
        assert_eq!(client_of(&both, &HeaderMap::new()), pair("a", "b"));
        let none = TokenRequest::default();
        assert_eq!(client_of(&none, &basic("a:b%3Ac")), pair("a", "b:c"));
        assert_eq!(client_of(&none, &basic("ab")), None);
        assert_eq!(client_of(&none, &HeaderMap::new()), None);
    }
}
