//! Whose people contacts are, as people say: links added to those of the sources, and links taken away.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, json};

use super::Contact;
use crate::{
    Error, Result,
    companies::COMPANY_NUMBERS,
    ids::{CompanyId, ContactId},
    records::{
        Author, Change, ChangeOp, Resource as _, WriteSummary, bump_revision,
        change_log::{self, Entry},
        resolve::MANUAL,
    },
    store::Tx,
};

/// The companies with these numbers among those that `held` knows.
///
/// # Errors
/// [`Error::Invalid`] naming the number that no live company has.
pub(crate) fn named(
    held: &HashMap<String, i64>,
    numbers: &[String],
) -> Result<BTreeSet<CompanyId>> {
    let each = numbers.iter().map(|number| {
        let unknown = || {
            let message = format!("there is no company {number}");
            Error::invalid(COMPANY_NUMBERS, message)
        };
        held.get(number)
            .map(|id| CompanyId(*id))
            .ok_or_else(unknown)
    });
    each.collect()
}

/// Makes contacts those of just these companies, in O(1) statements.
pub(crate) async fn assign(
    tx: &mut Tx,
    author: &Author,
    wanted: &HashMap<ContactId, BTreeSet<CompanyId>>,
) -> Result<WriteSummary> {
    let mut summary = WriteSummary::default();
    if wanted.is_empty() {
        return Ok(summary);
    }
    let ids = || wanted.keys().copied();
    let mut q = tx.query("select contact_id, company_id from contact_company where contact_id in ");
    q.push_list(ids());
    let before = sets(q.all().await?);
    let mut q = tx.query(
        "select contact_id, company_id from contact_companies where company_id is not null and source <> ",
    );
    q.push_bind(MANUAL)
        .push(" and contact_id in ")
        .push_list(ids());
    let upstream = sets(q.all().await?);
    let none = BTreeSet::new();
    let (mut changed, mut said, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for (contact, companies) in wanted {
        let before = before.get(contact).unwrap_or(&none);
        if before == companies {
            continue;
        }
        let upstream = upstream.get(contact).unwrap_or(&none);
        let added = companies
            .difference(upstream)
            .map(|id| (*contact, *id, false));
        let removed = upstream
            .difference(companies)
            .map(|id| (*contact, *id, true));
        said.extend(added.chain(removed));
        changed.push(*contact);
        let ids = |set: &BTreeSet<CompanyId>| set.iter().map(|id| id.0).collect::<Vec<_>>();
        let change = json!({"before": ids(before), "after": ids(companies)});
        entries.push(Entry {
            kind: Contact::KIND,
            record_id: contact.0,
            op: ChangeOp::Update,
            changes: Map::from_iter([("company_ids".to_owned(), change)]),
        });
    }
    if changed.is_empty() {
        return Ok(summary);
    }
    bump_revision::<Contact>(tx, author, changed.iter().map(|id| id.0)).await?;
    let mut q = tx.query("delete from contact_companies where source = ");
    q.push_bind(MANUAL)
        .push(" and contact_id in ")
        .push_list(changed);
    q.execute().await?;
    for chunk in said.chunks(2_000) {
        let mut q = tx
            .query("insert into contact_companies (contact_id, source, ref, company_id, removed) ");
        q.push_rows(chunk, |row, (contact, company, removed)| {
            row.bind(*contact).bind(MANUAL).bind(company.to_string());
            row.bind(*company).bind(*removed);
        });
        q.execute().await?;
    }
    summary.changes.extend(entries.iter().map(Change::from));
    change_log::append(tx, author, &entries).await?;
    Ok(summary)
}

fn sets(rows: Vec<(ContactId, CompanyId)>) -> HashMap<ContactId, BTreeSet<CompanyId>> {
    let mut sets: HashMap<_, BTreeSet<_>> = HashMap::new();
    for (contact, company) in rows {
        sets.entry(contact).or_default().insert(company);
    }
    sets
}
