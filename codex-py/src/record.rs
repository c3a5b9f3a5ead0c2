//! Records as Python has them: frozen objects with attributes.

use std::collections::HashMap;

use pyo3::{
    basic::CompareOp,
    exceptions::{PyAttributeError, PyKeyError},
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyString, PyTuple, PyType},
};

use crate::shapes::{self, Kind, Shape};

/// Attributes that say which record it is, in the order in which they are shown.
const TELLING: &[&str] = &[
    "id",
    "account_number",
    "number",
    "key",
    "kind",
    "name",
    "hostname",
    "subject",
    "plan_name",
    "term_length",
    "username",
    "title",
    "status",
    "state",
    "company_account_number",
];
/// Records with more attributes than this show the telling ones alone.
const SHORT: usize = 8;

/// A record: its attributes are those of its class, and cannot be set.
///
/// Records are equal when they are of one class and all attributes are equal.
#[pyclass(frozen, subclass, module = "hivematrix_codex.records")]
#[derive(Debug)]
pub(crate) struct Record {
    values: Py<PyTuple>,
    version: Option<String>,
}

/// An attribute of a class of record.
#[pyclass(frozen, module = "hivematrix_codex._native")]
#[derive(Debug)]
struct Attribute {
    index: usize,
    name: String,
}

#[pymethods]
impl Attribute {
    fn __get__<'py>(
        slf: Bound<'py, Self>,
        object: &Bound<'py, PyAny>,
        _owner: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Ok(record) = object.cast::<Record>() else {
            return Ok(slf.into_any());
        };
        let values = record.get().values.bind(slf.py());
        values.get_item(slf.get().index)
    }

    fn __set__(&self, _object: &Bound<'_, PyAny>, _value: &Bound<'_, PyAny>) -> PyResult<()> {
        let name = &self.name;
        let message = format!("{name}: records are frozen; change them with update()");
        Err(PyAttributeError::new_err(message))
    }

    fn __delete__(&self, object: &Bound<'_, PyAny>) -> PyResult<()> {
        self.__set__(object, object)
    }
}

/// The names of the attributes of a record.
fn names(record: &Bound<'_, Record>) -> PyResult<Vec<String>> {
    record.get_type().getattr("__match_args__")?.extract()
}

/// Each attribute with its value.
fn members<'py>(record: &Bound<'py, Record>) -> PyResult<Vec<(String, Bound<'py, PyAny>)>> {
    let values = record.get().values.bind(record.py());
    Ok(names(record)?.into_iter().zip(values.iter()).collect())
}

#[pymethods]
impl Record {
    #[new]
    #[pyo3(signature = (values, version=None, /))]
    fn new(values: Py<PyTuple>, version: Option<String>) -> Self {
        Self { values, version }
    }

    /// What names the state in which it was read, for ``if_match``. ``None`` where that is not known, as in lists over
    /// HTTP.
    #[getter]
    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Its attributes by name; records in it become dicts too.
    fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(slf.py());
        for (name, value) in members(slf)? {
            dict.set_item(name, plain(&value)?)?;
        }
        Ok(dict)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let members = members(slf)?;
        let is_short = members.len() <= SHORT;
        let mut shown = Vec::new();
        let mut show = |name: &str, value: &Bound<'_, PyAny>| -> PyResult<()> {
            shown.push(format!("{name}={}", value.repr()?));
            Ok(())
        };
        if is_short {
            for (name, value) in &members {
                show(name, value)?;
            }
        } else {
            for telling in TELLING {
                let member = members.iter().find(|(name, _)| name == telling);
                if let Some((name, value)) = member.filter(|(_, value)| !value.is_none()) {
                    show(name, value)?;
                }
            }
        }
        Ok(format!("{}({})", slf.get_type().name()?, shown.join(", ")))
    }

    /// A table of what is known about it, for notebooks.
    fn _repr_html_(slf: &Bound<'_, Self>) -> PyResult<String> {
        let mut rows = String::new();
        for (name, value) in members(slf)? {
            if !value.is_none() {
                let value = escaped(&value.str()?.to_string());
                rows += &[
                    "<tr><th scope=\"row\">",
                    &name,
                    "</th><td>",
                    &value,
                    "</td></tr>",
                ]
                .concat();
            }
        }
        let class = slf.get_type().name()?;
        Ok(format!("<table><caption>{class}</caption>{rows}</table>"))
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let same = |other: &Bound<'py, Self>| -> PyResult<bool> {
            let is_one_class = slf.get_type().is(other.get_type());
            let theirs = other.get().values.bind(py);
            Ok(is_one_class && slf.get().values.bind(py).eq(theirs)?)
        };
        let answer = match (other.cast::<Self>(), op) {
            (Ok(other), CompareOp::Eq) => same(other)?,
            (Ok(other), CompareOp::Ne) => !same(other)?,
            _ => return Ok(py.NotImplemented().into_bound(py)),
        };
        Ok(answer.into_pyobject(py)?.to_owned().into_any())
    }

    fn __hash__(slf: &Bound<'_, Self>) -> PyResult<isize> {
        // Dicts in it have no hash; what is equal has equal texts.
        let values = slf.get().values.bind(slf.py()).iter();
        let texts: Vec<_> = values
            .filter(PyAnyMethods::is_instance_of::<PyString>)
            .collect();
        let name = slf.get_type().name()?;
        (name, PyTuple::new(slf.py(), texts)?)
            .into_pyobject(slf.py())?
            .hash()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let this = slf.get();
        let state = (&this.values, this.version.as_deref()).into_pyobject(slf.py())?;
        (slf.get_type(), state).into_pyobject(slf.py())
    }
}

