//! Manual records, manual values and manual deletions: what people state.
//!
//! All of it is one claim per record, of the source `manual`:
//!
//! * `fields` are the manual values; `extra` holds the sources' values that they replaced;
//! * `anchor` says that the record stays although no source has it: a person created it, or restored it;
//! * `live` is false once a person has deleted the record.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::{
    Change, ChangeOp, Resource, Stored, Tracked, WriteSummary, as_map, bump_revision,
    change_log::{self, Entry},
    claims::{self, NewClaim},
    patch::{NUL, has_nul, type_faults},
    resolve::{self, Claim, MANUAL},
    writer::RecordWriter,
};
use crate::{Error, Result, nearest::hint};

/// A record while its manual claim is edited; see [`RecordWriter::edit_manual_claims`].
struct EditedRecord<'c> {
    /// Whether the record is deleted.
    deleted: bool,
    /// The manual claim; an empty one when nobody has edited the record before.
    manual: &'c mut Claim,
    /// The values that the record would have without the manual claim.
    source_values: Map<String, Value>,
    /// Whether a source keeps the record alive.
    kept_by_source: bool,
}

impl RecordWriter<'_> {
    /// Creates manual records; returns their row ids in order. The number of SQL statements does not depend on the
    /// number of records.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a field that the kind does not have or whose type is wrong.
    pub async fn create<R: Resource>(
        &mut self,
        records: Vec<Map<String, Value>>,
    ) -> Result<(Vec<i64>, WriteSummary)> {
        check_fields::<R>(records.iter())?;
        let ids = self.reserve::<R>(records.len()).await?;
        let manual = ids.iter().zip(records).map(|(id, fields)| {
            let claim = Claim {
                anchor: true,
                fields,
                ..empty_manual_claim(*id)
            };
            (*id, claim)
        });
        let manual: Vec<(i64, Claim)> = manual.collect();
        self.save_manual_claims::<R>(&manual).await?;
        let mut summary = WriteSummary::default();
        let rows = ids.iter().map(|id| (*id, None)).collect();
        let claims = manual.into_iter().map(|(id, claim)| (id, vec![claim]));
        let claims = claims.collect();
        let merged = self.merge::<R>(rows, claims, &mut summary.issues).await?;
        let written = self.write(merged, &mut summary).await?;
        self.after_write::<R>(MANUAL, &[], &written).await?;
        Ok((ids, summary))
    }

    /// Sets manual values of one record. They win over the sources until they are released. `None` when there is no
    /// such live record.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a field that the kind does not have or whose type is wrong.
    pub async fn edit<R: Resource>(
        &mut self,
        id: i64,
        values: Map<String, Value>,
    ) -> Result<Option<WriteSummary>> {
        let (found, summary) = self.edit_all::<R>(HashMap::from([(id, values)])).await?;
        Ok((!found.is_empty()).then_some(summary))
    }

    /// Sets manual values of many records, in O(1) SQL statements; gives the ids of those that are live.
    ///
    /// # Errors
    /// As [`RecordWriter::edit`].
    pub async fn edit_all<R: Resource>(
        &mut self,
        mut values: HashMap<i64, Map<String, Value>>,
    ) -> Result<(Vec<i64>, WriteSummary)> {
        check_fields::<R>(values.values())?;
        let ids: Vec<i64> = values.keys().copied().collect();
        self.edit_manual_claims::<R>(&ids, |id, edited| {
            if edited.deleted {
                return false;
            }
            for (name, value) in values.remove(&id).unwrap_or_default() {
                let replaced = edited.source_values.get(&name).cloned().unwrap_or_default();
                edited.manual.extra.insert(name.clone(), replaced);
                edited.manual.fields.insert(name, value);
            }
            true
        })
        .await
    }

    /// Releases a manual value, so that the field follows the sources again. `None` when there is no such live
    /// record, or the field has no manual value.
    ///
    /// # Errors
    /// [`Error::Conflict`] when people created the record and no source states the field.
    pub async fn release<R: Resource>(
        &mut self,
        id: i64,
        name: &str,
    ) -> Result<Option<WriteSummary>> {
        let claims = claims::of_records::<R>(self.tx, &[id]).await?;
        let claims = claims.get(&id).map_or(&[][..], Vec::as_slice);
        let states = |claim: &&Claim| claim.fields.contains_key(name);
        let Some(manual) = claims
            .iter()
            .find(|claim| claim.source == MANUAL)
            .filter(states)
        else {
            return Ok(None);
        };
        if manual.anchor
            && !claims
                .iter()
                .any(|claim| claim.source != MANUAL && states(&claim))
        {
            return Err(Error::conflict(format!(
                "people made this record and no source states `{name}`; set another value instead"
            )));
        }
        let (found, mut summary) = self
            .edit_manual_claims::<R>(&[id], |_, edited| {
                edited.manual.fields.remove(name);
                edited.manual.extra.remove(name);
                !edited.deleted
            })
            .await?;
        if summary.changes.is_empty() {
            // The value stays the same, but the next sync may change it: readers must notice the release.
            bump_revision::<R>(self.tx, self.author, found.iter().copied()).await?;
        }
        summary.changes.append(&mut summary.same_values);
        Ok((!found.is_empty()).then_some(summary))
    }

    /// Deletes records. No sync brings them back, only [`RecordWriter::restore`] does. Gives the ids of those that were
    /// live.
    pub async fn delete<R: Resource>(&mut self, ids: &[i64]) -> Result<(Vec<i64>, WriteSummary)> {
        self.edit_manual_claims::<R>(ids, |_, edited| {
            edited.manual.live = false;
            !edited.deleted
        })
        .await
    }

    /// Stops keeping manual records alive: those that no source has are soft-deleted.
    pub async fn release_records<R: Resource>(&mut self, ids: &[i64]) -> Result<WriteSummary> {
        let (_, summary) = self
            .edit_manual_claims::<R>(ids, |_, edited| {
                std::mem::replace(&mut edited.manual.anchor, false)
            })
            .await?;
        Ok(summary)
    }

    /// Restores a record that a person deleted; `None` when there is no such record. One that no source has any more
    /// becomes a manual record.
    ///
    /// # Errors
    /// [`Error::Conflict`] naming the record that has taken its place.
    pub async fn restore<R: Resource>(&mut self, id: i64) -> Result<Option<WriteSummary>> {
        if let Some(holder) = self.in_place_of::<R>(id).await? {
            let message = format!("{} {holder} has taken the place of {id}", R::KIND);
            return Err(Error::conflict(message));
        }
        let (found, summary) = self
            .edit_manual_claims::<R>(&[id], |_, edited| {
                let deleted_by_person = edited.deleted && !edited.manual.live;
                edited.manual.live = true;
                edited.manual.anchor |= !edited.kept_by_source;
                deleted_by_person
            })
            .await?;
        Ok((!found.is_empty()).then_some(summary))
    }

    /// The live record that has the unique values of a deleted one.
    async fn in_place_of<R: Resource>(&mut self, id: i64) -> Result<Option<i64>> {
        if R::UNIQUE.is_empty() {
            return Ok(None);
        }
        let table = R::Fields::TABLE;
        let mut q = self.tx.query("select o.id from ");
        q.push(table)
            .push(" o join ")
            .push(table)
            .push(" r on o.id <> r.id");
        for column in R::UNIQUE {
            q.push(" and o.").push(column).push(" = r.").push(column);
        }
        q.push(" where o.deleted_at is null and r.deleted_at is not null and r.id = ");
        q.push_bind(id);
        q.scalar().await
    }

    /// Edits the manual claims of records, merges the records again and logs what was set or released.
    ///
    /// In: ids, and `edit`, which changes the manual claim of one record and returns whether the edit applies to that
    /// record; if not, nothing of it is saved. Out: the ids to which it applies.
    ///
    /// # Errors
    /// [`Error::Changed`] when a record was changed after [`super::Author::unchanged_since`], or after its moment in
    /// [`super::Author::versions`].
    async fn edit_manual_claims<R: Resource>(
        &mut self,
        ids: &[i64],
        mut edit: impl FnMut(i64, EditedRecord<'_>) -> bool,
    ) -> Result<(Vec<i64>, WriteSummary)> {
        let rows = self.lock::<R>(ids).await?;
        let mut claims = claims::of_records::<R>(self.tx, ids).await?;
        let mut edited: Vec<(i64, Claim)> = Vec::with_capacity(rows.len());
        let mut touched = Vec::with_capacity(rows.len());
        for (id, row) in &rows {
            if !self.author.has_seen(*id, row.updated_at) {
                return Err(Error::Changed);
            }
            let all = claims.remove(id).unwrap_or_default();
            let (manual, sources): (Vec<Claim>, Vec<Claim>) =
                all.into_iter().partition(|claim| claim.source == MANUAL);
            let manual = manual.into_iter().next();
            let mut manual = manual.unwrap_or_else(|| empty_manual_claim(*id));
            let before = manual.fields.clone();
            let record = EditedRecord {
                deleted: row.deleted_at.is_some(),
                manual: &mut manual,
                kept_by_source: resolve::alive(&sources),
                source_values: resolve::resolve(self.precedence, R::KIND, &sources, None),
            };
            if edit(*id, record) {
                touched.push((*id, differing_names(&before, &manual.fields)));
                edited.push((*id, manual));
            }
        }
        self.save_manual_claims::<R>(&edited).await?;
        let ids: Vec<i64> = edited.iter().map(|(id, _)| *id).collect();
        let mut summary = self.refresh::<R>(&ids).await?;
        let logged = &summary.changes;
        summary.same_values = self.log_same_values::<R>(&rows, touched, logged).await?;
        Ok((ids, summary))
    }

    /// Writes manual claims, each with the id of its record.
    pub(super) async fn save_manual_claims<R: Resource>(
        &mut self,
        manual: &[(i64, Claim)],
    ) -> Result<()> {
        let claims: Vec<NewClaim<'_>> = manual
            .iter()
            .map(|(id, claim)| NewClaim {
                source: MANUAL,
                external_id: &claim.external_id,
                record_id: *id,
                scope: "",
                anchor: claim.anchor,
                fields: &claim.fields,
                extra: &claim.extra,
                hash: 0,
                source_updated_at: None,
                live: claim.live,
            })
            .collect();
        claims::save::<R>(self.tx, self.author, &claims).await
    }

    /// Logs manual values that were set or released although the record's value stays the same: from then on
    /// another source decides. Such an entry has the same value before and after.
    ///
    /// In: the rows, the names of the fields that were set or released, and the changes that are logged already. Out:
    /// the entries as changes.
    async fn log_same_values<R: Resource>(
        &mut self,
        rows: &HashMap<i64, Stored<R::Fields>>,
        touched: Vec<(i64, Vec<String>)>,
        logged: &[Change],
    ) -> Result<Vec<Change>> {
        let logged: BTreeSet<(i64, &str)> = logged
            .iter()
            .flat_map(|change| {
                change
                    .fields
                    .keys()
                    .map(|name| (change.record_id, name.as_str()))
            })
            .collect();
        let mut entries = Vec::new();
        for (record_id, mut names) in touched {
            names.retain(|name| !logged.contains(&(record_id, name.as_str())));
            let Some(row) = rows.get(&record_id).filter(|_| !names.is_empty()) else {
                continue;
            };
            let values = as_map(&row.fields)?;
            let same = names.into_iter().map(|name| {
                let value = values.get(&name).cloned().unwrap_or_default();
                (name, json!({ "before": value, "after": value }))
            });
            entries.push(Entry {
                kind: R::KIND,
                record_id,
                op: ChangeOp::Update,
                changes: same.collect(),
            });
        }
        entries.sort_by_key(|entry| entry.record_id);
        change_log::append(self.tx, self.author, &entries).await?;
        Ok(entries.iter().map(Change::from).collect())
    }
}

