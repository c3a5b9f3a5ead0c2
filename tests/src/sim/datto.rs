//! Datto RMM (upstreams 2): a token by password grant, lists by zero-based pages in an envelope, one account-wide
//! limit that ends in a block.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Form, Router,
    body::Body,
    extract::{OriginalUri, Path, Query, State},
    http::{HeaderMap, Response, StatusCode, header},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    SharedWorld,
    fault::Faults,
    server::{Listing, Server, Shared, answer, basic, raw, spoil},
    world::{Device, Site},
};

/// The key that the simulator accepts.
pub const API_KEY: &str = "sim-datto-key";
/// Its secret.
pub const API_SECRET: &str = "sim-datto-secret";

/// How the simulated account behaves; the switches of upstreams 6.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whether the limit of 600 calls in 60 seconds is enforced.
    pub limits: bool,
    /// The account-wide device list lacks every third device (trap 39).
    pub account_list_lacks_third: bool,
    /// Devices come without `udf`, as build 235 documents (trap 55).
    pub without_udf: bool,
    /// Status for bad keys: 400 or 401.
    pub bad_credentials: u16,
    /// Added to every answer.
    pub latency: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: true,
            account_list_lacks_third: false,
            without_udf: false,
            bad_credentials: 400,
            latency: Duration::ZERO,
        }
    }
}

/// The simulator.
#[derive(Debug)]
pub struct Datto {
    server: Server,
    grants: Arc<Mutex<Grants>>,
}

#[derive(Debug, Default)]
struct Grants {
    valid: Option<String>,
    issued: u32,
    recent: VecDeque<Instant>,
    limited: u32,
    blocked_until: Option<Instant>,
}

#[derive(Clone)]
struct Api {
    world: SharedWorld,
    options: Options,
    shared: Arc<Shared>,
    base: String,
    grants: Arc<Mutex<Grants>>,
}

impl Datto {
    /// Starts it on a free loopback port.
    pub async fn start(world: SharedWorld, options: Options) -> anyhow::Result<Self> {
        let (shared, grants) = (Arc::new(Shared::default()), Arc::new(Mutex::default()));
        let (state, known) = (shared.clone(), grants.clone());
        let server = Server::start(shared, |base| {
            let api = Api {
                world,
                options,
                shared: state,
                base: base.to_owned(),
                grants: known,
            };
            Router::new()
                .route("/auth/oauth/token", post(token))
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
                .route("/api/v2/device/{uid}", get(device))
                .with_state(api)
        })
        .await?;
        Ok(Self { server, grants })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Its faults.
    pub fn faults(&self) -> &Faults {
        &self.server.shared.faults
    }

    /// Calls so far to resources that start with `prefix`; all with `""`.
    pub fn calls(&self, prefix: &str) -> u64 {
        self.server.shared.calls(prefix)
    }

    /// Counts from 0 again.
    pub fn reset_calls(&self) {
        self.server.shared.reset();
    }

    /// Makes the token that is out invalid, as the vendor may at any time.
    pub fn revoke_token(&self) {
        self.grants
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .valid = None;
    }
}

type Refusal = Box<Response<Body>>;

impl Api {
    /// Token, block, limit; then counts the call.
    async fn admit(&self, headers: &HeaderMap, uri: &str) -> Result<(), Refusal> {
        let path = uri.split('?').next().unwrap_or_default();
        self.shared.count(path.trim_start_matches("/api/v2/"));
        tokio::time::sleep(self.options.latency).await;
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        if self.options.limits {
            let now = Instant::now();
            if grants.blocked_until.is_some_and(|until| until > now) {
                return Err(Box::new(raw(
                    StatusCode::FORBIDDEN,
                    "text/html",
                    "<html>blocked</html>".into(),
                )));
            }
            while grants
                .recent
                .front()
                .is_some_and(|at| at.elapsed() > Duration::from_secs(60))
            {
                grants.recent.pop_front();
            }
            grants.recent.push_back(now);
            if grants.recent.len() > 600 {
                grants.limited += 1;
                if grants.limited > 20 {
                    grants.blocked_until = Some(now + Duration::from_secs(300));
                }
                return Err(Box::new(raw(
                    StatusCode::TOO_MANY_REQUESTS,
                    "text/plain",
                    String::new(),
                )));
            }
            grants.limited = 0;
        }
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let valid = grants.valid.as_ref().map(|token| format!("Bearer {token}"));
        if valid.is_none() || given != valid.as_deref() {
            return Err(Box::new(error(StatusCode::UNAUTHORIZED, path)));
        }
        Ok(())
    }

