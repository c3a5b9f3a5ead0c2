//! Syncs that run by themselves.

use chrono::TimeDelta;
use codex_core::{Scope, jobs::query::JobFilter, schedule::Entry, sync::SyncKind};
use codex_tests::{harness::bench::TestBench, on_each_engine};

fn entries(cron: &str) -> Vec<Entry> {
    let entry = |name, part| Entry::new(name, part, cron, "UTC", TimeDelta::zero()).unwrap();
    vec![
        entry("psa", SyncKind::Psa),
        entry("tickets", SyncKind::TicketsLight),
    ]
}

/// Jobs that have been started.
async fn jobs(bench: &TestBench) -> anyhow::Result<usize> {
    let filter = JobFilter {
        limit: 100,
        ..JobFilter::default()
    };
    Ok(bench.codex.jobs(&Scope::system(), &filter).await?.len())
}

/// Waits until nothing is at work.
async fn quiet(bench: &TestBench) -> anyhow::Result<()> {
    let open = "select count(*) from sync_jobs where status in ('queued', 'running')";
    for _ in 0..600 {
        if bench.count(open).await? == 0 {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("a job does not end")
}

on_each_engine! {
    async fn due_run_is_started_by_one_of_two_processes(bench: TestBench) -> TestResult {
        let other = bench.second(|builder| builder).await?;
        let hourly = entries("0 * * * *");
        assert!(bench.codex.run_due(&hourly).await?.is_empty(), "the first look plans");
        bench.clock.advance(TimeDelta::minutes(59));
        assert!(bench.codex.run_due(&hourly).await?.is_empty());
        bench.clock.advance(TimeDelta::minutes(1));
        let (one, two) = tokio::join!(bench.codex.run_due(&hourly), other.run_due(&hourly));
        let mut started = [one?, two?].concat();
        started.sort_unstable();
        assert_eq!(started, ["psa", "tickets"]);
        quiet(&bench).await?;
        assert_eq!(jobs(&bench).await?, 2);
        assert!(bench.codex.run_due(&hourly).await?.is_empty());
        let planned = bench.codex.schedules(&Scope::system()).await?;
        assert!(planned.iter().all(|known| known.last_at == Some(bench.codex.now())));
        Ok(())
    }

    /// A changed expression gives a new plan.
    async fn missed_run_is_caught_up_once(bench: TestBench) -> TestResult {
        let hourly = entries("0 * * * *");
        bench.codex.run_due(&hourly).await?;
        bench.clock.advance(TimeDelta::hours(30));
        assert_eq!(bench.codex.run_due(&hourly).await?.len(), 2);
        quiet(&bench).await?;
        assert!(bench.codex.run_due(&hourly).await?.is_empty());
        assert_eq!(jobs(&bench).await?, 2);
        let daily = entries("0 2 * * *");
        assert!(bench.codex.run_due(&daily).await?.is_empty());
        bench.clock.advance(TimeDelta::hours(2));
        assert!(bench.codex.run_due(&daily).await?.is_empty(), "no longer hourly");
        Ok(())
    }

    async fn run_planned_by_a_wrong_clock_is_planned_again(bench: TestBench) -> TestResult {
        let hourly = entries("0 * * * *");
        bench.clock.advance(TimeDelta::days(365));
        bench.codex.run_due(&hourly).await?;
        bench.clock.advance(-TimeDelta::days(365));
        assert!(bench.codex.run_due(&hourly).await?.is_empty());
        bench.clock.advance(TimeDelta::hours(1));
        assert_eq!(bench.codex.run_due(&hourly).await?.len(), 2);
        quiet(&bench).await
    }

    async fn run_that_cannot_start_is_planned_again(bench: TestBench) -> TestResult {
        let codex = codex_core::Codex::builder(bench.database.url.clone()).clock(bench.clock.clone()).open().await?;
        let hourly = entries("0 * * * *");
        codex.run_due(&hourly).await?;
        bench.clock.advance(TimeDelta::hours(1));
        assert_eq!(codex.run_due(&hourly).await?.len(), 2, "no source is configured; the log says so");
        assert_eq!(jobs(&bench).await?, 0);
        let planned = codex.schedules(&Scope::system()).await?;
        assert!(planned.iter().all(|known| known.next_at > codex.now()));
        Ok(())
    }
}
