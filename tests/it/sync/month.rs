//! A month of schedules on the vendors' real limits, in minutes.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use codex_core::{
    Codex, Scope,
    clock::Clock as _,
    jobs::{JobStatus, query::JobFilter},
    schedule::Entry,
    sync::{
        CallRate, HttpSettings, SyncKind, datto,
        freshservice::{self, Depth},
    },
};
use codex_tests::{
    harness::{
        clock::EventClock,
        database::{self, TestDatabase, setting},
    },
    sim::{
        SharedWorld, Size, World,
        clock::SimClock,
        datto::{self as sim_datto, Datto},
        freshservice::{self as sim_freshservice, AccountPlan, Freshservice},
    },
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use secrecy::SecretString;
use serde_json::json;

/// Between two looks at the schedule.
const STEP: Duration = Duration::from_secs(300);
/// How old a ticket may be here at most, by the schedule of five minutes and a run.
const FRESH: TimeDelta = TimeDelta::minutes(10);
/// Days, unless CODEX_TEST_DAYS says more.
const DAYS: u64 = 1;
/// Requesters, devices and tickets of the account, unless CODEX_TEST_DAYS is set: then it is of size S. Tickets and
/// inventories are still so many that the first runs need several minutes of both vendors' limits.
const PART: (usize, usize, usize) = (500, 400, 200);

/// Two vendors with limits, and a Codex that keeps the default schedule.
struct Month {
    clock: std::sync::Arc<EventClock>,
    world: SharedWorld,
    psa: Freshservice,
    rmm: Datto,
    codex: Codex,
    entries: Vec<Entry>,
    /// How many tickets there are; their ids count from 1.
    tickets: i64,
    http: reqwest::Client,
    _database: TestDatabase,
}

/// The account that is synced.
fn account() -> World {
    let mut world = World::generate(Size::S, 7);
    if setting("CODEX_TEST_DAYS").is_none() {
        let (requesters, devices, tickets) = PART;
        world.requesters.truncate(requesters);
        world.devices.truncate(devices);
        world = world.with_tickets(tickets);
    }
    world
}

/// What went by.
#[derive(Debug, Default)]
struct Tally {
    steps: u64,
    changes: usize,
    jobs: usize,
    failed: usize,
    oldest: TimeDelta,
}

impl Month {
    async fn on(plan: AccountPlan) -> anyhow::Result<Self> {
        let world = account();
        let (start, tickets) = (world.now, i64::try_from(world.tickets.len())?);
        let world = SharedWorld::new(world);
        let vendors = SimClock::stopped();
        let psa = sim_freshservice::Options {
            plan,
            clock: vendors.clone(),
            ..Default::default()
        };
        let rmm = sim_datto::Options {
            clock: vendors.clone(),
            slow_down: Duration::ZERO,
            ..Default::default()
        };
        let psa = Freshservice::start(world.clone(), psa).await?;
        let rmm = Datto::start(world.clone(), rmm).await?;
        let clock = EventClock::new(start, vendors);
        let database = database::sqlite()?;
        // The vendors speak plain HTTP here, and a run that checks certificates first reads all of the system's.
        let plain = HttpSettings {
            verify_tls: false,
            ..HttpSettings::default()
        };
        let account = freshservice::Settings {
            base: format!("{}/api/v2", psa.url()).parse()?,
            api_key: SecretString::from(sim_freshservice::API_KEY),
            all_workspaces: false,
            http: plain.clone(),
        };
        let devices = datto::Settings {
            base: rmm.url().parse()?,
            public_key: SecretString::from(sim_datto::API_KEY),
            secret_key: SecretString::from(sim_datto::API_SECRET),
            http: HttpSettings {
                call_rate: CallRate::new(Some(540)),
                ..plain
            },
        };
        let codex = Codex::builder(&database.url)
            .clock(clock.clone())
            // Waits of minutes go by in milliseconds, and signs of life do not.
            .lease(Duration::from_secs(86_400))
            .source(freshservice::Freshservice::new(account.clone()))
            .source(freshservice::Tickets::new(account, Depth::Detail, 3_650))
            .source(datto::Audits::new(devices.clone()))
            .source(datto::Datto::new(devices, datto::Options::default()))
            .open()
            .await?;
        let entry = |name, part, cron| Entry::new(name, part, cron, "UTC", TimeDelta::zero());
        let entries = vec![
            entry("psa", SyncKind::Psa, "0 2 * * *")?,
            entry("rmm", SyncKind::Rmm, "0 3 * * *")?,
            entry("rmm-audits", SyncKind::RmmAudits, "0 * * * *")?,
            entry("tickets", SyncKind::Tickets, "*/5 * * * *")?,
        ];
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .build()?;
        Ok(Self {
            clock,
            world,
            psa,
            rmm,
            codex,
            entries,
            tickets,
            http,
            _database: database,
        })
    }

    fn calls(&self) -> u64 {
        self.psa.calls("") + self.rmm.calls("")
    }

    /// Waits until no run is at work, while time passes.
    async fn quiet(&self) -> anyhow::Result<()> {
        let idle = async {
            loop {
                let mut open = 0;
                for status in [JobStatus::Queued, JobStatus::Running] {
                    let filter = JobFilter {
                        status: Some(status),
                        limit: 1,
                        ..JobFilter::default()
                    };
                    open += self.codex.jobs(&Scope::system(), &filter).await?.len();
                }
                if open == 0 {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let passed = self.clock.during(idle);
        tokio::time::timeout(Duration::from_secs(300), passed)
            .await
            .context("a run does not end")?
    }

    /// Another integration spends calls of the account.
    async fn spend(&self, calls: u32) -> anyhow::Result<()> {
        let url = format!("{}/api/v2/departments?per_page=1", self.psa.url());
        for _ in 0..calls {
            let call = self
                .http
                .get(&url)
                .basic_auth(sim_freshservice::API_KEY, Some("X"));
            call.send().await?;
        }
        Ok(())
    }

    /// Days of schedules with changes at the vendors; `others` is what another integration calls before every second
    /// look at the schedule.
    async fn days(&self, days: u64, others: u32) -> anyhow::Result<Tally> {
        let (mut random, mut tally) = (StdRng::seed_from_u64(3), Tally::default());
        let system = Scope::system();
        for part in [
            SyncKind::Psa,
            SyncKind::Rmm,
            SyncKind::Tickets,
            SyncKind::RmmAudits,
        ] {
            self.codex.start_sync(&system, part).await?;
            self.quiet().await?;
        }
        let first = self.clock.elapsed();
        {
            // How old tickets are counts from here.
            let mut world = self.world.lock();
            let behind = self.codex.now() - world.now;
            world.tick(behind);
        }
        let mut open: Vec<(i64, DateTime<Utc>, i64)> = Vec::new();
        for step in 1..=days * 86_400 / STEP.as_secs() {
            tally.steps = step;
            self.clock.move_to(first + STEP * u32::try_from(step)?);
            {
                let mut world = self.world.lock();
                // Some time since the last step.
                let behind = self.codex.now() - world.now;
                let early = behind * random.random_range(0..100) / 100;
                world.tick(early);
                // A hundred changes a day.
                if random.random_range(0..3) == 0 {
                    let id = random.random_range(1..=self.tickets);
                    let priority = random.random_range(1..=4);
                    world.set_ticket(id, &json!({"priority": priority}));
                    open.retain(|(known, ..)| *known != id);
                    open.push((id, world.now, priority));
                    tally.changes += 1;
                }
                world.tick(behind - early);
            }
            if step.is_multiple_of(2) {
                self.spend(others).await?;
            }
            self.codex.run_due(&self.entries).await?;
            self.quiet().await?;
            let now = self.codex.now();
            let mut left = Vec::new();
            for (id, at, priority) in open {
                let shown = self
                    .codex
                    .ticket(&system, id)
                    .await?
                    .map(|(ticket, _)| ticket);
                if shown.and_then(|ticket| ticket.fields.priority_id) == Some(priority) {
                    tally.oldest = tally.oldest.max(now - at);
                } else {
                    left.push((id, at, priority));
                }
            }
            open = left;
        }
        tally.failed = self
            .count("select count(*) from sync_jobs where status = 'failed'")
            .await?;
        tally.jobs = self.count("select count(*) from sync_jobs").await?;
        anyhow::ensure!(open.len() <= 4, "never arrived: {open:?}");
        Ok(tally)
    }

    async fn count(&self, sql: &'static str) -> anyhow::Result<usize> {
        let count: Option<i64> = self.codex.db().query(sql).scalar().await?;
        Ok(usize::try_from(count.unwrap_or(-1))?)
    }
}

/// Days to simulate.
fn days() -> u64 {
    setting("CODEX_TEST_DAYS")
        .and_then(|days| days.parse().ok())
        .unwrap_or(DAYS)
}

/// Trap 25.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn month_alone_meets_no_limit_and_tickets_are_fresh() -> anyhow::Result<()> {
    let all = [
        AccountPlan::Starter,
        AccountPlan::Growth,
        AccountPlan::Pro,
        AccountPlan::Enterprise,
    ];
    let plans = if setting("CODEX_TEST_PLANS").is_some() {
        &all[..]
    } else {
        &all[..1]
    };
    for plan in plans {
        let (begun, month) = (Instant::now(), Month::on(*plan).await?);
        let tally = month.days(days(), 0).await?;
        let calls = month.calls();
        println!(
            "{plan:?}: {tally:?}, {calls} calls, {:.0} s",
            begun.elapsed().as_secs_f64()
        );
        assert_eq!(month.rmm.calls("refused"), 0, "{plan:?}: {tally:?}");
        // On a busy machine time goes on while a call is on its way: one of a thousand may meet the next minute.
        assert!(
            month.psa.calls("refused") * 1_000 <= calls,
            "{plan:?}: {tally:?}"
        );
        assert_eq!(tally.failed, 0, "{plan:?}: {tally:?}");
        assert!(tally.oldest <= FRESH, "{plan:?}: {tally:?}");
        month.codex.close().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codex_backs_off_beside_another_integration() -> anyhow::Result<()> {
    let month = Month::on(AccountPlan::Starter).await?;
    let tally = month.days(1, 70).await?;
    let (calls, refused) = (month.psa.calls(""), month.psa.calls("refused"));
    println!("{tally:?}, {calls} calls, {refused} refused");
    assert_eq!(month.rmm.calls("refused"), 0);
    assert!(
        refused * 100 <= calls,
        "{refused} of {calls} refused: {tally:?}"
    );
    assert!(tally.oldest <= TimeDelta::minutes(30), "{tally:?}");
    month.codex.close().await;
    Ok(())
}
