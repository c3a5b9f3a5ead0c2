//! Account numbers at Datto: the site variable `AccountNumber` says whose site it is (contract 3.5).
//!
//! A site finds its company by the link that it has, else by its whole name: the same words, whatever their case and
//! the marks between them. Exactly one company must have that name. Companies whose names are only similar are listed
//! for a person, and the site is left alone: `Acmetron Ltd` is not `Acme`. Writing is off by default; then the job
//! says what it would do.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    NAME, VARIABLES,
    client::{Client, List, Settings},
    map, parts,
};
use crate::{
    Error, Result,
    fold::{IdentityKey, words},
    records::SourceRecord,
    site_links::{SiteLink, query},
    sync::{Run, Source, SyncKind, UpstreamError, Work, engine::crawl::Lister as _},
};

/// Name of the source's runs that push numbers.
const RUNS: &str = "datto.accounts";
/// The variable's name where it is made.
const VARIABLE: &str = "AccountNumber";
/// Companies that an issue names.
const MOST_NAMED: usize = 5;

sql! {
    /// Live companies with a number.
    COMPANIES = "select id, account_number, name from companies \
        where deleted_at is null and account_number is not null order by id";
}

/// Pushes account numbers to the sites of Datto RMM.
#[derive(Debug)]
pub struct Accounts {
    settings: Settings,
    write: bool,
}

impl Accounts {
    /// A source that pushes numbers to the account of `settings`; without `write` it only says which.
    pub fn new(settings: Settings, write: bool) -> Self {
        Self { settings, write }
    }
}

