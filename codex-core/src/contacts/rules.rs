//! What holds for contacts: folded names, and whose people they are.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{Contact, ContactFields, dependents};
use crate::{
    Access, RecordKind, Result,
    companies::rules::by_external_id,
    fold::{IdentityKey, SearchKey},
    ids::ContactId,
    phone,
    records::{
        Draft, Resource, SearchDef, SourceRecord, Tracked as _, WrittenPage,
        match_imported::source_key, match_manual_records_by, reserve_ids, resolve::MANUAL,
        search_index,
    },
    store::{Sql, Tx},
    tags,
};

impl Resource for Contact {
    const RECORD_KIND: RecordKind = RecordKind::Contact;
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] =
        &[super::dependents::STATEMENTS, super::query::STATEMENTS];
    const READ_BY: Access = Access::Everyone;
    const WRITTEN_BY: Access = Access::Technicians;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("contacts");
    type Fields = ContactFields;
    type Status = ();

    fn search_text(fields: &ContactFields) -> String {
        let others = fields
            .secondary_emails
            .0
            .iter()
            .map(|email| Some(email.as_str()));
        let own = [
            Some(fields.name.as_str()),
            fields.email.as_deref(),
            fields.mobile_phone_number.as_deref(),
            fields.work_phone_number.as_deref(),
        ];
        // In whatever spelling somebody looks for a number, its digits are the same.
        let numbers = [&fields.mobile_phone_number, &fields.work_phone_number];
        let numbers = numbers.map(|number| number.as_deref().and_then(phone::stored));
        let digits = numbers.iter().map(Option::as_deref);
        search_index::text(own.into_iter().chain(digits).chain(others))
    }

    fn keys(fields: &mut ContactFields) {
        fields.name_fold = SearchKey::new(&fields.name);
        let email = fields.email.as_deref();
        fields.email_fold = email.map(SearchKey::new).filter(|key| !key.is_empty());
        fields.email_key = email.and_then(IdentityKey::of);
    }

    /// By the id at the source, then by the e-mail address in one of the companies.
    async fn import_keys(
        tx: &mut Tx,
        source: &'static str,
        new: &[&SourceRecord<Self>],
    ) -> Result<HashMap<String, Vec<String>>> {
        let ids: BTreeSet<String> = new
            .iter()
            .flat_map(|item| departments(&item.fields))
            .collect();
        let companies = by_external_id(tx, source, ids.iter().map(String::as_str)).await?;
        let keys = new.iter().map(|item| {
            let mut keys = vec![source_key(source, &item.external_id)];
            let own = departments(&item.fields).into_iter();
            let own = own.filter_map(|id| companies.get(&id).copied());
            if let Some(email) = item.fields.get("email").and_then(Value::as_str) {
                keys.extend(own.filter_map(|company| email_key(company, email)));
            }
            (item.external_id.clone(), keys)
        });
        Ok(keys.collect())
    }

    /// By the e-mail address. People of several companies share some, so one who is known to be of another company is
    /// somebody else until a person says otherwise: see `duplicates::evidence`.
    async fn match_manual_records(
        tx: &mut Tx,
        source: &'static str,
        new: &[&SourceRecord<Self>],
        issues: &mut Vec<String>,
    ) -> Result<HashMap<String, i64>> {
        let columns = ("select r.id, r.email_key from contacts r", "r.email_key");
        let mut adopted = match_manual_records_by(tx, new, "email", columns, true, issues).await?;
        let strangers = of_other_companies(tx, source, new, &adopted).await?;
        adopted.retain(|item, _| !strangers.contains(item));
        Ok(adopted)
    }

    async fn move_dependents(tx: &mut Tx, from: i64, to: i64) -> Result<()> {
        tags::links::copy_tags(tx, Self::KIND, from, to).await?;
        dependents::move_dependents(tx, from, to).await
    }

    /// Upstream links follow upstream; manual links are rows of their own and stay.
    async fn after_write(tx: &mut Tx, page: &WrittenPage<'_, Self>) -> Result<()> {
        if page.written.is_empty() {
            return Ok(());
        }
        let stated: BTreeSet<Link> = page.written.iter().flat_map(stated_links).collect();
        let mut q =
            tx.query("select contact_id, source, ref from contact_companies where source <> ");
        q.push_bind(MANUAL).push(" and contact_id in ");
        q.push_list(page.written.iter().map(|draft| draft.id));
        let present: BTreeSet<Link> = q.all::<Link>().await?.into_iter().collect();

        let gone: Vec<&Link> = present.difference(&stated).collect();
        if !gone.is_empty() {
            let mut q =
                tx.query("delete from contact_companies where (contact_id, source, ref) in (");
            q.push_rows(gone, |row, (contact, source, external)| {
                row.bind(*contact)
                    .bind(source.as_str())
                    .bind(external.as_str());
            });
            q.push(")");
            q.execute().await?;
        }
        let new: Vec<&Link> = stated.difference(&present).collect();
        insert(tx, &new).await
    }
}

