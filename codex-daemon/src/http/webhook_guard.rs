//! Webhooks are accepted from senders that know the secret or sign with it (contract 1.2.I).

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::{constant_time, hmac};
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode},
};
use chrono::{DateTime, Utc};
use codex_core::{Codex, sync::freshservice::MAX_EVENT};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    app::App,
    http::{
        body_limit,
        forwarded::PeerAddress,
        headers::{single, value},
        problem::Problem,
    },
};

const SECRET: &str = "x-webhook-secret";
const TIMESTAMP: &str = "x-webhook-timestamp";
const SIGNATURE: &str = "x-webhook-signature";
/// How far the clock of a signer may be off.
const SKEW: Duration = Duration::from_secs(300);
/// How long a body may take; vendors send theirs in milliseconds.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Bodies that are read at once before anybody has proved who sends them.
const READING: usize = 64;
/// How many of these may come from one address, so that a sender of false signatures cannot keep others out.
const READING_OF_ONE: usize = 8;
/// What stands before the signature and names its algorithm.
const SCHEME: &str = "sha256=";

/// The senders of unproved bodies that are being read, by address.
#[derive(Debug, Default)]
pub struct Readings(Mutex<HashMap<IpAddr, usize>>);

impl Readings {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more body; `None` when the address, or all together, have as many as they may.
    fn begin(&self, sender: IpAddr) -> Option<Reading<'_>> {
        let mut open = self.lock();
        let own = open.get(&sender).copied().unwrap_or_default();
        if own >= READING_OF_ONE || open.values().sum::<usize>() >= READING {
            return None;
        }
        open.insert(sender, own + 1);
        Some(Reading { all: self, sender })
    }
}

/// A body that is being read.
#[derive(Debug)]
struct Reading<'r> {
    all: &'r Readings,
    sender: IpAddr,
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let mut open = self.all.lock();
        let own = open.get(&self.sender).copied().unwrap_or_default();
        if own > 1 {
            open.insert(self.sender, own - 1);
        } else {
            open.remove(&self.sender);
        }
    }
}

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

/// Checks a webhook. Everything that the headers show is checked before the body is read.
///
/// # Errors
/// 503 when nothing is accepted or too many bodies are being read, 401 for the unknown, 403 for an address that is not
/// on the list, 413 for a body over [`MAX_EVENT`], 408 for one that takes too long, 409 for a signature that was used.
pub async fn admit(
    app: &App,
    peer: PeerAddress,
    headers: &HeaderMap,
    body: Body,
) -> Result<Admitted, Problem> {
    let config = app.config();
    let (settings, codex) = (&config.webhooks, app.codex());
    if !settings.enabled {
        let detail = "Webhooks are off; [webhooks] enabled turns them on.";
        return Err(Problem::unavailable(detail).flat());
    }
    let refused = || Problem::unauthorized("The webhook's secret or signature is wrong.").flat();
    let secret = settings.secret.as_ref().ok_or_else(refused)?;
    let signed = Signed::read(headers);
    let is_known = knows(headers, secret);
    let may_read = match &signed {
        Some(signed) => signed.is_plausible() && signed.is_fresh(codex.now()),
        None => !settings.require_signature && is_known,
    };
    if !may_read {
        return Err(refused());
    }
    let caller = peer.caller(headers);
    let is_listed = settings.allowed_ips.is_empty() || settings.allowed_ips.contains(&caller);
    if !is_listed {
        return Err(Problem::forbidden("Your address is not on the list.").flat());
    }
    let busy = || {
        let detail = "Too many webhooks arrive at once; send it again.";
        Problem::unavailable(detail).retry_after(1).flat()
    };
    // Whoever knows the secret waits behind nobody who makes signatures up.
    let reading = if is_known {
        None
    } else {
        Some(app.readings().begin(caller).ok_or_else(busy)?)
    };
    let body = body_limit::read(body, MAX_EVENT, BODY_TIME).await;
    drop(reading);
    let body = body.map_err(Problem::flat)?;
    let Some(signed) = signed else {
        let signature = None;
        return Ok(Admitted { body, signature });
    };
    if !signed.is_by(secret, &body) {
        return Err(refused());
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

fn knows(headers: &HeaderMap, secret: &SecretString) -> bool {
    // A secret may hold more than plain text.
    let given = value(headers, SECRET).map(HeaderValue::as_bytes);
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
        Some(Self {
            timestamp: single(headers, TIMESTAMP)?,
            signature: single(headers, SIGNATURE)?.strip_prefix(SCHEME)?,
        })
    }

    /// Whether it is spelled as a signature, in the one way there is: by another spelling the guard against replays
    /// could be passed.
    fn is_plausible(&self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        self.signature.len() == 64 && self.signature.bytes().all(is_plain)
    }

    fn is_by(&self, secret: &SecretString, body: &[u8]) -> bool {
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let tag: Option<Vec<u8>> = self.signature.as_bytes().chunks(2).map(byte).collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        let message = [self.timestamp.as_bytes(), b".", body].concat();
        tag.is_some_and(|tag| hmac::verify(&key, &message, &tag).is_ok())
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        let signed: Option<i64> = self.timestamp.parse().ok();
        signed.is_some_and(|at| now.timestamp().abs_diff(at) <= SKEW.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_are_limited_per_address_and_in_total() {
        let readings = Readings::default();
        let address = |n: u8| IpAddr::from([192, 0, 2, n]);
        let mut open = Vec::new();
        for n in 0..8 {
            open.extend((0..READING_OF_ONE).filter_map(|_| readings.begin(address(n))));
            assert!(readings.begin(address(n)).is_none());
        }
        assert_eq!(open.len(), READING);
        assert!(
            readings.begin(address(99)).is_none(),
            "all places are taken"
        );
        open.pop();
        assert!(readings.begin(address(99)).is_some());
        open.clear();
        assert!(readings.lock().is_empty(), "nobody is remembered");
    }
}
