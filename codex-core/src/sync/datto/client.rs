//! The calls.

#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::NAME;
use crate::{
    clock::SharedClock,
    sync::{
        HttpSettings, RateLimitBlock, Run, UpstreamError,
        engine::{
            crawl::{Lister, Page},
            http::{Reply, Upstream},
        },
    },
};

/// The vendor's largest page (vendors 2.4).
const MAX_PAGE: &str = "250";
/// How long an address stays blocked after too many calls (vendors 2.3).
const BLOCK: Duration = Duration::from_secs(300);
/// A token lives for 100 hours; renewed a little before (vendors 2.2).
const TOKEN_LIFE: Duration = Duration::from_secs(99 * 3600);

/// Which account, and how to call it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The platform's address, such as `https://zinfandel-api.centrastage.net`.
    pub base: Url,
    /// API key.
    pub public_key: SecretString,
    /// API secret key.
    pub secret_key: SecretString,
    /// Time-outs, waits, limits.
    pub http: HttpSettings,
}

/// The lists that are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum List {
    Sites,
    Devices,
    SiteDevices(String),
    SiteVariables(String),
    SiteInterfaces(String),
    Software(String),
}

impl List {
    fn path(&self) -> Vec<&str> {
        match self {
            Self::Sites => vec!["account", "sites"],
            Self::Devices => vec!["account", "devices"],
            Self::SiteDevices(uid) => vec!["site", uid, "devices"],
            Self::SiteVariables(uid) => vec!["site", uid, "variables"],
            Self::SiteInterfaces(uid) => vec!["site", uid, "devices", "network-interface"],
            Self::Software(uid) => vec!["audit", "device", uid, "software"],
        }
    }

    fn array(&self) -> &'static str {
        match self {
            Self::Sites => "sites",
            Self::SiteVariables(_) => "variables",
            Self::Software(_) => "software",
            Self::Devices | Self::SiteDevices(_) | Self::SiteInterfaces(_) => "devices",
        }
    }
}

#[derive(Debug)]
struct Token {
    value: SecretString,
    good_until: Instant,
}

/// Datto RMM as one run calls it.
#[derive(Debug)]
pub(super) struct Client {
    upstream: Upstream,
    settings: Settings,
    /// One grant at a time: who comes while another asks waits for that answer (trap 61f).
    token: tokio::sync::Mutex<Option<Token>>,
}

impl Client {
    pub fn new(
        settings: Settings,
        rate_limit_block: RateLimitBlock,
        clock: SharedClock,
    ) -> Result<Self, UpstreamError> {
        let upstream = Upstream::new(NAME, settings.http.clone(), rate_limit_block, clock)?;
        let token = tokio::sync::Mutex::default();
        Ok(Self {
            upstream,
            settings,
            token,
        })
    }

