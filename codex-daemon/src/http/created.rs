//! The answer to a call that made a record.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use codex_core::address::segment;
use serde::Serialize;

use crate::http::forwarded::Forwarded;

/// 201 with the record, and in `Location` where to read it.
#[derive(Debug)]
pub struct Created<T> {
    location: String,
    body: T,
}

impl<T> Created<T> {
    /// A record under `list`, such as `/api/contacts`, by what names it there.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "ids are copied, and a reference to one reads worse in every handler"
    )]
    pub fn new(forwarded: &Forwarded, list: &str, name: impl ToString, body: T) -> Self {
        let path = format!("{list}/{}", segment(&name.to_string()));
        Self {
            location: forwarded.link(&path),
            body,
        }
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::from_str(&self.location) {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}
