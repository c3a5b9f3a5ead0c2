//! The calls.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
    routing::{get, post},
};
use serde_json::json;

use super::{
    limits::{Limits, Quota},
    options::Options,
    records::{Asked, Kept, List, find, spelled},
    tickets, writes,
};
use crate::sim::{
    SharedWorld,
    encode::basic_user,
    fault::FaultKind,
    reply::{BodyForm, Page, answer, json_text, raw, spoil},
    server::Shared,
};

/// The largest page (vendors 1.2).
const PER_PAGE_MAX: usize = 100;
const PER_PAGE_DEFAULT: usize = 30;

#[derive(Clone)]
pub(super) struct Api(pub Arc<Inner>);

pub(super) struct Inner {
    pub world: SharedWorld,
    pub options: Options,
    pub shared: Arc<Shared>,
    pub base: String,
    limits: Mutex<Limits>,
    kept: Mutex<Arc<Kept>>,
    orders: Mutex<Orders>,
}

/// The places of tickets by what a list asks for, as long as the world stays as it is.
#[derive(Default)]
struct Orders {
    revision: u64,
    places: BTreeMap<String, Arc<Vec<usize>>>,
}

pub(super) fn router(
    world: SharedWorld,
    options: Options,
    shared: Arc<Shared>,
    base: &str,
) -> Router {
    let api = Api(Arc::new(Inner {
        limits: Mutex::new(Limits::new(&options)),
        kept: Mutex::new(Arc::new(Kept::of(0))),
        orders: Mutex::default(),
        base: base.to_owned(),
        world,
        options,
        shared,
    }));
    Router::new()
        .route("/api/v2/agents/me", get(me))
        .route("/api/v2/tickets", get(tickets::list))
        .route("/api/v2/tickets/filter", get(tickets::filter))
        .route(
            "/api/v2/tickets/{id}",
            get(tickets::one).put(writes::ticket),
        )
        .route("/api/v2/tickets/{id}/notes", post(writes::note))
        .route("/api/v2/tickets/{id}/{part}", get(tickets::parts))
        .route("/api/v2/ticket_form_fields", get(tickets::fields))
        .route("/api/v2/{list}", get(list))
        .route(
            "/api/v2/departments/{id}",
            get(department).put(writes::department),
        )
        .route("/api/v2/{list}/{id}", get(one))
        .fallback(elsewhere)
        .with_state(api)
}

/// An answer instead of the one that was asked for.
pub(super) type Refusal = Box<Response<Body>>;

impl Inner {
    /// Waits, counts, and lets a call in: 401 without the key, 406 for another format than JSON, 429 when the
    /// minute is used up. Every call of the account costs, invalid ones too (vendors 1.3).
    pub async fn admit(
        &self,
        resource: &str,
        headers: &HeaderMap,
        limited: Option<&'static str>,
        credits: u32,
    ) -> Result<Quota, Refusal> {
        tokio::time::sleep(self.options.latency).await;
        self.shared.count(resource);
        let given = text(headers, &header::AUTHORIZATION).and_then(basic_user);
        if given.as_deref() != Some(self.options.api_key.as_str()) {
            return Err(Box::new(self.error(StatusCode::UNAUTHORIZED)));
        }
        let (quota, verdict) = self
            .limits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spend(limited, credits);
        if let Err(wait) = verdict {
            self.shared.count("refused");
            let mut response = dressed(self.error(StatusCode::TOO_MANY_REQUESTS), Some(quota));
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            if let Ok(seconds) = seconds.to_string().parse() {
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            return Err(Box::new(response));
        }
        let accepted = text(headers, &header::ACCEPT).unwrap_or("*/*");
        if !["*/*", "application/*", "application/json"]
            .iter()
            .any(|kind| accepted.contains(kind))
        {
            let refused = raw(StatusCode::NOT_ACCEPTABLE, "text/plain", String::new());
            return Err(Box::new(dressed(refused, Some(quota))));
        }
        Ok(quota)
    }

    /// The vendor's answer for a status (vendors 1.4).
    pub fn error(&self, status: StatusCode) -> Response<Body> {
        let (form, code, message) = match status {
            StatusCode::UNAUTHORIZED => (
                self.options.body_401,
                "invalid_credentials",
                "You have to be logged in to perform this action.",
            ),
            StatusCode::NOT_FOUND => (self.options.body_404, "not_found", "Not found"),
            StatusCode::TOO_MANY_REQUESTS => (
                self.options.rate_429_body,
                "too_many_requests",
                "You have exceeded the limit of requests.",
            ),
            StatusCode::FORBIDDEN => (
                BodyForm::Json,
                "access_denied",
                "You are not authorized to perform this action.",
            ),
            _ => return raw(status, "text/plain", String::new()),
        };
        form.answer(status, &json!({"code": code, "message": message}))
    }

    fn kept(&self, revision: u64) -> Arc<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.revision != revision {
            *kept = Arc::new(Kept::of(revision));
        }
        kept.clone()
    }

