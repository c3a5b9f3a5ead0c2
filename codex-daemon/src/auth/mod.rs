//! Who calls: bearer tokens of HiveMatrix Core (contract 6).

mod jwks;
pub mod local;
mod revocation;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{Extensions, HeaderMap, request::Parts},
};
use chrono::{DateTime, Utc};
use codex_core::{Codex, Role, Scope, records::Author};
use tokio::sync::OnceCell;

pub use token::{AuthError, Authenticator, Refusal};

use crate::{
    api::require_writer,
    app::App,
    http::{
        conditional::precondition_failed, forwarded::PeerAddress, handling::Handling,
        problem::Problem, request_id::CorrelationId,
    },
};

/// What a caller is: a person, or another module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallerKind {
    /// A person with the level that Core gave; `Client` when Core gave none.
    User(Role),
    /// A module, by name.
    Service(String),
}

/// A caller whose token was verified. Taking it as an argument makes a route need a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Keycloak id of a person, `service:<name>` of a module.
    pub sub: String,
    /// E-mail address of a person.
    pub email: Option<String>,
    /// Display name of a person.
    pub name: Option<String>,
    /// Login name of a person.
    pub preferred_username: Option<String>,
    /// What the caller is.
    pub kind: CallerKind,
    /// The service that a service token was made for.
    pub target_service: Option<String>,
}

impl Caller {
    /// The role that decides what the caller may do.
    pub fn role(&self) -> Role {
        match self.kind {
            CallerKind::User(role) => role,
            CallerKind::Service(_) => Role::Service,
        }
    }

    /// The name in the change log: a user's `sub` or `service:<name>`. A user whose `sub` would read as somebody
    /// else's name is `user:<sub>`.
    pub fn actor(&self) -> String {
        match &self.kind {
            CallerKind::User(_) if is_reserved(&self.sub) => format!("user:{}", self.sub),
            CallerKind::User(_) => self.sub.clone(),
            CallerKind::Service(name) => format!("service:{name}"),
        }
    }

    /// The caller as the author of a change, with the id of the request that is being answered.
    pub fn author(&self, now: DateTime<Utc>) -> Author {
        let mut author = Author::new(self.actor(), now);
        author.name.clone_from(&self.preferred_username);
        author.request_id = CorrelationId::current().map(|id| id.as_str().to_owned());
        author
    }

    /// Whether the caller is a person: pages and personal settings are for people only.
    pub fn is_user(&self) -> bool {
        matches!(self.kind, CallerKind::User(_))
    }

    /// What the caller may see. Clients cost a query, others none.
    pub async fn scope(&self, codex: &Codex) -> codex_core::Result<Scope> {
        match self.role() {
            Role::Client => codex.client_scope(&self.sub, self.email.as_deref()).await,
            role => Ok(Scope::staff(role)),
        }
    }
}

/// Whether a name in the change log is of services, sources, the system, or made of such a one.
fn is_reserved(sub: &str) -> bool {
    let prefixes = ["service:", "source:", "user:"];
    sub.is_empty() || sub == "system" || prefixes.iter().any(|prefix| sub.starts_with(prefix))
}

/// A call: who asks, what may be seen, and whom to ask. What most handlers begin with.
#[derive(Debug, Clone)]
pub struct Call {
    /// The library.
    pub codex: Codex,
    /// What the caller may see and do.
    pub scope: Scope,
    /// The caller as the author of a change that is made now.
    pub author: Author,
    /// Who asks.
    pub caller: Caller,
    /// How the caller wants parameters read.
    pub handling: Handling,
}

impl FromRequestParts<App> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = verified(parts, app).await?;
        if let Some(path) = parts.extensions.get::<MatchedPath>() {
            require_writer(&parts.method, path.as_str(), caller.role())?;
        }
        let codex = app.codex().clone();
        let scope = caller.scope(&codex).await?;
        let mut author = caller.author(codex.now());
        author.dry_run = dry_run(parts)? || parts.extensions.get::<Tentative>().is_some();
        author.unchanged_since = parts.extensions.get::<RecordVersion>().map(|since| since.0);
        Ok(Self {
            codex,
            scope,
            author,
            caller,
            handling: Handling::of_request(parts),
        })
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = verified(parts, app).await?;
        // What is made without a `Call` is made at once: nobody may think that it was not.
        if dry_run(parts)? {
            return Err(Problem::bad_request("dry_run: this call has no dry run"));
        }
        if parts.extensions.get::<Tentative>().is_some() {
            return Err(precondition_failed());
        }
        Ok(caller)
    }
}

async fn verified(parts: &Parts, app: &App) -> Result<Caller, Problem> {
    let cached_caller = cached_caller(app, &parts.headers, &parts.extensions).await;
    let caller = cached_caller.map_err(|refusal| {
        tracing::info!(reason = ?refusal, "Refused a token: {refusal}");
        Problem::from(refusal)
    })?;
    if let (Some(path), Some(query)) = (parts.extensions.get::<MatchedPath>(), parts.uri.query()) {
        let handling = Handling::of_request(parts);
        let parameters = app.parameters();
        parameters.check(&parts.method, path.as_str(), query, &handling)?;
    }
    Ok(caller)
}

/// Who asks, found out once a request, by the first who wants to know.
#[derive(Debug, Clone, Default)]
pub struct CallerCache(Arc<OnceCell<Result<Caller, Refusal>>>);

/// The caller of a request, as its headers name it. Those who stand around the routes ask too.
pub async fn cached_caller(
    app: &App,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Caller, Refusal> {
    let peer = extensions.get::<PeerAddress>().copied();
    let verify = || app.auth().caller(headers, peer, app.codex().now());
    match extensions.get::<CallerCache>() {
        Some(cached_caller) => cached_caller.0.get_or_init(verify).await.clone(),
        None => verify().await,
    }
}

/// The moment after which the record of a call with `If-Match` must not have changed.
#[derive(Debug, Clone, Copy)]
pub struct RecordVersion(pub DateTime<Utc>);

/// Marks a call that must not be made, since its `If-Match` does not hold: it is judged like a dry run.
#[derive(Debug, Clone, Copy)]
pub struct Tentative;

/// Whether a call that changes something only wants to know what would change.
fn dry_run(parts: &Parts) -> Result<bool, Problem> {
    if parts.method.is_safe() {
        return Ok(false);
    }
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    match pairs
        .find(|(name, _)| name == "dry_run")
        .map(|(_, value)| value)
        .as_deref()
    {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(Problem::bad_request("dry_run: must be `true` or `false`")),
    }
}
