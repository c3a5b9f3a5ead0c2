//! Syncs of Datto's sites and devices.

use codex_core::{
    Scope, assets::Asset, duplicates::wire::DuplicateMergeIn, ids::AssetId, jobs::Job,
    list::PageRequest, records::Author, sync::SyncKind,
};
use codex_tests::{
    harness::{
        bench::{LargeBench, TestBench},
        database::TestDatabase,
    },
    on_each_engine,
    sim::{
        Size, World, datto,
        fault::{FaultKind, When},
        world::{DELETED_DEVICES, device_uid},
    },
};
use serde_json::{Value, json};

async fn asset_id(bench: &TestBench, uid: &str) -> anyhow::Result<Option<i64>> {
    let sql = "select id from assets where device_uid = $1 and deleted_at is null";
    Ok(bench.db().query(sql).bind(uid).scalar().await?)
}

/// Datto moves device 6 to its site of deleted devices, and a run sees that.
async fn delete_device(bench: &TestBench) -> anyhow::Result<Job> {
    bench.world.lock().devices[6].site = DELETED_DEVICES.into();
    bench.sync(SyncKind::Rmm).await
}

/// An hour later Datto lists device 6 again, with a new uid, at a site and with these members changed.
fn return_device(bench: &TestBench, uid: &str, site: usize, changes: &[(&str, Value)]) {
    bench.clock.advance(chrono::Duration::hours(1));
    let mut world = bench.world.lock();
    let mut device = world.devices[6].clone();
    device.site.clone_from(&world.sites[site].uid);
    device.body.insert("uid".into(), json!(uid));
    for (name, value) in changes {
        device.body.insert((*name).to_owned(), value.clone());
    }
    world.devices.push(device);
}

