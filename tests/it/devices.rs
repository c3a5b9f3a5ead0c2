//! Assets as devices, and their inventories, through the API.

use codex_client::{Client, DeviceOptions, TokenSource};
use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine,
    sim::{
        fault::{FaultKind, When},
        world::device_uid,
    },
};
use serde_json::{Value, json};

const LISTED: [&str; 10] = [
    "company_id",
    "company_name",
    "device_type",
    "id",
    "ip_address",
    "last_logged_in_user",
    "last_seen",
    "name",
    "os",
    "status",
];
const DETAIL: [&str; 19] = [
    "antivirus",
    "company_id",
    "company_name",
    "device_type",
    "domain",
    "hardware",
    "health",
    "id",
    "installed_software",
    "ip_address",
    "last_logged_in_user",
    "last_reboot",
    "last_seen",
    "mac_address",
    "name",
    "os",
    "os_version",
    "patch_status",
    "status",
];

/// Where the vendor tells inventories.
const AUDITS: &str = "/api/v2/audit/";

/// The id of the asset of the n-th device.
async fn asset(app: &TestApp, n: usize) -> anyhow::Result<i64> {
    let q = "select id from assets where device_uid = $1";
    let id: Option<i64> = app.codex.db().query(q).bind(device_uid(n)).scalar().await?;
    id.ok_or_else(|| anyhow::anyhow!("no device {n}"))
}

