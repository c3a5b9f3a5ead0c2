//! Answers, right and wrong.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, StatusCode, header},
};
use hyper::body::{Frame, SizeHint};
use serde_json::Value;

use super::{fault::FaultKind, mutant, server::NoAnswer};

/// What the body of an error looks like where nobody has written it down (vendors 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// No body.
    Empty,
    /// A few words.
    Text,
    /// A page for people.
    Html,
    /// The vendor's usual JSON.
    Json,
}

impl BodyForm {
    /// An error in this form.
    pub(super) fn answer(self, status: StatusCode, json: &Value) -> Response<Body> {
        let words = status.canonical_reason().unwrap_or("Error");
        match self {
            Self::Empty => raw(status, "text/plain", String::new()),
            Self::Text => raw(status, "text/plain", words.to_owned()),
            Self::Html => {
                let page = format!("<html><body><h1>{words}</h1></body></html>");
                raw(status, "text/html; charset=utf-8", page)
            }
            Self::Json => answer(status, json),
        }
    }
}

/// A JSON answer.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    json_text(status, body.to_string())
}

/// A JSON answer that is text already.
pub(super) fn json_text(status: StatusCode, body: String) -> Response<Body> {
    raw(status, "application/json; charset=utf-8", body)
}

/// Any answer.
pub(super) fn raw(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A page of a list about to be sent; the items are JSON text.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub items: Vec<Arc<str>>,
    /// Items of the whole list.
    pub total: usize,
    /// Address of the next page.
    pub next: Option<String>,
    /// Whether the envelope has its `pageDetails` (Datto).
    pub details: bool,
}

impl Page {
    /// The array alone.
    pub fn array(&self) -> String {
        format!("[{}]", self.items.join(","))
    }

    /// Spoils the list as the fault says; `own` is the page's own address.
    pub fn spoil(&mut self, kind: &FaultKind, own: &str) {
        match kind {
            FaultKind::EmptyList => {
                self.items.clear();
                (self.total, self.next) = (0, None);
            }
            FaultKind::NullItem => self.replace(0, "null"),
            FaultKind::NullItemAt(place) => self.replace(*place, "null"),
            FaultKind::MalformedItem => self.replace(0, r#"{"id":"twelve","uid":12}"#),
            FaultKind::Truncated => {
                self.items.truncate(self.items.len() * 2 / 3);
                self.next = None;
            }
            FaultKind::MissingPageDetails => self.details = false,
            FaultKind::ForeignLink => {
                self.next = Some("http://elsewhere.invalid/api/v2/x?page=2".to_owned());
            }
            FaultKind::SelfLink => self.next = Some(own.to_owned()),
            _ => {}
        }
    }

    fn replace(&mut self, place: usize, with: &str) {
        if let Some(item) = self.items.get_mut(place) {
            *item = Arc::from(with);
        }
    }
}

/// Spoils an answer as the fault says; `error` is the vendor's answer for a status.
pub(super) async fn spoil(
    kind: FaultKind,
    right: Response<Body>,
    error: impl FnOnce(StatusCode) -> Response<Body>,
) -> Response<Body> {
    match kind {
        FaultKind::Status(code) => {
            error(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        }
        FaultKind::RateLimited(after) => {
            let mut response = error(StatusCode::TOO_MANY_REQUESTS);
            response.headers_mut().remove(header::RETRY_AFTER);
            if let Some(after) = after.and_then(|after| after.parse().ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, after);
            }
            response
        }
        FaultKind::Html => {
            let page = "<html><body>Maintenance</body></html>".to_owned();
            raw(StatusCode::OK, "text/html; charset=utf-8", page)
        }
        FaultKind::NullBody => answer(StatusCode::OK, &Value::Null),
        FaultKind::NoEnvelope => json_text(StatusCode::OK, r#"{"items":[]}"#.to_owned()),
        FaultKind::HalfBody => {
            let (parts, half, _) = halved(right).await;
            Response::from_parts(parts, Body::from(half))
        }
        FaultKind::CutOff => {
            let (parts, half, length) = halved(right).await;
            let breaking = Breaking {
                half,
                length,
                flushed: false,
            };
            Response::from_parts(parts, Body::new(breaking))
        }
        FaultKind::DropConnection => {
            let mut response = right;
            response.extensions_mut().insert(NoAnswer);
            response
        }
        FaultKind::Hang(time) => {
            // No test should wait longer for something that will not come.
            tokio::time::sleep(time.min(Duration::from_secs(30))).await;
            right
        }
        FaultKind::Mutant { id, other, seed } => {
            let (parts, body) = right.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await;
            let body = mutant::spoil(&body.unwrap_or_default(), &id, &other, seed);
            Response::from_parts(parts, Body::from(body))
        }
        FaultKind::EmptyList
        | FaultKind::NullItem
        | FaultKind::NullItemAt(_)
        | FaultKind::MalformedItem
        | FaultKind::Truncated
        | FaultKind::Repeat
        | FaultKind::MissingPageDetails
        | FaultKind::ForeignLink
        | FaultKind::SelfLink => right,
    }
}

async fn halved(right: Response<Body>) -> (axum::http::response::Parts, Bytes, u64) {
    let (parts, body) = right.into_parts();
    // A body made by this crate is in memory; reading it cannot fail.
    let whole = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let length = whole.len();
    (parts, whole.slice(..length / 2), length as u64)
}

/// A body that promises its whole length and fails after half of it.
struct Breaking {
    half: Bytes,
    length: u64,
    flushed: bool,
}

impl hyper::body::Body for Breaking {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.half.is_empty() {
            // hyper sends what it has while it waits for more; an error at once would throw the half away.
            if !std::mem::replace(&mut self.flushed, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
        }
        let half = std::mem::take(&mut self.half);
        Poll::Ready(Some(Ok(Frame::data(half))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
