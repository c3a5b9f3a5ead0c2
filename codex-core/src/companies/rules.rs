//! What holds between companies: one number, one company.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Company, CompanyFields};
use crate::{
    Access, Error, RecordKind, Result,
    fold::SearchKey,
    phone,
    records::{
        Draft, MAX_BINDS, Resource, SearchDef, SourceRecord, WrittenPage,
        match_imported::source_key, match_manual_records_by, reserve_ids, resolve::MANUAL,
        search_index,
    },
    store::{Sql, Tx},
};

impl Resource for Company {
    const RECORD_KIND: RecordKind = RecordKind::Company;
    const KEY: Option<&'static str> = Some("account_number");
    const STATEMENTS: &'static [&'static [(&'static str, Sql)]] = &[
        super::aliases::STATEMENTS,
        super::cockpit::STATEMENTS,
        super::numbers::STATEMENTS,
        super::query::STATEMENTS,
    ];
    const READ_BY: Access = Access::Everyone;
    const WRITTEN_BY: Access = Access::Technicians;
    const SEARCH: Option<&'static SearchDef> = Some(&super::query::SEARCH);
    const RESERVE: Sql = reserve_ids!("companies");
    type Fields = CompanyFields;
    type Status = ();

    fn search_text(fields: &CompanyFields) -> String {
        let domains = fields.domains.0.iter().map(|domain| Some(domain.as_str()));
        let own = [
            Some(fields.name.as_str()),
            fields.account_number.as_deref(),
            fields.description.as_deref(),
            fields.company_main_number.as_deref(),
        ];
        let number = fields.company_main_number.as_deref();
        let number = number.and_then(phone::stored);
        search_index::text(own.into_iter().chain([number.as_deref()]).chain(domains))
    }

    fn keys(fields: &mut CompanyFields) {
        fields.name_fold = SearchKey::new(&fields.name);
    }

    /// By the id at the source, then by the account number.
    async fn import_keys(
        _tx: &mut Tx,
        source: &'static str,
        new: &[&SourceRecord<Self>],
    ) -> Result<HashMap<String, Vec<String>>> {
        let keys = new.iter().map(|item| {
            let number = item.fields.get("account_number");
            let number = number.and_then(serde_json::Value::as_str).map(number_key);
            let own = source_key(source, &item.external_id);
            let keys = std::iter::once(own).chain(number).collect();
            (item.external_id.clone(), keys)
        });
        Ok(keys.collect())
    }

    async fn match_manual_records(
        tx: &mut Tx,
        _source: &'static str,
        new: &[&SourceRecord<Self>],
        issues: &mut Vec<String>,
    ) -> Result<HashMap<String, i64>> {
        let columns = (
            "select r.id, r.account_number from companies r",
            "r.account_number",
        );
        match_manual_records_by(tx, new, "account_number", columns, false, issues).await
    }

    /// The first holder of a number keeps it, deleted or not; everybody else goes without and is
    /// reported. A source that states another number than the company has is reported too:
    /// renumbering is no sync's business.
    async fn resolve_references(
        tx: &mut Tx,
        drafts: &mut [Draft<Self>],
        issues: &mut Vec<String>,
    ) -> Result<()> {
        let wanted = drafts
            .iter()
            .filter_map(|draft| draft.fields.account_number.as_deref());
        let mut holders = holders(tx, wanted, true).await?;
        // New companies have no row yet.
        let names = drafts.iter().map(|draft| (draft.id, &draft.fields.name));
        let names: HashMap<i64, String> = names.map(|(id, name)| (id, name.clone())).collect();
        for draft in drafts {
            let Some(number) = draft.fields.account_number.clone() else {
                continue;
            };
            let holder = *holders.entry(number.clone()).or_insert(draft.id);
            if holder != draft.id {
                let taken = match names.get(&holder) {
                    Some(name) => belongs_to(&number, name),
                    None => taken(tx, &number, holder).await?,
                };
                // What a person states is never dropped: a sync took the number meanwhile.
                if draft.before.is_none() && draft.is_manual("account_number") {
                    return Err(Error::conflict(taken));
                }
                draft.fields.account_number = draft
                    .before
                    .as_ref()
                    .and_then(|before| before.fields.account_number.clone());
                let (id, name) = (draft.id, &draft.fields.name);
                issues.push(format!("company {id} `{name}`: {taken}"));
            }
            let kept = draft.fields.account_number.as_deref();
            for (claim, stated) in draft.stated("account_number") {
                let Some(stated) = stated.as_str().filter(|s| Some(*s) != kept && *s != number)
                else {
                    continue;
                };
                issues.push(format!(
                    "company {} `{}`: {} now states account number {stated}, {number} is kept; \
                     renumber the company in Codex",
                    draft.id, draft.fields.name, claim.source
                ));
            }
        }
        Ok(())
    }

    /// Contacts may have named a company before it arrived: their links find it now.
    async fn after_write(tx: &mut Tx, page: &WrittenPage<'_, Self>) -> Result<()> {
        // People link companies that are there.
        if page.source == MANUAL {
            return Ok(());
        }
        let new = page.written.iter().filter(|draft| draft.before.is_none());
        let ids: Vec<&str> = new
            .flat_map(|draft| &draft.claims)
            .filter(|claim| claim.source == page.source)
            .map(|claim| claim.external_id.as_str())
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut q = tx.query(
            "update contact_companies set company_id = (select c.record_id from claims c \
             where c.source = contact_companies.source and c.kind = 'company' \
             and c.external_id = contact_companies.ref) where company_id is null and source = ",
        );
        q.push_bind(page.source).push(" and ref in ").push_list(ids);
        q.execute().await?;
        Ok(())
    }
}

/// The key of an imported company without an id at the source: its account number.
pub(crate) fn number_key(number: &str) -> String {
    format!("number/{}", number.trim())
}

/// Waits for the turn to give a company a number that it states: a rival must not find the same one free.
pub(crate) async fn advisory_lock(tx: &mut Tx) -> Result<()> {
    tx.advisory_lock(Company::KIND).await
}

/// Says whose a number is, or was.
pub(crate) async fn taken(tx: &mut Tx, number: &str, holder: i64) -> Result<String> {
    let q = tx.query("select name from companies where id = $1");
    let name: Option<String> = q.bind(holder).scalar().await?;
    Ok(belongs_to(number, &name.unwrap_or_default()))
}

fn belongs_to(number: &str, company: &str) -> String {
    format!("account number {number} belongs to company `{company}`")
}

/// Which company holds each of the numbers, or held it before; of deleted ones only when `deleted`.
pub(crate) async fn holders(
    tx: &mut Tx,
    numbers: impl Iterator<Item = &str>,
    deleted: bool,
) -> Result<HashMap<String, i64>> {
    let numbers: BTreeSet<&str> = numbers.collect();
    let numbers: Vec<&str> = numbers.into_iter().collect();
    let live = if deleted {
        ""
    } else {
        " and c.deleted_at is null"
    };
    let mut holders = HashMap::new();
    for chunk in numbers.chunks(MAX_BINDS / 2) {
        let mut q =
            tx.query("select c.account_number, c.id from companies c where c.account_number in ");
        q.push_list(chunk.iter().copied()).push(live);
        q.push(
            " union all select a.account_number, c.id from account_aliases a \
             join companies c on c.id = a.company_id where a.account_number in ",
        );
        q.push_list(chunk.iter().copied()).push(live);
        holders.extend(q.all::<(String, i64)>().await?);
    }
    Ok(holders)
}

/// The companies that a source's ids stand for.
pub(crate) async fn by_external_id(
    tx: &mut Tx,
    source: &str,
    ids: impl Iterator<Item = &str>,
) -> Result<HashMap<String, i64>> {
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q =
        tx.query("select external_id, record_id from claims where kind = 'company' and source = ");
    q.push_bind(source)
        .push(" and external_id in ")
        .push_list(ids);
    Ok(q.all::<(String, i64)>().await?.into_iter().collect())
}

/// Names of the live contacts by the PSA's ids; of several with one id the first.
pub(crate) async fn people(tx: &mut Tx, ids: &HashSet<i64>) -> Result<HashMap<i64, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut q = tx.query(
        "select external_id, name from contacts where deleted_at is null and external_id in ",
    );
    q.push_list(ids.iter().copied()).push(" order by id desc");
    Ok(q.all::<(i64, String)>().await?.into_iter().collect())
}
