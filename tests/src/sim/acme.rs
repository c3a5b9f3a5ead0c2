//! The vendor of `codex-core/examples/new_source.rs`: a list of companies by pages, and single ones.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, Response, StatusCode, header},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    fault::{FaultKind, Faults},
    reply::{Page, answer, json_text, spoil},
    server::{Server, Shared},
};

/// The key that is accepted.
pub const KEY: &str = "sim-acme-key";
/// The list.
pub const LIST: &str = "/api/companies";
const PER_PAGE: usize = 10;

/// The simulator.
#[derive(Debug)]
pub struct Acme {
    server: Server,
    companies: Companies,
}

type Companies = Arc<Mutex<Vec<Value>>>;

#[derive(Clone)]
struct Api {
    companies: Companies,
    shared: Arc<Shared>,
}

impl Acme {
    /// Starts it on a free loopback port, with so many companies.
    pub async fn start(count: usize) -> anyhow::Result<Self> {
        let company = |n: usize| json!({"id": 500 + n, "name": format!("Company {n}"), "number": (200_000 + n).to_string(), "notes": null});
        let companies: Companies = Arc::new(Mutex::new((0..count).map(company).collect()));
        let (shared, own) = (Arc::new(Shared::default()), companies.clone());
        let state = shared.clone();
        let router = |_: &str| {
            let api = Api {
                companies: own,
                shared: state,
            };
            let routes = Router::new().route(LIST, get(list));
            routes
                .route("/api/companies/{id}", get(one))
                .with_state(api)
        };
        let server = Server::start(shared, router).await?;
        Ok(Self { server, companies })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Its faults.
    pub fn faults(&self) -> &Faults {
        &self.server.shared.faults
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.server.shared.calls("")
    }

    /// What it has, to be changed by the test.
    pub fn companies<T>(&self, change: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        change(
            &mut self
                .companies
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

fn error(status: StatusCode) -> Response<Body> {
    answer(status, &json!({"message": status.canonical_reason()}))
}

fn refused(api: &Api, headers: &HeaderMap) -> Option<Response<Body>> {
    api.shared.count("call");
    let given = headers.get(header::AUTHORIZATION);
    let wanted = format!("Bearer {KEY}");
    let known = given.is_some_and(|given| given.as_bytes() == wanted.as_bytes());
    (!known).then(|| error(StatusCode::UNAUTHORIZED))
}

async fn list(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    if let Some(refusal) = refused(&api, &headers) {
        return refusal;
    }
    let query = uri.query().unwrap_or_default();
    let page = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page");
    let page: usize = page.and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
    let fault = api
        .shared
        .faults
        .strike(uri.path(), u32::try_from(page).unwrap_or(u32::MAX));
    let shown = if fault == Some(FaultKind::Repeat) {
        page.saturating_sub(1).max(1)
    } else {
        page
    };
    let (items, total) = {
        let all = api.companies.lock().unwrap_or_else(PoisonError::into_inner);
        let items = all.iter().skip((shown - 1) * PER_PAGE).take(PER_PAGE);
        let items: Vec<Arc<str>> = items.map(|item| Arc::from(item.to_string())).collect();
        (items, all.len())
    };
    let mut sent = Page {
        items,
        total,
        next: (total > page * PER_PAGE).then(|| (page + 1).to_string()),
        details: true,
    };
    if let Some(kind) = &fault {
        sent.spoil(kind, &page.to_string());
    }
    // A next page elsewhere is a text here, where a number should be.
    let next = sent.next.as_deref().map_or_else(
        || "null".to_owned(),
        |next| match next.parse::<u64>() {
            Ok(number) => number.to_string(),
            Err(_) => format!("\"{next}\""),
        },
    );
    let (array, total) = (sent.array(), sent.total);
    let body = format!("{{\"companies\":{array},\"total\":{total},\"next\":{next}}}");
    spoilt(fault, json_text(StatusCode::OK, body)).await
}

async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    if let Some(refusal) = refused(&api, &headers) {
        return refusal;
    }
    let fault = api.shared.faults.strike(uri.path(), 1);
    let found = {
        let all = api.companies.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .find(|company| company["id"].as_u64() == id.parse().ok())
            .cloned()
    };
    let right = match found {
        Some(company) => answer(StatusCode::OK, &json!({"company": company})),
        None => error(StatusCode::NOT_FOUND),
    };
    spoilt(fault, right).await
}

async fn spoilt(fault: Option<FaultKind>, right: Response<Body>) -> Response<Body> {
    match fault {
        Some(kind) => spoil(kind, right, error).await,
        None => right,
    }
}
