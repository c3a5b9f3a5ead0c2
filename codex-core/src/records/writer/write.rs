//! Step 3: records that differ from their row become rows, log entries and search entries.

use serde_json::{Map, Value};

use super::{Change, RecordWriter, WriteSummary, classify::Changed, merge::Merged};
use crate::{
    Result,
    records::search_index,
    records::{
        ChangeOp, Draft, Resource, SourceRecord, Tracked, WrittenPage, as_map,
        change_log::{self, Entry},
        claims::{self, ClaimsByRecord, MAX_BINDS, NewClaim},
    },
};

/// A record that differs from its row, how, and in which fields.
type Difference<R> = (Draft<R>, ChangeOp, Map<String, Value>);

impl RecordWriter<'_> {
    /// Saves the claims of changed statements, each as it is after the merge with what its source stated before.
    pub(crate) async fn save_claims<R: Resource>(
        &mut self,
        changed: &[Changed<R>],
        claims: &ClaimsByRecord,
    ) -> Result<()> {
        let new: Vec<NewClaim<'_>> = changed
            .iter()
            .map(|statement| {
                let (origin, item) = (statement.origin, &statement.item);
                let merged = claims.get(&statement.record).and_then(|all| {
                    all.iter()
                        .find(|c| c.source == origin.name() && c.external_id == item.external_id)
                });
                NewClaim {
                    source: origin.name(),
                    external_id: &item.external_id,
                    record_id: statement.record,
                    scope: &item.scope,
                    anchor: origin.is_main(),
                    fields: merged.map_or(&item.fields, |claim| &claim.fields),
                    extra: merged.map_or(&item.extra, |claim| &claim.extra),
                    hash: statement.hash,
                    source_updated_at: item.source_updated_at,
                    live: true,
                }
            })
            .collect();
        claims::save::<R>(self.tx, self.author, &new).await
    }

    /// Writes the records that differ from their rows: rows, search entries, log entries.
    ///
    /// In: drafts of [`RecordWriter::merge`]. Out: the drafts whose row was written; `summary` gets counts and changes.
    pub(crate) async fn write<R: Resource>(
        &mut self,
        merged: Merged<R>,
        summary: &mut WriteSummary,
    ) -> Result<Vec<Draft<R>>> {
        let mut written = Vec::new();
        let mut entries = Vec::new();
        for (draft, op, fields) in differences(merged)? {
            summary.count(op);
            // The log need not hold the values of a new record: the row does.
            let logged = if op == ChangeOp::Create {
                Map::new()
            } else {
                fields.clone()
            };
            entries.push(Entry {
                kind: R::KIND,
                record_id: draft.id,
                op,
                changes: logged,
            });
            summary.changes.push(Change {
                kind: R::KIND.into(),
                record_id: draft.id,
                op,
                fields,
            });
            written.push(draft);
        }
        self.write_rows(&written).await?;
        search_index::follow(self.tx, &written).await?;
        change_log::append(self.tx, self.author, &entries).await?;
        Ok(written)
    }

    /// Inserts or updates the rows of drafts.
    async fn write_rows<R: Resource>(&mut self, drafts: &[Draft<R>]) -> Result<()> {
        let at = self.author.at;
        for chunk in drafts.chunks(MAX_BINDS / R::Fields::COLUMNS) {
            let mut q = self.tx.query(R::Fields::INSERT);
            q.push_upsert_rows(
                chunk,
                |draft| draft.id,
                |row, draft: &Draft<R>| {
                    let created = draft.before.as_ref().map_or(at, |before| before.created_at);
                    row.bind(draft.id)
                        .bind(created)
                        .bind(at)
                        .bind((!draft.alive).then_some(at));
                    draft.fields.bind(row);
                },
            );
            q.push(R::Fields::ON_CONFLICT);
            q.execute().await?;
        }
        Ok(())
    }

    /// Calls the resource to write what belongs to the records: status, secrets, links.
    ///
    /// In: every item of the page with its record, changed or not, and the drafts whose row was written.
    pub(crate) async fn after_write<R: Resource>(
        &mut self,
        source: &str,
        items: &[(i64, SourceRecord<R>)],
        written: &[Draft<R>],
    ) -> Result<()> {
        let page = WrittenPage {
            source,
            items,
            written,
            author: self.author,
        };
        R::after_write(self.tx, &page).await
    }
}

