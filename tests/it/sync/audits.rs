//! Inventories of devices.

use codex_core::{Scope, assets::audit::Software, ids::AssetId, jobs::JobStatus, sync::SyncKind};
use codex_tests::{
    harness::{bench::TestBench, database::TestDatabase},
    on_each_engine,
    sim::{
        Size, World, datto,
        fault::{FaultKind, When},
        freshservice,
        world::device_uid,
    },
};
use serde_json::json;

const DONE: &str = "select count(*) from asset_hardware where detail is not null";

/// A bench with few devices of every class.
struct Few(TestBench);

impl Few {
    async fn on(database: TestDatabase) -> anyhow::Result<Self> {
        let mut world = World::generate(Size::S, 7);
        world.devices.truncate(250);
        let limits = false;
        let psa = freshservice::Options {
            limits,
            ..Default::default()
        };
        let rmm = datto::Options {
            limits,
            ..Default::default()
        };
        Ok(Self(TestBench::with(database, world, psa, rmm).await?))
    }
}

/// The asset of the n-th device.
async fn asset(bench: &TestBench, n: usize) -> anyhow::Result<AssetId> {
    let q = bench
        .db()
        .query("select id from assets where device_uid = $1");
    let id: Option<i64> = q.bind(device_uid(n)).scalar().await?;
    Ok(AssetId(id.ok_or_else(|| anyhow::anyhow!("no device {n}"))?))
}

/// How many devices of a class have an inventory at the vendor.
fn audited(bench: &TestBench, class: &str) -> i64 {
    let world = bench.world.lock();
    let live = world
        .devices
        .iter()
        .filter(|device| device.site != "deleted-devices-site");
    let audited = live.filter(|device| {
        device.body["deviceClass"] == class
            && device.body["deleted"] != true
            && device.body["lastAuditDate"].as_i64().unwrap_or(0) > 0
    });
    i64::try_from(audited.count()).unwrap_or(-1)
}

