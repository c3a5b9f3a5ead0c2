//! Reading locations.

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
