//! What a resource does behind either backend, and the small parts that resources share.

use std::fmt::Debug;

use codex_core::bulk::{BulkAction, BulkOut};
use futures::future::BoxFuture;
use pyo3::{exceptions::PyTypeError, prelude::*};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Change, Changed},
    convert::{Row, row_to_python},
    errors::{Failure, Result},
    query::{Column, Feed, ListQuery, local_columns},
    shapes::{self, Shape},
};

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
    fn count<'a>(
        &'a self,
        _backend: &'a Backend,
        _query: &'a ListQuery,
    ) -> Answer<'a, Option<i64>> {
        Box::pin(async { Ok(None) })
    }
    fn find<'a>(&'a self, backend: &'a Backend, key: Key) -> Answer<'a, Option<Row>>;
    fn create<'a>(
        &'a self,
        _backend: &'a Backend,
        _change: Change,
        _body: Map<String, Value>,
    ) -> Answer<'a, Changed<Key>> {
        unsupported(self.class())
    }
    /// Updates a record; `None` when there is none such.
    fn update<'a>(
        &'a self,
        _backend: &'a Backend,
        _change: Change,
        _key: Key,
        _body: Map<String, Value>,
    ) -> Answer<'a, Option<Changed<()>>> {
        unsupported(self.class())
    }
    fn delete<'a>(
        &'a self,
        _backend: &'a Backend,
        _change: Change,
        _key: Key,
    ) -> Answer<'a, Option<Changed<()>>> {
        unsupported(self.class())
    }
    fn bulk<'a>(
        &'a self,
        _backend: &'a Backend,
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
    let wrong = |_| Failure::Invalid(format!("id: `{text}` is not a whole number"));
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
