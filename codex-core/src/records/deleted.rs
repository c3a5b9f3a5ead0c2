//! The list of records that people have deleted.

use chrono::DateTime;
use serde_json::Value;

use super::{Resource, Stored, Tracked, resolve::MANUAL};
use crate::{
    Error, Result,
    list::{Cursor, Page, PageRequest},
    records::DeletedOut,
    store::Db,
};

/// Fields that name a record.
const NAMES: [&str; 7] = [
    "name",
    "hostname",
    "subject",
    "username",
    "plan_name",
    "option_value",
    "key",
];

/// The name of a record among its fields.
pub(crate) fn name_of(fields: &Value) -> Option<String> {
    let mut names = NAMES.iter();
    let name = names.find_map(|name| fields.get(*name).and_then(Value::as_str));
    name.map(str::to_owned)
}

/// A page of the records of a kind that people have deleted, the newest first.
pub(crate) async fn list<R: Resource>(db: &Db, page: &PageRequest) -> Result<Page<DeletedOut>> {
    let limit = page.limit()?;
    let mut q = db.query(R::Fields::SELECT);
    q.push(" where deleted_at is not null and id in (select record_id from claims where kind = ");
    q.push_bind(R::KIND)
        .push(" and source = ")
        .push_bind(MANUAL);
    q.push(" and gone_at is not null)");
    if let Some(after) = &page.cursor {
        let key = DateTime::parse_from_rfc3339(after.key());
        let at = key.map_err(|_| Error::invalid("cursor", "is not one of this list"))?;
        q.push(" and (deleted_at, id) < (").push_bind(at.to_utc());
        q.push(", ").push_bind(after.id()).push(")");
    }
    q.push(" order by deleted_at desc, id desc limit ")
        .push_bind(i64::from(limit) + 1);
    let rows = q.all::<Stored<R::Fields>>().await?;
    let key = |row: &Stored<R::Fields>| row.deleted_at.map(|at| at.to_rfc3339());
    let page = Page::cut(rows, limit, |last| {
        Cursor::new(key(last).unwrap_or_default(), last.id)
    });

    let mut q = db.query("select record_id, actor from change_log where op = 'delete' and kind = ");
    q.push_bind(R::KIND).push(" and record_id in ");
    q.push_list(page.items.iter().map(|row| row.id))
        .push(" order by id");
    let by: std::collections::HashMap<i64, String> =
        q.all::<(i64, String)>().await?.into_iter().collect();
    Ok(page.map(|row| {
        let fields = serde_json::to_value(&row.fields).unwrap_or_default();
        DeletedOut {
            deleted_at: row.deleted_at.unwrap_or(row.updated_at),
            deleted_by: by.get(&row.id).cloned(),
            id: row.id,
            kind: R::RECORD_KIND,
            name: name_of(&fields),
        }
    }))
}
