//! One small HTTP layer for all vendors: paced, retried, checked.

pub(crate) mod budget;
mod error;
mod pacer;
#[cfg(test)]
pub(crate) mod stub;
#[cfg(test)]
mod tests;

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
};
use serde_json::Value;
use tracing::Instrument as _;

pub use error::UpstreamError;
pub use pacer::CallRate;
use pacer::Pacer;

use super::{
    decode::{self, Refusal},
    rate_limit_block::FARTHEST,
};
use crate::{
    clock::{Clock, SharedClock},
    sync::RateLimitBlock,
};

/// The largest answer that is read, in bytes, unpacked.
pub(crate) const MAX_BODY: usize = 64 << 20;
/// How often a call is tried.
const TRIES: u32 = 4;
/// What to wait when a vendor limits us without saying for how long; doubled each time.
const DEFAULT_WAIT: Duration = Duration::from_secs(10);
/// The longest wait that is believed: vendors name up to 25 minutes, old accounts count by the hour
/// (vendors 1.3). More is a fault, and would close the source for good.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How a vendor is called.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// The longest that one call may take.
    pub timeout: Duration,
    /// The longest that a run waits for a vendor's limit before it gives up for now.
    pub max_wait: Duration,
    /// The first pause between two tries; doubled each time.
    pub backoff: Duration,
    /// How fast, all who call the account together.
    pub call_rate: CallRate,
    /// Whether certificates are checked.
    pub verify_tls: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(60),
            max_wait: Duration::from_secs(60),
            backoff: Duration::from_millis(500),
            call_rate: CallRate::default(),
            verify_tls: true,
        }
    }
}

/// A call that is under way, or was given up.
struct Outside<'c>(&'c dyn Clock);

impl<'c> Outside<'c> {
    fn begin(clock: &'c dyn Clock) -> Self {
        clock.call_begins();
        Self(clock)
    }
}

impl Drop for Outside<'_> {
    fn drop(&mut self) {
        self.0.call_ends();
    }
}

/// A JSON answer with its headers.
#[derive(Debug)]
pub struct Reply {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null where none is read.
    pub body: Value,
}

/// A vendor's API as seen by one run.
#[derive(Debug)]
pub struct Upstream {
    source: &'static str,
    http: reqwest::Client,
    settings: HttpSettings,
    rate_limit_block: RateLimitBlock,
    pacer: Pacer,
    clock: SharedClock,
    calls: AtomicU64,
    just_limited: AtomicBool,
}

impl Upstream {
    /// The API of `source`, whose account's gate it passes.
    ///
    /// # Errors
    /// [`UpstreamError::Transport`] when no HTTP client can be made.
    pub fn new(
        source: &'static str,
        settings: HttpSettings,
        rate_limit_block: RateLimitBlock,
        clock: SharedClock,
    ) -> Result<Self, UpstreamError> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("hivematrix-codex/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(settings.timeout)
            .danger_accept_invalid_certs(!settings.verify_tls)
            // A redirect would carry credentials to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| UpstreamError::transport(source, "client", error))?;
        Ok(Self {
            source,
            http,
            pacer: Pacer::new(settings.call_rate, rate_limit_block.clone()),
            settings,
            rate_limit_block,
            clock,
            calls: AtomicU64::new(0),
            just_limited: AtomicBool::new(false),
        })
    }

    /// The same for somebody who waits: the last calls that a limit has room for are theirs.
    pub fn for_people(mut self) -> Self {
        self.pacer = self.pacer.for_people();
        self
    }

    /// Calls made so far, tries included.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Whether a call was limited and none has succeeded since.
    pub fn just_limited(&self) -> bool {
        self.just_limited.load(Ordering::Relaxed)
    }

