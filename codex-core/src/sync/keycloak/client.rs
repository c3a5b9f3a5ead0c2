//! The calls.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::{NAME, USERS};
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

/// What an account needs to read users; named in errors and issues (upstreams trap 66).
pub(super) const ROLE: &str = "the role view-users of client realm-management";
/// Users on a page: the default, which no server refuses (upstreams 3).
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
    /// The server's address, with `/auth` where everything hangs under that (upstreams 3).
    pub base: Url,
    /// The realm whose users are read.
    pub realm: String,
    /// Ways to log in, in order: one that is refused gives way to the next.
    pub logins: Vec<Login>,
    /// Time-outs, waits, limits, certificates.
    pub http: HttpSettings,
}

/// A way to log in.
#[derive(Debug, Clone)]
pub enum Login {
    /// A confidential client of the realm with a service account: no person's password, least privilege.
    Client {
        /// Its id.
        id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// An administrator of the server.
    Password {
        /// The administrator's realm, usually `master`.
        realm: String,
        /// Login name.
        user: String,
        /// Password.
        password: SecretString,
    },
}

impl Login {
    fn realm<'s>(&'s self, settings: &'s Settings) -> &'s str {
        match self {
            Self::Client { .. } => &settings.realm,
            Self::Password { realm, .. } => realm,
        }
    }

    fn form(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Client { id, secret } => vec![
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", secret.expose_secret()),
            ],
            Self::Password { user, password, .. } => vec![
                ("grant_type", "password"),
                ("client_id", "admin-cli"),
                ("username", user),
                ("password", password.expose_secret()),
            ],
        }
    }

    /// What a refusal may mean, for the error; nothing secret.
    fn name(&self) -> String {
        match self {
            Self::Client { id, .. } => {
                format!("client `{id}`: its secret is wrong or it has no service account")
            }
            Self::Password { user, .. } => format!(
                "user `{user}`: the password is wrong, must be changed first, or is locked after too many tries"
            ),
        }
    }
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
    /// has users that no list shows (upstreams 3).
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
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::{
        clock::SystemClock,
        sync::engine::http::stub::{Stub, answer, json as good, rate_limit_block, status},
    };

    const TOKEN: &str = r#"{"access_token": "T", "expires_in": 60}"#;

    fn by_client() -> Login {
        Login::Client {
            id: "codex".into(),
            secret: "S".into(),
        }
    }

    fn by_password() -> Login {
        Login::Password {
            realm: "master".into(),
            user: "admin".into(),
            password: "P".into(),
        }
    }

    async fn client(
        logins: Vec<Login>,
        reply: impl Fn(usize, &str) -> String + Send + Sync + 'static,
    ) -> (Client, Stub, TempDir) {
        let (stub, (rate_limit_block, folder)) = (Stub::new(reply).await, rate_limit_block().await);
        let settings = Settings {
            base: stub.base.join("auth/").unwrap(),
            realm: "hive".into(),
            logins,
            http: HttpSettings {
                backoff: Duration::from_millis(1),
                ..HttpSettings::default()
            },
        };
        let client = Client::new(settings, rate_limit_block, Arc::new(SystemClock)).unwrap();
        (client, stub, folder)
    }

    /// Answers tokens, and users by what `users` says.
    fn with_token(
        users: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> impl Fn(usize, &str) -> String + Send + Sync + 'static {
        move |_, request| {
            if request.starts_with("POST ") {
                good(TOKEN)
            } else {
                users(request)
            }
        }
    }

    fn users(ids: std::ops::Range<u32>) -> String {
        let users = ids.map(|id| json!({"id": id.to_string(), "username": format!("u{id}")}));
        good(&Value::Array(users.collect()).to_string())
    }

    #[tokio::test]
    async fn trap_62_pages_are_asked_for_by_offset_until_a_short_one() {
        let (client, stub, _folder) = client(
            vec![by_client()],
            with_token(|request| match request {
                _ if request.contains("first=0&") => users(0..100),
                _ => users(100..130),
            }),
        )
        .await;
        let first = client.page(&(), None).await.unwrap();
        assert_eq!((first.items.len(), first.next), (100, Some(100)));
        let second = client.page(&(), first.next).await.unwrap();
        assert_eq!((second.items.len(), second.next), (30, None));
        let requests = stub.requests.lock().unwrap();
        assert!(requests[0].starts_with("POST /auth/realms/hive/protocol/openid-connect/token "));
        assert!(requests[0].contains("grant_type=client_credentials&client_id=codex"));
        assert!(requests[1].starts_with(
            "GET /auth/admin/realms/hive/users?first=0&max=100&briefRepresentation=true "
        ));
        assert!(requests[1].contains("authorization: Bearer T"));
        assert_eq!(requests.len(), 3);
    }

