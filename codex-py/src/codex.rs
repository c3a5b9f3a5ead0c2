//! `Codex`, the library in this process, and `Client`, a daemon over HTTP: the same resources with the same methods.

use std::sync::Arc;

use codex_client::{SearchOptions, TokenSource};
use codex_core::{Codex as Library, Scope, masked::masked_url, search::wire::SearchOut};
use codex_daemon::config::{Config, Sources};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
};

use crate::{
    assets::{AssetApi, Assets},
    backend::{Backend, Connection, Store},
    billing::{Billing, FeatureOptionApi, FeatureOptions, OverrideApi, Overrides},
    billing_plans::{BillingPlanApi, BillingPlans},
    claims::Claims,
    companies::{Companies, CompanyApi},
    contacts::{ContactApi, Contacts},
    decisions::{Deleted, DuplicateApi, Duplicates, HoldApi, Holds, Outbox, OutboxApi},
    errors::{Failure, Result},
    jobs::{self, JobApi, Jobs, SyncRequest},
    locations::{LocationApi, Locations},
    people::{AgentApi, Agents, PsaAgentApi, PsaAgents},
    records::{Api, BulkRecords, EditableRecords, Records, object},
    runtime::{runtime, wait},
    tags::{TagApi, Tags},
    tickets::{TicketApi, Tickets},
    views::{ViewApi, Views},
};

/// What `Codex` and `Client` have in common.
#[pyclass(frozen, subclass, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct BaseCodex {
    connection: Arc<Connection>,
}

impl BaseCodex {
    fn records(&self, api: &'static dyn Api) -> PyClassInitializer<Records> {
        PyClassInitializer::from(Records {
            connection: self.connection.clone(),
            api,
        })
    }

    fn editable(&self, api: &'static dyn Api) -> PyClassInitializer<EditableRecords> {
        self.records(api).add_subclass(EditableRecords)
    }

    fn bulk(&self, api: &'static dyn Api) -> PyClassInitializer<BulkRecords> {
        self.editable(api).add_subclass(BulkRecords)
    }
}

#[pymethods]
impl BaseCodex {
    /// The clients of the MSP, by account number.
    #[getter]
    fn companies(&self, py: Python<'_>) -> PyResult<Py<Companies>> {
        Py::new(py, self.bulk(&CompanyApi).add_subclass(Companies))
    }

    /// The people at the clients.
    #[getter]
    fn contacts(&self, py: Python<'_>) -> PyResult<Py<Contacts>> {
        Py::new(py, self.bulk(&ContactApi).add_subclass(Contacts))
    }

    /// The devices of the clients.
    #[getter]
    fn assets(&self, py: Python<'_>) -> PyResult<Py<Assets>> {
        Py::new(py, self.bulk(&AssetApi).add_subclass(Assets))
    }

    /// The addresses of companies.
    #[getter]
    fn locations(&self, py: Python<'_>) -> PyResult<Py<Locations>> {
        Py::new(py, self.editable(&LocationApi).add_subclass(Locations))
    }

    /// What clients asked for.
    #[getter]
    fn tickets(&self, py: Python<'_>) -> PyResult<Py<Tickets>> {
        Py::new(py, self.records(&TicketApi).add_subclass(Tickets))
    }

    /// The plans that companies are billed by.
    #[getter]
    fn billing_plans(&self, py: Python<'_>) -> PyResult<Py<BillingPlans>> {
        Py::new(
            py,
            self.editable(&BillingPlanApi).add_subclass(BillingPlans),
        )
    }

    /// What can be chosen for each kind of feature.
    #[getter]
    fn feature_options(&self, py: Python<'_>) -> PyResult<Py<FeatureOptions>> {
        Py::new(
            py,
            self.records(&FeatureOptionApi).add_subclass(FeatureOptions),
        )
    }

    /// What companies have agreed besides their plans.
    #[getter]
    fn overrides(&self, py: Python<'_>) -> PyResult<Py<Overrides>> {
        Py::new(py, self.records(&OverrideApi).add_subclass(Overrides))
    }

    /// Effective plans and billable counts.
    #[getter]
    fn billing(&self) -> Billing {
        Billing {
            connection: self.connection.clone(),
        }
    }

    /// Words on companies, contacts and assets.
    #[getter]
    fn tags(&self, py: Python<'_>) -> PyResult<Py<Tags>> {
        Py::new(py, self.editable(&TagApi).add_subclass(Tags))
    }

    /// Saved views of lists.
    #[getter]
    fn views(&self, py: Python<'_>) -> PyResult<Py<Views>> {
        Py::new(py, self.editable(&ViewApi).add_subclass(Views))
    }

