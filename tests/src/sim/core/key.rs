//! Signing keys, and tokens good and bad.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize, PublicKeyComponents},
    signature::KeyPair as _,
};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::ISSUER;
use crate::sim::encode::{base64, url_safe};

/// A signing key.
#[derive(Clone)]
pub struct SigningKey {
    encoding: EncodingKey,
    /// The public half as a JWK.
    pub jwk: Value,
    /// The public half as PEM, which everybody can know.
    pub public_pem: String,
    kid: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.kid).finish()
    }
}

impl SigningKey {
    /// Makes a key.
    pub fn generate(kid: &str) -> anyhow::Result<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair)?;
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key())?;
        let parts: PublicKeyComponents<Vec<u8>> = pair.public_key().into();
        let jwk = json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
            "n": url_safe(&parts.n), "e": url_safe(&parts.e)});
        // As PEM: `EncodingKey::from_rsa_der` wants the key without its PKCS#8 wrapper.
        let private = pem("PRIVATE KEY", private.as_ref());
        Ok(Self {
            encoding: EncodingKey::from_rsa_pem(private.as_bytes())?,
            jwk,
            public_pem: pem("PUBLIC KEY", public.as_ref()),
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
        self.sign(&service_claims(caller, target))
    }

    /// A token signed with the public key as if it were a shared secret: a verifier that lets the token
    /// choose its algorithm takes it for genuine.
    pub fn hs256(&self, claims: &Value) -> anyhow::Result<String> {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(self.kid.clone());
        let secret = EncodingKey::from_secret(self.public_pem.as_bytes());
        Ok(encode(&header, claims, &secret)?)
    }

    /// A token that says it needs no signature.
    pub fn alg_none(&self, claims: &Value) -> String {
        let header = json!({"alg": "none", "kid": self.kid, "typ": "JWT"}).to_string();
        let (header, claims) = (header.as_bytes(), claims.to_string());
        format!("{}.{}.", url_safe(header), url_safe(claims.as_bytes()))
    }
}

/// The claims of a user's token (contract 6).
pub fn user_claims(level: &str, email: &str) -> Value {
    let now = now();
    json!({"iss": ISSUER, "sub": format!("kc-{email}"), "jti": "session-1", "name": "Test User", "email": email,
        "preferred_username": email, "permission_level": level, "groups": [], "iat": now, "exp": now + 3600})
}

/// The claims of a service's token (contract 6).
pub fn service_claims(caller: &str, target: &str) -> Value {
    let now = now();
    json!({"iss": ISSUER, "sub": format!("service:{caller}"), "calling_service": caller,
        "target_service": target, "type": "service", "iat": now, "exp": now + 300})
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens are judged by the system's clock"
)]
fn now() -> i64 {
    Utc::now().timestamp()
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
