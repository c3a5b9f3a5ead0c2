//! Freshservice: departments, agents, requesters (vendors 1).

mod accounts;
mod client;
mod details;
mod history;
mod map;
mod ticket_client;
mod ticket_map;
mod tickets;
mod webhook;

use std::sync::Arc;

use serde_json::Value;

pub use accounts::Accounts;
pub(super) use accounts::STATEMENTS;
pub use client::Settings;
use client::{Client, List};
pub use history::History;
pub use ticket_client::TicketClient;
pub use tickets::{Depth, Tickets};
pub use webhook::{MAX_EVENT, ticket_event};

use super::{Lookup, Run, Source, SyncKind, UpstreamError, Work};
use crate::{
    Error, Result,
    companies::{self, Company},
    contacts::Contact,
    jobs::ScopeResult,
    locations::Location,
    plural::{agree, count_of},
    psa_agents::PsaAgent,
    records::{ItemError, Resource, SourceRecord, claims::ClaimSource},
    sync::engine::{
        crawl::{Crawl, Lister as _},
        missing::Directory,
        optional::is_refusal,
    },
};

/// Name of the source.
pub const NAME: &str = "freshservice";
const MAIN: ClaimSource = ClaimSource::Main(NAME);

/// The Freshservice source.
#[derive(Debug)]
pub struct Freshservice {
    settings: Settings,
}

impl Freshservice {
    /// A source that syncs from the account of `settings`.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Source for Freshservice {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Psa
    }

    fn scopes(&self) -> &'static [&'static str] {
        &["departments", "agents", "requesters"]
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(sync(&self.settings, run))
    }
}

/// Companies first, so that the links of contacts find them; agents before requesters, because a
/// converted requester moves from one list to the other under the same id (vendors 1.7).
async fn sync(settings: &Settings, run: &mut Run) -> Result<()> {
    let client = Client::of_run(settings, run)?;
    client.check_login().await?;

    if run.wants(List::Departments.name()) {
        run.stage("departments", Some(0));
        let certified = crawl_departments(run, &client).await?;
        reconcile::<Company>(run, &client, List::Departments, certified, map::department).await?;
        let closed = closed_offices(run).await?;
        run.retire::<Location>(&closed).await?;
    }

    if run.wants(List::Agents.name()) {
        run.stage("agents", Some(20));
        optional::<PsaAgent>(run, &client, List::Agents, map::agent).await?;
    }

    if run.wants(List::Requesters.name()) {
        run.stage("requesters", Some(30));
        optional::<Contact>(run, &client, List::Requesters, map::requester).await?;
    }

    run.stage("links", Some(95));
    run.relink_companies().await?;
    run.match_contacts().await?;
    report_without_number(run).await?;
    run.stage("done", Some(100));
    Ok(())
}

/// Says why companies are missing in the lists of other modules, and what gives them their numbers.
async fn report_without_number(run: &mut Run) -> Result<()> {
    let (without, total) = companies::query::without_number(run.db()).await?;
    if without > 0 {
        run.issue(format!(
            "{without} of {} {} no account number and {} left out of lists such as `GET /api/companies`; \
             `codexd accounts assign` gives each one a number",
            count_of(total, "company"),
            agree(without, "has", "have"),
            agree(without, "is", "are")
        ));
    }
    Ok(())
}

async fn crawl_departments(run: &mut Run, client: &Arc<Client>) -> Result<bool> {
    let mut crawl = Crawl::start(client, List::Departments);
    while let Some(mut items) = crawl.next(run).await? {
        crawl.unreadable += run
            .page::<Company>(MAIN, items.iter().map(map::department))
            .await?;
        // What cannot be read as a company has no office either.
        items.retain(|item| map::department(item).is_ok());
        // A department that states an empty address has no main office any more.
        let (offices, closed) = map::main_offices(&items);
        run.page::<Location>(MAIN, offices.into_iter().map(Ok))
            .await?;
        run.retire::<Location>(&closed).await?;
    }
    crawl
        .certify::<Company>(run, List::Departments.name())
        .await
}

/// Main offices of departments that are gone: no list has an office by itself.
async fn closed_offices(run: &Run) -> Result<Vec<String>> {
    let mut q = run.db().query(
        "select office.external_id from claims office join claims company \
         on company.source = office.source and company.kind = 'company' \
         and company.external_id = office.external_id \
         where office.kind = 'location' and office.gone_at is null \
         and company.gone_at is not null and office.source = ",
    );
    q.push_bind(NAME);
    q.scalars().await
}

async fn crawl<R: Resource>(
    run: &mut Run,
    client: &Arc<Client>,
    list: List,
    map: Map<R>,
) -> Result<bool> {
    let mut crawl = Crawl::start(client, list);
    while let Some(items) = crawl.next(run).await? {
        crawl.unreadable += run.page::<R>(MAIN, items.iter().map(map)).await?;
    }
    crawl.certify::<R>(run, list.name()).await
}

/// Reads a list that the key may not have the right to read: it costs its own records alone.
async fn optional<R: Resource>(
    run: &mut Run,
    client: &Arc<Client>,
    list: List,
    map: Map<R>,
) -> Result<()> {
    let certified = match crawl::<R>(run, client, list, map).await {
        Err(Error::Upstream(error)) if is_refusal(&error) => {
            let name = list.name();
            let reason = format!("{error}; what is known of {name} is kept");
            run.issue(format!("{name} could not be read: {reason}"));
            let result = ScopeResult {
                certified: false,
                seen: run.seen::<R>(name) as u64,
                reason: Some(reason),
            };
            run.scope(name, result);
            return Ok(());
        }
        certified => certified?,
    };
    reconcile::<R>(run, client, list, certified, map).await
}

async fn reconcile<R: Resource>(
    run: &mut Run,
    client: &Client,
    list: List,
    certified: bool,
    map: Map<R>,
) -> Result<()> {
    let certified = certified
        .then(|| list.name().to_owned())
        .into_iter()
        .collect();
    let done = run.reconcile(&certified, &ById { client, list, map }).await;
    run.calls(client.calls());
    done
}

/// A mapping of one kind of record.
type Map<R> = fn(&Value) -> Result<SourceRecord<R>, ItemError>;

/// Looks records of a list up by their ids.
struct ById<'c, R: Resource> {
    client: &'c Client,
    list: List,
    map: Map<R>,
}

impl<R: Resource> Directory<R> for ById<'_, R> {
    async fn ask(&self, id: &str) -> Result<Lookup<R>, UpstreamError> {
        let Some(found) = self.client.one(self.list, id).await? else {
            return Ok(Lookup::Absent);
        };
        match (self.map)(&found) {
            Ok(item) => Ok(Lookup::Present(Box::new(item))),
            Err(_) => Err(UpstreamError::malformed(NAME, self.list.name())),
        }
    }
}
