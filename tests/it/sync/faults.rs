//! Bad days: nothing is deleted, the job says what happened, the next good run repairs.

use std::time::Duration;

use codex_core::{Scope, jobs::JobStatus, sync::SyncKind};
use codex_tests::{
    harness::{
        TestResult,
        bench::{LargeBench, TestBench},
        random_text,
    },
    on_each_engine,
    sim::{
        fault::{FaultKind, When},
        world::{department_id, device_uid, requester_id, user_id},
    },
};
use serde_json::json;

/// What every total failure of a list must look like.
async fn fails_without_loss(
    bench: &TestBench,
    part: SyncKind,
    kind: FaultKind,
    word: &str,
) -> TestResult {
    let faults = match part {
        SyncKind::Rmm => bench.datto.faults(),
        SyncKind::Agents => bench.keycloak.faults(),
        _ => bench.freshservice.faults(),
    };
    let path = match part {
        SyncKind::Rmm => "/api/v2/account/devices",
        SyncKind::Agents => "/admin/realms/hivematrix/users",
        _ => "/api/v2/departments",
    };
    faults.add(path, When::Always, kind.clone());
    let job = bench.run(part).await?;
    assert_eq!(job.status, JobStatus::Failed, "{kind:?}");
    let error = job.error.unwrap_or_default();
    assert!(error.contains(word), "{kind:?}: {error}");
    faults.clear();
    assert_eq!(bench.live("companies").await?, 50, "{kind:?}");
    assert_eq!(bench.live("assets").await?, 3_000, "{kind:?}");
    bench.sync(part).await?;
    Ok(())
}

