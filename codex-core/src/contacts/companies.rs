//! Whose people contacts are, as people say: links added to those of the sources, and links taken away.

use std::collections::BTreeSet;

use serde_json::{Map, json};

use super::Contact;
use crate::{
    Error, Result,
    changes::{
        Author, Change, Outcome, Resource as _,
        log::{self, Entry, Op},
        resolve::MANUAL,
    },
    ids::CompanyId,
    store::Tx,
};

sql! {
    /// The companies of a contact by the sources alone.
    OF_SOURCES = "select company_id from contact_companies where contact_id = $1 and source <> $2 \
        and company_id is not null";
    /// The companies of a contact as they are.
    EFFECTIVE = "select company_id from contact_company where contact_id = $1";
    /// Takes back what people said.
    CLEAR = "delete from contact_companies where contact_id = $1 and source = $2";
}

/// The live companies with these numbers.
///
/// # Errors
/// [`Error::Invalid`] naming the number that no live company has.
pub(crate) async fn by_number(tx: &mut Tx, numbers: &[String]) -> Result<BTreeSet<CompanyId>> {
    let held =
        crate::companies::rules::holders(tx, numbers.iter().map(String::as_str), false).await?;
    let each = numbers.iter().map(|number| {
        let unknown = || {
            let message = format!("there is no company {number}");
            Error::invalid("company_account_numbers", message)
        };
        held.get(number)
            .map(|id| CompanyId(*id))
            .ok_or_else(unknown)
    });
    each.collect()
}

/// Makes a contact one of just these companies.
pub(crate) async fn assign(
    tx: &mut Tx,
    author: &Author,
    contact: i64,
    companies: &BTreeSet<CompanyId>,
) -> Result<Outcome> {
    let before: Vec<CompanyId> = tx.query(EFFECTIVE).bind(contact).scalars().await?;
    let before: BTreeSet<CompanyId> = before.into_iter().collect();
    let mut outcome = Outcome::default();
    if before == *companies {
        return Ok(outcome);
    }
    let upstream = tx.query(OF_SOURCES).bind(contact).bind(MANUAL);
    let upstream: BTreeSet<CompanyId> = upstream.scalars().await?.into_iter().collect();
    tx.query(CLEAR).bind(contact).bind(MANUAL).execute().await?;
    let added = companies.difference(&upstream).map(|id| (*id, false));
    let removed = upstream.difference(companies).map(|id| (*id, true));
    let said: Vec<(CompanyId, bool)> = added.chain(removed).collect();
    if !said.is_empty() {
        let mut q = tx
            .query("insert into contact_companies (contact_id, source, ref, company_id, removed) ");
        q.push_rows(said, |row, (company, removed)| {
            row.bind(contact).bind(MANUAL).bind(company.to_string());
            row.bind(company).bind(removed);
        });
        q.execute().await?;
    }
    let ids = |set: &BTreeSet<CompanyId>| set.iter().map(|id| id.0).collect::<Vec<_>>();
    let change = json!({"before": ids(&before), "after": ids(companies)});
    let entry = Entry {
        kind: Contact::KIND,
        record_id: contact,
        op: Op::Update,
        changes: Map::from_iter([("company_ids".to_owned(), change)]),
    };
    outcome.changes.push(Change::from(&entry));
    log::append(tx, author, &[entry]).await?;
    Ok(outcome)
}