    /// A client for the calls of a run.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_run(settings: &Settings, run: &mut Run) -> Result<Arc<Self>, UpstreamError> {
        let rate_limit_block = run.rate_limit_block(NAME);
        let client = Self::new(settings.clone(), rate_limit_block, run.clock().clone())?;
        Ok(Arc::new(client))
    }

    /// The same for somebody who waits ([`Upstream::for_people`]).
    pub fn for_people(mut self) -> Self {
        self.upstream = self.upstream.for_people();
        self
    }

    /// Reads the account: proves address and keys.
    pub async fn probe(&self) -> Result<(), UpstreamError> {
        self.get(&["account"], &[]).await.map(drop)
    }

    /// A site by its uid, a bare object; `None` for a 404.
    pub async fn site(&self, uid: &str) -> Result<Option<Value>, UpstreamError> {
        self.one(&["site", uid]).await
    }

    /// A device by its uid; `None` for a 404.
    pub async fn device(&self, uid: &str) -> Result<Option<Value>, UpstreamError> {
        self.one(&["device", uid]).await
    }

    /// The inventory of a device of a class; `None` when the vendor has none.
    pub async fn audit(&self, class: &str, uid: &str) -> Result<Option<Value>, UpstreamError> {
        let path = ["audit", class, uid];
        match self.get(&path, &[]).await {
            Ok(reply) if reply.body.is_object() => Ok(Some(reply.body)),
            Ok(_) => Err(UpstreamError::malformed(NAME, &path.join("/"))),
            Err(error) if super::audits::is_none(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn one(&self, path: &[&str]) -> Result<Option<Value>, UpstreamError> {
        match self.get(path, &[]).await {
            Ok(reply) if reply.body.get("uid").is_some() => Ok(Some(reply.body)),
            Ok(_) => Err(UpstreamError::malformed(NAME, &path.join("/"))),
            Err(UpstreamError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A call with a token; a refused token is renewed once and the call made again (trap 40).
    async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Reply, UpstreamError> {
        let resource = path.join("/");
        let url = self.url(path);
        let mut renewed = false;
        loop {
            let token = self.token().await?;
            let result = self
                .upstream
                .call(&resource, |http| {
                    http.get(url.clone())
                        .query(query)
                        .bearer_auth(token.expose_secret())
                })
                .await;
            match result {
                Err(UpstreamError::Unauthorized { .. }) if !renewed => {
                    renewed = true;
                    self.forget(&token).await;
                }
                Err(error) => return Err(self.classify_forbidden(error).await),
                Ok(reply) => return Ok(reply),
            }
        }
    }

    /// Creates something; the answer has no body.
    pub async fn put(&self, path: &[&str], body: &Value) -> Result<(), UpstreamError> {
        self.command(reqwest::Method::PUT, path, body).await
    }

    /// Changes something; the answer has no body.
    pub async fn post(&self, path: &[&str], body: &Value) -> Result<(), UpstreamError> {
        self.command(reqwest::Method::POST, path, body).await
    }

    async fn command(
        &self,
        method: reqwest::Method,
        path: &[&str],
        body: &Value,
    ) -> Result<(), UpstreamError> {
        let (resource, url) = (path.join("/"), self.url(path));
        let token = self.token().await?;
        let request = |http: &reqwest::Client| {
            http.request(method.clone(), url.clone())
                .bearer_auth(token.expose_secret())
                .json(body)
        };
        match self.upstream.command(&resource, request).await {
            Err(error) => Err(self.classify_forbidden(error).await),
            done => done,
        }
    }

    async fn token(&self) -> Result<SecretString, UpstreamError> {
        let mut token = self.token.lock().await;
        if let Some(token) = token
            .as_ref()
            .filter(|token| token.good_until > Instant::now())
        {
            return Ok(token.value.clone());
        }
        let mut url = self.settings.base.clone();
        url.set_path("/auth/oauth/token");
        let (key, secret) = (&self.settings.public_key, &self.settings.secret_key);
        let form = [
            ("grant_type", "password"),
            ("username", key.expose_secret()),
            ("password", secret.expose_secret()),
        ];
        let reply = self
            .upstream
            .call("oauth/token", |http| {
                http.post(url.clone())
                    .basic_auth("public-client", Some("public"))
                    .form(&form)
            })
            .await;
        let reply = match reply {
            Ok(reply) => reply,
            // Bad keys come as 400 or as 401 (vendors 6).
            Err(UpstreamError::Status {
                source_name,
                resource,
                code: 400,
            }) => {
                return Err(UpstreamError::Unauthorized {
                    source_name,
                    resource,
                });
            }
            // A token is no object that one may be denied: the address is blocked (trap 41).
            Err(UpstreamError::Forbidden { resource, .. }) => {
                return Err(self.block(&resource).await);
            }
            Err(error) => return Err(error),
        };
        let value = reply.body.get("access_token").and_then(Value::as_str);
        let value = value.ok_or_else(|| UpstreamError::malformed(NAME, "oauth/token"))?;
        let life = reply
            .body
            .get("expires_in")
            .and_then(Value::as_u64)
            .map(Duration::from_secs);
        let life = life
            .unwrap_or(TOKEN_LIFE)
            .min(TOKEN_LIFE)
            .saturating_sub(Duration::from_secs(60));
        let value = SecretString::from(value);
        *token = Some(Token {
            value: value.clone(),
            good_until: Instant::now() + life,
        });
        Ok(value)
    }

    async fn forget(&self, refused: &SecretString) {
        let mut token = self.token.lock().await;
        if token
            .as_ref()
            .is_some_and(|t| t.value.expose_secret() == refused.expose_secret())
        {
            *token = None;
        }
    }

    /// 403 has two meanings: no access to one object, or our address is blocked after too many calls. It
    /// is a block when we were just limited, or when the account itself is refused too (trap 41, 42).
    async fn classify_forbidden(&self, error: UpstreamError) -> UpstreamError {
        let UpstreamError::Forbidden { resource, .. } = &error else {
            return error;
        };
        match self.blocked().await {
            Ok(true) => self.block(resource).await,
            Ok(false) => error,
            Err(unknown) => unknown,
        }
    }

    async fn block(&self, resource: &str) -> UpstreamError {
        let why = "address blocked after too many calls";
        self.upstream.block(resource, BLOCK, why).await
    }

    async fn blocked(&self) -> Result<bool, UpstreamError> {
        if self.upstream.just_limited() {
            return Ok(true);
        }
        let token = self.token().await?;
        let url = self.url(&["account"]);
        let probe = self
            .upstream
            .call("account", |http| {
                http.get(url.clone()).bearer_auth(token.expose_secret())
            })
            .await;
        match probe {
            Err(UpstreamError::Forbidden { .. }) => Ok(true),
            // No answer to the question.
            Err(error @ UpstreamError::Transport { .. }) => Err(error),
            Err(error) if error.stops_everything() => Err(error),
            _ => Ok(false),
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.settings.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v2"]).extend(path);
        }
        url
    }
}

impl Lister for Client {
    type List = List;
    /// Pages are numbered from 0.
    type Next = u32;

    async fn page(&self, list: &List, at: Option<u32>) -> Result<Page<u32>, UpstreamError> {
        let number = at.unwrap_or(0);
        let path = list.path();
        let resource = path.join("/");
        let page = number.to_string();
        let reply = self
            .get(&path, &[("page", page.as_str()), ("max", MAX_PAGE)])
            .await?;
        let malformed = || UpstreamError::malformed(NAME, &resource);
        // A page without its envelope is an error, not an end (vendors 2.4).
        let details = reply
            .body
            .get("pageDetails")
            .filter(|d| d.is_object())
            .ok_or_else(malformed)?;
        let items = reply
            .body
            .get(list.array())
            .and_then(Value::as_array)
            .ok_or_else(malformed)?;
        let next = match details.get("nextPageUrl") {
            None | Some(Value::Null) => None,
            Some(Value::String(link)) if link.is_empty() => None,
            Some(Value::String(link)) => Some(self.next(&resource, link, number)?),
            Some(_) => return Err(malformed()),
        };
        let total = details.get("totalCount").and_then(Value::as_u64);
        Ok(Page {
            items: items.clone(),
            next,
            total,
        })
    }

    fn calls(&self) -> u64 {
        self.upstream.calls()
    }
}

impl Client {
    /// The page that a link names. Only its number is used: the link may lack our parameters, and one
    /// to another host would get our token (trap 38).
    fn next(&self, resource: &str, link: &str, current: u32) -> Result<u32, UpstreamError> {
        let (source_name, name) = (NAME, resource.to_owned());
        let url = self.settings.base.join(link);
        let url = url.map_err(|_| UpstreamError::malformed(NAME, resource))?;
        if url.origin() != self.settings.base.origin() {
            return Err(UpstreamError::ForeignLink {
                source_name,
                resource: name,
            });
        }
        let page = url
            .query_pairs()
            .find(|(key, _)| key == "page")
            .and_then(|(_, n)| n.parse().ok());
        match page {
            Some(page) if page > current => Ok(page),
            Some(_) => Err(UpstreamError::Loop {
                source_name,
                resource: name,
            }),
            None => Err(UpstreamError::malformed(NAME, resource)),
        }
    }
}
