//! Panics on demand: what they end, and what goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use codex_core::{
    Codex, Scope,
    clock::{Clock, ManualClock},
    companies::Company,
    jobs::JobStatus,
    schedule::Entry,
    sync::{
        Part, UpstreamError,
        kit::{Crawl, Incoming, Lister, Origin, Page, Run, Source, Work},
    },
};
use codex_tests::{harness::database::TestDatabase, on_each_engine};
use serde_json::{Map, json};

const NAME: &str = "acme";

/// Where a source panics.
const NOWHERE: u8 = 0;
const AT_ONCE: u8 = 1;
const IN_A_TRANSACTION: u8 = 2;
const IN_A_PAGE: u8 = 3;

/// A source that panics where it is told to.
#[derive(Debug, Clone, Default)]
struct Panicking(Arc<AtomicU8>);

/// A vendor's list that cannot be read without a panic.
struct Broken;

impl Lister for Broken {
    type List = ();
    type Next = ();

    async fn page(&self, _list: &(), _at: Option<()>) -> Result<Page<()>, UpstreamError> {
        panic!("on demand")
    }

    fn calls(&self) -> u64 {
        1
    }
}

impl Source for Panicking {
    fn name(&self) -> &'static str {
        NAME
    }

    fn part(&self) -> Part {
        Part::Psa
    }

    fn pull<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move {
            let fields = Map::from_iter([("name".to_owned(), json!("Acme"))]);
            let item = Incoming::<Company>::part("1".to_owned(), "companies", fields);
            run.page(Origin::Main(NAME), [Ok(item)]).await?;
            match self.0.load(Ordering::Relaxed) {
                AT_ONCE => panic!("on demand"),
                IN_A_TRANSACTION => {
                    let mut tx = run.db().begin().await?;
                    tx.query("delete from companies").execute().await.ok();
                    panic!("on demand")
                }
                IN_A_PAGE => {
                    let mut crawl = Crawl::start(&Arc::new(Broken), ());
                    crawl.next(run).await?;
                }
                _ => {}
            }
            Ok(())
        })
    }
}

on_each_engine! {
    async fn a_run_that_panics_fails_and_frees_its_source(database: TestDatabase) -> TestResult {
        let source = Panicking::default();
        let builder = Codex::builder(&database.url).source(source.clone()).providers(NAME, "datto");
        let codex = builder.lease(Duration::from_secs(30)).open().await?;
        let system = Scope::system();
        for place in [AT_ONCE, IN_A_TRANSACTION, IN_A_PAGE] {
            source.0.store(place, Ordering::Relaxed);
            let job = tokio::time::timeout(Duration::from_secs(20), codex.sync(&system, Part::Psa)).await??;
            assert_eq!((job.status, job.success), (JobStatus::Failed, Some(false)), "{place}");
            let error = job.error.context("a reason")?;
            assert!(error.contains("panic") && !error.contains("on demand"), "{error}");
            assert_eq!(job.report.counts["company"].seen, 1, "what it did before is reported");
            let leases = "select count(*) from sync_leases where job_id is not null";
            assert_eq!(codex.db().query(leases).scalar::<i64>().await?, Some(0), "{place}");
            // The next run begins at once, without waiting for the lease, and the writer is sound.
            source.0.store(NOWHERE, Ordering::Relaxed);
            let job = tokio::time::timeout(Duration::from_secs(10), codex.sync(&system, Part::Psa)).await??;
            assert_eq!(job.status, JobStatus::Completed, "{place}: {:?}", job.error);
            let live = "select count(*) from companies where deleted_at is null";
            let live = codex.db().query(live).scalar::<i64>().await?;
            assert_eq!(live, Some(1), "nothing of the broken transaction lasts");
        }
        // A plan fails with an error, and leaves no dead task.
        source.0.store(IN_A_PAGE, Ordering::Relaxed);
        let planned = codex.plan_sync(&system, Part::Psa).await;
        assert!(planned.unwrap_err().to_string().contains("panic"));
        codex.close().await;
        Ok(())
    }
}

/// A clock that panics as often as it is told to.
#[derive(Debug)]
struct PanickingClock {
    clock: ManualClock,
    panics: AtomicU32,
}

impl Clock for PanickingClock {
    fn now(&self) -> DateTime<Utc> {
        let less = |left: u32| left.checked_sub(1);
        let panics = self
            .panics
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        assert!(panics.is_err(), "on demand");
        self.clock.now()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scheduler_goes_on_after_a_panic() -> anyhow::Result<()> {
    let database = TestDatabase::on(codex_tests::harness::database::sqlite()?).await?;
    let start: DateTime<Utc> = "2026-01-05T10:00:00Z".parse()?;
    let clock = Arc::new(PanickingClock {
        clock: ManualClock::new(start),
        panics: AtomicU32::new(0),
    });
    let codex = Codex::builder(&database.url)
        .source(Panicking::default())
        .providers(NAME, "datto")
        .clock(clock.clone());
    let codex = codex.open().await?;
    let entry = Entry::new("psa", Part::Psa, "* * * * *", "UTC", TimeDelta::zero())?;
    let armed = async |name: &str| {
        for _ in 0..100 {
            if clock.panics.load(Ordering::Relaxed) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{name} does not ask for the time");
    };
    clock.panics.store(1, Ordering::Relaxed);
    let scheduler = {
        let codex = codex.clone();
        tokio::spawn(async move { codex.keep_schedule(vec![entry], false).await })
    };
    armed("the scheduler").await;
    clock.panics.store(1, Ordering::Relaxed);
    let outbox = {
        let codex = codex.clone();
        tokio::spawn(async move { codex.keep_outbox().await })
    };
    armed("the outbox").await;
    let system = Scope::system();
    let ran = async {
        loop {
            let last = codex.last_job(&system, "psa", Some(JobStatus::Completed));
            if last.await?.is_some() {
                return anyhow::Ok(());
            }
            clock.clock.advance(TimeDelta::seconds(30));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), ran).await??;
    assert!(!scheduler.is_finished() && !outbox.is_finished());
    codex.close().await;
    tokio::time::timeout(Duration::from_secs(2), scheduler).await??;
    tokio::time::timeout(Duration::from_secs(2), outbox).await??;
    Ok(())
}

/// The tasks of the library and of the daemon, each contained: nothing is spawned past `panics`.
#[test]
fn every_task_is_started_by_the_helper_that_contains_panics() -> anyhow::Result<()> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    let (mut folders, mut found, mut read) = (vec![], Vec::new(), 0);
    folders.extend([root.join("codex-core/src"), root.join("codex-daemon/src")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            let is_test = ["/tests/", "/tests.rs", "/testing.rs", "/stub.rs"]
                .iter()
                .any(|own| name.contains(own));
            if path.is_dir() {
                folders.push(path);
            } else if !is_test
                && !name.ends_with("/panics.rs")
                && path.extension().is_some_and(|kind| kind == "rs")
            {
                read += 1;
                let text = std::fs::read_to_string(&path)?;
                let code = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
                let words = [
                    "tokio::spawn",
                    "tasks.spawn",
                    "spawn_blocking",
                    "thread::spawn",
                ];
                let words = words.iter().filter(|word| code.contains(**word));
                found.extend(words.map(|word| format!("{word} in {name}")));
            }
        }
    }
    assert!(read > 150, "{read} files");
    assert_eq!(found, Vec::<String>::new(), "use codex_core::panics");
    Ok(())
}
