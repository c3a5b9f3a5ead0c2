//! Assets as devices, and their inventories, through the API.

use codex_client::{Client, DeviceOptions, TokenSource};
use codex_tests::{
    harness::{app::TestApp, keys},
    on_each_engine,
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

on_each_engine! {
    async fn devices_have_the_contracts_shape_under_both_names(app: TestApp) -> TestResult {
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
        let one = app.json(&format!("/api/rmm/device/{id}")).await?;
        assert_eq!(one, app.json(&format!("/api/datto/device/{id}")).await?);
        assert_eq!(keys(&one), DETAIL);
        assert_eq!(one["health"], json!({"cpu_usage": null, "disk_usage": null, "ram_usage": null}));
        assert_eq!(one["hardware"], json!({"cpu": null, "disk_gb": null, "ram_gb": null}), "not read, not invented");
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

    async fn inventories_show_once_they_were_read(app: TestApp) -> TestResult {
        app.sync().await?;
        app.pull(&["/sync/audits"]).await?;
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
