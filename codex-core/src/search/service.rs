//! Search over everything.

use std::collections::{HashMap, HashSet};

use crate::{
    Error, Result, Scope,
    address::segment,
    codex::Codex,
    ids::{CompanyId, TicketId},
    search::{
        self, KINDS, Term, query,
        wire::{SearchHit, SearchOut},
    },
    store::Q,
};

/// The most records that one search shows.
const MAX_LIMIT: usize = 100;

/// A record behind a candidate: id, key, title, detail, company.
#[derive(Debug, sqlx::FromRow)]
struct Found {
    id: i64,
    key: Option<String>,
    title: Option<String>,
    detail: Option<String>,
    company: Option<CompanyId>,
    number: Option<String>,
    company_name: Option<String>,
}

/// A candidate: how well it fits, its kind, its id, and whether its name does.
type Candidate = (u8, i64, i64, bool);

impl Codex {
    /// Finds records of some kinds, or of all, by a part of their name, and tickets by what was said on them;
    /// the best fit first. Ranks a thousand names at most; what has the term elsewhere stands behind them.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty term, a kind that is not searched, or a limit out of range.
    pub async fn search(
        &self,
        scope: &Scope,
        text: &str,
        kinds: &[String],
        limit: usize,
    ) -> Result<SearchOut> {
        let term = Term::new(text).ok_or_else(|| Error::invalid("q", "must not be empty"))?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid(
                "limit",
                format!("must be from 1 to {MAX_LIMIT}"),
            ));
        }
        let mut numbers = Vec::new();
        for kind in kinds {
            let known = KINDS.iter().find(|(_, name)| name == kind);
            let message = || format!("records of kind `{kind}` are not searched");
            numbers.push(known.ok_or_else(|| Error::invalid("kind", message()))?.0);
        }
        if numbers.is_empty() {
            numbers.extend(KINDS.map(|(number, _)| number));
        }
        numbers.retain(|kind| search::is_for(scope, *kind));
        if numbers.is_empty() {
            return Ok(SearchOut {
                count: 0,
                more: false,
                query: term.text,
                results: Vec::new(),
            });
        }
        let db = &self.0.db;
        let names = query::names(db, scope, &numbers, &term).await?;
        let mut more = names.more;
        let mut candidates: Vec<Candidate> = names
            .items
            .iter()
            .map(|(kind, id, text)| (term.rank(text), *kind, *id, true))
            .collect();
        let ticket = KINDS[3].0;
        if numbers.contains(&ticket) {
            let said = query::said(db, scope, &term).await?;
            more |= said.more;
            let named: HashSet<i64> = candidates
                .iter()
                .filter(|(_, kind, ..)| *kind == ticket)
                .map(|(_, _, id, _)| *id)
                .collect();
            let only_said = said.items.iter().filter(|TicketId(id)| !named.contains(id));
            candidates.extend(only_said.map(|TicketId(id)| (u8::MAX, ticket, *id, false)));
        }
        let asset = KINDS[2].0;
        if numbers.contains(&asset) {
            let named: HashSet<i64> = candidates
                .iter()
                .filter(|(_, kind, ..)| *kind == asset)
                .map(|(_, _, id, _)| *id)
                .collect();
            let installed = query::installed(db, scope, &term).await?.into_iter();
            let only_installed = installed.filter(|id| !named.contains(id));
            candidates.extend(only_installed.map(|id| (u8::MAX, asset, id, false)));
        }
        // Newer records of one fit first.
        candidates
            .sort_unstable_by_key(|(rank, kind, id, _)| (*rank, *kind, std::cmp::Reverse(*id)));

        let mut results: Vec<SearchHit> = Vec::with_capacity(limit);
        // For most callers the first part has all that is shown; a client's own are somewhere among the rest.
        let part = if scope.companies().is_none() {
            limit
        } else {
            query::CANDIDATES
        };
        for candidates in candidates.chunks(part) {
            let found = self.found(scope, candidates).await?;
            for (_, kind, id, named) in candidates {
                let Some(row) = found.get(&(*kind, *id)) else {
                    continue;
                };
                if results.len() < limit {
                    results.extend(hit(*kind, row, *named));
                }
            }
            if results.len() >= limit {
                break;
            }
        }
        Ok(SearchOut {
            count: results.len(),
            more,
            query: term.text,
            results,
        })
    }

    /// The records behind candidates that the caller sees, one statement a kind; somebody of several companies
    /// with the first of those that the caller sees.
    async fn found(
        &self,
        scope: &Scope,
        candidates: &[Candidate],
    ) -> Result<HashMap<(i64, i64), Found>> {
        let mut found = HashMap::new();
        for ((kind, _), select) in KINDS.into_iter().zip(SELECTS) {
            let ids = candidates.iter().filter(|(_, of, ..)| *of == kind);
            let ids: Vec<i64> = ids.map(|(_, _, id, _)| *id).collect();
            if ids.is_empty() {
                continue;
            }
            let mut q: Q<'_> = self.0.db.query(select);
            restrict(&mut q, kind, &ids);
            let rows = q.all::<Found>().await?.into_iter();
            for row in rows.filter(|row| scope.sees(row.company)) {
                found.entry((kind, row.id)).or_insert(row);
            }
        }
        Ok(found)
    }
}

