//! Values on their way between Rust and Python. No JSON text lies between them.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use codex_core::list::listed;
use pyo3::{
    IntoPyObjectExt as _,
    exceptions::{PyTypeError, PyValueError},
    prelude::*,
    types::{
        PyBool, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyTzInfo,
    },
};
use serde_json::{Map, Number, Value};

use crate::{
    record,
    shapes::{Attribute, Kind, Shape},
};

/// A record on its way to Python.
#[derive(Debug)]
pub(crate) struct Row {
    pub values: Map<String, Value>,
    /// What names its state, where that is known.
    pub version: Option<String>,
}

/// A value as an object of Python.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    value: Value,
    kind: &Kind,
) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => value.into_bound_py_any(py),
        Value::Number(number) => number_to_python(py, &number, kind),
        Value::String(text) => {
            if *kind == Kind::Time
                && let Ok(time) = DateTime::parse_from_rfc3339(&text)
            {
                return time_to_python(py, time.to_utc());
            }
            Ok(PyString::new(py, &text).into_any())
        }
        Value::Array(items) => {
            let of = match kind {
                Kind::List(of) => of,
                _ => &Kind::Any,
            };
            let items = items.into_iter().map(|item| to_python(py, item, of));
            let items = items.collect::<PyResult<Vec<_>>>()?;
            Ok(PyTuple::new(py, items)?.into_any())
        }
        Value::Object(members) => object_to_python(py, members, kind),
    }
}

fn object_to_python<'py>(
    py: Python<'py>,
    members: Map<String, Value>,
    kind: &Kind,
) -> PyResult<Bound<'py, PyAny>> {
    if let Kind::Record(name) = kind
        && let Some(shape) = crate::shapes::shape(name)
    {
        let row = Row {
            values: members,
            version: None,
        };
        return row_to_python(py, row, shape);
    }
    let of = match kind {
        Kind::Dict(of) => of,
        _ => &Kind::Any,
    };
    let dict = PyDict::new(py);
    for (name, value) in members {
        dict.set_item(name, to_python(py, value, of)?)?;
    }
    Ok(dict.into_any())
}

fn number_to_python<'py>(
    py: Python<'py>,
    number: &Number,
    kind: &Kind,
) -> PyResult<Bound<'py, PyAny>> {
    if *kind != Kind::Float {
        if let Some(value) = number.as_i64() {
            return value.into_bound_py_any(py);
        }
        if let Some(value) = number.as_u64() {
            return value.into_bound_py_any(py);
        }
    }
    number.as_f64().into_bound_py_any(py)
}

fn time_to_python(py: Python<'_>, time: DateTime<Utc>) -> PyResult<Bound<'_, PyAny>> {
    let part = |value: u32| u8::try_from(value).unwrap_or_default();
    let utc = PyTzInfo::utc(py)?;
    let made = PyDateTime::new(
        py,
        time.year(),
        part(time.month()),
        part(time.day()),
        part(time.hour()),
        part(time.minute()),
        part(time.second()),
        time.timestamp_subsec_micros().min(999_999),
        Some(&utc),
    )?;
    Ok(made.into_any())
}

/// A record as an object of its class.
pub(crate) fn row_to_python<'py>(
    py: Python<'py>,
    mut row: Row,
    shape: &'static Shape,
) -> PyResult<Bound<'py, PyAny>> {
    let values = shape.attributes.iter().map(|attribute| {
        let value = row.values.remove(&attribute.name).unwrap_or_default();
        to_python(py, resolved(value, attribute), &attribute.kind)
    });
    let values = values.collect::<PyResult<Vec<_>>>()?;
    let values = PyTuple::new(py, values)?;
    record::class(py, &shape.name)?.call1((values, row.version))
}

/// A value as its attribute holds it: a list is never absent, and never JSON in a text.
fn resolved(value: Value, attribute: &Attribute) -> Value {
    let empty = || match attribute.kind {
        Kind::List(_) => Value::Array(Vec::new()),
        Kind::Dict(_) => Value::Object(Map::new()),
        _ => Value::Null,
    };
    match value {
        Value::Null if !attribute.nullable => empty(),
        Value::String(text) if attribute.packed => {
            serde_json::from_str(&text).unwrap_or(Value::String(text))
        }
        value => value,
    }
}