    /// Makes an idempotent call until it succeeds, is refused for good, or tries run out.
    ///
    /// `resource` names what is asked for in errors and keeps the vendor's limits apart.
    pub async fn call(
        &self,
        resource: &str,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<Reply, UpstreamError> {
        self.repeat(resource, request, true, TRIES).await
    }

    /// Makes a call that must not be made twice.
    pub async fn call_once(
        &self,
        resource: &str,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<Reply, UpstreamError> {
        self.repeat(resource, request, true, 1).await
    }

    /// As [`Upstream::call`], for a command whose answer has no body.
    pub async fn command(
        &self,
        resource: &str,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
    ) -> Result<(), UpstreamError> {
        self.repeat(resource, request, false, TRIES).await.map(drop)
    }

    async fn repeat(
        &self,
        resource: &str,
        request: impl Fn(&reqwest::Client) -> RequestBuilder,
        body: bool,
        tries: u32,
    ) -> Result<Reply, UpstreamError> {
        let (mut attempt, mut waited) = (1, Duration::ZERO);
        loop {
            self.wait_while_blocked(resource).await?;
            let clock = &*self.clock;
            self.pacer.rest(clock).await;
            let place = self.pacer.wait(clock, resource).await;
            place.map_err(|error| UpstreamError::rate_limit_block(self.source, error))?;
            let started = tokio::time::Instant::now();
            self.calls.fetch_add(1, Ordering::Relaxed);
            let outside = Outside::begin(clock);
            let call = tracing::info_span!("vendor_call", source = self.source, resource);
            let result = self.once(resource, request(&self.http), body);
            let result = result.instrument(call).await;
            drop(outside);
            tracing::debug!(
                source = self.source,
                resource,
                duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                ok = result.is_ok(),
                "Called `{}` of `{}`",
                resource,
                self.source
            );
            let error = match result {
                Ok(reply) => {
                    self.just_limited.store(false, Ordering::Relaxed);
                    self.pacer.learn(clock, resource, &reply.headers);
                    return Ok(reply);
                }
                Err(error) => error,
            };
            if let UpstreamError::RateLimited { retry_after, .. } = &error {
                let wait = retry_after.unwrap_or(DEFAULT_WAIT * 2_u32.pow(attempt - 1));
                waited += wait;
                self.just_limited.store(true, Ordering::Relaxed);
                if attempt == tries || waited > self.settings.max_wait {
                    self.close(wait, "rate limited").await?;
                    return Err(error);
                }
                // The limit is the account's: whoever calls beside us would only prolong it.
                self.pacer.rest_for(clock, wait);
                let until = clock.now() + TimeDelta::from_std(wait).unwrap_or_default();
                let closed = self
                    .rate_limit_block
                    .close_for_others(until, "rate limited")
                    .await;
                closed.map_err(|error| UpstreamError::rate_limit_block(self.source, error))?;
            } else if attempt == tries || !error.is_retryable() {
                return Err(error);
            } else {
                clock
                    .sleep(self.settings.backoff * 2_u32.pow(attempt - 1))
                    .await;
            }
            attempt += 1;
            clock.sleep(jitter(self.settings.backoff)).await;
        }
    }

    /// Closes the source for all processes, because the vendor blocks us; gives the error that says so.
    pub async fn block(&self, resource: &str, wait: Duration, why: &str) -> UpstreamError {
        match self.close(wait, why).await {
            Ok(until) => UpstreamError::Blocked {
                source_name: self.source,
                resource: resource.to_owned(),
                until,
            },
            Err(error) => error,
        }
    }

    async fn close(&self, wait: Duration, why: &str) -> Result<DateTime<Utc>, UpstreamError> {
        let wait = TimeDelta::from_std(wait.min(LONGEST_WAIT)).unwrap_or_default();
        let until = self.clock.now() + wait;
        let closed = self.rate_limit_block.close(until, why).await;
        closed.map_err(|error| UpstreamError::rate_limit_block(self.source, error))?;
        Ok(until)
    }

    async fn wait_while_blocked(&self, resource: &str) -> Result<(), UpstreamError> {
        let closed = self.rate_limit_block.closed_until().await;
        let closed = closed.map_err(|error| UpstreamError::rate_limit_block(self.source, error))?;
        let now = self.clock.now();
        let closed = closed.filter(|until| *until - now <= FARTHEST);
        let Some(until) = closed else { return Ok(()) };
        let Ok(wait) = (until - now).to_std() else {
            return Ok(());
        };
        if wait > self.settings.max_wait {
            let (source, resource) = (self.source, resource.to_owned());
            return Err(UpstreamError::Blocked {
                source_name: source,
                resource,
                until,
            });
        }
        self.clock.sleep(wait).await;
        Ok(())
    }

    async fn once(
        &self,
        resource: &str,
        request: RequestBuilder,
        wants_body: bool,
    ) -> Result<Reply, UpstreamError> {
        let response = request
            .header("Accept", "application/json")
            .send()
            .await
            .map_err(|error| UpstreamError::transport(self.source, resource, error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(resource, status, response.headers()));
        }
        let headers = response.headers().clone();
        if !wants_body {
            let body = Value::Null;
            return Ok(Reply { headers, body });
        }
        // A login or maintenance page comes with status 200 (vendors 2.5, trap 33).
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or("none");
        if !kind.contains("json") {
            return Err(UpstreamError::NotJson {
                source_name: self.source,
                resource: resource.to_owned(),
                content_type: kind.chars().take(60).collect(),
            });
        }
        let body = self.read(resource, response).await?;
        match decode::read(&body) {
            Ok(body) => Ok(Reply { headers, body }),
            Err(Refusal::CutOff) => Err(UpstreamError::Truncated {
                source_name: self.source,
                resource: resource.to_owned(),
            }),
            // Not cut off but wrong: it would be the same again.
            Err(Refusal::NotJson) => Err(UpstreamError::malformed(self.source, resource)),
            Err(Refusal::TooLarge) => Err(UpstreamError::too_large(self.source, resource)),
        }
    }

    /// The body, unpacked; one that is too large is not read to its end.
    async fn read(&self, resource: &str, mut response: Response) -> Result<Vec<u8>, UpstreamError> {
        let mut body = Vec::new();
        if response
            .content_length()
            .is_some_and(|size| size > MAX_BODY as u64)
        {
            return Err(UpstreamError::too_large(self.source, resource));
        }
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_BODY => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Err(UpstreamError::too_large(self.source, resource)),
                Ok(None) => return Ok(body),
                Err(error) => return Err(UpstreamError::transport(self.source, resource, error)),
            }
        }
    }

    fn refused(&self, resource: &str, status: StatusCode, headers: &HeaderMap) -> UpstreamError {
        let (source_name, resource) = (self.source, resource.to_owned());
        match status {
            StatusCode::UNAUTHORIZED => UpstreamError::Unauthorized {
                source_name,
                resource,
            },
            StatusCode::FORBIDDEN => UpstreamError::Forbidden {
                source_name,
                resource,
            },
            StatusCode::NOT_FOUND => UpstreamError::NotFound {
                source_name,
                resource,
            },
            StatusCode::TOO_MANY_REQUESTS => UpstreamError::RateLimited {
                source_name,
                resource,
                retry_after: retry_after(headers, self.clock.now()),
            },
            code => UpstreamError::Status {
                source_name,
                resource,
                code: code.as_u16(),
            },
        }
    }
}

/// `Retry-After` in seconds or as an HTTP date, at most [`LONGEST_WAIT`]; anything else is no information.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = DateTime::parse_from_rfc2822(text).ok()?;
        (date.to_utc() - now).to_std().unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

/// Up to `most`, so that several processes do not come back at the same moment.
fn jitter(most: Duration) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos());
    most * (nanos % 1_000) / 1_000
}