impl Source for Accounts {
    fn name(&self) -> &'static str {
        RUNS
    }

    fn provider(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::PushAccounts
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(push(self, run))
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Company {
    id: i64,
    account_number: String,
    name: String,
}

/// A company with what sites are compared with.
struct Candidate {
    company: Company,
    whole: Option<String>,
    words: BTreeSet<String>,
}

impl From<Company> for Candidate {
    fn from(company: Company) -> Self {
        let (whole, words) = (whole_name(&company.name), word_set(&company.name));
        Self {
            company,
            whole,
            words,
        }
    }
}

/// The words of a name in their order; `None` without any.
fn whole_name(name: &str) -> Option<String> {
    let key = IdentityKey::new(name);
    let words = key.as_str().split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn word_set(name: &str) -> BTreeSet<String> {
    words(name).split_whitespace().map(str::to_owned).collect()
}

async fn push(source: &Accounts, run: &mut Run) -> Result<()> {
    let client = Client::of_run(&source.settings, run)?;
    let companies: Vec<Company> = run.db().query(COMPANIES).all().await?;
    let companies: Vec<Candidate> = companies.into_iter().map(Candidate::from).collect();
    let sites: Vec<query::Named> = query::named(run.db(), NAME).await?;
    let count = sites.len().max(1);
    for (place, site) in sites.into_iter().enumerate() {
        run.stage("sites", u8::try_from(100 * place / count).ok());
        let company = match wanted(&site, &companies) {
            Match::One(company) => company,
            Match::None => continue,
            Match::Unclear(candidates) => {
                run.issue(unclear(&site, &candidates));
                continue;
            }
        };
        let number = &company.account_number;
        if site.account_number.as_ref() == Some(number) {
            continue;
        }
        if !source.write || run.dry() {
            run.note(format!(
                "site `{}` would get account number {number}",
                site.name()
            ));
            continue;
        }
        match write(run, &client, &site.site_uid, number).await {
            Ok(true) => run.note(format!(
                "site `{}` has account number {number} now",
                site.name()
            )),
            Ok(false) => run.issue(format!(
                "site `{}`: its account number is masked and left alone",
                site.name()
            )),
            Err(Error::Upstream(error)) if !error.stops_everything() => {
                run.issue(format!("site `{}`: {error}", site.name()));
            }
            Err(error) => return Err(error),
        }
    }
    run.relink_companies().await?;
    if !source.write {
        run.note("nothing was written: [upstream] write is off");
    }
    run.calls(client.calls());
    run.stage("done", Some(100));
    Ok(())
}

enum Match<'c> {
    None,
    One(&'c Company),
    /// For a person: several with the same name, or some with a similar one.
    Unclear(Vec<&'c Company>),
}

/// The company of a site.
fn wanted<'c>(site: &query::Named, candidates: &'c [Candidate]) -> Match<'c> {
    let companies = || candidates.iter().map(|candidate| &candidate.company);
    if let Some(linked) = site.company_id {
        let company = companies().find(|company| company.id == linked.0);
        return company.map_or(Match::None, Match::One);
    }
    // A number that belongs to nobody is somebody's mistake, and not ours to overwrite.
    if site.account_number.is_some() {
        return Match::None;
    }
    let Some(whole) = whole_name(site.name()) else {
        return Match::None;
    };
    let same = candidates
        .iter()
        .filter(|candidate| candidate.whole.as_ref() == Some(&whole));
    let same: Vec<&Company> = same.map(|candidate| &candidate.company).collect();
    match same[..] {
        [one] => return Match::One(one),
        [] => {}
        _ => return Match::Unclear(same),
    }
    let own = word_set(site.name());
    let similar = candidates.iter().filter(|candidate| {
        let words = &candidate.words;
        !words.is_empty() && (words.is_subset(&own) || own.is_subset(words))
    });
    let similar: Vec<&Company> = similar.map(|candidate| &candidate.company).collect();
    if similar.is_empty() {
        Match::None
    } else {
        Match::Unclear(similar)
    }
}

/// Names a site and the companies that a person may choose from.
fn unclear(site: &query::Named, candidates: &[&Company]) -> String {
    let named = candidates.iter().take(MOST_NAMED);
    let mut named: Vec<String> = named
        .map(|company| format!("`{}` ({})", company.name, company.account_number))
        .collect();
    if let Some(more) = candidates.len().checked_sub(MOST_NAMED + 1) {
        named.push(format!("and {} more", more + 1));
    }
    format!(
        "site `{}` has no account number and may belong to {}: set its `{VARIABLE}` variable to the right one",
        site.name(),
        named.join(", ")
    )
}

/// Creates or updates a site's variable and reads it back; `false` when the one that is there is masked.
async fn write(run: &mut Run, client: &Arc<Client>, site: &str, number: &str) -> Result<bool> {
    let list = || List::SiteVariables(site.to_owned());
    let variables = parts::whole(client, list()).await?;
    let known = variables
        .iter()
        .find(|variable| map::is_account_number(variable));
    let written = match (map::account_number(&variables), known) {
        (map::Variable::Number(same), _) if same == number => Ok(()),
        (map::Variable::Masked, _) => return Ok(false),
        (_, Some(known)) => {
            let id = known["id"].to_string();
            let body = json!({"name": known["name"], "value": number});
            client.post(&["site", site, "variable", &id], &body).await
        }
        (_, None) => {
            let body = json!({"name": VARIABLE, "value": number, "masked": false});
            client.put(&["site", site, "variable"], &body).await
        }
    };
    // Whatever was answered, what is there now counts: a lost answer or another writer (trap 47).
    let after = parts::whole(client, list()).await?;
    run.calls(client.calls());
    if map::account_number(&after) != map::Variable::Number(number.to_owned()) {
        written?;
        return Err(UpstreamError::malformed(NAME, "site/variables").into());
    }
    let fields = Map::from_iter([("account_number".to_owned(), Value::from(number))]);
    let item = SourceRecord::part(site.to_owned(), "sites", fields);
    run.page::<SiteLink>(VARIABLES, [Ok(item)]).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(site: &str, companies: &[&str]) -> String {
        let companies: Vec<Candidate> = companies
            .iter()
            .zip(1..)
            .map(|(name, id)| {
                Candidate::from(Company {
                    id,
                    account_number: format!("10000{id}"),
                    name: (*name).to_owned(),
                })
            })
            .collect();
        match wanted(&query::Named::unlinked(site), &companies) {
            Match::None => "none".to_owned(),
            Match::One(company) => company.name.clone(),
            Match::Unclear(companies) => {
                let names: Vec<&str> = companies.iter().map(|c| c.name.as_str()).collect();
                format!("unclear: {}", names.join(", "))
            }
        }
    }

    #[test]
    fn only_whole_names_match_a_company() {
        assert_eq!(found("Acmetron Ltd", &["Acme"]), "none");
        assert_eq!(found("Great Northern", &["North"]), "none");
        assert_eq!(found("  ACME,  Inc. ", &["Acme Inc", "Acme"]), "Acme Inc");
        assert_eq!(found("Acme - Branch", &["Acme", "Bolt"]), "unclear: Acme");
        assert_eq!(
            found("Acme", &["Acme Ltd", "Acme GmbH"]),
            "unclear: Acme Ltd, Acme GmbH"
        );
        assert_eq!(found("Acme", &["ACME", "Acme."]), "unclear: ACME, Acme.");
        assert_eq!(found("Muller", &["Müller"]), "unclear: Müller");
        assert_eq!(found("...", &["!!!"]), "none");
    }
}
