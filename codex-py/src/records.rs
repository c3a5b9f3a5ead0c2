//! What all resources have in common: the same methods under the same names.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex},
};

use codex_core::bulk::{BulkAction, BulkOut};
use futures::{StreamExt as _, future::BoxFuture};
use pyo3::{
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{PyBool, PyDict, PyInt, PyString, PyTuple},
};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use crate::{
    arrow::ArrowTable,
    backend::{Backend, Change, Changed, Connection},
    convert::{self, Row, row_to_python, unfit},
    errors::{Failure, Result},
    query::{Column, Feed, ListQuery, local_columns},
    record::{Record, escaped},
    shapes::{self, Shape},
};

/// Rows that a notebook shows of a resource.
const SHOWN: usize = 20;

/// What names a record: an id, an account number, or several of them.
pub(crate) type Key = Vec<String>;

/// What an operation of a resource gives.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// A resource behind either backend.
pub(crate) trait Api: Debug + Send + Sync {
    /// The class of its records.
    fn class(&self) -> &'static str;
    /// The name of its kind, as the library calls it.
    fn kind(&self) -> &'static str;
    /// The attributes that name a record.
    fn key(&self) -> &'static [&'static str] {
        &["id"]
    }
    /// What its list filters and sorts by.
    fn columns(&self) -> Vec<Column> {
        local_columns(self.class())
    }
    /// Whether its list can be that of one company.
    fn is_of_companies(&self) -> bool {
        false
    }
    fn list(&self, backend: &Backend, query: ListQuery) -> Feed;
    /// How many records fit, where the list engine or the server counts; `None` where they must be read.
    fn count<'a>(&'a self, _door: &'a Backend, _query: &'a ListQuery) -> Answer<'a, Option<i64>> {
        Box::pin(async { Ok(None) })
    }
    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>>;
    fn create<'a>(
        &'a self,
        _door: &'a Backend,
        _change: Change,
        _body: Map<String, Value>,
    ) -> Answer<'a, Changed<Key>> {
        unsupported(self.class())
    }
    /// Updates a record; `None` when there is none such.
    fn update<'a>(
        &'a self,
        _door: &'a Backend,
        _change: Change,
        _key: Key,
        _body: Map<String, Value>,
    ) -> Answer<'a, Option<Changed<()>>> {
        unsupported(self.class())
    }
    fn delete<'a>(
        &'a self,
        _door: &'a Backend,
        _change: Change,
        _key: Key,
    ) -> Answer<'a, Option<Changed<()>>> {
        unsupported(self.class())
    }
    fn bulk<'a>(
        &'a self,
        _door: &'a Backend,
        _change: Change,
        _bulk: Bulk,
    ) -> Answer<'a, Changed<BulkOut>> {
        unsupported(self.class())
    }
}

/// Many records that are written with one call.
#[derive(Debug)]
pub(crate) struct Bulk {
    pub action: BulkAction,
    pub atomic: bool,
    pub rows: Vec<Value>,
}

fn unsupported<'a, T: Send + 'a>(class: &str) -> Answer<'a, T> {
    let message = format!("records of class {class} are not changed this way");
    Box::pin(async move { Err(Failure::Invalid(message)) })
}

/// The id in a key.
pub(crate) fn id(key: &[String]) -> Result<i64> {
    let text = key.last().map_or("", String::as_str);
    let wrong = |_| Failure::Invalid(format!("id: `{text}` is no whole number"));
    text.parse().map_err(wrong)
}

/// A wire type as a row.
pub(crate) fn row(out: &impl Serialize, version: Option<String>) -> Row {
    let values = match serde_json::to_value(out) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    };
    Row { values, version }
}

/// A wire type as an object of its class.
pub(crate) fn object<'py>(
    py: Python<'py>,
    class: &str,
    out: &impl Serialize,
) -> PyResult<Bound<'py, PyAny>> {
    row_to_python(py, row(out, None), known(class)?)
}

