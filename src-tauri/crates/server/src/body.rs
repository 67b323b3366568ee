//! Reading a request's body: no more than it may have, no longer than it may take.

use std::time::Duration;

use api::Code;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::problem::Refusal;

/// A whole body has arrived by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// The body, at most `limit` bytes of it.
///
/// # Errors
/// 413 when it is larger, 408 when it does not arrive in time, 400 when it breaks off.
pub(crate) async fn read(request: Request, limit: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::new(
            Code::Invalid,
            format!("The request is too large; {limit} bytes are possible."),
        )
        .with_status(StatusCode::PAYLOAD_TOO_LARGE)
    };
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let body = Limited::new(request.into_body(), limit).collect();
    match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(Refusal::new(Code::Invalid, "The request broke off.")),
        Err(_) => Err(
            Refusal::new(Code::Invalid, "The request took too long to arrive.")
                .with_status(StatusCode::REQUEST_TIMEOUT),
        ),
    }
}

/// The JSON object that a request carries, as what it stands for.
///
/// # Errors
/// 415, those of [`read`], or 400 when it is not `what` is expected.
pub(crate) async fn json<T: DeserializeOwned>(
    request: Request,
    limit: usize,
    what: &str,
) -> Result<T, Refusal> {
    expect_type(request.headers(), "application/json")?;
    let body = read(request, limit).await?;
    // Else a list of an object's values would do in its place, in an order that nobody has promised.
    if body.trim_ascii_start().first() != Some(&b'{') {
        let text = format!("That is no {what}: send a JSON object.");
        return Err(Refusal::new(Code::Invalid, text));
    }
    serde_json::from_slice(&body)
        .map_err(|e| Refusal::new(Code::Invalid, format!("That is no {what}: {e}.")))
}

/// Checks the type of a body; parameters such as `charset` make no difference.
///
/// # Errors
/// 415.
pub(crate) fn expect_type(headers: &HeaderMap, expected: &str) -> Result<(), Refusal> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split(';').next())
        .map(str::trim);
    if given.is_some_and(|given| given.eq_ignore_ascii_case(expected)) {
        Ok(())
    } else {
        Err(Refusal::new(
            Code::Invalid,
            format!("Send this as Content-Type: {expected}."),
        )
        .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
    }
}
