//! The calls.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Form, Router,
    body::Body,
    extract::{OriginalUri, Path, State},
    http::{HeaderMap, Response, StatusCode, Uri, header},
    routing::{get, post, put},
};
use serde_json::{Value, json};

use super::{
    audits,
    limits::{CUT_OFF_RATIO, Limits, Verdict, WINDOW},
    options::Options,
    records::{Asked, Kept, List, is_online},
    token::Tokens,
    writes,
};
use crate::sim::{
    SharedWorld,
    fault::FaultKind,
    reply::{Page, answer, json_text, spoil},
    server::Shared,
    world::{ACCOUNT_UID, Device},
};

/// Writes in 60 seconds: of the account and of each operation (vendors 2.3).
const WRITE_LIMITS: (u32, u32) = (600, 100);
const WRITES: [&str; 6] = [
    "site-create",
    "site-update",
    "site-variable-create",
    "site-variable-update",
    "device-move",
    "alert-resolve",
];

#[derive(Clone)]
pub(super) struct Api(pub Arc<Inner>);

pub(super) struct Inner {
    pub world: SharedWorld,
    pub options: Options,
    pub shared: Arc<Shared>,
    base: String,
    limits: Mutex<Limits>,
    tokens: Arc<Mutex<Tokens>>,
    kept: Mutex<Option<Arc<Kept>>>,
}

pub(super) fn router(
    world: SharedWorld,
    options: Options,
    shared: Arc<Shared>,
    tokens: Arc<Mutex<Tokens>>,
    base: &str,
) -> Router {
    let api = Api(Arc::new(Inner {
        limits: Mutex::new(Limits::new(&options)),
        kept: Mutex::default(),
        base: base.to_owned(),
        world,
        options,
        shared,
        tokens,
    }));
    Router::new()
        .route("/auth/oauth/token", post(token))
        .route("/api/v2/system/status", get(status))
        .route("/api/v2/system/request_rate", get(request_rate))
        .route("/api/v2/system/pagination", get(pagination))
        .route("/api/v2/account", get(account))
        .route("/api/v2/account/sites", get(sites))
        .route("/api/v2/account/devices", get(devices))
        .route("/api/v2/site/{uid}", get(site))
        .route("/api/v2/site/{uid}/devices", get(site_devices))
        .route(
            "/api/v2/site/{uid}/devices/network-interface",
            get(interfaces),
        )
        .route("/api/v2/site/{uid}/variables", get(variables))
        .route("/api/v2/site/{uid}/variable", put(writes::create))
        .route("/api/v2/site/{uid}/variable/{id}", post(writes::update))
        .route("/api/v2/device/{uid}", get(device))
        .route("/api/v2/audit/device/{uid}/software", get(audits::software))
        .route("/api/v2/audit/{class}/{uid}", get(audits::one))
        .fallback(elsewhere)
        .with_state(api)
}

/// An answer instead of the one that was asked for.
pub(super) type Refusal = Box<Response<Body>>;