/// What is known of live contacts, in one statement.
pub(crate) async fn fields_of(
    tx: &mut Tx,
    ids: impl Iterator<Item = ContactId>,
) -> Result<HashMap<ContactId, ContactFields>> {
    let mut q = tx.query(ContactFields::SELECT);
    q.push(" where deleted_at is null and id in ")
        .push_list(ids);
    let found = q.all::<Contact>().await?.into_iter();
    Ok(found.map(|contact| (contact.id, contact.fields)).collect())
}

/// The arriving items that are of other companies than the contacts that they were paired with, where the companies
/// of both are known.
async fn of_other_companies(
    tx: &mut Tx,
    source: &str,
    new: &[&SourceRecord<Contact>],
    adopted: &HashMap<String, i64>,
) -> Result<BTreeSet<String>> {
    let stated: HashMap<&str, Vec<String>> = new
        .iter()
        .filter(|item| adopted.contains_key(&item.external_id))
        .map(|item| (item.external_id.as_str(), departments(&item.fields)))
        .filter(|(_, departments)| !departments.is_empty())
        .collect();
    if stated.is_empty() {
        return Ok(BTreeSet::new());
    }
    let ids: BTreeSet<&str> = stated.values().flatten().map(String::as_str).collect();
    let companies = by_external_id(tx, source, ids.into_iter()).await?;
    let mut q = tx.query(
        "select l.contact_id, l.company_id from contact_company l join companies c \
         on c.id = l.company_id and c.deleted_at is null where l.contact_id in ",
    );
    q.push_list(stated.keys().filter_map(|item| adopted.get(*item).copied()));
    let mut known: HashMap<i64, BTreeSet<i64>> = HashMap::new();
    for (contact, company) in q.all::<(i64, i64)>().await? {
        known.entry(contact).or_default().insert(company);
    }
    let strangers = stated.into_iter().filter(|(item, departments)| {
        let known = adopted.get(*item).and_then(|contact| known.get(contact));
        let own = departments
            .iter()
            .filter_map(|id| companies.get(id).copied());
        let own: BTreeSet<i64> = own.collect();
        known.is_some_and(|known| !own.is_empty() && own.is_disjoint(known))
    });
    Ok(strangers.map(|(item, _)| item.to_owned()).collect())
}

/// The source's ids of the companies that an item states.
fn departments(fields: &Map<String, Value>) -> Vec<String> {
    let ids = fields.get("department_ids").and_then(Value::as_array);
    ids.into_iter().flatten().map(ToString::to_string).collect()
}

/// The key of an imported contact without an id at the source: its e-mail address in a company.
pub(crate) fn email_key(company: i64, email: &str) -> Option<String> {
    let email = IdentityKey::of(email)?;
    Some(format!("email/{company}/{email}"))
}

/// Contact, source, the source's id of the company.
type Link = (i64, String, String);

/// The departments that sources of the contact state. Those of an import count only until another source states
/// companies.
fn stated_links(draft: &Draft<Contact>) -> Vec<Link> {
    let stated = || draft.stated("department_ids");
    let is_kept = stated().any(|(claim, _)| claim.anchor);
    stated()
        .filter(|(claim, _)| claim.anchor || !is_kept)
        .flat_map(|(claim, ids)| {
            let ids = ids.as_array().map(Vec::as_slice).unwrap_or_default();
            ids.iter()
                .map(|id| (draft.id, claim.source.clone(), id.to_string()))
        })
        .collect()
}

async fn insert(tx: &mut Tx, links: &[&Link]) -> Result<()> {
    let mut companies: HashMap<(&str, String), i64> = HashMap::new();
    let sources: BTreeSet<&str> = links.iter().map(|(_, source, _)| source.as_str()).collect();
    for source in sources {
        let of_source = links.iter().filter(|(_, s, _)| s == source);
        let ids: BTreeSet<&str> = of_source.map(|(.., external)| external.as_str()).collect();
        let found = by_external_id(tx, source, ids.into_iter()).await?;
        companies.extend(
            found
                .into_iter()
                .map(|(external, id)| ((source, external), id)),
        );
    }
    for chunk in links.chunks(2_000) {
        let mut q = tx
            .query("insert into contact_companies (contact_id, source, ref, company_id, removed) ");
        q.push_rows(chunk, |row, (contact, source, external)| {
            let company = companies.get(&(source.as_str(), external.clone())).copied();
            row.bind(*contact)
                .bind(source.as_str())
                .bind(external.as_str())
                .bind(company)
                .bind(false);
        });
        q.execute().await?;
    }
    Ok(())
}
