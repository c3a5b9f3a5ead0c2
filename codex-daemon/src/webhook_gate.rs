//! Who may report from outside: whoever knows the secret, or signs with it (contract 1.2.I).

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode},
};
use chrono::{DateTime, Utc};
use codex_core::{Codex, sync::freshservice::MAX_EVENT};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{body_limit, config::Webhooks, forwarded::Peer, problem::Problem};

const SECRET: &str = "x-webhook-secret";
const TIMESTAMP: &str = "x-webhook-timestamp";
const SIGNATURE: &str = "x-webhook-signature";
/// How far the clock of a signer may be off.
const SKEW: Duration = Duration::from_secs(300);
/// What stands before the signature and names its algorithm.
const SCHEME: &str = "sha256=";

/// A report that was let in.
pub struct Admitted {
    /// What it says.
    pub body: Bytes,
    /// The signature that must not be used twice.
    signature: Option<String>,
}

impl Admitted {
    /// Lets the same report come again: it could not be taken in.
    pub async fn give_back(&self, codex: &Codex) -> codex_core::Result<()> {
        match &self.signature {
            Some(signature) => codex.forget_delivery(signature).await,
            None => Ok(()),
        }
    }
}

/// Lets a report in.
///
/// # Errors
/// 503 when nothing is accepted, 401 for the unknown, 403 for an address that is not on the list, 413
/// for a body over [`MAX_EVENT`], 409 for a signature that was used.
pub async fn admit(
    settings: &Webhooks,
    codex: &Codex,
    peer: Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<Admitted, Problem> {
    if !settings.enabled {
        let detail = "Webhooks are off; [webhooks] enabled turns them on.";
        return Err(Problem::unavailable(detail).flat());
    }
    let refused = || Problem::unauthorized("The webhook's secret or signature is wrong.").flat();
    let secret = settings.secret.as_ref().ok_or_else(refused)?;
    let signed = Signed::read(headers);
    if signed.is_none() && (settings.require_signature || !knows(headers, secret)) {
        return Err(refused());
    }
    let caller = peer.caller(headers);
    let is_listed = settings.allowed_ips.is_empty() || settings.allowed_ips.contains(&caller);
    if signed.is_none() && !is_listed {
        return Err(not_listed());
    }
    let body = body_limit::read(body, MAX_EVENT).await;
    let body = body.map_err(Problem::flat)?;
    let Some(signed) = signed else {
        let signature = None;
        return Ok(Admitted { body, signature });
    };
    if !signed.is_by(secret, &body) || !signed.is_fresh(codex.now()) {
        return Err(refused());
    }
    if !is_listed {
        return Err(not_listed());
    }
    let signature = signed.signature.to_owned();
    let expires_at = codex.now() + 2 * SKEW;
    let first = codex.first_delivery(&signature, expires_at).await;
    if !first.map_err(|error| Problem::from(error).flat())? {
        let detail = "This webhook was delivered before.";
        return Err(Problem::new(StatusCode::CONFLICT, detail).flat());
    }
    let signature = Some(signature);
    Ok(Admitted { body, signature })
}

fn not_listed() -> Problem {
    Problem::forbidden("Your address is not on the list.").flat()
}

fn knows(headers: &HeaderMap, secret: &SecretString) -> bool {
    let given = headers.get(SECRET).map(HeaderValue::as_bytes);
    let secret = secret.expose_secret().as_bytes();
    given.is_some_and(|given| constant_time::verify_slices_are_equal(given, secret).is_ok())
}

/// `X-Webhook-Timestamp` (unix seconds) and `X-Webhook-Signature: sha256=<hex>` of
/// HMAC-SHA256(secret, timestamp "." body).
struct Signed<'h> {
    timestamp: &'h str,
    signature: &'h str,
}

impl<'h> Signed<'h> {
    /// What a signer sends; one header of the two is none.
    fn read(headers: &'h HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok();
        Some(Self {
            timestamp: text(TIMESTAMP)?,
            signature: text(SIGNATURE)?.strip_prefix(SCHEME)?,
        })
    }

    fn is_by(&self, secret: &SecretString, body: &[u8]) -> bool {
        // One signature is spelled in one way, or the guard against replays could be passed by spelling.
        let is_plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = self.signature.as_bytes();
        if digits.len() != 64 || !digits.iter().copied().all(is_plain) {
            return false;
        }
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let tag: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let message = [self.timestamp.as_bytes(), b".", body].concat();
        tag.is_some_and(|tag| hmac::verify(&key, &message, &tag).is_ok())
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        let signed: Option<i64> = self.timestamp.parse().ok();
        signed.is_some_and(|at| now.timestamp().abs_diff(at) <= SKEW.as_secs())
    }
}
