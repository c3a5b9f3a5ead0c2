//! Reading locations.

use std::collections::HashMap;

use super::{Location, LocationFields};
use crate::{Result, changes::Tracked, ids::CompanyId, scope::Scope, store::Db};

sql! {
    /// The live locations of a company.
    OF_COMPANY = [LocationFields::SELECT,
        " where company_id = $1 and deleted_at is null order by id"];
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
