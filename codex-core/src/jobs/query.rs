//! Reading and writing sync jobs.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::{DRY_RUN, Job, JobReport, JobStatus, PROCESS_GONE, SyncKind, sync_kind::SYNC_NAME};
use crate::{
    Error, Result,
    list::{ColumnType, FacetOut, Filter, Listing, Op, Page, PageRequest, always, column},
    scope::Scope,
    store::{Db, Q, Tx},
};

/// A job as stored.
#[derive(sqlx::FromRow)]
struct JobRow {
    id: String,
    script: String,
    provider: Option<String>,
    sync_type: Option<String>,
    status: JobStatus,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    output: Option<String>,
    error: Option<String>,
    success: Option<bool>,
    report: Json<JobReport>,
    started_by: Option<String>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            script: row.script,
            provider: row.provider,
            sync_type: row.sync_type,
            status: row.status,
            started_at: row.started_at,
            completed_at: row.completed_at,
            output: row.output,
            error: row.error,
            success: row.success,
            report: row.report.0,
            started_by: row.started_by,
        }
    }
}

const SELECT: &str = "select id, script, provider, sync_type, status, started_at, completed_at, \
                      output, error, success, report, started_by from sync_jobs";

sql! {
    /// A job.
    FIND = [SELECT, " where id = $1"];
    /// A job begins.
    INSERT = "insert into sync_jobs (id, script, provider, sync_type, status, started_at, report, started_by) \
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    /// A job of the past.
    INSERT_ENDED = "insert into sync_jobs (id, script, provider, sync_type, status, started_at, completed_at, \
        output, error, success, report) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
        on conflict (id) do nothing";
    /// A job goes on.
    PROGRESS = "update sync_jobs set report = $2 where id = $1 and status = 'running'";
    /// A job has got its lease.
    BEGIN = "update sync_jobs set status = 'running' where id = $1 and status = 'queued'";
    /// Somebody wants a job to stop; the first counts.
    CANCEL = "update sync_jobs set cancel_requested_by = coalesce(cancel_requested_by, $2) \
        where id = $1 and status in ('queued', 'running')";
    /// Who wants a job to stop.
    CANCELLED_BY = "select cancel_requested_by from sync_jobs where id = $1";
    /// Forgets jobs that ended long ago, but not the newest of a kind.
    PRUNE = "delete from sync_jobs where completed_at < $1 and id not in (select id from sync_jobs j \
        where not exists (select 1 from sync_jobs n where n.script = j.script \
        and n.sync_type is not distinct from j.sync_type and n.status = j.status \
        and (n.started_at > j.started_at or (n.started_at = j.started_at and n.id > j.id))))";
    /// A job ends; one that has ended stays as it is.
    FINISH = "update sync_jobs set status = $2, completed_at = $3, output = $4, error = $5, \
        success = $6, report = $7 where id = $1 and status in ('queued', 'running')";
    /// All other jobs of a source belong to processes that have ended.
    ABANDON = "update sync_jobs set status = 'failed', completed_at = $3, error = $4, \
        success = $5 where provider = $1 and id <> $2 and status in ('queued', 'running') \
        and started_at <= (select started_at from sync_jobs where id = $2)";
    /// The jobs that have not ended, by source.
    OPEN = "select provider, id from sync_jobs where status in ('queued', 'running') and provider is not null";
    /// Whether a job has not ended.
    IS_OPEN = "select count(*) from sync_jobs where id = $1 and status in ('queued', 'running')";
}

/// Looks a job up.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn find(db: &Db, scope: &Scope, id: &str) -> Result<Option<Job>> {
    scope.require_staff("reading sync jobs")?;
    Ok(db
        .query(FIND)
        .bind(id)
        .optional::<JobRow>()
        .await?
        .map(Job::from))
}

/// The newest job of a sync, whatever its status unless one is named; `None` when there is no such sync.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn last(
    db: &Db,
    scope: &Scope,
    sync: &str,
    status: Option<JobStatus>,
) -> Result<Option<Job>> {
    scope.require_staff("reading sync jobs")?;
    let mut q = db.query(SELECT);
    q.push(" where ");
    push_sync(&mut q, sync);
    if let Some(status) = status {
        q.push(" and status = ").push_bind(status);
    }
    q.push(" order by started_at desc, id desc limit 1");
    Ok(q.optional::<JobRow>().await?.map(Job::from))
}

/// Only jobs of a sync, by any of its names.
fn push_sync(q: &mut Q<'_>, sync: &str) {
    if sync == SyncKind::Tickets.name() {
        // Modules ask so for the last sync of tickets, in whichever way they were read.
        q.push("script = ").push_bind(SyncKind::Tickets.script());
        q.push(" and sync_type like 'tickets%'");
        return;
    }
    if let Ok(kind) = sync.parse::<SyncKind>() {
        push_kind(q, kind);
    } else {
        q.push("script = ").push_bind(sync.to_owned());
        q.push(" and sync_type is null");
    }
}

