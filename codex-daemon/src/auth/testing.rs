//! A stand-in for Core: signs tokens, serves its keys, can be made to fail.

use std::sync::{
    Arc, LazyLock, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use aws_lc_rs::{encoding::AsDer as _, rsa::KeySize, signature::RsaKeyPair};
use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Two keys for the whole test binary: making one takes a while.
pub(crate) static KEYS: LazyLock<[EncodingKey; 2]> = LazyLock::new(|| [key(), key()]);

fn key() -> EncodingKey {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // A 2048-bit key in PKCS#8 is a head of 26 bytes and the PKCS#1 key that the token library wants.
    EncodingKey::from_rsa_der(&pair.as_der().unwrap().as_ref()[26..])
}

/// A Core on a port of its own.
#[derive(Clone)]
pub(crate) struct Core {
    url: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Key ids with the index of their key; `None` when Core is out of order.
    served: Mutex<Option<Vec<(&'static str, usize)>>>,
    asked: AtomicUsize,
    /// Whether nothing is answered.
    silent: AtomicBool,
}

impl Core {
    /// A Core that serves the first key as `k0`.
    pub(crate) async fn start() -> Self {
        let inner = Arc::new(Inner::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/.well-known/jwks.json", get(jwks))
            .route("/health", get(|| async { "{}" }))
            .with_state(inner.clone());
        tokio::spawn(async move { serve(listener, router).await });
        let core = Self { url, inner };
        core.serve_keys(&[("k0", 0)]);
        core
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn serve_keys(&self, keys: &[(&'static str, usize)]) {
        *self.inner.served.lock().unwrap() = Some(keys.to_vec());
    }

    pub(crate) fn fail(&self) {
        *self.inner.served.lock().unwrap() = None;
    }

    /// From now on it takes calls and does not answer.
    pub(crate) fn fall_silent(&self) {
        self.inner.silent.store(true, Ordering::SeqCst);
    }

    /// How often the keys were asked for.
    pub(crate) fn asked(&self) -> usize {
        self.inner.asked.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, router: Router) {
    let sources = crate::config::Sources::new("/nonexistent");
    let server = crate::config::Config::load(&sources).unwrap().server;
    crate::http::server::serve(
        listener,
        router,
        server,
        tokio_util::sync::CancellationToken::new(),
    )
    .await;
}

async fn jwks(State(core): State<Arc<Inner>>) -> Result<Json<Value>, StatusCode> {
    core.asked.fetch_add(1, Ordering::SeqCst);
    if core.silent.load(Ordering::SeqCst) {
        std::future::pending::<()>().await;
    }
    let served = core.served.lock().unwrap().clone();
    let keys = served.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?;
    let mut keys: Vec<Value> = keys
        .iter()
        .map(|(kid, index)| public(kid, *index))
        .collect();
    // Something that is none of ours must not spoil the rest.
    keys.push(json!({"kty": "unheard-of", "kid": "x"}));
    Ok(Json(json!({"keys": keys})))
}

fn public(kid: &str, index: usize) -> Value {
    let mut jwk = Jwk::from_encoding_key(&KEYS[index], Algorithm::RS256).unwrap();
    jwk.common.key_id = Some(kid.to_owned());
    serde_json::to_value(jwk).unwrap()
}

/// Claims of a user's token that runs until 2100, with changes.
pub(crate) fn user(changes: &Value) -> Value {
    merged(
        json!({
            "iss": "hivematrix-core", "sub": "u-1", "jti": "s", "name": "Ann", "email": "a@x.example",
            "preferred_username": "ann", "permission_level": "admin", "groups": [],
            "iat": 1, "exp": 4_102_444_800_u64,
        }),
        changes,
    )
}

/// Claims of a service token that runs until 2100, with changes.
pub(crate) fn service(changes: &Value) -> Value {
    merged(
        json!({
            "iss": "hivematrix-core", "sub": "service:beacon", "calling_service": "beacon",
            "target_service": "codex", "type": "service", "iat": 1, "exp": 4_102_444_800_u64,
        }),
        changes,
    )
}

fn merged(mut claims: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            _ => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// A token signed with one of the keys under a key id.
pub(crate) fn token(kid: &str, key: usize, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, claims, &KEYS[key]).unwrap()
}
