//! How calls are sent: address, token, tries, errors.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::{
    Builder, Error, Result, TokenSource,
    cache::{Cache, Kept},
    error,
    tries::{Failed, Tries},
};

/// Names a request in the logs of all modules (contract 1.0).
pub(crate) const CORRELATION_ID: &str = "x-correlation-id";
/// Makes a POST once, however often it is sent.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Makes calls for all resources.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    pub shared: Arc<Shared>,
    correlation_id: Option<HeaderValue>,
}

/// What all calls of a client have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    http: reqwest::Client,
    base: Url,
    pub token: TokenSource,
    pub retries: u32,
    pub backoff: Duration,
    cache: Cache,
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Call {
    pub method: Method,
    pub url: Url,
    /// JSON.
    pub body: Option<Vec<u8>>,
    /// Conditions, keys and secrets.
    pub headers: HeaderMap,
    /// Whether it may be sent again when nobody knows what became of it.
    pub repeatable: bool,
    /// Health routes are open, and must answer when no token can be had.
    pub with_token: bool,
    /// A status beside 2xx whose body is the answer.
    pub answers_too: Option<StatusCode>,
    /// The longest that a try may take when it is not the client's timeout.
    pub longest: Option<Duration>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub headers: HeaderMap,
    /// 204 says nothing, which is null.
    pub body: Vec<u8>,
}

/// A reply with the id of the call.
#[derive(Debug)]
pub(crate) struct Answer {
    pub id: String,
    pub reply: Arc<Reply>,
}

impl Call {
    /// A call that reads, and may be sent again.
    pub fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: None,
            headers: HeaderMap::new(),
            repeatable: true,
            with_token: true,
            answers_too: None,
            longest: None,
        }
    }

    /// A call that changes something, and is sent once unless something makes it repeatable.
    pub fn change(method: Method, url: Url, body: Option<Vec<u8>>) -> Self {
        Self {
            method,
            body,
            repeatable: false,
            ..Self::get(url)
        }
    }
}

impl Answer {
    /// The answer decoded.
    pub fn decode<T>(&self, decode: fn(&[u8]) -> serde_json::Result<T>) -> Result<T> {
        decode(&self.reply.body).map_err(|source| Error::Decode {
            correlation_id: self.id.clone(),
            source,
        })
    }
}

