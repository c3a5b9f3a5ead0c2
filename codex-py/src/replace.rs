//! All billing plans and feature options, replaced at once.

use codex_core::billing_plans::wire::{BillingExport, BillingReplaced};
use pyo3::{prelude::*, types::PyDict};
use serde_json::{Map, Value};

use crate::{
    backend::{Backend, Change, Changed, Connection},
    convert::{stated, unfit},
    errors::Failure,
};

/// Replaces plans and options in one transaction; the faults of all rows arrive together.
pub(crate) fn replace(
    py: Python<'_>,
    connection: &Connection,
    plans: &Bound<'_, PyAny>,
    options: &Bound<'_, PyAny>,
    dry_run: bool,
) -> PyResult<Changed<BillingReplaced>> {
    let (plans, options) = (bodies("plans", plans)?, bodies("feature_options", options)?);
    let Backend::Store(store) = &connection.backend else {
        let message = "plans: over HTTP they are not replaced; use `Codex.open`";
        return Err(Failure::Invalid(message.to_owned()).into());
    };
    connection.wait(py, async {
        let wanted = BillingExport::of_bodies(plans, options)?;
        let change = Change {
            dry_run,
            if_match: None,
        };
        let author = store.author(&change)?;
        let replaced = store.codex.replace_billing(&store.scope, &author, &wanted);
        Ok(Changed::of(replaced.await?))
    })
}

/// The dicts of an iterable.
fn bodies(name: &str, rows: &Bound<'_, PyAny>) -> PyResult<Vec<Map<String, Value>>> {
    let rows = rows.try_iter()?.enumerate().map(|(index, row)| {
        let (name, row) = (format!("{name}[{index}]"), row?);
        match stated(&name, &row)? {
            Value::Object(body) if row.is_instance_of::<PyDict>() => Ok(body),
            _ => Err(unfit(&name, &row, "a dict")),
        }
    });
    rows.collect()
}
