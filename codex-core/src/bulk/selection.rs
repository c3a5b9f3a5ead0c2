//! Records that are chosen to be changed together, as they were when they were chosen.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Write as _,
};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    Error, Fault, Result,
    ids::TagId,
    list::{Filter, Op, PageRequest, listed},
    records::{ChangeOp, FieldDef, Resource, Tracked},
    scope::Scope,
    store::Db,
    tags::{TaggedKind, rules::Tagged},
};

/// The most records that are changed together.
pub const MAX_SELECTED: usize = 10_000;

/// What records are chosen by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectedBy {
    /// Their ids; those that are no more are left out. At most 500.
    Ids(Vec<i64>),
    /// Filters and search of a list; cursor and order have no meaning here.
    Request(Box<PageRequest>),
}

/// Records of one kind, with the version of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Their kind.
    pub kind: TaggedKind,
    /// Row ids in order, each with when its record last changed.
    records: Vec<(i64, DateTime<Utc>)>,
}

/// How a selection differs from an earlier one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drift {
    /// Records that are in it now alone.
    pub joined: usize,
    /// Records that are in it no more.
    pub left: usize,
}

/// What happens to all records of a selection.
#[derive(Debug, Clone, PartialEq)]
pub enum SelectionChange {
    /// A field gets a manual value; null blanks it.
    Set {
        /// Name of the field.
        field: String,
        /// The value.
        value: Value,
    },
    /// They get a tag.
    AddTag(TagId),
    /// They lose a tag.
    RemoveTag(TagId),
    /// They are deleted.
    Delete,
}

/// What changes of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordChange {
    /// Its row id.
    pub id: i64,
    /// What happens to it.
    pub op: ChangeOp,
    /// Fields that differ, each with `before` and `after`.
    pub fields: serde_json::Map<String, Value>,
}

/// A record that cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRecord {
    /// Its row id.
    pub id: i64,
    /// Why.
    pub faults: Vec<Fault>,
}

/// What would become of a selection, record by record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SelectionPlan {
    /// Records that would change.
    pub changes: Vec<RecordChange>,
    /// Records that cannot be changed.
    pub refused: Vec<RefusedRecord>,
}

/// What became of a selection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SelectionApplied {
    /// How many records were taken.
    pub taken: usize,
    /// Records that could not be changed.
    pub refused: Vec<RefusedRecord>,
}

impl Selection {
    /// Records by row id, in order, each with when it last changed.
    pub fn new(kind: TaggedKind, records: Vec<(i64, DateTime<Utc>)>) -> Self {
        Self { kind, records }
    }

    /// How many records it has.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The row ids in order.
    pub fn ids(&self) -> Vec<i64> {
        self.records.iter().map(|(id, _)| *id).collect()
    }

    /// When each record last changed, by row id.
    pub(crate) fn versions(&self) -> HashMap<i64, DateTime<Utc>> {
        self.records.iter().copied().collect()
    }

    /// Tells it from every other selection: from one with other records, and from one of the same records before any of
    /// them was changed. The same on both engines, which keep microseconds.
    pub fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for (id, at) in &self.records {
            hash.update(id.to_be_bytes());
            hash.update(at.timestamp_micros().to_be_bytes());
        }
        let mut word = String::with_capacity(64);
        for byte in hash.finalize() {
            // Writing to a string cannot fail.
            let _ = write!(word, "{byte:02x}");
        }
        word
    }

    /// How it differs from one with these ids.
    pub fn drift(&self, earlier: &[i64]) -> Drift {
        let now: BTreeSet<i64> = self.records.iter().map(|(id, _)| *id).collect();
        let before: BTreeSet<i64> = earlier.iter().copied().collect();
        Drift {
            joined: now.difference(&before).count(),
            left: before.difference(&now).count(),
        }
    }

    /// The records that the caller sees among those that are chosen.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many of them, or naming what cannot be listed by.
    pub(crate) async fn read(
        db: &Db,
        scope: &Scope,
        kind: TaggedKind,
        by: &SelectedBy,
    ) -> Result<Self> {
        let request = match by {
            SelectedBy::Request(request) => (**request).clone(),
            SelectedBy::Ids(ids) => PageRequest {
                filters: vec![Filter::new(
                    &Op::In.parameter("id"),
                    &listed(ids.iter().map(i64::to_string)),
                )],
                ..PageRequest::default()
            },
        };
        let list = by_tagged_kind!(kind, R => <R as Tagged>::LIST);
        let records = list.versions(db, scope, &request, MAX_SELECTED).await?;
        if records.len() > MAX_SELECTED {
            let message = format!("more than {MAX_SELECTED} records: add a filter");
            return Err(Error::invalid("selection", message));
        }
        Ok(Self::new(kind, records))
    }
}

/// The fields that people may set on all records of a selection.
pub fn settable(kind: TaggedKind) -> impl Iterator<Item = &'static FieldDef> {
    let fields = by_tagged_kind!(kind, R => <<R as Resource>::Fields as Tracked>::FIELDS);
    fields.iter().filter(|field| field.editable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: &[(i64, i64)]) -> Selection {
        let at = |micros| DateTime::from_timestamp_micros(micros).unwrap();
        let records = records.iter().map(|(id, then)| (*id, at(*then)));
        Selection::new(TaggedKind::Asset, records.collect())
    }

    #[test]
    fn hash_changes_with_records_and_with_their_versions() {
        let selection = of(&[(1, 5), (2, 6)]);
        assert_eq!(selection.hash(), of(&[(1, 5), (2, 6)]).hash());
        assert_eq!(selection.hash().len(), 64);
        for other in [&[(1, 5)][..], &[(1, 5), (2, 7)], &[(1, 5), (3, 6)], &[]] {
            assert_ne!(selection.hash(), of(other).hash(), "{other:?}");
        }
    }

    #[test]
    fn drift_counts_records_that_joined_and_left() {
        let selection = of(&[(2, 1), (3, 1), (4, 1)]);
        assert_eq!(selection.drift(&[1, 2]), Drift { joined: 2, left: 1 });
        assert_eq!(selection.drift(&[4, 3, 2]), Drift::default());
    }

    #[test]
    fn fields_that_people_may_not_set_are_not_offered() {
        for kind in [TaggedKind::Asset, TaggedKind::Company, TaggedKind::Contact] {
            assert!(settable(kind).count() > 3, "{kind:?}");
        }
        assert!(settable(TaggedKind::Company).all(|field| field.name != "account_number"));
    }
}
