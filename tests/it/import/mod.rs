//! The import of the Flask service's database: all generations, interruptions, refusals, the first sync afterwards.

mod exit_codes;
mod generated;
mod old;
mod running;

use std::{collections::BTreeSet, time::Duration};

use anyhow::Context as _;
use codex_core::{
    Codex, Scope,
    assets::Asset,
    companies::CompanyIn,
    contacts::Contact,
    ids::{AssetId, ContactId},
    import::{
        Comparison, Flaw, ImportOptions, ImportOutcome, ImportState, Table, TableComparison,
        check as check_source, dry_run, time_zone,
    },
    records::Author,
    site_links::SiteLink,
    store::Engine,
    sync::source_api::{ClaimSource, Run, Source, SourceRecord, SyncKind, Work},
};
use codex_tests::{
    harness::{TestResult, database::TestDatabase},
    on_each_engine,
};
use serde_json::{Map, Value, json};

fn options(from: &str) -> ImportOptions {
    let codes = Flaw::ALL.iter().map(|flaw| flaw.code().to_owned());
    ImportOptions {
        from: from.to_owned(),
        time_zone: time_zone("Europe/Berlin").ok(),
        secret_udfs: vec!["udf2".to_owned(), "udf9".to_owned()],
        accepted: codes.collect(),
        // The role of tests may do everything.
        allow_writing_role: true,
        ..ImportOptions::default()
    }
}

/// Imports and compares; everything must be the same but what `differing` names.
async fn import(codex: &Codex, options: &ImportOptions, differing: &[&str]) -> TestResult {
    let scope = Scope::system();
    let done = codex.run_import(&scope, options, |_, _| {}).await?;
    let ImportOutcome::Done(report) = done else {
        anyhow::bail!("{done:?}");
    };
    assert!(report.unbalanced().is_empty(), "{report:?}");
    assert_eq!(
        codex
            .unfinished_import()
            .await?
            .map(|why| why.contains("verify")),
        Some(true)
    );
    let comparison = codex.verify_import(&scope, options, true, |_| {}).await?;
    let found: BTreeSet<&str> = comparison
        .tables
        .iter()
        .filter(|(_, table)| !table.is_clean())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        found,
        differing.iter().copied().collect(),
        "{comparison:#?}"
    );
    assert_eq!(comparison.differing_bills, 0, "{comparison:#?}");
    assert!(comparison.bills >= 2, "{comparison:#?}");
    assert_eq!(
        codex.unfinished_import().await?.is_none(),
        differing.is_empty()
    );
    let again = codex.run_import(&scope, options, |_, _| {}).await?;
    assert!(matches!(again, ImportOutcome::DoneBefore(_)), "{again:?}");
    Ok(())
}

/// What came of a table.
fn compared(comparison: &Comparison, table: Table) -> anyhow::Result<&TableComparison> {
    let mut tables = comparison.tables.iter();
    let found = tables.find(|(name, _)| name == table.name());
    Ok(&found.context("the table")?.1)
}

async fn asset(codex: &Codex, id: i64) -> anyhow::Result<Asset> {
    let found = codex.asset(&Scope::system(), AssetId(id)).await?;
    found
        .map(|(asset, _)| asset)
        .ok_or_else(|| anyhow::anyhow!("no asset {id}"))
}

async fn contact(codex: &Codex, id: i64) -> anyhow::Result<Contact> {
    let found = codex.contact(&Scope::system(), ContactId(id)).await?;
    found
        .map(|(contact, _)| contact)
        .ok_or_else(|| anyhow::anyhow!("no contact {id}"))
}

