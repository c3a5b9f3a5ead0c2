//! Pairs items that arrive for the first time with records that people created before.

use std::collections::HashMap;

use super::{Resource, SourceRecord, resolve::MANUAL};
use crate::{Result, fold::IdentityKey, store::Tx};

/// Finds the manual records that new items stand for, by a value that both have. Returns record ids by item id.
///
/// A pair is one item and one record that share the value with no others. Other matches are reported as possible
/// duplicates. `columns` is `select r.id, r.<column> from <table> r`; `by_key` says whether the column holds identity
/// keys.
pub(crate) async fn match_manual_records_by<R: Resource>(
    tx: &mut Tx,
    new: &[&SourceRecord<R>],
    field: &'static str,
    (columns, column): (&'static str, &'static str),
    by_key: bool,
    issues: &mut Vec<String>,
) -> Result<HashMap<String, i64>> {
    let mut items_by_value: HashMap<String, Vec<&str>> = HashMap::new();
    for item in new {
        let Some(value) = item.fields.get(field).and_then(serde_json::Value::as_str) else {
            continue;
        };
        let value = if by_key {
            IdentityKey::new(value).to_string()
        } else {
            value.to_owned()
        };
        if !value.is_empty() {
            let items = items_by_value.entry(value).or_default();
            items.push(&item.external_id);
        }
    }
    if items_by_value.is_empty() {
        return Ok(HashMap::new());
    }
    let values = items_by_value.keys().cloned();
    let records_by_value = manual_records::<R>(tx, (columns, column), values).await?;
    let mut matched = HashMap::new();
    for (value, records) in records_by_value {
        let items = items_by_value.remove(&value).unwrap_or_default();
        if let ([item], [record]) = (items.as_slice(), records.as_slice()) {
            matched.insert((*item).to_owned(), *record);
        } else {
            let records: Vec<String> = records.iter().map(i64::to_string).collect();
            issues.push(format!(
                "possible duplicate: manual {} {} and new {} share one {field}; all are kept",
                R::KIND,
                records.join(", "),
                items.join(", "),
            ));
        }
    }
    Ok(matched)
}

/// The live records that only people keep alive, by the value of a column.
async fn manual_records<R: Resource>(
    tx: &mut Tx,
    (columns, column): (&'static str, &'static str),
    values: impl Iterator<Item = String>,
) -> Result<HashMap<String, Vec<i64>>> {
    let mut q = tx.query(columns);
    q.push(" where r.deleted_at is null and ").push(column);
    q.push(" in ").push_list(values);
    q.push(" and exists (select 1 from claims c where c.record_id = r.id and c.kind = ");
    q.push_bind(R::KIND)
        .push(" and c.source = ")
        .push_bind(MANUAL);
    q.push(" and c.anchor) and not exists (select 1 from claims c where c.record_id = r.id and c.kind = ");
    q.push_bind(R::KIND)
        .push(" and c.source <> ")
        .push_bind(MANUAL);
    q.push(" and c.anchor) order by r.id");
    let mut by_value: HashMap<String, Vec<i64>> = HashMap::new();
    for (id, value) in q.all::<(i64, String)>().await? {
        by_value.entry(value).or_default().push(id);
    }
    Ok(by_value)
}
