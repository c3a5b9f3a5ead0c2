//! Syncs: what each source last did and does next, the buttons that start them, and their jobs.

mod job;
mod jobs;
mod overview;
#[cfg(test)]
pub(super) mod samples;

use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Redirect, Response},
    routing::get,
};
use codex_core::{
    Error,
    address::segment,
    jobs::{Job, JobStatus},
    sync::{Request, SyncKind},
};
use utoipa_axum::router::OpenApiRouter;

use self::{
    job::{JobParts, JobView},
    jobs::{LIST, rows},
    overview::{SyncParts, SyncView},
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

pub(super) const SYNCS: &str = "/sync/";
pub(super) const JOBS: &str = "/sync/jobs/";

/// What it registers.
pub(super) const PAGES: PageSet =
    PageSet::of(None, routes).linked("Sync", "Sync", SYNCS, Access::Staff);

/// The routes. Those of the API are the same without the slash at the end.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/sync", get(to_list))
        .route(SYNCS, get(show_syncs).post(start_sync))
        .route(JOBS, get(list_jobs))
        .route("/sync/jobs/{job_id}/", get(show_job).post(cancel_job))
}

/// Whether a path is of a page: below `/sync/` are routes of the API, too, which end without a slash.
pub(super) fn is_page(path: &str) -> bool {
    [SYNCS, SYNCS.trim_end_matches('/')].contains(&path)
        || (path.starts_with(JOBS) && path.ends_with('/'))
}

/// The path of a job's page.
pub(super) fn job_path(id: &str) -> String {
    format!("{JOBS}{}/", segment(id))
}

/// What a job is called on pages.
fn title(job: &Job) -> String {
    match (job.is_dry_run(), &job.sync_type) {
        (true, Some(sync)) => format!("Dry run of {sync}"),
        _ => job.sync().to_owned(),
    }
}

/// The class of a state's badge.
fn badge(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Queued | JobStatus::Running => "badge--info",
        JobStatus::Completed => "badge--success",
        JobStatus::Failed => "badge--danger",
        JobStatus::Cancelled => "badge--warning",
    }
}

/// How long a job took, or takes so far.
fn duration(job: &Job, now: chrono::DateTime<chrono::Utc>) -> String {
    let seconds = (job.completed_at.unwrap_or(now) - job.started_at).num_seconds();
    match seconds.max(0) {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "started" => Some("The sync was started."),
        "at-work" => Some("This sync is at work already: this is its job."),
        "cancelled" => Some("The job was cancelled. What it has done so far stays."),
        _ => None,
    }
}

fn unknown() -> Problem {
    Problem::not_found("There is no such job. Jobs are forgotten 90 days after their end.")
}

async fn show_syncs(State(app): State<App>, visit: Visit, uri: Uri) -> Result<Response, Problem> {
    Params::read(&uri, &[])?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let parts = SyncParts {
        newest: codex.newest_jobs(scope, &JobStatus::ALL).await?,
        completed: codex.newest_jobs(scope, &[JobStatus::Completed]).await?,
        planned: codex.schedules(scope).await?,
        entries: app.config().scheduler.entries.clone(),
        available: codex.available_syncs(),
        now: codex.now(),
        token: visit.csrf.token(),
    };
    page(StatusCode::OK, &SyncView::new(&visit.at, scope, &parts))
}

async fn start_sync(Editor(visit): Editor, sent: SentForm) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let (name, is_dry) = match (sent.text("start"), sent.text("dry_run")) {
        ("", name) => (name, true),
        (name, _) => (name, false),
    };
    let kind: SyncKind = name
        .parse()
        .map_err(|error| Problem::bad_request(format!("start: {error}")))?;
    let request = Request::from(kind).by(visit.call.author.actor.clone());
    let request = if is_dry {
        request.as_dry_run()
    } else {
        request
    };
    let started = visit.call.codex.start_sync(visit.scope(), request).await?;
    let done = if started.already_running {
        "at-work"
    } else {
        "started"
    };
    Ok(redirect(&visit.at, &job_path(&started.job_id), done))
}

async fn list_jobs(visit: Visit, uri: Uri) -> Result<Response, Problem> {
    let asked = match LIST.read(&uri)? {
        Asked::List(asked) => asked,
        Asked::Elsewhere(asked) => {
            return Ok(Redirect::to(&asked.href(&visit.at)).into_response());
        }
    };
    let request = LIST.request(&asked)?;
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let jobs = codex.jobs_page(scope, &request).await?;
    let facets = codex.job_facets(scope, &request).await?;
    let starters: Vec<&str> = jobs
        .items
        .iter()
        .filter_map(|job| job.started_by.as_deref())
        .collect();
    let names = codex.actor_names(scope, starters).await?;
    let rows = rows(&visit.at, &jobs.items, &names, codex.now());
    let mut view = LIST.view(&visit.at, scope, &asked, &jobs, rows, facets);
    view.shell = view.shell.under("Sync", visit.at.link(SYNCS));
    page(StatusCode::OK, &view)
}

async fn show_job(visit: Visit, Path(id): Path<String>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::read(&uri, &["done"])?;
    job_page(&visit, &id, notice(params.get("done")), None).await
}

async fn cancel_job(
    Editor(visit): Editor,
    Path(id): Path<String>,
    sent: SentForm,
) -> Result<Response, Problem> {
    visit.check(sent.token())?;
    let call = &visit.call;
    let cancelled = call.codex.cancel_job(&call.scope, &call.author, &id);
    match cancelled.await {
        Ok(Some(_)) => Ok(redirect(&visit.at, &job_path(&id), "cancelled")),
        Ok(None) => Err(unknown()),
        Err(error @ Error::Conflict { .. }) => {
            job_page(&visit, &id, None, Some(refused(error)?)).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn job_page(
    visit: &Visit,
    id: &str,
    notice: Option<&'static str>,
    problem: Option<Problem>,
) -> Result<Response, Problem> {
    let (codex, scope) = (&visit.call.codex, visit.scope());
    let job = codex.job(scope, id).await?.ok_or_else(unknown)?;
    let parts = JobParts {
        records: codex.issue_records(scope, &job).await?,
        names: codex.actor_names(scope, job.started_by.as_deref()).await?,
        limits: codex.job_limits(scope, &job).await?,
        now: codex.now(),
        token: visit.csrf.token(),
        notice,
        problem: problem.as_ref().map(|problem| problem.detail().to_owned()),
    };
    let status = problem.map_or(StatusCode::OK, |problem| problem.status());
    page(status, &JobView::new(&visit.at, scope, &job, parts))
}