on_each_engine! {
    async fn first_generation_is_imported_exactly(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::first()).await?;
        let codex = Codex::open(&target.url).await?;
        let options = options(&old.url);
        let report = check_source(&options, |_, _| {}).await?;
        assert_eq!(report.layout, "first");
        let warnings: Vec<&str> = report.warnings().into_keys().collect();
        assert_eq!(warnings, [
            "backup_unreadable", "billing_plan_edited", "company_missing", "conversations_unreadable",
            "link_orphaned", "override_repeated", "plan_repeated",
        ]);
        import(&codex, &options, &[]).await?;

        let scope = Scope::system();
        assert!(codex.imported_ticket_ids(&scope).await?.is_empty(), "they are the PSA's numbers");
        let acme = codex.company(&scope, "100001").await?.unwrap();
        assert_eq!(acme.fields.billing_plan.as_deref(), Some("Gold"));
        let baecker = codex.company(&scope, "100002").await?.unwrap();
        assert_eq!(baecker.fields.billing_plan.as_deref(), Some("Silver"), "the billed plan");
        assert_eq!(contact(&codex, 12).await?.fields.name, "bob");
        assert_eq!(contact(&codex, 11).await?.fields.psa_external_id.as_deref(), Some("E-1"));
        let pc = asset(&codex, 21).await?;
        assert_eq!(pc.status.last_seen, Some("2025-07-01T10:00:00Z".parse()?), "the server's clock");
        assert_eq!(pc.fields.company_id, Some(acme.id));
        assert_eq!(asset(&codex, 23).await?.fields.company_id, None);
        let plan = codex.billing_plan_of(&scope, "Gold", "1 Year").await?.unwrap();
        assert_eq!(plan.id.0, 41);
        let fields = &plan.fields;
        assert_eq!(fields.backup_cost_per_gb_workstation.ten_thousandths(), 125);
        assert_eq!(fields.backup_included_tb.ten_thousandths(), 10_000);
        assert_eq!(fields.features.0.get("antivirus").map(String::as_str), Some("Bit"));
        codex.close().await;
        Ok(())
    }

    async fn second_generation_is_imported_exactly(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::second()).await?;
        let codex = Codex::open(&target.url).await?;
        let options = options(&old.url);
        assert_eq!(check_source(&options, |_, _| {}).await?.layout, "second");
        import(&codex, &options, &[]).await?;

        let scope = Scope::system();
        let pc = asset(&codex, 21).await?;
        assert_eq!(pc.status.last_seen, Some("2025-10-26T00:30:00Z".parse()?), "the earlier of two");
        assert!(!pc.fields.udf.0.contains_key("udf2"), "a secret is in no record");
        assert_eq!(codex.asset_secret_names(&scope, AssetId(21)).await?, ["udf2"]);
        let plan = codex.billing_plan_of(&scope, "Gold", "1 Year").await?.unwrap();
        assert_eq!(plan.fields.backup_included_tb.ten_thousandths(), 10_000, "as it was billed");
        assert!(!plan.fields.features.0.contains_key("soc"), "stale columns are not read");
        let ids = codex.imported_ticket_ids(&scope).await?;
        assert_eq!(ids, [(1, 5001), (2, 5002), (3, 5003)], "KnowledgeTree's files are under the first");
        let words = codex.ticket_statuses().await?;
        assert_eq!(words.of(9).word, "waiting_customer");
        codex.close().await;
        Ok(())
    }

    async fn migrated_database_is_imported_exactly(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::mixed()).await?;
        let codex = Codex::open(&target.url).await?;
        let options = options(&old.url);
        assert_eq!(check_source(&options, |_, _| {}).await?.layout, "mixed");
        import(&codex, &options, &[]).await?;
        let baecker = codex.company(&Scope::system(), "100002").await?.unwrap();
        assert_eq!(baecker.fields.external_id, Some(7002), "of the first generation's column");
        codex.close().await;
        Ok(())
    }

    async fn killed_import_goes_on_behind_its_last_page(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::large(600)).await?;
        let codex = Codex::open(&target.url).await?;
        let (options, scope) = (options(&old.url), Scope::system());
        let mut kills = 0;
        let mut wait = 1;
        loop {
            let run = codex.run_import(&scope, &options, |_, _| {});
            match tokio::time::timeout(Duration::from_millis(wait), run).await {
                Ok(done) => {
                    assert!(matches!(done?, ImportOutcome::Done(_)));
                    break;
                }
                Err(_) => kills += 1,
            }
            wait += wait / 2 + 3;
        }
        assert!(kills > 3, "{kills}");
        let comparison = codex.verify_import(&scope, &options, true, |_| {}).await?;
        assert!(comparison.is_clean(), "{comparison:#?}");
        let status = codex.import_status(&scope).await?.unwrap();
        assert_eq!(status.import.state, ImportState::Verified);
        let tickets = status.report.tables.iter().find(|(name, _)| name == "ticket_details");
        assert_eq!(tickets.unwrap().1.imported, 602);
        let notes: Option<i64> = codex
            .db()
            .query("select count(*) from conversations where source = 'manual'")
            .scalar()
            .await?;
        assert_eq!(notes, Some(601), "each once");
        codex.close().await;
        Ok(())
    }

    async fn new_ids_are_above_those_of_both_sides(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::large(3)).await?;
        let codex = Codex::open(&target.url).await?;
        import(&codex, &options(&old.url), &[]).await?;
        let scope = Scope::system();
        let author = Author::new("test", codex.now());
        let new = codex_core::contacts::ContactIn {
            name: "New".into(),
            ..Default::default()
        };
        let made = codex.create_contact(&scope, &author, &new).await?.applied().unwrap();
        assert!(made.0 > 1_002, "{made}");
        codex.close().await;
        Ok(())
    }

    async fn first_sync_keeps_every_imported_id(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::first()).await?;
        let codex = Codex::builder(&target.url).source(Psa).source(Rmm).open().await?;
        let (options, scope) = (options(&old.url), Scope::system());
        import(&codex, &options, &[]).await?;
        for kind in [SyncKind::Psa, SyncKind::Rmm] {
            let job = codex.sync(&scope, kind).await?;
            assert_eq!(job.error, None, "{job:?}");
        }
        // By the id in its link, by company and host name, and by the PSA's id.
        let pc = asset(&codex, 21).await?;
        assert_eq!(pc.fields.device_uid.as_deref(), Some("uid-1"));
        assert_eq!(pc.fields.hostname.as_deref(), Some("RENAMED"));
        assert_eq!(pc.fields.device_type.as_deref(), Some("Workstation"), "no source states it");
        assert_eq!(asset(&codex, 22).await?.fields.device_uid.as_deref(), Some("uid-2"));
        assert_eq!(contact(&codex, 11).await?.fields.job_title.as_deref(), Some("Countess"));
        let users = codex.asset_contacts(&scope, AssetId(21)).await?;
        assert_eq!(users.len(), 1, "links of people stay");
        let assets: Option<i64> = codex.db().query("select count(*) from assets").scalar().await?;
        assert_eq!(assets, Some(4), "three imported, and one that is new");
        let status = codex.import_status(&scope).await?.unwrap();
        let waiting: Vec<_> = status.without_source.iter().filter(|(kind, _)| kind == "asset").collect();
        assert_eq!(waiting, [&("asset".to_owned(), 1)], "the orphan");
        codex.close().await;
        Ok(())
    }

    async fn changes_since_an_import_are_listed(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::first()).await?;
        let codex = Codex::open(&target.url).await?;
        import(&codex, &options(&old.url), &[]).await?;
        let scope = Scope::system();
        let none = codex.changes_since_import(&scope, |_| Ok(())).await?;
        assert_eq!(none, 0);
        let author = Author::new("carol", codex.now());
        let edit = CompanyIn { description: "=Rockets".into(), ..CompanyIn::default() };
        let edited = codex.update_company(&scope, &author, "100001", &edit).await?;
        assert!(edited.unwrap().applied().is_some());
        let mut files = Vec::new();
        let count = codex.changes_since_import(&scope, |file| {
            files.push(file);
            Ok(())
        });
        assert_eq!(count.await?, 1);
        assert_eq!(files[0].table, "companies");
        assert!(files[0].lines.starts_with("change,at,actor,record,"), "{files:?}");
        assert!(files[0].lines.contains("carol,100001,update,description,Anvils,'=Rockets"), "{files:?}");
        codex.close().await;
        Ok(())
    }

    async fn a_table_is_imported_once_more(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::first()).await?;
        let codex = Codex::open(&target.url).await?;
        let (options, scope) = (options(&old.url), Scope::system());
        import(&codex, &options, &[]).await?;
        old::change(&old, "update contacts set job_title = 'Countess' where id = 11").await?;
        let comparison = codex.verify_import(&scope, &options, false, |_| {}).await?;
        assert!(!comparison.is_clean());
        codex.redo_import(&scope, &options, Table::Contacts, |_, _| {}).await?;
        let comparison = codex.verify_import(&scope, &options, true, |_| {}).await?;
        assert!(comparison.is_clean(), "{comparison:#?}");
        codex.close().await;
        Ok(())
    }

    async fn records_of_the_new_side_alone_are_named(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::second()).await?;
        let codex = Codex::open(&target.url).await?;
        let (options, scope) = (options(&old.url), Scope::system());
        import(&codex, &options, &[]).await?;
        let author = Author::new("test", codex.now());
        let new = codex_core::contacts::ContactIn { name: "New".into(), ..Default::default() };
        let made = codex.create_contact(&scope, &author, &new).await?.applied().unwrap();
        let comparison = codex.verify_import(&scope, &options, false, |_| {}).await?;
        assert!(comparison.is_clean(), "people work on: {comparison:#?}");
        let contacts = compared(&comparison, Table::Contacts)?;
        assert_eq!((contacts.added.count, contacts.only_here.count), (1, 0));
        assert_eq!(contacts.added.samples, [made.0.to_string()]);

        old::change(&old, "delete from assets where id = 22; delete from sync_jobs; \
            delete from contact_company_link where contact_id = 12").await?;
        let comparison = codex.verify_import(&scope, &options, false, |_| {}).await?;
        assert!(!comparison.is_clean());
        for (table, key) in [(Table::Assets, "22"), (Table::Jobs, "job-1"), (Table::ContactCompanies, "12/100002")] {
            let compared = compared(&comparison, table)?;
            assert_eq!(compared.only_here.samples, [key], "{compared:#?}");
            assert_eq!((compared.only_here.count, compared.added.count), (1, 0));
        }
        codex.close().await;
        Ok(())
    }

    /// Whatever Ledger reads for a bill: the bill differs by exactly what it costs.
    async fn bills_differ_by_price_count_and_hours(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::second()).await?;
        let codex = Codex::open(&target.url).await?;
        let (options, scope) = (options(&old.url), Scope::system());
        import(&codex, &options, &[]).await?;
        for (change, back, cents) in [
            (
                "update billing_plans set per_user_cost = 11.00 where id = 41",
                "update billing_plans set per_user_cost = 10.00 where id = 41",
                100,
            ),
            (
                "insert into contact_company_link values (12, '100001')",
                "delete from contact_company_link where contact_id = 12 and company_account_number = '100001'",
                1_000,
            ),
            (
                "insert into assets (id, hostname, company_account_number) values (29, 'PC-9', '100001')",
                "delete from assets where id = 29",
                2_050,
            ),
            (
                "update ticket_details set total_hours_spent = 2.25 where id = 1",
                "update ticket_details set total_hours_spent = 1.25 where id = 1",
                12_000,
            ),
        ] {
            old::change(&old, change).await?;
            let comparison = codex.verify_import(&scope, &options, false, |_| {}).await?;
            assert_eq!(comparison.differing_bills, 1, "{change}: {comparison:#?}");
            let bill = &comparison.bill_differences[0];
            assert_eq!(bill.account_number, "100001", "{change}");
            assert_eq!(bill.old_cents - bill.new_cents, cents, "{change}: {bill:#?}");
            old::change(&old, back).await?;
        }
        old::change(&old, "update company_feature_overrides set value = '12.00' where id = 2").await?;
        let comparison = codex.verify_import(&scope, &options, false, |_| {}).await?;
        let overrides = compared(&comparison, Table::Overrides)?;
        assert_eq!((overrides.differing, overrides.differences[0].field.as_str()), (1, "value"));
        codex.close().await;
        Ok(())
    }

    async fn unusable_databases_are_refused(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::first()).await?;
        let codex = Codex::open(&target.url).await?;
        let scope = Scope::system();
        let refused = async |options: &ImportOptions| {
            let error = codex.run_import(&scope, options, |_, _| {}).await.unwrap_err();
            error.to_string()
        };
        let mut half = options(&old.url);
        old::change(&old, "drop table contacts").await?;
        assert!(refused(&half).await.contains("missing: contacts"));
        "mysql://host/db".clone_into(&mut half.from);
        assert!(refused(&half).await.contains("postgresql://"));
        let whole = old::create(&target, &old::second()).await?;
        let mut strict = options(&whole.url);
        if codex.db().engine() == Engine::Postgres {
            strict.allow_writing_role = false;
            assert!(refused(&strict).await.contains("may change"));
            strict.allow_writing_role = true;
        }
        strict.accepted.clear();
        let outcome = codex.run_import(&scope, &strict, |_, _| {}).await?;
        assert!(matches!(outcome, ImportOutcome::NotAccepted(_, warnings) if !warnings.is_empty()));
        assert!(codex.import_status(&scope).await?.is_none(), "nothing was begun");

        let author = Author::new("test", codex.now());
        let used = CompanyIn { name: "Used".into(), ..CompanyIn::default() };
        let made = codex.create_company(&scope, &author, &used).await?;
        assert!(made.applied().is_some());
        assert!(refused(&options(&whole.url)).await.contains("records already"));
        codex.close().await;
        Ok(())
    }

    async fn scratch_import_predicts_the_comparison(target: TestDatabase) -> TestResult {
        let old = old::create(&target, &old::second()).await?;
        let mut options = options(&old.url);
        options.accepted.clear();
        let done = dry_run(&options, |_| {}).await?;
        assert!(done.comparison.is_clean(), "{:#?}", done.comparison);
        assert!(done.report.warnings().contains_key("feature_orphaned"));
        Ok(())
    }
}

