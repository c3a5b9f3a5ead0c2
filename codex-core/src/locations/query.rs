//! Reading locations.

use std::collections::HashMap;

use super::{Location, LocationFields};
use crate::{
    RecordKind, Result,
    companies::COMPANY_NUMBER,
    ids::{CompanyId, LocationId},
    list::{ColumnType, Listing, Page, PageRequest, always, column},
    records::{Resource as _, SearchDef, Tracked},
    scope::Scope,
    store::{Db, Q},
};

crate::list::staff_fields!(Location, LocationFields);

sql! {
    /// The live locations of a company.
    OF_COMPANY = [LocationFields::SELECT,
        " where company_id = $1 and deleted_at is null order by id"];
    /// A live location.
    FIND = [LocationFields::SELECT, " where id = $1 and deleted_at is null"];
}

/// How locations are searched.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 5,
    kind: RecordKind::Location,
    access: Location::READ_BY,
    select: &[
        "select r.id, cast(r.id as text) as key, r.name as title, r.address as detail, c.id as company, \
         c.account_number as number, c.name as company_name from locations r \
         left join companies c on c.id = r.company_id and c.deleted_at is null where r.id in ",
    ],
    of_companies: Some(" from locations r where r.deleted_at is null and r.company_id in "),
    path: None,
};

/// Locations as a list.
pub const LISTING: Listing = Listing {
    select: LocationFields::SELECT,
    from: " from locations",
    live: "deleted_at is null",
    id: "id",
    search: Some(&SEARCH),
    order: "id",
    fields: &[LocationFields::FIELDS],
    columns: &[
        always("id", "id", ColumnType::Int),
        always("created_at", "created_at", ColumnType::Time),
        always("updated_at", "updated_at", ColumnType::Time),
        column(
            COMPANY_NUMBER,
            "(select c.account_number from companies c where c.id = locations.company_id)",
            ColumnType::Text,
        ),
    ],
};

/// A page of the locations of a company, or of all that the caller sees, the oldest first.
///
/// # Errors
/// [`crate::Error::Invalid`] as in every list.
pub async fn page(
    db: &Db,
    scope: &Scope,
    company: Option<CompanyId>,
    page: &PageRequest,
) -> Result<Page<Location>> {
    let narrow = |q: &mut Q<'_>| narrow(q, scope, company);
    let place = |location: &Location| (location.id.0, location.id.0.to_string());
    LISTING.page(db, scope, page, narrow, place).await
}

fn narrow(q: &mut Q<'_>, scope: &Scope, company: Option<CompanyId>) {
    if let Some(companies) = scope.within(company) {
        q.push(" and company_id in ").push_list(companies);
    }
}

/// The row ids of all locations of a list, in its order.
///
/// # Errors
/// [`crate::Error::Invalid`] as in every list.
pub(crate) async fn ids(db: &Db, scope: &Scope, request: &PageRequest) -> Result<Vec<i64>> {
    let narrow = |q: &mut Q<'_>| narrow(q, scope, None);
    LISTING.ids(db, scope, request, narrow).await
}

/// Some locations of such a list, in this order.
pub(crate) async fn of_ids(db: &Db, scope: &Scope, ids: &[i64]) -> Result<Vec<Location>> {
    let narrow = |q: &mut Q<'_>| narrow(q, scope, None);
    let id = |location: &Location| location.id.0;
    LISTING.of_ids(db, ids, narrow, id).await
}

/// Looks a location up.
pub(crate) async fn find(db: &Db, scope: &Scope, id: LocationId) -> Result<Option<Location>> {
    let location: Option<Location> = db.query(FIND).bind(id).optional().await?;
    Ok(location.filter(|location| scope.sees(location.fields.company_id)))
}

/// The locations of a company, oldest first.
pub async fn of_company(db: &Db, scope: &Scope, company: CompanyId) -> Result<Vec<Location>> {
    if !scope.sees(Some(company)) {
        return Ok(Vec::new());
    }
    db.query(OF_COMPANY).bind(company).all().await
}

/// The locations of some companies, the oldest first.
pub(crate) async fn of_companies(
    db: &Db,
    companies: &[CompanyId],
) -> Result<HashMap<CompanyId, Vec<Location>>> {
    let mut q = db.query(LocationFields::SELECT);
    q.push(" where deleted_at is null and company_id in ")
        .push_list(companies.iter().copied());
    q.push(" order by id");
    let mut locations: HashMap<CompanyId, Vec<Location>> = HashMap::new();
    for location in q.all::<Location>().await? {
        let company = location.fields.company_id.unwrap_or_default();
        locations.entry(company).or_default().push(location);
    }
    Ok(locations)
}
