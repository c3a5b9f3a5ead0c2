//! From an `Authorization` header to a [`Caller`].

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use chrono::{DateTime, Utc};
use codex_core::Role;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use moka::future::Cache;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    Caller, CallerKind,
    jwks::{self, Jwks, NoKey},
    local::{self, LocalIssuer, LocalKeyError},
    revocation::Revocation,
};
use crate::{
    config::Auth,
    http::{forwarded::PeerAddress, headers::single, problem::Problem},
};

/// The issuer of every token (contract 6).
const ISSUER: &str = "hivematrix-core";
/// Verified tokens kept: far more than an MSP has people and services.
const VERIFIED: u64 = 10_000;

/// Tokens cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// Core cannot be asked.
    #[error("there is no HTTP client for Core")]
    Http(#[from] reqwest::Error),
    /// The local issuer has no key.
    #[error(transparent)]
    LocalKey(#[from] LocalKeyError),
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No `Authorization: Bearer ` header.
    #[error("a bearer token of HiveMatrix Core is needed")]
    Missing,
    /// Not a token, or one without the claims that every token of Core has.
    #[error("the token is malformed")]
    Malformed,
    /// Signed by other means than RS256, or not at all.
    #[error("the token is not signed with RS256")]
    Algorithm,
    /// The header names extensions that a reader must understand (RFC 7515, section 4.1.11).
    #[error("the token needs an extension (`crit`) that Codex does not know")]
    Critical,
    /// The signing key is not one of Core's.
    #[error("the token is signed by a key that Core does not vouch for")]
    UnknownKey,
    /// Core gives no keys, so nobody can say whether the token is good.
    #[error("HiveMatrix Core gives no keys to check the token with; send the call again")]
    NoKeys,
    /// The signature does not fit.
    #[error("the token's signature is not valid")]
    Signature,
    /// Issued by somebody else.
    #[error("the token was not issued by HiveMatrix Core")]
    Issuer,
    /// Past its time.
    #[error("the token has expired")]
    Expired,
    /// Before its time.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Made for an audience; Core's tokens name none.
    #[error("the token is meant for another audience")]
    Audience,
    /// Core has ended its session.
    #[error("the session of the token is over")]
    Revoked,
    /// A service token for another service, with `auth.check_target_service` on.
    #[error("the token is meant for another service")]
    Target,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let mut detail = refusal.to_string();
        if let Some(first) = detail.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        detail.push('.');
        if refusal == Refusal::NoKeys {
            return Self::unavailable(detail).retry_after(jwks::AFTER_FAILURE.as_secs());
        }
        Self::unauthorized(detail)
    }
}

/// Claims of Core's tokens (contract 6). Times are floats because Python may write them so.
#[derive(Debug, Deserialize)]
struct Claims {
    exp: f64,
    nbf: Option<f64>,
    #[serde(default)]
    sub: String,
    #[serde(rename = "type")]
    token_type: Option<String>,
    calling_service: Option<String>,
    target_service: Option<String>,
    email: Option<String>,
    name: Option<String>,
    preferred_username: Option<String>,
    permission_level: Option<String>,
}

impl Claims {
    fn caller(self) -> Caller {
        let kind = if self.token_type.as_deref() == Some("service") {
            let from_sub = || {
                self.sub
                    .strip_prefix("service:")
                    .unwrap_or(&self.sub)
                    .to_owned()
            };
            CallerKind::Service(self.calling_service.unwrap_or_else(from_sub))
        } else {
            // A level that is missing or unknown gives the least (contract 6); `service` is no level.
            CallerKind::User(match self.permission_level.as_deref() {
                Some("admin") => Role::Admin,
                Some("billing") => Role::Billing,
                Some("technician") => Role::Technician,
                _ => Role::Client,
            })
        };
        Caller {
            sub: self.sub,
            email: self.email,
            name: self.name,
            preferred_username: self.preferred_username,
            kind,
            target_service: self.target_service,
        }
    }
}

#[derive(Debug)]
struct Verified {
    caller: Caller,
    expires: f64,
    kid: String,
    key: Arc<DecodingKey>,
}

/// Verifies tokens, and remembers those it verified until they expire or their key is read again.
#[derive(Debug)]
pub struct Authenticator {
    jwks: Arc<Jwks>,
    validation: Validation,
    /// The key of our own, with what its tokens must say.
    local: Option<(LocalIssuer, Validation)>,
    service_name: String,
    check_target: bool,
    /// By digest: a dump of the cache holds no token that could be used.
    verified: Cache<[u8; 32], Arc<Verified>>,
    /// Asked about users' sessions, where that is wanted.
    revocation: Option<Revocation>,
}

