//! Agents, who log in, and the PSA's agents.

use codex_core::{
    agents::{
        query::LISTING,
        wire::{AgentCompanies, AgentIn, AgentOut},
    },
    psa_agents::wire::PsaAgentOut,
    records::{Intent, RecordBody as _},
};
use futures::{StreamExt as _, TryStreamExt as _};
use pyo3::{
    prelude::*,
    types::{PyDict, PyTuple},
};
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Change, Changed, send, send_if, version_text},
    convert::Row,
    errors::{Failure, Result},
    query::{Column, Feed, ListQuery, columns, in_parts, whole},
    records::{Answer, Api, Key, Records, found, id, if_match, object, row},
    resource,
};

/// Agents behind either backend.
#[derive(Debug)]
pub(crate) struct AgentApi;

/// The people who log in. An agent is named by the id of the user in Keycloak. Keycloak alone deletes agents.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Agents;

impl Api for AgentApi {
    fn class(&self) -> &'static str {
        "Agent"
    }

    fn kind(&self) -> &'static str {
        "agent"
    }

    fn key(&self) -> &'static [&'static str] {
        &["keycloak_id"]
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, _, request| async move {
                let synced_at = store.codex.agents_synced_at().await?;
                let page = store.codex.agents_page(&store.scope, &request).await?;
                let rows = page.items.iter().map(|agent| {
                    let version = Some(version_text(agent.updated_at));
                    row(&AgentOut::new(agent, synced_at), version)
                });
                Ok((rows.collect(), page.next))
            }),
            Backend::Http(client) => {
                let agents = client.agents().stream(&query.options());
                let rows = agents.map_ok(|agent| row(&agent, None));
                in_parts(rows.map_err(Failure::from).boxed(), query.limit)
            }
        }
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = key.last().map_or("", String::as_str);
            match backend {
                Backend::Store(store) => {
                    let Some(agent) = store.codex.agent(&store.scope, id).await? else {
                        return Ok(None);
                    };
                    let synced_at = store.codex.agents_synced_at().await?;
                    let version = Some(version_text(agent.updated_at));
                    Ok(Some(row(&AgentOut::new(&agent, synced_at), version)))
                }
                Backend::Http(client) => {
                    let tagged = found(client.agents().get(id).tagged().await)?;
                    let version = |tag: &codex_client::Etag| Some(tag.as_str().to_owned());
                    Ok(tagged.map(|tagged| row(&tagged.record, version(&tagged.etag))))
                }
            }
        })
    }

    fn create<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        body: Map<String, Value>,
    ) -> Answer<'a, Changed<Key>> {
        Box::pin(async move {
            let body = AgentIn::read(body, Intent::Create)?;
            Ok(match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let made = store.codex.create_agent(&store.scope, &author, &body);
                    Changed::of(made.await?).map(|(agent, _)| vec![agent.fields.keycloak_id])
                }
                Backend::Http(client) => {
                    let made = send!(client.agents().create(&body), change);
                    made.map(|saved| vec![saved.agent.keycloak_id])
                }
            })
        })
    }

    fn update<'a>(
        &'a self,
        backend: &'a Backend,
        change: Change,
        key: Key,
        body: Map<String, Value>,
    ) -> Answer<'a, Option<Changed<()>>> {
        Box::pin(async move {
            let (id, body) = (&key[0], AgentIn::read(body, Intent::Update)?);
            match backend {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let made = store.codex.update_agent(&store.scope, &author, id, &body);
                    let made = made.await?.map(Changed::of);
                    Ok(made.map(|made| made.map(|_| ())))
                }
                Backend::Http(client) => {
                    resource::there(async {
                        Ok(send_if!(client.agents().update(id, &body), change).map(|_| ()))
                    })
                    .await
                }
            }
        })
    }
}

#[pymethods]
impl Agents {
    /// Creates an agent for a user of Keycloak and returns it: ``keycloak_id`` and ``username`` are required.
    #[pyo3(signature = (*, dry_run=false, **fields))]
    fn create<'py>(
        slf: &Bound<'py, Self>,
        dry_run: bool,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let records = slf.as_super().get();
        records.create_with(slf.py(), dry_run, fields)
    }

    /// Updates an agent and returns it as it is then.
    #[pyo3(signature = (key, /, *, if_match=None, dry_run=false, **fields))]
    fn update<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        if_match: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let if_match = self::if_match(if_match)?;
        let change = Change { dry_run, if_match };
        let records = slf.as_super().get();
        records.update_with(slf.py(), key, change, fields)
    }

    /// The account numbers of the companies that an agent may see as a client.
    #[pyo3(signature = (key, /))]
    fn companies<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let opened = records.connection.wait(py, async {
            let opened = match records.backend() {
                Backend::Store(store) => {
                    let opened = store.codex.agent_companies(&store.scope, &key[0]).await?;
                    opened.map(|(opened, _)| opened)
                }
                Backend::Http(client) => found(client.agents().companies(&key[0]).await)?,
            };
            opened.ok_or_else(|| records.missing(&key))
        })?;
        PyTuple::new(py, opened.company_account_numbers)
    }

    /// Sets the companies that an agent may see as a client, by account number, and returns them.
    #[pyo3(signature = (key, account_numbers, /, *, dry_run=false))]
    fn set_companies<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        account_numbers: Vec<String>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let change = Change {
            dry_run,
            if_match: None,
        };
        let wanted = AgentCompanies {
            company_account_numbers: account_numbers,
        };
        let opened = records.connection.wait(py, async {
            Ok(match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let (codex, scope) = (&store.codex, &store.scope);
                    let opened = codex.open_companies(scope, &author, &key[0], &wanted);
                    Changed::of(opened.await?.ok_or_else(|| records.missing(&key))?)
                }
                Backend::Http(client) => {
                    send!(client.agents().open_companies(&key[0], &wanted), change)
                }
            })
        })?;
        match opened {
            Changed::Applied(opened) => {
                Ok(PyTuple::new(py, opened.company_account_numbers)?.into_any())
            }
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }
}

/// The PSA's agents behind either backend.
#[derive(Debug)]
pub(crate) struct PsaAgentApi;

/// The PSA's agents: its technicians. A PSA agent is named by its id.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct PsaAgents;

async fn psa_agents(backend: Backend) -> Result<Vec<Row>> {
    let agents: Vec<PsaAgentOut> = match backend {
        Backend::Store(store) => {
            let agents = store.codex.psa_agents(&store.scope, None).await?;
            agents.iter().map(PsaAgentOut::from).collect()
        }
        Backend::Http(client) => client.psa_agents().list(None).await?,
    };
    Ok(agents.iter().map(|agent| row(agent, None)).collect())
}

impl Api for PsaAgentApi {
    fn class(&self) -> &'static str {
        "PsaAgent"
    }

    fn kind(&self) -> &'static str {
        "psa_agent"
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        whole(query, psa_agents(backend.clone()))
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = id(&key)?;
            let rows = psa_agents(backend.clone()).await?;
            let is_it = |row: &Row| row.values.get("id").and_then(Value::as_i64) == Some(id);
            Ok(rows.into_iter().find(is_it))
        })
    }
}