    async fn list(
        &self,
        uri: &str,
        query: &HashMap<String, String>,
        headers: &HeaderMap,
        array: &'static str,
        all: impl FnOnce(&Self) -> Option<Vec<Value>>,
    ) -> Response<Body> {
        if let Err(refusal) = self.admit(headers, uri).await {
            return *refusal;
        }
        let path = uri.split('?').next().unwrap_or_default();
        let Some(all) = all(self) else {
            return error(StatusCode::NOT_FOUND, path);
        };
        let number = |name: &str, default: usize| {
            query
                .get(name)
                .and_then(|n| n.parse().ok())
                .unwrap_or(default)
        };
        let (page, max) = (number("page", 0), number("max", 250).clamp(1, 250));
        let items: Vec<Value> = all.iter().skip(page * max).take(max).cloned().collect();
        let link = |page: usize| format!("{}{path}?max={max}&page={page}", self.base);
        let next = (all.len() > (page + 1) * max).then(|| link(page + 1));
        let mut listing = Listing { items, next };
        let mut total = all.len();
        let fault = self
            .shared
            .faults
            .strike(path, u32::try_from(page).unwrap_or(u32::MAX));
        if let Some(kind) = fault {
            if kind == super::fault::Kind::EmptyList {
                total = 0;
            }
            if let Some(response) = spoil(kind, &mut listing, &link(page)).await {
                return response;
            }
        }
        let details = json!({
            "count": listing.items.len(), "totalCount": total,
            "prevPageUrl": page.checked_sub(1).map(link), "nextPageUrl": listing.next,
        });
        answer(
            StatusCode::OK,
            &json!({ "pageDetails": details, array: listing.items }),
        )
    }

    async fn single(
        &self,
        uri: &str,
        headers: &HeaderMap,
        find: impl FnOnce(&Self) -> Option<Value>,
    ) -> Response<Body> {
        if let Err(refusal) = self.admit(headers, uri).await {
            return *refusal;
        }
        if let Some(kind) = self.shared.faults.strike(uri, 0) {
            let mut nothing = Listing {
                items: Vec::new(),
                next: None,
            };
            if let Some(response) = spoil(kind, &mut nothing, "").await {
                return response;
            }
        }
        find(self).map_or_else(
            || error(StatusCode::NOT_FOUND, uri),
            |body| answer(StatusCode::OK, &body),
        )
    }