/// JSON of a type.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(body)
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
                cache: Cache::new(settings.cache_bytes),
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

    /// Reads at once.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T> {
        let call = Call::get(self.url(path, query)?);
        self.send(&call).await?.decode(json)
    }

    /// A question of health: without a token, once, because the answer is about now.
    pub async fn probe<T: DeserializeOwned>(
        &self,
        path: &[&str],
        answers_too: Option<StatusCode>,
    ) -> Result<T> {
        let call = Call {
            repeatable: false,
            with_token: false,
            answers_too,
            ..Call::get(self.url(path, &[])?)
        };
        self.send(&call).await?.decode(json)
    }

    /// What a vendor sends: with a shared secret, once.
    pub async fn webhook<T: DeserializeOwned>(
        &self,
        path: &[&str],
        secret: &SecretString,
        body: &Value,
    ) -> Result<T> {
        let mut call = Call::change(Method::POST, self.url(path, &[])?, Some(encode(body)?));
        call.with_token = false;
        let secret = HeaderValue::from_str(secret.expose_secret());
        let mut secret = secret.map_err(|_| Error::Header("x-webhook-secret".to_owned()))?;
        secret.set_sensitive(true);
        call.headers.insert("x-webhook-secret", secret);
        self.send(&call).await?.decode(json)
    }

    /// A call of a path as it stands, with its query: for modules that this crate has no types of.
    pub async fn raw(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let address = format!(
            "{}/{}",
            self.shared.base.as_str().trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        let url = Url::parse(&address).map_err(|_| Error::Address(address))?;
        let repeatable = method == Method::GET;
        let mut call = Call::change(method, url, body.map(encode).transpose()?);
        call.repeatable = repeatable;
        self.send(&call).await?.decode(json)
    }

    /// Segments are percent-encoded here and nowhere else. Dots alone would be taken for steps up the
    /// path, encoded or not, and an empty segment names the list instead of one of its records.
    pub fn url(&self, path: &[&str], query: &[(&str, String)]) -> Result<Url> {
        if let Some(bad) = path.iter().find(|part| ["", ".", ".."].contains(*part)) {
            return Err(Error::Segment((*bad).to_owned()));
        }
        let mut url = self.shared.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Sends a call until it is answered or must not be sent again.
    pub async fn send(&self, call: &Call) -> Result<Answer> {
        let mut tries = Tries::new(self, call);
        loop {
            match self.attempt(call, &mut tries).await {
                Ok(reply) => return Ok(tries.answered(reply)),
                Err(failed) => tries.after(failed).await?,
            }
        }
    }

    /// Sends a call until an answer begins or it must not be sent again; with the id of the call.
    pub async fn open(&self, call: &Call) -> Result<(Response, String)> {
        let mut tries = Tries::new(self, call);
        loop {
            match self.begin(call, &mut tries, None).await {
                Ok(response) => return Ok((response, tries.id)),
                Err(failed) => tries.after(failed).await?,
            }
        }
    }

    /// The id of a call that is about to be made.
    pub fn id(&self) -> String {
        let given = self.correlation_id.as_ref().and_then(|id| id.to_str().ok());
        given.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
    }

    /// One try, until an answer begins that is no refusal.
    async fn begin(
        &self,
        call: &Call,
        tries: &mut Tries<'_>,
        kept: Option<&Kept>,
    ) -> Result<Response, Failed> {
        let shared = &self.shared;
        let mut request = shared
            .http
            .request(call.method.clone(), call.url.clone())
            .headers(call.headers.clone())
            .header(CORRELATION_ID, &tries.id)
            .header("prefer", "handling=strict");
        if let Some(body) = &call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        if let Some(kept) = kept {
            request = request.header(IF_NONE_MATCH, &kept.tag);
        }
        if let Some(longest) = call.longest {
            request = request.timeout(longest);
        }
        if call.with_token {
            let token = tries.used.insert(shared.token.token(&shared.http).await?);
            request = request.bearer_auth(token.expose_secret());
        }
        let unsent = |error: reqwest::Error| error::unsent(error, &tries.id);
        let response = request.send().await.map_err(unsent)?;
        let status = response.status();
        let unchanged = kept.is_some() && status == StatusCode::NOT_MODIFIED;
        if status.is_success() || unchanged || call.answers_too == Some(status) {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(unsent)?;
        Err(Failed::refused(call, status, &headers, &body, &tries.id))
    }

    async fn attempt(&self, call: &Call, tries: &mut Tries<'_>) -> Result<Arc<Reply>, Failed> {
        let cache = &self.shared.cache;
        let kept = match call.method {
            Method::GET if call.with_token => cache.get(&call.url).await,
            _ => None,
        };
        let response = self.begin(call, tries, kept.as_ref()).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        if let (StatusCode::NOT_MODIFIED, Some(kept)) = (status, kept) {
            return Ok(kept.reply);
        }
        let body = response.bytes().await;
        let mut body = Vec::from(body.map_err(|error| error::unsent(error, &tries.id))?);
        if body.is_empty() {
            body.extend(b"null");
        }
        let reply = Arc::new(Reply { headers, body });
        if call.method == Method::GET && call.with_token && status == StatusCode::OK {
            cache.keep(&call.url, &reply).await;
        }
        Ok(reply)
    }
}

/// A body as JSON.
pub(crate) fn encode(body: &(impl Serialize + ?Sized)) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(Error::Encode)
}

/// A condition or key as a header.
pub(crate) fn header(text: &str) -> Result<HeaderValue> {
    let value = HeaderValue::from_str(text).ok();
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| Error::Header(text.to_owned()))
}

/// Whether a call has a condition that its own first try would break.
pub(crate) fn conditional(call: &Call) -> bool {
    call.headers.contains_key(IF_MATCH)
}