/// A value without records in it.
fn plain<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(record) = value.cast::<Record>() {
        return Ok(Record::to_dict(record)?.into_any());
    }
    if let Ok(items) = value.cast::<PyTuple>() {
        let items = items.iter().map(|item| plain(&item));
        let items = items.collect::<PyResult<Vec<_>>>()?;
        return Ok(PyTuple::new(value.py(), items)?.into_any());
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let copy = PyDict::new(value.py());
        for (name, member) in dict {
            copy.set_item(name, plain(&member)?)?;
        }
        return Ok(copy.into_any());
    }
    Ok(value.clone())
}

/// A text in HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

static CLASSES: PyOnceLock<HashMap<String, Py<PyType>>> = PyOnceLock::new();

/// The classes of record, by name; made when the module is imported.
pub(crate) fn classes(py: Python<'_>) -> PyResult<&HashMap<String, Py<PyType>>> {
    CLASSES.get_or_try_init(py, || {
        let shapes = shapes::registry().records.values();
        let classes = shapes.map(|shape| Ok((shape.name.clone(), make(py, shape)?)));
        classes.collect()
    })
}

/// A class of record by its name.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<&'py Bound<'py, PyType>> {
    let class = classes(py)?.get(name);
    let class = class.ok_or_else(|| PyKeyError::new_err(name.to_owned()))?;
    Ok(class.bind(py))
}

fn make(py: Python<'_>, shape: &Shape) -> PyResult<Py<PyType>> {
    let members = PyDict::new(py);
    let names: Vec<&str> = shape.attributes.iter().map(|a| a.name.as_str()).collect();
    members.set_item("__slots__", PyTuple::empty(py))?;
    members.set_item("__match_args__", PyTuple::new(py, names)?)?;
    members.set_item("__module__", "hivematrix_codex.records")?;
    members.set_item("__doc__", doc(shape))?;
    for (index, attribute) in shape.attributes.iter().enumerate() {
        let name = attribute.name.clone();
        members.set_item(
            &attribute.name,
            Attribute { index, name }.into_pyobject(py)?,
        )?;
    }
    let bases = (py.get_type::<Record>(),);
    let class = py
        .get_type::<PyType>()
        .call1((&shape.name, bases, members))?;
    Ok(class.cast_into::<PyType>()?.unbind())
}

/// What `help()` says of a class.
fn doc(shape: &Shape) -> String {
    let lines = shape.attributes.iter().map(|attribute| {
        let kind = annotation(&attribute.kind, attribute.nullable);
        let doc = attribute.doc.replace('\n', " ");
        format!("    {}: {kind}\n        {doc}\n", attribute.name)
    });
    format!(
        "{}\n\nAttributes:\n{}",
        shape.doc,
        lines.collect::<String>()
    )
}

/// A type in words of Python.
pub(crate) fn annotation(kind: &Kind, nullable: bool) -> String {
    match (kind, nullable) {
        (Kind::Any, _) | (_, false) => kind.annotation(),
        (_, true) => format!("{} | None", kind.annotation()),
    }
}