impl Authenticator {
    /// An authenticator that believes the Core of `auth`.
    pub fn new(auth: &Auth) -> Result<Self, AuthError> {
        let local = auth.local_issuer.as_deref().map(LocalIssuer::open);
        let local = local.transpose()?;
        Ok(Self {
            jwks: Arc::new(Jwks::new(auth)?),
            validation: validation(ISSUER),
            local: local.map(|local| (local, validation(local::ISSUER))),
            service_name: auth.service_name.clone(),
            check_target: auth.check_target_service,
            verified: Cache::new(VERIFIED),
            revocation: auth
                .check_revocation
                .then(|| Revocation::new(&auth.core_url, auth.revocation_cache))
                .transpose()?,
        })
    }

    /// The caller that the headers of a request name; service tokens for others are counted. `peer` is the other
    /// end of the connection, where there is one.
    pub async fn caller(
        &self,
        headers: &HeaderMap,
        peer: Option<PeerAddress>,
        now: DateTime<Utc>,
    ) -> Result<Caller, Refusal> {
        // Case counts (contract 6).
        let token = single(headers, AUTHORIZATION)
            .and_then(|value| value.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty())
            .ok_or(Refusal::Missing)?;
        let digest: [u8; 32] = Sha256::digest(token).into();
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let address = peer.map_or(local, |peer| peer.caller(headers));
        let known = match self.verified.get(&digest).await {
            Some(verified) if seconds(now) >= verified.expires => {
                self.verified.invalidate(&digest).await;
                return Err(Refusal::Expired);
            }
            // What was verified with a key counts as long as the key does.
            Some(verified) => {
                let key = self.key(&verified.kid, address).await?;
                Arc::ptr_eq(&key, &verified.key).then_some(verified)
            }
            None => None,
        };
        let verified = if let Some(verified) = known {
            verified
        } else {
            let verified = Arc::new(self.verify(token, address, seconds(now)).await?);
            self.verified.insert(digest, verified.clone()).await;
            verified
        };
        if self.is_foreign(&verified.caller) {
            if self.check_target {
                return Err(Refusal::Target);
            }
            crate::metrics::foreign_token(&verified.caller.actor());
        }
        if let Some(revocation) = &self.revocation
            && verified.caller.is_user()
            && self.local_key(&verified.kid).is_none()
            && revocation.is_revoked(digest, token).await
        {
            return Err(Refusal::Revoked);
        }
        Ok(verified.caller.clone())
    }

    fn local_key(&self, kid: &str) -> Option<(Arc<DecodingKey>, &Validation)> {
        let (local, validation) = self.local.as_ref()?;
        Some((local.key(kid)?, validation))
    }

    async fn key(&self, kid: &str, caller: IpAddr) -> Result<Arc<DecodingKey>, Refusal> {
        if let Some((key, _)) = self.local_key(kid) {
            return Ok(key);
        }
        self.jwks.key(kid, caller).await.map_err(|none| match none {
            NoKey::Unknown => Refusal::UnknownKey,
            NoKey::Unavailable => Refusal::NoKeys,
        })
    }

    async fn verify(&self, token: &str, caller: IpAddr, now: f64) -> Result<Verified, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|error| refusal(&error))?;
        if header.alg != Algorithm::RS256 {
            return Err(Refusal::Algorithm);
        }
        if header.crit.is_some() {
            return Err(Refusal::Critical);
        }
        let kid = header.kid.ok_or(Refusal::UnknownKey)?;
        let key = self.key(&kid, caller).await?;
        let local = self.local_key(&kid).map(|(_, validation)| validation);
        let validation = local.unwrap_or(&self.validation);
        let claims: Claims = jsonwebtoken::decode(token, &key, validation)
            .map_err(|error| refusal(&error))?
            .claims;
        if claims.exp <= now {
            return Err(Refusal::Expired);
        }
        if claims.nbf.is_some_and(|from| now < from) {
            return Err(Refusal::NotYetValid);
        }
        Ok(Verified {
            expires: claims.exp,
            caller: claims.caller(),
            kid,
            key,
        })
    }

    /// Modules of today send tokens made for other services: counted, refused on demand.
    fn is_foreign(&self, caller: &Caller) -> bool {
        !caller.is_user() && caller.target_service.as_ref() != Some(&self.service_name)
    }
}

/// What the tokens of an issuer must say.
fn validation(issuer: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["exp", "iss"]);
    // Times are compared with the daemon's clock, without leeway.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds fit a double until the year 2255"
)]
fn seconds(time: DateTime<Utc>) -> f64 {
    time.timestamp_micros() as f64 / 1e6
}

fn refusal(error: &jsonwebtoken::errors::Error) -> Refusal {
    match error.kind() {
        ErrorKind::InvalidSignature => Refusal::Signature,
        ErrorKind::InvalidIssuer => Refusal::Issuer,
        ErrorKind::InvalidAudience => Refusal::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => Refusal::Algorithm,
        _ => Refusal::Malformed,
    }
}
