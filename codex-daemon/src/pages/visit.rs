//! Who opens a page.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header::AUTHORIZATION, request::Parts},
};
use chrono::{DateTime, Utc};
use codex_core::{Error, Outcome, Scope, records::Author};

use super::{csrf::Csrf, repeated::Repeated};
use crate::{
    app::App,
    auth::Call,
    http::{
        forwarded::Forwarded,
        headers::{is_same_origin, single},
        problem::Problem,
    },
};

/// A person who opens a page or sends a form.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The caller, and the library.
    pub call: Call,
    /// Where the browser thinks we are.
    pub at: Forwarded,
    /// The tokens of this person's forms.
    pub csrf: Csrf,
    headers: HeaderMap,
}

/// A visit of somebody who may change records. It is judged before a form is read.
#[derive(Debug)]
pub(crate) struct Editor(pub Visit);

impl FromRequestParts<App> for Editor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let visit = Visit::from_request_parts(parts, app).await?;
        visit.scope().require_technician("changing records")?;
        Ok(Self(visit))
    }
}

/// A visit of an administrator. It is judged before a form is read.
#[derive(Debug)]
pub(crate) struct Admin(pub Visit);

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let visit = Visit::from_request_parts(parts, app).await?;
        visit.scope().require_admin("administration")?;
        Ok(Self(visit))
    }
}

/// A visit of somebody who may keep plans and prices. It is judged before a form is read.
#[derive(Debug)]
pub(crate) struct BillingEditor(pub Visit);

impl FromRequestParts<App> for BillingEditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let visit = Visit::from_request_parts(parts, app).await?;
        visit.scope().require_billing("keeping plans and prices")?;
        Ok(Self(visit))
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let call = Call::from_request_parts(parts, app).await?;
        if !call.caller.is_user() {
            let detail = "Pages are for people. Services find the same under `/api/`.";
            return Err(Problem::forbidden(detail));
        }
        if call.author.dry_run {
            return Err(no_dry_run().into());
        }
        let at = Forwarded::of(&parts.headers)
            .read_by(call.scope.role())
            .repeating(parts.extensions.get::<Repeated>());
        Ok(Self {
            call,
            at,
            csrf: Csrf::of(&parts.headers),
            headers: parts.headers.clone(),
        })
    }
}

fn no_dry_run() -> Error {
    Error::invalid("dry_run", "forms cannot be tried; `/api/` can")
}

/// What came of a form. A [`Visit`] is never a dry run.
///
/// # Errors
/// [`Error::Invalid`] for a dry run all the same.
pub(crate) fn applied<T>(outcome: Outcome<T>) -> codex_core::Result<T> {
    outcome.applied().ok_or_else(no_dry_run)
}

impl Visit {
    /// What the person may see and do.
    pub fn scope(&self) -> &Scope {
        &self.call.scope
    }

    /// The person's own `Authorization`, for a module that judges the person as we do.
    pub fn authorization(&self) -> &str {
        single(&self.headers, AUTHORIZATION).unwrap_or_default()
    }

    /// Refuses a form that did not come from a page of this person.
    ///
    /// # Errors
    /// 403.
    pub fn check(&self, token: &str) -> Result<(), Problem> {
        self.csrf.check(&self.headers, token)
    }

    /// Whether a refused form may be shown again with what was typed: it comes from one of our pages, or the browser
    /// does not say from where. The tokens of a form are void after a new login, and its values should not be lost.
    pub fn may_resume(&self) -> bool {
        is_same_origin(&self.headers)
    }

    /// The author of a change that requires the record to be as the person has seen it.
    pub fn author(&self, version: DateTime<Utc>) -> Author {
        Author {
            unchanged_since: Some(version),
            ..self.call.author.clone()
        }
    }
}
