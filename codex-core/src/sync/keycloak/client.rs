//! The calls.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{NAME, USERS, login::Login};
use crate::{
    clock::SharedClock,
    sync::{
        HttpSettings, RateLimitBlock, UpstreamError,
        engine::{
            crawl::{Lister, Page},
            http::{Reply, Upstream},
        },
    },
};

/// What an account needs to read users; named in errors and issues (trap 66).
pub(super) const ROLE: &str = "the role view-users of client realm-management";
/// Users on a page: the default, which no server refuses (vendors 3).
const PAGE: u32 = 100;
/// Where the token endpoint is expected to say how long a token lives; the shortest known otherwise.
const TOKEN_LIFE: Duration = Duration::from_secs(60);
/// No token is used for longer: a moment that is too far away is none.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// A token is renewed this much before its end.
const MARGIN: Duration = Duration::from_secs(10);

/// Which server and realm, and how to call it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's address, with `/auth` where everything hangs under that (vendors 3).
    pub base: Url,
    /// The realm whose users are read.
    pub realm: String,
    /// Ways to log in, in order: one that is refused gives way to the next.
    pub logins: Vec<Login>,
    /// Time-outs, waits, limits, certificates.
    pub http: HttpSettings,
}

#[derive(Debug, Default)]
struct State {
    /// Which login is in use.
    login: usize,
    token: Option<Token>,
}

#[derive(Debug)]
struct Token {
    value: SecretString,
    good_until: Instant,
}

/// Keycloak as one run calls it.
#[derive(Debug)]
pub(super) struct Client {
    upstream: Upstream,
    settings: Settings,
    /// One grant at a time: who comes while another asks waits for that answer.
    state: tokio::sync::Mutex<State>,
    /// Ids of the page before, to notice a server that gives the same page again and again.
    before: Mutex<Vec<Value>>,
}

impl Client {
    pub fn new(
        settings: Settings,
        rate_limit_block: RateLimitBlock,
        clock: SharedClock,
    ) -> Result<Self, UpstreamError> {
        Ok(Self {
            upstream: Upstream::new(NAME, settings.http.clone(), rate_limit_block, clock)?,
            settings,
            state: tokio::sync::Mutex::default(),
            before: Mutex::default(),
        })
    }

    /// The same for somebody who waits ([`Upstream::for_people`]).
    pub fn for_people(mut self) -> Self {
        self.upstream = self.upstream.for_people();
        self
    }

    /// Proves that a login works before anything is read.
    pub async fn login(&self) -> Result<(), UpstreamError> {
        self.token().await.map(drop)
    }

