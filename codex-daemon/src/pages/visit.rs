//! Who opens a page.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use codex_core::Scope;

use super::csrf::Csrf;
use crate::{
    app::App,
    auth::Call,
    http::{forwarded::Forwarded, problem::Problem},
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
            let detail = "dry_run: forms cannot be tried; `/api/` can";
            return Err(Problem::bad_request(detail));
        }
        Ok(Self {
            call,
            at: Forwarded::of(&parts.headers),
            csrf: Csrf::of(&parts.headers),
            headers: parts.headers.clone(),
        })
    }
}

impl Visit {
    /// What the person may see and do.
    pub fn scope(&self) -> &Scope {
        &self.call.scope
    }

    /// Refuses a form that did not come from a page of this person.
    ///
    /// # Errors
    /// 403.
    pub fn check(&self, token: &str) -> Result<(), Problem> {
        self.csrf.check(&self.headers, token)
    }
}
