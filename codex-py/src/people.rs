//! Agents, who log in, and the PSA's agents.

use codex_core::{
    agents::{query::LISTING, wire::AgentOut},
    psa_agents::wire::PsaAgentOut,
};
use futures::{StreamExt as _, TryStreamExt as _};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{
    backend::{Backend, version_text},
    convert::Row,
    errors::{Failure, Result},
    query::{Column, Feed, ListQuery, columns, handed_over, whole},
    records::{Answer, Api, Key, Records, found, id, row},
};

/// Agents behind either backend.
#[derive(Debug)]
pub(crate) struct AgentApi;

/// The people who log in. An agent is named by the id of the user in Keycloak.
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
                handed_over(rows.map_err(Failure::from).boxed(), query.limit)
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