/// The shape of a class.
pub(crate) fn known(class: &str) -> PyResult<&'static Shape> {
    let shape = shapes::shape(class);
    shape.ok_or_else(|| PyTypeError::new_err(format!("there is no class {class}")))
}

/// `None` over HTTP where the answer is 404.
pub(crate) fn found<T>(answer: codex_client::Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(codex_client::Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A resource.
#[pyclass(frozen, subclass, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct Records {
    pub(crate) connection: Arc<Connection>,
    pub(crate) api: &'static dyn Api,
}

impl Records {
    pub(crate) fn backend(&self) -> &Backend {
        &self.connection.backend
    }

    fn object<'py>(&self, py: Python<'py>, row: Row) -> PyResult<Bound<'py, PyAny>> {
        row_to_python(py, row, known(self.api.class())?)
    }

    /// What names a record: a record of this class, or the values of its key.
    pub(crate) fn key_of(&self, key: &Bound<'_, PyAny>) -> PyResult<Key> {
        let names = self.api.key();
        let parts = if key.is_instance_of::<Record>() {
            let class = key.get_type().name()?;
            if class != self.api.class() {
                return Err(unfit(
                    "key",
                    key,
                    &format!("a record of class {}", self.api.class()),
                ));
            }
            let parts = names.iter().map(|name| key.getattr(*name));
            parts.collect::<PyResult<Vec<_>>>()?
        } else if let Ok(parts) = key.cast::<PyTuple>() {
            parts.iter().collect()
        } else {
            vec![key.clone()]
        };
        if parts.len() != names.len() {
            return Err(unfit("key", key, &format!("({})", names.join(", "))));
        }
        let parts = names.iter().zip(parts).map(|(name, part)| {
            let is_number = part.is_instance_of::<PyInt>() && !part.is_instance_of::<PyBool>();
            if is_number || part.is_instance_of::<PyString>() {
                Ok(part.str()?.to_string())
            } else {
                Err(unfit(name, &part, "str or int"))
            }
        });
        parts.collect()
    }

    pub(crate) fn missing(&self, key: &Key) -> Failure {
        let kind = self.api.kind().replace('_', " ");
        Failure::NotFound(format!("there is no {kind} {}", key.join("/")))
    }

    fn query(&self, asked: Asked<'_, '_>) -> PyResult<ListQuery> {
        let columns = self.api.columns();
        if asked.company.is_some() && !self.api.is_of_companies() {
            let message = "company: these records belong to no company".to_owned();
            return Err(Failure::Invalid(message).into());
        }
        ListQuery::read(
            &columns,
            asked.company,
            asked.q,
            asked.sort,
            asked.limit,
            asked.filters,
        )
    }

    fn iterate(&self, asked: Asked<'_, '_>) -> PyResult<RecordIterator> {
        self.connection.check()?;
        let query = self.query(asked)?;
        let feed = if query.limit == Some(0) {
            futures::stream::empty().boxed()
        } else {
            self.api.list(self.backend(), query)
        };
        RecordIterator::new(&self.connection, self.api.class(), feed)
    }

    pub(crate) fn read<'py>(
        &self,
        py: Python<'py>,
        key: Key,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self
            .connection
            .wait(py, self.api.find(self.backend(), key))?;
        found.map(|row| self.object(py, row)).transpose()
    }

    /// The record after a change, or what the change would be.
    pub(crate) fn changed<'py>(
        &self,
        py: Python<'py>,
        changed: Changed<Key>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match changed {
            Changed::Planned(planned) => object(py, "DryRun", &planned),
            Changed::Applied(key) => match self.read(py, key.clone())? {
                Some(record) => Ok(record),
                None => Err(self.missing(&key).into()),
            },
        }
    }
}

/// The arguments of a list.
struct Asked<'a, 'py> {
    company: Option<String>,
    q: Option<String>,
    sort: Option<String>,
    limit: Option<usize>,
    filters: Option<&'a Bound<'py, PyDict>>,
}

