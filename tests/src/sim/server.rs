//! What all simulators share: a loopback server, a call counter, faults.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Response, StatusCode, header},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::fault::{Faults, Kind};

/// A simulator at work; dropping it stops it.
#[derive(Debug)]
pub(super) struct Server {
    pub url: String,
    pub shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// What handlers and tests both see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub faults: Faults,
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(
        shared: Arc<Shared>,
        router: impl FnOnce(&str) -> Router,
    ) -> anyhow::Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = router(&url);
        let task = tokio::spawn(async move {
            let served = axum::serve(listener, router).await;
            debug_assert!(served.is_ok());
        });
        Ok(Self { url, shared, task })
    }
}

impl Shared {
    pub fn count(&self, resource: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(resource.to_owned()).or_insert(0) += 1;
    }

    /// Calls so far to resources that start with `prefix`.
    pub fn calls(&self, prefix: &str) -> u64 {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls
            .iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(_, n)| n)
            .sum()
    }

    pub fn reset(&self) {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// A JSON answer.
pub(super) fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    raw(status, "application/json; charset=utf-8", body.to_string())
}

/// Any answer.
pub(super) fn raw(status: StatusCode, kind: &str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    if let Ok(kind) = kind.parse() {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

/// A page of a list about to be sent.
pub(super) struct Listing {
    pub items: Vec<Value>,
    /// Address of the next page.
    pub next: Option<String>,
}

/// Changes a listing or replaces the answer, as the fault says.
pub(super) async fn spoil(kind: Kind, listing: &mut Listing, own: &str) -> Option<Response<Body>> {
    match kind {
        Kind::Status(code) => {
            let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return Some(raw(code, "text/plain", String::new()));
        }
        Kind::RateLimited(after) => {
            let mut response = raw(StatusCode::TOO_MANY_REQUESTS, "text/plain", String::new());
            if let Some(after) = after.and_then(|after| after.parse().ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, after);
            }
            return Some(response);
        }
        Kind::Html => {
            let page = "<html><body>Maintenance</body></html>".to_owned();
            return Some(raw(StatusCode::OK, "text/html", page));
        }
        Kind::HalfBody => {
            let body = json!({ "items": listing.items }).to_string();
            let half = body.chars().take(body.chars().count() / 2).collect();
            return Some(raw(StatusCode::OK, "application/json", half));
        }
        Kind::NullBody => return Some(answer(StatusCode::OK, &Value::Null)),
        Kind::NoEnvelope => return Some(answer(StatusCode::OK, &json!({ "items": [] }))),
        Kind::Hang(time) => tokio::time::sleep(time.min(Duration::from_secs(30))).await,
        Kind::EmptyList => {
            *listing = Listing {
                items: Vec::new(),
                next: None,
            }
        }
        Kind::NullItem => {
            if let Some(first) = listing.items.first_mut() {
                *first = Value::Null;
            }
        }
        Kind::Truncated => {
            let keep = listing.items.len() * 2 / 3;
            listing.items.truncate(keep);
            listing.next = None;
        }
        Kind::ForeignLink => {
            listing.next = Some("http://elsewhere.invalid/api/v2/x?page=2".to_owned());
        }
        Kind::SelfLink => listing.next = Some(own.to_owned()),
    }
    None
}

/// Base64 with a choice of the last two digits, for the few values that need it.
pub(super) fn base64(bytes: &[u8], last: [u8; 2], pad: bool) -> String {
    let digit = |value: u8| match value {
        0..=25 => char::from(b'A' + value),
        26..=51 => char::from(b'a' + value - 26),
        52..=61 => char::from(b'0' + value - 52),
        _ => char::from(last[usize::from(value - 62)]),
    };
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..4 {
            if place <= chunk.len() {
                out.push(digit(
                    u8::try_from((bits >> (18 - 6 * place)) & 63).unwrap_or(0),
                ));
            } else if pad {
                out.push('=');
            }
        }
    }
    out
}

/// The value of an HTTP Basic header.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!(
        "Basic {}",
        base64(format!("{user}:{password}").as_bytes(), *b"+/", true)
    )
}