    /// The people who log in.
    #[getter]
    fn agents(&self, py: Python<'_>) -> PyResult<Py<Agents>> {
        Py::new(py, self.records(&AgentApi).add_subclass(Agents))
    }

    /// The PSA's agents.
    #[getter]
    fn psa_agents(&self, py: Python<'_>) -> PyResult<Py<PsaAgents>> {
        Py::new(py, self.records(&PsaAgentApi).add_subclass(PsaAgents))
    }

    /// Sync jobs.
    #[getter]
    fn jobs(&self, py: Python<'_>) -> PyResult<Py<Jobs>> {
        Py::new(py, self.records(&JobApi).add_subclass(Jobs))
    }

    /// Held deletions.
    #[getter]
    fn holds(&self, py: Python<'_>) -> PyResult<Py<Holds>> {
        Py::new(py, self.records(&HoldApi).add_subclass(Holds))
    }

    /// Duplicate candidates.
    #[getter]
    fn duplicates(&self, py: Python<'_>) -> PyResult<Py<Duplicates>> {
        Py::new(py, self.records(&DuplicateApi).add_subclass(Duplicates))
    }

    /// Changes of tickets on their way to the PSA.
    #[getter]
    fn outbox(&self, py: Python<'_>) -> PyResult<Py<Outbox>> {
        Py::new(py, self.records(&OutboxApi).add_subclass(Outbox))
    }

    /// What people have deleted.
    #[getter]
    fn deleted(&self) -> Deleted {
        Deleted {
            connection: self.connection.clone(),
        }
    }

    /// What each source states about a record.
    #[getter]
    fn claims(&self) -> Claims {
        Claims {
            connection: self.connection.clone(),
        }
    }

    /// Finds records by names, numbers, addresses and what was said on tickets; the best fit first.
    ///
    /// ``kinds`` are kinds such as ``["company", "asset"]``; all when there are none. ``limit`` is 1 to 100.
    #[pyo3(signature = (term, /, *, kinds=None, limit=20))]
    fn search<'py>(
        &self,
        py: Python<'py>,
        term: &str,
        kinds: Option<Vec<String>>,
        limit: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let kinds = kinds.unwrap_or_default();
        let found: SearchOut = self.connection.wait(py, async {
            Ok(match &self.connection.backend {
                Backend::Store(store) => {
                    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                    let (codex, scope) = (&store.codex, &store.scope);
                    codex.search(scope, term, &kinds, limit).await?
                }
                Backend::Http(client) => {
                    let limit = Some(limit);
                    client.search(term, &SearchOptions { kinds, limit }).await?
                }
            })
        })?;
        object(py, "SearchResult", &found)
    }

    /// The numbers of the dashboard.
    fn dashboard<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dashboard = self.connection.wait(py, async {
            Ok(match &self.connection.backend {
                Backend::Store(store) => store.codex.dashboard(&store.scope, None).await?,
                Backend::Http(client) => client.dashboard().await?,
            })
        })?;
        object(py, "Dashboard", &dashboard)
    }

    /// Syncs from a vendor and returns the job, which says how it went.
    ///
    /// ``kind`` is ``freshservice``, ``datto``, ``datto-audits``, ``tickets``, ``tickets-light``, ``ticket-history``,
    /// ``keycloak``, ``accounts-assign`` or ``accounts-push``. ``progress`` is called with the job whenever it has
    /// changed; when it raises, the sync is cancelled and the exception arrives. Without ``wait``, the job is returned
    /// at once. ``lists`` are the only lists to be read, such as ``["departments"]``; all when there are none.
    #[pyo3(signature = (kind, /, *, progress=None, wait=true, dry_run=false, lists=None))]
    fn sync<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        progress: Option<&Bound<'py, PyAny>>,
        wait: bool,
        dry_run: bool,
        lists: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = SyncRequest {
            kind,
            wait,
            dry_run,
            lists: lists.unwrap_or_default(),
            progress,
        };
        jobs::sync(py, &self.connection, &asked)
    }

    /// Gives account numbers to the PSA's companies that have none; returns the job.
    #[pyo3(signature = (*, progress=None, dry_run=false))]
    fn assign_account_numbers<'py>(
        &self,
        py: Python<'py>,
        progress: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.sync(py, "accounts-assign", progress, true, dry_run, None)
    }

    /// Writes account numbers to the RMM's sites; returns the job.
    #[pyo3(signature = (*, progress=None, dry_run=false))]
    fn push_account_numbers<'py>(
        &self,
        py: Python<'py>,
        progress: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.sync(py, "accounts-push", progress, true, dry_run, None)
    }

    /// Closes the connection; running syncs of this process are cancelled. Closing twice does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.connection.close(py)
    }

    fn __enter__(slf: Bound<'_, Self>) -> PyResult<Bound<'_, Self>> {
        slf.get().connection.check()?;
        Ok(slf)
    }

    #[pyo3(signature = (exc_type=None, exc_value=None, traceback=None, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: Option<&Bound<'_, PyAny>>,
        exc_value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        // An exception goes on whatever it is.
        let _ = (exc_type, exc_value, traceback);
        self.connection.close(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let class = slf.get_type().name()?.to_string();
        Ok(format!("<{class} {}>", slf.get().connection.name))
    }
}