    /// A user by id; `None` for a 404.
    pub async fn user(&self, id: &str) -> Result<Option<Value>, UpstreamError> {
        match self.get(&[USERS, id], &[]).await {
            Ok(reply) if reply.body.get("id").is_some() => Ok(Some(reply.body)),
            Ok(_) => Err(UpstreamError::malformed(NAME, USERS)),
            Err(UpstreamError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A call below the realm with a token. A refused token is renewed once and the call made again
    /// (trap 63); a login that may not read gives way to the next.
    async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Reply, UpstreamError> {
        let url = self.url(&[&["admin", "realms", &self.settings.realm], path].concat());
        let mut renewed = false;
        loop {
            let token = self.token().await?;
            let result = self
                .upstream
                .call(USERS, |http| {
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
                Err(UpstreamError::Forbidden { source_name, .. }) => {
                    if !self.next_login(&token).await {
                        let resource = format!("{USERS} without {ROLE}");
                        return Err(UpstreamError::Forbidden {
                            source_name,
                            resource,
                        });
                    }
                }
                other => return other,
            }
        }
    }

    async fn token(&self) -> Result<SecretString, UpstreamError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = state.token.as_ref().filter(|token| token.good_until > now) {
            return Ok(token.value.clone());
        }
        loop {
            let login = self.settings.logins.get(state.login);
            let login = login.ok_or_else(|| UpstreamError::Unauthorized {
                source_name: NAME,
                resource: "the token endpoint: no login is configured".into(),
            })?;
            match self.grant(login).await {
                Ok(token) => return Ok(state.token.insert(token).value.clone()),
                Err(error @ UpstreamError::Unauthorized { .. })
                    if state.login + 1 < self.settings.logins.len() =>
                {
                    tracing::warn!(source = NAME, "{error}; the next login is tried");
                    state.login += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One try: each wrong one lengthens the lock of an account (trap 68).
    async fn grant(&self, login: &Login) -> Result<Token, UpstreamError> {
        let realm = login.realm(&self.settings);
        let url = self.url(&["realms", realm, "protocol", "openid-connect", "token"]);
        let form = login.form();
        let reply = self
            .upstream
            .call("token", |http| http.post(url.clone()).form(&form))
            .await;
        let reply = match reply {
            // Both mean the same; which one comes depends on the version and the reason (trap 68).
            Err(
                UpstreamError::Unauthorized { source_name, .. }
                | UpstreamError::Status {
                    source_name,
                    code: 400,
                    ..
                },
            ) => {
                return Err(UpstreamError::Unauthorized {
                    source_name,
                    resource: format!("the login of {}", login.name()),
                });
            }
            Err(UpstreamError::NotFound { source_name, .. }) => {
                return Err(UpstreamError::NotFound {
                    source_name,
                    resource: format!(
                        "realm `{realm}` below {}: the realm's name is wrong, or the address lacks or \
                         must not have /auth",
                        self.settings.base.path()
                    ),
                });
            }
            other => other?,
        };
        let value = reply.body.get("access_token").and_then(Value::as_str);
        let value = value.ok_or_else(|| UpstreamError::malformed(NAME, "token"))?;
        let life = reply.body.get("expires_in").and_then(Value::as_u64);
        let life = life.map_or(TOKEN_LIFE, Duration::from_secs);
        let life = life.min(LONGEST_LIFE);
        Ok(Token {
            value: value.into(),
            good_until: Instant::now() + life.saturating_sub(MARGIN),
        })
    }

    async fn forget(&self, refused: &SecretString) {
        let mut state = self.state.lock().await;
        if state.holds(refused) {
            state.token = None;
        }
    }

    /// Goes over to the next login, unless somebody did already; tells whether there is one.
    async fn next_login(&self, refused: &SecretString) -> bool {
        let mut state = self.state.lock().await;
        if state.holds(refused) {
            if state.login + 1 >= self.settings.logins.len() {
                return false;
            }
            tracing::warn!(
                source = NAME,
                "A login lacks {ROLE}; the next login is tried"
            );
            state.login += 1;
            state.token = None;
        }
        true
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.settings.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

impl State {
    fn holds(&self, token: &SecretString) -> bool {
        let held = self.token.as_ref();
        held.is_some_and(|held| held.value.expose_secret() == token.expose_secret())
    }
}

impl Lister for Client {
    /// There is one list.
    type List = ();
    /// How many users come before the page.
    type Next = u32;

    /// The list ends at a short page: there is neither link nor total, and the count that can be asked for
    /// has users that no list shows (vendors 3).
    async fn page(&self, (): &(), at: Option<u32>) -> Result<Page<u32>, UpstreamError> {
        let first = at.unwrap_or(0);
        let query = [
            ("first", first.to_string()),
            ("max", PAGE.to_string()),
            ("briefRepresentation", "true".to_owned()),
        ];
        let reply = self
            .get(&[USERS], &query)
            .await
            .map_err(|error| match error {
                UpstreamError::NotFound { source_name, .. } => UpstreamError::NotFound {
                    source_name,
                    resource: format!("{USERS} of realm `{}`", self.settings.realm),
                },
                other => other,
            })?;
        let Value::Array(items) = reply.body else {
            return Err(UpstreamError::malformed(NAME, USERS));
        };
        let ids: Vec<Value> = items
            .iter()
            .map(|user| user.get("id").cloned().unwrap_or_default())
            .collect();
        let mut before = self.before.lock().unwrap_or_else(PoisonError::into_inner);
        if first > 0 && !ids.is_empty() && ids == *before {
            return Err(UpstreamError::Loop {
                source_name: NAME,
                resource: USERS.into(),
            });
        }
        *before = ids;
        // More than was asked for: whoever answers knows no pages, and this is everything.
        let next = (items.len() == PAGE as usize).then_some(first + PAGE);
        Ok(Page {
            items,
            next,
            total: None,
        })
    }

    fn calls(&self) -> u64 {
        self.upstream.calls()
    }
}

#[cfg(test)]
mod tests;