/// The manual claim of a record that nobody has edited.
pub(super) fn empty_manual_claim(id: i64) -> Claim {
    Claim {
        source: MANUAL.to_owned(),
        external_id: id.to_string(),
        live: true,
        anchor: false,
        fields: Map::new(),
        extra: Map::new(),
    }
}

/// Names of the fields that differ between two maps.
fn differing_names(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<String> {
    let set = after
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(value))
        .map(|(name, _)| name);
    let released = before.keys().filter(|name| !after.contains_key(*name));
    set.chain(released).cloned().collect()
}

/// Checks names and types once more before anything is written, without relying on the caller.
fn check_fields<'m, R: Resource>(
    records: impl Iterator<Item = &'m Map<String, Value>>,
) -> Result<()> {
    for fields in records {
        let unknown = fields
            .keys()
            .find(|name| !R::Fields::NAMES.contains(&name.as_str()));
        if let Some(name) = unknown {
            let hint = hint(name, R::Fields::NAMES.iter().copied());
            let message = format!("{} has no such field{hint}", R::RECORD_KIND.with_article());
            return Err(Error::invalid(name.clone(), message));
        }
        if let Some((name, _)) = fields.iter().find(|(_, value)| has_nul(value)) {
            return Err(Error::invalid(name.clone(), NUL));
        }
        let faults = type_faults::<R::Fields>(fields);
        if let Some(fault) = faults.into_iter().next() {
            let name = fault.pointer.trim_start_matches('/').to_owned();
            return Err(Error::invalid(name, fault.detail));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_changed_and_released_names_differ() {
        let map = |value: Value| match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        };
        let before = map(json!({"same": 1, "changed": 1, "released": 1}));
        let after = map(json!({"same": 1, "changed": 2, "set": null}));
        let names = differing_names(&before, &after);
        assert_eq!(names, ["changed", "set", "released"]);
    }
}
