//! The calls.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::NAME;
use crate::{
    clock::SharedClock,
    sync::{
        Gate, HttpSettings, UpstreamError,
        crawl::{Lister, Page},
        http::{Reply, Upstream},
    },
};

/// The vendor's largest page (upstreams 2.4).
const MAX_PAGE: &str = "250";
/// How long an address stays blocked after too many calls (upstreams 2.3).
const BLOCK: Duration = Duration::from_secs(300);
/// A token lives for 100 hours; renewed a little before (upstreams 2.2).
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
    pub fn new(settings: Settings, gate: Gate, clock: SharedClock) -> Result<Self, UpstreamError> {
        let upstream = Upstream::new(NAME, settings.http.clone(), gate, clock)?;
        let token = tokio::sync::Mutex::default();
        Ok(Self {
            upstream,
            settings,
            token,
        })
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
                Err(error) => return Err(self.told_apart(error).await),
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
            Err(error) => Err(self.told_apart(error).await),
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
            // Bad keys come as 400 or as 401 (upstreams 6).
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
    async fn told_apart(&self, error: UpstreamError) -> UpstreamError {
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
        // A page without its envelope is an error, not an end (upstreams 2.4).
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;
    use crate::{
        clock::SystemClock,
        sync::http::stub::{Stub, answer, gate, json, status},
    };

    const TOKEN: &str = "{\"access_token\": \"T\", \"expires_in\": 360000}";
    const PAGE: &str =
        "{\"pageDetails\": {\"totalCount\": 1, \"nextPageUrl\": null}, \"sites\": [{}]}";

    /// A platform that gives tokens and answers other calls by `reply`.
    async fn client(
        reply: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> (Client, Stub, Gate, TempDir) {
        let stub = Stub::new(move |_, request| {
            if request.starts_with("POST /auth/oauth/token ") {
                json(TOKEN)
            } else {
                reply(request)
            }
        })
        .await;
        let (gate, folder) = gate().await;
        (client_of(&stub, &gate), stub, gate, folder)
    }

    fn client_of(stub: &Stub, gate: &Gate) -> Client {
        let http = HttpSettings {
            backoff: Duration::from_millis(1),
            max_wait: Duration::from_secs(2),
            ..HttpSettings::default()
        };
        let settings = Settings {
            base: stub.base.clone(),
            public_key: SecretString::from("PUBLIC"),
            secret_key: SecretString::from("PRIVATE"),
            http,
        };
        Client::new(settings, gate.clone(), Arc::new(SystemClock)).unwrap()
    }

    fn grants(stub: &Stub) -> usize {
        let requests = stub.requests.lock().unwrap();
        requests
            .iter()
            .filter(|request| request.starts_with("POST "))
            .count()
    }

    async fn first_page(body: &'static str) -> Result<Page<u32>, UpstreamError> {
        let (client, _stub, _gate, _folder) = client(move |_| json(body)).await;
        client.page(&List::Sites, None).await
    }

    #[tokio::test]
    async fn trap_61f_calls_that_come_together_share_one_token() {
        let (client, stub, _gate, _folder) = client(|_| json(PAGE)).await;
        let calls = (0..6).map(|_| client.page(&List::Sites, None));
        for page in futures::future::join_all(calls).await {
            assert_eq!(page.unwrap().total, Some(1));
        }
        assert_eq!(grants(&stub), 1);
        let requests = stub.requests.lock().unwrap();
        assert!(requests[0].contains("username=PUBLIC&password=PRIVATE"));
        // `public-client:public` in base 64 (upstreams 2.2).
        assert!(requests[0].contains("Basic cHVibGljLWNsaWVudDpwdWJsaWM="));
        assert!(requests[1].starts_with("GET /api/v2/account/sites?page=0&max=250 "));
        assert!(requests[1].contains("Bearer T"));
    }

    #[tokio::test]
    async fn trap_40_a_token_that_is_refused_is_renewed_once_and_the_call_made_again() {
        let stub = Stub::new(|n, request| match n {
            0 => json("{\"access_token\": \"OLD\"}"),
            _ if request.starts_with("POST ") => json(TOKEN),
            _ if request.contains("Bearer OLD") => status(401),
            _ => json(PAGE),
        })
        .await;
        let (gate, _folder) = gate().await;
        let client = client_of(&stub, &gate);
        let calls = (0..6).map(|_| client.page(&List::Sites, None));
        for page in futures::future::join_all(calls).await {
            assert!(page.is_ok());
        }
        assert_eq!(grants(&stub), 2, "one at first, one for all six");
    }

    #[tokio::test]
    async fn a_new_token_that_is_refused_too_ends_it() {
        let (client, stub, _gate, _folder) = client(|_| status(401)).await;
        let error = client.page(&List::Sites, None).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Unauthorized { .. }));
        assert_eq!(grants(&stub), 2);
    }

    #[tokio::test]
    async fn bad_keys_are_named_whatever_the_status() {
        let body = "{\"error\": \"invalid_grant\"}";
        for code in [400, 401] {
            let stub = Stub::new(move |_, _| answer(code, &[], "application/json", body)).await;
            let (gate, _folder) = gate().await;
            let error = client_of(&stub, &gate).site("a").await.unwrap_err();
            assert!(
                matches!(error, UpstreamError::Unauthorized { .. }),
                "{code}: {error}"
            );
            assert!(!format!("{error:?}").contains("PRIVATE"));
            assert_eq!(stub.count(), 1, "{code}");
        }
    }

    #[tokio::test]
    async fn trap_42_403_on_one_site_is_about_that_site() {
        let (client, _stub, gate, _folder) = client(|request| {
            if request.starts_with("GET /api/v2/account ") {
                json("{\"id\": 1}")
            } else {
                status(403)
            }
        })
        .await;
        let error = client
            .page(&List::SiteDevices("s1".into()), None)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, UpstreamError::Forbidden { resource, .. } if resource == "site/s1/devices")
        );
        assert!(!error.stops_everything());
        assert_eq!(gate.closed_until().await.unwrap(), None);
    }

    #[tokio::test]
    async fn trap_41_403_on_everything_is_a_block_and_closes_the_gate_for_five_minutes() {
        let (client, stub, gate, _folder) = client(|_| status(403)).await;
        let error = client.site("s1").await.unwrap_err();
        assert!(matches!(error, UpstreamError::Blocked { .. }), "{error}");
        assert!(error.stops_everything());
        assert!(gate.closed_until().await.unwrap().is_some());
        let calls = stub.count();
        assert!(matches!(
            client.site("s2").await,
            Err(UpstreamError::Blocked { .. })
        ));
        assert_eq!(stub.count(), calls, "a blocked address makes no calls");
    }

    #[tokio::test]
    async fn trap_41_403_right_after_429_is_a_block_without_asking_further() {
        let stub = Stub::new(|n, _| match n {
            0 => json(TOKEN),
            1 => answer(429, &["retry-after: 0"], "text/plain", ""),
            _ => status(403),
        })
        .await;
        let (gate, _folder) = gate().await;
        let error = client_of(&stub, &gate).site("s1").await.unwrap_err();
        assert!(matches!(error, UpstreamError::Blocked { .. }), "{error}");
        assert_eq!(stub.count(), 3);
    }

    #[tokio::test]
    async fn trap_41_403_on_the_token_is_a_block_and_no_matter_of_one_object() {
        let stub = Stub::new(|_, _| status(403)).await;
        let (gate, _folder) = gate().await;
        let error = client_of(&stub, &gate).site("s1").await.unwrap_err();
        assert!(matches!(error, UpstreamError::Blocked { .. }), "{error}");
        assert_eq!(stub.count(), 1);
    }

    #[tokio::test]
    async fn trap_38_only_the_page_number_of_a_link_is_used() {
        let link =
            "{\"pageDetails\": {\"nextPageUrl\": \"/api/v2/account/sites?page=1\"}, \"sites\": []}";
        let (client, stub, _gate, _folder) = client(move |_| json(link)).await;
        let first = client.page(&List::Sites, None).await.unwrap();
        assert_eq!(first.next, Some(1));
        let error = client.page(&List::Sites, first.next).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Loop { .. }));
        let requests = stub.requests.lock().unwrap();
        assert!(requests[2].starts_with("GET /api/v2/account/sites?page=1&max=250 "));
    }

    #[tokio::test]
    async fn trap_38_a_link_to_another_host_is_an_error() {
        let body =
            "{\"pageDetails\": {\"nextPageUrl\": \"https://other.test/x?page=1\"}, \"sites\": []}";
        let error = first_page(body).await.unwrap_err();
        assert!(matches!(error, UpstreamError::ForeignLink { .. }));
    }

    #[tokio::test]
    async fn the_end_is_null_empty_or_absent_and_nothing_else() {
        for end in [
            "{\"pageDetails\": {\"nextPageUrl\": null}, \"sites\": []}",
            "{\"pageDetails\": {\"nextPageUrl\": \"\"}, \"sites\": []}",
            "{\"pageDetails\": {}, \"sites\": []}",
        ] {
            assert_eq!(first_page(end).await.unwrap().next, None, "{end}");
        }
        for bad in [
            "null",
            "{\"sites\": []}",
            "{\"pageDetails\": null, \"sites\": []}",
            "{\"pageDetails\": {}}",
            "{\"pageDetails\": {}, \"sites\": null}",
            "{\"pageDetails\": {\"nextPageUrl\": 7}, \"sites\": []}",
            "{\"pageDetails\": {\"nextPageUrl\": \"/x\"}, \"sites\": []}",
        ] {
            let error = first_page(bad).await.unwrap_err();
            assert!(matches!(error, UpstreamError::Malformed { .. }), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_missing_device_is_none_and_a_wrapped_one_malformed() {
        let (client, _stub, _gate, _folder) = client(|request| {
            if request.contains("/device/gone ") {
                status(404)
            } else {
                json("{\"device\": {\"uid\": \"a\"}}")
            }
        })
        .await;
        assert!(client.device("gone").await.unwrap().is_none());
        let error = client.device("a").await.unwrap_err();
        assert!(matches!(error, UpstreamError::Malformed { .. }));
    }
}
