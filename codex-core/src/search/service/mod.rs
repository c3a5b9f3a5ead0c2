//! Search over everything.

mod groups;

use std::collections::{HashMap, HashSet};

use crate::{
    Error, Result, Scope,
    address::segment,
    assets,
    codex::Codex,
    ids::{CompanyId, TicketId},
    records::SearchDef,
    registry::SEARCHED,
    search::{
        Term, exact, query,
        wire::{Matched, SearchHit, SearchOut},
    },
    store::Q,
    tickets,
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

/// A record that may be shown.
struct Candidate {
    /// How well it fits: the lower, the better.
    rank: u8,
    /// The place of its kind among those that are searched.
    kind: usize,
    id: i64,
    /// Where it fits best.
    matched: Matched,
    /// Whether its name holds the term.
    named: bool,
}

/// The term, and the kinds of record that the caller may find among those that are asked for; of all when none is.
fn asked(
    scope: &Scope,
    text: &str,
    kinds: &[impl AsRef<str>],
) -> Result<(Term, Vec<&'static SearchDef>)> {
    let term = Term::new(text).ok_or_else(|| Error::invalid("q", "must not be empty"))?;
    let mut names = kinds.iter().map(AsRef::as_ref);
    if let Some(kind) = names.find(|kind| SEARCHED.iter().all(|def| def.kind != *kind)) {
        let message = format!("records of kind `{kind}` are not searched");
        return Err(Error::invalid("kind", message));
    }
    let is_wanted = |def: &SearchDef| {
        let is_named = kinds.is_empty() || kinds.iter().any(|kind| def.kind == *kind.as_ref());
        is_named && def.access.has(scope.role())
    };
    let wanted = SEARCHED.iter().copied().filter(|def| is_wanted(def));
    Ok((term, wanted.collect()))
}

impl Codex {
    /// Finds records of some kinds, or of all: what the term identifies, then by a part of their name, and tickets by
    /// what was said on them; the best fit first. Ranks a thousand names at most; what has the term elsewhere stands
    /// behind them.
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
        let (term, wanted) = asked(scope, text, kinds)?;
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid(
                "limit",
                format!("must be from 1 to {MAX_LIMIT}"),
            ));
        }
        let (candidates, mut more) = self.candidates(scope, &wanted, &term, text).await?;
        // One beyond the limit says that there are more.
        let most = limit + 1;
        let mut results: Vec<SearchHit> = Vec::with_capacity(most);
        // For most callers the first part has all that is shown; a client's own are somewhere among the rest.
        let part = if scope.companies().is_none() {
            most
        } else {
            query::CANDIDATES
        };
        for candidates in candidates.chunks(part) {
            let candidates: Vec<&Candidate> = candidates.iter().collect();
            let found = self.found(scope, &wanted, &candidates).await?;
            for one in candidates {
                let Some(row) = found.get(&(one.kind, one.id)) else {
                    continue;
                };
                if results.len() < most {
                    results.push(hit(wanted[one.kind], row, one.matched));
                }
            }
            if results.len() >= most {
                break;
            }
        }
        more |= results.len() > limit;
        results.truncate(limit);
        Ok(SearchOut {
            count: results.len(),
            more,
            query: term.text,
            results,
        })
    }

    /// Whatever holds a term, the best fit first, and whether there was more than is looked at.
    async fn candidates(
        &self,
        scope: &Scope,
        wanted: &[&'static SearchDef],
        term: &Term,
        text: &str,
    ) -> Result<(Vec<Candidate>, bool)> {
        if wanted.is_empty() {
            return Ok((Vec::new(), false));
        }
        let db = &self.0.db;
        let place = |number: i64| wanted.iter().position(|def| def.number == number);
        let names = query::names(db, scope, wanted, term).await?;
        let mut more = names.more;
        let named = names.items.iter().filter_map(|(number, id, text)| {
            Some(Candidate {
                // Behind what the term identifies.
                rank: term.rank(text) + 1,
                kind: place(*number)?,
                id: *id,
                matched: Matched::Name,
                named: true,
            })
        });
        let mut candidates: Vec<Candidate> = named.collect();
        let exact = exact::find(db, scope, wanted, text).await?.into_iter();
        let exact = exact.filter_map(|(number, id)| Some((place(number)?, id)));
        add_exact(&mut candidates, exact.collect());
        if let Some(kind) = place(tickets::query::SEARCH.number) {
            let said = query::said(db, scope, term).await?;
            more |= said.more;
            let said = said.items.into_iter().map(|TicketId(id)| id);
            add_by_text(&mut candidates, kind, said);
        }
        if let Some(kind) = place(assets::query::SEARCH.number) {
            let installed = query::installed(db, scope, term).await?;
            add_by_text(&mut candidates, kind, installed);
        }
        // Newer records of one fit first.
        candidates.sort_unstable_by_key(|one| (one.rank, one.kind, std::cmp::Reverse(one.id)));
        Ok((candidates, more))
    }

    /// The records behind candidates that the caller sees, one statement a kind; somebody of several companies
    /// with the first of those that the caller sees.
    async fn found(
        &self,
        scope: &Scope,
        kinds: &[&'static SearchDef],
        candidates: &[&Candidate],
    ) -> Result<HashMap<(usize, i64), Found>> {
        let mut found = HashMap::new();
        for (kind, def) in kinds.iter().enumerate() {
            let ids = candidates.iter().filter(|one| one.kind == kind);
            let ids: Vec<i64> = ids.map(|one| one.id).collect();
            if ids.is_empty() {
                continue;
            }
            let mut q: Q<'_> = self.0.db.query("");
            select(&mut q, def, &ids);
            let rows = q.all::<Found>().await?.into_iter();
            for row in rows.filter(|row| scope.sees(row.company)) {
                found.entry((kind, row.id)).or_insert(row);
            }
        }
        Ok(found)
    }
}

/// Puts records that the term identifies first.
fn add_exact(candidates: &mut Vec<Candidate>, mut exact: HashSet<(usize, i64)>) {
    for one in candidates.iter_mut() {
        if exact.remove(&(one.kind, one.id)) {
            (one.rank, one.matched) = (0, Matched::Identifier);
        }
    }
    candidates.extend(exact.into_iter().map(|(kind, id)| Candidate {
        rank: 0,
        kind,
        id,
        matched: Matched::Identifier,
        named: false,
    }));
}

/// Adds records of a kind that hold the term elsewhere than in their name.
fn add_by_text(candidates: &mut Vec<Candidate>, kind: usize, ids: impl IntoIterator<Item = i64>) {
    let named = candidates.iter().filter(|one| one.kind == kind);
    let named: HashSet<i64> = named.map(|one| one.id).collect();
    let others = ids.into_iter().filter(|id| !named.contains(id));
    candidates.extend(others.map(|id| Candidate {
        rank: u8::MAX,
        kind,
        id,
        matched: Matched::Text,
        named: false,
    }));
}

/// Selects what hits show of some live records of a kind.
fn select(q: &mut Q<'_>, def: &SearchDef, ids: &[i64]) {
    for part in def.select {
        q.push(part).push_list(ids.iter().copied());
    }
    q.push(" and r.deleted_at is null order by company_name, company");
}

fn hit(def: &SearchDef, row: &Found, matched: Matched) -> SearchHit {
    let id = row.key.clone().unwrap_or_default();
    let list = def.path.filter(|_| !id.is_empty());
    let path = list.map(|list| format!("{list}/{}", segment(&id)));
    SearchHit {
        company_account_number: row.number.clone(),
        company_name: row.company_name.clone(),
        detail: row.detail.clone(),
        id,
        kind: def.kind,
        matched: matched.word().to_owned(),
        path,
        title: row.title.clone().unwrap_or_default(),
    }
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
        // The comparison of an import reads everything.
        let callers = statements().into_iter();
        for (name, sql) in callers.filter(|(name, _)| !name.contains("::import::only_here::")) {
            let mut q = explain();
            q.push(sql.text(Engine::Sqlite));
            let plan = plan(q).await;
            assert!(!plan.contains(EVERY_LINK), "{name}: {plan}");
        }
        for def in SEARCHED.iter() {
            let mut q = explain();
            select(&mut q, def, &[1, 2]);
            let plan = plan(q).await;
            assert!(!plan.contains(EVERY_LINK), "{}: {plan}", def.kind);
        }
        let mut naive = explain();
        naive.push(
            "select c.name from contacts c left join contact_company l on l.contact_id = c.id",
        );
        assert!(plan(naive).await.contains(EVERY_LINK));
    }
}
