//! Core's public keys: read once, kept, read again when they age or an unknown key is named.
//!
//! A key that Core withdraws ends within `auth.jwks_cache_seconds`: kept keys older than that are read again before
//! they are used. While Core gives no keys, those that it gave last go on working, and are read again beside the calls:
//! its absence must not stop those who have a token.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use codex_core::panics;
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk},
};
use reqwest::Client;
use serde::Deserialize;

use crate::{
    config::{Auth, BaseUrl},
    http::request_id,
};

/// Core answers in milliseconds; a request waits this long at most for a key that is not known yet.
const TIMEOUT: Duration = Duration::from_secs(3);
/// After a failure Core is left alone for a moment, so that it is not asked once per request.
pub const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// From one question to the next: unknown keys of many addresses are asked for together.
const BETWEEN: Duration = Duration::from_millis(250);
/// How many addresses are remembered before those that may ask again are forgotten.
const ADDRESSES: usize = 1_000;

/// Why there is no key of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKey {
    /// Core has no such key.
    Unknown,
    /// Core gave no keys when it was last asked, so nobody can say.
    Unavailable,
}

/// The keys of Core.
#[derive(Debug)]
pub struct Jwks {
    url: BaseUrl,
    http: Client,
    cache: Duration,
    cooldown: Duration,
    state: Mutex<State>,
    /// Held while Core is asked: one question at a time, the others wait for its answer.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: HashMap<String, Arc<DecodingKey>>,
    /// When `keys` were read.
    read: Option<Instant>,
    /// When Core failed; `None` once it has answered again.
    failed: Option<Instant>,
    /// When the last question began.
    begun: Option<Instant>,
    /// When an address last had Core asked about an unknown key.
    asked: HashMap<IpAddr, Instant>,
}

/// Why a key set is of no use.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the key set cannot be read")]
    Request(#[source] reqwest::Error),
    #[error("the key set holds no RSA key with an id")]
    Empty,
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        // The log names it, without what may be secret in it.
        Self::Request(error.without_url())
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Jwks {
    /// The keys at `.well-known/jwks.json` of Core. Nothing is read yet.
    pub fn new(auth: &Auth) -> Result<Self, reqwest::Error> {
        Ok(Self {
            url: auth.core_url.at(".well-known/jwks.json"),
            // Core is a neighbour: a proxy meant for the internet must not see its answers.
            http: Client::builder().timeout(TIMEOUT).no_proxy().build()?,
            cache: auth.jwks_cache,
            cooldown: auth.jwks_cooldown,
            state: Mutex::default(),
            flight: tokio::sync::Mutex::default(),
        })
    }

    /// The key of an id, if Core has it, or had it when it last answered. `caller` is the address that names the
    /// id: each may have Core asked about an unknown one once per `auth.jwks_cooldown_seconds`.
    pub async fn key(
        self: &Arc<Self>,
        kid: &str,
        caller: IpAddr,
    ) -> Result<Arc<DecodingKey>, NoKey> {
        if let Some((key, age)) = self.known(kid) {
            // While Core gives no keys nobody waits for it: it may take seconds to say so.
            if age >= self.cache && self.state().failed.is_none() {
                self.renew().await;
                return self.known(kid).map(|(key, _)| key).ok_or(NoKey::Unknown);
            }
            // Before they are too old to be used, so that nobody waits.
            if age >= self.cache * 4 / 5 {
                let jwks = self.clone();
                panics::spawn("keys of Core", async move { jwks.renew().await });
            }
            return Ok(key);
        }
        let arrived = Instant::now();
        let _one_at_a_time = self.flight.lock().await;
        if self.known(kid).is_none() && self.may_ask(caller, arrived) {
            let begun = self.state().begun;
            if let Some(begun) = begun {
                tokio::time::sleep(BETWEEN.saturating_sub(begun.elapsed())).await;
            }
            if !self.refresh().await {
                // The question was not answered: it may be asked again when Core is back.
                self.state().asked.remove(&caller);
            }
        }
        match self.known(kid) {
            Some((key, _)) => Ok(key),
            None if self.state().failed.is_some() => Err(NoKey::Unavailable),
            None => Err(NoKey::Unknown),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key and its age.
    fn known(&self, kid: &str) -> Option<(Arc<DecodingKey>, Duration)> {
        let state = self.state();
        let age = state.read?.elapsed();
        state.keys.get(kid).map(|key| (key.clone(), age))
    }

    /// Whether Core may be asked about an unknown key now, for a call that arrived then: made-up key ids must not
    /// reach it one by one, nor keep those of others from it.
    fn may_ask(&self, caller: IpAddr, arrived: Instant) -> bool {
        let mut state = self.state();
        let is_answered = state.begun.is_some_and(|begun| begun > arrived);
        if is_answered || rests(state.failed, AFTER_FAILURE) {
            return false;
        }
        if state.read.is_none() {
            // The first reading is no question about a key: a rotation right after it is still seen.
            return true;
        }
        if rests(state.asked.get(&caller).copied(), self.cooldown) {
            return false;
        }
        if state.asked.len() >= ADDRESSES {
            let cooldown = self.cooldown;
            state.asked.retain(|_, at| at.elapsed() < cooldown);
        }
        state.asked.insert(caller, Instant::now());
        true
    }

    /// Reads keys again that have aged, unless that failed lately.
    async fn renew(&self) {
        let _one_at_a_time = self.flight.lock().await;
        let may_renew = {
            let state = self.state();
            !rests(state.failed, self.cooldown) && !rests(state.read, self.cache * 4 / 5)
        };
        if may_renew {
            self.refresh().await;
        }
    }

    /// Asks Core, and tells whether it gave keys. What cannot be read replaces nothing.
    async fn refresh(&self) -> bool {
        self.state().begun = Some(Instant::now());
        match self.fetch().await {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "Read {} keys of Core", keys.len());
                let mut state = self.state();
                state.keys = keys;
                state.read = Some(Instant::now());
                state.failed = None;
                true
            }
            Err(error) => {
                tracing::warn!(
                    url = %self.url,
                    error = crate::http::problem::chain(&error),
                    "Core's keys could not be read from `{}`; known keys remain valid",
                    self.url
                );
                self.state().failed = Some(Instant::now());
                false
            }
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<DecodingKey>>, FetchError> {
        let request = request_id::forward(self.http.get(self.url.url().clone()));
        let set: KeySet = request.send().await?.error_for_status()?.json().await?;
        let keys: HashMap<_, _> = set.keys.into_iter().filter_map(usable).collect();
        if keys.is_empty() {
            return Err(FetchError::Empty);
        }
        Ok(keys)
    }
}

fn rests(since: Option<Instant>, rest: Duration) -> bool {
    since.is_some_and(|at| at.elapsed() < rest)
}

/// RSA keys with an id; keys of other kinds may stand beside them and are none of ours.
fn usable(key: serde_json::Value) -> Option<(String, Arc<DecodingKey>)> {
    let jwk: Jwk = serde_json::from_value(key).ok()?;
    let kid = jwk.common.key_id.clone()?;
    if !matches!(jwk.algorithm, AlgorithmParameters::RSA(_)) {
        return None;
    }
    Some((kid, Arc::new(DecodingKey::from_jwk(&jwk).ok()?)))
}
