//! Reading overrides: for everybody but clients.

use super::{Override, OverrideFields};
use crate::{
    Result,
    ids::CompanyId,
    records::{Resource as _, Tracked},
    scope::Scope,
    store::{Db, Tx},
};

sql! {
    /// The live overrides of a company.
    OF_COMPANY = [OverrideFields::SELECT, " where company_id = $1 and deleted_at is null order by key"];
    /// A company's live override of a key.
    FIND = [OverrideFields::SELECT, " where company_id = $1 and key = $2 and deleted_at is null"];
}

/// A company's overrides, by key; disabled ones too.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn of_company(db: &Db, scope: &Scope, company: CompanyId) -> Result<Vec<Override>> {
    scope.require(Override::READ_BY, "reading overrides")?;
    db.query(OF_COMPANY).bind(company).all().await
}

/// A company's override for one key.
///
/// # Errors
/// [`crate::Error::Forbidden`] for clients.
pub async fn find(
    db: &Db,
    scope: &Scope,
    company: CompanyId,
    key: &str,
) -> Result<Option<Override>> {
    scope.require(Override::READ_BY, "reading overrides")?;
    db.query(FIND).bind(company).bind(key).optional().await
}

/// A company's overrides, read in the transaction that will change them.
pub(crate) async fn of_company_now(tx: &mut Tx, company: CompanyId) -> Result<Vec<Override>> {
    tx.query(OF_COMPANY).bind(company).all().await
}

/// The override for one key, read in the transaction that will change it.
pub(crate) async fn find_now(
    tx: &mut Tx,
    company: CompanyId,
    key: &str,
) -> Result<Option<Override>> {
    tx.query(FIND).bind(company).bind(key).optional().await
}
