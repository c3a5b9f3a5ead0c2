//! The calls.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Form, Router,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, Response, StatusCode, Uri, header},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    options::{Access, MASTER, Options},
    token::{Holder, Tokens},
};
use crate::sim::{
    SharedWorld, World,
    fault::FaultKind,
    reply::{Page, answer, json_text, spoil},
    server::Shared,
};

/// Members of a user that the brief form has (vendors 3).
const BRIEF: [&str; 9] = [
    "id",
    "username",
    "email",
    "firstName",
    "lastName",
    "emailVerified",
    "createdTimestamp",
    "enabled",
    "federationLink",
];

type Parameters = Query<HashMap<String, String>>;

#[derive(Clone)]
pub(super) struct Api(Arc<Inner>);

struct Inner {
    world: SharedWorld,
    options: Arc<Mutex<Options>>,
    shared: Arc<Shared>,
    tokens: Arc<Mutex<Tokens>>,
}

pub(super) fn router(
    world: SharedWorld,
    prefix: &str,
    options: Arc<Mutex<Options>>,
    shared: Arc<Shared>,
    tokens: Arc<Mutex<Tokens>>,
) -> Router {
    let api = Api(Arc::new(Inner {
        world,
        options,
        shared,
        tokens,
    }));
    let routes = Router::new()
        .route("/realms/{realm}/protocol/openid-connect/token", post(token))
        .route("/admin/realms/{realm}/users", get(users))
        .route("/admin/realms/{realm}/users/count", get(count))
        .route("/admin/realms/{realm}/users/{id}", get(user));
    let routes = match prefix {
        "" => routes,
        prefix => Router::new().nest(prefix, routes),
    };
    routes.fallback(elsewhere).with_state(api)
}

/// An answer instead of the one that was asked for.
type Refusal = Box<Response<Body>>;

impl Inner {
    fn options(&self) -> Options {
        let options = self.options.lock().unwrap_or_else(PoisonError::into_inner);
        options.clone()
    }

    /// Waits, counts, and lets a call of the admin API in: 401 without a good token, 404 for a realm that is
    /// not there, 403 without roles in it.
    async fn admit(
        &self,
        realm: &str,
        resource: &str,
        headers: &HeaderMap,
    ) -> Result<(Options, Access), Refusal> {
        let options = self.options();
        tokio::time::sleep(options.latency).await;
        self.shared.count(resource);
        let header = headers.get(header::AUTHORIZATION);
        let header = header.and_then(|value| value.to_str().ok());
        let holder = self
            .tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .holder(header, options.clock.elapsed());
        let refuse = |status| Err(Box::new(error(status, "Realm not found.")));
        let access = match holder {
            None => return refuse(StatusCode::UNAUTHORIZED),
            Some(Holder::Admin) => options.admin_access,
            // A client is nobody in another realm.
            Some(Holder::Client) if realm != options.realm => Access::None,
            Some(Holder::Client) => options.client_access,
        };
        if realm != options.realm && realm != MASTER {
            return refuse(StatusCode::NOT_FOUND);
        }
        match access {
            Access::None => refuse(StatusCode::FORBIDDEN),
            access => Ok((options, access)),
        }
    }

    /// Users that a list of the realm shows, by name.
    fn listed(&self, realm: &str, options: &Options, access: Access) -> Vec<Value> {
        if realm != options.realm || access != Access::View {
            return Vec::new();
        }
        let world: &World = &self.world.lock();
        let shown = |user: &&Value| {
            options.lists_service_accounts || user.get("serviceAccountClientId").is_none()
        };
        let mut users: Vec<Value> = world.users.iter().filter(shown).cloned().collect();
        users.sort_by(|a, b| a["username"].as_str().cmp(&b["username"].as_str()));
        users
    }
}

/// The server's answer for a status (vendors 3); `missing` is what is not there.
fn error(status: StatusCode, missing: &str) -> Response<Body> {
    let text = match status {
        StatusCode::NOT_FOUND => missing.to_owned(),
        StatusCode::INTERNAL_SERVER_ERROR => "unknown_error".to_owned(),
        status => format!("HTTP {status}"),
    };
    answer(status, &json!({ "error": text }))
}

