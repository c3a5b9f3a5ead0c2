//! Sources that have not completed for three of their intervals.

use chrono::TimeDelta;
use codex_core::{Codex, Providers, schedule::Entry, sync::SyncKind};
use codex_daemon::{
    config::{Config, Sources},
    health::{Health, Status},
};
use codex_tests::{
    harness::{app::vendor_settings, bench::TestBench},
    on_each_engine,
    sim::{
        core::Core,
        fault::{FaultKind, When},
    },
};

fn hourly() -> Vec<Entry> {
    let entry = |name, part| Entry::new(name, part, "0 * * * *", "UTC", TimeDelta::zero()).unwrap();
    vec![entry("psa", SyncKind::Psa), entry("rmm", SyncKind::Rmm)]
}

async fn late(codex: &Codex) -> anyhow::Result<Vec<&'static str>> {
    let late = codex.late_sources(&hourly()).await?;
    Ok(late.into_iter().map(|late| late.schedule).collect())
}

on_each_engine! {
    async fn source_is_late_after_three_intervals_without_a_run(bench: TestBench) -> TestResult {
        assert!(late(&bench.codex).await?.is_empty(), "a first start");
        bench.sync_all().await?;
        bench.clock.advance(TimeDelta::minutes(179));
        assert!(late(&bench.codex).await?.is_empty());
        bench.sync(SyncKind::Rmm).await?;
        bench.clock.advance(TimeDelta::minutes(1));
        assert_eq!(late(&bench.codex).await?, ["psa"]);
        let reported = bench.codex.late_sources(&hourly()).await?;
        assert_eq!((reported[0].source, reported[0].last_completed_at.is_some()), ("freshservice", true));
        // A run that fails is no end, one that completes is.
        bench.freshservice.faults().add("/api/v2/", When::Always, FaultKind::Status(401));
        bench.run(SyncKind::Psa).await?;
        assert_eq!(late(&bench.codex).await?, ["psa"]);
        bench.freshservice.faults().clear();
        bench.sync(SyncKind::Psa).await?;
        assert!(late(&bench.codex).await?.is_empty());
        // A vendor that is not chosen is not waited for.
        bench.clock.advance(TimeDelta::days(2));
        assert_eq!(late(&bench.codex).await?, ["psa", "rmm"]);
        let providers = |rmm: &str| Providers { psa: "freshservice".into(), rmm: rmm.into() };
        bench.codex.choose_providers(providers("superops"));
        assert_eq!(late(&bench.codex).await?, ["psa"]);
        assert!(bench.codex.late_sources(&[]).await?.is_empty(), "no schedule, nothing late");
        Ok(())
    }

    async fn missed_runs_may_be_caught_up_after_a_restart(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        bench.clock.advance(TimeDelta::days(7));
        let next = bench.second(|builder| builder).await?;
        assert!(late(&next).await?.is_empty(), "it has just begun");
        bench.clock.advance(TimeDelta::minutes(61));
        assert_eq!(late(&next).await?, ["psa", "rmm"]);
        next.close().await;
        Ok(())
    }

    async fn source_that_never_completed_is_late_after_restarts(bench: TestBench) -> TestResult {
        bench.freshservice.faults().add("/api/v2/", When::Always, FaultKind::Status(401));
        bench.run(SyncKind::Psa).await?;
        bench.clock.advance(TimeDelta::minutes(100));
        let next = bench.second(|builder| builder).await?;
        bench.clock.advance(TimeDelta::minutes(81));
        assert_eq!(late(&next).await?, ["psa"], "counted from its first job");
        next.close().await;
        Ok(())
    }

    async fn health_is_degraded_and_names_the_late_source(bench: TestBench) -> TestResult {
        let core = Core::start().await?;
        let settings = vendor_settings(&bench.freshservice, &bench.datto);
        let others = [
            ("core.url", core.url()), ("health.disk_degraded_percent", "100"), ("health.disk_unhealthy_percent", "100"),
            ("scheduler.sync_psa_enabled", "on"), ("scheduler.sync_psa_schedule", "hourly"),
            ("scheduler.sync_rmm_enabled", "off"),
            ("scheduler.sync_rmm_audits_enabled", "off"), ("scheduler.sync_tickets_enabled", "off"),
        ];
        let sources = Sources::new(bench.database.folder());
        let sources = settings.into_iter().chain(others).fold(sources, |s, (key, value)| s.set(key, value));
        let health = Health::new(&Config::load(&sources)?)?;
        bench.sync_all().await?;
        let well = health.check(&bench.codex).await;
        assert_eq!((well.status, well.checks.sources.is_none()), (Status::Healthy, true));
        assert!(!serde_json::to_string(&well)?.contains("sources"), "the shape is today's while all is well");
        bench.clock.advance(TimeDelta::hours(4));
        let unwell = health.check(&bench.codex).await;
        assert_eq!(unwell.status, Status::Degraded);
        let sources = unwell.checks.sources.unwrap();
        assert_eq!((sources.status, sources.late.len()), (Status::Degraded, 1));
        assert_eq!((&*sources.late[0].schedule, &*sources.late[0].source), ("psa", "freshservice"));
        Ok(())
    }
}
