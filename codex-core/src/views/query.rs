//! Reading views: for everybody but clients.

use super::{View, ViewFields, rules::is_seen};
use crate::{
    Error, Result, assets, companies, contacts,
    ids::ViewId,
    list::{ColumnType, ListedResource, Listing, Page, PageRequest, always},
    records::{Resource as _, Tracked as _},
    scope::Scope,
    store::{Db, Q, Tx},
    tickets,
};

const READING: &str = "reading views";
/// The most views that a list shows: what people save is bounded by less.
const MOST_OF_A_LIST: i64 = 500;

sql! {
    /// A live view.
    FIND = [ViewFields::SELECT, " where id = $1 and deleted_at is null"];
    /// The live views of a list that somebody sees, by name.
    OF_LIST = [ViewFields::SELECT, " where resource = $1 and deleted_at is null \
        and (audience <> 'personal' or owner = $2) order by name_fold, id limit $3"];
    /// How many personal views of a list somebody has, and how many others the list has.
    COUNTS = "select count(case when audience = 'personal' and owner = $2 then 1 end), \
        count(case when audience <> 'personal' then 1 end) from saved_views \
        where resource = $1 and deleted_at is null";
    /// The live view with a default key.
    DEFAULT = "select id from saved_views where default_key = $1 and deleted_at is null";
}

/// Views as a list.
pub const LISTING: Listing = Listing {
    select: ViewFields::SELECT,
    from: " from saved_views",
    live: "deleted_at is null",
    id: "id",
    // Views are in no search index.
    search: None,
    order: "name",
    fields: &[ViewFields::FIELDS],
    columns: &[
        always("id", "id", ColumnType::Int),
        always("created_at", "created_at", ColumnType::Time),
        always("updated_at", "updated_at", ColumnType::Time),
    ],
};

/// The list that a view is of.
pub(crate) fn listing(list: ListedResource) -> &'static Listing {
    match list {
        ListedResource::Assets => &assets::query::LISTING,
        ListedResource::Companies => &companies::query::LISTING,
        ListedResource::Contacts => &contacts::query::LISTING,
        ListedResource::Tickets => &tickets::query::LISTING,
    }
}

/// A page of the views that somebody sees, by name.
///
/// # Errors
/// [`Error::Invalid`] for a limit out of range, an unknown column, a value that does not fit its column, or a search
/// term; [`Error::Forbidden`] for clients.
pub async fn page(db: &Db, scope: &Scope, actor: &str, page: &PageRequest) -> Result<Page<View>> {
    scope.require(View::READ_BY, READING)?;
    if page.search.is_some() {
        let message = "views are not searched by text; `name__contains` compares names";
        return Err(Error::invalid("q", message));
    }
    let narrow = |q: &mut Q<'_>| {
        q.push(" and (audience <> 'personal' or owner = ");
        q.push_bind(actor).push(")");
    };
    let place = |view: &View| (view.id.0, view.fields.name_fold.to_string());
    LISTING.page(db, scope, page, narrow, place).await
}

/// The views of a list that somebody sees, by name; none for clients.
pub async fn of_list(
    db: &Db,
    scope: &Scope,
    actor: &str,
    list: ListedResource,
) -> Result<Vec<View>> {
    if scope.require(View::READ_BY, READING).is_err() {
        return Ok(Vec::new());
    }
    let q = db.query(OF_LIST).bind(list.name()).bind(actor);
    q.bind(MOST_OF_A_LIST).all().await
}

/// Looks a view up; `None` when there is none that the caller sees.
///
/// # Errors
/// [`Error::Forbidden`] for clients.
pub async fn find(db: &Db, scope: &Scope, actor: &str, id: ViewId) -> Result<Option<View>> {
    scope.require(View::READ_BY, READING)?;
    let view: Option<View> = db.query(FIND).bind(id).optional().await?;
    Ok(view.filter(|view| is_seen(&view.fields, actor)))
}

/// How many personal views of a list somebody has, and how many others the list has.
pub(crate) async fn counts(tx: &mut Tx, resource: &str, owner: &str) -> Result<(i64, i64)> {
    let q = tx.query(COUNTS).bind(resource).bind(owner);
    Ok(q.optional().await?.unwrap_or_default())
}

/// The live view that is the default of a role for a list.
pub(crate) async fn default_holder(tx: &mut Tx, key: &str) -> Result<Option<i64>> {
    tx.query(DEFAULT).bind(key).scalar().await
}