async fn spoilt(fault: Option<FaultKind>, right: Response<Body>, missing: &str) -> Response<Body> {
    match fault {
        Some(kind) => spoil(kind, right, |status| error(status, missing)).await,
        None => right,
    }
}

async fn token(
    State(Api(api)): State<Api>,
    Path(realm): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response<Body> {
    let options = api.options();
    tokio::time::sleep(options.latency).await;
    api.shared.count("token");
    let right = if realm == options.realm || realm == MASTER {
        let mut tokens = api.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.grant(&realm, &form, &options)
    } else {
        error(StatusCode::NOT_FOUND, "Realm does not exist")
    };
    let path = format!("/realms/{realm}/protocol/openid-connect/token");
    let fault = api.shared.faults.strike(&path, 0);
    spoilt(fault, right, "Realm does not exist").await
}

/// A page of users: a bare array without total or link. Pages are counted from 0 by their offset.
async fn users(
    State(Api(api)): State<Api>,
    Path(realm): Path<String>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response<Body> {
    let (options, access) = match api.admit(&realm, "users", &headers).await {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    let number = |name: &str, default: usize| {
        let given = query.get(name).map(|text| text.parse::<usize>());
        given.transpose().map(|given| given.unwrap_or(default))
    };
    let (Ok(first), Ok(max)) = (number("first", 0), number("max", options.page_default)) else {
        return error(StatusCode::NOT_FOUND, "HTTP 404 Not Found");
    };
    let page = u32::try_from(first / max.max(1)).unwrap_or(u32::MAX);
    let path = format!("/admin/realms/{realm}/users");
    let fault = api.shared.faults.strike(&path, page);
    let first = match fault {
        Some(FaultKind::Repeat) => first.saturating_sub(max),
        _ => first,
    };
    let brief = query.get("briefRepresentation").map(String::as_str) == Some("true");
    let items: Vec<Arc<str>> = api
        .listed(&realm, &options, access)
        .into_iter()
        .skip(first)
        .take(max)
        .map(|user| Arc::from(spelled(user, brief).to_string()))
        .collect();
    let mut page = Page {
        total: items.len(),
        items,
        next: None,
        details: false,
    };
    let body = match &fault {
        Some(kind) => {
            page.spoil(kind, &path);
            page.array()
        }
        None => page.array(),
    };
    spoilt(fault, json_text(StatusCode::OK, body), "Realm not found.").await
}

fn spelled(mut user: Value, brief: bool) -> Value {
    if let Some(members) = user.as_object_mut().filter(|_| brief) {
        members.retain(|name, _| BRIEF.contains(&name.as_str()));
    }
    user
}

/// All users, service accounts too: more than a list shows (vendors 3).
async fn count(
    State(Api(api)): State<Api>,
    Path(realm): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    match api.admit(&realm, "users/count", &headers).await {
        Ok((options, _)) if realm == options.realm => {
            answer(StatusCode::OK, &api.world.lock().users.len().into())
        }
        Ok(_) => answer(StatusCode::OK, &0.into()),
        Err(refusal) => *refusal,
    }
}

async fn user(
    State(Api(api)): State<Api>,
    Path((realm, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response<Body> {
    let (options, access) = match api.admit(&realm, &format!("users/{id}"), &headers).await {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    let found = || {
        let world = api.world.lock();
        let user = world.users.iter().find(|user| user["id"] == id.as_str())?;
        Some(answer(StatusCode::OK, user))
    };
    let missing = "User not found";
    let right = match access {
        Access::View if realm == options.realm => {
            found().unwrap_or_else(|| error(StatusCode::NOT_FOUND, missing))
        }
        Access::View => error(StatusCode::NOT_FOUND, missing),
        Access::Query | Access::None => error(StatusCode::FORBIDDEN, missing),
    };
    let path = format!("/admin/realms/{realm}/users/{id}");
    let fault = api.shared.faults.strike(&path, 0);
    spoilt(fault, right, missing).await
}

/// A path without the prefix that this server has, or with one that it has not (trap 67).
async fn elsewhere(State(Api(api)): State<Api>, uri: Uri) -> Response<Body> {
    api.shared.count(uri.path());
    let text = format!("RESTEASY003210: Could not find resource for full path: {uri}");
    error(StatusCode::NOT_FOUND, &text)
}
