//! Where tokens come from.

use std::{path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use crate::{Error, Result};

/// How long before its end a service token is renewed, as today's modules do (contract 4.3).
const MARGIN: Duration = Duration::from_secs(60);
/// Life of Core's service tokens (consumers 2).
const LIFE: Duration = Duration::from_secs(300);
/// The longest wait for Core's answer.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a token that should be renewed is used on while somebody asks, and after nobody answered.
const PAUSE: Duration = Duration::from_secs(10);

/// A source of bearer tokens.
#[derive(Debug)]
pub enum TokenSource {
    /// Always the same token.
    Fixed(SecretString),
    /// The content of a file, read for every call: somebody else renews it.
    File(PathBuf),
    /// Core's `/service-token`, renewed shortly before it ends; without an answer of Core it is used to its end.
    Core(Box<CoreTokens>),
}

/// Service tokens of HiveMatrix Core.
#[derive(Debug)]
pub struct CoreTokens {
    url: Url,
    caller: String,
    target: String,
    /// Locked while a question is on its way that callers cannot do without.
    known: Mutex<Known>,
}

/// What Core has said last.
#[derive(Debug, Default)]
struct Known {
    kept: Option<Kept>,
    /// When it did not answer, and why: for all who waited for that answer.
    failed: Option<(Instant, Arc<reqwest::Error>)>,
}

#[derive(Debug, Clone)]
struct Kept {
    token: SecretString,
    renew_at: Instant,
    ends_at: Instant,
}

impl TokenSource {
    /// Always the same token.
    pub fn fixed(token: impl Into<String>) -> Self {
        Self::Fixed(SecretString::from(token.into()))
    }

    /// The content of a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// Service tokens for `caller` to call Codex with, from the Core at `core`.
    ///
    /// # Errors
    /// [`Error::Address`] when `core` is no URL.
    pub fn core(core: &str, caller: impl Into<String>) -> Result<Self> {
        Self::core_for(core, caller, "codex")
    }

    /// Service tokens for `caller` to call `target` with, from the Core at `core`.
    ///
    /// # Errors
    /// [`Error::Address`] when `core` is no URL.
    pub fn core_for(
        core: &str,
        caller: impl Into<String>,
        target: impl Into<String>,
    ) -> Result<Self> {
        let url = Url::parse(core).and_then(|url| url.join("/service-token"));
        let url = url.map_err(|_| Error::Address(core.to_owned()))?;
        Ok(Self::Core(Box::new(CoreTokens {
            url,
            caller: caller.into(),
            target: target.into(),
            known: Mutex::default(),
        })))
    }

    pub(crate) async fn token(&self, http: &reqwest::Client) -> Result<SecretString> {
        match self {
            Self::Fixed(token) => Ok(token.clone()),
            Self::File(path) => match tokio::fs::read_to_string(path).await {
                Ok(text) => Ok(SecretString::from(text.trim())),
                Err(error) => Err(Error::Token(format!("{}: {error}", path.display()))),
            },
            Self::Core(core) => core.token(http).await,
        }
    }

    /// Drops a token that was refused; tells whether asking again can bring another.
    pub(crate) async fn forget(&self, refused: &SecretString) -> bool {
        let Self::Core(core) = self else {
            return false;
        };
        let mut known = core.known.lock().await;
        // Another call may have renewed it meanwhile: that one stays.
        let is_refused = |kept: &mut Kept| kept.token.expose_secret() == refused.expose_secret();
        known.kept.take_if(is_refused);
        true
    }
}

impl CoreTokens {
    async fn token(&self, http: &reqwest::Client) -> Result<SecretString> {
        let came = Instant::now();
        let mut known = self.known.lock().await;
        let now = Instant::now();
        if let Some(kept) = known.kept.as_mut().filter(|kept| now < kept.ends_at) {
            if now < kept.renew_at {
                return Ok(kept.token.clone());
            }
            kept.renew_at = now + PAUSE;
            let kept = kept.clone();
            drop(known);
            return self.renewed(http, kept).await;
        }
        if let Some((when, error)) = &known.failed
            && came < *when
        {
            return Err(Error::Core(error.clone()));
        }
        let asked = self.ask(http).await;
        if let Err(Error::Core(error)) = &asked {
            known.failed = Some((Instant::now(), error.clone()));
        }
        let kept = asked?;
        known.kept = Some(kept.clone());
        Ok(kept.token)
    }

    /// A token in place of one that ends soon, which others use meanwhile.
    async fn renewed(&self, http: &reqwest::Client, old: Kept) -> Result<SecretString> {
        match self.ask(http).await {
            Ok(fresh) => {
                self.known.lock().await.kept = Some(fresh.clone());
                Ok(fresh.token)
            }
            Err(_) if Instant::now() < old.ends_at => Ok(old.token),
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, http: &reqwest::Client) -> Result<Kept> {
        let ask = http
            .post(self.url.clone())
            .timeout(WAIT_TIMEOUT)
            .json(&json!({"calling_service": self.caller, "target_service": self.target}));
        let failed = |error: reqwest::Error| Error::Core(Arc::new(error.without_url()));
        let asked_at = Instant::now();
        let answer = ask
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .map_err(failed)?;
        let date = answer
            .headers()
            .get("date")
            .and_then(|date| date.to_str().ok());
        let now = date
            .and_then(|date| DateTime::parse_from_rfc2822(date).ok())
            .map(|now| now.to_utc());
        let body: Value = answer.json().await.map_err(failed)?;
        let token = body.get("token").and_then(Value::as_str);
        let token = token.ok_or_else(|| Error::Token("Core's answer holds none".to_owned()))?;
        let life = life(token, now).unwrap_or(LIFE);
        Ok(Kept {
            token: SecretString::from(token),
            renew_at: asked_at + life.saturating_sub(MARGIN),
            ends_at: asked_at + life,
        })
    }
}

/// What is left of a token's life by the clock of the server that made it; not verified, which is the
/// receiver's business.
fn life(token: &str, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let begin = now
        .map(|now| now.timestamp())
        .or_else(|| claims.get("iat")?.as_i64())?;
    let left = claims.get("exp")?.as_i64()? - begin;
    u64::try_from(left).ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_lifetime_is_read_from_its_payload() {
        // {"iat":1000,"exp":1300}
        let token = "x.eyJpYXQiOjEwMDAsImV4cCI6MTMwMH0.y";
        assert_eq!(life(token, None), Some(Duration::from_secs(300)));
        assert_eq!(
            life(token, DateTime::from_timestamp(1_290, 0)),
            Some(Duration::from_secs(10))
        );
        assert_eq!(life("rubbish", None), None);
    }
}
