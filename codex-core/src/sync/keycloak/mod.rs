//! Keycloak: the users of one realm (vendors 3).

mod client;
mod login;
mod map;

use std::sync::Arc;

pub use client::Settings;
pub use login::Login;

use super::{
    Lookup, Run, Source, SyncKind, UpstreamError, Work,
    ports::{self, Answer, CallContext},
};
use crate::{
    Error, Result,
    agents::Agent,
    records::claims::ClaimSource,
    sync::engine::{
        crawl::{Crawl, Lister as _},
        missing::Directory,
    },
};
use client::Client;

/// Name of the source.
pub const NAME: &str = "keycloak";
const MAIN: ClaimSource = ClaimSource::Main(NAME);
/// An id that no user has.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";
/// The only scope: all users of the realm.
const USERS: &str = "users";

sql! {
    /// Agents that only people keep, since before a moment.
    KEPT = "select a.id, a.keycloak_id from agents a join claims m on m.record_id = a.id \
        and m.kind = 'agent' and m.source = 'manual' and m.anchor \
        where a.deleted_at is null and a.created_at <= $2 \
        and not exists (select 1 from claims c where c.kind = 'agent' and c.record_id = a.id \
            and c.source = $1) order by a.id";
}

/// The Keycloak source.
#[derive(Debug)]
pub struct Keycloak {
    settings: Settings,
}

impl Keycloak {
    /// A source that syncs from the realm of `settings`.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Source for Keycloak {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Agents
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(sync(&self.settings, run))
    }
}

async fn sync(settings: &Settings, run: &mut Run) -> Result<()> {
    let rate_limit_block = run.rate_limit_block(NAME);
    let client = Arc::new(Client::new(
        settings.clone(),
        rate_limit_block,
        run.clock().clone(),
    )?);
    run.stage("login", Some(0));
    client.login().await?;
    run.stage("users", Some(5));
    let read = read(run, &client).await;
    run.calls(client.calls());
    // A login that failed is no answer about users: the two differ to who asked (contract 1.2.G).
    if let Err(Error::Upstream(error)) = &read {
        run.report.refused = error.status();
    }
    read?;
    run.stage("done", Some(100));
    Ok(())
}

async fn read(run: &mut Run, client: &Arc<Client>) -> Result<()> {
    let mut crawl = Crawl::start(client, ());
    while let Some(items) = crawl.next(run).await? {
        let people = items.iter().filter(|user| !map::is_service_account(user));
        crawl.unreadable += run.page::<Agent>(MAIN, people.map(map::user)).await?;
    }
    if run.seen::<Agent>(USERS) == 0 && crawl.unreadable == 0 {
        // Who may query users but not view them is shown an empty list (trap 66).
        run.issue(format!(
            "Keycloak lists no users: {} may be missing",
            client::ROLE
        ));
    }
    let certified = crawl.certify::<Agent>(run, USERS).await?;
    run.stage("missing users", Some(90));
    if certified {
        disable_unfound(run).await?;
    }
    let certified = certified.then(|| USERS.to_owned()).into_iter().collect();
    run.reconcile(&certified, &ById(client)).await
}

/// Agents that were made while Keycloak could not be asked, and whom it does not list.
async fn disable_unfound(run: &mut Run) -> Result<()> {
    let kept = run.db().query(KEPT).bind(NAME).bind(run.started());
    let kept: Vec<(i64, String)> = kept.all().await?;
    let unfound = kept
        .into_iter()
        .filter(|(_, user)| !run.has_seen::<Agent>(USERS, user));
    let unfound: Vec<i64> = unfound.map(|(id, _)| id).collect();
    run.release_records::<Agent>(&unfound).await
}

/// Looks users up by their ids.
struct ById<'c>(&'c Client);

impl Directory<Agent> for ById<'_> {
    async fn ask(&self, id: &str) -> Result<Lookup<Agent>, UpstreamError> {
        let Some(found) = self.0.user(id).await? else {
            return Ok(Lookup::Absent);
        };
        match map::user(&found) {
            Ok(item) => Ok(Lookup::Present(Box::new(item))),
            Err(_) => Err(UpstreamError::malformed(NAME, USERS)),
        }
    }
}

/// Asks Keycloak about single users.
#[derive(Debug, Clone)]
pub struct Users(Settings);

impl Users {
    /// The users of the realm of `settings`.
    pub fn new(settings: Settings) -> Self {
        Self(settings)
    }
}

impl ports::Probe for Users {
    fn probe<'a>(&'a self, context: CallContext<'a>) -> Answer<'a, ()> {
        Box::pin(async move {
            // That there is no such user proves that users may be read.
            ports::Users::has(self, context, NOBODY).await.map(drop)
        })
    }
}

impl ports::Users for Users {
    fn has<'a>(&'a self, context: CallContext<'a>, id: &'a str) -> Answer<'a, bool> {
        Box::pin(async move {
            let rate_limit_block = context.rate_limit_block(NAME);
            let client = Client::new(self.0.clone(), rate_limit_block, context.clock.clone())?;
            Ok(client.for_people().user(id).await?.is_some())
        })
    }
}