    #[tokio::test]
    async fn a_server_that_knows_no_pages_is_read_once_or_found_out() {
        let everything = with_token(|_| users(0..130));
        let (all, _stub, _folder) = client(vec![by_client()], everything).await;
        let page = all.page(&(), None).await.unwrap();
        assert_eq!((page.items.len(), page.next), (130, None));

        let again = with_token(|_| users(0..100));
        let (same, _stub, _folder) = client(vec![by_client()], again).await;
        let first = same.page(&(), None).await.unwrap();
        let error = same.page(&(), first.next).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Loop { .. }), "{error}");
        assert!(
            same.page(&(), None).await.is_ok(),
            "the first may come again"
        );
    }

    #[tokio::test]
    async fn trap_63_a_refused_token_is_renewed_once() {
        let refuse = |times: usize| {
            move |n: usize, request: &str| match request {
                _ if request.starts_with("POST ") => good(TOKEN),
                _ if n <= 2 * times => status(401),
                _ => users(0..1),
            }
        };
        let (patient, stub, _folder) = client(vec![by_client()], refuse(1)).await;
        assert_eq!(patient.page(&(), None).await.unwrap().items.len(), 1);
        assert_eq!(stub.count(), 4, "token, refusal, token, page");
        let (refused, stub, _folder) = client(vec![by_client()], refuse(9)).await;
        let error = refused.page(&(), None).await.unwrap_err();
        assert!(
            matches!(error, UpstreamError::Unauthorized { .. }),
            "{error}"
        );
        assert_eq!(stub.count(), 4);
    }

    #[tokio::test]
    async fn a_client_that_is_refused_gives_way_to_the_password() {
        let (client, stub, _folder) =
            client(
                vec![by_client(), by_password()],
                |_, request| match request {
                    _ if request.contains("client_credentials") => status(401),
                    _ if request.starts_with("POST ") => good(TOKEN),
                    _ => users(0..1),
                },
            )
            .await;
        client.page(&(), None).await.unwrap();
        let requests = stub.requests.lock().unwrap();
        assert!(requests[1].starts_with("POST /auth/realms/master/"));
        assert!(requests[1].contains("grant_type=password&client_id=admin-cli&username=admin"));
        assert_eq!(requests.len(), 3);
    }

    #[tokio::test]
    async fn a_token_that_lives_for_ever_is_a_token() {
        let tokens = |_: usize, request: &str| match request {
            _ if request.starts_with("POST ") => {
                good(r#"{"access_token": "T", "expires_in": 9223372036854775807}"#)
            }
            _ => users(0..1),
        };
        let (client, _stub, _folder) = client(vec![by_client()], tokens).await;
        assert_eq!(client.page(&(), None).await.unwrap().items.len(), 1);
    }

    #[tokio::test]
    async fn a_client_without_the_role_gives_way_to_the_password() {
        let tokens = |n: usize, request: &str| match request {
            _ if request.starts_with("POST ") => {
                good(&format!(r#"{{"access_token": "T{n}", "expires_in": 300}}"#))
            }
            _ if request.contains("Bearer T0") => status(403),
            _ => users(0..1),
        };
        let (both, _stub, _folder) = client(vec![by_client(), by_password()], tokens).await;
        assert_eq!(both.page(&(), None).await.unwrap().items.len(), 1);
        let (alone, _stub, _folder) = client(vec![by_client()], tokens).await;
        let error = alone.page(&(), None).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Forbidden { .. }));
        assert!(error.to_string().contains("view-users"), "{error}");
    }

    #[tokio::test]
    async fn trap_68_a_refused_password_is_tried_once_and_says_what_it_may_be() {
        for refusal in [401, 400] {
            let body =
                r#"{"error": "invalid_grant", "error_description": "Invalid user credentials"}"#;
            let (client, stub, _folder) = client(vec![by_password()], move |_, _| {
                answer(refusal, &[], "application/json", body)
            })
            .await;
            let error = client.login().await.unwrap_err();
            assert!(
                matches!(error, UpstreamError::Unauthorized { .. }),
                "{error}"
            );
            assert!(error.to_string().contains("`admin`") && error.to_string().contains("locked"));
            assert_eq!(stub.count(), 1);
        }
    }

    #[tokio::test]
    async fn trap_67_a_wrong_prefix_or_realm_is_said() {
        let (client, stub, _folder) = client(vec![by_client()], |_, _| status(404)).await;
        let error = client.login().await.unwrap_err().to_string();
        assert!(
            error.contains("realm `hive`") && error.contains("/auth"),
            "{error}"
        );
        assert_eq!(stub.count(), 1);
    }

    #[tokio::test]
    async fn a_user_that_is_not_there_is_none_and_nothing_else_is() {
        for (code, absent) in [(404, true), (403, false), (500, false)] {
            let (client, _stub, _folder) =
                client(vec![by_client()], with_token(move |_| status(code))).await;
            let found = client.user("a-1").await;
            assert_eq!(matches!(found, Ok(None)), absent, "{code}: {found:?}");
        }
        for body in ["null", "[]", "{}"] {
            let (client, _stub, _folder) =
                client(vec![by_client()], with_token(move |_| good(body))).await;
            assert!(client.user("a-1").await.is_err(), "{body}");
        }
    }

    #[tokio::test]
    async fn a_list_that_is_no_array_is_an_error() {
        for body in ["null", "{}", r#"{"users": []}"#] {
            let (client, _stub, _folder) =
                client(vec![by_client()], with_token(move |_| good(body))).await;
            let error = client.page(&(), None).await.unwrap_err();
            assert!(
                matches!(error, UpstreamError::Malformed { .. }),
                "{body}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn secrets_stay_out_of_errors_and_debug() {
        let (client, _stub, _folder) = client(vec![by_password()], |_, _| status(401)).await;
        let error = client.login().await.unwrap_err();
        for text in [format!("{client:?}"), format!("{error:?} {error}")] {
            assert!(!text.contains("\"P\""), "{text}");
        }
    }
}
