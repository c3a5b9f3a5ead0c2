//! Panics on demand: what they end, and what goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    task::Poll,
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
        SyncKind, UpstreamError,
        source_api::{ClaimSource, Crawl, Lister, Page, Run, Source, SourceRecord, Work},
    },
};
use codex_tests::{
    harness::{app::TestApp, database::TestDatabase},
    on_each_engine,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

const NAME: &str = "acme";

/// Where a source panics.
const NOWHERE: u8 = 0;
const AT_ONCE: u8 = 1;
const IN_A_TRANSACTION: u8 = 2;
const IN_A_PAGE: u8 = 3;

/// A source that panics where a test wants it.
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

    fn kind(&self) -> SyncKind {
        SyncKind::Psa
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move {
            let fields = Map::from_iter([("name".to_owned(), json!("Acme"))]);
            let item = SourceRecord::<Company>::part("1".to_owned(), "companies", fields);
            run.page(ClaimSource::Main(NAME), [Ok(item)]).await?;
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
    async fn panicking_run_fails_and_frees_its_source(database: TestDatabase) -> TestResult {
        let source = Panicking::default();
        let builder = Codex::builder(&database.url).source(source.clone()).providers(NAME, "datto");
        let codex = builder.lease(Duration::from_secs(30)).open().await?;
        let system = Scope::system();
        for place in [AT_ONCE, IN_A_TRANSACTION, IN_A_PAGE] {
            source.0.store(place, Ordering::Relaxed);
            let job = tokio::time::timeout(Duration::from_secs(20), codex.sync(&system, SyncKind::Psa)).await??;
            assert_eq!((job.status, job.success), (JobStatus::Failed, Some(false)), "{place}");
            let error = job.error.context("a reason")?;
            assert!(error.contains("panic") && !error.contains("on demand"), "{error}");
            assert_eq!(job.report.counts["company"].seen, 1, "what it did before is reported");
            let leases = "select count(*) from sync_leases where job_id is not null";
            assert_eq!(codex.db().query(leases).scalar::<i64>().await?, Some(0), "{place}");
            // The next run begins at once, without waiting for the lease, and the writer is sound.
            source.0.store(NOWHERE, Ordering::Relaxed);
            let job = tokio::time::timeout(Duration::from_secs(10), codex.sync(&system, SyncKind::Psa)).await??;
            assert_eq!(job.status, JobStatus::Completed, "{place}: {:?}", job.error);
            let live = "select count(*) from companies where deleted_at is null";
            let live = codex.db().query(live).scalar::<i64>().await?;
            assert_eq!(live, Some(1), "nothing of the broken transaction lasts");
        }
        // A plan fails with an error, and leaves no dead task.
        source.0.store(IN_A_PAGE, Ordering::Relaxed);
        let planned = codex.plan_sync(&system, SyncKind::Psa).await;
        assert!(planned.unwrap_err().to_string().contains("panic"));
        codex.close().await;
        Ok(())
    }

    async fn run_that_panics_at_its_end_frees_its_source(database: TestDatabase) -> TestResult {
        let clock = Arc::new(PanickingClock::at("2026-01-05T10:00:00Z")?);
        let arming = Arming { clock: clock.clone(), reads: Arc::default() };
        let builder = Codex::builder(&database.url).source(arming.clone()).providers(NAME, "datto");
        let codex = builder.clock(clock.clone()).open().await?;
        let system = Scope::system();
        // What a job says of its end, and what is written with that, each ask for the time.
        for reads in [1, 2] {
            arming.reads.store(reads, Ordering::Relaxed);
            let job = tokio::time::timeout(Duration::from_secs(20), codex.sync(&system, SyncKind::Psa)).await??;
            assert_eq!(clock.panics.load(Ordering::Relaxed), 0, "{reads}: it has panicked");
            assert_eq!((job.status, job.success), (JobStatus::Failed, Some(false)), "{reads}");
            let error = job.error.context("a reason")?;
            assert!(error.contains("panic") && !error.contains("on demand"), "{error}");
            let leases = "select count(*) from sync_leases where job_id is not null";
            assert_eq!(codex.db().query(leases).scalar::<i64>().await?, Some(0), "{reads}");
            arming.reads.store(0, Ordering::Relaxed);
            let next = tokio::time::timeout(Duration::from_secs(10), codex.sync(&system, SyncKind::Psa)).await??;
            assert_eq!(next.status, JobStatus::Completed, "{reads}: {:?}", next.error);
            assert_ne!(next.id, job.id);
        }
        codex.close().await;
        Ok(())
    }

    /// At every point at which a call can be left, from its first wait to its last.
    async fn abandoned_sync_start_frees_its_source(database: TestDatabase) -> TestResult {
        let source = Panicking::default();
        let builder = Codex::builder(&database.url).source(source).providers(NAME, "datto");
        let codex = builder.open().await?;
        let system = Scope::system();
        for polls in 1.. {
            assert!(polls < 1_000, "the call does not end");
            let started = hung_up(codex.start_sync(&system, SyncKind::Psa), polls).await;
            let job = tokio::time::timeout(Duration::from_secs(20), codex.sync(&system, SyncKind::Psa)).await??;
            assert_eq!(job.status, JobStatus::Completed, "{polls}: {:?}", job.error);
            let open = "select count(*) from sync_jobs where status in ('queued', 'running')";
            assert_eq!(codex.db().query(open).scalar::<i64>().await?, Some(0), "{polls}: a job that nobody works on");
            if let Some(started) = started {
                assert!(!started?.already_running);
                break;
            }
        }
        codex.close().await;
        Ok(())
    }

    /// The library that reads HTML divides by zero for such a table.
    async fn unreadable_conversation_stops_no_run(database: TestDatabase) -> TestResult {
        let settings = [("webhooks.enabled", "true"), ("webhooks.secret", "an open secret")];
        let app = TestApp::with(database, &settings).await?;
        let said: Vec<Value> = ["<img alt=\"logo\">", "&nbsp;", "<img alt=\"logo\"></td></tr></table><p>Thank you</p>"]
            .iter()
            .zip(70_001..)
            .map(|(cell, id)| json!({"id": id, "body_text": "", "private": false, "created_at": "2026-01-05T08:00:00Z",
                "body": format!("<table><tr><td rowspan=\"0\">{cell}</td></tr></table>")}))
            .collect();
        let say = |number: i64, place: i64| {
            let mut said = said.clone();
            for one in &mut said {
                one["id"] = json!(one["id"].as_i64().unwrap() + place * 100);
            }
            app.world.lock().change_ticket(number, |ticket| ticket.set_conversations(said)).unwrap();
        };
        say(3, 0);
        app.sync().await?;
        let (by_webhook, by_number) = { let mut world = app.world.lock(); (world.open_ticket(), world.open_ticket()) };
        say(by_webhook, 1);
        say(by_number, 2);
        for (number, status) in [(3, 200), (by_webhook, 201)] {
            let call = app.call(Method::POST, "/webhooks/freshservice/ticket").header("x-webhook-secret", "an open secret");
            let answer = call.json(&json!({"ticket_id": number})).send().await?;
            assert_eq!(answer.status(), status, "ticket {number}");
        }
        for number in [3, by_webhook, by_number] {
            let ticket = app.json(&format!("/api/ticket/{number}")).await?;
            let said = ticket["conversations"].as_array().unwrap();
            assert_eq!(said.len(), 3, "ticket {number}: {ticket}");
            assert!(said.iter().any(|said| said["body"].as_str().unwrap().contains("Thank you")), "{ticket}");
        }
        // The source is free again.
        app.run_syncs(&["/sync/tickets"]).await?;
        let jobs = app.json("/sync/jobs?script=tickets&limit=5").await?;
        let statuses: Vec<&Value> = jobs.as_array().unwrap().iter().map(|job| &job["status"]).collect();
        assert_eq!(statuses, ["completed", "completed"]);
        Ok(())
    }
}

/// Polls a call so many times and hangs up; `None` when it had not ended by then.
async fn hung_up<T>(call: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut call = std::pin::pin!(call);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        let Some(less) = left.checked_sub(1) else {
            return Poll::Ready(None);
        };
        left = less;
        call.as_mut().poll(cx).map(Some)
    })
    .await
}

