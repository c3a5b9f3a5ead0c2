//! Opening and closing.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Codex, Inner, Providers, Vendors};
use crate::{
    Result,
    assets::audit::AskedDevices,
    clock::{SharedClock, SystemClock},
    duplicates::Matching,
    export::download::{DownloadLimits, Downloads},
    records::resolve::Precedence,
    search,
    store::{Db, Engine, Revisions},
    sync::{
        DEFAULT_PSA, DEFAULT_RMM, Guard, Source, default_precedence,
        ports::{Inventory, Tickets, Users},
    },
    tickets::{UnknownTickets, status::Statuses},
};

/// How a [`Codex`] is put together.
#[derive(Debug)]
pub struct Builder {
    url: String,
    migrate: bool,
    clock: SharedClock,
    precedence: Precedence,
    lease: Duration,
    vendors: Vendors,
    providers: Providers,
    statuses: Statuses,
    unworked_minutes: i64,
    downloads: Downloads,
}

/// How the database answers.
#[derive(Debug, Clone, Copy)]
pub struct Health {
    /// The engine.
    pub engine: Engine,
    /// How long one statement took.
    pub latency: Duration,
}

impl Builder {
    /// Time from `clock` instead of the system's.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Whether to bring the schema up to date at opening; the default is yes.
    pub fn migrate(mut self, migrate: bool) -> Self {
        self.migrate = migrate;
        self
    }

    /// Adds a source to sync from.
    pub fn source(mut self, source: impl Source) -> Self {
        self.vendors.sources.push(Arc::new(source));
        self
    }

    /// Where new agents are looked up.
    pub fn users(mut self, users: impl Users) -> Self {
        self.vendors.users = Some(Arc::new(users));
        self
    }

    /// Where single tickets are read and written.
    pub fn tickets(mut self, tickets: impl Tickets) -> Self {
        self.vendors.tickets = Some(Arc::new(tickets));
        self
    }

    /// Where inventories of single devices are read.
    pub fn inventory(mut self, inventory: impl Inventory) -> Self {
        self.vendors.inventory = Some(Arc::new(inventory));
        self
    }

    /// Which source wins, per field; the default is [`default_precedence`].
    pub fn precedence(mut self, precedence: Precedence) -> Self {
        self.precedence = precedence;
        self
    }

    /// How deletions are guarded.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.vendors.guard = guard;
        self
    }

    /// From which evidence on records are merged or proposed as duplicates.
    pub fn matching(mut self, matching: Matching) -> Self {
        self.vendors.matching = matching;
        self
    }

    /// How long a run of another process may be silent before it is taken for dead.
    pub fn lease(mut self, wait_timeout: Duration) -> Self {
        self.lease = wait_timeout;
        self
    }

    /// The PSA and the RMM that `psa` and `rmm` jobs sync from.
    pub fn providers(mut self, psa: impl Into<String>, rmm: impl Into<String>) -> Self {
        self.providers = Providers {
            psa: psa.into(),
            rmm: rmm.into(),
        };
        self
    }

    /// Words for the PSA's status numbers, above the account's own labels.
    pub fn statuses(mut self, statuses: Statuses) -> Self {
        self.statuses = statuses;
        self
    }

    /// Minutes that a ticket counts whose details were read and on which nobody has noted any.
    pub fn unworked_ticket_minutes(mut self, minutes: u16) -> Self {
        self.unworked_minutes = minutes.into();
        self
    }

    /// How many downloads are made at once, and how long is waited for a turn and for a reader.
    pub fn downloads(mut self, downloads: Downloads) -> Self {
        self.downloads = downloads;
        self
    }

    /// Opens the database.
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`], [`crate::Error::Invalid`] for the database of another program, [`crate::Error::Db`].
    pub async fn open(self) -> Result<Codex> {
        let db = Db::open(&self.url).await?;
        if self.migrate {
            db.migrate().await?;
            search::fill::fill(&db).await?;
            search::stored::refresh(&db).await?;
        }
        Ok(Codex(Arc::new(Inner {
            db,
            opened_at: self.clock.now(),
            clock: self.clock,
            precedence: self.precedence,
            lease: self.lease,
            vendors: Arc::new(self.vendors).into(),
            schedule: RwLock::default(),
            unknown_tickets: UnknownTickets::default(),
            asked_devices: AskedDevices::default(),
            providers: self.providers.into(),
            statuses: self.statuses,
            unworked_minutes: self.unworked_minutes,
            running: std::sync::Mutex::default(),
            downloads: DownloadLimits::new(self.downloads),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            facets: crate::list::FacetCache::default(),
            dashboards: crate::dashboard::cache::DashboardCache::default(),
        })))
    }
}

impl Codex {
    /// Opens and migrates `sqlite://path` or `postgresql://...` with defaults and without sources.
    ///
    /// # Errors
    /// [`crate::Error::Unsupported`], [`crate::Error::Invalid`] for the database of another program, [`crate::Error::Db`].
    pub async fn open(url: &str) -> Result<Self> {
        Self::builder(url).open().await
    }

    /// A [`Codex`] with a clock, rules and sources of one's own.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder {
            url: url.into(),
            migrate: true,
            clock: Arc::new(SystemClock),
            precedence: default_precedence(),
            lease: Duration::from_secs(30),
            vendors: Vendors::default(),
            providers: Providers {
                psa: DEFAULT_PSA.into(),
                rmm: DEFAULT_RMM.into(),
            },
            statuses: Statuses::default(),
            unworked_minutes: 0,
            downloads: Downloads::default(),
        }
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<Health> {
        let start = Instant::now();
        self.0
            .db
            .query("select cast(1 as bigint)")
            .scalar::<i64>()
            .await?;
        Ok(Health {
            engine: self.0.db.engine(),
            latency: start.elapsed(),
        })
    }

    /// The vendors that are chosen.
    pub fn providers(&self) -> Providers {
        let providers = self.0.providers.read();
        providers.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Chooses other vendors: what begins from now on is for them.
    pub fn choose_providers(&self, chosen: Providers) {
        let mut providers = self
            .0
            .providers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *providers = chosen;
    }

    /// Takes access to vendors, the choice of vendors, the limits of deletions and matching from a builder; the rest of
    /// it is for [`Builder::open`]. What is at work ends as it began, what begins from now on follows.
    pub fn reconfigure(&self, builder: Builder) {
        let vendors = Arc::new(builder.vendors);
        let held = self.0.vendors.write();
        *held.unwrap_or_else(PoisonError::into_inner) = vendors;
        self.choose_providers(builder.providers);
    }

    /// The database, for tests and tools.
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// How often each table was changed by now; see [`Db::revisions`].
    ///
    /// # Errors
    /// [`crate::Error::Db`] when the database cannot be reached.
    pub async fn revisions(&self) -> Result<Revisions> {
        self.0.db.revisions().await
    }

    /// How many statements its database has run, for tests that count them.
    pub fn statements_run(&self) -> u64 {
        self.0.db.statements()
    }

    /// The time.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.0.clock.now()
    }

    /// When it was opened.
    pub fn opened_at(&self) -> chrono::DateTime<chrono::Utc> {
        self.0.opened_at
    }

    /// Cancels running syncs, whatever they wait for, and closes the database.
    pub async fn close(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.db.close().await;
    }
}
