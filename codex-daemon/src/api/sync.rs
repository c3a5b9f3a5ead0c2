//! Starting syncs and asking how they go (contract 1.2.H).

use std::collections::HashMap;

use axum::{Json, extract::State};
use codex_core::{
    jobs::{
        JobStatus,
        wire::{JobOut, JobStarted},
    },
    sync::{Request, SyncKind},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::resource::ApiResource;
use crate::{
    app::App,
    auth::Caller,
    http::{
        extract::{Path, Query},
        problem::{ErrorOut, Problem},
    },
    openapi::errors::{Administrators, FindErrors, Forbidden, NotClients, SyncErrors, Technicians},
};

/// What it registers.
pub(super) const API: ApiResource = ApiResource {
    tag: Some((
        "sync",
        "Syncs with the vendors: jobs, held deletions, and the outbox of changes for a vendor",
    )),
    ..ApiResource::of(routes)
};

/// The routes.
fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(start_sync))
        .routes(routes!(start_psa_sync))
        .routes(routes!(start_freshservice_sync))
        .routes(routes!(start_datto_sync))
        .routes(routes!(start_audits))
        .routes(routes!(start_ticket_sync))
        .routes(routes!(start_ticket_history))
        .routes(routes!(assign_account_numbers))
        .routes(routes!(push_account_numbers))
        .routes(routes!(start_agents_sync))
        .routes(routes!(get_sync_status))
        .routes(routes!(get_last_sync))
}

async fn start(app: &App, caller: &Caller, part: SyncKind) -> Result<Json<JobStarted>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let author = caller.author(app.codex().now());
    let started = app
        .codex()
        .start_sync(&scope, Request::from(part).by(author.actor))
        .await
        .map_err(|e| Problem::from(e).job())?;
    let message = if started.already_running {
        "This sync is at work already; its job is given."
    } else {
        "Sync started."
    };
    Ok(Json(JobStarted {
        job_id: started.job_id,
        message: message.into(),
        success: true,
    }))
}

/// Start a sync
///
/// `sync` is one of freshservice (companies, contacts, PSA agents), tickets, tickets-light (without conversations),
/// ticket-history (all tickets), datto (sites and devices), datto-audits, keycloak, accounts-assign and
/// accounts-push; legacy names are accepted. Returns a job at once. If the sync is running already, returns the
/// running job. Technicians may start syncs of changed tickets, administrators and services all syncs.
#[utoipa::path(post, path = "/sync/{sync}", tag = "sync",
    params(("sync" = String, Path, description = "Sync", example = "datto-audits")),
    responses(
        (status = 200, description = "Started, or at work already", body = JobStarted),
        (status = 403, description = "Not for this role", body = ErrorOut),
        (status = 404, description = "There is no such sync", body = ErrorOut),
        (status = 503, description = "The provider is not configured", body = ErrorOut)))]
async fn start_sync(
    State(app): State<App>,
    caller: Caller,
    Path(sync): Path<String>,
) -> Result<Json<JobStarted>, Problem> {
    let part = sync
        .parse()
        .map_err(|error: String| Problem::not_found(error).job())?;
    start(&app, &caller, part).await
}

/// Sync companies, contacts and agents from the PSA
///
/// Returns a job at once. If the sync is running already, returns the running job.
#[utoipa::path(post, path = "/sync/psa", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Administrators>))]
async fn start_psa_sync(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::Psa).await
}

/// Sync from the PSA (legacy alias)
///
/// Same as `POST /sync/psa`. Returns a job at once. If the sync is running already, returns the running job.
#[utoipa::path(post, path = "/sync/freshservice", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Administrators>))]
async fn start_freshservice_sync(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::Psa).await
}

/// Sync sites and devices from the RMM
///
/// Returns a job at once. If the sync is running already, returns the running job.
#[utoipa::path(post, path = "/sync/datto", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Administrators>))]
async fn start_datto_sync(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::Rmm).await
}

/// Sync hardware and software from the RMM
///
/// Reads devices whose inventory is newer than the stored one. The first run takes hours for a large account, because
/// of the vendor's limits; an interrupted run continues where it stopped. Returns a job at once. If the sync is
/// running already, returns the running job.
#[utoipa::path(post, path = "/sync/audits", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Administrators>))]
async fn start_audits(State(app): State<App>, caller: Caller) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::RmmAudits).await
}

