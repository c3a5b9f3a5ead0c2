//! Runs that a person or a signal ends: at once, whatever they wait for.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use codex_core::{
    Scope,
    jobs::{Job, JobStatus, query::JobFilter},
    records::Author,
    sync::SyncKind,
};
use codex_tests::{
    harness::{
        app::vendor_settings,
        bench::TestBench,
        child::{become_codexd, codexd},
    },
    on_each_engine,
    sim::fault::{FaultKind, When},
};

const CHILD: &str = "sync::cancelled::codexd_child_process";
/// What a stop may take.
const AT_ONCE: Duration = Duration::from_secs(2);

#[test]
fn codexd_child_process() {
    become_codexd();
}

fn start(bench: &TestBench) -> anyhow::Result<tokio::process::Child> {
    let mut args = vec!["sync".to_owned(), "freshservice".to_owned()];
    let database = format!("database.connection_string={}", bench.database.url);
    let vendors = vendor_settings(&bench.freshservice, &bench.datto);
    let vendors = vendors.map(|(key, value)| format!("{key}={value}"));
    for setting in vendors.into_iter().chain([database]) {
        args.extend(["--set".to_owned(), setting]);
    }
    codexd(CHILD, bench.database.folder(), &args)
}

async fn newest(bench: &TestBench) -> anyhow::Result<Job> {
    let filter = JobFilter {
        limit: 1,
        ..JobFilter::default()
    };
    let jobs = bench.codex.jobs(&Scope::system(), &filter).await?;
    jobs.into_iter().next().context("a job")
}

/// Waits until a job is at work and the vendor was called.
async fn at_work(bench: &TestBench, calls: u64) -> anyhow::Result<()> {
    let wait = async {
        loop {
            let job = newest(bench).await;
            let works = job.is_ok_and(|job| job.status == JobStatus::Running);
            if works && bench.freshservice.calls("") > calls {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    Ok(tokio::time::timeout(Duration::from_secs(30), wait).await?)
}

/// What keeps a run waiting: a slow answer, a pause between tries, a limit. The limit is last: the vendor's
/// wait is kept for every process, whatever becomes of the run that met it.
fn troubles() -> [FaultKind; 3] {
    [
        FaultKind::Hang(Duration::from_secs(30)),
        FaultKind::Status(500),
        FaultKind::RateLimited(Some("50".into())),
    ]
}

on_each_engine! {
    async fn signal_cancels_a_sync_at_once(bench: TestBench) -> TestResult {
        for (trouble, (signal, code)) in troubles().into_iter().zip([("-TERM", 143), ("-INT", 130), ("-TERM", 143)]) {
            bench.freshservice.faults().add("/api/v2/", When::Always, trouble.clone());
            let calls = bench.freshservice.calls("");
            let mut child = start(&bench)?;
            at_work(&bench, calls).await?;
            let pid = child.id().context("the process has ended")?.to_string();
            let cancelled_at = Instant::now();
            std::process::Command::new("kill").args([signal, &pid]).status()?;
            let ended = tokio::time::timeout(Duration::from_secs(20), child.wait()).await??;
            assert!(cancelled_at.elapsed() < AT_ONCE, "{trouble:?}: {:?}", cancelled_at.elapsed());
            assert_eq!(ended.code(), Some(code), "{trouble:?}");
            let job = newest(&bench).await?;
            assert_eq!(job.status, JobStatus::Cancelled, "{trouble:?}: {job:?}");
            assert_eq!(job.error.as_deref(), Some("cancelled by the end of the process"));
            assert_eq!(bench.count("select count(*) from sync_leases where job_id is not null").await?, 0);
            bench.freshservice.faults().clear();
        }
        // The gate that a limit may have closed is none of this test's.
        bench.sync(SyncKind::Rmm).await?;
        Ok(())
    }

    async fn user_cancels_a_run_at_once(bench: TestBench) -> TestResult {
        let (system, author) = (Scope::system(), Author::new("user-1", bench.codex.now()));
        for trouble in troubles() {
            bench.freshservice.faults().add("/api/v2/", When::Always, trouble.clone());
            let started = bench.codex.start_sync(&system, SyncKind::Psa).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
            bench.codex.cancel_job(&system, &author, &started.job_id).await.ok();
            let cancelled_at = Instant::now();
            let job = loop {
                let job = bench.codex.job(&system, &started.job_id).await?.context("the job")?;
                if job.status.is_over() {
                    break job;
                }
                assert!(cancelled_at.elapsed() < AT_ONCE, "{trouble:?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            };
            if trouble == troubles()[0] {
                assert_eq!((job.status, job.error.as_deref()), (JobStatus::Cancelled, Some("cancelled by user-1")));
            }
            bench.freshservice.faults().clear();
        }
        Ok(())
    }
}
