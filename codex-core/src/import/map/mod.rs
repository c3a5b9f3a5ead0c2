//! Rows of the Flask service to what the record writer takes. Pure, but for what is reported.

pub(super) mod assets;
pub(super) mod companies;
pub(super) mod people;
pub(super) mod plans;
pub(super) mod tickets;

use std::collections::BTreeMap;

use super::cells::Cells;
use crate::records::{Resource, SourceRecord};

/// The collection of imported claims.
const SCOPE: &str = "import";

/// A record to import.
#[derive(Debug)]
pub(super) struct Mapped<R: Resource> {
    /// What is stated.
    pub record: SourceRecord<R>,
    /// Its id, where that is kept.
    pub id: Option<i64>,
    /// By which keys sources find it.
    pub keys: Vec<String>,
}

impl<R: Resource> Mapped<R> {
    /// The record of a row.
    fn new(cells: Cells<'_>, external_id: String, id: Option<i64>, keys: Vec<String>) -> Self {
        let (fields, extra) = (cells.fields, cells.extra);
        let record = SourceRecord {
            external_id,
            scope: SCOPE.to_owned(),
            fields,
            extra,
            status: None,
            secrets: BTreeMap::new(),
            source_updated_at: None,
            incomplete: Vec::new(),
            unread: Vec::new(),
        };
        Self { record, id, keys }
    }
}
