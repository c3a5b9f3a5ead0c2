//! Syncs and their jobs.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use codex_core::{
    jobs::{Job, JobStatus, SyncKind, query::JobFilter, wire::JobDetailOut},
    list::MAX_LIMIT,
    sync::Request,
};
use futures::FutureExt as _;
use pyo3::{exceptions::PyTypeError, prelude::*};

use crate::{
    backend::{Backend, Change, Connection, Store},
    convert::Row,
    errors::{Failure, Result},
    query::{Feed, ListQuery, whole},
    records::{Answer, Api, Key, Records, found, object, row},
};

/// How often a job is looked at.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a cancelled job is waited for.
const LONGEST_CANCEL: Duration = Duration::from_secs(30);

/// Jobs behind either backend.
#[derive(Debug)]
pub(crate) struct JobApi;

/// The newest 500 sync jobs. A job is named by its id.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Jobs;

async fn newest(backend: Backend) -> Result<Vec<Row>> {
    let jobs: Vec<JobDetailOut> = match backend {
        Backend::Store(store) => {
            let filter = JobFilter {
                limit: MAX_LIMIT,
                ..JobFilter::default()
            };
            let jobs = store.codex.jobs(&store.scope, &filter).await?;
            jobs.iter().map(JobDetailOut::from).collect()
        }
        Backend::Http(client) => client.sync().jobs(MAX_LIMIT).await?,
    };
    Ok(jobs.iter().map(|job| row(job, None)).collect())
}

async fn find(backend: &Backend, id: &str) -> Result<Option<JobDetailOut>> {
    match backend {
        Backend::Store(store) => {
            let job = store.codex.job(&store.scope, id).await?;
            Ok(job.as_ref().map(JobDetailOut::from))
        }
        Backend::Http(client) => found(client.sync().job(id).await),
    }
}

impl Api for JobApi {
    fn class(&self) -> &'static str {
        "Job"
    }

    fn kind(&self) -> &'static str {
        "job"
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        whole(query, newest(backend.clone()))
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let job = find(backend, key.last().map_or("", String::as_str)).await?;
            Ok(job.map(|job| row(&job, None)))
        })
    }
}

/// What a sync is asked for.
pub(crate) struct SyncRequest<'a, 'py> {
    pub kind: &'a str,
    pub wait: bool,
    pub dry_run: bool,
    /// The only lists to be read; all when there are none.
    pub lists: Vec<String>,
    pub progress: Option<&'a Bound<'py, PyAny>>,
}

/// Runs a sync; with `progress`, the callback gets the job whenever it has changed.
pub(crate) fn sync<'py>(
    py: Python<'py>,
    connection: &Arc<Connection>,
    asked: &SyncRequest<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    if asked
        .progress
        .is_some_and(|progress| !progress.is_callable())
    {
        return Err(PyTypeError::new_err("progress: must be callable"));
    }
    let kind: SyncKind = asked.kind.parse().map_err(Failure::Invalid)?;
    let started = start(&connection.backend, kind, asked.dry_run, &asked.lists);
    let id = connection.wait(py, started)?;
    if asked.wait {
        return watch(py, connection, &id, asked.progress, None, true);
    }
    let job = connection.wait(py, find(&connection.backend, &id))?;
    let job = job.ok_or_else(|| no_job(&id))?;
    object(py, "Job", &job)
}

async fn start(
    backend: &Backend,
    kind: SyncKind,
    dry_run: bool,
    lists: &[String],
) -> Result<String> {
    match backend {
        Backend::Store(Store {
            codex,
            scope,
            actor,
        }) => {
            let request = Request {
                dry_run,
                scopes: lists.to_vec(),
                ..Request::from(kind).by(actor.clone())
            };
            Ok(codex.start_sync(scope, request).await?.job_id)
        }
        Backend::Http(_) if dry_run => {
            let message = "dry_run: over HTTP a sync cannot be tried; use `Codex.open`";
            Err(Failure::Invalid(message.to_owned()))
        }
        Backend::Http(_) if !lists.is_empty() => {
            let message = "lists: over HTTP a sync reads all lists; use `Codex.open`";
            Err(Failure::Invalid(message.to_owned()))
        }
        Backend::Http(client) => Ok(client.sync().start(over_http(kind)?).await?.job_id),
    }
}

fn over_http(kind: SyncKind) -> Result<codex_client::SyncKind> {
    use codex_client::SyncKind as Http;
    Ok(match kind {
        SyncKind::Psa => Http::Psa,
        SyncKind::Tickets => Http::Tickets,
        SyncKind::TicketHistory => Http::TicketHistory,
        SyncKind::Rmm => Http::Datto,
        SyncKind::RmmAudits => Http::Audits,
        SyncKind::Agents => Http::Agents,
        SyncKind::AssignAccounts => Http::AssignAccounts,
        SyncKind::PushAccounts => Http::PushAccounts,
        SyncKind::TicketsLight => {
            let message = "kind: tickets-light is not started over HTTP";
            return Err(Failure::Invalid(message.to_owned()));
        }
    })
}

fn no_job(id: &str) -> Failure {
    Failure::NotFound(format!("there is no job {id}"))
}

/// Waits for the end of a job. When the callback raises, or Ctrl-C is pressed, and the job is `own`, it is cancelled and
/// waited for before the exception goes on.
fn watch<'py>(
    py: Python<'py>,
    connection: &Connection,
    id: &str,
    progress: Option<&Bound<'py, PyAny>>,
    longest: Option<Duration>,
    own: bool,
) -> PyResult<Bound<'py, PyAny>> {
    match watched(py, connection, id, progress, longest) {
        Err(error) if own => {
            if let Err(trouble) = stop(py, connection, id) {
                trouble.write_unraisable(py, None);
            }
            Err(error)
        }
        result => result,
    }
}

