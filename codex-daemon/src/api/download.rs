//! Answers that are made while they are read.

use axum::{
    body::Body,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::Response,
};
use codex_core::Download;

/// A download as an answer. An error on the way cuts the connection, so that nobody takes a part for the whole.
pub(crate) fn streamed(download: Download, content_type: &'static str) -> Response {
    let mut response = Response::new(Body::from_stream(download));
    let kind = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