#[pymethods]
impl Records {
    /// Iterates over the records that fit all conditions.
    ///
    /// ``company`` is an account number, ``q`` searches names, ``sort`` is a column (``"-last_seen"`` for the largest
    /// first), ``limit`` the most records in all. Everything else is a condition on a column, as in
    /// ``operating_system__contains="Windows"``; a list stands for one of several values, ``None`` for no value.
    #[pyo3(signature = (*, company=None, q=None, sort=None, limit=None, **filters))]
    fn list(
        &self,
        company: Option<String>,
        q: Option<String>,
        sort: Option<String>,
        limit: Option<usize>,
        filters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<RecordIterator> {
        self.iterate(Asked {
            company,
            q,
            sort,
            limit,
            filters,
        })
    }

    /// How many records fit all conditions.
    #[pyo3(signature = (*, company=None, q=None, **filters))]
    fn count(
        &self,
        py: Python<'_>,
        company: Option<String>,
        q: Option<String>,
        filters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<usize> {
        let asked = Asked {
            company,
            q,
            sort: None,
            limit: None,
            filters,
        };
        let query = self.query(asked)?;
        self.connection.wait(py, async move {
            if let Some(count) = self.api.count(self.backend(), &query).await? {
                return Ok(usize::try_from(count).unwrap_or_default());
            }
            let mut feed = self.api.list(self.backend(), query);
            let mut count = 0;
            while let Some(part) = feed.next().await {
                count += part?.len();
            }
            Ok(count)
        })
    }

    /// The records that fit all conditions as an Arrow table, which polars, pandas and pyarrow read.
    #[pyo3(signature = (*, company=None, q=None, sort=None, limit=None, **filters))]
    fn to_arrow(
        &self,
        py: Python<'_>,
        company: Option<String>,
        q: Option<String>,
        sort: Option<String>,
        limit: Option<usize>,
        filters: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<ArrowTable> {
        let asked = Asked {
            company,
            q,
            sort,
            limit,
            filters,
        };
        let shape = known(self.api.class())?;
        let mut feed = self.api.list(self.backend(), self.query(asked)?);
        self.connection.wait(py, async move {
            let mut table = ArrowTable::new(shape);
            while let Some(part) = feed.next().await {
                table.push(part?)?;
            }
            Ok(table)
        })
    }

    /// One record; ``NotFound`` when there is none.
    fn get<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let key = self.key_of(key)?;
        let found = self.read(py, key.clone())?;
        Ok(found.ok_or_else(|| self.missing(&key))?)
    }

    /// One record; ``None`` when there is none.
    fn find<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.read(py, self.key_of(key)?)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!(
            "<{} of {}>",
            slf.get_type().name()?,
            slf.get().connection.name
        ))
    }

