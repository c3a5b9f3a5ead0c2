//! What the stubs of the Python package are generated from.

use codex_core::{
    agents, assets, billing_plans, companies, contacts, duplicates, list::Listing, locations, tags,
    tickets, views,
};
use pyo3::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    convert::to_python,
    query::{Column, columns, local_columns},
    record::annotation,
    shapes::{Attribute, Kind, registry},
};

/// The lists of the database, by class of record.
const LISTINGS: &[(&str, &Listing)] = &[
    ("Agent", &agents::query::LISTING),
    ("Asset", &assets::query::LISTING),
    ("BillingPlan", &billing_plans::query::LISTING),
    ("Company", &companies::query::LISTING),
    ("Contact", &contacts::query::LISTING),
    ("Duplicate", &duplicates::query::LISTING),
    ("Location", &locations::query::LISTING),
    ("Tag", &tags::query::LISTING),
    ("Ticket", &tickets::query::LISTING),
    ("View", &views::query::LISTING),
];
/// Lists that come whole.
const LOCAL: &[&str] = &[
    "FeatureOption",
    "Hold",
    "Job",
    "OutboxEntry",
    "Override",
    "PsaAgent",
];

/// Classes, bodies and filters as data, for the test that compares the stubs.
#[pyfunction]
#[pyo3(name = "_registry")]
pub(crate) fn registry_data(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let records = registry().records.values().map(|shape| {
        json!({
            "name": shape.name,
            "doc": shape.doc,
            "attributes": shape.attributes.iter().map(described).collect::<Vec<_>>(),
        })
    });
    let bodies: Map<String, Value> = registry()
        .bodies
        .iter()
        .map(|(class, body)| (class.clone(), body.iter().map(stated).collect()))
        .collect();
    let of_lists = LISTINGS
        .iter()
        .map(|(class, listing)| (*class, columns(listing)));
    let whole = LOCAL.iter().map(|class| (*class, local_columns(class)));
    let filters: Map<String, Value> = of_lists
        .chain(whole)
        .map(|(class, columns)| (class.to_owned(), columns.iter().flat_map(filters).collect()))
        .collect();
    let all = json!({
        "records": records.collect::<Vec<_>>(),
        "bodies": bodies,
        "filters": filters,
    });
    to_python(py, all, &Kind::Any)
}

fn described(attribute: &Attribute) -> Value {
    json!([
        attribute.name,
        annotation(&attribute.kind, attribute.nullable),
        attribute.doc
    ])
}

/// A member of a body: every value may be blanked, and a list may be any sequence.
fn stated(attribute: &Attribute) -> Value {
    let kind = match &attribute.kind {
        Kind::List(item) => format!("Sequence[{}]", item.annotation()),
        Kind::Float => "float | Decimal".to_owned(),
        Kind::Dict(value) => format!("dict[str, {} | None]", value.annotation()),
        other => other.annotation(),
    };
    json!([attribute.name, format!("{kind} | None"), attribute.doc])
}

/// The parameters of a column, each with its type.
fn filters(column: &Column) -> Vec<Value> {
    use codex_core::list::Op;
    let one = match column.kind {
        Kind::Time => "datetime | date | str".to_owned(),
        ref other => other.annotation(),
    };
    let filter = |op: Op| {
        let kind = match op {
            Op::Eq => format!("{one} | list[{one}] | tuple[{one}, ...] | None"),
            Op::In => format!("list[{one}] | tuple[{one}, ...]"),
            Op::Ne => format!("{one} | None"),
            Op::IsNull => "bool".to_owned(),
            _ => one.clone(),
        };
        json!([op.parameter(column.name), kind])
    };
    column.ops().map(filter).collect()
}
