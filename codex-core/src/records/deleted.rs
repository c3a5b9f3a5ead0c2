//! The list of records that people have deleted.

use serde_json::Value;

use super::{Resource, Stored, Tracked, resolve::MANUAL};
use crate::{
    Result,
    list::{ColumnType, Listing, Page, PageRequest, Sort, always},
    records::DeletedOut,
    scope::Scope,
    store::{Db, Q},
};

/// Deleted records of a kind as a list; `select` and `from` are those of the kind.
pub const DELETED_LISTING: Listing = Listing {
    select: "",
    from: "",
    live: "deleted_at is not null",
    id: "id",
    search: None,
    order: "deleted_at",
    fields: &[],
    columns: &[
        always("deleted_at", "deleted_at", ColumnType::Time),
        always("id", "id", ColumnType::Int),
    ],
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

/// A page of the records of a kind that people have deleted, the newest first unless the request says otherwise.
pub(crate) async fn list<R: Resource>(
    db: &Db,
    scope: &Scope,
    request: &PageRequest,
) -> Result<Page<DeletedOut>> {
    let select = R::Fields::SELECT;
    let listing = Listing {
        select,
        from: select.rfind(" from ").map_or("", |at| &select[at..]),
        ..DELETED_LISTING
    };
    let by_people = |q: &mut Q<'_>| {
        q.push(" and id in (select record_id from claims where kind = ");
        q.push_bind(R::KIND)
            .push(" and source = ")
            .push_bind(MANUAL);
        q.push(" and gone_at is not null)");
    };
    let place = |row: &Stored<R::Fields>| {
        let key = row.deleted_at.map(|at| at.to_rfc3339());
        (row.id, key.unwrap_or_default())
    };
    let newest_first = PageRequest {
        sort: Some(
            request
                .sort
                .clone()
                .unwrap_or_else(|| Sort::new("-deleted_at")),
        ),
        ..request.clone()
    };
    let page = listing
        .page(db, scope, &newest_first, by_people, place)
        .await?;

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
