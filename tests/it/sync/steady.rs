//! A first run, a second run, a person's correction.

use std::collections::BTreeSet;

use chrono::Duration;
use codex_core::{
    Scope,
    claims::ClaimedResource,
    companies::CompanyIn,
    ids::{AssetId, CompanyId, ContactId},
    jobs::JobStatus,
    records::{Author, ChangeOp, Patch},
    sync::SyncKind,
};
use codex_tests::{
    harness::bench::{LargeBench, TestBench},
    on_each_engine,
};
use serde_json::json;

on_each_engine! {
    async fn first_run_creates_every_record(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        assert_eq!(bench.live("companies").await?, 50);
        assert_eq!(bench.live("contacts").await?, 2_000);
        assert_eq!(bench.live("assets").await?, 3_000);
        assert_eq!(bench.live("psa_agents").await?, 5);
        assert_eq!(bench.live("locations").await?, 40);
        let linked = bench.count("select count(*) from assets where company_id is not null").await?;
        assert!(linked > 2_400, "{linked} assets have a company");
        let with_address = bench.count("select count(*) from assets where mac_address is not null").await?;
        assert!(with_address > 2_800, "{with_address} assets have a hardware address");
        let company = bench.codex.company(&Scope::system(), "100001").await?.unwrap();
        assert!(!bench.codex.company_contacts(&Scope::system(), company.id).await?.is_empty());
        assert!(!bench.codex.company_assets(&Scope::system(), company.id).await?.is_empty());
        Ok(())
    }

    /// Nor a claim, nor a log entry.
    async fn run_with_volatile_changes_only_writes_no_record(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let rows = "select (select count(*) from change_log) + (select count(*) from claims)";
        let newest = "select count(*) from assets where updated_at > (select min(updated_at) from assets)";
        let (before, changed) = (bench.count(rows).await?, bench.count(newest).await?);
        let seen = "select count(*) from asset_status where last_logged_in_user like 'CORP\\user1%' escape '!'";
        let users = bench.count(seen).await?;
        bench.world.lock().tick(Duration::minutes(30));
        bench.clock.advance(Duration::minutes(30));
        let (psa, rmm) = (bench.sync(SyncKind::Psa).await?, bench.sync(SyncKind::Rmm).await?);
        for job in [psa, rmm] {
            for (kind, counts) in &job.report.counts {
                assert_eq!(counts.created + counts.updated + counts.deleted + counts.restored, 0, "{kind}");
                assert_eq!(counts.unchanged, counts.seen, "{kind}");
            }
        }
        assert_eq!(bench.count(rows).await?, before);
        assert_eq!(bench.count(newest).await?, changed);
        assert_ne!(bench.count(seen).await?, users, "the status did move");
        Ok(())
    }

    async fn manual_value_survives_every_run_until_released(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let (system, author) = (Scope::system(), Author::new("user-1", bench.codex.now()));
        let company = bench.codex.company(&system, "100001").await?.unwrap();
        let plan = company.fields.billing_plan.clone();
        let mine = CompanyIn { billing_plan: "Ours".into(), ..CompanyIn::default() };
        bench.codex.update_company(&system, &author, "100001", &mine).await?.unwrap().applied().unwrap();
        bench.world.lock().departments[1]["custom_fields"]["plan_selected"] = json!("Theirs");
        bench.sync(SyncKind::Psa).await?;
        let edited = bench.codex.company(&system, "100001").await?.unwrap();
        assert_eq!(edited.fields.billing_plan.as_deref(), Some("Ours"));
        assert_eq!(edited.fields.plan_selected.as_deref(), Some("Theirs"));
        assert_ne!(plan.as_deref(), Some("Theirs"));
        let resource = ClaimedResource::Companies;
        let released = bench.codex.release_claim(&system, &author, resource, "100001", "billing_plan").await?;
        assert!(released.applied().is_some());
        let released = bench.codex.company(&system, "100001").await?.unwrap();
        assert_eq!(released.fields.billing_plan.as_deref(), Some("Theirs"));
        Ok(())
    }

    async fn assigned_contacts_survive_every_run(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let (system, author) = (Scope::system(), Author::new("user-1", bench.codex.now()));
        let company = bench.codex.company(&system, "100001").await?.unwrap();
        let asset = bench.codex.company_assets(&system, company.id).await?.remove(0).id;
        let users = bench.codex.company_contacts(&system, company.id).await?;
        let wanted: BTreeSet<ContactId> = users.iter().take(2).map(|contact| contact.id).collect();
        assert!(bench.codex.assign_contacts(&system, &author, asset, &wanted).await?.is_some());
        let unknown = BTreeSet::from([ContactId(999_999)]);
        let error = bench.codex.assign_contacts(&system, &author, asset, &unknown).await.unwrap_err();
        assert_eq!(error.to_string(), "contact_ids: there is no contact 999999");
        let unknown = bench.codex.assign_contacts(&system, &author, AssetId(999_999), &wanted);
        assert_eq!(unknown.await?, None);
        bench.sync_all().await?;
        let now = bench.codex.asset_contacts(&system, asset).await?;
        assert_eq!(now.iter().map(|contact| contact.id).collect::<BTreeSet<_>>(), wanted);
        let other = Scope::client(vec![CompanyId(999_999)]);
        assert!(bench.codex.asset_contacts(&other, asset).await?.is_empty());
        let logged = "select count(*) from change_log where cast(changes as text) like '%contact_ids%'";
        assert_eq!(bench.count(logged).await?, 1);
        Ok(())
    }

    async fn invalid_edit_names_its_field_and_changes_nothing(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let (system, author) = (Scope::system(), Author::new("user-1", bench.codex.now()));
        let before = bench.count("select count(*) from change_log").await?;
        let nothing = CompanyIn::default;
        for (name, bad) in [
            ("description", CompanyIn { description: "\u{0}".into(), ..nothing() }),
            ("name", CompanyIn { name: Patch::Null, ..nothing() }),
            ("body", nothing()),
        ] {
            let error = bench.codex.update_company(&system, &author, "100001", &bad).await.unwrap_err();
            assert!(error.to_string().starts_with(name), "{error}");
        }
        assert_eq!(bench.count("select count(*) from change_log").await?, before);
        Ok(())
    }

    async fn plan_lists_changes_and_writes_nothing(bench: TestBench) -> TestResult {
        let plan = bench.codex.plan_sync(&Scope::system(), SyncKind::Psa).await?;
        assert_eq!(plan.report.counts["company"].created, 50);
        assert!(plan.changes.iter().all(|change| change.op == ChangeOp::Create));
        let rows = "select (select count(*) from companies) + (select count(*) from claims) \
                    + (select count(*) from change_log) + (select count(*) from sync_jobs)";
        assert_eq!(bench.count(rows).await?, 0);
        Ok(())
    }

    /// Trap 70.
    async fn source_is_synced_by_one_run_at_a_time(bench: LargeBench) -> TestResult {
        let other = bench.second(|builder| builder).await?;
        let system = Scope::system();
        let (one, two) = tokio::join!(bench.codex.sync(&system, SyncKind::Rmm), other.sync(&system, SyncKind::Rmm));
        let ends = [one?.status, two?.status];
        assert!(ends.contains(&JobStatus::Completed), "{ends:?}");
        assert_eq!(bench.live("assets").await?, 3_000);
        Ok(())
    }

    async fn lists_cost_no_statement_per_row(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let system = Scope::system();
        let before = bench.db().statements();
        bench.codex.companies(&system).await?;
        assert_eq!(bench.db().statements() - before, 1);
        let before = bench.db().statements();
        let page = codex_core::list::PageRequest::default();
        assert_eq!(bench.codex.contacts(&system, None, &page).await?.items.len(), 500);
        assert_eq!(bench.db().statements() - before, 2);
        Ok(())
    }

    async fn client_sees_the_companies_of_exactly_one_contact(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let scope = bench.codex.client_scope("kc-1", Some("PERSON1@client1.example")).await?;
        let own = bench.codex.companies(&scope).await?;
        assert_eq!(own.len(), 1);
        assert!(bench.codex.company(&scope, "100002").await?.is_none());
        assert!(bench.codex.psa_agents(&scope, None).await.is_err());
        let shared = bench.codex.client_scope("kc-2", Some("shared@client.example")).await?;
        assert!(bench.codex.companies(&shared).await?.is_empty(), "a shared address opens nothing");
        Ok(())
    }
}
