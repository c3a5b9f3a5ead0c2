//! Matches new items of a source with records that were imported from the Flask service, or that people created before.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{MAX_BINDS, Resource, SourceRecord, resolve::IMPORT};
use crate::{Result, store::Tx};

/// The key of a record by the id that a source has for it.
pub(crate) fn source_key(source: &str, external_id: &str) -> String {
    format!("{source}/{external_id}")
}

/// Finds the records of new items: record ids by item id. From then on an imported record follows its source: the import
/// alone no longer keeps it alive.
pub(super) async fn match_records<R: Resource>(
    tx: &mut Tx,
    source: &'static str,
    new: &[&SourceRecord<R>],
    issues: &mut Vec<String>,
) -> Result<HashMap<String, i64>> {
    let mut matched = if source == IMPORT {
        HashMap::new()
    } else {
        imported::<R>(tx, source, new, issues).await?
    };
    let rest: Vec<&SourceRecord<R>> = new
        .iter()
        .filter(|item| !matched.contains_key(&item.external_id))
        .copied()
        .collect();
    if !rest.is_empty() {
        let taken: HashSet<i64> = matched.values().copied().collect();
        let mut others = R::match_manual_records(tx, source, &rest, issues).await?;
        others.retain(|_, record| !taken.contains(record));
        matched.extend(others);
    }
    if source != IMPORT && !matched.is_empty() {
        follow_source::<R>(tx, matched.values().copied()).await?;
    }
    Ok(matched)
}

/// Finds imported records by their keys, the strongest first. A key matches if exactly one item and one record have it.
/// Other matches are reported as possible duplicates.
async fn imported<R: Resource>(
    tx: &mut Tx,
    source: &'static str,
    new: &[&SourceRecord<R>],
    issues: &mut Vec<String>,
) -> Result<HashMap<String, i64>> {
    let keys = R::import_keys(tx, source, new).await?;
    let records = records_by_key::<R>(tx, source, &keys).await?;
    let mut matched: HashMap<String, i64> = HashMap::new();
    if records.is_empty() {
        return Ok(matched);
    }
    let mut items_by_key: HashMap<&str, Vec<&str>> = HashMap::new();
    for (item, keys) in &keys {
        for key in keys {
            items_by_key.entry(key).or_default().push(item);
        }
    }
    let mut taken: HashSet<i64> = HashSet::new();
    let ranks = keys.values().map(Vec::len).max().unwrap_or_default();
    let mut order: Vec<&String> = keys.keys().collect();
    order.sort_unstable();
    for rank in 0..ranks {
        for item in &order {
            let key = keys.get(*item).and_then(|keys| keys.get(rank));
            let Some(key) = key.filter(|_| !matched.contains_key(*item)) else {
                continue;
            };
            let is_own = items_by_key
                .get(key.as_str())
                .is_some_and(|all| all.len() == 1);
            if let Some([record]) = records.get(key).map(Vec::as_slice)
                && is_own
                && taken.insert(*record)
            {
                matched.insert((*item).clone(), *record);
            }
        }
    }
    for item in order {
        let of_item = keys.get(item).into_iter().flatten();
        let ambiguous = of_item.clone().find(|key| records.contains_key(*key));
        if let (None, Some(key)) = (matched.get(item), ambiguous) {
            let others = records.get(key).into_iter().flatten();
            let others: Vec<String> = others.map(i64::to_string).collect();
            issues.push(format!(
                "possible duplicate: imported {} {} and new {item} share `{key}` with others; all are kept",
                R::KIND,
                others.join(", "),
            ));
        }
    }
    Ok(matched)
}

/// The imported records that the source has not stated yet, by key.
async fn records_by_key<R: Resource>(
    tx: &mut Tx,
    source: &'static str,
    keys: &HashMap<String, Vec<String>>,
) -> Result<HashMap<String, Vec<i64>>> {
    let wanted: BTreeSet<&str> = keys.values().flatten().map(String::as_str).collect();
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let mut records: HashMap<String, Vec<i64>> = HashMap::new();
    for chunk in wanted.chunks(MAX_BINDS) {
        let mut q = tx.query("select k.key, k.record_id from import_keys k where k.kind = ");
        q.push_bind(R::KIND)
            .push(" and not exists (select 1 from claims c where c.kind = ")
            .push_bind(R::KIND);
        q.push(" and c.record_id = k.record_id and c.source = ")
            .push_bind(source);
        q.push(") and k.key in ").push_list(chunk.iter().copied());
        q.push(" order by k.key, k.record_id");
        for (key, record) in q.all::<(String, i64)>().await? {
            records.entry(key).or_default().push(record);
        }
    }
    Ok(records)
}

/// Ends that the import keeps records alive: a source does from now on.
async fn follow_source<R: Resource>(tx: &mut Tx, records: impl Iterator<Item = i64>) -> Result<()> {
    let mut q = tx.query("update claims set anchor = ").of_kind(R::KIND);
    q.push_bind(false)
        .push(" where kind = ")
        .push_bind(R::KIND)
        .push(" and source = ")
        .push_bind(IMPORT);
    q.push(" and anchor and record_id in ").push_list(records);
    q.execute().await?;
    Ok(())
}

/// Stores the keys by which sources find imported records.
pub(crate) async fn save_keys<R: Resource>(tx: &mut Tx, keys: &[(String, i64)]) -> Result<()> {
    for chunk in keys.chunks(MAX_BINDS / 3) {
        let mut q = tx.query("insert into import_keys (kind, key, record_id) ");
        q.push_rows(chunk, |row, (key, record)| {
            row.bind(R::KIND).bind(key.as_str()).bind(*record);
        });
        q.push(" on conflict (kind, key, record_id) do nothing");
        q.execute().await?;
    }
    Ok(())
}

/// The number of imported records of each kind that no source has stated yet.
pub(crate) const WITHOUT_SOURCE: &str = "select c.kind, cast(count(*) as bigint) from claims c \
    where c.source = 'import' and c.anchor and c.gone_at is null and not exists (select 1 from claims m \
    where m.kind = c.kind and m.record_id = c.record_id and m.source = 'manual' and m.gone_at is not null) \
    group by c.kind order by c.kind";