on_each_engine! {
    async fn devices_have_the_contract_shape_on_both_routes(app: TestApp) -> TestResult {
        app.sync().await?;
        let list = app.json("/api/rmm/devices").await?;
        assert_eq!(list, app.json("/api/datto/devices").await?);
        assert_eq!(keys(&list), ["count", "devices"]);
        let devices = list["devices"].as_array().unwrap();
        assert_eq!(list["count"], json!(devices.len()));
        assert!(!devices.is_empty());
        for device in devices {
            assert_eq!(keys(device), LISTED);
        }
        let id = devices[0]["id"].as_str().unwrap();
        app.datto.faults().add(AUDITS, When::Always, FaultKind::Status(404));
        let one = app.json(&format!("/api/rmm/device/{id}")).await?;
        assert_eq!(one, app.json(&format!("/api/datto/device/{id}")).await?);
        assert_eq!(keys(&one), DETAIL);
        assert_eq!(one["health"], json!({"cpu_usage": null, "disk_usage": null, "ram_usage": null}));
        assert_eq!(one["hardware"], json!({"cpu": null, "disk_gb": null, "ram_gb": null}), "the RMM has none, and none is invented");
        let online = app.json("/api/rmm/devices?status=ONLINE&limit=5000").await?;
        let offline = app.json("/api/rmm/devices?status=offline&limit=5000").await?;
        let all = app.json("/api/rmm/devices?status=what&limit=5000").await?;
        let count = |list: &Value| list["count"].as_u64().unwrap();
        assert_eq!(count(&online) + count(&offline), count(&all));
        assert!(count(&online) > 0 && count(&offline) > 0);
        for (query, expected) in [("?limit=2", 2), ("?limit=-1", 0), ("?company_id=nobody", 0), ("?limit=x", count(&list))] {
            assert_eq!(count(&app.json(&format!("/api/rmm/devices{query}")).await?), expected, "{query}");
        }
        let of_company = app.json("/api/rmm/devices?company_id=100001").await?;
        for device in of_company["devices"].as_array().unwrap() {
            assert_eq!(device["company_id"], "100001");
        }
        for (path, status) in [("/api/rmm/device/1", 400), ("/api/rmm/device/device-x", 400), ("/api/rmm/device/device-999999", 404)] {
            let answer = app.get(path)?.send().await?;
            assert_eq!(answer.status(), status, "{path}");
            assert!(answer.json::<Value>().await?["error"].is_string());
        }
        Ok(())
    }

    async fn due_inventory_is_fetched_once_when_staff_look(app: TestApp) -> TestResult {
        app.sync().await?;
        let id = asset(&app, 7).await?;
        let (device, audit) = (format!("/api/rmm/device/device-{id}"), format!("/api/assets/{id}/audit"));
        let slow = FaultKind::Hang(std::time::Duration::from_millis(300));
        app.datto.faults().add(AUDITS, When::Always, slow);
        let (read, other) = tokio::join!(app.json(&device), app.json(&audit));
        let (read, other) = (read?, other?);
        assert_eq!(read["hardware"], json!({"cpu": "13th Gen Intel(R) Core(TM) i7-13700", "disk_gb": 477, "ram_gb": 16}));
        assert_eq!(read["health"]["disk_usage"], 75);
        assert_eq!(read["installed_software"], other["software"]);
        assert_eq!(other["serial_number"], "SN000007", "the record has it too");
        // Its hardware, and two pages of programs.
        assert_eq!(app.datto.calls("audit"), 3);
        for path in [&device, &audit, &device.replace("rmm", "datto")] {
            app.json(path).await?;
        }
        assert_eq!(app.datto.calls("audit"), 3, "what is held is not asked for");
        // A newer one is.
        {
            let mut world = app.world.lock();
            world.tick(chrono::Duration::hours(1));
            let now = world.now.timestamp_millis();
            world.device_mut(&device_uid(7)).unwrap().body.insert("lastAuditDate".into(), json!(now));
        }
        app.run_syncs(&["/sync/datto"]).await?;
        let newer = app.json(&audit).await?;
        assert_ne!(newer["audited_at"], other["audited_at"]);
        assert_eq!(app.datto.calls("audit"), 6);
        // There is none of a device that was never looked into.
        app.json(&format!("/api/assets/{}/audit", asset(&app, 5).await?)).await?;
        assert_eq!(app.datto.calls("audit"), 6);
        Ok(())
    }

    async fn silent_rmm_delays_briefly_and_is_then_avoided(app: TestApp) -> TestResult {
        app.sync().await?;
        let (first, second) = (asset(&app, 7).await?, asset(&app, 8).await?);
        let path = |id: i64| format!("/api/rmm/device/device-{id}");
        app.datto.faults().add(AUDITS, When::Always, FaultKind::Hang(std::time::Duration::from_secs(20)));
        let begun = std::time::Instant::now();
        let (paths, at_once) = ([path(first), path(first)], begun);
        let (one, other) = tokio::join!(app.json(&paths[0]), app.json(&paths[1]));
        assert_eq!(one?["hardware"], json!({"cpu": null, "disk_gb": null, "ram_gb": null}), "no error");
        assert_eq!(other?["installed_software"], json!([]));
        assert!((3..5).contains(&at_once.elapsed().as_secs()), "{:?}", at_once.elapsed());
        assert_eq!(app.datto.calls("audit"), 1, "two at once are one question");
        app.datto.faults().clear();
        app.json(&path(first)).await?;
        assert!(begun.elapsed().as_secs() < 5);
        assert_eq!(app.datto.calls("audit"), 1, "that nothing came is believed for a while");
        // What is held is shown although newer cannot be had.
        let held = app.json(&path(second)).await?;
        assert_eq!(held["hardware"]["ram_gb"], 16);
        {
            let mut world = app.world.lock();
            world.tick(chrono::Duration::hours(1));
            let now = world.now.timestamp_millis();
            world.device_mut(&device_uid(8)).unwrap().body.insert("lastAuditDate".into(), json!(now));
        }
        app.run_syncs(&["/sync/datto"]).await?;
        app.datto.faults().add(AUDITS, When::Always, FaultKind::Status(403));
        assert_eq!(app.json(&path(second)).await?["hardware"], held["hardware"]);
        Ok(())
    }

    async fn device_views_respect_the_rmm_limit(app: TestApp) -> TestResult {
        app.sync().await?;
        app.datto.faults().add(AUDITS, When::Always, FaultKind::RateLimited(Some("120".into())));
        for n in [7, 8, 10] {
            let id = asset(&app, n).await?;
            let device = app.json(&format!("/api/rmm/device/device-{id}")).await?;
            assert_eq!(device["hardware"]["cpu"], json!(null));
        }
        assert_eq!(app.datto.calls("audit"), 1, "the limit is the account's");
        Ok(())
    }

    async fn views_by_clients_cost_no_rmm_call(app: TestApp) -> TestResult {
        app.sync().await?;
        let email = { app.world.lock().requesters[1]["primary_email"].as_str().unwrap().to_owned() };
        let own = Client::new(&app.url(), TokenSource::fixed(app.core.key.user("client", &email)?))?;
        let staff = Client::new(&app.url(), TokenSource::core(app.core.url(), "brainhair")?)?;
        let devices = own.devices().list(&DeviceOptions::default()).await?.devices;
        let ids: Vec<i64> = devices.iter().filter_map(|device| device.id.strip_prefix("device-")?.parse().ok()).collect();
        assert!(ids.len() > 1);
        for id in &ids {
            own.devices().get(*id).await?;
            own.assets().audit(*id).await?;
        }
        assert_eq!(app.datto.calls("audit"), 0);
        for id in ids {
            staff.devices().get(id).await?;
        }
        assert!(app.datto.calls("audit") > 1);
        Ok(())
    }

    async fn inventories_show_after_their_sync(app: TestApp) -> TestResult {
        app.sync().await?;
        app.run_syncs(&["/sync/audits"]).await?;
        let client = Client::new(&app.url(), TokenSource::core(app.core.url(), "brainhair")?)?;
        let online = DeviceOptions { online: Some(true), ..DeviceOptions::default() };
        let mut read = 0;
        for device in client.devices().list(&online).await?.devices {
            let id = device.id.trim_start_matches("device-").parse()?;
            let (detail, audit) = (client.devices().get(id).await?, client.assets().audit(id).await?);
            assert_eq!(detail.installed_software, audit.software);
            assert_eq!(detail.hardware.cpu, audit.cpu);
            if audit.manufacturer.as_deref() == Some("Dell Inc.") {
                read += 1;
                assert_eq!((detail.hardware.ram_gb, detail.hardware.disk_gb), (Some(16), Some(477)));
                assert_eq!((detail.health.disk_usage, detail.health.cpu_usage), (Some(75), None));
                assert_eq!(detail.os_version.as_deref(), Some("10.0.26200"));
                assert!(audit.audited_at.is_some() && audit.parts.memory.len() == 1);
            }
        }
        assert!(read > 3, "{read}");
        assert_eq!(client.assets().audit(999_999).await.unwrap_err().status(), Some(404));
        Ok(())
    }
}
