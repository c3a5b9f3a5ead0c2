//! Reading tags: for everybody but clients.

use std::collections::HashMap;

use super::{Tag, TagFields, TagUses, rules::Tagged};
use crate::{
    Error, Result,
    assets::Asset,
    companies::Company,
    contacts::Contact,
    fold::IdentityKey,
    ids::{CompanyId, TagId},
    list::{ColumnType, Listing, Page, PageRequest, always},
    records::{Resource as _, Tracked as _},
    scope::Scope,
    store::{Db, Q, Tx},
};

const READING: &str = "reading tags";

/// Counts links to live records by tag and kind; the list of tags goes between the two parts.
const USES: &str = "select l.tag_id, l.kind, count(*) from record_tags l where l.tag_id in ";
const OF_LIVE_RECORDS: &str = " and (l.kind = 'asset' and exists (select 1 from assets r \
        where r.id = l.record_id and r.deleted_at is null) \
    or l.kind = 'company' and exists (select 1 from companies r \
        where r.id = l.record_id and r.deleted_at is null) \
    or l.kind = 'contact' and exists (select 1 from contacts r \
        where r.id = l.record_id and r.deleted_at is null)) group by l.tag_id, l.kind";
/// The names of the tags of records; the select ends before the kind.
const NAMES: &str = "select l.record_id, g.name from record_tags l join tags g on g.id = l.tag_id \
    and g.deleted_at is null where l.kind = ";

sql! {
    /// A live tag.
    FIND = [TagFields::SELECT, " where id = $1 and deleted_at is null"];
    /// The live tag that has a name.
    HOLDER = "select id, name from tags where name_key = $1 and deleted_at is null";
    /// Adds the tags of a record to the record that it is merged into, except those that it already has.
    COPY_TAGS = "insert into record_tags (tag_id, kind, record_id, created_at, created_by) \
        select tag_id, kind, $3, created_at, created_by from record_tags where kind = $1 and record_id = $2 \
        on conflict (kind, record_id, tag_id) do nothing";
}

/// Tags as a list.
pub const LISTING: Listing = Listing {
    select: TagFields::SELECT,
    from: " from tags",
    live: "deleted_at is null",
    id: "id",
    // Tags are in no search index.
    search: None,
    order: "name",
    fields: &[TagFields::FIELDS],
    columns: &[
        always("id", "id", ColumnType::Int),
        always("created_at", "created_at", ColumnType::Time),
        always("updated_at", "updated_at", ColumnType::Time),
    ],
};

/// `tag_column!("a.id", "asset")` is the column `tag` of the list of assets: the names of an asset's tags. The first is
/// the row id in SQL, the second the kind in links.
macro_rules! tag_column {
    ($id:literal, $kind:literal) => {
        crate::list::Column {
            staff: true,
            ..crate::list::column("tag", "g.name", crate::list::ColumnType::Text)
        }
        .several(crate::list::Several {
            before: concat!(
                $id,
                " in (select l.record_id from record_tags l where l.kind = '",
                $kind,
                "' and l.tag_id in (select g.id from tags g where g.deleted_at is null"
            ),
            // Tags belong to no company, and clients may not list by them.
            company: "null",
            behind: "))",
        })
    };
}
pub(crate) use tag_column;

/// A page of tags by name, each with how many records have it.
///
/// # Errors
/// [`Error::Invalid`] for a limit out of range, an unknown column, a value that does not fit its column, or a search
/// term; [`Error::Forbidden`] for clients.
pub async fn page(db: &Db, scope: &Scope, page: &PageRequest) -> Result<Page<(Tag, TagUses)>> {
    scope.require(Tag::READ_BY, READING)?;
    if page.search.is_some() {
        let message = "tags are not searched by text; `name__contains` compares names";
        return Err(Error::invalid("q", message));
    }
    let place = |tag: &Tag| (tag.id.0, tag.fields.name_fold.to_string());
    let page = LISTING.page(db, scope, page, |_| (), place).await?;
    let ids: Vec<TagId> = page.items.iter().map(|tag| tag.id).collect();
    let uses = uses(db, &ids).await?;
    Ok(page.map(|tag| {
        let uses = uses.get(&tag.id).copied().unwrap_or_default();
        (tag, uses)
    }))
}