/// When some sources last completed; those that never have are not there.
pub(crate) async fn last_completed(
    db: &Db,
    sources: &[&str],
) -> Result<HashMap<String, DateTime<Utc>>> {
    let mut q = db.query(
        "select provider, max(completed_at) from sync_jobs \
         where status = 'completed' and completed_at is not null and script <> ",
    );
    q.push_bind(DRY_RUN).push(" and provider in ");
    q.push_list(sources.iter().copied());
    q.push(" group by provider");
    Ok(q.all().await?.into_iter().collect())
}

/// When the first job of some sources that is still known began.
pub(crate) async fn first_started(
    db: &Db,
    sources: &[&str],
) -> Result<HashMap<String, DateTime<Utc>>> {
    let mut q = db.query("select provider, min(started_at) from sync_jobs where script <> ");
    q.push_bind(DRY_RUN).push(" and provider in ");
    q.push_list(sources.iter().copied());
    q.push(" group by provider");
    Ok(q.all().await?.into_iter().collect())
}

/// Writes a new job.
pub(crate) async fn insert(tx: &mut Tx, job: &Job) -> Result<()> {
    tx.query(INSERT)
        .bind(job.id.as_str())
        .bind(job.script.as_str())
        .bind_text(job.provider.as_deref())
        .bind_text(job.sync_type.as_deref())
        .bind(job.status)
        .bind(job.started_at)
        .bind(Json(&job.report))
        .bind_text(job.started_by.as_deref())
        .execute()
        .await?;
    Ok(())
}

/// Writes a job of the past, unless it is there already.
pub(crate) async fn insert_ended(tx: &mut Tx, job: &Job) -> Result<()> {
    tx.query(INSERT_ENDED)
        .bind(job.id.as_str())
        .bind(job.script.as_str())
        .bind_text(job.provider.as_deref())
        .bind_text(job.sync_type.as_deref())
        .bind(job.status)
        .bind(job.started_at)
        .bind(job.completed_at)
        .bind_text(job.output.as_deref())
        .bind_text(job.error.as_deref())
        .bind(job.success)
        .bind(Json(&job.report))
        .execute()
        .await?;
    Ok(())
}

/// Writes progress.
pub(crate) async fn progress(tx: &mut Tx, id: &str, report: &JobReport) -> Result<()> {
    tx.query(PROGRESS)
        .bind(id)
        .bind(Json(report))
        .execute()
        .await?;
    Ok(())
}

/// Which jobs of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this sync, by any of its names.
    pub sync: Option<String>,
    /// In this state.
    pub status: Option<JobStatus>,
    /// At most this many, 1 to 500.
    pub limit: u32,
}

/// The newest job of each sync, of those in one of these states. One statement.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn newest(db: &Db, scope: &Scope, states: &[JobStatus]) -> Result<Vec<Job>> {
    scope.require_staff("reading sync jobs")?;
    let mut q = db.query("");
    for (place, kind) in SyncKind::ALL.into_iter().enumerate() {
        if place > 0 {
            q.push(" union all ");
        }
        q.push("select * from (").push(SELECT).push(" where ");
        push_kind(&mut q, kind);
        q.push(" and status in ")
            .push_list(states.iter().copied())
            .push(" order by started_at desc, id desc limit 1) as newest");
    }
    let rows = q.all::<JobRow>().await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Only jobs of one kind of sync.
fn push_kind(q: &mut Q<'_>, kind: SyncKind) {
    q.push("script = ").push_bind(kind.script());
    match kind.sync_type() {
        Some(sync_type) => q.push(" and sync_type = ").push_bind(sync_type),
        None => q.push(" and sync_type is null"),
    };
}

/// Jobs as a list.
pub const LISTING: Listing = Listing {
    select: SELECT,
    from: " from sync_jobs",
    live: "1 = 1",
    id: "id",
    search: None,
    order: "started_at",
    fields: &[],
    columns: &[
        always("sync", SYNC_NAME, ColumnType::Text).faceted(),
        always("state", "status", ColumnType::Text).faceted(),
        column("source", "provider", ColumnType::Text).faceted(),
        always("started_at", "started_at", ColumnType::Time),
        column("completed_at", "completed_at", ColumnType::Time),
    ],
};

