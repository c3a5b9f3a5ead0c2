//! The Python module `hivematrix_codex._native`: Codex in process and over HTTP.
//!
//! `codex` has the two classes to begin with, each resource a file; `records` what they share. Attributes and filters
//! come from the registry of fields (`shapes`), so that a new field needs no edit here.

mod arrow;
mod assets;
mod backend;
mod billing;
mod billing_plans;
mod claims;
mod codex;
mod companies;
mod contacts;
mod convert;
mod decisions;
mod errors;
mod jobs;
mod locations;
mod people;
mod query;
mod record;
mod records;
mod replace;
mod resource;
mod runtime;
mod shapes;
mod stubs;
mod tags;
mod tickets;
mod views;

use pyo3::{
    prelude::*,
    types::{PyDict, PyModule},
};

/// Folds a name as search and order do: case and diacritics do not count.
///
/// >>> fold(" Ärger ")
/// 'arger'
#[pyfunction]
#[pyo3(signature = (text, /))]
fn fold(text: &str) -> String {
    codex_core::fold::SearchKey::new(text).to_string()
}

/// The classes of record, by name.
#[pyfunction]
fn record_classes(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let classes = PyDict::new(py);
    for (name, class) in record::classes(py)? {
        classes.set_item(name, class)?;
    }
    Ok(classes)
}

/// HiveMatrix Codex, compiled. Import `hivematrix_codex` instead.
#[pymodule(gil_used = false)]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PROCESS_GONE", codex_core::jobs::PROCESS_GONE)?;
    module.add_class::<record::Record>()?;
    module.add_class::<records::RecordIterator>()?;
    module.add_class::<records::Records>()?;
    module.add_class::<records::EditableRecords>()?;
    module.add_class::<records::BulkRecords>()?;
    module.add_class::<companies::Companies>()?;
    module.add_class::<contacts::Contacts>()?;
    module.add_class::<assets::Assets>()?;
    module.add_class::<locations::Locations>()?;
    module.add_class::<tickets::Tickets>()?;
    module.add_class::<billing_plans::BillingPlans>()?;
    module.add_class::<billing::FeatureOptions>()?;
    module.add_class::<billing::Overrides>()?;
    module.add_class::<billing::Billing>()?;
    module.add_class::<tags::Tags>()?;
    module.add_class::<views::Views>()?;
    module.add_class::<people::Agents>()?;
    module.add_class::<people::PsaAgents>()?;
    module.add_class::<jobs::Jobs>()?;
    module.add_class::<decisions::Holds>()?;
    module.add_class::<decisions::Duplicates>()?;
    module.add_class::<decisions::Outbox>()?;
    module.add_class::<decisions::Deleted>()?;
    module.add_class::<claims::Claims>()?;
    module.add_class::<arrow::ArrowTable>()?;
    module.add_class::<codex::BaseCodex>()?;
    module.add_class::<codex::Codex>()?;
    module.add_class::<codex::Client>()?;
    module.add_function(wrap_pyfunction!(fold, module)?)?;
    module.add_function(wrap_pyfunction!(record_classes, module)?)?;
    module.add_function(wrap_pyfunction!(stubs::registry_data, module)?)
}
