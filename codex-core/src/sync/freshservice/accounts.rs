//! Account numbers: every department gets one (contract 3.4).
//!
//! Writing to the vendor is off by default; then the job says what it would do. A number that has appeared
//! at the vendor meanwhile is taken over, never overwritten, and what was written is read back.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

use super::{
    MAIN, NAME, Settings,
    client::{Client, List},
    map,
};
use crate::{
    Error, Result,
    companies::{Company, numbers::Numbers},
    records::SourceRecord,
    sync::{
        Run, Source, SyncKind, UpstreamError, Work,
        engine::crawl::{Crawl, Lister as _},
    },
};

/// Name of the source's runs that assign numbers.
const RUNS: &str = "freshservice.accounts";

sql! {
    /// Live companies with the ids of their departments.
    COMPANIES = "select c.external_id, k.name, k.account_number from claims c \
        join companies k on k.id = c.record_id and k.deleted_at is null \
        where c.kind = 'company' and c.source = $1 and c.gone_at is null";
}

/// Assigns account numbers at Freshservice.
#[derive(Debug)]
pub struct Accounts {
    settings: Settings,
    write: bool,
}

impl Accounts {
    /// A source that assigns numbers in the account of `settings`; without `write` it only says which.
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
        SyncKind::AssignAccounts
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(assign(self, run))
    }
}

/// A company without a number at the vendor.
struct Wanting {
    department: String,
    name: String,
    /// The number that it has here already.
    number: Option<String>,
}

async fn assign(source: &Accounts, run: &mut Run) -> Result<()> {
    let client = Client::of_run(&source.settings, run)?;
    run.stage("departments", Some(0));
    let stated = stated(run, &client).await?;
    let mut tx = run.db().begin().await?;
    let mut numbers = Numbers::given(&mut tx).await?;
    tx.rollback().await?;
    numbers.take(stated.values().flatten().cloned());

    let companies: Vec<(String, String, Option<String>)> =
        run.db().query(COMPANIES).bind(NAME).all().await?;
    let wanting: Vec<Wanting> = companies
        .into_iter()
        .filter(|(department, ..)| matches!(stated.get(department), Some(None)))
        .map(|(department, name, number)| Wanting {
            department,
            name,
            number,
        })
        .collect();
    let count = wanting.len();
    for (place, company) in wanting.into_iter().enumerate() {
        let percent = 10 + 90 * place / count;
        run.stage("account numbers", u8::try_from(percent).ok());
        let number = match &company.number {
            Some(number) => number.clone(),
            None => numbers.free()?,
        };
        if !source.write || run.dry() {
            run.note(format!(
                "`{}` (department {}) would get account number {number}",
                company.name, company.department
            ));
            continue;
        }
        match write(run, &client, &company.department, &number).await {
            Ok(kept) => run.note(format!(
                "`{}` (department {}) has account number {kept} now",
                company.name, company.department
            )),
            // The field is missing in the account: the next department will not do better (trap 23).
            Err(Error::Upstream(error @ UpstreamError::Status { code: 400, .. })) => {
                return Err(error.into());
            }
            Err(Error::Upstream(error)) if !error.stops_everything() => run.issue(format!(
                "`{}` (department {}): {error}",
                company.name, company.department
            )),
            Err(error) => return Err(error),
        }
    }
    if !source.write && count > 0 {
        run.note("nothing was written: [upstream] write is off");
    }
    run.calls(client.calls());
    run.stage("done", Some(100));
    Ok(())
}

/// The number that each department states now.
async fn stated(run: &mut Run, client: &Arc<Client>) -> Result<BTreeMap<String, Option<String>>> {
    let mut all = BTreeMap::new();
    let mut crawl = Crawl::start(client, List::Departments);
    while let Some(items) = crawl.next(run).await? {
        for item in items.iter().filter_map(|item| map::department(item).ok()) {
            let number = number_of(&item);
            all.insert(item.external_id, number);
        }
    }
    Ok(all)
}

fn number_of(department: &SourceRecord<Company>) -> Option<String> {
    let number = department.fields.get("account_number")?;
    number.as_str().map(str::to_owned)
}

/// Writes a number, unless one is there by now; gives the number that is there afterwards.
async fn write(run: &mut Run, client: &Client, department: &str, number: &str) -> Result<String> {
    let malformed = || UpstreamError::malformed(NAME, "department");
    let read = async || -> Result<Value> {
        let found = client.one(List::Departments, department).await?;
        Ok(found.ok_or_else(malformed)?)
    };
    let before = map::department(&read().await?).map_err(|_| malformed())?;
    if number_of(&before).is_none() {
        client.number_department(department, number).await?;
    }
    let after = map::department(&read().await?).map_err(|_| malformed())?;
    run.calls(client.calls());
    let kept = number_of(&after).ok_or_else(malformed)?;
    run.page::<Company>(MAIN, [Ok(after)]).await?;
    Ok(kept)
}