/// Something that is stated, under a name for errors.
pub(crate) fn stated(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::Null);
    }
    if value.is_instance_of::<PyBool>() {
        return Ok(Value::Bool(value.extract()?));
    }
    if value.is_instance_of::<PyInt>() {
        let number: PyResult<i64> = value.extract();
        return number.map(Value::from).map_err(|_| too_large(name));
    }
    if value.is_instance_of::<PyFloat>() {
        let number: f64 = value.extract()?;
        let number = Number::from_f64(number);
        return number
            .map(Value::Number)
            .ok_or_else(|| PyValueError::new_err(format!("{name}: is not a finite number")));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::String(text.to_str()?.to_owned()));
    }
    if let Some(time) = time_text(name, value)? {
        return Ok(Value::String(time));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let members = dict.iter().map(|(key, member)| {
            let key: String = key
                .extract()
                .map_err(|_| PyTypeError::new_err(format!("{name}: keys must be str")))?;
            let member = stated(&format!("{name}.{key}"), &member)?;
            Ok((key, member))
        });
        return Ok(Value::Object(members.collect::<PyResult<_>>()?));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|item| stated(name, &item?));
        return Ok(Value::Array(items.collect::<PyResult<_>>()?));
    }
    if value.get_type().name()? == "Decimal" {
        let number: f64 = value.call_method0("__float__")?.extract()?;
        return Ok(Number::from_f64(number).map_or(Value::Null, Value::Number));
    }
    Err(unfit(
        name,
        value,
        "None, bool, int, float, str, a time, a list or a dict",
    ))
}

/// What is stated by keyword arguments.
pub(crate) fn body(arguments: Option<&Bound<'_, PyDict>>) -> PyResult<Map<String, Value>> {
    let mut members = Map::new();
    for (name, value) in arguments.into_iter().flatten() {
        let name: String = name.extract()?;
        let value = stated(&name, &value)?;
        members.insert(name, value);
    }
    Ok(members)
}

/// A condition of a list as the list engine reads it: parameter and text.
pub(crate) fn condition(name: &str, value: &Bound<'_, PyAny>) -> PyResult<(String, String)> {
    if value.is_none() {
        return match name.rsplit_once("__") {
            None => Ok((format!("{name}__isnull"), "true".into())),
            Some((column, "ne")) => Ok((format!("{column}__isnull"), "false".into())),
            Some(_) => Err(unfit(name, value, "a value to compare with")),
        };
    }
    let is_list = value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>();
    if !is_list {
        return Ok((name.to_owned(), comparable(name, value)?));
    }
    let parameter = match name.rsplit_once("__") {
        None => format!("{name}__in"),
        Some((_, "in")) => name.to_owned(),
        Some(_) => return Err(unfit(name, value, "one value")),
    };
    let texts = value.try_iter()?.map(|item| comparable(name, &item?));
    let texts = texts.collect::<PyResult<Vec<_>>>()?;
    if texts.is_empty() {
        return Err(PyValueError::new_err(format!("{name}: is an empty list")));
    }
    Ok((parameter, listed(texts)))
}

fn comparable(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    match stated(name, value)? {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(unfit(
            name,
            value,
            "str, int, bool, a time, or a list of them",
        )),
    }
}

/// A time or a day in the words of the list engine; `None` of anything else.
fn time_text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if value.is_instance_of::<PyDateTime>() {
        if value.getattr("tzinfo")?.is_none() {
            let message =
                format!("{name}: the time has no time zone; use datetime.now(timezone.utc)");
            return Err(PyValueError::new_err(message));
        }
    } else if !value.is_instance_of::<PyDate>() {
        return Ok(None);
    }
    value.call_method0("isoformat")?.extract().map(Some)
}

fn too_large(name: &str) -> PyErr {
    PyValueError::new_err(format!("{name}: is too large"))
}

/// A value of a type that does not fit.
pub(crate) fn unfit(name: &str, value: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let class = value.get_type().name();
    let class = class.map_or_else(|_| "?".to_owned(), |class| class.to_string());
    PyTypeError::new_err(format!("{name}: must be {wanted}, not {class}"))
}
