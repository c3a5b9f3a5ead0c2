//! HiveMatrix Core (contract 6, consumers 2): a signing key, its JWKS, tokens.

mod key;
#[cfg(test)]
mod tests;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use axum::{
    Json, Router,
    body::Body,
    http::{Response, StatusCode},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub use key::{SigningKey, service_claims, user_claims};

use super::{
    reply::answer,
    server::{Server, Shared},
};

/// Id of Core's signing key.
pub const KEY_ID: &str = "hivematrix-signing-key-1";
/// Issuer of its tokens.
pub const ISSUER: &str = "hivematrix-core";
/// The service that service tokens are for unless one says otherwise.
const TARGET: &str = "codex";
/// Seconds that a service token is good for unless a test sets another.
const LIFE: i64 = 300;

/// The stand-in.
#[derive(Debug)]
pub struct Core {
    server: Server,
    /// Its key.
    pub key: Arc<SigningKey>,
    published: Arc<Mutex<Vec<Value>>>,
    revoked: Arc<Mutex<Vec<String>>>,
    silent: Arc<AtomicBool>,
    life: Arc<AtomicI64>,
    calls: Arc<Shared>,
}

impl Core {
    /// Starts it on a free loopback port.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await?)
    }

    /// The same on a port of one's choice.
    pub fn start_on(listener: TcpListener) -> anyhow::Result<Self> {
        let key = Arc::new(SigningKey::generate(KEY_ID)?);
        let published = Arc::new(Mutex::new(vec![key.jwk.clone()]));
        let (keys, service, user) = (published.clone(), key.clone(), key.clone());
        let shared = Arc::new(Shared::default());
        let (counter, given, calls) = (shared.clone(), shared.clone(), shared.clone());
        let jwks = move || {
            counter.count("jwks");
            let keys = keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
            std::future::ready(Json(json!({ "keys": keys })))
        };
        let revoked: Arc<Mutex<Vec<String>>> = Arc::default();
        let over = revoked.clone();
        let silent: Arc<AtomicBool> = Arc::default();
        let (mute, dumb, asked) = (silent.clone(), silent.clone(), shared.clone());
        let validate = move |body: String| {
            asked.count("validate");
            let over = over.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mute = mute.clone();
            async move {
                unless(&mute).await;
                validated(&over, &body)
            }
        };
        let life = Arc::new(AtomicI64::new(LIFE));
        let lives = life.clone();
        let server = Server::start_on(listener, shared, |_| {
            Router::new()
                .route("/.well-known/jwks.json", get(jwks))
                .route("/api/token/validate", post(validate))
                .route(
                    "/health",
                    get(|| async { Json(json!({"status": "healthy", "service": "core"})) }),
                )
                .route(
                    "/service-token",
                    post(move |body: String| {
                        given.count("service-token");
                        async move {
                            unless(&dumb).await;
                            service_token(&service, &body, lives.load(Ordering::Acquire))
                        }
                    }),
                )
                .route(
                    "/api/token",
                    post(move |body: String| async move { user_token(&user, &body) }),
                )
        })?;
        Ok(Self {
            server,
            key,
            published,
            revoked,
            silent,
            life,
            calls,
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// How often its keys were fetched.
    pub fn key_fetches(&self) -> u64 {
        self.server.shared.calls("jwks")
    }

    /// Publishes another key, as a Core that changes keys does.
    pub fn publish(&self, key: &SigningKey) {
        self.published
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(key.jwk.clone());
    }

    /// How often a resource was asked for: `jwks`, `service-token`, `validate`.
    pub fn asked(&self, resource: &str) -> u64 {
        self.calls.calls(resource)
    }

    /// Ends the session of a user's token.
    pub fn revoke(&self, token: &str) {
        let mut revoked = self.revoked.lock().unwrap_or_else(PoisonError::into_inner);
        revoked.push(token.to_owned());
    }

    /// Core takes questions about tokens and never answers them, until a test ends that.
    pub fn hush(&self, silent: bool) {
        self.silent.store(silent, Ordering::Release);
    }

    /// How many seconds the service tokens are good for that Core gives from now on.
    pub fn tokens_live(&self, seconds: i64) {
        self.life.store(seconds, Ordering::Release);
    }

    /// Core is down: connections are refused.
    pub async fn stop(&mut self) {
        self.server.stop().await;
    }

    /// Core is up again, at the same address.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.server.start_again().await
    }

    /// A user's token.
    pub fn user_token(&self, level: &str, email: &str) -> String {
        self.token_with(&user_claims(level, email))
    }

    /// A service's token for Codex.
    pub fn service_token(&self, caller: &str) -> String {
        self.token_with(&service_claims(caller, TARGET))
    }

    /// A genuine token with any claims.
    pub fn token_with(&self, claims: &Value) -> String {
        self.key.sign(claims).expect("a generated key signs")
    }

    /// A token that names Core's key and is signed by another.
    pub fn token_other_key(&self, claims: &Value) -> String {
        let other = SigningKey::generate(KEY_ID).expect("a key can be generated");
        other.sign(claims).expect("a generated key signs")
    }

    /// A token without a signature.
    pub fn token_alg_none(&self, claims: &Value) -> String {
        self.key.alg_none(claims)
    }

    /// A token whose shared secret is Core's public key.
    pub fn token_hs256(&self, claims: &Value) -> String {
        self.key.hs256(claims).expect("any secret signs")
    }
}

/// Goes on unless Core is silent.
async fn unless(silent: &AtomicBool) {
    if silent.load(Ordering::Acquire) {
        std::future::pending::<()>().await;
    }
}

/// Whether the session of a token goes on (consumers 2).
fn validated(revoked: &[String], body: &str) -> Response<Body> {
    let body = serde_json::from_str::<Value>(body).unwrap_or_default();
    match member(&body, "token") {
        None => failed(StatusCode::BAD_REQUEST, "No token provided"),
        Some(token) if revoked.iter().any(|over| over == token) => answer(
            StatusCode::UNAUTHORIZED,
            &json!({"valid": false, "error": "Session expired or revoked"}),
        ),
        Some(_) => answer(StatusCode::OK, &json!({"valid": true})),
    }
}

fn member<'b>(body: &'b Value, name: &str) -> Option<&'b str> {
    body.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn signed(token: anyhow::Result<String>) -> Response<Body> {
    match token {
        Ok(token) => answer(StatusCode::OK, &json!({ "token": token })),
        Err(error) => failed(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn failed(status: StatusCode, text: &str) -> Response<Body> {
    answer(status, &json!({ "error": text }))
}

/// Names are lower-case letters, digits, `_` and `-`, at most 50 of them.
fn is_service_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    name.len() <= 50 && name.chars().all(allowed)
}

fn service_token(key: &SigningKey, body: &str, life: i64) -> Response<Body> {
    // consumers 2: a body that is no JSON is a 500 there.
    let Ok(body) = serde_json::from_str::<Value>(body) else {
        return failed(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error");
    };
    let names = (
        member(&body, "calling_service"),
        member(&body, "target_service"),
    );
    let (Some(caller), Some(target)) = names else {
        let text = "calling_service and target_service are required";
        return failed(StatusCode::BAD_REQUEST, text);
    };
    if !is_service_name(caller) || !is_service_name(target) {
        return failed(StatusCode::BAD_REQUEST, "Invalid service name format");
    }
    let mut claims = service_claims(caller, target);
    claims["exp"] = json!(claims["iat"].as_i64().unwrap_or_default() + life);
    signed(key.sign(&claims))
}

/// The users of [`user_token`], each named like the level of the token.
const USERS: [&str; 4] = ["admin", "technician", "billing", "client"];

/// The seed's way to a token, which the real Core lacks (consumers 2): for the demo only. Any password will do.
fn user_token(key: &SigningKey, body: &str) -> Response<Body> {
    let body = serde_json::from_str::<Value>(body).unwrap_or_default();
    match (member(&body, "username"), member(&body, "password")) {
        (Some(name), Some(_)) if USERS.contains(&name) => {
            signed(key.user(name, &format!("{name}@msp.example")))
        }
        (Some(name), Some(_)) => {
            let users = USERS.join(", ");
            let text = format!("there is no user `{name}`; the users are {users}");
            failed(StatusCode::UNAUTHORIZED, &text)
        }
        _ => failed(
            StatusCode::UNAUTHORIZED,
            "username and password are required",
        ),
    }
}