    /// The first records as a table, for notebooks.
    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        let this = slf.get();
        let names: Vec<&str> = known(this.api.class())?
            .attributes
            .iter()
            .map(|attribute| attribute.name.as_str())
            .take(8)
            .collect();
        let asked = Asked {
            company: None,
            q: None,
            sort: None,
            limit: Some(SHOWN),
            filters: None,
        };
        let records = this.iterate(asked)?;
        let head = names.iter().fold(String::new(), |head, name| {
            head + "<th scope=\"col\">" + name + "</th>"
        });
        let mut rows = String::new();
        while let Some(record) = records.__next__(slf.py())? {
            let mut cells = String::new();
            for name in &names {
                let value = record.bind(slf.py()).getattr(*name)?;
                let text = if value.is_none() {
                    String::new()
                } else {
                    value.str()?.to_string()
                };
                cells += &["<td>", &escaped(&text), "</td>"].concat();
            }
            rows += &["<tr>", &cells, "</tr>"].concat();
        }
        let caption = slf.get_type().name()?;
        Ok(format!(
            "<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        ))
    }
}

/// A resource whose records people create, update and delete.
#[pyclass(frozen, subclass, extends = Records, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct EditableRecords;

/// The state that a record must still be in: the record as it was read, or its version.
pub(crate) fn if_match(value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<String>> {
    let Some(value) = value.filter(|value| !value.is_none()) else {
        return Ok(None);
    };
    if value.is_instance_of::<PyString>() {
        return value.extract().map(Some);
    }
    if !value.is_instance_of::<Record>() {
        return Err(unfit("if_match", value, "a record or its version"));
    }
    let version: Option<String> = value.getattr("version")?.extract()?;
    let unknown = || {
        let message =
            "if_match: this record has no version, as in lists over HTTP; read it with get() first";
        PyValueError::new_err(message)
    };
    version.map(Some).ok_or_else(unknown)
}

#[pymethods]
impl EditableRecords {
    /// Creates a record and returns it; with ``dry_run`` nothing is changed, and what would change is returned.
    #[pyo3(signature = (*, dry_run=false, **fields))]
    fn create<'py>(
        slf: &Bound<'py, Self>,
        dry_run: bool,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let change = Change {
            dry_run,
            if_match: None,
        };
        let body = convert::body(fields)?;
        let created = records.api.create(records.backend(), change, body);
        let created = records.connection.wait(py, created)?;
        records.changed(py, created)
    }

    /// Updates a record and returns it as it is then. Fields become manual values and win over every source until
    /// released; ``None`` blanks one. With ``if_match`` only if the record is still as it was read: ``Changed``
    /// otherwise.
    #[pyo3(signature = (key, /, *, if_match=None, dry_run=false, **fields))]
    fn update<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        if_match: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let change = Change {
            dry_run,
            if_match: self::if_match(if_match)?,
        };
        let (key, body) = (records.key_of(key)?, convert::body(fields)?);
        let updated = records
            .api
            .update(records.backend(), change, key.clone(), body);
        let updated = records.connection.wait(py, updated)?;
        let updated = updated.ok_or_else(|| records.missing(&key))?;
        records.changed(py, updated.map(|()| key))
    }

    /// Deletes a record. No sync brings it back, only :meth:`restore` does.
    #[pyo3(signature = (key, /, *, if_match=None, dry_run=false))]
    fn delete<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        if_match: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        let change = Change {
            dry_run,
            if_match: self::if_match(if_match)?,
        };
        let key = records.key_of(key)?;
        let deleted = records.api.delete(records.backend(), change, key.clone());
        let deleted = records.connection.wait(py, deleted)?;
        match deleted.ok_or_else(|| records.missing(&key))? {
            Changed::Applied(()) => Ok(None),
            Changed::Planned(planned) => object(py, "DryRun", &planned).map(Some),
        }
    }

    /// Restores a record that was deleted, by its id: see ``deleted.list()``.
    #[pyo3(signature = (id, /, *, dry_run=false))]
    fn restore<'py>(
        slf: &Bound<'py, Self>,
        id: i64,
        dry_run: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, records) = (slf.py(), slf.as_super().get());
        restore(py, &records.connection, records.api.kind(), id, dry_run)
    }
}

/// Restores a record of a kind.
pub(crate) fn restore<'py>(
    py: Python<'py>,
    connection: &Connection,
    kind: &str,
    id: i64,
    dry_run: bool,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let change = Change {
        dry_run,
        if_match: None,
    };
    let restored = connection.wait(py, async {
        let none = || Failure::NotFound(format!("there is no deleted {kind} {id}"));
        Ok(match &connection.backend {
            Backend::Store(store) => {
                let author = store.author(&change)?;
                let restored = store.codex.restore(&store.scope, &author, kind, id);
                Changed::of(restored.await?.ok_or_else(none)?)
            }
            Backend::Http(client) => {
                crate::backend::send!(client.deleted().restore(kind, id), change)
            }
        })
    })?;
    match restored {
        Changed::Applied(()) => Ok(None),
        Changed::Planned(planned) => object(py, "DryRun", &planned).map(Some),
    }
}

/// A resource of which many records are written with one call.
#[pyclass(frozen, subclass, extends = EditableRecords, module = "hivematrix_codex._native")]
#[derive(Debug)]
pub(crate) struct BulkRecords;

