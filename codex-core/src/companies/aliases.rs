//! Numbers that companies had before.

use chrono::{DateTime, Utc};

use crate::{
    Result,
    ids::CompanyId,
    store::{Db, Tx},
};

sql! {
    /// The company that had a number.
    HOLDER = "select company_id from account_aliases where account_number = $1";
    /// The numbers that a company had, the oldest first.
    OF_COMPANY = "select account_number from account_aliases where company_id = $1 \
        order by since, account_number";
    /// A company had a number.
    ADD = "insert into account_aliases (account_number, company_id, since, author) \
        values ($1, $2, $3, $4)";
    /// A company has a number again.
    REMOVE = "delete from account_aliases where account_number = $1 and company_id = $2";
}

/// The company that had a number.
pub(crate) async fn holder(db: &Db, number: &str) -> Result<Option<CompanyId>> {
    db.query(HOLDER).bind(number).scalar().await
}

/// The numbers that a company had, the oldest first.
pub(crate) async fn of_company(db: &Db, company: CompanyId) -> Result<Vec<String>> {
    db.query(OF_COMPANY).bind(company).scalars().await
}

/// Keeps the number that a company gives up, and frees the one that it takes.
pub(crate) async fn swap(
    tx: &mut Tx,
    company: CompanyId,
    given_up: Option<&str>,
    taken: &str,
    author: &str,
    at: DateTime<Utc>,
) -> Result<()> {
    let q = tx.query(REMOVE).bind(taken).bind(company);
    q.execute().await?;
    if let Some(number) = given_up {
        let q = tx.query(ADD).bind(number).bind(company);
        q.bind(at).bind(author).execute().await?;
    }
    Ok(())
}