fn watched<'py>(
    py: Python<'py>,
    connection: &Connection,
    id: &str,
    progress: Option<&Bound<'py, PyAny>>,
    longest: Option<Duration>,
) -> PyResult<Bound<'py, PyAny>> {
    let began = Instant::now();
    // The process of the job may be gone, and this one the only one that is left to notice.
    let dead_jobs = async {
        if let Backend::Store(store) = &connection.backend {
            store.codex.end_dead_jobs().await;
        }
    };
    let mut dead_jobs = pin!(dead_jobs.fuse());
    let mut last: Option<JobDetailOut> = None;
    loop {
        let job = connection.wait(py, find(&connection.backend, id))?;
        let job = job.ok_or_else(|| no_job(id))?;
        let (is_over, is_new) = (job.status.is_over(), last.as_ref() != Some(&job));
        if is_new && let Some(progress) = progress {
            progress.call1((object(py, "Job", &job)?,))?;
        }
        if is_over {
            return object(py, "Job", &job);
        }
        last = Some(job);
        if longest.is_some_and(|longest| began.elapsed() >= longest) {
            return Err(Failure::Http(codex_client::Error::StillRunning(id.to_owned())).into());
        }
        connection.wait(py, async {
            let looking = async {
                dead_jobs.as_mut().await;
                std::future::pending::<()>().await;
            };
            tokio::time::timeout(PAUSE, looking).await.ok();
            Ok(())
        })?;
        // No wait here is so long that it looks by itself.
        py.check_signals()?;
    }
}

/// Cancels a job and waits until it has ended, whatever signals say.
fn stop(py: Python<'_>, connection: &Connection, id: &str) -> PyResult<()> {
    connection.wait(py, async {
        if cancel(&connection.backend, id).await.is_err() {
            return Ok(());
        }
        let end = Instant::now() + LONGEST_CANCEL;
        while Instant::now() < end {
            match find(&connection.backend, id).await? {
                Some(job) if !job.status.is_over() => tokio::time::sleep(PAUSE).await,
                _ => break,
            }
        }
        Ok(())
    })
}

/// The job of a sync that is at work, in whichever process.
async fn at_work(backend: &Backend, kind: SyncKind) -> Result<Option<JobDetailOut>> {
    match backend {
        Backend::Store(store) => {
            let job = store.codex.job_at_work(&store.scope, kind).await?;
            Ok(job.as_ref().map(JobDetailOut::from))
        }
        Backend::Http(client) => {
            let jobs = client.sync().jobs(MAX_LIMIT).await?;
            let is_it = |job: &JobDetailOut| {
                !job.status.is_over() && job.sync.as_deref() == Some(kind.name())
            };
            Ok(jobs.into_iter().find(is_it))
        }
    }
}

async fn cancel(backend: &Backend, id: &str) -> Result<Option<JobDetailOut>> {
    match backend {
        Backend::Store(store) => {
            let author = store.author(&Change::default())?;
            let job = store.codex.cancel_job(&store.scope, &author, id).await?;
            Ok(job.as_ref().map(JobDetailOut::from))
        }
        Backend::Http(client) => found(client.sync().cancel(id).await),
    }
}

#[pymethods]
impl Jobs {
    /// Waits for the end of a job and returns it; ``progress`` is called with the job whenever it has changed. A
    /// ``timeout`` is in seconds: ``Timeout`` when the job is still running then. An exception ends the wait, not the job.
    #[pyo3(signature = (key, /, *, timeout=None, progress=None))]
    fn wait<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        timeout: Option<f64>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let records = slf.as_super().get();
        let key = records.key_of(key)?;
        let longest = timeout.map(Duration::try_from_secs_f64).transpose();
        let longest = longest.map_err(|error| Failure::Invalid(format!("timeout: {error}")))?;
        watch(
            slf.py(),
            &records.connection,
            &key[0],
            progress,
            longest,
            false,
        )
    }

    /// Cancels a job within a second; what it has done so far stays.
    #[pyo3(signature = (key, /))]
    fn cancel<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let job = records
            .connection
            .wait(py, cancel(records.backend(), &key[0]))?;
        object(py, "Job", &job.ok_or_else(|| records.missing(&key))?)
    }

    /// The job of a sync, such as ``tickets``, that is running, in whichever process; ``None`` when there is none. A dry
    /// run is one too.
    #[pyo3(signature = (kind, /))]
    fn at_work<'py>(slf: &Bound<'py, Self>, kind: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let sync: SyncKind = kind.parse().map_err(Failure::Invalid)?;
        let job = records
            .connection
            .wait(py, at_work(records.backend(), sync))?;
        job.map(|job| object(py, "Job", &job)).transpose()
    }

    /// The newest job of a sync, such as ``tickets``; ``None`` when it never ran.
    #[pyo3(signature = (kind, /))]
    fn last<'py>(slf: &Bound<'py, Self>, kind: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let sync: SyncKind = kind.parse().map_err(Failure::Invalid)?;
        let job = records.connection.wait(py, async {
            match records.backend() {
                Backend::Store(Store { codex, scope, .. }) => {
                    let any: Option<JobStatus> = None;
                    let job: Option<Job> = codex.last_job(scope, sync.name(), any).await?;
                    Ok(job.as_ref().map(JobDetailOut::from))
                }
                Backend::Http(client) => match found(client.sync().last(sync.name()).await)? {
                    Some(job) => find(records.backend(), &job.id).await,
                    None => Ok(None),
                },
            }
        })?;
        job.map(|job| object(py, "Job", &job)).transpose()
    }
}
