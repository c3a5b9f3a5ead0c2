//! kill -9 of real codexd processes in the middle of their first sync.

use std::time::Duration;

use anyhow::Context as _;
use codex_core::{Scope, jobs::JobStatus, sync::SyncKind};
use codex_tests::{
    harness::{
        app::vendor_settings,
        bench::TestBench,
        child::{become_codexd, codexd},
        database::{self, setting},
        state::{differences, state},
    },
    on_each_engine,
    sim::fault::{FaultKind, When},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// Kills of each source's first sync, unless CODEX_TEST_KILLS says more. Each costs the start of a process and the end
/// of a lease.
const KILLS: u64 = 3;
const CHILD: &str = "sync::killed::codexd_child_process";

#[test]
fn codexd_child_process() {
    become_codexd();
}

on_each_engine! {
    /// Trap 70.
    async fn killed_runs_end_like_an_undisturbed_one(bench: TestBench) -> TestResult {
        let calm = TestBench::on(database::sqlite()?).await?;
        calm.sync_all().await?;

        let seed = setting("CODEX_TEST_SEED").and_then(|s| s.parse().ok()).unwrap_or(7);
        let kills = setting("CODEX_TEST_KILLS").and_then(|k| k.parse().ok()).unwrap_or(KILLS);
        println!("seed {seed}, {kills} kills of each source");
        let (mut random, mut killed) = (StdRng::seed_from_u64(seed), 0);
        for (name, part, calls) in [("freshservice", SyncKind::Psa, 24), ("datto", SyncKind::Rmm, 110)] {
            for _ in 0..kills {
                killed += i64::from(kill_one(&bench, name, part, random.random_range(1..=calls)).await?);
            }
            let mut last = start(&bench, name)?;
            let ended = tokio::time::timeout(Duration::from_secs(120), last.wait()).await??;
            assert!(ended.success(), "the run after the kills of {name} completes");
        }

        let (one, two) = (state(calm.db()).await?, state(bench.db()).await?);
        assert_eq!(differences(&one, &two), Vec::<String>::new());
        assert_eq!(bench.count("select count(*) from sync_jobs where status in ('queued', 'running')").await?, 0);
        let failed = bench.count("select count(*) from sync_jobs where status = 'failed'").await?;
        assert_eq!(failed, killed, "every dead run's job is failed");
        assert!(killed > i64::try_from(kills)?, "{killed} runs were killed at work");
        Ok(())
    }

    async fn job_of_a_dead_process_ends_without_another_run(bench: TestBench) -> TestResult {
        // As a process leaves it that dies, or that could not write the end.
        let (job, scope) = (bench.sync(SyncKind::Agents).await?, Scope::system());
        let mut tx = bench.db().begin().await?;
        for sql in [
            "update sync_jobs set status = 'running', completed_at = null, success = null",
            "update sync_leases set job_id = (select id from sync_jobs)",
        ] {
            tx.query(sql).execute().await?;
        }
        tx.commit().await?;
        let other = bench.second(|builder| builder.lease(Duration::from_secs(1))).await?;
        let watch = tokio::spawn({
            let other = other.clone();
            async move { other.end_dead_jobs().await }
        });
        // A live run shows signs of life, however long its vendor takes.
        let hang = FaultKind::Hang(Duration::from_secs(5));
        bench.freshservice.faults().add("/api/v2/", When::First(1), hang);
        bench.sync(SyncKind::Psa).await?;
        let end = async {
            loop {
                let job = other.job(&scope, &job.id).await?.context("the job")?;
                if job.status.is_over() {
                    return anyhow::Ok(job);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let ended = tokio::time::timeout(Duration::from_secs(20), end).await??;
        assert_eq!((ended.status, ended.success), (JobStatus::Failed, Some(false)));
        assert!(ended.error.unwrap_or_default().contains("the process that ran this job ended"));
        assert_eq!(bench.count("select count(*) from sync_leases where job_id is not null").await?, 0);
        // The next run is not kept waiting.
        bench.sync(SyncKind::Agents).await?;
        other.close().await;
        watch.await?;
        Ok(())
    }
}

/// Starts a sync and kills it once the vendor has answered `calls` calls; tells whether it was still at work.
async fn kill_one(
    bench: &TestBench,
    name: &str,
    part: SyncKind,
    calls: u64,
) -> anyhow::Result<bool> {
    let made = || match part {
        SyncKind::Rmm => bench.datto.calls(""),
        SyncKind::Agents => bench.keycloak.calls(""),
        _ => bench.freshservice.calls(""),
    };
    let before = made();
    let mut child = start(bench, name)?;
    let wait = async {
        while made() < before + calls && child.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await??;
    let at_work = child.try_wait()?.is_none();
    child.kill().await?;
    Ok(at_work)
}

/// Starts `codexd sync` where there are no settings but ours.
fn start(bench: &TestBench, name: &str) -> anyhow::Result<tokio::process::Child> {
    let settings = vendor_settings(&bench.freshservice, &bench.datto)
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .chain([
            format!("database.connection_string={}", bench.database.url),
            "sync.lease_seconds=1".to_owned(),
        ]);
    let mut args = vec!["sync".to_owned(), name.to_owned()];
    for setting in settings {
        args.extend(["--set".to_owned(), setting]);
    }
    codexd(CHILD, bench.database.folder(), &args)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspended_run_that_resumes_late_writes_nothing() -> anyhow::Result<()> {
    // On SQLite a process that is stopped inside a transaction locks everybody out until it goes on.
    let Some(database) = database::postgres().await? else {
        return Ok(());
    };
    let bench = TestBench::on(database).await?;
    let mut stopped = start(&bench, "datto")?;
    let wait = async {
        while bench.datto.calls("") < 60 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await?;
    signal(&stopped, "-STOP")?;

    let mut second = start(&bench, "datto")?;
    let ended = tokio::time::timeout(Duration::from_secs(90), second.wait()).await??;
    assert!(ended.success(), "the second process takes over");
    let taken_over = state(bench.db()).await?;

    signal(&stopped, "-CONT")?;
    let ended = tokio::time::timeout(Duration::from_secs(60), stopped.wait()).await??;
    assert!(
        !ended.success(),
        "the first process finds that it has lost the lease"
    );
    assert_eq!(
        differences(&taken_over, &state(bench.db()).await?),
        Vec::<String>::new()
    );
    let ends = "select count(*) from sync_jobs where status = 'completed'";
    assert_eq!(bench.count(ends).await?, 1);
    assert_eq!(
        bench
            .count("select count(*) from sync_jobs where status = 'failed'")
            .await?,
        1
    );
    Ok(())
}

fn signal(child: &tokio::process::Child, name: &str) -> anyhow::Result<()> {
    let pid = child.id().context("the process has ended")?.to_string();
    let sent = std::process::Command::new("kill")
        .args([name, &pid])
        .status()?;
    anyhow::ensure!(sent.success(), "kill {name} {pid}");
    Ok(())
}
