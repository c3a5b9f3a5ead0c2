//! The outbox: changes of tickets on their way to the PSA.

mod list;
#[cfg(test)]
pub(super) mod samples;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{Error, outbox::OutboxEntry};
use utoipa_axum::router::OpenApiRouter;

use self::list::{LIST, OutboxParts, view};
use super::{
    Access, PageSet,
    address::{Asked, ListAddress},
    form::SentForm,
    parts::{redirect, refused, to_list},
    shell::page,
    visit::{Editor, Visit},
};
use crate::{
    app::App,
    http::{extract::Path, problem::Problem},
};

pub(super) const OUTBOX: &str = "/outbox/";

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(Some("outbox"), routes).linked("Sync", "Outbox", OUTBOX, Access::Staff);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/outbox", get(to_list))
        .route(OUTBOX, get(list_outbox))
        .route("/outbox/{change_id}/retry", post(retry_change))
        .route("/outbox/{change_id}/cancel", post(cancel_change))
}

fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "retried" => Some("The change is on its way again."),
        "cancelled" => Some("The change will not be sent. Here it stays."),
        _ => None,
    }
}

fn unknown() -> Problem {
    Problem::not_found("There is no such change. Changes are forgotten 90 days after their end.")
}

/// A text that is no number is no change's id.
fn id(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| unknown())
}

async fn list_outbox(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let asked = match LIST.read(&uri)? {
        Asked::List(asked) => asked,
        Asked::Elsewhere(asked) => {
            return Ok(Redirect::to(&asked.href(&visit.at)).into_response());
        }
    };
    outbox_page(&visit, &asked, None).await
}

async fn retry_change(
    Editor(visit): Editor,
    Path(change): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let retried = visit.call.codex.retry_outbox(visit.scope(), id(&change)?);
    changed(&visit, retried.await, "retried").await
}

async fn cancel_change(
    Editor(visit): Editor,
    Path(change): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let call = &visit.call;
    let cancelled = call
        .codex
        .cancel_outbox(&call.scope, &call.author, id(&change)?);
    changed(&visit, cancelled.await, "cancelled").await
}

async fn changed(
    visit: &Visit,
    entry: codex_core::Result<Option<OutboxEntry>>,
    done: &str,
) -> Result<Response, Problem> {
    match entry {
        Ok(Some(_)) => Ok(redirect(&visit.at, OUTBOX, done)),
        Ok(None) => Err(unknown()),
        Err(error @ Error::Conflict { .. }) => {
            outbox_page(visit, &ListAddress::at(OUTBOX), Some(refused(error)?)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn outbox_page(
    visit: &Visit,
    asked: &ListAddress,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let request = LIST.request(asked)?;
    let page_of = codex.outbox_page(scope, &request).await?;
    let authors: Vec<&str> = page_of
        .items
        .iter()
        .map(|entry| entry.author.as_str())
        .collect();
    let parts = OutboxParts {
        names: codex.actor_names(scope, authors).await?,
        statuses: codex.ticket_statuses().await?,
        sends: codex.sends_changes(),
        facets: codex.outbox_facets(scope, &request).await?,
        now: codex.now(),
        token: visit.csrf.token(),
        notice: notice(asked.done.as_deref()),
        problem: problem.as_ref().map(|problem| problem.detail().to_owned()),
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status());
    page(status, &view(&visit.at, scope, asked, &page_of, parts))
}
