//! Records that people have deleted, and their return.

mod list;
#[cfg(test)]
pub(super) mod samples;

use axum::{
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use codex_core::{Error, Scope, list::Op};
use utoipa_axum::router::OpenApiRouter;

use self::list::{DeletedParts, KIND, LIST, view};
use super::{
    Access, PageSet,
    address::{Asked, ListAddress},
    form::SentForm,
    parts::{refused, to_list},
    shell::page,
    visit::{Visit, applied},
};
use crate::{
    app::App,
    http::{extract::Path, problem::Problem},
};

pub(super) const DELETED: &str = "/deleted/";

/// What it registers.
pub(super) const PAGES: PageSet = PageSet::of(Some("deleted"), routes).linked(
    "Decisions",
    "Deleted records",
    DELETED,
    Access::Staff,
);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/deleted", get(to_list))
        .route(DELETED, get(list_deleted))
        .route("/deleted/{kind}/{id}/restore", post(restore_deleted))
}

fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "restored" => Some("The record is back."),
        _ => None,
    }
}

/// The kinds that a caller may restore; there is at least one.
fn kinds(visit: &Visit) -> Result<Vec<&'static str>, Problem> {
    let kinds = visit.call.codex.restorable_kinds(visit.scope());
    if kinds.is_empty() {
        let detail = "Deleted records are for those who may delete and restore records.";
        return Err(Problem::forbidden(detail));
    }
    Ok(kinds)
}

/// The kind with a name, where a caller may restore it.
fn known(kinds: &[&'static str], scope: &Scope, name: &str) -> Result<&'static str, Problem> {
    let kind = kinds.iter().copied().find(|kind| *kind == name);
    kind.ok_or_else(|| {
        let (role, kinds) = (scope.role(), kinds.join(", "));
        let detail = format!("kind: the role {role:?} restores records of the kinds {kinds}");
        Problem::bad_request(detail)
    })
}

async fn list_deleted(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let asked = match LIST.read(&uri)? {
        Asked::List(asked) => asked,
        Asked::Elsewhere(asked) => {
            return Ok(Redirect::to(&asked.href(&visit.at)).into_response());
        }
    };
    let kinds = kinds(&visit)?;
    let kind = match asked.filter(KIND) {
        Some(name) => known(&kinds, visit.scope(), name)?,
        None => kinds[0],
    };
    deleted_page(&visit, &asked, &kinds, kind, None).await
}

async fn restore_deleted(
    visit: Visit,
    Path((kind, id)): Path<(String, i64)>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let kinds = kinds(&visit)?;
    let kind = known(&kinds, visit.scope(), &kind)?;
    let call = &visit.call;
    let restored = call.codex.restore(&call.scope, &call.author, kind, id);
    let restored = restored
        .await
        .and_then(|found| found.map(applied).transpose());
    match restored {
        Ok(Some(())) => {
            let path = format!("{DELETED}?kind={kind}&done=restored");
            Ok(Redirect::to(&visit.at.link(&path)).into_response())
        }
        Ok(None) => Err(Problem::not_found("No person has deleted such a record.")),
        Err(error @ Error::Conflict { .. }) => {
            let problem = refused(error)?;
            deleted_page(
                &visit,
                &ListAddress::at(DELETED),
                &kinds,
                kind,
                Some(problem),
            )
            .await
        }
        Err(error) => Err(error.into()),
    }
}

async fn deleted_page(
    visit: &Visit,
    asked: &ListAddress,
    kinds: &[&'static str],
    kind: &'static str,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let mut request = LIST.request(asked)?;
    // The kind is the list itself.
    let is_kind = |name: &str, op: Op| name == KIND && op == Op::Eq;
    request
        .filters
        .retain(|filter| !is_kind(&filter.name, filter.op));
    let found = codex.deleted_records(scope, kind, &request).await?;
    let actors: Vec<&str> = found
        .items
        .iter()
        .filter_map(|one| one.deleted_by.as_deref())
        .collect();
    let parts = DeletedParts {
        names: codex.actor_names(scope, actors).await?,
        kinds: kinds.to_vec(),
        kind,
        now: codex.now(),
        token: visit.csrf.token(),
        notice: notice(asked.done.as_deref()),
        problem: problem.as_ref().map(|problem| problem.detail().to_owned()),
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status());
    page(status, &view(&visit.at, scope, asked, &found, parts))
}
