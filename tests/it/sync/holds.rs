//! Deletions that a person decides on.

use chrono::Duration;
use codex_core::{
    Scope,
    holds::{Hold, HoldStatus},
    records::Author,
    sync::SyncKind,
};
use codex_tests::{harness::bench::TestBench, on_each_engine};

/// Twenty departments are gone, and the run has held their deletion.
async fn held(bench: &TestBench) -> anyhow::Result<Hold> {
    bench.sync(SyncKind::Psa).await?;
    bench.world.lock().departments.truncate(30);
    let job = bench.sync(SyncKind::Psa).await?;
    assert_eq!(job.report.counts["company"].held, 20);
    assert_eq!(bench.live("companies").await?, 50);
    let holds = bench
        .codex
        .holds(&Scope::system(), Some(HoldStatus::Held))
        .await?;
    assert_eq!(holds.len(), 1, "{holds:?}");
    Ok(holds.into_iter().next().unwrap())
}

fn author(bench: &TestBench) -> Author {
    Author::new("admin-1", bench.codex.now())
}

on_each_engine! {
    /// Records that return keep their ids.
    async fn approved_deletion_runs_once(bench: TestBench) -> TestResult {
        let lost = bench.world.lock().departments[35].clone();
        let hold = held(&bench).await?;
        assert_eq!((hold.missing, hold.total, hold.scope.as_str()), (20, 50, "departments"));
        let system = Scope::system();
        let ids = "select cast(sum(id) as bigint) from companies where deleted_at is not null";
        let approved = bench.codex.approve_hold(&system, &author(&bench), &hold.id).await?.unwrap();
        assert_eq!((approved.status, approved.decided_by.as_deref()), (HoldStatus::Approved, Some("admin-1")));
        assert_eq!(bench.live("companies").await?, 30);
        let twice = bench.codex.approve_hold(&system, &author(&bench), &hold.id).await.unwrap_err();
        assert!(twice.to_string().contains("decided already"), "{twice}");
        let reasons = "select count(*) from change_log where op = 'delete' and actor = 'admin-1' and reason like '%approved%'";
        assert_eq!(bench.count(reasons).await?, 20);
        let before = bench.count(ids).await?;
        bench.sync(SyncKind::Psa).await?;
        assert_eq!(bench.live("companies").await?, 30);
        assert!(bench.codex.holds(&system, Some(HoldStatus::Held)).await?.is_empty());
        bench.world.lock().departments.push(lost);
        bench.sync(SyncKind::Psa).await?;
        assert_eq!(bench.live("companies").await?, 31);
        assert!(bench.count(ids).await? < before, "one of the deleted rows lives again");
        Ok(())
    }

    async fn rejected_deletion_is_held_again_only_for_more_records(bench: TestBench) -> TestResult {
        let hold = held(&bench).await?;
        let system = Scope::system();
        bench.codex.reject_hold(&system, &author(&bench), &hold.id).await?.unwrap();
        let quiet = bench.sync(SyncKind::Psa).await?;
        assert_eq!(bench.live("companies").await?, 50);
        assert!(!quiet.report.issues.iter().any(|issue| issue.contains("missing")), "{:?}", quiet.report.issues);
        assert!(bench.codex.holds(&system, Some(HoldStatus::Held)).await?.is_empty());
        bench.world.lock().departments.truncate(20);
        bench.sync(SyncKind::Psa).await?;
        let again = bench.codex.holds(&system, Some(HoldStatus::Held)).await?;
        assert_eq!(again.iter().map(|hold| hold.missing).collect::<Vec<_>>(), [30]);
        Ok(())
    }

    async fn held_deletion_ends_by_returned_records_or_expiry(bench: TestBench) -> TestResult {
        let all = bench.world.lock().departments.clone();
        let hold = held(&bench).await?;
        let system = Scope::system();
        bench.clock.advance(Duration::days(15));
        let late = bench.codex.approve_hold(&system, &author(&bench), &hold.id).await.unwrap_err();
        assert!(late.to_string().contains("expired"), "{late}");
        assert_eq!(bench.live("companies").await?, 50);
        bench.sync(SyncKind::Psa).await?;
        let anew = bench.codex.holds(&system, Some(HoldStatus::Held)).await?;
        assert!(anew.len() == 1 && anew[0].id != hold.id);
        bench.world.lock().departments = all;
        bench.sync(SyncKind::Psa).await?;
        assert!(bench.codex.holds(&system, Some(HoldStatus::Held)).await?.is_empty());
        assert!(bench.codex.approve_hold(&system, &author(&bench), "nobody").await?.is_none());
        let technician = Scope::staff(codex_core::Role::Technician);
        assert!(bench.codex.approve_hold(&technician, &author(&bench), &hold.id).await.is_err());
        Ok(())
    }
}
