//! Duplicate candidates: two records that may be one, and a person decides.

mod detail;
mod list;
#[cfg(test)]
pub(super) mod samples;

use std::collections::HashSet;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{
    Error, Outcome,
    duplicates::{
        DuplicateState,
        wire::{DuplicateMergeIn, DuplicateOut},
    },
};
use utoipa_axum::router::OpenApiRouter;

use self::{
    detail::{DuplicateParts, DuplicateView},
    list::{LIST, rows},
};
use super::{
    Access, PageSet,
    address::Asked,
    form::SentForm,
    parts::{Params, redirect, refused, to_list},
    record_issues,
    shell::page,
    visit::{Editor, Visit, applied},
};
use crate::{
    app::App,
    http::{extract::Path, problem::Problem},
};

pub(super) const DUPLICATES: &str = "/duplicates/";
/// The member of the form with the record that is kept.
const KEEP: &str = "keep";

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(Some("duplicates"), routes).linked(
    "Decisions",
    "Duplicate candidates",
    DUPLICATES,
    Access::Technicians,
);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/duplicates", get(to_list))
        .route(DUPLICATES, get(list_duplicates))
        .route("/duplicates/{duplicate_id}", get(show_duplicate))
        .route("/duplicates/{duplicate_id}/merge", post(merge_duplicate))
        .route("/duplicates/{duplicate_id}/reject", post(reject_duplicate))
}

fn path_of(id: i64) -> String {
    format!("{DUPLICATES}{id}")
}

/// The class of a state's badge.
fn badge(state: DuplicateState) -> &'static str {
    match state {
        DuplicateState::Open => "badge--warning",
        DuplicateState::Merged => "badge--success",
        DuplicateState::Rejected => "badge--info",
    }
}

fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "merged" => Some("The two records are one now."),
        "rejected" => Some("The two records stay two. This pair is never proposed again."),
        _ => None,
    }
}

fn unknown() -> Problem {
    Problem::not_found("There is no such duplicate candidate.")
}

/// A text that is no number is no candidate's id.
fn id(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| unknown())
}

async fn list_duplicates(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let asked = match LIST.read(&uri)? {
        Asked::List(asked) => asked,
        Asked::Elsewhere(asked) => {
            return Ok(Redirect::to(&asked.href(&visit.at)).into_response());
        }
    };
    let request = LIST.request(&asked)?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let found = codex.duplicates(scope, &request).await?;
    let facets = codex.duplicate_facets(scope, &request).await?;
    let rows = rows(&visit.at, &found.items, codex.now());
    page(
        StatusCode::OK,
        &LIST.view(&visit.at, scope, &asked, &found, rows, facets),
    )
}

async fn show_duplicate(
    visit: Visit,
    Path(duplicate): Path<String>,
    uri: Uri,
) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["done"])?;
    let said = notice(params.get("done"));
    duplicate_page(&visit, id(&duplicate)?, None, said, None).await
}

async fn merge_duplicate(
    Editor(visit): Editor,
    Path(duplicate): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let keep = sent
        .text(KEEP)
        .parse()
        .map_err(|_| Problem::bad_request(format!("{KEEP}: choose the record that is kept")))?;
    let (call, id) = (&visit.call, id(&duplicate)?);
    let which = DuplicateMergeIn { keep: Some(keep) };
    let merged = call
        .codex
        .merge_duplicate(&call.scope, &call.author, id, which);
    decided(&visit, id, Some(keep), merged.await, "merged").await
}

async fn reject_duplicate(
    Editor(visit): Editor,
    Path(duplicate): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let (call, id) = (&visit.call, id(&duplicate)?);
    let rejected = call.codex.reject_duplicate(&call.scope, &call.author, id);
    decided(&visit, id, None, rejected.await, "rejected").await
}

async fn decided(
    visit: &Visit,
    id: i64,
    keep: Option<i64>,
    result: codex_core::Result<Option<Outcome<DuplicateOut>>>,
    done: &str,
) -> Result<Response, Problem> {
    match result.and_then(|found| found.map(applied).transpose()) {
        Ok(Some(_)) => Ok(redirect(&visit.at, &path_of(id), done)),
        Ok(None) => Err(unknown()),
        Err(error @ (Error::Conflict { .. } | Error::Unprocessable(_))) => {
            duplicate_page(visit, id, keep, None, Some(refused(error)?)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn duplicate_page(
    visit: &Visit,
    id: i64,
    keep: Option<i64>,
    notice: Option<&'static str>,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let duplicate = codex.duplicate(scope, id).await?.ok_or_else(unknown)?;
    let mut issues = Vec::new();
    for record in [&duplicate.record_a, &duplicate.record_b] {
        issues.extend(record_issues::of_record(visit, duplicate.kind, record.id).await?);
    }
    // An issue may be about both.
    let mut met = HashSet::new();
    issues.retain(|one| met.insert(one.issue.clone()));
    let parts = DuplicateParts {
        comparison: codex.compare_duplicate(scope, &duplicate).await?,
        names: codex
            .actor_names(scope, duplicate.decided_by.as_deref())
            .await?,
        issues,
        keep,
        now: codex.now(),
        token: visit.csrf.token(),
        notice,
        problem: problem.as_ref().map(|problem| problem.detail().to_owned()),
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status());
    page(
        status,
        &DuplicateView::new(&visit.at, scope, &duplicate, parts),
    )
}
