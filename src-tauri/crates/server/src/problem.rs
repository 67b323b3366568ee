//! How a failure becomes an HTTP answer: the one place that knows.

use api::{Code, Problem};
use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// An answer that is not a success: a status, and a [`Problem`] as its JSON body.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    problem: Problem,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A problem with the status of its code.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Problem::new(code, message).into()
    }

    /// The same with a status that its code cannot tell apart (415, 421, 503 …).
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with a header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What is shown of it where nobody asked over HTTP.
    pub(crate) fn into_problem(self) -> Problem {
        self.problem
    }

    /// The same, asking to come back in a number of seconds.
    pub(crate) fn retry_after(self, seconds: u16) -> Self {
        self.with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let refusal = Self {
            status: status(problem.code),
            problem,
            headers: Vec::new(),
        };
        match refusal.problem.code {
            Code::Unauthorized => {
                refusal.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Code::TooMany => refusal.retry_after(1),
            _ => refusal,
        }
    }
}

fn status(code: Code) -> StatusCode {
    match code {
        Code::Invalid => StatusCode::BAD_REQUEST,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::Conflict => StatusCode::CONFLICT,
        Code::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable => StatusCode::BAD_GATEWAY,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(message = %self.problem, "a request failed");
        }
        let mut response = (self.status, Json(&self.problem)).into_response();
        // For those who say it in other words.
        response.extensions_mut().insert(self.problem);
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// What the database's failures become.
pub(crate) fn store_failed(error: &store::Error) -> Problem {
    Problem::new(Code::Internal, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_status() {
        for (code, expect) in [
            (Code::Invalid, 400),
            (Code::Unauthorized, 401),
            (Code::NotFound, 404),
            (Code::Conflict, 409),
            (Code::TooMany, 429),
            (Code::Unavailable, 502),
            (Code::Internal, 500),
        ] {
            let response = Refusal::new(code, "no").into_response();
            assert_eq!(response.status().as_u16(), expect, "{code:?}");
        }
        let response = Refusal::new(Code::Unauthorized, "no").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        let response = Refusal::new(Code::TooMany, "no").into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    }
}
