//! Plans: what a run would do, kept in a file, applied or not at all.

use chrono::Duration;
use codex_core::{
    Scope,
    companies::CompanyIn,
    ids::CompanyId,
    jobs::JobStatus,
    records::Author,
    sync::{Request, SyncKind, SyncPlan},
};
use codex_tests::{
    harness::bench::{LargeBench, TestBench},
    on_each_engine,
    sim::world::{department_id, device_uid, requester_id},
};
use serde_json::json;

const ROWS: &str = "select (select count(*) from change_log) + (select count(*) from claims)";

/// Some of everything changes at the vendors.
fn change(bench: &TestBench) {
    let mut world = bench.world.lock();
    world.tick(Duration::hours(1));
    let now = codex_tests::sim::world::tickets::sent(world.now);
    let department = world.department_mut(department_id(3)).unwrap();
    department["name"] = json!("Another Name");
    department["updated_at"] = json!(now);
    let requester = world.requester_mut(requester_id(5)).unwrap();
    requester["job_title"] = json!("Director");
    requester["updated_at"] = json!(now);
    world.forget_requester(requester_id(9)).unwrap();
    world
        .device_mut(&device_uid(4))
        .unwrap()
        .body
        .insert("hostname".into(), json!("RENAMED"));
}

/// Through a file, as the command line does.
fn filed(plan: &SyncPlan) -> anyhow::Result<SyncPlan> {
    Ok(SyncPlan::from_file(&plan.to_file()?)?)
}