/// Codex in this process, over its database.
#[pyclass(frozen, extends = BaseCodex, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Codex;

#[pymethods]
impl Codex {
    /// Opens a database, and brings its schema up to date unless ``migrate`` is false.
    ///
    /// Either ``url``, such as ``sqlite:///srv/codex.db`` or ``postgresql://user@host/codex``, or ``config``, the file of
    /// the daemon's settings, which has the access to vendors too: without it nothing is synced. ``actor`` is who
    /// stands in the change log.
    #[staticmethod]
    #[pyo3(signature = (url=None, /, *, config=None, migrate=true, actor="system"))]
    fn open(
        py: Python<'_>,
        url: Option<String>,
        config: Option<&Bound<'_, PyAny>>,
        migrate: bool,
        actor: &str,
    ) -> PyResult<Py<Self>> {
        let (builder, name) = match (url, config) {
            (Some(url), None) => {
                let name = masked_url(&url);
                (Library::builder(url).migrate(migrate), name)
            }
            (None, Some(path)) => {
                let path: std::path::PathBuf = path.extract()?;
                let config = configured(&path)?;
                let builder = codex_daemon::app::builder(&config, migrate);
                (builder, path.display().to_string())
            }
            _ => {
                return Err(PyTypeError::new_err(
                    "open: either a URL or `config` is required",
                ));
            }
        };
        let runtime = runtime()?;
        let opened = wait(py, runtime, builder.open())?;
        let store = Store {
            codex: opened.map_err(Failure::from)?,
            scope: Scope::system(),
            actor: actor.to_owned(),
        };
        let connection = Connection::new(Backend::Store(store), name, runtime);
        let base = PyClassInitializer::from(BaseCodex { connection });
        Py::new(py, base.add_subclass(Self))
    }

    /// Drops all tables of Codex and creates them anew: all data is lost. Refused while a sync is at work.
    fn rebuild(slf: &Bound<'_, Self>) -> PyResult<()> {
        let connection = &slf.as_super().get().connection;
        let Backend::Store(store) = &connection.backend else {
            return Ok(());
        };
        connection.wait(slf.py(), async {
            Ok(store.codex.rebuild(&store.scope).await?)
        })
    }
}

/// Where the daemon of a settings file runs: beside `instance/`.
fn folder(path: &std::path::Path) -> std::path::PathBuf {
    let above = |path: &std::path::Path| match path.parent() {
        Some(above) if above.as_os_str().is_empty() => std::path::PathBuf::from("."),
        Some(above) => above.to_owned(),
        None => std::path::PathBuf::from("."),
    };
    let parent = above(path);
    if parent.ends_with("instance") {
        above(&parent)
    } else {
        parent
    }
}

fn configured(path: &std::path::Path) -> Result<Config> {
    if !path.is_file() {
        let message = format!("config: there is no file {}", path.display());
        return Err(Failure::NotFound(message));
    }
    let sources = Sources {
        dir: folder(path),
        file: Some(path.to_owned()),
        ..Sources::of_process()
    };
    Config::load(&sources).map_err(|errors| Failure::Invalid(format!("config: {errors}")))
}

/// Codex over HTTP: a daemon such as ``http://127.0.0.1:5010``.
#[pyclass(frozen, extends = BaseCodex, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Client;

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (url, /, *, token, timeout=30.0, retries=2))]
    fn new(
        url: &str,
        token: String,
        timeout: f64,
        retries: u32,
    ) -> PyResult<PyClassInitializer<Self>> {
        let timeout = std::time::Duration::try_from_secs_f64(timeout)
            .map_err(|error| PyValueError::new_err(format!("timeout: {error}")))?;
        let client = codex_client::Client::builder(url, TokenSource::fixed(token))
            .timeout(timeout)
            .retries(retries)
            .user_agent(concat!(
                "hivematrix-codex-python/",
                env!("CARGO_PKG_VERSION")
            ))
            .build()
            .map_err(Failure::from)?;
        let connection = Connection::new(Backend::Http(client), masked_url(url), runtime()?);
        Ok(PyClassInitializer::from(BaseCodex { connection }).add_subclass(Self))
    }
}