    /// The places of the tickets that a query lists.
    pub fn orders(
        &self,
        revision: u64,
        query: &BTreeMap<String, String>,
        make: impl FnOnce() -> Vec<usize>,
    ) -> Arc<Vec<usize>> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.revision != revision {
            *orders = Orders {
                revision,
                ..Orders::default()
            };
        }
        let made = orders.places.entry(format!("{query:?}"));
        made.or_insert_with(|| Arc::new(make())).clone()
    }

    fn page(&self, asked: &Asked<'_>) -> (Vec<Arc<str>>, usize) {
        let world = self.world.lock();
        let kept = self.kept(world.revision());
        kept.page(&world, &self.options, asked)
    }

    pub async fn spoilt(&self, fault: Option<FaultKind>, right: Response<Body>) -> Response<Body> {
        match fault {
            Some(kind) => spoil(kind, right, |status| self.error(status)).await,
            None => right,
        }
    }
}

async fn list(
    State(Api(api)): State<Api>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let list = List::named(&name);
    let mut query = parameters(&uri);
    // Two credits more for every record that is included in a list (vendors 1.3).
    let credits = 1 + 2 * included(&query);
    let limited = list.and_then(List::limited);
    let quota = match api.admit(&name, &headers, limited, credits).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let Some(list) = list else {
        return dressed(api.error(StatusCode::NOT_FOUND), Some(quota));
    };
    let asked = match paging(list, &mut query) {
        Ok((page, per_page)) => Asked {
            list,
            page,
            per_page: per_page.min(api.options.per_page_cap),
            filters: &query,
        },
        Err(response) => return dressed(*response, Some(quota)),
    };
    let number = u32::try_from(asked.page).unwrap_or(u32::MAX);
    let fault = api.shared.faults.strike(uri.path(), number);
    let link = |page: usize| {
        let own: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(asked.filters)
            .append_pair("page", &page.to_string())
            .append_pair("per_page", &asked.per_page.to_string())
            .finish();
        format!("{}{}?{own}", api.base, uri.path())
    };
    let before = Asked {
        page: asked.page.saturating_sub(1).max(1),
        ..asked
    };
    let (items, total) = match fault {
        Some(FaultKind::Repeat) => api.page(&before),
        _ => api.page(&asked),
    };
    let more = total > asked.page.saturating_mul(asked.per_page);
    let mut page = Page {
        items,
        total,
        next: more.then(|| link(asked.page + 1)),
        details: true,
    };
    if let Some(kind) = &fault {
        page.spoil(kind, &link(asked.page));
    }
    let body = format!("{{\"{}\":{}}}", list.array(&api.options), page.array());
    let mut response = dressed(json_text(StatusCode::OK, body), Some(quota));
    // The last page has no such header at all (vendors 1.2).
    let next = page.next.map(|next| format!("<{next}>; rel=\"next\""));
    if let Some(next) = next.and_then(|next| next.parse().ok()) {
        response.headers_mut().insert(header::LINK, next);
    }
    api.spoilt(fault, response).await
}