/// Ends the select of a kind.
fn restrict(q: &mut Q<'_>, kind: i64, ids: &[i64]) {
    if kind == CONTACT {
        q.push_list(ids.iter().copied()).push(OF_CONTACTS);
    }
    q.push_list(ids.iter().copied())
        .push(" and r.deleted_at is null order by company_name, company");
}

/// For each kind what a hit shows; each ends before the list of ids.
const SELECTS: [&str; 8] = [
    "select r.id, r.account_number as key, r.name as title, r.description as detail, r.id as company, \
     r.account_number as number, r.name as company_name from companies r where r.id in ",
    "select r.id, cast(r.id as text) as key, r.name as title, r.email as detail, c.id as company, \
     c.account_number as number, c.name as company_name from contacts r \
     left join contact_company l on l.contact_id = r.id and l.contact_id in ",
    "select r.id, cast(r.id as text) as key, r.hostname as title, r.operating_system as detail, \
     c.id as company, c.account_number as number, c.name as company_name from assets r \
     left join companies c on c.id = r.company_id and c.deleted_at is null where r.id in ",
    "select r.id, cast(r.number as text) as key, r.subject as title, r.requester_name as detail, \
     c.id as company, c.account_number as number, c.name as company_name from tickets r \
     left join companies c on c.id = r.company_id and c.deleted_at is null where r.id in ",
    "select r.id, cast(r.id as text) as key, r.name as title, r.address as detail, c.id as company, \
     c.account_number as number, c.name as company_name from locations r \
     left join companies c on c.id = r.company_id and c.deleted_at is null where r.id in ",
    "select r.id, cast(r.external_id as text) as key, \
     trim(coalesce(r.first_name, '') || ' ' || coalesce(r.last_name, '')) as title, r.email as detail, \
     cast(null as bigint) as company, null as number, null as company_name from psa_agents r where r.id in ",
    "select r.id, cast(r.id as text) as key, r.plan_name as title, r.term_length as detail, \
     cast(null as bigint) as company, null as number, null as company_name from billing_plans r where r.id in ",
    "select r.id, r.keycloak_id as key, r.username as title, r.email as detail, \
     cast(null as bigint) as company, null as number, null as company_name from agents r where r.id in ",
];

/// Contacts are named twice: else the view of their links would be made for everybody's.
const CONTACT: i64 = KINDS[1].0;
/// What follows the first list of contacts.
const OF_CONTACTS: &str =
    " left join companies c on c.id = l.company_id and c.deleted_at is null where r.id in ";

fn hit(kind: i64, row: &Found, named: bool) -> Option<SearchHit> {
    let (_, name) = KINDS.into_iter().find(|(number, _)| *number == kind)?;
    let id = row.key.clone().unwrap_or_default();
    let list = match name {
        "company" => Some("/api/companies"),
        "contact" => Some("/api/contacts"),
        "asset" => Some("/api/assets"),
        "ticket" => Some("/api/ticket"),
        "billing_plan" => Some("/api/billing-plans"),
        "agent" => Some("/api/agents"),
        _ => None,
    };
    let list = list.filter(|_| !id.is_empty());
    let path = list.map(|list| format!("{list}/{}", segment(&id)));
    let is_company = name == "company";
    let company = |text: &Option<String>| text.clone().filter(|_| !is_company);
    Some(SearchHit {
        company_account_number: company(&row.number),
        company_name: company(&row.company_name),
        detail: row.detail.clone(),
        id,
        kind: name.to_owned(),
        matched: if named { "name" } else { "text" }.to_owned(),
        path,
        title: row.title.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{codex::statements, store::Engine};

    /// What `SQLite` says it does when it reads every link of every contact, which takes longer than most calls.
    const EVERY_LINK: &str = "SCAN l USING INDEX sqlite_autoindex_contact_companies";

    async fn plan(q: Q<'_>) -> String {
        let steps: Vec<(i64, i64, i64, String)> = q.all().await.unwrap();
        let steps = steps.into_iter().map(|(.., step)| step);
        steps.collect::<Vec<_>>().join("\n")
    }

    #[tokio::test]
    async fn no_statement_scans_every_company_link() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("codex.db");
        let codex = Codex::open(file.to_str().unwrap()).await.unwrap();
        let explain = || codex.0.db.query("explain query plan ");
        for (name, sql) in statements() {
            let mut q = explain();
            q.push(sql.text(Engine::Sqlite));
            let plan = plan(q).await;
            assert!(!plan.contains(EVERY_LINK), "{name}: {plan}");
        }
        for ((kind, name), select) in KINDS.into_iter().zip(SELECTS) {
            let mut q = explain();
            q.push(select);
            restrict(&mut q, kind, &[1, 2]);
            let plan = plan(q).await;
            assert!(!plan.contains(EVERY_LINK), "{name}: {plan}");
        }
        let mut naive = explain();
        naive.push(
            "select c.name from contacts c left join contact_company l on l.contact_id = c.id",
        );
        assert!(plan(naive).await.contains(EVERY_LINK));
    }
}
