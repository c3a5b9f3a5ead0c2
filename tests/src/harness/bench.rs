//! A Codex on one engine with simulators to sync from.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use chrono::{TimeZone, Utc};
use codex_core::{
    Builder, Codex, Scope,
    clock::ManualClock,
    jobs::{Job, JobStatus},
    store::Db,
    sync::{
        CallRate, HttpSettings, SyncKind, datto,
        freshservice::{self, Depth},
        keycloak,
    },
};
use secrecy::SecretString;

use super::database::TestDatabase;
use crate::sim::{
    SharedWorld, Size, World,
    datto::{self as sim_datto, Datto},
    freshservice::{self as sim_freshservice, Freshservice},
    keycloak::{self as sim_keycloak, Keycloak},
};

/// Codex, both vendors, the world behind them and the clock before them.
#[derive(Debug)]
pub struct TestBench {
    /// The vendors' data, to be changed by the test.
    pub world: SharedWorld,
    /// Freshservice.
    pub freshservice: Freshservice,
    /// Datto.
    pub datto: Datto,
    /// Keycloak.
    pub keycloak: Keycloak,
    /// Codex's clock.
    pub clock: Arc<ManualClock>,
    /// The library under test.
    pub codex: Codex,
    /// Its database.
    pub database: TestDatabase,
}

/// Records on a page of a vendor whose world is small: several pages all the same.
const SMALL_PAGE: usize = 25;

/// A [`TestBench`] with a world of size S and pages as long as the vendors allow.
#[derive(Debug)]
pub struct LargeBench(TestBench);

impl LargeBench {
    /// Size S with the vendors' limits off.
    pub async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let world = World::generate(Size::S, 7);
        let bench = TestBench::without_limits(database, world, 100, 250).await?;
        Ok(Self(bench))
    }
}

impl std::ops::Deref for LargeBench {
    type Target = TestBench;

    fn deref(&self) -> &TestBench {
        &self.0
    }
}

/// Waits and time-outs short enough for tests.
pub fn quick() -> HttpSettings {
    HttpSettings {
        timeout: Duration::from_secs(10),
        max_wait: Duration::from_secs(2),
        backoff: Duration::from_millis(5),
        call_rate: CallRate::default(),
        verify_tls: true,
    }
}

/// A source that syncs from a Freshservice simulator.
pub fn freshservice_at(
    url: &str,
    http: HttpSettings,
) -> anyhow::Result<freshservice::Freshservice> {
    Ok(freshservice::Freshservice::new(account(url, http)?))
}

/// A source that syncs the tickets of a Freshservice simulator.
pub fn tickets_at(
    url: &str,
    http: HttpSettings,
    depth: Depth,
) -> anyhow::Result<freshservice::Tickets> {
    let settings = account(url, http)?;
    Ok(freshservice::Tickets::new(settings, depth, 3_650))
}

/// The account of a Freshservice simulator.
pub fn account(url: &str, http: HttpSettings) -> anyhow::Result<freshservice::Settings> {
    Ok(freshservice::Settings {
        base: format!("{url}/api/v2").parse()?,
        api_key: SecretString::from(sim_freshservice::API_KEY),
        all_workspaces: false,
        http,
    })
}

/// A source that syncs from a Datto simulator.
pub fn datto_at(url: &str, http: HttpSettings) -> anyhow::Result<datto::Datto> {
    let settings = rmm_at(url, http)?;
    Ok(datto::Datto::new(settings, datto::Options::default()))
}

fn rmm_at(url: &str, http: HttpSettings) -> anyhow::Result<datto::Settings> {
    Ok(datto::Settings {
        base: url.parse()?,
        public_key: SecretString::from(sim_datto::API_KEY),
        secret_key: SecretString::from(sim_datto::API_SECRET),
        http,
    })
}

/// A source that syncs from a Keycloak simulator: by client, else by password.
pub fn keycloak_at(url: &str, http: HttpSettings) -> anyhow::Result<keycloak::Keycloak> {
    let client = keycloak::Login::Client {
        id: sim_keycloak::CLIENT_ID.into(),
        secret: SecretString::from(sim_keycloak::CLIENT_SECRET),
    };
    let password = keycloak::Login::Password {
        realm: sim_keycloak::MASTER.into(),
        user: sim_keycloak::ADMIN_USER.into(),
        password: SecretString::from(sim_keycloak::ADMIN_PASSWORD),
    };
    Ok(keycloak::Keycloak::new(keycloak::Settings {
        base: url.parse()?,
        realm: sim_keycloak::REALM.into(),
        logins: vec![client, password],
        http,
    }))
}

