//! What records are called: for pages and messages that name records of any kind.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    RecordKind, Result,
    records::{Resource, Stored, Tracked as _, deleted::name_of},
    scope::Scope,
    store::Db,
};

/// A record by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordName {
    /// Kind of record.
    pub kind: RecordKind,
    /// Row id.
    pub id: i64,
    /// What it is called; `None` when it has no name.
    pub name: Option<String>,
    /// What names it in paths; `None` for a company without an account number.
    pub key: Option<String>,
    /// Whether it is there; deleted records keep their names.
    pub is_live: bool,
}

/// What names a record in paths.
fn key_of<R: Resource>(id: i64, fields: &Value) -> Option<String> {
    let Some(field) = R::KEY else {
        return Some(id.to_string());
    };
    match fields.get(field)? {
        Value::String(key) => Some(key.clone()),
        Value::Number(key) => Some(key.to_string()),
        _ => None,
    }
}

async fn of_kind<R: Resource>(db: &Db, ids: &[i64]) -> Result<Vec<RecordName>> {
    let mut q = db.query(R::Fields::SELECT);
    q.push(" where id in ").push_list(ids.iter().copied());
    let rows = q.all::<Stored<R::Fields>>().await?;
    let names = rows.into_iter().map(|row| {
        let fields = serde_json::to_value(&row.fields).unwrap_or_default();
        RecordName {
            kind: R::RECORD_KIND,
            id: row.id,
            name: name_of(&fields),
            key: key_of::<R>(row.id, &fields),
            is_live: row.deleted_at.is_none(),
        }
    });
    Ok(names.collect())
}

/// The names of some records by kind and row id: a statement for each kind. Those of kinds that the caller may not read
/// are left out.
pub(crate) async fn names(
    db: &Db,
    scope: &Scope,
    wanted: impl IntoIterator<Item = (RecordKind, i64)>,
) -> Result<HashMap<(RecordKind, i64), RecordName>> {
    let mut by_kinds: HashMap<RecordKind, Vec<i64>> = HashMap::new();
    for (kind, id) in wanted {
        by_kinds.entry(kind).or_default().push(id);
    }
    let mut found = HashMap::new();
    for (kind, mut ids) in by_kinds {
        if !by_kind!(kind, R => R::READ_BY.has(scope.role())) {
            continue;
        }
        ids.sort_unstable();
        ids.dedup();
        let names = by_kind!(kind, R => of_kind::<R>(db, &ids).await?);
        found.extend(names.into_iter().map(|one| ((kind, one.id), one)));
    }
    Ok(found)
}

/// The row ids of what a source calls so, by kind and the source's id.
pub(crate) async fn by_external_ids(
    db: &Db,
    source: &str,
    kinds: &[&str],
    external_ids: &[&str],
) -> Result<HashMap<(String, String), i64>> {
    if kinds.is_empty() || external_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = db.query("select kind, external_id, record_id from claims where source = ");
    q.push_bind(source).push(" and kind in ");
    q.push_list(kinds.iter().copied())
        .push(" and external_id in ")
        .push_list(external_ids.iter().copied());
    let rows: Vec<(String, String, i64)> = q.all().await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(kind, id, record)| ((kind, id), record))
        .collect())
}