async fn one(
    State(Api(api)): State<Api>,
    Path((name, id)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let credits = 1 + included(&parameters(&uri));
    let resource = format!("{name}/{id}");
    let quota = match api.admit(&resource, &headers, None, credits).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let fault = api.shared.faults.strike(uri.path(), 1);
    let found = List::named(&name).and_then(|list| {
        let world = api.world.lock();
        let record = find(&world, list, &id)?;
        let record = spelled(record, list, &api.options);
        Some(format!("{{\"{}\":{record}}}", list.wrapper(&api.options)))
    });
    let right = found.map_or_else(
        || api.error(StatusCode::NOT_FOUND),
        |body| json_text(StatusCode::OK, body),
    );
    api.spoilt(fault, dressed(right, Some(quota))).await
}

async fn department(
    api: State<Api>,
    Path(id): Path<String>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    one(api, Path(("departments".to_owned(), id)), uri, headers).await
}

async fn me(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let quota = match api.admit("agents/me", &headers, None, 1).await {
        Ok(quota) => quota,
        Err(refusal) => return *refusal,
    };
    let fault = api.shared.faults.strike(uri.path(), 1);
    let first = api.world.lock().agents.first().cloned();
    let right = match first.filter(|_| api.options.agents_me) {
        Some(agent) => answer(StatusCode::OK, &json!({ "agent": agent })),
        None => api.error(StatusCode::NOT_FOUND),
    };
    api.spoilt(fault, dressed(right, Some(quota))).await
}

async fn elsewhere(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    match api.admit(uri.path(), &headers, None, 1).await {
        Ok(quota) => dressed(api.error(StatusCode::NOT_FOUND), Some(quota)),
        Err(refusal) => *refusal,
    }
}

/// Page and size out of the parameters, which then hold the filters alone. What is not understood is an error
/// and not ignored or made to fit (vendors 1.2, 1.4).
fn paging(list: List, query: &mut BTreeMap<String, String>) -> Result<(usize, usize), Refusal> {
    let page = number(query, "page", 1, usize::MAX)?;
    let per_page = number(query, "per_page", PER_PAGE_DEFAULT, PER_PAGE_MAX)?;
    query.remove("include");
    match query
        .keys()
        .find(|name| !list.filters().contains(&name.as_str()))
    {
        Some(unknown) => {
            let refusal = invalid(unknown, "[:invalid_field]", "invalid_field");
            Err(Box::new(refusal))
        }
        None => Ok((page, per_page)),
    }
}

/// Takes a number out of the parameters.
pub(super) fn number(
    query: &mut BTreeMap<String, String>,
    name: &str,
    default: usize,
    max: usize,
) -> Result<usize, Refusal> {
    match query.remove(name) {
        None => Ok(default),
        Some(text) => match text.parse() {
            Ok(number) if (1..=max).contains(&number) => Ok(number),
            _ => {
                let message = "[ \" It should be a/an Positive Integer \" ]";
                Err(Box::new(invalid(name, message, "invalid_value")))
            }
        },
    }
}

pub(super) fn invalid(field: &str, message: &str, code: &str) -> Response<Body> {
    let error = json!({"field": field, "message": message, "code": code});
    let body = json!({"description": "Validation failed", "errors": [error]});
    answer(StatusCode::BAD_REQUEST, &body)
}

pub(super) fn parameters(uri: &Uri) -> BTreeMap<String, String> {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

pub(super) fn included(query: &BTreeMap<String, String>) -> u32 {
    let names = query.get("include").map_or("", String::as_str);
    let names = names.split(',').filter(|name| !name.is_empty()).count();
    u32::try_from(names).unwrap_or(u32::MAX)
}

pub(super) fn text<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Headers that were recorded (vendors 1.1), and those of the limit.
pub(super) fn dressed(mut response: Response<Body>, quota: Option<Quota>) -> Response<Body> {
    let headers = response.headers_mut();
    for (name, value) in [
        (
            "cache-control",
            "no-cache, no-store, max-age=0, must-revalidate",
        ),
        ("server", "fwe"),
        ("x-freshservice-api-version", "latest=v2; requested=v2"),
        ("x-fw-ratelimiting-managed", "true"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(quota) = quota {
        headers.insert("x-ratelimit-total", quota.total.into());
        headers.insert("x-ratelimit-remaining", quota.remaining.into());
        headers.insert("x-ratelimit-used-currentrequest", quota.used.into());
    }
    response
}
