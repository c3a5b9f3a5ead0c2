//! The only loop: address, token, tries, errors.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::{Builder, Error, ListOptions, Page, Result, TokenSource, page};

/// The longest wait that a server's `Retry-After` is followed for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Names a request in the logs of all modules (contract 1.0).
const CORRELATION_ID: &str = "x-correlation-id";

/// The longest time that a download may take.
const LONGEST_DOWNLOAD: Duration = Duration::from_secs(60 * 60);

/// An answer that is read in pieces.
#[derive(Debug)]
pub struct Download {
    response: reqwest::Response,
    id: String,
}

impl Download {
    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Transport`] when the answer breaks off: what came before is not whole.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>> {
        let piece = self.response.chunk().await;
        let piece = piece.map_err(|error| unsent(error, &self.id))?;
        Ok(piece.map(|piece| piece.to_vec()))
    }

    /// The rest as one text, held in memory.
    ///
    /// # Errors
    /// As [`Download::piece`].
    pub async fn text(mut self) -> Result<String> {
        let mut all = Vec::new();
        while let Some(piece) = self.piece().await? {
            all.extend(piece);
        }
        Ok(String::from_utf8_lossy(&all).into_owned())
    }
}

/// Makes calls for all resources.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    shared: Arc<Shared>,
    correlation_id: Option<HeaderValue>,
}

#[derive(Debug)]
struct Shared {
    http: reqwest::Client,
    base: Url,
    token: TokenSource,
    retries: u32,
    backoff: Duration,
}

/// A decoded answer.
#[derive(Debug)]
struct Answer<T> {
    headers: HeaderMap,
    body: T,
}

struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    query: &'a [(&'a str, String)],
    /// JSON.
    body: Option<&'a [u8]>,
    retries: u32,
    /// Health routes are open, and must answer when no token can be had.
    with_token: bool,
    /// A status beside 2xx whose body is the answer.
    answers_too: Option<StatusCode>,
    /// What a webhook proves itself with, instead of a token.
    secret: Option<&'a SecretString>,
}

/// A try that did not succeed, and how long the server asks to wait.
struct Failed {
    error: Error,
    wait: Option<Duration>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, wait: None }
    }
}

impl Requester {
    pub fn new(settings: Builder) -> Result<Self> {
        let base = Url::parse(&settings.base).ok();
        let base = base
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| Error::Address(settings.base.clone()))?;
        let http = reqwest::Client::builder()
            .user_agent(settings.user_agent)
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            // A redirect leads to a login page (consumers 3), never to the answer.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| Error::Transport {
                correlation_id: String::new(),
                source,
            })?;
        Ok(Self {
            shared: Arc::new(Shared {
                http,
                base,
                token: settings.token,
                retries: settings.retries,
                backoff: settings.backoff,
            }),
            correlation_id: None,
        })
    }

    pub fn with_correlation_id(&self, id: &str) -> Self {
        Self {
            shared: self.shared.clone(),
            correlation_id: HeaderValue::from_str(id).ok(),
        }
    }

    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T> {
        Ok(self.answer(path, query).await?.body)
    }

    pub async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        options: &ListOptions,
    ) -> Result<Page<T>> {
        let answer = self.answer(path, &options.query()).await?;
        Ok(Page {
            next: page::next(&answer.headers),
            total: page::total(&answer.headers),
            items: answer.body,
        })
    }

    /// Every page from the one that `options` name.
    pub async fn all<T: DeserializeOwned>(
        &self,
        path: &[&str],
        options: &ListOptions,
    ) -> Result<Vec<T>> {
        let mut options = options.clone();
        let mut all = Vec::new();
        loop {
            let page = self.page(path, &options).await?;
            all.extend(page.items);
            if page.next.is_none() {
                return Ok(all);
            }
            options.cursor = page.next;
        }
    }

    /// A change that may be sent twice: the same state is the result.
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T> {
        self.send(Method::PUT, path, body, self.shared.retries)
            .await
    }

    /// Deletes something. Sent once: after a lost answer the second try would find nothing.
    pub async fn delete(&self, path: &[&str]) -> Result<()> {
        let call = Call {
            method: Method::DELETE,
            retries: 0,
            ..self.reading(path, &[])
        };
        let _: Answer<serde::de::IgnoredAny> = self.call(&call).await?;
        Ok(())
    }

    /// A call that starts something: sent once, because nobody knows what a lost answer means.
    pub async fn post<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T> {
        let call = Call {
            method: Method::POST,
            retries: 0,
            ..self.reading(path, &[])
        };
        Ok(self.call(&call).await?.body)
    }

    /// A call with a body that does something each time: sent once.
    pub async fn post_json<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T> {
        self.send(Method::POST, path, body, 0).await
    }

    /// Rows of which each is done once.
    pub async fn post_rows<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        rows: &[impl Serialize],
    ) -> Result<T> {
        let body = serde_json::to_vec(rows).map_err(Error::Encode)?;
        let call = Call {
            method: Method::POST,
            body: Some(&body),
            retries: 0,
            ..self.reading(path, query)
        };
        Ok(self.call(&call).await?.body)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
        retries: u32,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(Error::Encode)?;
        let call = Call {
            method,
            body: Some(&body),
            retries,
            ..self.reading(path, &[])
        };
        Ok(self.call(&call).await?.body)
    }

    /// A question of health: without a token, once, because the answer is about now.
    pub async fn probe<T: DeserializeOwned>(
        &self,
        path: &[&str],
        answers_too: Option<StatusCode>,
    ) -> Result<T> {
        let call = Call {
            retries: 0,
            with_token: false,
            answers_too,
            ..self.reading(path, &[])
        };
        Ok(self.call(&call).await?.body)
    }

    async fn answer<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer<T>> {
        self.call(&self.reading(path, query)).await
    }

    fn reading<'a>(&self, path: &'a [&'a str], query: &'a [(&'a str, String)]) -> Call<'a> {
        Call {
            method: Method::GET,
            path,
            query,
            body: None,
            retries: self.shared.retries,
            with_token: true,
            answers_too: None,
            secret: None,
        }
    }

    /// What a vendor sends: with a shared secret, once.
    pub async fn webhook<T: DeserializeOwned>(
        &self,
        path: &[&str],
        secret: &SecretString,
        body: &Value,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(Error::Encode)?;
        let call = Call {
            method: Method::POST,
            body: Some(&body),
            retries: 0,
            with_token: false,
            secret: Some(secret),
            ..self.reading(path, &[])
        };
        Ok(self.call(&call).await?.body)
    }

    /// An answer that is read in pieces, for as long as it takes.
    pub async fn download(&self, path: &[&str], query: &[(&str, String)]) -> Result<Download> {
        let (url, shared) = (self.url(path)?, &self.shared);
        let id = Uuid::new_v4().to_string();
        let token = shared.token.token(&shared.http).await?;
        let request = shared
            .http
            .get(url)
            .query(query)
            .header(CORRELATION_ID, &id);
        let request = request
            .bearer_auth(token.expose_secret())
            .timeout(LONGEST_DOWNLOAD);
        let response = request.send().await.map_err(|error| unsent(error, &id))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let body = response.bytes().await.map_err(|error| unsent(error, &id))?;
            return Err(refused(status, &headers, &body, &id));
        }
        Ok(Download { response, id })
    }

    /// A call of a path as it stands, with its query: for modules that this crate has no types of.
    pub async fn raw(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let address = format!(
            "{}/{}",
            self.shared.base.as_str().trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        let url = Url::parse(&address).map_err(|_| Error::Address(address))?;
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(Error::Encode)?;
        let safe = method == Method::GET;
        let call = Call {
            method,
            body: body.as_deref(),
            retries: if safe { self.shared.retries } else { 0 },
            ..self.reading(&[], &[])
        };
        Ok(self.call_at(&call, &url).await?.body)
    }

    async fn call<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<Answer<T>> {
        let url = self.url(call.path)?;
        self.call_at(call, &url).await
    }

    async fn call_at<T: DeserializeOwned>(&self, call: &Call<'_>, url: &Url) -> Result<Answer<T>> {
        let id = match &self.correlation_id {
            Some(id) => id.to_str().unwrap_or_default().to_owned(),
            None => Uuid::new_v4().to_string(),
        };
        let (mut failures, mut renewed) = (0, false);
        loop {
            let mut used = None;
            let failed = match self.attempt(call, url, &id, &mut used).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            // Core may have changed its key: nothing was done, so one fresh token is worth a try.
            if failed.error.status() == Some(401)
                && !renewed
                && let Some(token) = used
                && self.shared.token.forget(&token).await
            {
                renewed = true;
                continue;
            }
            let pause = failed
                .wait
                .unwrap_or(self.shared.backoff * 2_u32.saturating_pow(failures));
            if failures >= call.retries || !failed.error.is_retryable() || pause > LONGEST_WAIT {
                return Err(failed.error);
            }
            tokio::time::sleep(pause).await;
            failures += 1;
        }
    }

    /// Segments are percent-encoded here and nowhere else. Dots alone would be taken for steps up the
    /// path, encoded or not, and an empty segment names the list instead of one of its records.
    fn url(&self, path: &[&str]) -> Result<Url> {
        if let Some(bad) = path.iter().find(|part| ["", ".", ".."].contains(*part)) {
            return Err(Error::Segment((*bad).to_owned()));
        }
        let mut url = self.shared.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Ok(url)
    }

    async fn attempt<T: DeserializeOwned>(
        &self,
        call: &Call<'_>,
        url: &Url,
        id: &str,
        used: &mut Option<SecretString>,
    ) -> Result<Answer<T>, Failed> {
        let shared = &self.shared;
        let mut request = shared
            .http
            .request(call.method.clone(), url.clone())
            .query(call.query)
            .header(CORRELATION_ID, id);
        if let Some(body) = call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_vec());
        }
        if let Some(secret) = call.secret {
            request = request.header("x-webhook-secret", secret.expose_secret());
        }
        if call.with_token {
            let token = used.insert(shared.token.token(&shared.http).await?);
            request = request.bearer_auth(token.expose_secret());
        }
        let unsent = |error: reqwest::Error| unsent(error, id);
        let response = request.send().await.map_err(unsent)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(unsent)?;
        if status.is_success() || call.answers_too == Some(status) {
            // 204 says nothing, which is null.
            let said: &[u8] = if body.is_empty() { b"null" } else { &body };
            let body = serde_json::from_slice(said).map_err(|source| Error::Decode {
                correlation_id: id.to_owned(),
                source,
            })?;
            return Ok(Answer { headers, body });
        }
        Err(Failed {
            error: refused(status, &headers, &body, id),
            wait: asked_wait(&headers),
        })
    }
}

fn unsent(error: reqwest::Error, id: &str) -> Error {
    if error.is_builder() {
        // Address, query and correlation id are ours and sound; the token is not.
        return Error::Token("it holds characters that cannot be sent".to_owned());
    }
    let (correlation_id, timeout) = (id.to_owned(), error.is_timeout());
    let source = error.without_url();
    if timeout {
        Error::Timeout {
            correlation_id,
            source,
        }
    } else {
        Error::Transport {
            correlation_id,
            source,
        }
    }
}

fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], sent: &str) -> Error {
    let echoed = headers.get(CORRELATION_ID).and_then(|id| id.to_str().ok());
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = ["detail", "error", "message"]
        .iter()
        .find_map(|key| body.get(key)?.as_str());
    let code = body.get("type").and_then(Value::as_str);
    Error::Http {
        status: status.as_u16(),
        code: code
            .and_then(|kind| kind.split_once('#'))
            .map(|(_, code)| code.to_owned()),
        message: said
            .or(status.canonical_reason())
            .unwrap_or("no reason given")
            .to_owned(),
        correlation_id: echoed.unwrap_or(sent).to_owned(),
    }
}

/// Seconds only: Codex sends no dates.
fn asked_wait(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}