impl TestBench {
    /// A small world on small pages, with the vendors' limits off.
    pub async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let world = World::generate(Size::Small, 7);
        let pages = SMALL_PAGE;
        Self::without_limits(database, world, pages, pages).await
    }

    async fn without_limits(
        database: TestDatabase,
        world: World,
        per_page_cap: usize,
        page_max: usize,
    ) -> anyhow::Result<Self> {
        let freshservice = sim_freshservice::Options {
            limits: false,
            per_page_cap,
            ..Default::default()
        };
        let datto = sim_datto::Options {
            limits: false,
            page_max,
            ..Default::default()
        };
        Self::with(database, world, freshservice, datto).await
    }

    /// A world and vendors of one's choice.
    pub async fn with(
        database: TestDatabase,
        world: World,
        freshservice: sim_freshservice::Options,
        datto: sim_datto::Options,
    ) -> anyhow::Result<Self> {
        let world = SharedWorld::new(world);
        let freshservice = Freshservice::start(world.clone(), freshservice).await?;
        let datto = Datto::start(world.clone(), datto).await?;
        let keycloak = Keycloak::start(world.clone(), sim_keycloak::Options::default()).await?;
        let start = Utc
            .with_ymd_and_hms(2026, 1, 5, 10, 0, 0)
            .single()
            .context("a date")?;
        let clock = Arc::new(ManualClock::new(start));
        let sources = (&freshservice, &datto, &keycloak);
        let codex = open(&database.url, clock.clone(), sources, |b| b).await?;
        Ok(Self {
            world,
            freshservice,
            datto,
            keycloak,
            clock,
            codex,
            database,
        })
    }

    /// Another Codex on the same database and vendors, as another process would be.
    pub async fn second(&self, change: impl FnOnce(Builder) -> Builder) -> anyhow::Result<Codex> {
        open(
            &self.database.url,
            self.clock.clone(),
            (&self.freshservice, &self.datto, &self.keycloak),
            change,
        )
        .await
    }

    /// The database.
    pub fn db(&self) -> &Db {
        self.codex.db()
    }

    /// Syncs and expects success.
    pub async fn sync(&self, part: SyncKind) -> anyhow::Result<Job> {
        let job = self.run(part).await?;
        anyhow::ensure!(job.status == JobStatus::Completed, "{:?}", job.error);
        Ok(job)
    }

    /// Syncs and gives the job however it ended.
    pub async fn run(&self, part: SyncKind) -> anyhow::Result<Job> {
        Ok(self.codex.sync(&Scope::system(), part).await?)
    }

    /// Syncs from both vendors.
    pub async fn sync_all(&self) -> anyhow::Result<()> {
        self.sync(SyncKind::Psa).await?;
        self.sync(SyncKind::Rmm).await?;
        Ok(())
    }

    /// A number from the database.
    pub async fn count(&self, sql: &'static str) -> anyhow::Result<i64> {
        self.db().query(sql).scalar().await?.context("a count")
    }

    /// Live records of a table.
    pub async fn live(&self, table: &str) -> anyhow::Result<i64> {
        self.count(match table {
            "companies" => "select count(*) from companies where deleted_at is null",
            "contacts" => "select count(*) from contacts where deleted_at is null",
            "assets" => "select count(*) from assets where deleted_at is null",
            "locations" => "select count(*) from locations where deleted_at is null",
            "psa_agents" => "select count(*) from psa_agents where deleted_at is null",
            "agents" => "select count(*) from agents where deleted_at is null",
            "site_links" => "select count(*) from site_links where deleted_at is null",
            "tickets" => "select count(*) from tickets where deleted_at is null",
            other => anyhow::bail!("no table {other}"),
        })
        .await
    }
}

async fn open(
    url: &str,
    clock: Arc<ManualClock>,
    (freshservice, datto, keycloak): (&Freshservice, &Datto, &Keycloak),
    change: impl FnOnce(Builder) -> Builder,
) -> anyhow::Result<Codex> {
    let builder = Codex::builder(url)
        .clock(clock)
        .tickets(freshservice::TicketClient::new(
            account(freshservice.url(), quick())?,
            true,
        ))
        .lease(Duration::from_millis(400))
        .source(freshservice_at(freshservice.url(), quick())?)
        .source(tickets_at(freshservice.url(), quick(), Depth::Detail)?)
        .source(tickets_at(freshservice.url(), quick(), Depth::Light)?)
        .source(freshservice::History::new(account(
            freshservice.url(),
            quick(),
        )?))
        .source(freshservice::Accounts::new(
            account(freshservice.url(), quick())?,
            true,
        ))
        .source(datto::Accounts::new(rmm_at(datto.url(), quick())?, true))
        .source(datto::Audits::new(rmm_at(datto.url(), quick())?))
        .source(datto_at(datto.url(), quick())?)
        .source(keycloak_at(keycloak.url(), quick())?);
    Ok(change(builder).open().await?)
}