    fn device_as_sent(&self, device: &Device) -> Value {
        let mut body = device.body.clone();
        if self.options.without_udf {
            body.remove("udf");
        }
        body.insert("siteUid".into(), device.site.clone().into());
        Value::Object(body)
    }
}

fn site_as_sent(site: &Site, devices: u64) -> Value {
    let mut body = site.body.clone();
    let count = site.claimed_count.unwrap_or(devices);
    body.insert(
        "devicesStatus".into(),
        json!({"numberOfDevices": count, "numberOfOnlineDevices": 0, "numberOfOfflineDevices": count}),
    );
    Value::Object(body)
}

/// The vendor's error body (upstreams 2.5).
fn error(status: StatusCode, path: &str) -> Response<Body> {
    let body = json!({"timestamp": 1_716_900_000_000_i64, "status": status.as_u16(),
        "error": status.canonical_reason(), "path": path});
    answer(status, &body)
}

async fn token(
    State(api): State<Api>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response<Body> {
    api.shared.count("oauth/token");
    let client = basic("public-client", "public");
    if headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        != Some(client.as_str())
    {
        return answer(
            StatusCode::UNAUTHORIZED,
            &json!({"error": "invalid_client"}),
        );
    }
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    if (field("grant_type"), field("username"), field("password"))
        != ("password", API_KEY, API_SECRET)
    {
        let status =
            StatusCode::from_u16(api.options.bad_credentials).unwrap_or(StatusCode::BAD_REQUEST);
        return answer(
            status,
            &json!({"error": "invalid_grant", "error_description": "Bad credentials"}),
        );
    }
    let mut grants = api.grants.lock().unwrap_or_else(PoisonError::into_inner);
    grants.issued += 1;
    let token = format!("sim-token-{}", grants.issued);
    grants.valid = Some(token.clone());
    answer(
        StatusCode::OK,
        &json!({"access_token": token, "token_type": "bearer", "expires_in": 360_000, "scope": "default", "jti": "x"}),
    )
}

type Params = Query<HashMap<String, String>>;

async fn account(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.single(uri.path(), &headers, |api| {
        let devices = api.world.lock().devices.len();
        Some(
            json!({"id": 1, "uid": "pin000001", "name": "MSP", "currency": "USD",
            "devicesStatus": {"numberOfDevices": devices}}),
        )
    })
    .await
}

async fn sites(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    Query(query): Params,
    headers: HeaderMap,
) -> Response<Body> {
    api.list(&uri.to_string(), &query, &headers, "sites", |api| {
        let world = api.world.lock();
        let mut counts: HashMap<&str, u64> = HashMap::new();
        for device in &world.devices {
            *counts.entry(device.site.as_str()).or_default() += 1;
        }
        let count = |site: &Site| counts.get(site.uid.as_str()).copied().unwrap_or(0);
        Some(
            world
                .sites
                .iter()
                .map(|site| site_as_sent(site, count(site)))
                .collect(),
        )
    })
    .await
}

async fn devices(
    State(api): State<Api>,
    OriginalUri(uri): OriginalUri,
    Query(query): Params,
    headers: HeaderMap,
) -> Response<Body> {
    let window = (query
        .get("page")
        .and_then(|n| n.parse::<usize>().ok())
        .unwrap_or(0))
        * 250;
    api.list(&uri.to_string(), &query, &headers, "devices", |api| {
        let world = api.world.lock();
        let shown = world
            .devices
            .iter()
            .enumerate()
            .filter(|(n, _)| !(api.options.account_list_lacks_third && n % 3 == 2));
        // Only the page asked for is dressed: 40,000 devices a page would take longer than the sync.
        Some(
            shown
                .enumerate()
                .map(|(at, (_, device))| {
                    let near = at >= window && at < window + 250;
                    if near {
                        api.device_as_sent(device)
                    } else {
                        Value::Null
                    }
                })
                .collect(),
        )
    })
    .await
}

async fn site(
    State(api): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.single(uri.path(), &headers, |api| {
        let world = api.world.lock();
        let count = world
            .devices
            .iter()
            .filter(|device| device.site == uid)
            .count() as u64;
        world
            .sites
            .iter()
            .find(|site| site.uid == uid)
            .map(|site| site_as_sent(site, count))
    })
    .await
}

/// What one site has, if there is such a site.
fn of_site(api: &Api, uid: &str, map: impl Fn(&Device) -> Value) -> Option<Vec<Value>> {
    let world = api.world.lock();
    world.sites.iter().find(|site| site.uid == uid)?;
    Some(
        world
            .devices
            .iter()
            .filter(|device| device.site == uid)
            .map(map)
            .collect(),
    )
}

async fn site_devices(
    State(api): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    Query(query): Params,
    headers: HeaderMap,
) -> Response<Body> {
    let all = |api: &Api| of_site(api, &uid, |device| api.device_as_sent(device));
    api.list(&uri.to_string(), &query, &headers, "devices", all)
        .await
}

async fn interfaces(
    State(api): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    Query(query): Params,
    headers: HeaderMap,
) -> Response<Body> {
    let nics = |device: &Device| match &device.mac {
        Some(mac) => {
            json!([{"instance": "Ethernet", "ipv4": device.body["intIpAddress"], "macAddress": mac}])
        }
        None => Value::Null,
    };
    let all = |api: &Api| {
        of_site(api, &uid, |device| {
            json!({"id": device.body["id"], "uid": device.body["uid"], "siteUid": device.site,
                "hostname": device.body["hostname"], "nics": nics(device)})
        })
    };
    api.list(&uri.to_string(), &query, &headers, "devices", all)
        .await
}

async fn variables(
    State(api): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    Query(query): Params,
    headers: HeaderMap,
) -> Response<Body> {
    let all = |api: &Api| {
        let world = api.world.lock();
        Some(
            world
                .sites
                .iter()
                .find(|site| site.uid == uid)?
                .variables
                .clone(),
        )
    };
    api.list(&uri.to_string(), &query, &headers, "variables", all)
        .await
}

async fn device(
    State(api): State<Api>,
    Path(uid): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response<Body> {
    api.single(uri.path(), &headers, |api| {
        let world = api.world.lock();
        let found = world
            .devices
            .iter()
            .find(|device| device.body["uid"] == uid.as_str())?;
        Some(api.device_as_sent(found))
    })
    .await
}
