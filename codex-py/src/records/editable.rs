//! Resources whose records people create, update and delete.

use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyDict, PyString},
};

use super::{Records, object};
use crate::{
    backend::{Backend, Change, Changed, Connection, send},
    convert::{self, unfit},
    errors::Failure,
    record::Record,
};

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

impl Records {
    /// Creates a record of fields and returns it; or what a dry run would change.
    pub(crate) fn create_with<'py>(
        &self,
        py: Python<'py>,
        dry_run: bool,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let change = Change {
            dry_run,
            if_match: None,
        };
        let body = convert::body(fields)?;
        let created = self.api.create(self.backend(), change, body);
        let created = self.connection.wait(py, created)?;
        self.changed(py, created)
    }

    /// Updates fields of a record and returns it; or what a dry run would change.
    pub(crate) fn update_with<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        change: Change,
        fields: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (key, body) = (self.key_of(key)?, convert::body(fields)?);
        let updated = self.api.update(self.backend(), change, key.clone(), body);
        let updated = self.connection.wait(py, updated)?;
        let updated = updated.ok_or_else(|| self.missing(&key))?;
        self.changed(py, updated.map(|()| key))
    }

    /// Deletes a record; or returns what a dry run would change.
    pub(crate) fn delete_with<'py>(
        &self,
        py: Python<'py>,
        key: &Bound<'py, PyAny>,
        change: Change,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let key = self.key_of(key)?;
        let deleted = self.api.delete(self.backend(), change, key.clone());
        let deleted = self.connection.wait(py, deleted)?;
        match deleted.ok_or_else(|| self.missing(&key))? {
            Changed::Applied(()) => Ok(None),
            Changed::Planned(planned) => object(py, "DryRun", &planned).map(Some),
        }
    }
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
        let records = slf.as_super().get();
        records.create_with(slf.py(), dry_run, fields)
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
        let if_match = self::if_match(if_match)?;
        let change = Change { dry_run, if_match };
        let records = slf.as_super().get();
        records.update_with(slf.py(), key, change, fields)
    }

    /// Deletes a record. No sync brings it back, only :meth:`restore` does.
    #[pyo3(signature = (key, /, *, if_match=None, dry_run=false))]
    fn delete<'py>(
        slf: &Bound<'py, Self>,
        key: &Bound<'py, PyAny>,
        if_match: Option<&Bound<'py, PyAny>>,
        dry_run: bool,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let if_match = self::if_match(if_match)?;
        let change = Change { dry_run, if_match };
        slf.as_super().get().delete_with(slf.py(), key, change)
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
                send!(client.deleted().restore(kind, id), change)
            }
        })
    })?;
    match restored {
        Changed::Applied(()) => Ok(None),
        Changed::Planned(planned) => object(py, "DryRun", &planned).map(Some),
    }
}
