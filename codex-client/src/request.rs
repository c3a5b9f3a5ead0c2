//! The only loop: address, token, tries, errors.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method, Response,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::de::DeserializeOwned;
use url::Url;
use uuid::Uuid;

use crate::{Error, Result, TokenSource};

/// Tries of a call that is safe to repeat.
const TRIES: u32 = 3;
/// The longest wait that a server's `Retry-After` is followed for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Makes calls for all resources.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    http: reqwest::Client,
    base: Url,
    token: Arc<TokenSource>,
}

/// A decoded answer.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub headers: HeaderMap,
    pub body: T,
}

impl Requester {
    pub fn new(base: &str, token: TokenSource, timeout: Duration) -> Result<Self> {
        let bad = || Error::Address(base.to_owned());
        let base = Url::parse(base)
            .ok()
            .filter(|url| !url.cannot_be_a_base())
            .ok_or_else(bad)?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("codex-client/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .build()
            .map_err(Error::Transport)?;
        Ok(Self {
            http,
            base,
            token: Arc::new(token),
        })
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer<T>> {
        self.call(Method::GET, path, query).await
    }

    pub async fn post<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Answer<T>> {
        self.call(Method::POST, path, &[]).await
    }

    /// Segments are percent-encoded here and nowhere else.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer<T>> {
        let correlation_id = Uuid::new_v4().to_string();
        let tries = if method == Method::GET { TRIES } else { 1 };
        let mut attempt = 1;
        loop {
            let token = self.token.token(&self.http).await?;
            let sent = self
                .http
                .request(method.clone(), self.url(path))
                .query(query)
                .bearer_auth(token)
                .header("X-Correlation-ID", &correlation_id)
                .send()
                .await;
            let (error, wait) = match sent {
                Ok(response) if response.status().is_success() => return decoded(response).await,
                Ok(response) => {
                    let wait = asked_wait(response.headers());
                    (refused(response, &correlation_id).await, wait)
                }
                Err(error) => (Error::Transport(error.without_url()), None),
            };
            if attempt >= tries || !error.is_retryable() {
                return Err(error);
            }
            let pause = wait.unwrap_or(Duration::from_millis(200) * 2_u32.pow(attempt));
            if pause > LONGEST_WAIT {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }
}

async fn decoded<T: DeserializeOwned>(response: Response) -> Result<Answer<T>> {
    let headers = response.headers().clone();
    let body = response
        .bytes()
        .await
        .map_err(|error| Error::Transport(error.without_url()))?;
    let body = serde_json::from_slice(&body).map_err(Error::Decode)?;
    Ok(Answer { headers, body })
}

async fn refused(response: Response, sent: &str) -> Error {
    let status = response.status();
    let echoed = response
        .headers()
        .get("x-correlation-id")
        .and_then(|id| id.to_str().ok());
    let correlation_id = echoed.unwrap_or(sent).to_owned();
    let body: serde_json::Value = response.json().await.unwrap_or_default();
    let said = ["detail", "error", "message"]
        .iter()
        .find_map(|key| body.get(key)?.as_str());
    let message = said
        .or(status.canonical_reason())
        .unwrap_or("no reason given")
        .to_owned();
    Error::Http {
        status: status.as_u16(),
        message,
        correlation_id,
    }
}

fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}
