//! What waits for a person: held deletions, duplicate candidates, changes that the PSA has refused, deleted records.

use std::sync::Arc;

use codex_core::{
    duplicates::{query::LISTING, wire::DuplicateMergeIn, wire::DuplicateOut},
    holds::wire::HoldOut,
    list::MAX_LIMIT,
    outbox::wire::OutboxOut,
};
use futures::{StreamExt as _, TryStreamExt as _};
use pyo3::prelude::*;
use serde_json::Value;

use crate::{
    backend::{Backend, Change, Changed, Connection, send},
    convert::Row,
    errors::{Failure, Result},
    query::{Column, Feed, ListQuery, columns, in_parts, whole},
    records::{Answer, Api, Key, RecordIterator, Records, found, id, object, restore, row},
};

/// Held deletions behind either backend.
#[derive(Debug)]
pub(crate) struct HoldApi;

/// Deletions that wait for a person, because too many records were missing at once.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Holds;

async fn holds(backend: Backend) -> Result<Vec<Row>> {
    let holds: Vec<HoldOut> = match backend {
        Backend::Store(store) => {
            let holds = store.codex.holds(&store.scope, None).await?;
            holds.iter().map(HoldOut::from).collect()
        }
        Backend::Http(client) => client.holds().list(None).await?,
    };
    Ok(holds.iter().map(|hold| row(hold, None)).collect())
}

/// The row whose member has a value.
fn with(rows: Vec<Row>, member: &str, value: &Value) -> Option<Row> {
    let mut rows = rows.into_iter();
    rows.find(|row| row.values.get(member) == Some(value))
}

impl Api for HoldApi {
    fn class(&self) -> &'static str {
        "Hold"
    }

    fn kind(&self) -> &'static str {
        "held_deletion"
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        whole(query, holds(backend.clone()))
    }

    fn find<'a>(&'a self, backend: &'a Backend, mut key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = Value::from(key.pop().unwrap_or_default());
            Ok(with(holds(backend.clone()).await?, "id", &id))
        })
    }
}

#[pymethods]
impl Holds {
    /// Deletes the records that it holds.
    #[pyo3(signature = (key, /))]
    fn approve<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        decide_hold(slf, key, true)
    }

    /// Keeps the records.
    #[pyo3(signature = (key, /))]
    fn reject<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        decide_hold(slf, key, false)
    }
}

fn decide_hold<'py>(
    holds: &Bound<'py, Holds>,
    key: &Bound<'py, PyAny>,
    approve: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, records) = (holds.py(), holds.as_super().get());
    let key = records.key_of(key)?;
    let hold = records.connection.wait(py, async {
        match records.backend() {
            Backend::Store(store) => {
                let author = store.author(&Change::default())?;
                let (codex, scope) = (&store.codex, &store.scope);
                let hold = if approve {
                    codex.approve_hold(scope, &author, &key[0]).await?
                } else {
                    codex.reject_hold(scope, &author, &key[0]).await?
                };
                Ok(hold.as_ref().map(HoldOut::from))
            }
            Backend::Http(client) if approve => found(client.holds().approve(&key[0]).await),
            Backend::Http(client) => found(client.holds().reject(&key[0]).await),
        }
    })?;
    object(py, "Hold", &hold.ok_or_else(|| records.missing(&key))?)
}

/// Duplicate candidates behind either backend.
#[derive(Debug)]
pub(crate) struct DuplicateApi;

/// Records that may be one.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Duplicates;

impl Api for DuplicateApi {
    fn class(&self) -> &'static str {
        "Duplicate"
    }

    fn kind(&self) -> &'static str {
        "duplicate_candidate"
    }

    fn columns(&self) -> Vec<Column> {
        columns(&LISTING)
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        match backend {
            Backend::Store(store) => query.pages(store, |store, _, request| async move {
                let page = store.codex.duplicates(&store.scope, &request).await?;
                let rows = page.items.iter().map(|found| row(found, None));
                Ok((rows.collect(), page.next))
            }),
            Backend::Http(client) => {
                let found = client.duplicates().stream(&query.options());
                let rows = found.map_ok(|found| row(&found, None));
                in_parts(rows.map_err(Failure::from).boxed(), query.limit)
            }
        }
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = id(&key)?;
            let candidate: Option<DuplicateOut> = match backend {
                Backend::Store(store) => store.codex.duplicate(&store.scope, id).await?,
                Backend::Http(client) => found(client.duplicates().get(id).await)?,
            };
            Ok(candidate.map(|candidate| row(&candidate, None)))
        })
    }
}

