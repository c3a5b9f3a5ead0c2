//! Account numbers at the vendors.

use codex_core::{
    Scope,
    jobs::JobStatus,
    sync::{SyncKind, datto, freshservice},
};
use codex_tests::{
    harness::{bench::TestBench, database::TestDatabase},
    on_each_engine,
    sim::{
        Size, World, datto as sim_datto,
        datto::TakenVariable,
        fault::{FaultKind, When},
        freshservice as sim_freshservice,
        world::department_id,
    },
};
use serde_json::{Value, json};

/// What the vendor has as the number of the n-th department.
fn number(bench: &TestBench, n: usize) -> Value {
    bench.world.lock().departments[n]["custom_fields"]["account_number"].clone()
}

/// The account variables of a site.
fn variables(bench: &TestBench, site: usize) -> Vec<Value> {
    let world = bench.world.lock();
    let all = world.sites[site].variables.iter();
    all.filter(|v| {
        v["name"]
            .as_str()
            .is_some_and(|name| name.trim().eq_ignore_ascii_case("accountnumber"))
    })
    .cloned()
    .collect()
}

/// A vendor without the field, with another answer to taken names.
struct Odd(TestBench);

impl Odd {
    async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let limits = false;
        let fresh = sim_freshservice::Options {
            limits,
            account_number_field: false,
            ..Default::default()
        };
        let rmm = sim_datto::Options {
            limits,
            taken_variable: TakenVariable::Conflict,
            ..Default::default()
        };
        Ok(Self(
            TestBench::with(database, World::generate(Size::S, 7), fresh, rmm).await?,
        ))
    }
}

