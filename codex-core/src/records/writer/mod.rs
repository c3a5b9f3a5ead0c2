//! The record writer: turns claims into rows, log entries and search entries in one transaction.
//!
//! A page of statements goes through three steps, each in a file of its own:
//!
//! 1. `classify`: which statements are new or changed, and to which record each belongs;
//! 2. `merge`: the claims of each such record become its fields;
//! 3. `write`: records that differ from their row become rows, log entries and search entries.
//!
//! Edits by people ([`super::manual`]) change the manual claim and enter at step 2.

mod classify;
mod merge;
mod write;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use serde_json::{Map, Value};

use self::classify::Classified;
use super::{
    Author, ChangeOp, Resource,
    change_log::Entry,
    claims::{self, Statement},
    resolve::{MANUAL, Precedence},
    wire,
};
use crate::{Result, store::Tx};

/// What a page of claims or an edit changed.
#[derive(Debug, Default)]
pub struct WriteSummary {
    /// Records created.
    pub created: u64,
    /// Records updated.
    pub updated: u64,
    /// Items that state the same as last time.
    pub unchanged: u64,
    /// Records restored.
    pub restored: u64,
    /// Records deleted.
    pub deleted: u64,
    /// What a person should look at.
    pub issues: Vec<String>,
    /// The changes in detail.
    pub changes: Vec<Change>,
    /// Manual values that were set or released although the record's value stays the same.
    pub(crate) same_values: Vec<Change>,
}

impl WriteSummary {
    /// Adds what another page or edit changed.
    pub(crate) fn add(&mut self, other: Self) {
        self.created += other.created;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.restored += other.restored;
        self.deleted += other.deleted;
        self.issues.extend(other.issues);
        self.changes.extend(other.changes);
        self.same_values.extend(other.same_values);
    }

    /// Counts one changed record.
    fn count(&mut self, op: ChangeOp) {
        match op {
            ChangeOp::Create => self.created += 1,
            ChangeOp::Update => self.updated += 1,
            ChangeOp::Delete => self.deleted += 1,
            ChangeOp::Restore => self.restored += 1,
        }
    }
}

/// One change of one record, as a plan or an edit shows it.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Change {
    /// Kind of record.
    pub kind: Cow<'static, str>,
    /// Row id.
    pub record_id: i64,
    /// What happens to the record.
    pub op: ChangeOp,
    /// Fields with before and after.
    pub fields: Map<String, Value>,
}

impl Change {
    /// Whether it is the same change; the row id of a new record may differ.
    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        (&self.kind, &self.op, &self.fields) == (&other.kind, &other.op, &other.fields)
            && (self.is_new() || self.record_id == other.record_id)
    }

    /// Whether it creates a record.
    pub(crate) fn is_new(&self) -> bool {
        self.op == ChangeOp::Create
    }
}

impl From<&Entry> for Change {
    fn from(entry: &Entry) -> Self {
        Self {
            kind: entry.kind.into(),
            record_id: entry.record_id,
            op: entry.op,
            fields: entry.changes.clone(),
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        wire::in_words(f, self.op, &self.kind, self.record_id, &self.fields)
    }
}

/// Writes records of any kind in one transaction.
#[derive(Debug)]
pub(crate) struct RecordWriter<'t> {
    pub tx: &'t mut Tx,
    pub author: &'t Author,
    pub precedence: &'t Precedence,
}

impl RecordWriter<'_> {
    /// Writes a page of statements of one source and its parts.
    ///
    /// In: mapped items, each with the source or part that states it. Out: what changed. A statement that is
    /// the same as last time writes its status and nothing else. The number of SQL statements does not depend on the
    /// number of items.
    pub async fn apply<R: Resource>(&mut self, page: Vec<Statement<R>>) -> Result<WriteSummary> {
        self.apply_with_ids(page, &HashMap::new()).await
    }

    /// As [`RecordWriter::apply`]; a new record gets the row id that `ids` has for its item, which nobody may have.
    pub async fn apply_with_ids<R: Resource>(
        &mut self,
        page: Vec<Statement<R>>,
        ids: &HashMap<String, i64>,
    ) -> Result<WriteSummary> {
        let mut summary = WriteSummary::default();
        let Some(source) = page.first().map(|(origin, _)| origin.owner()) else {
            return Ok(summary);
        };
        let Classified {
            same,
            changed,
            mut rows,
            claims,
        } = self.classify(source, page, ids, &mut summary).await?;
        self.save_claims(&changed, &claims).await?;

        let ids = distinct(changed.iter().map(|statement| statement.record));
        let rows = ids.into_iter().map(|id| (id, rows.remove(&id))).collect();
        let merged = self.merge::<R>(rows, claims, &mut summary.issues).await?;
        let written = self.write(merged, &mut summary).await?;

        let mut items = same;
        items.extend(changed.into_iter().map(|new| (new.record, new.item)));
        self.after_write(source, &items, &written).await?;
        Ok(summary)
    }

    /// Marks the claims of a source and its parts as gone. A record that no claim keeps alive is soft-deleted.
    pub async fn retire<R: Resource>(
        &mut self,
        source: &str,
        external_ids: &[String],
    ) -> Result<WriteSummary> {
        let ids = claims::retire::<R>(self.tx, self.author, source, external_ids).await?;
        self.refresh::<R>(&ids).await
    }

    /// Merges the claims of records again, because a claim or something that a rule reads has changed.
    pub async fn refresh<R: Resource>(&mut self, ids: &[i64]) -> Result<WriteSummary> {
        let mut summary = WriteSummary::default();
        let rows = self.lock::<R>(ids).await?;
        let claims = claims::of_records::<R>(self.tx, ids).await?;
        let mut rows: Vec<_> = rows.into_iter().map(|(id, row)| (id, Some(row))).collect();
        rows.sort_by_key(|(id, _)| *id);
        let merged = self.merge::<R>(rows, claims, &mut summary.issues).await?;
        let written = self.write(merged, &mut summary).await?;
        self.after_write::<R>(MANUAL, &[], &written).await?;
        Ok(summary)
    }
}

/// Each id once, in order.
fn distinct(ids: impl Iterator<Item = i64>) -> Vec<i64> {
    ids.collect::<BTreeSet<i64>>().into_iter().collect()
}
