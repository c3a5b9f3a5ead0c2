//! Freshservice (upstreams 1): lists by pages with a `Link` header, single records, limits by endpoint.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{OriginalUri, Path, Query, State},
    http::{HeaderMap, Response, StatusCode, header},
    routing::get,
};
use serde_json::{Value, json};

use super::{
    SharedWorld, World,
    fault::Faults,
    server::{Listing, Server, Shared, answer, basic, raw, spoil},
};

/// The key that the simulator accepts.
pub const API_KEY: &str = "sim-freshservice-key";

/// How the simulated account behaves; the switches of upstreams 1.9 and 6.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether limits are enforced.
    pub limits: bool,
    /// Calls of a list per minute; 140 is the Enterprise plan's (upstreams 1.3).
    pub list_limit: u32,
    /// Ids as text, single departments under `departments`, requesters under `requester` (trap 35).
    pub msp_mode: bool,
    /// Whether `agents/me` exists, which no document says.
    pub agents_me: bool,
    /// Added to every answer.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: true,
            list_limit: 140,
            msp_mode: false,
            agents_me: true,
            latency: Duration::ZERO,
        }
    }
}

/// The simulator.
#[derive(Debug)]
pub struct Freshservice(Server);

#[derive(Clone)]
struct Api {
    world: SharedWorld,
    options: Options,
    shared: Arc<Shared>,
    base: String,
    windows: Arc<Mutex<HashMap<&'static str, (Instant, u32)>>>,
}

impl Freshservice {
    /// Starts it on a free loopback port.
    pub async fn start(world: SharedWorld, options: Options) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let state = shared.clone();
        let server = Server::start(shared, |base| {
            let api = Api {
                world,
                options,
                shared: state,
                base: base.to_owned(),
                windows: Arc::default(),
            };
            Router::new()
                .route("/api/v2/agents/me", get(me))
                .route("/api/v2/{list}", get(list))
                .route("/api/v2/{list}/{id}", get(one))
                .with_state(api)
        })
        .await?;
        Ok(Self(server))
    }

    /// Its address, without `/api/v2`.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// Its faults.
    pub fn faults(&self) -> &Faults {
        &self.0.shared.faults
    }

    /// Calls so far to resources that start with `prefix`; all with `""`.
    pub fn calls(&self, prefix: &str) -> u64 {
        self.0.shared.calls(prefix)
    }

    /// Counts from 0 again.
    pub fn reset_calls(&self) {
        self.0.shared.reset();
    }
}

impl Api {
    /// Key, then limit: 401 without the key, 429 with `Retry-After` when the minute is used up.
    fn admit(
        &self,
        headers: &HeaderMap,
        endpoint: &'static str,
    ) -> Result<(u32, u32), Box<Response<Body>>> {
        let expected = basic(API_KEY, "X");
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        if given != Some(expected.as_str()) {
            let body = json!({"code": "invalid_credentials",
                "message": "You have to be logged in to perform this action."});
            return Err(Box::new(answer(StatusCode::UNAUTHORIZED, &body)));
        }
        let limit = self.options.list_limit;
        if !self.options.limits {
            return Ok((limit, limit));
        }
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let (started, used) = windows.entry(endpoint).or_insert((Instant::now(), 0));
        if started.elapsed() >= Duration::from_secs(60) {
            (*started, *used) = (Instant::now(), 0);
        }
        *used += 1;
        if *used > limit {
            let wait = 60_u64.saturating_sub(started.elapsed().as_secs()).max(1);
            let mut response = raw(StatusCode::TOO_MANY_REQUESTS, "text/plain", String::new());
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, wait.into());
            return Err(Box::new(response));
        }
        Ok((limit, limit - *used))
    }

    fn dressed(&self, record: &Value) -> Value {
        let mut record = record.clone();
        if self.options.msp_mode {
            record["id"] = Value::String(record["id"].to_string());
        }
        record
    }
}

fn records<'w>(world: &'w World, list: &str) -> Option<(&'static str, &'w Vec<Value>)> {
    match list {
        "departments" => Some(("department", &world.departments)),
        "requesters" => Some(("requester", &world.requesters)),
        "agents" => Some(("agent", &world.agents)),
        _ => None,
    }
}