on_each_engine! {
    /// Trap 21. Others keep theirs.
    async fn department_without_a_number_gets_a_free_one(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        let before: Vec<Value> = (0..50).map(|n| number(&bench, n)).collect();
        assert!(before[20].is_null());
        let job = bench.sync(SyncKind::AssignAccounts).await?;
        let given = number(&bench, 20).as_i64().unwrap();
        assert!((100_000..=999_999).contains(&given) && !before.contains(&json!(given)));
        assert!(job.report.notes.iter().any(|note| note.contains(&given.to_string())), "{:?}", job.report.notes);
        for (n, number_before) in before.iter().enumerate().filter(|(n, _)| *n != 20) {
            assert_eq!(&number(&bench, n), number_before, "{n}");
        }
        let company = bench.codex.company(&Scope::system(), &given.to_string()).await?.unwrap();
        assert_eq!(company.fields.external_id, Some(department_id(20)));
        let again = bench.sync(SyncKind::AssignAccounts).await?;
        assert!(again.report.notes.is_empty(), "{:?}", again.report.notes);
        bench.sync(SyncKind::Psa).await?;
        assert!(bench.codex.company(&Scope::system(), &given.to_string()).await?.is_some());
        Ok(())
    }

    async fn job_only_reports_while_writing_is_off(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let quiet = bench.second(|builder| builder).await?;
        drop(quiet);
        let url = bench.freshservice.url();
        let settings = freshservice::Settings {
            base: format!("{url}/api/v2").parse()?,
            api_key: sim_freshservice::API_KEY.into(),
            all_workspaces: false,
            http: codex_tests::harness::bench::quick(),
        };
        let rmm = datto::Settings {
            base: bench.datto.url().parse()?,
            public_key: sim_datto::API_KEY.into(),
            secret_key: sim_datto::API_SECRET.into(),
            http: codex_tests::harness::bench::quick(),
        };
        let codex = codex_core::Codex::builder(bench.database.url.clone())
            .source(freshservice::Accounts::new(settings, false))
            .source(datto::Accounts::new(rmm, false))
            .open()
            .await?;
        let sites: Vec<_> = (0..50).map(|site| variables(&bench, site)).collect();
        for part in [SyncKind::AssignAccounts, SyncKind::PushAccounts] {
            let job = codex.sync(&Scope::system(), part).await?;
            assert_eq!(job.status, JobStatus::Completed, "{:?}", job.error);
            let notes = job.report.notes;
            assert!(notes.iter().any(|note| note.contains("would get")), "{part:?}: {notes:?}");
            assert!(notes.last().unwrap().contains("write is off"));
        }
        assert!(number(&bench, 20).is_null());
        assert_eq!((0..50).map(|site| variables(&bench, site)).collect::<Vec<_>>(), sites);
        Ok(())
    }

    async fn number_set_at_the_vendor_meanwhile_is_kept(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        // The list still says that there is none; the single view has one by now.
        bench.world.lock().departments[20]["custom_fields"]["account_number"] = json!(654_321);
        bench.world.lock().departments[21]["custom_fields"]["account_number"] = json!(null);
        let job = bench.sync(SyncKind::AssignAccounts).await?;
        assert_eq!(number(&bench, 20), 654_321);
        assert_eq!(number(&bench, 21), 100_021, "the number that the company has here goes there");
        assert_eq!(job.report.issues, Vec::<String>::new());
        Ok(())
    }

    async fn failed_department_does_not_stop_the_others(bench: TestBench) -> TestResult {
        bench.sync(SyncKind::Psa).await?;
        bench.world.lock().departments[21]["custom_fields"]["account_number"] = json!(null);
        let path = format!("/api/v2/departments/{}", department_id(20));
        bench.freshservice.faults().add(&path, When::Always, FaultKind::Status(500));
        let job = bench.sync(SyncKind::AssignAccounts).await?;
        assert_eq!(job.report.issues.len(), 1, "{:?}", job.report.issues);
        assert!(number(&bench, 20).is_null());
        assert_eq!(number(&bench, 21), 100_021);
        Ok(())
    }

    /// Trap 23.
    async fn account_without_the_field_is_reported_once(odd: Odd) -> TestResult {
        let Odd(bench) = odd;
        bench.sync(SyncKind::Psa).await?;
        let job = bench.run(SyncKind::AssignAccounts).await?;
        assert_eq!(job.status, JobStatus::Failed);
        assert!(job.error.unwrap_or_default().contains("400"));
        assert!(number(&bench, 20).is_null());
        Ok(())
    }

    /// Traps 45 and 47.
    async fn site_gets_a_number_by_its_whole_name_only(odd: Odd) -> TestResult {
        let Odd(bench) = odd;
        bench.sync(SyncKind::Psa).await?;
        let names: Vec<String> = {
            let mut world = bench.world.lock();
            for site in [4, 6, 8, 9] {
                world.sites[site].variables.retain(|v| v["name"] != "AccountNumber");
            }
            // The same name; a longer one that holds it; one that two companies have; one that nobody has.
            let name = |world: &World, n: usize| world.departments[n]["name"].as_str().unwrap().to_owned();
            let (exact, inside, twice) = (name(&world, 4), name(&world, 6), name(&world, 33));
            world.sites[4].body.insert("name".into(), json!(exact.to_uppercase()));
            world.sites[6].body.insert("name".into(), json!(format!("{inside} - Branch")));
            world.sites[8].body.insert("name".into(), json!(twice));
            world.sites[9].body.insert("name".into(), json!("Somebody Else Entirely"));
            vec![exact, inside, twice]
        };
        bench.sync(SyncKind::Rmm).await?;
        let job = bench.sync(SyncKind::PushAccounts).await?;
        let values = |site: usize| variables(&bench, site).iter().map(|v| v["value"].clone()).collect::<Vec<_>>();
        assert_eq!(values(4), [json!("100004")], "{names:?}");
        assert_eq!((values(6), values(8), values(9)), (vec![], vec![], vec![]));
        let reported = |site: &str| job.report.issues.iter().find(|issue| issue.contains(&format!("site `{site}`"))).cloned();
        let branch = reported(&format!("{} - Branch", names[1])).unwrap_or_default();
        assert!(branch.contains(&format!("`{}` (100006)", names[1])), "{branch}");
        let twice = reported(&names[2]).unwrap_or_default();
        assert_eq!(twice.matches("(1000").count(), 2, "{twice}");
        assert_eq!(reported("Somebody Else Entirely"), None);
        let linked = "select count(*) from site_links l join companies c on c.id = l.company_id \
            where c.account_number = '100004'";
        assert!(bench.count(linked).await? >= 1);
        let calls = bench.datto.calls("site");
        bench.sync(SyncKind::PushAccounts).await?;
        let masked = job.report.issues.iter().filter(|issue| issue.contains("masked")).count() as u64;
        assert_eq!(bench.datto.calls("site"), calls + masked, "what is equal is not asked again");
        Ok(())
    }
}
