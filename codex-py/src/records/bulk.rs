//! Resources of which many records are written with one call.

use codex_core::bulk::BulkAction;
use pyo3::{exceptions::PyValueError, prelude::*, types::PyDict};
use serde_json::Value;

use super::{Bulk, EditableRecords, object};
use crate::{
    backend::{Change, Changed},
    convert::{self, unfit},
};

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