on_each_engine! {
    /// Trap 40.
    async fn revoked_token_is_renewed_and_the_call_repeated(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        bench.datto.revoke_token();
        bench.sync(SyncKind::Rmm).await?;
        Ok(())
    }

    /// Trap 42.
    async fn forbidden_site_keeps_its_assets(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        let uid = {
            let mut world = bench.world.lock();
            world.sites[2].claimed_count = Some(1);
            world.sites[2].uid.clone()
        };
        bench.datto.faults().add(&format!("/api/v2/site/{uid}/devices"), When::Always, FaultKind::Status(403));
        let job = bench.sync(SyncKind::Rmm).await?;
        assert_eq!(bench.live("assets").await?, 3_000);
        assert!(!job.report.scopes[&format!("site:{uid}")].certified);
        Ok(())
    }

    /// Trap 43.
    async fn system_sites_have_no_company(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        let linked = "select count(*) from site_links where system_site and company_id is not null";
        assert_eq!(bench.count(linked).await?, 0);
        assert_eq!(bench.count("select count(*) from site_links where system_site").await?, 3);
        assert!(bench.count("select count(*) from assets where company_id is null").await? > 50);
        Ok(())
    }

    /// Trap 45.
    async fn site_variables_are_read_in_any_form(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let lower = "select count(*) from site_links where account_number = '100023' and company_id is not null";
        assert_eq!(bench.count(lower).await?, 1);
        let starred = "select count(*) from site_links where account_number like '*%'";
        assert_eq!(bench.count(starred).await?, 0);
        Ok(())
    }

    /// Trap 46.
    async fn unreadable_variable_changes_nothing(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let linked = "select count(*) from assets where company_id is not null";
        let before = bench.count(linked).await?;
        bench.clock.advance(chrono::Duration::hours(25));
        let uid = bench.world.lock().sites[2].uid.clone();
        bench.datto.faults().add(&format!("/api/v2/site/{uid}/variables"), When::Always, FaultKind::Status(500));
        let job = bench.sync(SyncKind::Rmm).await?;
        assert!(job.report.issue_count > 0);
        assert_eq!(bench.count(linked).await?, before);
        Ok(())
    }

    /// Trap 48.
    async fn hostnames_may_be_missing_or_repeated(bench: LargeBench) -> TestResult {
        {
            let mut world = bench.world.lock();
            for (place, name) in [(4, json!(null)), (5, json!("")), (6, json!("SAME")), (7, json!("same"))] {
                world.devices[place].body.insert("hostname".into(), name);
            }
        }
        let job = bench.sync(SyncKind::Rmm).await?;
        assert_eq!(job.report.counts["asset"].failed, 0);
        assert_eq!(bench.live("assets").await?, 3_000);
        let same = "select count(*) from assets where hostname_fold = 'same'";
        assert_eq!(bench.count(same).await?, 2);
        Ok(())
    }

    /// Traps 56 and 57.
    async fn unknown_words_and_any_character_are_kept(bench: TestBench) -> TestResult {
        let name = format!("  Zürich-💻\u{7} {}", "x".repeat(240));
        {
            let mut world = bench.world.lock();
            let body = &mut world.devices[4].body;
            body.insert("hostname".into(), json!(name));
            body.insert("deviceClass".into(), json!("toaster"));
            body.insert("patchManagement".into(), json!({"patchStatus": "Sideways"}));
        }
        bench.sync(SyncKind::Rmm).await?;
        let id = asset_id(&bench, &device_uid(4)).await?.unwrap();
        let (asset, _) = bench.codex.asset(&Scope::system(), AssetId(id)).await?.unwrap();
        assert_eq!(asset.fields.hostname, Some(name));
        assert_eq!(asset.fields.device_class.as_deref(), Some("toaster"));
        assert_eq!(asset.status.patch_status.as_deref(), Some("Sideways"));
        Ok(())
    }

    /// Traps 60 and 69.
    async fn silent_and_future_dated_devices_are_not_missing(bench: LargeBench) -> TestResult {
        bench.sync(SyncKind::Rmm).await?;
        bench.clock.advance(chrono::Duration::days(-400));
        bench.world.lock().devices[4].body.insert("onDemand".into(), json!(true));
        for _ in 0..3 {
            bench.sync(SyncKind::Rmm).await?;
            bench.clock.advance(chrono::Duration::days(300));
        }
        assert_eq!(bench.live("assets").await?, 3_000);
        Ok(())
    }

    /// Trap 61e.
    async fn removing_the_last_variable_removes_the_link(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let uid = bench.world.lock().sites[4].uid.clone();
        let number = "select account_number from site_links where site_uid = $1";
        assert!(bench.db().query(number).bind(uid.as_str()).scalar::<Option<String>>().await?.flatten().is_some());
        bench.world.lock().sites[4].variables.clear();
        bench.clock.advance(chrono::Duration::hours(25));
        bench.sync(SyncKind::Rmm).await?;
        assert_eq!(bench.db().query(number).bind(uid.as_str()).scalar::<Option<String>>().await?, Some(None));
        Ok(())
    }

    /// Trap 49.
    async fn renamed_device_is_the_same_asset(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let id = asset_id(&bench, &device_uid(4)).await?;
        bench.world.lock().devices[4].body.insert("hostname".into(), json!("NEW-NAME"));
        bench.sync(SyncKind::Rmm).await?;
        assert_eq!(asset_id(&bench, &device_uid(4)).await?, id);
        Ok(())
    }

    /// Trap 50.
    async fn moved_device_changes_company_and_keeps_its_id(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let id = asset_id(&bench, &device_uid(0)).await?;
        let company = "select company_id from assets where device_uid = '000000de-0000-0000-0000-000000000001'";
        let before = bench.count(company).await?;
        {
            let mut world = bench.world.lock();
            let to = world.sites[4].clone();
            world.devices[0].site.clone_from(&to.uid);
            world.devices[0].body.insert("siteName".into(), to.body["name"].clone());
        }
        let job = bench.sync(SyncKind::Rmm).await?;
        assert_eq!(asset_id(&bench, &device_uid(0)).await?, id);
        assert_ne!(bench.count(company).await?, before);
        assert_eq!(job.report.counts["asset"].deleted, 0);
        Ok(())
    }

    /// Trap 51.
    async fn returned_device_with_a_new_uid_is_the_same_asset(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        let id = asset_id(&bench, &device_uid(6)).await?;
        let job = delete_device(&bench).await?;
        assert_eq!(job.report.counts["asset"].deleted, 1);
        assert_eq!(asset_id(&bench, &device_uid(6)).await?, None);
        return_device(&bench, "returned-uid", 6, &[]);
        bench.sync(SyncKind::Rmm).await?;
        assert_eq!(asset_id(&bench, "returned-uid").await?, id);
        assert_eq!(bench.live("assets").await?, 3_000);
        Ok(())
    }

    async fn clone_with_the_same_mac_keeps_its_own_id(bench: TestBench) -> TestResult {
        {
            let mut world = bench.world.lock();
            let address = world.devices[7].mac.clone();
            world.devices[8].mac = address;
        }
        bench.sync_all().await?;
        let clone = asset_id(&bench, &device_uid(8)).await?;
        bench.clock.advance(chrono::Duration::hours(1));
        bench.world.lock().devices[7].site = DELETED_DEVICES.into();
        for _ in 0..2 {
            bench.sync(SyncKind::Rmm).await?;
        }
        assert_eq!(asset_id(&bench, &device_uid(8)).await?, clone);
        assert_eq!(asset_id(&bench, &device_uid(7)).await?, None);
        Ok(())
    }

    async fn shared_mac_moves_no_record_to_another_company(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        let old = asset_id(&bench, &device_uid(6)).await?;
        delete_device(&bench).await?;
        // The headset went to somebody at another company; the name is that of the old machine.
        let site_name = bench.world.lock().sites[4].body["name"].clone();
        return_device(&bench, "other-uid", 4, &[("siteName", site_name)]);
        let job = bench.sync(SyncKind::Rmm).await?;
        let new = asset_id(&bench, "other-uid").await?;
        assert!(new.is_some() && new != old, "{new:?} {old:?}");
        assert_eq!(asset_id(&bench, &device_uid(6)).await?, None, "the old machine stays retired");
        assert!(!job.report.issues.iter().any(|issue| issue.contains("duplicate candidate")), "{:?}", job.report.issues);
        assert_eq!(bench.count("select count(*) from duplicate_candidates").await?, 0);
        Ok(())
    }

    async fn renamed_returned_device_is_a_duplicate_candidate(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        let old = asset_id(&bench, &device_uid(6)).await?.unwrap();
        delete_device(&bench).await?;
        return_device(&bench, "returned-uid", 6, &[("hostname", json!("RENAMED"))]);
        let job = bench.sync(SyncKind::Rmm).await?;
        let new = asset_id(&bench, "returned-uid").await?.unwrap();
        assert_ne!(new, old);
        let reported = format!("duplicate candidate: asset {old} and asset {new} may be one (company, mac_address)");
        assert!(job.report.issues.iter().any(|issue| issue.contains(&reported)), "{:?}", job.report.issues);
        let again = bench.sync(SyncKind::Rmm).await?;
        assert!(!again.report.issues.iter().any(|issue| issue.contains("duplicate candidate")), "reported once");
        let scope = Scope::system();
        let author = Author::new("system", bench.codex.now());
        let candidate = bench.codex.duplicates(&scope, &PageRequest::default()).await?.items.remove(0);
        assert_eq!((candidate.record_a.is_live, candidate.record_b.is_live), (false, true));
        bench.codex.merge_duplicate(&scope, &author, candidate.id, DuplicateMergeIn::default()).await?;
        assert_eq!(asset_id(&bench, "returned-uid").await?, Some(old));
        bench.sync(SyncKind::Rmm).await?;
        assert_eq!(asset_id(&bench, "returned-uid").await?, Some(old));
        assert_eq!(bench.live("assets").await?, 3_000);
        Ok(())
    }

    /// It becomes a duplicate candidate of the deleted record.
    async fn manually_deleted_device_returns_as_a_candidate(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        let old = asset_id(&bench, &device_uid(6)).await?.unwrap();
        let (scope, author) = (Scope::system(), Author::new("technician-1", bench.codex.now()));
        assert!(bench.codex.delete::<Asset>(&scope, &author, old).await?.is_some());
        delete_device(&bench).await?;
        return_device(&bench, "returned-uid", 6, &[]);
        // Neither this run nor the next fails for it.
        let job = bench.sync(SyncKind::Rmm).await?;
        bench.sync(SyncKind::Rmm).await?;
        let new = asset_id(&bench, "returned-uid").await?.unwrap();
        assert_ne!(new, old, "no run brings back what a person has deleted");
        let reported = format!("duplicate candidate: asset {old} and asset {new} may be one");
        assert!(job.report.issues.iter().any(|issue| issue.contains(&reported)), "{:?}", job.report.issues);
        Ok(())
    }

    /// Trap 52.
    async fn device_flagged_deleted_is_deleted_at_once(bench: TestBench) -> TestResult {
        bench.sync_all().await?;
        bench.world.lock().devices[9].body.insert("deleted".into(), json!(true));
        let job = bench.sync(SyncKind::Rmm).await?;
        assert_eq!(job.report.counts["asset"].deleted, 1);
        Ok(())
    }

    /// Trap 61a.
    async fn secrets_stay_in_their_table(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        let kept = "select count(*) from asset_secrets where value like 'SECRET-%'";
        assert!(bench.count(kept).await? > 2_800);
        let leaked = "select (select count(*) from claims where cast(fields as text) like '%SECRET%' \
                      or cast(extra as text) like '%SECRET%') + \
                      (select count(*) from assets where cast(udf as text) like '%SECRET%') + \
                      (select count(*) from change_log where cast(changes as text) like '%SECRET%') + \
                      (select count(*) from sync_jobs where cast(report as text) like '%SECRET%' or output like '%SECRET%')";
        assert_eq!(bench.count(leaked).await?, 0);
        bench.world.lock().devices[3].body["udf"]["udf2"] = json!("SECRET-CHANGED");
        bench.sync(SyncKind::Rmm).await?;
        let logged = "select count(*) from change_log where cast(changes as text) like '%udf2%'";
        assert_eq!(bench.count(logged).await?, 1);
        assert_eq!(bench.count(leaked).await?, 0);
        Ok(())
    }

    /// Trap 61d.
    async fn device_of_an_unknown_site_has_no_company(bench: TestBench) -> TestResult {
        bench.world.lock().devices[5].site = "00000099-0000-4000-8000-000000000001".into();
        bench.sync_all().await?;
        let id = asset_id(&bench, &device_uid(5)).await?.unwrap();
        let company = "select count(*) from assets where id = $1 and company_id is null";
        assert_eq!(bench.db().query(company).bind(id).scalar::<i64>().await?, Some(1));
        Ok(())
    }

    /// Trap 44.
    async fn many_devices_of_a_deleted_site_are_held(bench: LargeBench) -> TestResult {
        bench.sync_all().await?;
        {
            let mut world = bench.world.lock();
            let uid = world.sites.remove(2).uid;
            world.devices.retain(|device| device.site != uid);
        }
        bench.sync(SyncKind::Rmm).await?;
        let job = bench.sync(SyncKind::Rmm).await?;
        assert_eq!(job.report.counts["site_link"].deleted, 1);
        assert!(job.report.counts["asset"].held > 40);
        assert_eq!(bench.live("assets").await?, 3_000);
        Ok(())
    }
}

/// A bench whose account-wide list lacks every third device.
struct Lacking(TestBench);

impl Lacking {
    async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let options = datto::Options {
            limits: false,
            account_list_lacks_third: true,
            udf: datto::Udf::Absent,
            bad_credentials: 401,
            ..Default::default()
        };
        let world = World::generate(Size::Tiny, 1);
        Ok(Self(
            TestBench::with(
                database,
                world,
                codex_tests::sim::freshservice::Options::default(),
                options,
            )
            .await?,
        ))
    }
}

on_each_engine! {
    /// Trap 39.
    async fn devices_missing_in_the_account_list_are_read_by_site(lacking: Lacking) -> TestResult {
        lacking.0.sync_all().await?;
        assert_eq!(lacking.0.live("assets").await?, 12);
        Ok(())
    }
}
