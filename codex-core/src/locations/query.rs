//! Reading locations.

use std::collections::HashMap;

use super::{Location, LocationFields};
use crate::{
    Result,
    companies::COMPANY_NUMBER,
    ids::CompanyId,
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
}

/// How locations are searched.
pub(crate) const SEARCH: SearchDef = SearchDef {
    number: 5,
    kind: Location::KIND,
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

/// A page of the locations of a company, the oldest first.
///
/// # Errors
/// [`crate::Error::Invalid`] as in every list.
pub async fn page(
    db: &Db,
    scope: &Scope,
    company: CompanyId,
    page: &PageRequest,
) -> Result<Page<Location>> {
    let narrow = |q: &mut Q<'_>| {
        let seen = scope.within(Some(company)).unwrap_or_default();
        q.push(" and company_id in ").push_list(seen);
    };
    let place = |location: &Location| (location.id.0, location.id.0.to_string());
    LISTING.page(db, scope, page, narrow, place).await
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
