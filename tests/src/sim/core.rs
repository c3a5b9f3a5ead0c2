//! HiveMatrix Core (contract 6, consumers.md 2): a signing key, its JWKS, tokens.

use std::sync::Arc;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize, PublicKeyComponents},
    signature::KeyPair as _,
};
use axum::{
    Json, Router,
    body::Body,
    http::{Response, StatusCode},
    routing::{get, post},
};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::server::{Server, Shared, answer, base64};

/// Id of Core's signing key.
pub const KEY_ID: &str = "hivematrix-signing-key-1";
/// Issuer of its tokens.
pub const ISSUER: &str = "hivematrix-core";

/// A signing key.
#[derive(Clone)]
pub struct SigningKey {
    encoding: EncodingKey,
    /// The public half as a JWK.
    pub jwk: Value,
    kid: String,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SigningKey").field(&self.kid).finish()
    }
}

impl SigningKey {
    /// Makes a key.
    pub fn generate(kid: &str) -> anyhow::Result<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)?;
        let parts: PublicKeyComponents<Vec<u8>> = pair.public_key().into();
        let jwk = json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
            "n": url_safe(&parts.n), "e": url_safe(&parts.e)});
        // jsonwebtoken takes the key alone (PKCS#1), which PKCS#8 wraps.
        let encoding = EncodingKey::from_rsa_pem(pem(der.as_ref()).as_bytes())?;
        Ok(Self {
            encoding,
            jwk,
            kid: kid.to_owned(),
        })
    }

    /// Signs claims.
    pub fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        Ok(encode(&header, claims, &self.encoding)?)
    }

    /// A user's token.
    pub fn user(&self, level: &str, email: &str) -> anyhow::Result<String> {
        self.sign(&user_claims(level, email))
    }

    /// A service's token.
    pub fn service(&self, caller: &str, target: &str) -> anyhow::Result<String> {
        let now = now();
        self.sign(
            &json!({"iss": ISSUER, "sub": format!("service:{caller}"), "calling_service": caller,
            "target_service": target, "type": "service", "iat": now, "exp": now + 300}),
        )
    }
}

/// The claims of a user's token.
pub fn user_claims(level: &str, email: &str) -> Value {
    let now = now();
    json!({"iss": ISSUER, "sub": format!("kc-{email}"), "jti": "session-1", "name": "Test User", "email": email,
        "preferred_username": email, "permission_level": level, "groups": [], "iat": now, "exp": now + 3600})
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens are judged by the system's clock"
)]
fn now() -> i64 {
    Utc::now().timestamp()
}

/// The stand-in.
#[derive(Debug)]
pub struct Core {
    server: Server,
    /// Its key.
    pub key: Arc<SigningKey>,
}

impl Core {
    /// Starts it on a free loopback port.
    pub async fn start() -> anyhow::Result<Self> {
        let key = Arc::new(SigningKey::generate(KEY_ID)?);
        let (jwk, service, user) = (key.jwk.clone(), key.clone(), key.clone());
        let shared = Arc::new(Shared::default());
        let counter = shared.clone();
        let jwks = move || {
            counter.count("jwks");
            std::future::ready(Json(json!({ "keys": [jwk] })))
        };
        let server = Server::start(shared, |_| {
            Router::new()
                .route("/.well-known/jwks.json", get(jwks))
                .route(
                    "/health",
                    get(|| async { Json(json!({"status": "healthy", "service": "core"})) }),
                )
                .route(
                    "/service-token",
                    post(move |Json(body)| std::future::ready(service_token(&service, &body))),
                )
                .route(
                    "/api/token",
                    post(move |Json(body)| std::future::ready(user_token(&user, &body))),
                )
        })
        .await?;
        Ok(Self { server, key })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// How often its keys were fetched.
    pub fn key_fetches(&self) -> u64 {
        self.server.shared.calls("jwks")
    }
}

fn named(body: &Value, name: &str) -> Option<String> {
    body.get(name)?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn signed(token: anyhow::Result<String>) -> Response<Body> {
    match token {
        Ok(token) => answer(StatusCode::OK, &json!({ "token": token })),
        Err(error) => answer(
            StatusCode::INTERNAL_SERVER_ERROR,
            &json!({"error": error.to_string()}),
        ),
    }
}

fn service_token(key: &SigningKey, body: &Value) -> Response<Body> {
    match (
        named(body, "calling_service"),
        named(body, "target_service"),
    ) {
        (Some(caller), Some(target)) => signed(key.service(&caller, &target)),
        _ => answer(
            StatusCode::BAD_REQUEST,
            &json!({"error": "calling_service and target_service are required"}),
        ),
    }
}

/// The seed's way to a token; the real Core lacks it (consumers.md 2). Demo only: any password will do.
fn user_token(key: &SigningKey, body: &Value) -> Response<Body> {
    match (named(body, "username"), named(body, "password")) {
        (Some(name), Some(_)) => signed(key.user("admin", &format!("{name}@msp.example"))),
        _ => answer(
            StatusCode::UNAUTHORIZED,
            &json!({"error": "username and password are required"}),
        ),
    }
}

fn pem(der: &[u8]) -> String {
    let text = base64(der, *b"+/", true);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

fn url_safe(bytes: &[u8]) -> String {
    base64(bytes, *b"-_", false)
}