/// Sync changed tickets from the PSA
///
/// Includes conversations and time entries. Returns a job at once. If the sync is running already, returns the
/// running job.
#[utoipa::path(post, path = "/sync/tickets", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Technicians>))]
async fn start_ticket_sync(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::Tickets).await
}

/// Sync all tickets from the PSA
///
/// May take days within the vendor's limits. An interrupted run continues where it stopped. Returns a job at once. If
/// the sync is running already, returns the running job.
#[utoipa::path(post, path = "/sync/tickets/full-history", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Administrators>))]
async fn start_ticket_history(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::TicketHistory).await
}

/// Assign account numbers to PSA companies without one
///
/// With `[upstream] write = off`, the default, the job only lists what it would assign. Returns a job at once. If the
/// sync is running already, returns the running job.
#[utoipa::path(post, path = "/sync/create-account-numbers", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Administrators>))]
async fn assign_account_numbers(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::AssignAccounts).await
}

/// Push account numbers to RMM sites
///
/// Writes each number into a variable of the site. With `[upstream] write = off`, the default, the job only lists
/// what it would write. Returns a job at once. If the sync is running already, returns the running job.
#[utoipa::path(post, path = "/sync/push-to-datto", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    SyncErrors<Administrators>))]
async fn push_account_numbers(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::PushAccounts).await
}

/// Start a sync of agents from Keycloak
///
/// Returns a job at once. If the sync is running already, returns the running job. `POST /api/agents/sync` waits for
/// the end instead.
#[utoipa::path(post, path = "/sync/agents", tag = "sync", responses(
    (status = 200, description = "Started, or at work already", body = JobStarted),
    Forbidden<Administrators, ErrorOut>))]
async fn start_agents_sync(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<JobStarted>, Problem> {
    start(&app, &caller, SyncKind::Agents).await
}

/// Get a sync job's status
///
/// Returns the job in the form that today's modules read. `GET /sync/jobs/{job_id}` has counts and issues.
#[utoipa::path(get, path = "/sync/status/{job_id}", tag = "sync",
    params(("job_id" = String, Path, description = "Job")),
    responses(
        (status = 200, description = "The job", body = JobOut),
        FindErrors<NotClients, ErrorOut>))]
async fn get_sync_status(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<JobOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let job = app
        .codex()
        .job(&scope, &id)
        .await
        .map_err(|e| Problem::from(e).job())?;
    job.map(|job| Json(JobOut::from(&job)))
        .ok_or_else(|| Problem::not_found("Job not found").flat())
}

/// Get the newest job of a sync
///
/// Returns the newest job, whatever its status. `script` is a name of `POST /sync/{sync}`, or one of today's modules:
/// psa, rmm, keycloak_agents. `tickets` is the newest job that read tickets in any way.
#[utoipa::path(get, path = "/sync/last/{script}", tag = "sync",
    params(
        ("script" = String, Path, description = "Sync", example = "psa"),
        ("status" = Option<String>, Query, description = "`completed`: the newest that succeeded")),
    responses(
        (status = 200, description = "The job", body = JobOut),
        Forbidden<NotClients, ErrorOut>,
        (status = 404, description = "None has run yet", body = ErrorOut)))]
async fn get_last_sync(
    State(app): State<App>,
    caller: Caller,
    Path(script): Path<String>,
    Query(params): Query<HashMap<String, String>>,
) -> Result<Json<JobOut>, Problem> {
    let scope = caller.scope(app.codex()).await?;
    let completed = params
        .get("status")
        .is_some_and(|status| status == "completed");
    let job = app
        .codex()
        .last_job(&scope, &script, completed.then_some(JobStatus::Completed))
        .await
        .map_err(|e| Problem::from(e).job())?;
    job.map(|job| Json(JobOut::from(&job))).ok_or_else(|| {
        let unknown = script.parse::<SyncKind>().err();
        Problem::not_found(unknown.unwrap_or_else(|| "No sync of this kind has run".into())).flat()
    })
}
