//! HiveMatrix Nexus, the proxy in front of Codex: log in with a click, headers, limits, and the frame around pages.
//!
//! It differs from Nexus in two ways. `/` shows one button per role in place of Keycloak. Every write makes it forget the
//! person's theme, which Nexus keeps for five minutes, so that a choice made without a script shows at once.

mod frame;
mod pages;
mod panel;
mod people;
mod proxy;
mod session;
mod style;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use axum::{
    Form, Router,
    extract::{self, Query},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use tokio::net::TcpListener;

pub use people::{PEOPLE, Person};
pub use style::STYLE;

use self::{
    pages::Next,
    people::Emails,
    session::{Login, Sessions},
};
use super::{
    core::{Core, SigningKey},
    server::{self, Server},
};

/// The prefix of Codex.
pub const PREFIX: &str = "/codex";
/// The cookie of a login. Nexus' has this name too, so that no module may use it.
pub const COOKIE: &str = "session";

/// How long Nexus waits for Core and for a theme.
const SHORT: Duration = Duration::from_secs(2);

/// What a gateway stands before, and its limits.
#[derive(Debug, Clone)]
pub struct Options {
    /// Codex, such as `http://127.0.0.1:5010`.
    pub codex: String,
    /// The longest wait for Codex's first byte and between bytes.
    pub silence: Duration,
    /// How long a login lasts: as long as a token of Core.
    pub login: Duration,
    /// E-mail address of the client user. Such a user sees the company of the contact with this address.
    pub client_email: Option<String>,
}

impl Options {
    /// The limits of Nexus before a Codex.
    pub fn before(codex: impl Into<String>) -> Self {
        Self {
            codex: codex.into(),
            silence: Duration::from_secs(30),
            login: Duration::from_secs(3600),
            client_email: None,
        }
    }
}

/// The stand-in.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    state: Arc<State>,
}

/// What handlers share.
#[derive(Debug)]
struct State {
    codex: String,
    core: String,
    key: Arc<SigningKey>,
    silence: Duration,
    emails: Emails,
    sessions: Sessions,
    http: reqwest::Client,
}

/// What a route takes of them.
type Handle = extract::State<Arc<State>>;

impl Gateway {
    /// Starts it on a free loopback port.
    pub async fn start(options: Options, core: &Core) -> anyhow::Result<Self> {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await?, options, core)
    }

    /// The same on a port of one's choice.
    pub fn start_on(listener: TcpListener, options: Options, core: &Core) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let state = Arc::new(State {
            codex: options.codex,
            core: core.url().to_owned(),
            key: core.key.clone(),
            silence: options.silence,
            emails: Emails::new(options.client_email),
            sessions: Sessions::new(options.login),
            http,
        });
        let router = router(state.clone());
        let server = Server::start_on(listener, Arc::new(server::Shared::default()), |_| router)?;
        Ok(Self { server, state })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Ends every login, as an hour does.
    pub fn expire_logins(&self) {
        self.state.sessions.clear();
    }
}

fn router(state: Arc<State>) -> Router {
    let start =
        |state: Handle, headers: HeaderMap| async move { pages::start(&state, &headers).await };
    let log_in = |state: Handle, headers: HeaderMap, Form(login): Form<Login>| async move {
        session::log_in(&state, &headers, login)
    };
    let log_out =
        |state: Handle, headers: HeaderMap| async move { session::log_out(&state, &headers) };
    let forget_theme =
        |state: Handle, headers: HeaderMap| async move { session::forget_theme(&state, &headers) };
    let login = |Query(next): Query<Next>| async move { pages::login(&next) };
    Router::new()
        .route("/", get(start))
        .route("/login", get(login).post(log_in))
        .route("/logout", get(log_out))
        // Browsers ask every host for one.
        .route("/favicon.ico", get(StatusCode::NO_CONTENT))
        .route("/static/css/global.css", get(pages::STYLE))
        .route("/static/css/side-panel.css", get(pages::PANEL_STYLE))
        .route("/static/js/side-panel.js", get(pages::PANEL_SCRIPT))
        .route("/api/invalidate-cache", post(forget_theme))
        .fallback(proxy::pass)
        .with_state(state)
}
