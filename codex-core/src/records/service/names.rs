//! What records are called: for pages and messages that name records of any kind.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    Result,
    kinds::by_kind,
    records::{Resource, Stored, Tracked as _, deleted::name_of},
    scope::Scope,
    store::Db,
};

/// Fields that stand for a record in paths, by kind; others are found by their row id.
const KEYS: [(&str, &str); 3] = [
    ("agent", "keycloak_id"),
    ("company", "account_number"),
    ("ticket", "number"),
];

/// A record by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordName {
    /// Kind of record.
    pub kind: String,
    /// Row id.
    pub id: i64,
    /// What it is called; `None` when it has no name.
    pub name: Option<String>,
    /// What names it in paths; `None` for a company without an account number.
    pub key: Option<String>,
    /// Whether it is there; deleted records keep their names.
    pub is_live: bool,
}

fn key_of(kind: &str, id: i64, fields: &Value) -> Option<String> {
    let Some((_, field)) = KEYS.iter().find(|(of, _)| *of == kind) else {
        return Some(id.to_string());
    };
    match fields.get(*field)? {
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
            kind: R::KIND.to_owned(),
            id: row.id,
            name: name_of(&fields),
            key: key_of(R::KIND, row.id, &fields),
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
    wanted: impl IntoIterator<Item = (String, i64)>,
) -> Result<HashMap<(String, i64), RecordName>> {
    let mut by_kinds: HashMap<String, Vec<i64>> = HashMap::new();
    for (kind, id) in wanted {
        by_kinds.entry(kind).or_default().push(id);
    }
    let mut found = HashMap::new();
    for (kind, mut ids) in by_kinds {
        let access = by_kind!(kind.as_str(), R => R::READ_BY);
        if !access.is_some_and(|access| access.has(scope.role())) {
            continue;
        }
        ids.sort_unstable();
        ids.dedup();
        let read = by_kind!(kind.as_str(), R => of_kind::<R>(db, &ids).await);
        let names = read.unwrap_or_else(|| Ok(Vec::new()))?;
        found.extend(names.into_iter().map(|one| ((kind.clone(), one.id), one)));
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
