//! The companies that an administrator opened to somebody who logs in: those that a client user sees.

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::Agent;
use crate::{
    Result,
    ids::CompanyId,
    records::{
        Author, Change, ChangeOp, Resource as _, WriteSummary, bump_revision,
        change_log::{self, Entry},
    },
    store::{Db, Tx},
};

sql! {
    /// The numbers of the live companies opened to a user, by name.
    NUMBERS = "select c.account_number from user_companies u join companies c on c.id = u.company_id \
        and c.deleted_at is null and c.account_number is not null where u.user_sub = $1 order by c.name_fold, c.id";
    /// The companies opened to a user, deleted ones too.
    OPENED = "select company_id from user_companies where user_sub = $1";
    /// Opens no company to a user.
    CLOSE = "delete from user_companies where user_sub = $1";
}

/// The account numbers of the live companies that are opened to an agent, by name.
pub(crate) async fn numbers(db: &Db, agent: &Agent) -> Result<Vec<String>> {
    let q = db.query(NUMBERS).bind(agent.fields.keycloak_id.as_str());
    q.scalars().await
}

/// Opens just these companies to an agent, whose row is locked.
pub(crate) async fn open(
    tx: &mut Tx,
    author: &Author,
    agent: &Agent,
    companies: &BTreeSet<CompanyId>,
) -> Result<WriteSummary> {
    let sub = agent.fields.keycloak_id.as_str();
    let before: Vec<CompanyId> = tx.query(OPENED).bind(sub).scalars().await?;
    let before: BTreeSet<CompanyId> = before.into_iter().collect();
    let mut summary = WriteSummary::default();
    if before == *companies {
        return Ok(summary);
    }
    bump_revision::<Agent>(tx, author, std::iter::once(agent.id.0)).await?;
    tx.query(CLOSE).bind(sub).execute().await?;
    let rows: Vec<CompanyId> = companies.iter().copied().collect();
    for chunk in rows.chunks(2_000) {
        let mut q = tx.query("insert into user_companies (user_sub, company_id) ");
        q.push_rows(chunk, |row, company| {
            row.bind(sub).bind(*company);
        });
        q.execute().await?;
    }
    let ids = |set: &BTreeSet<CompanyId>| set.iter().map(|id| id.0).collect::<Vec<_>>();
    let change = json!({"before": ids(&before), "after": ids(companies)});
    let entry = Entry {
        kind: Agent::KIND,
        record_id: agent.id.0,
        op: ChangeOp::Update,
        changes: Map::from_iter([("company_ids".to_owned(), change)]),
    };
    summary.changes.push(Change::from(&entry));
    change_log::append(tx, author, &[entry]).await?;
    Ok(summary)
}