/// A page of jobs.
///
/// # Errors
/// [`Error::Invalid`] for a limit out of range, an unknown column, sync or state, or a search term; [`Error::Forbidden`]
/// for clients.
pub(crate) async fn page(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Page<Job>> {
    let request = allowed(scope, request)?;
    let page = LISTING
        .page_of_texts(db, scope, &request, |job: &JobRow| job.id.as_str())
        .await?;
    Ok(page.map(Job::from))
}

/// How many jobs of a list there are of each sync and source, and in each state.
///
/// # Errors
/// As [`page`].
pub(crate) async fn facets(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Vec<FacetOut>> {
    let request = allowed(scope, request)?;
    LISTING.facets(db, scope, &request, &[], |_| ()).await
}

/// Refuses who may not read jobs, and values that no job can have. A sync may be named by any of its names.
fn allowed(scope: &Scope, request: &PageRequest) -> Result<PageRequest> {
    scope.require_staff("reading sync jobs")?;
    let states = JobStatus::ALL.map(JobStatus::name);
    Filter::by_words(&request.filters, &[("state", states.as_slice())])?;
    let mut request = request.clone();
    let filters = request.filters.iter_mut();
    for filter in filters.filter(|filter| filter.name == "sync" && filter.op == Op::Eq) {
        let kind = filter.value.parse::<SyncKind>();
        let kind = kind.map_err(|error| Error::invalid("sync", error))?;
        kind.name().clone_into(&mut filter.value);
    }
    Ok(request)
}

/// The newest jobs.
///
/// # Errors
/// [`Error::Forbidden`] for clients.
pub async fn list(db: &Db, scope: &Scope, filter: &JobFilter) -> Result<Vec<Job>> {
    scope.require_staff("reading sync jobs")?;
    let mut q = db.query(SELECT);
    q.push(" where 1 = 1");
    if let Some(sync) = &filter.sync {
        q.push(" and ");
        push_sync(&mut q, sync);
    }
    if let Some(status) = filter.status {
        q.push(" and status = ").push_bind(status);
    }
    q.push(" order by started_at desc, id desc limit ")
        .push_bind(i64::from(filter.limit.clamp(1, 500)));
    let rows = q.all::<JobRow>().await?;
    Ok(rows.into_iter().map(Job::from).collect())
}

/// Writes that a job has got its lease.
pub(crate) async fn begin(tx: &mut Tx, id: &str) -> Result<()> {
    tx.query(BEGIN).bind(id).execute().await?;
    Ok(())
}

/// Asks a job to stop; tells whether it had not ended.
pub(crate) async fn cancel(tx: &mut Tx, id: &str, by: &str) -> Result<bool> {
    Ok(tx.query(CANCEL).bind(id).bind(by).execute().await? == 1)
}

/// Who asked a job to stop, if anybody did.
pub(crate) async fn cancelled_by(db: &Db, id: &str) -> Result<Option<String>> {
    let by: Option<Option<String>> = db.query(CANCELLED_BY).bind(id).scalar().await?;
    Ok(by.flatten())
}

/// Forgets jobs that ended before a moment, but not the newest of each kind and state.
pub(crate) async fn prune(tx: &mut Tx, before: DateTime<Utc>) -> Result<()> {
    tx.query(PRUNE).bind(before).execute().await?;
    Ok(())
}

/// Writes the end of a job.
pub(crate) async fn finish(tx: &mut Tx, job: &Job) -> Result<()> {
    tx.query(FINISH)
        .bind(job.id.as_str())
        .bind(job.status)
        .bind(job.completed_at)
        .bind_text(job.output.as_deref())
        .bind_text(job.error.as_deref())
        .bind(job.success)
        .bind(Json(&job.report))
        .execute()
        .await?;
    Ok(())
}

/// Marks all jobs of a source but `job` as failed. For who has just taken the source's lease: no other
/// run of it is at work, so they died, at work or before they got the lease.
pub(crate) async fn abandon_others(
    tx: &mut Tx,
    source: &str,
    job: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    tx.query(ABANDON)
        .bind(source)
        .bind(job)
        .bind(at)
        .bind(PROCESS_GONE)
        .bind(false)
        .execute()
        .await?;
    Ok(())
}

/// Source and id of the jobs that have not ended.
pub(crate) async fn open(db: &Db) -> Result<Vec<(String, String)>> {
    db.query(OPEN).all().await
}

/// Marks some jobs as failed that have not ended; gives how many those were. For who has just taken their source's
/// lease from a process that is gone.
pub(crate) async fn abandon(
    tx: &mut Tx,
    jobs: impl Iterator<Item = &str>,
    at: DateTime<Utc>,
) -> Result<u64> {
    let mut q = tx.query("update sync_jobs set status = 'failed', completed_at = ");
    q.push_bind(at).push(", error = ").push_bind(PROCESS_GONE);
    q.push(", success = ").push_bind(false);
    q.push(" where status in ('queued', 'running') and id in ")
        .push_list(jobs);
    q.execute().await
}

/// Whether a job has not been given up by somebody else.
pub(crate) async fn is_open(tx: &mut Tx, id: &str) -> Result<bool> {
    let count: Option<i64> = tx.query(IS_OPEN).bind(id).scalar().await?;
    Ok(count == Some(1))
}
