//! The bytes of a request's body, within bounds.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::Error;
use crate::http::body::{BodyError, discard};
use crate::limits::{QUERY_BODY_BYTES_MAX, QUERY_BODY_SECONDS_MAX};

/// The whole body, if it is not too large and does not take too long.
pub async fn read<B>(body: B) -> Result<Bytes, Error>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    let mut body = std::pin::pin!(body);
    let limited = std::pin::pin!(Limited::new(body.as_mut(), QUERY_BODY_BYTES_MAX));
    let deadline = Duration::from_secs(QUERY_BODY_SECONDS_MAX);
    match tokio::time::timeout(deadline, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(Error::BodyTooLarge { bytes_max: QUERY_BODY_BYTES_MAX })
        }
        Ok(Err(_)) | Err(_) => Err(Error::BodyCut),
    }
}
