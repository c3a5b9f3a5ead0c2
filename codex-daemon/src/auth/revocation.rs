//! Whether Core has ended the session of a token before its time.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use moka::future::Cache;
use reqwest::{Client, StatusCode};
use serde_json::json;
use url::Url;

/// How long Core may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a Core that gave no answer is left alone: nobody's calls wait for it meanwhile.
const REST: Duration = Duration::from_secs(5);
/// Answers that are remembered.
const REMEMBERED: u64 = 10_000;

/// Why Core gave no answer.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("Core answered {0}")]
    Status(StatusCode),
    #[error("Core cannot be reached")]
    Unreachable(#[source] reqwest::Error),
}

/// Asks Core, and remembers the answer for a short while.
#[derive(Debug)]
pub struct Revocation {
    http: Client,
    url: Url,
    /// Revoked or not, by digest of the token.
    known: Cache<[u8; 32], bool>,
    /// Since when Core is silent.
    silent: Mutex<Option<Instant>>,
}

impl Revocation {
    /// Asks the Core at `core`; what it says holds for `remember`.
    pub fn new(core: &Url, remember: Duration) -> Result<Self, reqwest::Error> {
        let mut url = core.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "token", "validate"]);
        }
        Ok(Self {
            // Core is a neighbour, and tokens are for nobody between.
            http: Client::builder().no_proxy().timeout(WAIT_TIMEOUT).build()?,
            url,
            known: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(remember)
                .build(),
            silent: Mutex::default(),
        })
    }

    /// Whether the session of a user's token is over. When Core cannot be asked it is not: the token itself is
    /// sound, and everybody would be locked out. Those who ask for one token at once ask together.
    pub async fn is_revoked(&self, digest: [u8; 32], token: &str) -> bool {
        if let Some(known) = self.known.get(&digest).await {
            return known;
        }
        if self.rests() {
            return false;
        }
        let asked = self.known.try_get_with(digest, self.ask(token)).await;
        asked.unwrap_or_else(|silence| {
            self.set_silent();
            tracing::warn!(%silence, "Core could not say whether a session is over");
            false
        })
    }

    async fn ask(&self, token: &str) -> Result<bool, Silence> {
        let question = self.http.post(self.url.clone());
        let answer = question.json(&json!({"token": token})).send().await;
        match answer.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Ok(false),
            Ok(StatusCode::UNAUTHORIZED) => Ok(true),
            Ok(status) => Err(Silence::Status(status)),
            Err(error) => Err(Silence::Unreachable(error.without_url())),
        }
    }

    fn rests(&self) -> bool {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.is_some_and(|since| since.elapsed() < REST)
    }

    fn set_silent(&self) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        *silent = Some(Instant::now());
    }
}