/// Looks a tag up, with how many records have it.
///
/// # Errors
/// [`Error::Forbidden`] for clients.
pub async fn find(db: &Db, scope: &Scope, id: TagId) -> Result<Option<(Tag, TagUses)>> {
    scope.require(Tag::READ_BY, READING)?;
    let Some(tag) = db.query(FIND).bind(id).optional::<Tag>().await? else {
        return Ok(None);
    };
    let uses = uses(db, &[id]).await?;
    Ok(Some((tag, uses.get(&id).copied().unwrap_or_default())))
}

/// How many live records have each of some tags.
async fn uses(db: &Db, tags: &[TagId]) -> Result<HashMap<TagId, TagUses>> {
    let mut q = db.query(USES);
    q.push_list(tags.iter().copied()).push(OF_LIVE_RECORDS);
    let mut uses: HashMap<TagId, TagUses> = HashMap::new();
    for (tag, kind, count) in q.all::<(TagId, String, i64)>().await? {
        let of_tag = uses.entry(tag).or_default();
        match kind.as_str() {
            Asset::KIND => of_tag.assets = count,
            Company::KIND => of_tag.companies = count,
            Contact::KIND => of_tag.contacts = count,
            _ => {}
        }
    }
    Ok(uses)
}

/// A page of records, of all companies that the caller sees or of one; with the names of their tags on request.
///
/// # Errors
/// [`Error::Invalid`] for a limit out of range, an unknown column or one that the caller does not see, a value that
/// does not fit its column.
pub(crate) async fn page_of<R: Tagged>(
    listing: &Listing,
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    request: &PageRequest,
) -> Result<Page<R>> {
    let narrow = |q: &mut Q<'_>| (R::LIST.narrow)(q, scope, company);
    let page = listing.page(db, scope, request, narrow, R::list_place);
    let mut page = page.await?;
    if request.tags {
        load_tags(db, scope, &mut page.items).await?;
    }
    Ok(page)
}

/// Some records of the list, in this order; with the names of their tags on request.
pub(crate) async fn of_ids<R: Tagged>(
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    ids: &[i64],
    tags: bool,
) -> Result<Vec<R>> {
    let narrow = |q: &mut Q<'_>| (R::LIST.narrow)(q, scope, company);
    let records = R::LIST.listing.of_ids(db, ids, narrow, R::record_id);
    let mut records = records.await?;
    if tags {
        load_tags(db, scope, &mut records).await?;
    }
    Ok(records)
}

/// Fills in the names of the records' tags, sorted, in one statement. Clients get none.
pub(crate) async fn load_tags<R: Tagged>(db: &Db, scope: &Scope, records: &mut [R]) -> Result<()> {
    if records.is_empty() || scope.companies().is_some() {
        return Ok(());
    }
    let mut q = db.query(NAMES);
    q.push_bind(R::KIND).push(" and l.record_id in ");
    q.push_list(records.iter().map(R::record_id));
    q.push(" order by g.name_fold, g.id");
    let mut names: HashMap<i64, Vec<String>> = HashMap::new();
    for (record, name) in q.all::<(i64, String)>().await? {
        names.entry(record).or_default().push(name);
    }
    for record in records {
        let own = names.remove(&record.record_id());
        record.set_tags(own.unwrap_or_default());
    }
    Ok(())
}

/// The live tag that has a name, with the name as it is stored.
pub(crate) async fn holder(tx: &mut Tx, name: &str) -> Result<Option<(TagId, String)>> {
    let key = IdentityKey::new(name);
    tx.query(HOLDER).bind(key).optional().await
}
