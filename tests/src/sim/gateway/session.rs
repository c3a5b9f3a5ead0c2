//! Logins: a cookie, the token behind it, and the theme of the person.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderValue, Response, StatusCode, Uri,
        header::{COOKIE as COOKIES, LOCATION, SET_COOKIE},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::{
    COOKIE, PREFIX, SHORT, State,
    frame::Theme,
    people::{self, Person},
};
use crate::sim::reply::{answer, raw};

/// How long a theme is kept.
const THEME_LIFE: Duration = Duration::from_secs(300);
/// While Core is down, tokens that are younger than this pass.
const TRUSTED: Duration = Duration::from_secs(300);

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub id: String,
    pub person: &'static Person,
    pub token: String,
    begun: Instant,
    theme: Option<(Theme, Instant)>,
}

/// Everybody who is logged in, by the value of the cookie.
#[derive(Debug)]
pub(super) struct Sessions {
    life: Duration,
    open: Mutex<BTreeMap<String, Session>>,
}

impl Sessions {
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            open: Mutex::default(),
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all.
    pub(super) fn clear(&self) {
        self.open().clear();
    }

    /// Forgets the theme of a session.
    pub(super) fn forget_theme(&self, id: &str) {
        if let Some(session) = self.open().get_mut(id) {
            session.theme = None;
        }
    }

    fn find(&self, id: &str) -> Option<Session> {
        let mut open = self.open();
        open.retain(|_, session| session.begun.elapsed() < self.life);
        open.get(id).cloned()
    }
}

impl State {
    /// The login of a request, when it has not ended here or at Core.
    pub(super) async fn session(&self, headers: &HeaderMap) -> Option<Session> {
        let session = self.sessions.find(&cookie(headers)?)?;
        if self.is_valid(&session).await {
            return Some(session);
        }
        self.sessions.open().remove(&session.id);
        None
    }

    /// Asks Core.
    async fn is_valid(&self, session: &Session) -> bool {
        let request = self.http.post(format!("{}/api/token/validate", self.core));
        let request = request.json(&json!({ "token": session.token }));
        match request.timeout(SHORT).send().await {
            Ok(answer) => answer.status().is_success(),
            Err(_) => session.begun.elapsed() < TRUSTED,
        }
    }

    /// The theme of a person: Codex keeps it. Without an answer it is the default.
    pub(super) async fn theme(&self, session: &Session) -> Theme {
        let kept = session
            .theme
            .filter(|(_, read)| read.elapsed() < THEME_LIFE);
        if let Some((theme, _)) = kept {
            return theme;
        }
        let theme = self.read_theme(session).await.unwrap_or_default();
        if let Some(open) = self.sessions.open().get_mut(&session.id) {
            open.theme = Some((theme, Instant::now()));
        }
        theme
    }

    async fn read_theme(&self, session: &Session) -> Option<Theme> {
        let token = self.key.service("nexus", "codex").ok()?;
        let request = self
            .http
            .get(format!("{}/api/public/user/theme", self.codex));
        let request = request.query(&[("email", self.emails.of(session.person))]);
        let request = request.bearer_auth(token).timeout(SHORT);
        let body: Value = request.send().await.ok()?.json().await.ok()?;
        Theme::known(body["theme"].as_str()?, body["color_theme"].as_str()?)
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIES).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE)?;
    Some(value.to_owned())
}

/// The cookie of a session, as it is set with every answer.
pub(super) fn set_cookie(id: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax")).ok()
}

/// Leads to where one logs in, and from there back. Scripts that fetch are led there too, as Nexus does.
pub(super) fn to_login(wanted: &Uri) -> Response<Body> {
    let wanted = wanted
        .path_and_query()
        .map_or("/", |wanted| wanted.as_str());
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    redirect(StatusCode::FOUND, &format!("/login?next={next}"))
}

/// What a button sends.
#[derive(Debug, Deserialize)]
pub(super) struct Login {
    role: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`: a role was chosen, and any earlier login of the browser ends.
pub(super) fn log_in(state: &State, headers: &HeaderMap, login: Login) -> Response<Body> {
    let Some(person) = people::with_role(&login.role) else {
        let text = format!("unknown role: {}", login.role);
        return raw(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", text);
    };
    let id = Uuid::new_v4().simple().to_string();
    let Ok(token) = people::token(state, person, &id) else {
        let text = "Core signs no token".to_owned();
        return raw(StatusCode::BAD_GATEWAY, "text/plain", text);
    };
    let session = Session {
        id: id.clone(),
        person,
        token,
        begun: Instant::now(),
        theme: None,
    };
    {
        let mut open = state.sessions.open();
        if let Some(before) = cookie(headers) {
            open.remove(&before);
        }
        open.insert(id.clone(), session);
    }
    let start = format!("{PREFIX}/");
    let next = Some(login.next).filter(|next| is_local(next));
    let mut response = redirect(StatusCode::SEE_OTHER, &next.unwrap_or(start));
    if let Some(cookie) = set_cookie(&id) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// `GET /logout`.
pub(super) fn log_out(state: &State, headers: &HeaderMap) -> Response<Body> {
    if let Some(id) = cookie(headers) {
        state.sessions.open().remove(&id);
    }
    let mut response = redirect(StatusCode::FOUND, "/");
    let gone = HeaderValue::from_static("session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    response.headers_mut().insert(SET_COOKIE, gone);
    response
}

/// `POST /api/invalidate-cache`: Nexus forgets the theme, and answers 500 all the same.
pub(super) fn forget_theme(state: &State, headers: &HeaderMap) -> Response<Body> {
    if let Some(id) = cookie(headers) {
        state.sessions.forget_theme(&id);
    }
    let body = json!({"error": "Internal server error"});
    answer(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

/// Whether an address is a path on this host. Browsers read `\` as `/`.
pub(super) fn is_local(next: &str) -> bool {
    let is_plain = !next.contains(|sign: char| sign == '\\' || sign.is_control());
    next.starts_with('/') && !next.starts_with("//") && is_plain
}

fn redirect(status: StatusCode, to: &str) -> Response<Body> {
    let mut response = raw(status, "text/html; charset=utf-8", String::new());
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    response
}
