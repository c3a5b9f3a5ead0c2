//! Core's public keys: read once, kept, read again when they age or an unknown key is named.

use std::{
    collections::HashMap,
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
    request_id,
};

/// Core answers in milliseconds; a request waits this long at most for a key that is not known yet.
const TIMEOUT: Duration = Duration::from_secs(3);
/// After a failure Core is left alone for a moment, so that it is not asked once per request.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

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
    /// When Core last failed.
    failed: Option<Instant>,
    /// When Core was last asked because of an unknown key.
    asked: Option<Instant>,
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

    /// The key of an id, if Core has it or had it when it last answered.
    ///
    /// A known key is answered at once, however old: Core's absence must not stop those who have a token.
    pub async fn key(self: &Arc<Self>, kid: &str) -> Option<Arc<DecodingKey>> {
        if let Some((key, fresh)) = self.known(kid) {
            if !fresh {
                self.refresh_in_background();
            }
            return Some(key);
        }
        let _one_at_a_time = self.flight.lock().await;
        if let Some((key, _)) = self.known(kid) {
            return Some(key);
        }
        if self.may_ask() {
            self.refresh().await;
        }
        self.known(kid).map(|(key, _)| key)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, kid: &str) -> Option<(Arc<DecodingKey>, bool)> {
        let state = self.state();
        let fresh = state.read.is_some_and(|at| at.elapsed() < self.cache);
        state.keys.get(kid).map(|key| (key.clone(), fresh))
    }

    /// Whether Core may be asked about an unknown key now: made-up key ids must not reach it one by one.
    fn may_ask(&self) -> bool {
        let mut state = self.state();
        let resting = |since: Option<Instant>, rest| since.is_some_and(|at| at.elapsed() < rest);
        if resting(state.failed, AFTER_FAILURE)
            || (state.read.is_some() && resting(state.asked, self.cooldown))
        {
            return false;
        }
        // The first reading is no question about a key: a rotation right after it is still seen.
        if state.read.is_some() {
            state.asked = Some(Instant::now());
        }
        true
    }

    fn refresh_in_background(self: &Arc<Self>) {
        let failed_lately = {
            let failed = self.state().failed;
            failed.is_some_and(|at| at.elapsed() < self.cooldown)
        };
        if failed_lately {
            return;
        }
        let jwks = self.clone();
        panics::spawn("keys of Core", async move {
            if let Ok(_one_at_a_time) = jwks.flight.try_lock() {
                jwks.refresh().await;
            }
        });
    }

    async fn refresh(&self) {
        match self.fetch().await {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "Read {} keys of Core", keys.len());
                let mut state = self.state();
                state.keys = keys;
                state.read = Some(Instant::now());
                state.failed = None;
            }
            Err(error) => {
                tracing::warn!(
                    url = %self.url,
                    error = crate::problem::chain(&error),
                    "Core's keys could not be read from `{}`; known keys go on working",
                    self.url
                );
                self.state().failed = Some(Instant::now());
            }
        }
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<DecodingKey>>, reqwest::Error> {
        let request = request_id::forward(self.http.get(self.url.url().clone()));
        let set: KeySet = request.send().await?.error_for_status()?.json().await?;
        Ok(set.keys.into_iter().filter_map(usable).collect())
    }
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