#[pymethods]
impl BulkRecords {
    /// Creates or updates up to 10,000 records: a dict for each, with its key where it is to be updated. The result has
    /// what became of each row. With ``atomic`` all rows are written or none, 1,000 at most.
    #[pyo3(signature = (rows, /, *, action="upsert", atomic=false, dry_run=false))]
    fn bulk<'py>(
        slf: &Bound<'py, Self>,
        rows: &Bound<'py, PyAny>,
        action: &str,
        atomic: bool,
        dry_run: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, records) = (slf.py(), slf.as_super().as_super().get());
        let action = match action {
            "create" => BulkAction::Create,
            "update" => BulkAction::Update,
            "upsert" => BulkAction::Upsert,
            other => {
                let message = format!("action: must be create, update or upsert, not `{other}`");
                return Err(PyValueError::new_err(message));
            }
        };
        let stated = rows.try_iter()?.enumerate().map(|(index, row)| {
            let (name, row) = (format!("rows[{index}]"), row?);
            if row.is_instance_of::<PyDict>() {
                convert::stated(&name, &row)
            } else {
                Err(unfit(&name, &row, "a dict"))
            }
        });
        let rows = stated.collect::<PyResult<Vec<Value>>>()?;
        let change = Change {
            dry_run,
            if_match: None,
        };
        let bulk = Bulk {
            action,
            atomic,
            rows,
        };
        match records
            .connection
            .wait(py, records.api.bulk(records.backend(), change, bulk))?
        {
            Changed::Applied(out) => object(py, "BulkResult", &out),
            Changed::Planned(planned) => object(py, "DryRun", &planned),
        }
    }
}

/// How far an iterator is.
enum State {
    /// Nobody has asked for a record yet.
    Asked(Option<Feed>),
    /// Parts are read ahead while Python works on the one before.
    Reading(
        mpsc::Receiver<Result<Vec<Row>>>,
        std::vec::IntoIter<Py<PyAny>>,
    ),
    Ended,
}

/// Records, read a part at a time.
#[pyclass(frozen, module = "hivematrix_codex._native")]
pub(crate) struct RecordIterator {
    connection: Arc<Connection>,
    shape: &'static Shape,
    state: Mutex<State>,
}

impl RecordIterator {
    /// Iterates over what a feed brings, once somebody asks.
    pub(crate) fn new(connection: &Arc<Connection>, class: &str, feed: Feed) -> PyResult<Self> {
        connection.check()?;
        Ok(Self {
            connection: connection.clone(),
            shape: known(class)?,
            state: Mutex::new(State::Asked(Some(feed))),
        })
    }
}

#[pymethods]
impl RecordIterator {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        // Waiting for the lock would keep the interpreter from the thread that holds it.
        let Ok(mut state) = self.state.try_lock() else {
            return Err(PyValueError::new_err(
                "another thread is using this iterator",
            ));
        };
        if let State::Asked(feed) = &mut *state {
            let (sender, parts) = mpsc::channel(1);
            if let Some(mut feed) = feed.take() {
                self.connection.spawn(async move {
                    while let Some(part) = feed.next().await {
                        if sender.send(part).await.is_err() {
                            break;
                        }
                    }
                })?;
            }
            *state = State::Reading(parts, Vec::new().into_iter());
        }
        loop {
            let State::Reading(parts, ready) = &mut *state else {
                return Ok(None);
            };
            if let Some(record) = ready.next() {
                return Ok(Some(record));
            }
            let part = self.connection.wait(py, async { Ok(parts.recv().await) })?;
            match part {
                Some(Ok(rows)) => {
                    let records = rows.into_iter().map(|row| {
                        let record = row_to_python(py, row, self.shape)?;
                        Ok(record.unbind())
                    });
                    *ready = records.collect::<PyResult<Vec<_>>>()?.into_iter();
                }
                Some(Err(failure)) => {
                    *state = State::Ended;
                    return Err(failure.into());
                }
                None => *state = State::Ended,
            }
        }
    }
}
