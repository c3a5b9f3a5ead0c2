//! Jobs of syncs: list, detail, live progress, cancel.

use std::{convert::Infallible, time::Duration};

use axum::{
    Json,
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use codex_core::{
    Codex, Scope,
    jobs::{Job, JobStatus, query::JobFilter, wire::JobDetailOut},
    sync::SyncKind,
};
use futures::{Stream, stream};
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    auth::Caller,
    http::{
        extract::{Path, Query},
        problem::{Problem, ProblemOut},
    },
    openapi::errors::{FindErrors, Forbidden, NotClients, Technicians},
};

/// Jobs of a list, when nothing else is asked for.
const LIMIT: u32 = 50;
/// How often a job is looked at while somebody watches it.
const LOOK: Duration = Duration::from_millis(500);
/// Silence is broken this often, so that nothing between takes the connection for dead.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The most who watch jobs at once: each asks the database twice a second.
static WATCHERS: Semaphore = Semaphore::const_new(100);
/// A watcher that wants more comes again.
const LONGEST_WATCH: u32 = 2 * 60 * 60;

/// What it registers.
pub(super) const API: ApiResource = ApiResource::of(routes);

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(get_job))
        .routes(routes!(cancel_job))
        .routes(routes!(watch_job))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct JobParams {
    /// The only sync to list, by any of its names, such as `psa` or `datto-audits`.
    script: Option<String>,
    /// The only state to list.
    status: Option<JobStatus>,
    /// At most this many, 1 to 500; the default is 50.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

fn missing() -> Problem {
    Problem::not_found("There is no such job.")
}

/// List sync jobs
///
/// Returns the newest first.
#[utoipa::path(get, path = "/sync/jobs", tag = "sync", params(JobParams), responses(
    (status = 200, description = "Jobs", body = Vec<JobDetailOut>),
    Forbidden<NotClients, ProblemOut>))]
async fn list_jobs(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<JobParams>,
) -> Result<Json<Vec<JobDetailOut>>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let limit = params.limit.unwrap_or(LIMIT);
    if !(1..=500).contains(&limit) {
        return Err(Problem::bad_request("limit: must be from 1 to 500"));
    }
    if let Some(Err(error)) = params.script.as_deref().map(str::parse::<SyncKind>) {
        return Err(Problem::bad_request(format!("script: {error}")));
    }
    let filter = JobFilter {
        sync: params.script,
        status: params.status,
        limit,
    };
    let jobs = app.codex().jobs(&scope, &filter).await?;
    Ok(Json(jobs.iter().map(JobDetailOut::from).collect()))
}

async fn found(codex: &Codex, scope: &Scope, id: &str) -> Result<Job, Problem> {
    codex.job(scope, id).await?.ok_or_else(missing)
}

/// Get a sync job
///
/// Returns status, counts, collections and issues.
#[utoipa::path(get, path = "/sync/jobs/{job_id}", tag = "sync",
    params(("job_id" = String, Path, description = "Job")),
    responses(
        (status = 200, description = "The job", body = JobDetailOut),
        FindErrors<NotClients, ProblemOut>))]
async fn get_job(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobDetailOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let job = found(app.codex(), &scope, &id).await?;
    Ok(Json(JobDetailOut::from(&job)))
}

/// Cancel a sync job
///
/// It ends within a second, in whichever process it runs, as `cancelled`. What it has done so far stays.
#[utoipa::path(post, path = "/sync/jobs/{job_id}/cancel", tag = "sync",
    params(("job_id" = String, Path, description = "Job")),
    responses(
        (status = 200, description = "Asked; the job ends as `cancelled`", body = JobDetailOut),
        FindErrors<Technicians, ProblemOut>,
        (status = 409, description = "It has ended already", body = ProblemOut)))]
async fn cancel_job(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobDetailOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let author = caller.author(app.codex().now());
    let job = app.codex().cancel_job(&scope, &author, &id).await?;
    let job = job.ok_or_else(missing)?;
    Ok(Json(JobDetailOut::from(&job)))
}

/// Watch a sync job
///
/// Streams server-sent events. Each event has the whole job. The stream ends with the job.
#[utoipa::path(get, path = "/sync/jobs/{job_id}/events", tag = "sync",
    params(("job_id" = String, Path, description = "Job")),
    responses(
        (status = 200, description = "Server-sent events named `job`; each holds the job as JSON",
            content_type = "text/event-stream", body = String),
        FindErrors<NotClients, ProblemOut>))]
async fn watch_job(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>> + use<>>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    found(app.codex(), &scope, &id).await?;
    let busy = |_| Problem::unavailable("Too many callers watch jobs. Get the job instead.");
    let start = Watch {
        _place: WATCHERS.try_acquire().map_err(busy)?,
        codex: app.codex().clone(),
        scope,
        id,
        sent: None,
        looks: 0,
    };
    let events = stream::unfold(start, |mut watch| async move {
        let event = watch.next().await?;
        Some((Ok(event), watch))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// Somebody who watches a job.
struct Watch {
    codex: Codex,
    scope: Scope,
    id: String,
    /// What was sent last.
    sent: Option<JobDetailOut>,
    looks: u32,
    /// Among those who watch; given back when the watcher is gone.
    _place: SemaphorePermit<'static>,
}

impl Watch {
    /// The job once it has moved; `None` after its end, or when it cannot be read.
    async fn next(&mut self) -> Option<Event> {
        if self.sent.as_ref().is_some_and(|sent| sent.status.is_over()) {
            return None;
        }
        while self.looks < LONGEST_WATCH {
            let job = self.codex.job(&self.scope, &self.id).await.ok()??;
            let now = JobDetailOut::from(&job);
            if self.sent.as_ref() != Some(&now) {
                let event = Event::default().event("job").json_data(&now).ok();
                self.sent = Some(now);
                return event;
            }
            self.looks += 1;
            tokio::time::sleep(LOOK).await;
        }
        None
    }
}