/// The drafts that differ from their rows.
fn differences<R: Resource>(merged: Merged<R>) -> Result<Vec<Difference<R>>> {
    let Merged { drafts, mut rows } = merged;
    let blank = if drafts.iter().any(|draft| draft.before.is_none()) {
        as_map(&R::Fields::default())?
    } else {
        Map::new()
    };
    let mut differing = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let row = rows.remove(&draft.id);
        if let Some((op, fields)) = difference(&draft, row, &blank)? {
            differing.push((draft, op, fields));
        }
    }
    Ok(differing)
}

/// How a draft differs from its row, with before and after of each field; `None` when it does not. `row` is the row as a
/// map where there is one already, `blank` a record without values. A deletion has no fields: the row keeps them.
fn difference<R: Resource>(
    draft: &Draft<R>,
    row: Option<Map<String, Value>>,
    blank: &Map<String, Value>,
) -> Result<Option<(ChangeOp, Map<String, Value>)>> {
    let Some(before) = &draft.before else {
        let fields = change_log::difference(blank, &as_map(&draft.fields)?);
        return Ok(Some((ChangeOp::Create, fields)));
    };
    let op = match (before.deleted_at.is_none(), draft.alive) {
        (true, true) => ChangeOp::Update,
        (true, false) => return Ok(Some((ChangeOp::Delete, Map::new()))),
        (false, true) => ChangeOp::Restore,
        (false, false) => return Ok(None),
    };
    // Equal structs are equal maps. Maps decide about the others, because they leave derived fields out.
    let fields = if before.fields == draft.fields {
        Map::new()
    } else {
        let before = row.map_or_else(|| as_map(&before.fields), Ok)?;
        change_log::difference(&before, &as_map(&draft.fields)?)
    };
    Ok((op == ChangeOp::Restore || !fields.is_empty()).then_some((op, fields)))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::{
        assets::{Asset, AssetFields},
        records::Stored,
    };

    fn fields(hostname: &str) -> AssetFields {
        AssetFields {
            hostname: Some(hostname.into()),
            ..AssetFields::default()
        }
    }

    fn draft(before: Option<(&str, bool)>, hostname: &str, alive: bool) -> Draft<Asset> {
        let before = before.map(|(hostname, live)| Stored {
            id: 7,
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: (!live).then_some(DateTime::UNIX_EPOCH),
            fields: fields(hostname),
        });
        Draft {
            id: 7,
            before,
            fields: fields(hostname),
            claims: Vec::new(),
            alive,
        }
    }

    fn differs(draft: &Draft<Asset>) -> Option<(ChangeOp, Value)> {
        let blank = as_map(&AssetFields::default()).unwrap();
        let found = difference(draft, None, &blank).unwrap();
        found.map(|(op, fields)| (op, Value::Object(fields)))
    }

    #[test]
    fn a_changed_field_has_before_and_after() {
        let renamed = json!({"hostname": {"before": "PC-1", "after": "PC-2"}});
        let update = draft(Some(("PC-1", true)), "PC-2", true);
        assert_eq!(differs(&update), Some((ChangeOp::Update, renamed.clone())));
        let restore = draft(Some(("PC-1", false)), "PC-2", true);
        assert_eq!(differs(&restore), Some((ChangeOp::Restore, renamed)));
    }

    #[test]
    fn a_new_record_differs_in_what_it_has() {
        let fields = json!({"hostname": {"before": null, "after": "PC-1"}});
        let create = draft(None, "PC-1", true);
        assert_eq!(differs(&create), Some((ChangeOp::Create, fields)));
    }

    #[test]
    fn a_deletion_has_no_fields_and_happens_once() {
        let delete = draft(Some(("PC-1", true)), "PC-1", false);
        assert_eq!(differs(&delete), Some((ChangeOp::Delete, json!({}))));
        assert_eq!(differs(&draft(Some(("PC-1", false)), "PC-1", false)), None);
    }

    #[test]
    fn derived_fields_alone_are_no_difference() {
        let mut same = draft(Some(("PC-1", true)), "PC-1", true);
        assert_eq!(differs(&same), None);
        same.fields.mac_key = Some("001A2B3C4D5E".into());
        assert_eq!(differs(&same), None);
    }
}