impl Inner {
    /// Lets a call in: 403 from a blocked address, 429 over the limit, 401 without a good token.
    pub async fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        self.shared.count(uri.path().trim_start_matches("/api/v2/"));
        let verdict = self
            .limits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spend();
        tokio::time::sleep(self.options.latency).await;
        match verdict {
            Verdict::Pass => {}
            Verdict::Slow(by) => tokio::time::sleep(by).await,
            Verdict::Limited(wait) => {
                self.shared.count("refused");
                return Err(Box::new(self.limited(uri, wait.as_secs().max(1))));
            }
            Verdict::Blocked => {
                self.shared.count("refused");
                return Err(Box::new(self.blocked(uri)));
            }
        }
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.know(bearer(headers), self.options.clock.elapsed()) {
            Ok(())
        } else {
            Err(Box::new(error(StatusCode::UNAUTHORIZED, uri)))
        }
    }

    fn limited(&self, uri: &Uri, seconds: u64) -> Response<Body> {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut response = self
            .options
            .rate_429_body
            .answer(status, &error_body(status, uri));
        if self.options.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }

    fn blocked(&self, uri: &Uri) -> Response<Body> {
        let status = StatusCode::FORBIDDEN;
        let body = error_body(status, uri);
        self.options.block_body.answer(status, &body)
    }

    /// Looks at the world, with what is kept of it.
    fn look<T>(&self, at: impl FnOnce(&crate::sim::World, &Kept) -> T) -> T {
        let world = self.world.lock();
        let kept = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            match kept
                .as_ref()
                .filter(|kept| kept.revision == world.revision())
            {
                Some(kept) => kept.clone(),
                None => kept
                    .insert(Arc::new(Kept::of(&world, world.revision())))
                    .clone(),
            }
        };
        at(&world, &kept)
    }

    /// A device by its uid.
    pub fn find(&self, uid: &str) -> Option<Device> {
        self.look(|world, kept| kept.find(world, uid).cloned())
    }

    pub async fn list(&self, list: List, uri: &Uri, headers: &HeaderMap) -> Response<Body> {
        if let Err(refusal) = self.admit(uri, headers).await {
            return *refusal;
        }
        let mut query = parameters(uri);
        let Some((number, max)) = paging(&mut query, self.options.page_max) else {
            return error(StatusCode::BAD_REQUEST, uri);
        };
        // The simulated account has no filters of its own.
        if query.contains_key("filterId") {
            return error(StatusCode::NOT_FOUND, uri);
        }
        let path = uri.path();
        let fault = self
            .shared
            .faults
            .strike(path, u32::try_from(number).unwrap_or(u32::MAX));
        let shown = match fault {
            Some(FaultKind::Repeat) => number.saturating_sub(1),
            _ => number,
        };
        let asked = Asked {
            list: &list,
            page: shown,
            max,
            filters: &query,
        };
        let found = self.look(|world, kept| kept.page(world, &self.options, &asked));
        let Some((items, total)) = found else {
            let missing = error(StatusCode::NOT_FOUND, uri);
            return self.spoilt(fault, missing, uri).await;
        };
        let link = |page: usize| {
            let mut query_text = url::form_urlencoded::Serializer::new(String::new());
            if !self.options.links_drop_filters {
                query_text.extend_pairs(&query);
            }
            query_text.append_pair("max", &max.to_string());
            query_text.append_pair("page", &page.to_string());
            format!("{}{path}?{}", self.base, query_text.finish())
        };
        let more = total > (number + 1).saturating_mul(max);
        let mut page = Page {
            items,
            total,
            next: more.then(|| link(number + 1)),
            details: true,
        };
        if let Some(kind) = &fault {
            page.spoil(kind, &link(number));
        }
        let details = json!({"count": page.items.len(), "totalCount": page.total,
            "prevPageUrl": number.checked_sub(1).map(link), "nextPageUrl": page.next});
        let (array, items) = (list.array(), page.array());
        let body = if page.details {
            format!("{{\"pageDetails\":{details},\"{array}\":{items}}}")
        } else {
            format!("{{\"{array}\":{items}}}")
        };
        self.spoilt(fault, json_text(StatusCode::OK, body), uri)
            .await
    }

    async fn single(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        find: impl FnOnce() -> Option<String>,
    ) -> Response<Body> {
        if let Err(refusal) = self.admit(uri, headers).await {
            return *refusal;
        }
        let fault = self.shared.faults.strike(uri.path(), 0);
        let right = find().map_or_else(
            || error(StatusCode::NOT_FOUND, uri),
            |body| json_text(StatusCode::OK, body),
        );
        self.spoilt(fault, right, uri).await
    }

    pub async fn spoilt(
        &self,
        fault: Option<FaultKind>,
        right: Response<Body>,
        uri: &Uri,
    ) -> Response<Body> {
        let failed = |status| match status {
            StatusCode::TOO_MANY_REQUESTS => self.limited(uri, 60),
            status => error(status, uri),
        };
        match fault {
            Some(kind) => spoil(kind, right, failed).await,
            None => right,
        }
    }
}

/// The vendor's error body (vendors 2.5).
fn error_body(status: StatusCode, uri: &Uri) -> Value {
    json!({"timestamp": 1_716_900_000_000_i64, "status": status.as_u16(),
        "error": status.canonical_reason(), "path": uri.path().trim_start_matches("/api")})
}

pub(super) fn error(status: StatusCode, uri: &Uri) -> Response<Body> {
    answer(status, &error_body(status, uri))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
}

