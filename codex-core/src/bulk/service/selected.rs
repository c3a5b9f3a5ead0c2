//! Changing all records of a selection: first the plan, then, if the selection is still the same, the change.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{CHUNK, MAX_TOGETHER};
use crate::{
    Error, Fault, Outcome, Result, Scope,
    bulk::{
        Assets, BulkAction, Companies, Contacts, RecordChange, RefusedRecord, SelectedBy,
        Selection, SelectionApplied, SelectionChange, SelectionPlan, settable,
    },
    codex::Codex,
    ids::TagId,
    plural::count_of,
    records::{Author, ChangeOut, MAX_BINDS, Resource},
    tags::{TaggedKind, wire::TagRecordsIn},
};

const CHANGING: &str = "changing many records";

/// What a change has done, or would do.
#[derive(Debug, Default)]
struct Report {
    changes: Vec<ChangeOut>,
    refused: Vec<RefusedRecord>,
    taken: usize,
}

impl Codex {
    /// The records that are chosen, with their versions.
    ///
    /// # Errors
    /// [`Error::Invalid`] for more than [`crate::bulk::MAX_SELECTED`] records, or naming what cannot be listed by;
    /// [`Error::Forbidden`].
    pub async fn select(
        &self,
        scope: &Scope,
        kind: TaggedKind,
        by: &SelectedBy,
    ) -> Result<Selection> {
        scope.require_technician(CHANGING)?;
        Selection::read(&self.0.db, scope, kind, by).await
    }

    /// What a change would do to each record of a selection. Nothing is changed.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a field that nobody sets, [`Error::NotFound`] for a tag that is no more,
    /// [`Error::Forbidden`].
    pub async fn plan_selected(
        &self,
        scope: &Scope,
        author: &Author,
        selection: &Selection,
        change: &SelectionChange,
    ) -> Result<SelectionPlan> {
        let trying = Author {
            dry_run: true,
            ..author.clone()
        };
        let numbers = self.numbers(selection).await?;
        let report = self.change_selected(scope, &trying, selection, change, &numbers);
        let Report {
            changes, refused, ..
        } = report.await?;
        let by_number: HashMap<&str, i64> = numbers
            .iter()
            .map(|(id, number)| (number.as_str(), *id))
            .collect();
        let changed = changes.into_iter().filter_map(|change| {
            let number = change.company_account_number.as_deref();
            let of_company = number.and_then(|number| by_number.get(number).copied());
            Some(RecordChange {
                id: change.record_id.or(of_company)?,
                op: change.op,
                fields: change.fields,
            })
        });
        Ok(SelectionPlan {
            changes: changed.collect(),
            refused,
        })
    }

    /// Changes all records of a selection, provided that it is the one with the hash `planned`; `earlier` are the ids of
    /// that one. Records that cannot be changed are reported; the others are changed: up to [`crate::bulk::MAX_TOGETHER`]
    /// in one transaction, more in parts. If the database fails after the first part, earlier parts stay changed, and every
    /// record that may not have been changed is reported.
    ///
    /// # Errors
    /// [`Error::Conflict`] that says how many records joined and left, and as [`Codex::plan_selected`].
    pub async fn apply_selected(
        &self,
        scope: &Scope,
        author: &Author,
        selection: &Selection,
        change: &SelectionChange,
        planned: &str,
        earlier: &[i64],
    ) -> Result<SelectionApplied> {
        scope.require_technician(CHANGING)?;
        if selection.hash() != planned {
            return Err(Error::conflict(drifted(selection, earlier)));
        }
        let numbers = self.numbers(selection).await?;
        // A record may change until it is locked.
        let author = Author {
            versions: Some(Arc::new(selection.versions())),
            ..author.clone()
        };
        let report = self.change_selected(scope, &author, selection, change, &numbers);
        let report = report.await.map_err(|error| match error {
            Error::Changed => Error::conflict(drifted(selection, &selection.ids())),
            other => other,
        });
        let Report { refused, taken, .. } = report?;
        Ok(SelectionApplied { taken, refused })
    }

    async fn change_selected(
        &self,
        scope: &Scope,
        author: &Author,
        selection: &Selection,
        change: &SelectionChange,
        numbers: &HashMap<i64, String>,
    ) -> Result<Report> {
        scope.require_technician(CHANGING)?;
        match change {
            SelectionChange::Set { field, value } => {
                require_settable(selection.kind, field)?;
                self.set_all(scope, author, selection, (field.as_str(), value), numbers)
                    .await
            }
            SelectionChange::AddTag(tag) => {
                self.tag_all(scope, author, selection, *tag, true).await
            }
            SelectionChange::RemoveTag(tag) => {
                self.tag_all(scope, author, selection, *tag, false).await
            }
            SelectionChange::Delete => {
                let ids = selection.ids();
                by_tagged_kind!(selection.kind, R => self.delete_all::<R>(scope, author, &ids).await)
            }
        }
    }