#[pymethods]
impl Duplicates {
    /// Merges the two records; the older one is kept unless ``keep`` is the id of the other.
    #[pyo3(signature = (key, /, *, keep=None, dry_run=false))]
    fn merge<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        keep: Option<i64>,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let id = id(&key)?;
        let change = Change {
            dry_run,
            if_match: None,
        };
        let merged = records.connection.wait(py, async {
            Ok(match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&change)?;
                    let which = DuplicateMergeIn { keep };
                    let merged = store
                        .codex
                        .merge_duplicate(&store.scope, &author, id, which);
                    Changed::of(merged.await?.ok_or_else(|| records.missing(&key))?)
                }
                Backend::Http(client) => send!(client.duplicates().merge(id, keep), change),
            })
        })?;
        match merged {
            Changed::Applied(candidate) => object(py, "Duplicate", &candidate),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }

    /// Keeps the two records apart; they are never proposed again.
    #[pyo3(signature = (key, /))]
    fn reject<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let id = id(&key)?;
        let rejected = records.connection.wait(py, async {
            match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&Change::default())?;
                    let rejected = store.codex.reject_duplicate(&store.scope, &author, id);
                    Ok(rejected.await?.and_then(codex_core::Outcome::applied))
                }
                Backend::Http(client) => found(client.duplicates().reject(id).await),
            }
        })?;
        object(
            py,
            "Duplicate",
            &rejected.ok_or_else(|| records.missing(&key))?,
        )
    }
}

/// Changes on their way to the PSA behind either backend.
#[derive(Debug)]
pub(crate) struct OutboxApi;

/// Changes of tickets on their way to the PSA, the newest 500.
#[pyclass(frozen, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Outbox;

async fn outbox(backend: Backend) -> Result<Vec<Row>> {
    let entries: Vec<OutboxOut> = match backend {
        Backend::Store(store) => {
            let entries = store.codex.outbox(&store.scope, None).await?;
            entries.iter().map(OutboxOut::from).collect()
        }
        Backend::Http(client) => client.outbox().list(None).await?,
    };
    Ok(entries.iter().map(|entry| row(entry, None)).collect())
}

impl Api for OutboxApi {
    fn class(&self) -> &'static str {
        "OutboxEntry"
    }

    fn kind(&self) -> &'static str {
        "change_on_its_way"
    }

    fn list(&self, backend: &Backend, query: ListQuery) -> Feed {
        whole(query, outbox(backend.clone()))
    }

    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>> {
        Box::pin(async move {
            let id = Value::from(id(&key)?);
            Ok(with(outbox(backend.clone()).await?, "id", &id))
        })
    }
}

#[pymethods]
impl Outbox {
    /// Sends a change again, over what the PSA has now.
    #[pyo3(signature = (key, /))]
    fn retry<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let id = id(&key)?;
        let entry = records.connection.wait(py, async {
            match records.backend() {
                Backend::Store(store) => {
                    let entry = store.codex.retry_outbox(&store.scope, id).await?;
                    Ok(entry.as_ref().map(OutboxOut::from))
                }
                Backend::Http(client) => found(client.outbox().retry(id).await),
            }
        })?;
        object(
            py,
            "OutboxEntry",
            &entry.ok_or_else(|| records.missing(&key))?,
        )
    }

    /// Stops a change that was not sent; here it stays.
    #[pyo3(signature = (key, /))]
    fn cancel<'py>(slf: &Bound<'py, Self>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let key = records.key_of(key)?;
        let id = id(&key)?;
        let entry = records.connection.wait(py, async {
            match records.backend() {
                Backend::Store(store) => {
                    let author = store.author(&Change::default())?;
                    let entry = store.codex.cancel_outbox(&store.scope, &author, id).await?;
                    Ok(entry.as_ref().map(OutboxOut::from))
                }
                Backend::Http(client) => found(client.outbox().cancel(id).await),
            }
        })?;
        object(
            py,
            "OutboxEntry",
            &entry.ok_or_else(|| records.missing(&key))?,
        )
    }
}

/// What people have deleted.
#[pyclass(frozen, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Deleted {
    pub(crate) connection: Arc<Connection>,
}

#[pymethods]
impl Deleted {
    /// Iterates over the records of a kind, such as ``contact``, that people have deleted, the newest first.
    #[pyo3(signature = (kind, /, *, limit=None))]
    fn list(&self, kind: String, limit: Option<usize>) -> PyResult<RecordIterator> {
        let query = ListQuery {
            limit,
            ..ListQuery::default()
        };
        let feed = match &self.connection.backend {
            Backend::Store(store) => query.pages(store, move |store, _, mut request| {
                let kind = kind.clone();
                async move {
                    (request.limit, request.most) = (Some(MAX_LIMIT), None);
                    let (codex, scope) = (&store.codex, &store.scope);
                    let page = codex.deleted_records(scope, &kind, &request).await?;
                    let rows = page.items.iter().map(|deleted| row(deleted, None));
                    Ok((rows.collect(), page.next))
                }
            }),
            Backend::Http(client) => {
                let deleted = client.deleted().stream(&kind, &query.options());
                let rows = deleted.map_ok(|deleted| row(&deleted, None));
                in_parts(rows.map_err(Failure::from).boxed(), limit)
            }
        };
        RecordIterator::new(&self.connection, "DeletedRecord", feed)
    }

    /// Restores a record of a kind by its id.
    #[pyo3(signature = (kind, id, /, *, dry_run=false))]
    fn restore<'py>(
        &self,
        py: Python<'py>,
        kind: &str,
        id: i64,
        dry_run: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        restore(py, &self.connection, kind, id, dry_run)
    }
}