/// A source that makes the clock panic after its work is done, at one of the next reads; 0 is never.
#[derive(Debug, Clone)]
struct Arming {
    clock: Arc<PanickingClock>,
    reads: Arc<AtomicU32>,
}

impl Source for Arming {
    fn name(&self) -> &'static str {
        NAME
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Psa
    }

    fn sync<'r>(&'r self, _run: &'r mut Run) -> Work<'r> {
        Box::pin(async move {
            if let Some(quiet) = self.reads.load(Ordering::Relaxed).checked_sub(1) {
                self.clock.quiet.store(quiet, Ordering::Relaxed);
                self.clock.panics.store(1, Ordering::Relaxed);
            }
            Ok(())
        })
    }
}

/// A clock that panics a given number of times, after it was read so many times.
#[derive(Debug)]
struct PanickingClock {
    clock: ManualClock,
    quiet: AtomicU32,
    panics: AtomicU32,
}

impl PanickingClock {
    fn at(start: &str) -> anyhow::Result<Self> {
        Ok(Self {
            clock: ManualClock::new(start.parse()?),
            quiet: AtomicU32::new(0),
            panics: AtomicU32::new(0),
        })
    }
}

impl Clock for PanickingClock {
    fn now(&self) -> DateTime<Utc> {
        let takes = |left: &AtomicU32| {
            let less = |left: u32| left.checked_sub(1);
            let taken = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            taken.is_ok()
        };
        assert!(takes(&self.quiet) || !takes(&self.panics), "on demand");
        self.clock.now()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scheduler_continues_after_a_panic() -> anyhow::Result<()> {
    let database = TestDatabase::on(codex_tests::harness::database::sqlite()?).await?;
    let clock = Arc::new(PanickingClock::at("2026-01-05T10:00:00Z")?);
    let codex = Codex::builder(&database.url)
        .source(Panicking::default())
        .providers(NAME, "datto")
        .clock(clock.clone());
    let codex = codex.open().await?;
    let entry = Entry::new("psa", SyncKind::Psa, "* * * * *", "UTC", TimeDelta::zero())?;
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