    async fn set_all(
        &self,
        scope: &Scope,
        author: &Author,
        selection: &Selection,
        (field, value): (&str, &Value),
        numbers: &HashMap<i64, String>,
    ) -> Result<Report> {
        let ids = selection.ids();
        let row = |id: &i64| {
            let key = match selection.kind {
                TaggedKind::Company => ("account_number", json!(numbers.get(id))),
                TaggedKind::Asset | TaggedKind::Contact => ("id", json!(id)),
            };
            let members = [(key.0.to_owned(), key.1), (field.to_owned(), value.clone())];
            Value::Object(Map::from_iter(members))
        };
        let rows: Vec<Value> = ids.iter().map(row).collect();
        let (update, part) = (BulkAction::Update, part_of(rows.len()));
        scope.require(
            by_tagged_kind!(selection.kind, R => R::WRITTEN_BY),
            CHANGING,
        )?;
        let written = match selection.kind {
            TaggedKind::Asset => {
                let kind = Assets::default();
                self.bulk_write(author, kind, update, false, part, rows)
                    .await
            }
            TaggedKind::Company => {
                let kind = Companies::among(&rows);
                self.bulk_write(author, kind, update, false, part, rows)
                    .await
            }
            TaggedKind::Contact => {
                let kind = Contacts::default();
                self.bulk_write(author, kind, update, false, part, rows)
                    .await
            }
        };
        let (changes, out) = match written? {
            Outcome::Applied(out) => (Vec::new(), Some(out)),
            Outcome::Planned(planned) => (planned.changes, planned.rows),
        };
        let results = out.map(|out| out.results).unwrap_or_default();
        let refused = results.into_iter().filter(|row| !row.errors.is_empty());
        let refused = refused.filter_map(|row| {
            Some(RefusedRecord {
                id: *ids.get(row.index)?,
                faults: row.errors,
            })
        });
        let refused: Vec<RefusedRecord> = refused.collect();
        Ok(Report {
            changes,
            taken: ids.len() - refused.len(),
            refused,
        })
    }

    /// Adds a tag to all records, or removes it: from all of them or none.
    async fn tag_all(
        &self,
        scope: &Scope,
        author: &Author,
        selection: &Selection,
        tag: TagId,
        is_added: bool,
    ) -> Result<Report> {
        let named = TagRecordsIn {
            kind: selection.kind,
            ids: selection.ids(),
            account_numbers: Vec::new(),
        };
        let outcome = if is_added {
            let added = self.add_tag(scope, author, tag, &named).await?;
            added.map(|outcome| outcome.map(|_| ()))
        } else {
            let removed = self.remove_tag(scope, author, tag, &named).await?;
            removed.map(|outcome| outcome.map(|_| ()))
        };
        let changes = match outcome {
            None => return Err(Error::NotFound(format!("there is no tag {tag}"))),
            Some(Outcome::Applied(())) => Vec::new(),
            Some(Outcome::Planned(planned)) => planned.changes,
        };
        Ok(Report {
            changes,
            taken: named.ids.len(),
            ..Report::default()
        })
    }

    async fn delete_all<R: Resource>(
        &self,
        scope: &Scope,
        author: &Author,
        ids: &[i64],
    ) -> Result<Report> {
        scope.require(R::WRITTEN_BY, CHANGING)?;
        let mut report = Report::default();
        let part = part_of(ids.len());
        for (place, chunk) in ids.chunks(part).enumerate() {
            let found = match self.delete_part::<R>(author, chunk, &mut report).await {
                Ok(found) => found,
                // The records that were deleted before must be reported.
                Err(error) if report.taken > 0 && !author.dry_run => {
                    tracing::error!(error = error.chain(), "Deleting many records broke off");
                    let rest = ids.iter().skip(place * part);
                    report.refused.extend(rest.map(|id| RefusedRecord {
                        id: *id,
                        faults: vec![Fault::of_all(
                            "may not have been deleted: the database failed",
                        )],
                    }));
                    return Ok(report);
                }
                Err(error) => return Err(error),
            };
            report.taken += found.len();
            let gone = chunk.iter().filter(|id| !found.contains(id));
            report.refused.extend(gone.map(|id| RefusedRecord {
                id: *id,
                faults: vec![Fault::of_all("was deleted meanwhile")],
            }));
        }
        Ok(report)
    }

    /// Deletes some records in one transaction; gives those that were live.
    async fn delete_part<R: Resource>(
        &self,
        author: &Author,
        ids: &[i64],
        report: &mut Report,
    ) -> Result<Vec<i64>> {
        let mut tx = self.0.db.begin().await?;
        let mut writer = self.writer(&mut tx, author);
        let (found, summary) = writer.delete::<R>(ids).await?;
        if let Outcome::Planned(planned) = Self::conclude(tx, author, summary, ()).await? {
            report.changes.extend(planned.changes);
        }
        Ok(found)
    }

    /// The account numbers of selected companies by row id; none of other records, which are named by their ids.
    async fn numbers(&self, selection: &Selection) -> Result<HashMap<i64, String>> {
        let mut numbers = HashMap::new();
        if selection.kind != TaggedKind::Company {
            return Ok(numbers);
        }
        for chunk in selection.ids().chunks(MAX_BINDS) {
            let mut q = self.0.db.query(
                "select id, account_number from companies where account_number is not null and id in ",
            );
            q.push_list(chunk.iter().copied());
            numbers.extend(q.all::<(i64, String)>().await?);
        }
        Ok(numbers)
    }
}

/// The records of one transaction: all up to [`MAX_TOGETHER`], else a part, so that others need not wait long.
fn part_of(records: usize) -> usize {
    if records <= MAX_TOGETHER {
        MAX_TOGETHER
    } else {
        CHUNK
    }
}

/// Refuses a field that nobody sets, before each record is refused for it.
fn require_settable(kind: TaggedKind, field: &str) -> Result<()> {
    if settable(kind).any(|known| known.name == field) {
        return Ok(());
    }
    let message = format!("nobody sets `{field}` of these records");
    Err(Error::invalid("field", message))
}

/// How a selection has changed since its plan.
fn drifted(selection: &Selection, earlier: &[i64]) -> String {
    let drift = selection.drift(earlier);
    let changed = if drift.joined + drift.left == 0 {
        "a record of it was changed".to_owned()
    } else {
        format!(
            "{} joined and {} left",
            count_of(drift.joined, "record"),
            count_of(drift.left, "record")
        )
    };
    format!("the selection is not the one that was planned: {changed}; nothing was changed")
}
