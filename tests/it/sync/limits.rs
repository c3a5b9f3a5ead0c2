//! Limits of an account are kept by all who call it: processes beside each other, and one after the other.

use std::{sync::Arc, time::Duration};

use codex_core::{
    Codex, Scope,
    clock::Clock as _,
    jobs::JobStatus,
    sync::{CallRate, HttpSettings, SyncKind, datto},
};
use codex_tests::{
    harness::{clock::EventClock, database::TestDatabase},
    on_each_engine,
    sim::{
        SharedWorld, Size, World,
        clock::SimClock,
        datto::{self as sim_datto, Datto},
    },
};
use secrecy::SecretString;

/// Datto with its real limits, and the clock of all.
struct Account {
    clock: Arc<EventClock>,
    rmm: Datto,
    database: TestDatabase,
}

impl Account {
    async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let world = World::generate(Size::S, 7);
        let start = world.now;
        let vendors = SimClock::stopped();
        let options = sim_datto::Options {
            clock: vendors.clone(),
            slow_down: Duration::ZERO,
            ..Default::default()
        };
        let rmm = Datto::start(SharedWorld::new(world), options).await?;
        Ok(Self {
            clock: EventClock::new(start, vendors),
            rmm,
            database,
        })
    }

    /// A Codex as a process of its own would open it.
    async fn process(&self) -> anyhow::Result<Codex> {
        let settings = datto::Settings {
            base: self.rmm.url().parse()?,
            public_key: SecretString::from(sim_datto::API_KEY),
            secret_key: SecretString::from(sim_datto::API_SECRET),
            http: HttpSettings {
                call_rate: CallRate::new(Some(540)),
                ..HttpSettings::default()
            },
        };
        let builder = Codex::builder(&self.database.url)
            .clock(self.clock.clone())
            // Waits of minutes go by in milliseconds, and signs of life do not.
            .lease(Duration::from_secs(86_400))
            .source(datto::Audits::new(settings.clone()))
            .source(datto::Datto::new(settings, datto::Options::default()));
        Ok(builder.open().await?)
    }

    /// Syncs and expects success.
    async fn sync(&self, codex: &Codex, part: SyncKind) -> anyhow::Result<()> {
        let job = Box::pin(codex.sync(&Scope::system(), part)).await?;
        anyhow::ensure!(job.status == JobStatus::Completed, "{:?}", job.error);
        let of_limits = job
            .report
            .issues
            .iter()
            .find(|issue| issue.contains("limit"));
        assert_eq!(of_limits, None);
        Ok(())
    }
}

on_each_engine! {
    async fn successive_syncs_stay_within_the_limit(account: Account) -> TestResult {
        let first = account.process().await?;
        account.clock.during(account.sync(&first, SyncKind::Rmm)).await?;
        first.close().await;
        let by_first = account.rmm.calls("");
        let second = account.process().await?;
        account.clock.during(account.sync(&second, SyncKind::RmmAudits)).await?;
        let calls = account.rmm.calls("");
        assert!(by_first > 60 && calls > 600, "{by_first} of {calls} calls: enough to meet the limit");
        assert_eq!(account.rmm.calls("refused"), 0);
        // What is allowed is used: a few windows for each that so many calls need, and no more. The clock takes a wait
        // for a server, or for a busy machine, for rest, and moves on.
        let windows = u32::try_from(calls / 513)?;
        let elapsed = account.clock.elapsed();
        assert!(elapsed <= Duration::from_secs(240) * windows, "{elapsed:?} for {windows} windows");
        Ok(())
    }

    async fn concurrent_syncs_stay_within_the_limit(account: Account) -> TestResult {
        let (one, two) = (account.process().await?, account.process().await?);
        account.clock.during(account.sync(&one, SyncKind::Rmm)).await?;
        account.clock.move_to(account.clock.elapsed() + Duration::from_secs(120));
        let before = account.rmm.calls("");
        let both = async {
            tokio::try_join!(account.sync(&one, SyncKind::RmmAudits), account.sync(&two, SyncKind::Rmm))
        };
        account.clock.during(both).await?;
        assert!(account.rmm.calls("") - before > 600);
        assert_eq!(account.rmm.calls("refused"), 0);
        Ok(())
    }
}