on_each_engine! {
    /// Traps 32 and 33.
    async fn failed_list_of_departments_deletes_nothing(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        for (kind, word) in [
            (FaultKind::Status(401), "401"), (FaultKind::Status(403), "403"), (FaultKind::Status(404), "404"),
            (FaultKind::Status(500), "500"), (FaultKind::Html, "JSON"), (FaultKind::HalfBody, "cut off"),
            (FaultKind::NullBody, "shape"), (FaultKind::EmptyList, "lists nothing"), (FaultKind::ForeignLink, "another host"),
            (FaultKind::SelfLink, "already"),
        ] {
            fails_without_loss(&bench, SyncKind::Psa, kind, word).await?;
        }
        Ok(())
    }

    /// Traps 38 and 59.
    async fn failed_list_of_devices_deletes_nothing(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        for (kind, word) in [
            (FaultKind::Status(401), "401"), (FaultKind::Status(404), "404"), (FaultKind::Status(504), "504"), (FaultKind::Html, "JSON"),
            (FaultKind::HalfBody, "cut off"), (FaultKind::NoEnvelope, "shape"), (FaultKind::EmptyList, "lists nothing"),
            (FaultKind::ForeignLink, "another host"), (FaultKind::SelfLink, "already"),
        ] {
            fails_without_loss(&bench, SyncKind::Rmm, kind, word).await?;
        }
        Ok(())
    }

    async fn null_item_is_reported_and_others_are_read(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        bench.freshservice.faults().add("/api/v2/requesters", When::Page(1), FaultKind::NullItem);
        bench.datto.faults().add("/api/v2/account/devices", When::Page(0), FaultKind::NullItem);
        let (psa, rmm) = (bench.sync(SyncKind::Psa).await?, bench.sync(SyncKind::Rmm).await?);
        assert_eq!(psa.report.counts["contact"].failed, 1);
        assert!(!psa.report.scopes["requesters"].certified);
        assert_eq!(rmm.report.counts["asset"].failed, 1);
        assert_eq!(psa.report.counts["contact"].deleted + rmm.report.counts["asset"].deleted, 0);
        assert_eq!(bench.live("contacts").await?, 2_000);
        Ok(())
    }

    /// PostgreSQL holds no text over 2,704 bytes in an index.
    async fn overlong_texts_are_cut_and_reported(bench: TestBench) -> TestResult {
        let long = random_text(10_000);
        {
            let mut world = bench.world.lock();
            world.department_mut(department_id(3)).unwrap()["name"] = json!(long);
            world.requester_mut(requester_id(5)).unwrap()["primary_email"] = json!(long);
            world.requester_mut(requester_id(6)).unwrap()["first_name"] = json!("\u{fdfa}".repeat(1_000));
            world.device_mut(&device_uid(4)).unwrap().body["hostname"] = json!(long);
            world.user_mut(&user_id(3)).unwrap()["username"] = json!(long);
        }
        for (part, cuts) in [
            (SyncKind::Psa, vec!["company", "contact", "contact"]), (SyncKind::Rmm, vec!["asset"]), (SyncKind::Agents, vec!["agent"]),
        ] {
            let issues = bench.sync(part).await?.report.issues;
            let cut = issues.iter().filter(|issue| issue.contains(" is cut to "));
            let cut: Vec<_> = cut.filter_map(|issue| issue.split(' ').next()).collect();
            assert_eq!(cut, cuts, "{issues:?}");
            // What was said already is not said again.
            assert_eq!(bench.sync(part).await?.report.counts.values().map(|counts| counts.updated).sum::<u64>(), 0);
        }
        let kept = "select count(*) from companies where length(name) = 1000";
        assert_eq!(bench.count(kept).await?, 1);
        Ok(())
    }

    async fn transient_errors_are_retried(bench: TestBench) -> TestResult {
        for kind in [FaultKind::Status(500), FaultKind::Html, FaultKind::HalfBody, FaultKind::RateLimited(Some("0".into()))] {
            bench.freshservice.faults().add("/api/v2/departments", When::First(2), kind);
            bench.sync(SyncKind::Psa).await?;
            bench.freshservice.faults().clear();
        }
        Ok(())
    }

    /// Trap 24.
    async fn long_retry_after_ends_the_run_and_blocks_the_vendor(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        let limited = FaultKind::RateLimited(Some("1500".into()));
        bench.freshservice.faults().add("/api/v2/requesters", When::Always, limited);
        let job = bench.run(SyncKind::Psa).await?;
        assert!(job.error.unwrap_or_default().contains("1500 s"));
        bench.freshservice.faults().clear();
        let calls = bench.freshservice.calls("");
        let early = bench.run(SyncKind::Psa).await?;
        assert_eq!(early.status, JobStatus::Failed);
        assert_eq!(bench.freshservice.calls(""), calls, "a closed vendor is not called");
        bench.clock.advance(chrono::Duration::seconds(1501));
        tokio::time::sleep(Duration::from_millis(1100)).await;
        bench.sync(SyncKind::Psa).await?;
        assert_eq!(bench.live("contacts").await?, 2_000);
        Ok(())
    }

    /// Trap 32.
    async fn vendor_answering_404_to_everything_proves_nothing(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        bench.world.lock().requesters.remove(1);
        bench.freshservice.faults().add("/api/v2/requesters/", When::Always, FaultKind::Status(404));
        for _ in 0..3 {
            bench.sync(SyncKind::Psa).await?;
        }
        assert_eq!(bench.live("contacts").await?, 2_000);
        bench.freshservice.faults().clear();
        bench.sync(SyncKind::Psa).await?;
        bench.sync(SyncKind::Psa).await?;
        assert_eq!(bench.live("contacts").await?, 1_999);
        Ok(())
    }

    async fn job_of_a_dead_run_fails_and_the_next_one_completes(bench: TestBench) -> TestResult {
        // A run that died: its lease and its job say that it is at work, and nothing moves.
        let mut tx = bench.db().begin().await?;
        tx.query("insert into sync_leases (source, fence, beat, job_id) values ('freshservice', 7, 3, 'dead')")
            .execute()
            .await?;
        for id in ["dead", "died-waiting"] {
            tx.query(
                "insert into sync_jobs (id, script, provider, status, started_at, report) \
                 values ($1, 'psa', 'freshservice', 'running', $2, $3)",
            )
            .bind(id)
            .bind(bench.codex.now())
            .bind(sqlx::types::Json(serde_json::json!({})))
            .execute()
            .await?;
        }
        tx.commit().await?;
        bench.sync(SyncKind::Psa).await?;
        for id in ["dead", "died-waiting"] {
            let dead = bench.codex.job(&Scope::system(), id).await?.unwrap();
            assert_eq!(dead.status, JobStatus::Failed, "{id}");
        }
        assert_eq!(bench.live("companies").await?, 50);
        Ok(())
    }
}
