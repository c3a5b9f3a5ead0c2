//! Whether Core has ended the session of a token before its time.

use std::time::Duration;

use moka::future::Cache;
use reqwest::{Client, StatusCode};
use serde_json::json;
use url::Url;

/// How long Core may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// Answers that are remembered.
const REMEMBERED: u64 = 10_000;

/// Asks Core, and remembers the answer for a short while.
#[derive(Debug)]
pub struct Revocation {
    http: Client,
    url: Url,
    /// Revoked or not, by digest of the token.
    known: Cache<[u8; 32], bool>,
}

impl Revocation {
    /// Asks the Core at `core`; what it says holds for `remember`.
    pub fn new(core: &Url, remember: Duration) -> Result<Self, reqwest::Error> {
        let mut url = core.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "token", "validate"]);
        }
        Ok(Self {
            http: Client::builder().timeout(PATIENCE).build()?,
            url,
            known: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(remember)
                .build(),
        })
    }

    /// Whether the session of a user's token is over. When Core cannot be asked it is not: the token itself is
    /// sound, and everybody would be locked out.
    pub async fn is_revoked(&self, digest: [u8; 32], token: &str) -> bool {
        if let Some(known) = self.known.get(&digest).await {
            return known;
        }
        let asked = self
            .http
            .post(self.url.clone())
            .json(&json!({"token": token}));
        match asked.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() || status == StatusCode::UNAUTHORIZED => {
                let revoked = status == StatusCode::UNAUTHORIZED;
                self.known.insert(digest, revoked).await;
                revoked
            }
            Ok(status) => {
                tracing::warn!(%status, "Core could not say whether a session is over");
                false
            }
            Err(error) => {
                let error = error.without_url();
                tracing::warn!(%error, "Core could not be asked whether a session is over");
                false
            }
        }
    }
}
