//! Writing many records with one call: what is asked and what became of each row.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Fault, records::ChangeOut};

/// What a bulk write does with its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Creates records. A row whose record exists fails.
    Create,
    /// Updates records. A row whose record does not exist fails.
    Update,
    /// Updates records that exist and creates the others.
    #[default]
    Upsert,
}

impl fmt::Display for BulkAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BulkStatus {
    /// It is a new record.
    Created,
    /// It updated a record, or stated the values that it has.
    Updated,
    /// It failed; `errors` says why.
    Failed,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    /// Account number, of a company; null for a row that failed, and for a new one of a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_number: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// Id of the record; null for a row that failed, and for a new one of a dry run.
    pub id: Option<i64>,
    /// The row, counted from 0.
    pub index: usize,
    /// What became of it.
    pub status: BulkStatus,
}

/// What became of all rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkOut {
    /// Rows that are new records.
    pub created: usize,
    /// Rows that failed.
    pub failed: usize,
    /// Row by row.
    pub results: Vec<BulkResult>,
    /// Rows that changed a record.
    pub updated: usize,
}

/// What a call with `dry_run=true` would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DryRunOut {
    /// The changes in order.
    pub changes: Vec<ChangeOut>,
    /// Always true: nothing was changed.
    pub dry_run: bool,
    /// Of a call with many rows: what would become of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<BulkOut>,
}

#[cfg(feature = "store")]
impl BulkOut {
    pub(crate) fn new(rows: usize) -> Self {
        let nothing = |index| BulkResult {
            account_number: None,
            errors: Vec::new(),
            id: None,
            index,
            status: BulkStatus::Failed,
        };
        Self {
            created: 0,
            failed: 0,
            results: (0..rows).map(nothing).collect(),
            updated: 0,
        }
    }

    /// What is wrong with a row; the first word on it counts.
    pub(crate) fn fail(&mut self, index: usize, errors: Vec<Fault>) {
        let row = &mut self.results[index];
        if row.errors.is_empty() {
            self.failed += 1;
            row.errors = errors;
        }
    }

    /// What is wrong with some rows so far.
    pub(crate) fn failed_among(&self, rows: &[usize]) -> Vec<(usize, Vec<Fault>)> {
        let faults = rows
            .iter()
            .map(|index| (*index, self.results[*index].errors.clone()));
        faults.filter(|(_, errors)| !errors.is_empty()).collect()
    }

    /// The same of a dry run: a new record has neither the id nor the number that it would have had.
    pub(crate) fn foreseen(mut self) -> Self {
        for row in &mut self.results {
            if row.status == BulkStatus::Created {
                (row.id, row.account_number) = (None, None);
            }
        }
        self
    }

    pub(crate) fn fail_all(&mut self, rows: impl IntoIterator<Item = usize>, fault: &Fault) {
        for index in rows {
            self.fail(index, vec![fault.clone()]);
        }
    }

    pub(crate) fn done(
        &mut self,
        index: usize,
        id: i64,
        account_number: Option<String>,
        status: BulkStatus,
    ) {
        if status == BulkStatus::Created {
            self.created += 1;
        } else {
            self.updated += 1;
        }
        let row = &mut self.results[index];
        (row.id, row.account_number, row.status) = (Some(id), account_number, status);
    }

    /// Every fault, with the place of its row.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let each = self.results.iter().flat_map(|row| {
            let place = format!("/{}", row.index);
            row.errors
                .iter()
                .map(move |fault| fault.clone().within(&place))
        });
        each.collect()
    }
}