on_each_engine! {
    async fn plan_is_applied_unchanged_and_once(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let system = Scope::system();
        // What was missing is gone when a second run misses it too.
        change(&bench);
        bench.sync(SyncKind::Psa).await?;
        let before = bench.live("contacts").await?;
        bench.world.lock().department_mut(department_id(7)).unwrap()["name"] = json!("Third Name");
        for part in [SyncKind::Psa, SyncKind::Rmm] {
            let rows = bench.count(ROWS).await?;
            let plan = bench.codex.plan_sync(&system, part).await?;
            assert!(!plan.changes.is_empty(), "{part:?}");
            assert_eq!(bench.count(ROWS).await?, rows, "a plan writes nothing");
            let calls = bench.freshservice.calls("") + bench.datto.calls("");
            let job = bench.codex.apply_plan(&system, filed(&plan)?).await?;
            assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
            assert_eq!(bench.freshservice.calls("") + bench.datto.calls(""), calls, "nobody is asked");
            let again = bench.codex.apply_plan(&system, filed(&plan)?).await?;
            assert_eq!(again.status, JobStatus::Failed);
            assert!(again.error.unwrap().contains("nothing was written"), "{part:?}");
            let left = bench.codex.plan_sync(&system, part).await?;
            assert_eq!(left.changes, [], "{part:?}: all of it was done");
        }
        assert!(bench.live("contacts").await? <= before);
        let renamed = "select count(*) from companies where name in ('Another Name', 'Third Name')";
        assert_eq!(bench.count(renamed).await?, 2);
        Ok(())
    }

    async fn plan_of_a_first_run_creates_what_a_run_does(bench: LargeBench) -> TestResult {
        let system = Scope::system();
        let plan = bench.codex.plan_sync(&system, SyncKind::Psa).await?;
        assert_eq!(bench.live("companies").await?, 0);
        let job = bench.codex.apply_plan(&system, filed(&plan)?).await?;
        assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        assert_eq!((bench.live("companies").await?, bench.live("contacts").await?), (50, 2_000));
        let devices = bench.codex.plan_sync(&system, SyncKind::Rmm).await?;
        let text = devices.to_file()?;
        assert!(!text.contains("SECRET"), "no secrets in a file");
        let job = bench.codex.apply_plan(&system, SyncPlan::from_file(&text)?).await?;
        assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
        assert_eq!(bench.live("assets").await?, bench.count("select count(*) from assets").await?);
        // The next run brings what a file does not hold: states and secrets.
        assert_eq!(bench.count("select count(*) from asset_secrets").await?, 0);
        bench.sync_all().await?;
        assert!(bench.count("select count(*) from asset_secrets").await? > 0);
        Ok(())
    }

    async fn drifted_rows_are_named_and_nothing_is_written(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let (system, author) = (Scope::system(), Author::new("user-1", bench.codex.now()));
        change(&bench);
        let plan = bench.codex.plan_sync(&system, SyncKind::Psa).await?;
        let id = "select id from companies where external_id = $1";
        let q = bench.db().query(id).bind(department_id(3));
        let id: i64 = q.scalar().await?.unwrap();
        let company = bench.codex.company_by_id(&system, CompanyId(id)).await?.unwrap();
        let account = company.fields.account_number.unwrap();
        let edit = CompanyIn { name: "By hand".into(), ..CompanyIn::default() };
        bench.codex.update_company(&system, &author, &account, &edit).await?.unwrap().applied().unwrap();
        let rows = bench.count(ROWS).await?;
        let job = bench.codex.apply_plan(&system, filed(&plan)?).await?;
        let error = job.error.unwrap();
        assert!(error.contains(&format!("company {id}")), "{error}");
        assert_eq!(bench.count(ROWS).await?, rows);
        Ok(())
    }

    async fn invalid_plans_are_refused(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let system = Scope::system();
        change(&bench);
        let plan = bench.codex.plan_sync(&system, SyncKind::Psa).await?;
        let text = plan.to_file()?;
        let cut = &text[..text.len() - 40];
        let changed = text.replacen("Another Name", "A Forged Name", 1);
        for (bad, says) in [("", "not a plan"), ("{}", "not a plan"), (cut, "cut off"), (&changed, "changed")] {
            let error = SyncPlan::from_file(bad).unwrap_err().to_string();
            assert!(error.starts_with("plan: ") && error.contains(says), "{error}");
        }
        let mut foreign = plan.clone();
        foreign.database = "another".into();
        let error = bench.codex.apply_plan(&system, foreign).await.unwrap_err().to_string();
        assert!(error.contains("another database"), "{error}");
        let mut unknown = plan;
        unknown.source = "superops".into();
        let error = bench.codex.apply_plan(&system, unknown).await.unwrap_err().to_string();
        assert!(error.contains("not available"), "{error}");
        Ok(())
    }

    async fn lists_and_times_limit_a_run(bench: LargeBench) -> TestResult {
        let system = Scope::system();
        let only = |part, scope: &str| Request { scopes: vec![scope.into()], ..Request::from(part) };
        bench.codex.sync(&system, only(SyncKind::Psa, "departments")).await?;
        assert_eq!((bench.live("companies").await?, bench.live("contacts").await?), (50, 0));
        bench.codex.sync(&system, only(SyncKind::Rmm, "sites")).await?;
        assert!(bench.live("site_links").await? > 50 && bench.live("assets").await? == 0);
        for (request, says) in [
            (only(SyncKind::Psa, "nonsense"), "scope: `nonsense` is not a part of freshservice"),
            (only(SyncKind::Tickets, "x"), "scope: freshservice.tickets is synced as a whole"),
            (Request { since: Some(bench.codex.now()), ..Request::from(SyncKind::Rmm) }, "since: datto cannot tell"),
            (Request { since: Some(bench.codex.now() + Duration::days(1)), ..Request::from(SyncKind::Tickets) }, "since: is in the future"),
        ] {
            let error = bench.codex.plan_sync(&system, request).await.unwrap_err().to_string();
            assert!(error.starts_with(says), "{error}");
        }
        // Asking for the newest leaves the rest to be synced.
        let newest = { bench.world.lock().now - Duration::days(10) };
        bench.codex.sync(&system, Request { since: Some(newest), ..Request::from(SyncKind::TicketsLight) }).await?;
        let some = bench.live("tickets").await?;
        assert!((1..600).contains(&some), "{some}");
        bench.sync(SyncKind::TicketsLight).await?;
        assert_eq!(bench.live("tickets").await?, 600);
        Ok(())
    }
}
