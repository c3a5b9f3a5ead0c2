//! What all resources have in common: the same methods under the same names. [`api`] is a resource behind either
//! backend, the other files are its classes in Python.

mod api;
mod bulk;
mod editable;
mod iterator;
mod writes;

use std::sync::Arc;

use futures::StreamExt as _;
use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyInt, PyString, PyTuple},
};

pub(crate) use self::{
    api::{Answer, Api, Bulk, Key, found, id, known, object, row},
    bulk::BulkRecords,
    editable::{EditableRecords, if_match, restore},
    iterator::RecordIterator,
    writes::writes_by_id,
};
use crate::{
    arrow::ArrowTable,
    backend::{Backend, Changed, Connection},
    convert::{Row, row_to_python, unfit},
    errors::Failure,
    query::ListQuery,
    record::{Record, escaped},
};

/// Rows that a notebook shows of a resource.
const SHOWN: usize = 20;

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
