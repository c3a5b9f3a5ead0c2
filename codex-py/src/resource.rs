//! Small parts that the files of resources share.

use codex_client::{Error as HttpError, ListOptions, Op, Tagged};
use codex_core::bulk::BulkRows;
use futures::TryStreamExt as _;
use pyo3::{prelude::*, types::PyTuple};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Store},
    convert::{Row, row_to_python},
    errors::{Failure, Result},
    records::{EditableRecords, Records, known},
    shapes::{registry, shape},
};

/// The resource of an object of a subclass.
pub(crate) fn records<'a>(editable: &'a Bound<'_, EditableRecords>) -> &'a Records {
    editable.as_super().get()
}

/// The names of the attributes of a class, as lists over HTTP choose them.
pub(crate) fn field_names(class: &str) -> Vec<&'static str> {
    let attributes = shape(class).into_iter().flat_map(|shape| &shape.attributes);
    attributes
        .map(|attribute| attribute.name.as_str())
        .collect()
}

/// Adds values for the names that a row does not have.
pub(crate) fn lay_under(row: &mut Row, values: Map<String, Value>) {
    for (name, value) in values {
        row.values.entry(name).or_insert(value);
    }
}

/// The list of the only record with an id: a number, which lists compare with [`Op::Eq`] alone.
pub(crate) fn of_id(id: i64) -> ListOptions {
    only("id", Op::Eq, id)
}

/// The list of the only record whose text is just this one.
pub(crate) fn of_text(column: &str, text: &str) -> ListOptions {
    only(column, Op::Exact, text)
}

fn only(column: &str, op: Op, value: impl std::fmt::Display) -> ListOptions {
    let options = ListOptions {
        limit: Some(1),
        ..ListOptions::default()
    };
    options.with(column, op, value)
}

/// The first of some rows, with the tag of the same record.
pub(crate) async fn with_tag<T>(
    mut rows: codex_client::Records<Map<String, Value>>,
    tagged: &Tagged<T>,
) -> Result<Option<Row>> {
    let version = Some(tagged.etag.as_str().to_owned());
    let values = rows.try_next().await?;
    Ok(values.map(|values| Row { values, version }))
}

/// Some rows as a tuple of objects of their class.
pub(crate) fn objects<'py>(
    py: Python<'py>,
    class: &str,
    rows: Vec<Row>,
) -> PyResult<Bound<'py, PyTuple>> {
    let shape = known(class)?;
    let objects = rows.into_iter().map(|row| row_to_python(py, row, shape));
    PyTuple::new(py, objects.collect::<PyResult<Vec<_>>>()?)
}

/// The database; refused over HTTP, where no operation does this.
pub(crate) fn in_process<'b>(backend: &'b Backend, method: &str) -> Result<&'b Store> {
    match backend {
        Backend::Store(store) => Ok(store),
        Backend::Http(_) => {
            let message = format!("{method}: is not there over HTTP; use `Codex.open`");
            Err(Failure::Invalid(message))
        }
    }
}

/// `None` where a call over HTTP finds no record.
pub(crate) async fn there<T>(call: impl Future<Output = Result<T>>) -> Result<Option<T>> {
    match call.await {
        Ok(done) => Ok(Some(done)),
        Err(Failure::Http(HttpError::NotFound(_))) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Rows of a bulk write in this process: the library checks them.
pub(crate) fn bulk_values<R>(rows: Vec<Value>) -> BulkRows<R> {
    rows.into()
}

/// Rows of a bulk write over HTTP, each made of its id and its fields. A key that is unknown is refused here: the type
/// of the fields would drop it.
pub(crate) fn bulk_rows<B: DeserializeOwned, R>(
    class: &str,
    rows: Vec<Value>,
    make: impl Fn(Option<i64>, B) -> R,
) -> Result<Vec<R>> {
    let body = registry().bodies.get(class).map_or(&[][..], Vec::as_slice);
    let known = || body.iter().map(|attribute| attribute.name.as_str());
    let rows = rows.into_iter().enumerate().map(|(index, mut row)| {
        let wrong = |error| Failure::Invalid(format!("rows[{index}]: {error}"));
        let id = row.as_object_mut().and_then(|row| row.remove("id"));
        let id = serde_json::from_value(id.unwrap_or_default()).map_err(wrong)?;
        let mut keys = row.as_object().into_iter().flat_map(Map::keys);
        if let Some(key) = keys.find(|key| known().all(|name| name != *key)) {
            return Err(Failure::unknown(
                &format!("key of rows[{index}]"),
                key,
                known(),
            ));
        }
        Ok(make(id, serde_json::from_value(row).map_err(wrong)?))
    });
    rows.collect()
}