/// The PSA after the import: it has one of the contacts.
#[derive(Debug)]
struct Psa;

/// The RMM after the import: a renamed device, one without links, and a new one.
#[derive(Debug)]
struct Rmm;

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

impl Source for Psa {
    fn name(&self) -> &'static str {
        "freshservice"
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Psa
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move {
            let ada = json!({"name": "Ada Lovelace", "email": "ada@acme.test", "job_title": "Countess",
                "department_ids": [7001], "external_id": 9001});
            let ada = SourceRecord::<Contact>::part("9001".into(), "requesters", fields(ada));
            run.page::<Contact>(ClaimSource::Main(self.name()), [Ok(ada)])
                .await?;
            Ok(())
        })
    }
}

impl Source for Rmm {
    fn name(&self) -> &'static str {
        "datto"
    }

    fn kind(&self) -> SyncKind {
        SyncKind::Rmm
    }

    fn sync<'r>(&'r self, run: &'r mut Run) -> Work<'r> {
        Box::pin(async move {
            let main = ClaimSource::Main(self.name());
            let site = json!({"provider": "datto", "site_uid": "site-uid-1", "site_name": "Acme"});
            let site = SourceRecord::<SiteLink>::part("site-uid-1".into(), "sites", fields(site));
            run.page::<SiteLink>(main, [Ok(site)]).await?;
            let device = |uid: &str, host: &str, link: Option<&str>| {
                let device = json!({"device_uid": uid, "hostname": host, "site_uid": "site-uid-1",
                    "rmm_provider": "datto", "portal_url": link});
                Ok(SourceRecord::<Asset>::part(
                    uid.into(),
                    "site:site-uid-1",
                    fields(device),
                ))
            };
            let devices = [
                device(
                    "uid-1",
                    "RENAMED",
                    Some("https://x.example/device/4711/RENAMED"),
                ),
                device("uid-2", "pc-2", None),
                device("uid-3", "PC-3", Some("https://x.example/device/4713/PC-3")),
            ];
            run.page::<Asset>(main, devices).await?;
            Ok(())
        })
    }
}