/// Page and size out of the parameters. What happens above the largest size is not written down; here it is the
/// largest.
fn paging(query: &mut BTreeMap<String, String>, largest: usize) -> Option<(usize, usize)> {
    let mut number = |name: &str, default: usize| match query.remove(name) {
        None => Some(default),
        Some(text) => text.parse::<usize>().ok(),
    };
    let (page, max) = (number("page", 0)?, number("max", largest)?);
    (max > 0).then_some((page, max.min(largest)))
}

fn parameters(uri: &Uri) -> BTreeMap<String, String> {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

async fn token(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response<Body> {
    api.shared.count("oauth/token");
    tokio::time::sleep(api.options.latency).await;
    let blocked = api
        .limits
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .blocked();
    if blocked {
        return api.blocked(&uri);
    }
    let right = api
        .tokens
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .grant(bearer(&headers), &form, &api.options);
    let fault = api.shared.faults.strike(uri.path(), 0);
    api.spoilt(fault, right, &uri).await
}

/// Needs no token (vendors 2.3).
async fn status(State(Api(api)): State<Api>, OriginalUri(uri): OriginalUri) -> Response<Body> {
    api.shared.count("system/status");
    let started = api.world.lock().now - chrono::Duration::days(12);
    let body = json!({"version": "2.0.0", "status": "OK", "started": started.to_rfc3339()});
    let fault = api.shared.faults.strike(uri.path(), 0);
    api.spoilt(fault, answer(StatusCode::OK, &body), &uri).await
}

async fn request_rate(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let body = || {
        let used = api
            .limits
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .used();
        let writes: serde_json::Map<String, Value> = WRITES
            .iter()
            .map(|name| {
                (
                    (*name).to_owned(),
                    json!({"limit": WRITE_LIMITS.1, "count": 0}),
                )
            })
            .collect();
        let body = json!({"slidingTimeWindowSizeSeconds": WINDOW.as_secs(), "accountUid": ACCOUNT_UID,
            "accountCount": used, "accountRateLimit": api.options.read_limit,
            "accountCutOffRatio": CUT_OFF_RATIO, "accountWriteRateLimit": WRITE_LIMITS.0,
            "accountWriteCount": 0, "operationWriteStatus": writes});
        Some(body.to_string())
    };
    api.single(&uri, &headers, body).await
}

async fn pagination(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let body = || Some(json!({ "max": api.options.page_max }).to_string());
    api.single(&uri, &headers, body).await
}

async fn account(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let body = || {
        let world = api.world.lock();
        let all = world.devices.len();
        let online = world.devices.iter().filter(|d| is_online(d)).count();
        let status = json!({"numberOfDevices": all, "numberOfOnlineDevices": online,
            "numberOfOfflineDevices": all - online, "numberOfOnDemandDevices": 0,
            "numberOfManagedDevices": all});
        let descriptor = json!({"bilingEmail": "billing@msp.example", "deviceLimit": 250_000,
            "timeZone": "America/New_York"});
        let body = json!({"id": 12_345, "uid": ACCOUNT_UID, "name": "MSP", "currency": "USD",
            "descriptor": descriptor, "devicesStatus": status});
        Some(body.to_string())
    };
    api.single(&uri, &headers, body).await
}

async fn sites(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.list(List::Sites, &uri, &headers).await
}

async fn devices(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.list(List::Devices, &uri, &headers).await
}

async fn site_devices(
    State(Api(api)): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.list(List::SiteDevices(uid), &uri, &headers).await
}

async fn interfaces(
    State(Api(api)): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.list(List::SiteInterfaces(uid), &uri, &headers).await
}

async fn variables(
    State(Api(api)): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.list(List::SiteVariables(uid), &uri, &headers).await
}

/// A bare object, not wrapped (vendors 2.5).
async fn site(
    State(Api(api)): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let find = || api.look(|world, kept| kept.site(world, &uid));
    api.single(&uri, &headers, find).await
}

async fn device(
    State(Api(api)): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    let find = || api.look(|world, kept| kept.device(world, &api.options, &uid));
    api.single(&uri, &headers, find).await
}

async fn elsewhere(
    State(Api(api)): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    match api.admit(&uri, &headers).await {
        Ok(()) => error(StatusCode::NOT_FOUND, &uri),
        Err(refusal) => *refusal,
    }
}
