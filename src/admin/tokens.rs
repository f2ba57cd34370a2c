//! Calls that make, list and revoke tokens.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};
use uuid::Uuid;

use super::context::{Context, InPath, OptionalPayload, json, no_content};
use super::error::Error;
use super::shares::checked_description;
use super::wire::{CreateToken, TokenAnswer, TokenView, TokensAnswer};
use crate::auth::profile::Profile;
use crate::auth::token::Token;
use crate::clock;
use crate::state::change::NewToken;

pub(super) async fn create(
    State(context): State<Context>,
    InPath(share): InPath,
    OptionalPayload(body): OptionalPayload<CreateToken>,
) -> Result<Response, Error> {
    let description = checked_description(body.description)?;
    let expires_ms =
        body.expires_at.as_deref().map(|text| parse_expiry(text, context.clock.now_ms())).transpose()?;
    let token = Token::generate()?;
    let mut shares = vec![share];
    shares.extend(body.additional_shares);
    let new = NewToken { digest: token.digest(), shares, description, expires_ms };
    let granted = context.store.create_token(new).await?;
    context.publish().await?;
    tracing::info!(token_id = %granted.token.id, shares = ?granted.share_names, "token created");
    let profile = Profile::new(&context.public_url, token.text(), expires_ms);
    let mut response = json(StatusCode::CREATED, &TokenAnswer::new(granted, token.text(), profile));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

pub(super) async fn list(State(context): State<Context>, InPath(share): InPath) -> Result<Response, Error> {
    let tokens = context.store.list_tokens(&share).await?;
    Ok(json(StatusCode::OK, &TokensAnswer { tokens: tokens.into_iter().map(TokenView::from).collect() }))
}

pub(super) async fn remove(State(context): State<Context>, InPath(id): InPath) -> Result<Response, Error> {
    let id = Uuid::try_parse(&id).map_err(|_| Error::Field {
        field: "the path".into(),
        reason: format!("{id:?} is not a token id"),
    })?;
    context.store.remove_token(id).await?;
    context.publish().await?;
    tracing::info!(token_id = %id, "token revoked");
    Ok(no_content())
}

fn parse_expiry(text: &str, now_ms: i64) -> Result<i64, Error> {
    let invalid = |reason: String| Error::Field { field: "expiresAt".into(), reason };
    let expires_ms = clock::parse_rfc3339(text)
        .ok_or_else(|| invalid(format!("{text:?} is not an RFC 3339 time like \"2027-01-31T00:00:00Z\"")))?;
    if expires_ms <= now_ms {
        let now = clock::rfc3339(now_ms);
        return Err(invalid(format!("{text} is in the past; the server's clock says {now}")));
    }
    Ok(expires_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_lies_in_the_future() {
        let now_ms = clock::parse_rfc3339("2026-02-01T00:00:00Z").unwrap();
        assert_eq!(parse_expiry("2026-02-01T01:00:00+01:00", now_ms - 1).unwrap(), now_ms);
        for text in
            ["2026-02-01T00:00:00Z", "2025-01-01T00:00:00Z", "tomorrow", "", "2026-02-02", "1769900000"]
        {
            let error = parse_expiry(text, now_ms).unwrap_err().to_string();
            assert!(error.starts_with("expiresAt: "), "{error}");
        }
    }
}
