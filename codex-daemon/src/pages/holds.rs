//! Held deletions: too many records were missing at once, and a person decides.

mod detail;
mod list;
#[cfg(test)]
pub(super) mod samples;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{
    Error,
    address::segment,
    holds::{Hold, HoldStatus},
};
use utoipa_axum::router::OpenApiRouter;

use self::{
    detail::{HoldParts, HoldView},
    list::{LIST, rows},
};
use super::{
    Access, PageSet,
    address::Asked,
    form::SentForm,
    parts::{Params, redirect, refused, to_list},
    shell::page,
    visit::{Editor, Visit},
};
use crate::{
    app::App,
    http::{extract::Path, problem::Problem},
};

pub(super) const HOLDS: &str = "/holds/";
/// Records of a page.
const RECORDS: usize = 100;
const DECIDING: &str = "deciding on held deletions";

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(Some("holds"), routes).linked("Decisions", "Held deletions", HOLDS, Access::Staff);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/holds", get(to_list))
        .route(HOLDS, get(list_holds))
        .route("/holds/{hold_id}", get(show_hold))
        .route("/holds/{hold_id}/approve", post(approve_hold))
        .route("/holds/{hold_id}/reject", post(reject_hold))
}

fn path_of(id: &str) -> String {
    format!("{HOLDS}{}", segment(id))
}

/// The class of a state's badge.
fn badge(status: HoldStatus) -> &'static str {
    match status {
        HoldStatus::Held => "badge--warning",
        HoldStatus::Approved => "badge--danger",
        HoldStatus::Rejected => "badge--success",
        HoldStatus::Expired => "badge--info",
    }
}

fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "approved" => {
            Some("The records were deleted. They return when their source lists them again.")
        }
        "rejected" => {
            Some("The records stay. Nobody is asked again unless more of them go missing.")
        }
        _ => None,
    }
}

fn unknown() -> Problem {
    Problem::not_found("There is no such held deletion.")
}

async fn list_holds(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let asked = match LIST.read(&uri)? {
        Asked::List(asked) => asked,
        Asked::Elsewhere(asked) => {
            return Ok(Redirect::to(&asked.href(&visit.at)).into_response());
        }
    };
    let request = LIST.request(&asked)?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let holds = codex.holds_page(scope, &request).await?;
    let facets = codex.hold_facets(scope, &request).await?;
    let rows = rows(&visit.at, &holds.items, codex.now());
    page(
        StatusCode::OK,
        &LIST.view(&visit.at, scope, &asked, &holds, rows, facets),
    )
}

async fn show_hold(visit: Visit, Path(id): Path<String>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["done", "from"])?;
    let from = params.get("from").map(str::parse::<usize>);
    let from = from.transpose().map_err(|_| {
        Problem::bad_request("from: must be the number of the record to begin after")
    })?;
    let said = notice(params.get("done"));
    hold_page(&visit, &id, from.unwrap_or(0), said, None).await
}

async fn approve_hold(
    Editor(visit): Editor,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let call = &visit.call;
    let approved = call.codex.approve_hold(&call.scope, &call.author, &id);
    decided(&visit, &id, approved.await, "approved").await
}

async fn reject_hold(
    Editor(visit): Editor,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let call = &visit.call;
    let rejected = call.codex.reject_hold(&call.scope, &call.author, &id);
    decided(&visit, &id, rejected.await, "rejected").await
}

async fn decided(
    visit: &Visit,
    id: &str,
    hold: codex_core::Result<Option<Hold>>,
    done: &str,
) -> Result<Response, Problem> {
    match hold {
        Ok(Some(_)) => Ok(redirect(&visit.at, &path_of(id), done)),
        Ok(None) => Err(unknown()),
        Err(error @ Error::Conflict { .. }) => {
            hold_page(visit, id, 0, None, Some(refused(error)?)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn hold_page(
    visit: &Visit,
    id: &str,
    from: usize,
    notice: Option<&'static str>,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let hold = codex.hold(scope, id).await?.ok_or_else(unknown)?;
    let places = from..from.saturating_add(RECORDS);
    let parts = HoldParts {
        records: codex.held_records(scope, &hold, places).await?,
        from,
        job: codex.job(scope, &hold.job_id).await?,
        names: codex.actor_names(scope, hold.decided_by.as_deref()).await?,
        now: codex.now(),
        token: visit.csrf.token(),
        notice,
        problem: problem.as_ref().map(|problem| problem.detail().to_owned()),
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status());
    page(status, &HoldView::new(&visit.at, scope, &hold, parts))
}