async fn me(State(api): State<Api>, headers: HeaderMap) -> Response<Body> {
    api.shared.count("agents/me");
    match api.admit(&headers, "me") {
        Err(refusal) => *refusal,
        Ok(_) if !api.options.agents_me => raw(StatusCode::NOT_FOUND, "text/html", String::new()),
        Ok(_) => answer(
            StatusCode::OK,
            &json!({"agent": {"id": 1, "email": "api@msp.example"}}),
        ),
    }
}

async fn list(
    State(api): State<Api>,
    Path(list): Path<String>,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response<Body> {
    tokio::time::sleep(api.options.latency).await;
    api.shared.count(&list);
    let number = |name: &str, default: usize| {
        query
            .get(name)
            .map_or(Some(default), |text| text.parse::<usize>().ok())
    };
    let (page, per_page) = (number("page", 1), number("per_page", 30));
    let (Some(page @ 1..), Some(per_page @ 1..=100)) = (page, per_page) else {
        let error = json!({"field": "per_page", "message": "It should be a Positive Integer less than or equal to 100",
            "code": "invalid_value"});
        let body = json!({"description": "Validation failed", "errors": [error]});
        return answer(StatusCode::BAD_REQUEST, &body);
    };
    let (name, mut listing, limit) = {
        let world = api.world.lock();
        let Some((singular, records)) = records(&world, &list) else {
            return raw(StatusCode::NOT_FOUND, "text/html", String::new());
        };
        let limit = match api.admit(&headers, singular) {
            Ok(limit) => limit,
            Err(refusal) => return *refusal,
        };
        let items: Vec<Value> = records
            .iter()
            .skip((page - 1) * per_page)
            .take(per_page)
            .map(|record| api.dressed(record))
            .collect();
        let more = records.len() > page * per_page;
        let next = more.then(|| {
            format!(
                "{}/api/v2/{list}?page={}&per_page={per_page}",
                api.base,
                page + 1
            )
        });
        let name = if api.options.msp_mode && list == "requesters" {
            singular
        } else {
            list.as_str()
        };
        (name.to_owned(), Listing { items, next }, limit)
    };
    let own = format!("{}{uri}", api.base);
    let number = u32::try_from(page).unwrap_or(u32::MAX);
    if let Some(kind) = api.shared.faults.strike(uri.path(), number)
        && let Some(response) = spoil(kind, &mut listing, &own).await
    {
        return response;
    }
    let mut response = answer(StatusCode::OK, &json!({ name: listing.items }));
    if let Some(link) = listing
        .next
        .and_then(|next| format!("<{next}>; rel=\"next\"").parse().ok())
    {
        response.headers_mut().insert(header::LINK, link);
    }
    let (total, left) = limit;
    response
        .headers_mut()
        .insert("x-ratelimit-total", total.into());
    response
        .headers_mut()
        .insert("x-ratelimit-remaining", left.into());
    response
        .headers_mut()
        .insert("x-ratelimit-used-currentrequest", 1.into());
    response
}

async fn one(
    State(api): State<Api>,
    Path((list, id)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    tokio::time::sleep(api.options.latency).await;
    api.shared.count(&format!("{list}/{id}"));
    if let Some(kind) = api.shared.faults.strike(uri.path(), 1) {
        let mut nothing = Listing {
            items: Vec::new(),
            next: None,
        };
        if let Some(response) = spoil(kind, &mut nothing, "").await {
            return response;
        }
    }
    let world = api.world.lock();
    let Some((singular, records)) = records(&world, &list) else {
        return raw(StatusCode::NOT_FOUND, "text/html", String::new());
    };
    if let Err(refusal) = api.admit(&headers, "view") {
        return *refusal;
    }
    let found = id.parse().ok().and_then(|id| World::position(records, id));
    let Some(at) = found else {
        return raw(StatusCode::NOT_FOUND, "text/html", String::new());
    };
    let wrapper = if api.options.msp_mode && list == "departments" {
        "departments"
    } else {
        singular
    };
    answer(
        StatusCode::OK,
        &json!({ wrapper: api.dressed(&records[at]) }),
    )
}