on_each_engine! {
    /// Trap 58.
    async fn inventories_are_read_once_by_device_class(few: Few) -> TestResult {
        let Few(bench) = few;
        bench.sync_all().await?;
        let scope = Scope::system();
        let id = asset(&bench, 7).await?;
        let (before, none) = bench.codex.asset_audit(&scope, id).await?.unwrap();
        assert_eq!((before.fields.manufacturer, none), (None, None), "nothing is known before");
        let logged = bench.count("select count(*) from change_log").await?;
        let job = bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!(job.report.issues, Vec::<String>::new());
        let (computers, others) = (audited(&bench, "device"), audited(&bench, "printer") + audited(&bench, "esxihost"));
        assert!(computers > 100 && others > 0);
        assert_eq!(bench.count(DONE).await?, computers + others);
        // Device 7 has more programs than a page holds.
        let (asset, audit) = bench.codex.asset_audit(&scope, id).await?.unwrap();
        let audit = audit.unwrap();
        assert_eq!(asset.fields.model.as_deref(), Some("OptiPlex 7010"));
        assert_eq!(asset.fields.serial_number.as_deref(), Some("SN000007"));
        assert_eq!(audit.software.as_ref().unwrap().len(), 302, "each once, none without a name");
        assert!(audit.software.as_ref().unwrap().contains(&Software { name: "Notes".into(), version: None }));
        let hardware = audit.hardware.unwrap();
        assert_eq!((hardware.ram_bytes, hardware.disk_bytes), (Some(17_179_869_184), Some(512_110_190_592)));
        assert_eq!(hardware.parts.disks.len(), 2);
        assert!(bench.count("select count(*) from change_log").await? > logged, "fields of the record have a history");
        let (rows, calls) = (bench.count("select count(*) from change_log").await?, bench.datto.calls("audit"));
        bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!((bench.count("select count(*) from change_log").await?, bench.datto.calls("audit")), (rows, calls));
        Ok(())
    }

    async fn new_inventory_replaces_the_old_software(few: Few) -> TestResult {
        let Few(bench) = few;
        bench.sync_all().await?;
        bench.sync(SyncKind::RmmAudits).await?;
        let id = asset(&bench, 8).await?;
        let installed = "select count(*) from asset_software";
        let before = bench.count(installed).await?;
        {
            let mut world = bench.world.lock();
            world.tick(chrono::Duration::hours(1));
            let now = world.now.timestamp_millis();
            let device = world.device_mut(&device_uid(8)).unwrap();
            device.body.insert("lastAuditDate".into(), json!(now));
            // Its programs are made of its number.
            device.body.insert("id".into(), json!(900_000 + 20));
        }
        bench.sync(SyncKind::Rmm).await?;
        let calls = bench.datto.calls("audit");
        bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!(bench.datto.calls("audit") - calls, 2, "of one device, its hardware and its programs");
        let (asset, audit) = bench.codex.asset_audit(&Scope::system(), id).await?.unwrap();
        assert_eq!(asset.fields.serial_number.as_deref(), Some("SN000020"));
        assert_eq!((audit.unwrap().software.unwrap().len(), before - bench.count(installed).await?), (12, 8));
        Ok(())
    }

    async fn inventory_dated_in_the_future_is_not_the_last(few: Few) -> TestResult {
        let Few(bench) = few;
        let date = |millis: i64| {
            let mut world = bench.world.lock();
            world.device_mut(&device_uid(8)).unwrap().body.insert("lastAuditDate".into(), json!(millis));
        };
        // The year 2150.
        date(5_680_281_600_000);
        bench.sync_all().await?;
        bench.sync(SyncKind::RmmAudits).await?;
        let now = bench.world.lock().now.timestamp_millis();
        date(now);
        bench.sync(SyncKind::Rmm).await?;
        let calls = bench.datto.calls("audit");
        bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!(bench.datto.calls("audit") - calls, 2, "of one device, its hardware and its programs");
        Ok(())
    }

    async fn interrupted_run_resumes_and_skips_bad_devices(few: Few) -> TestResult {
        let Few(bench) = few;
        bench.sync_all().await?;
        bench.datto.faults().add("/api/v2/audit/device/", When::From(150), FaultKind::Status(401));
        let cut = bench.run(SyncKind::RmmAudits).await?;
        assert_eq!(cut.status, JobStatus::Failed);
        let some = bench.count(DONE).await?;
        assert!(some > 20, "{some}");
        bench.datto.faults().clear();
        let bad = format!("/api/v2/audit/device/{}", device_uid(201));
        bench.datto.faults().add(&bad, When::Always, FaultKind::Html);
        let calls = bench.datto.calls("audit");
        let rest = bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!(rest.report.issue_count, 1, "{:?}", rest.report.issues);
        let all = audited(&bench, "device") + audited(&bench, "printer") + audited(&bench, "esxihost");
        assert_eq!(bench.count(DONE).await?, all - 1);
        let twice_each = u64::try_from(2 * (all - some) + 40)?;
        assert!(bench.datto.calls("audit") - calls <= twice_each, "not all over again");
        bench.datto.faults().clear();
        bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!(bench.count(DONE).await?, all);
        Ok(())
    }

    async fn device_without_an_inventory_is_requested_once(few: Few) -> TestResult {
        let Few(bench) = few;
        bench.sync_all().await?;
        let path = format!("/api/v2/audit/device/{}", device_uid(8));
        bench.datto.faults().add(&path, When::Always, FaultKind::Status(404));
        let job = bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!(job.report.issue_count, 0, "no error (trap 58)");
        let id = asset(&bench, 8).await?;
        let audit = bench.codex.asset_audit(&Scope::system(), id).await?.unwrap().1.unwrap();
        assert_eq!((audit.hardware, audit.software), (None, Some(Vec::new())));
        let calls = bench.datto.calls("audit");
        bench.sync(SyncKind::RmmAudits).await?;
        assert_eq!(bench.datto.calls("audit"), calls);
        Ok(())
    }
}
