//! Account numbers at Datto: the site variable `AccountNumber` says whose site it is (contract 3.5).
//!
//! A site finds its company by the link that it has, else by the same name, else by the longest company
//! name that its own name holds. What fits more than one company is reported and left alone. Writing is off
//! by default; then the job says what it would do.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    NAME, VARIABLES,
    client::{Client, List, Settings},
    map, parts,
};
use crate::{
    Error, Result,
    fold::fold,
    site_links::{SiteLink, query},
    sync::{Gate, Incoming, Part, Run, Source, UpstreamError, Work, crawl::Lister as _},
};

/// Name of the source's runs that push numbers.
const RUNS: &str = "datto.accounts";
/// The variable's name where it is made.
const VARIABLE: &str = "AccountNumber";
/// Shorter names are in too many others.
const SHORTEST: usize = 4;

sql! {
    /// Live companies with a number.
    COMPANIES = "select id, account_number, name_fold from companies \
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

    fn part(&self) -> Part {
        Part::PushAccounts
    }

    fn pull<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(push(self, run))
    }
}

#[derive(Debug, sqlx::FromRow)]
struct Company {
    id: i64,
    account_number: String,
    name_fold: String,
}

async fn push(source: &Accounts, run: &mut Run) -> Result<()> {
    let gate = Gate::new(run.db().clone(), NAME);
    let clock = run.clock().clone();
    let client = Arc::new(Client::new(source.settings.clone(), gate, clock)?);
    let companies: Vec<Company> = run.db().query(COMPANIES).all().await?;
    let sites: Vec<query::Named> = query::named(run.db(), NAME).await?;
    let count = sites.len().max(1);
    for (place, site) in sites.into_iter().enumerate() {
        run.stage("sites", u8::try_from(100 * place / count).ok());
        let company = match wanted(&site, &companies) {
            Match::One(company) => company,
            Match::None => continue,
            Match::Many(names) => {
                run.issue(format!(
                    "site `{}` fits {names} companies: nothing is guessed",
                    site.name()
                ));
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
    Many(usize),
}

/// The company of a site.
fn wanted<'c>(site: &query::Named, companies: &'c [Company]) -> Match<'c> {
    if let Some(linked) = site.company_id {
        let company = companies.iter().find(|company| company.id == linked.0);
        return company.map_or(Match::None, Match::One);
    }
    // A number that belongs to nobody is somebody's mistake, and not ours to overwrite.
    if site.account_number.is_some() {
        return Match::None;
    }
    let name = fold(site.name());
    let same: Vec<&Company> = companies.iter().filter(|c| c.name_fold == name).collect();
    if !same.is_empty() {
        return best(&same);
    }
    let inside = companies
        .iter()
        .filter(|c| c.name_fold.len() >= SHORTEST && name.contains(&c.name_fold));
    let mut by_length: HashMap<usize, Vec<&Company>> = HashMap::new();
    for company in inside {
        by_length
            .entry(company.name_fold.len())
            .or_default()
            .push(company);
    }
    let longest = by_length
        .keys()
        .max()
        .and_then(|length| by_length.get(length));
    longest.map_or(Match::None, |found| best(found))
}

fn best<'c>(found: &[&'c Company]) -> Match<'c> {
    match found {
        [one] => Match::One(one),
        _ => Match::Many(found.len()),
    }
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
    let item = Incoming::part(site.to_owned(), "sites", fields);
    run.page::<SiteLink>(VARIABLES, [Ok(item)]).await?;
    Ok(true)
}
