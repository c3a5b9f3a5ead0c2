//! Manual records that turn out to be a vendor's, or seem to be.

use codex_client::{AssetBulkIn, AssetIn, BulkAction, BulkStatus, ContactIn, ListOptions};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
    sim::world::device_uid,
};

fn serial(hostname: &str, serial: &str) -> AssetIn {
    AssetIn {
        hostname: hostname.into(),
        serial_number: serial.into(),
        ..AssetIn::default()
    }
}

fn with_uid(hostname: &str, uid: &str) -> AssetIn {
    AssetIn {
        hostname: hostname.into(),
        device_uid: uid.into(),
        ..AssetIn::default()
    }
}

/// The live asset with a device uid.
async fn asset(app: &TestApp, uid: &str) -> anyhow::Result<i64> {
    let q = "select id from assets where device_uid = $1 and deleted_at is null";
    let id: Option<i64> = app.codex.db().query(q).bind(uid).scalar().await?;
    id.ok_or_else(|| anyhow::anyhow!("no device {uid}"))
}

/// The account number that the site of the n-th device states.
fn company(app: &TestApp, n: usize) -> anyhow::Result<String> {
    let world = app.world.lock();
    let site = &world.devices[n].site;
    let site = world.sites.iter().find(|one| one.uid == *site);
    let variables = site
        .map(|site| site.variables.as_slice())
        .unwrap_or_default();
    let of = |v: &&serde_json::Value| {
        v["name"]
            .as_str()
            .is_some_and(|name| name.trim().eq_ignore_ascii_case("accountnumber"))
    };
    let number = variables.iter().find(of).and_then(|v| v["value"].as_str());
    Ok(number
        .ok_or_else(|| anyhow::anyhow!("device {n} is of no company"))?
        .trim()
        .to_owned())
}

/// As [`serial`], for the company of the n-th device.
fn placed(app: &TestApp, hostname: &str, n: usize) -> anyhow::Result<AssetIn> {
    Ok(AssetIn {
        company_account_number: company(app, n)?.into(),
        ..serial(hostname, &format!("SN{n:06}"))
    })
}

/// What the last job of a script says.
async fn job_output(app: &TestApp, script: &str) -> anyhow::Result<String> {
    Ok(app.json(&format!("/sync/last/{script}")).await?["output"].to_string())
}

on_each_engine! {
    async fn inventory_serial_number_merges_duplicates(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa"]).await?;
        let client = client(&app, "technician")?;
        let person = ContactIn { name: "User".into(), ..ContactIn::default() };
        let person = client.contacts().create(&person).await?.id;
        let manual = AssetIn { contact_ids: vec![person].into(), ..placed(&app, "by-hand", 7)? };
        let manual = client.assets().create(&manual).await?.id;
        app.sync().await?;
        let uid = device_uid(7);
        let vendors = asset(&app, &uid).await?;
        assert_ne!(vendors, manual, "the device list has no serial numbers");
        let status = client.assets().get(vendors).await?;
        let count = async || anyhow::Ok(client.assets().all(&ListOptions::default()).await?.len());
        let before = count().await?;
        app.run_syncs(&["/sync/audits"]).await?;
        assert_eq!(count().await?, before - 1);
        assert_eq!(asset(&app, &uid).await?, manual, "the older keeps its id");
        assert_eq!(client.assets().get(vendors).await.unwrap_err().status(), Some(404));
        let adopted = client.assets().get(manual).await?;
        assert_eq!(adopted.hostname, "by-hand");
        assert_eq!((adopted.online, &adopted.operating_system), (status.online, &status.operating_system));
        let audit = client.assets().audit(manual).await?;
        assert!(audit.ram_bytes.is_some() && audit.software.len() > 200);
        let why = "select reason from change_log where kind = 'asset' and op = 'delete' and record_id = $1";
        let why: Option<String> = app.codex.db().query(why).bind(vendors).scalar().await?;
        assert!(why.is_some_and(|why| why.contains(&format!("asset {manual} is a manual record"))));
        assert!(!job_output(&app, "rmm-audits").await?.contains("duplicate candidate"));
        // The device is that record from now on.
        app.run_syncs(&["/sync/datto", "/sync/audits"]).await?;
        assert_eq!((asset(&app, &uid).await?, count().await?), (manual, before - 1));
        assert!(client.deleted().list("asset", &ListOptions::default()).await?.items.is_empty());
        Ok(())
    }

    async fn viewed_serial_number_merges_duplicates_at_the_next_run(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa"]).await?;
        let client = client(&app, "technician")?;
        let manual = client.assets().create(&placed(&app, "by-hand", 7)?).await?.id;
        app.sync().await?;
        let vendors = asset(&app, &device_uid(7)).await?;
        assert_eq!(client.assets().audit(vendors).await?.serial_number.as_deref(), Some("SN000007"));
        assert_eq!(asset(&app, &device_uid(7)).await?, vendors, "nobody loses a record while looking at it");
        app.run_syncs(&["/sync/datto"]).await?;
        assert_eq!(asset(&app, &device_uid(7)).await?, manual);
        Ok(())
    }

    async fn uncertain_duplicates_both_stay_and_are_reported(app: TestApp) -> TestResult {
        app.run_syncs(&["/sync/psa"]).await?;
        let client = client(&app, "technician")?;
        let (assets, contacts) = (client.assets(), client.contacts());
        let create = async |asset: AssetIn| anyhow::Ok(assets.create(&asset).await?.id);
        let twice = [create(placed(&app, "a", 7)?).await?, create(placed(&app, "b", 7)?).await?];
        let other_uid = AssetIn { device_uid: "of-another".into(), ..placed(&app, "c", 8)? };
        let other_uid = create(other_uid).await?;
        let used = create(placed(&app, "d", 10)?).await?;
        let edited = create(placed(&app, "e", 11)?).await?;
        let nobodys = create(serial("f", "SN000006")).await?;
        app.sync().await?;
        let vendors = async |n: usize| asset(&app, &device_uid(n)).await;
        let person = contacts.create(&ContactIn { name: "User".into(), ..ContactIn::default() }).await?.id;
        let of_person = AssetIn { contact_ids: vec![person].into(), ..AssetIn::default() };
        assets.update(vendors(10).await?, &of_person).await?;
        let said = AssetIn { description: "Mine".into(), ..AssetIn::default() };
        assets.update(vendors(11).await?, &said).await?;
        let before = assets.all(&ListOptions::default()).await?.len();
        app.run_syncs(&["/sync/audits"]).await?;
        assert_eq!(assets.all(&ListOptions::default()).await?.len(), before);
        let output = job_output(&app, "rmm-audits").await?;
        for (kept, n) in [(twice[0], 7), (twice[1], 7), (other_uid, 8), (used, 10), (edited, 11), (nobodys, 6)] {
            let vendors = vendors(n).await?;
            let issue = format!("duplicate candidate: asset {kept} and asset {vendors} may be one (serial_number");
            assert!(output.contains(&issue), "{issue}: {output}");
        }
        Ok(())
    }

    async fn manual_duplicate_is_reported_at_the_next_run(app: TestApp) -> TestResult {
        app.sync().await?;
        app.run_syncs(&["/sync/audits", "/sync/psa"]).await?;
        let client = client(&app, "technician")?;
        let reported = async |script| anyhow::Ok(job_output(&app, script).await?.contains("duplicate candidate"));
        assert!(!reported("rmm-audits").await? && !reported("psa").await?);
        let theirs = asset(&app, &device_uid(7)).await?;
        let email = { app.world.lock().requesters[1]["primary_email"].as_str().unwrap_or_default().to_uppercase() };
        let device = client.assets().create(&serial("twin", "SN000007")).await?.id;
        let person = ContactIn { name: "Twin".into(), email: email.into(), ..ContactIn::default() };
        let person = client.contacts().create(&person).await?.id;
        app.run_syncs(&["/sync/datto", "/sync/psa"]).await?;
        let (rmm, psa) = (job_output(&app, "rmm").await?, job_output(&app, "psa").await?);
        let issue = format!("duplicate candidate: asset {theirs} and asset {device} may be one (serial_number)");
        assert!(rmm.contains(&issue), "{rmm}");
        assert!(psa.contains(&format!(" and contact {person} may be one (email)")), "{psa}");
        // What nobody has touched since is not reported for ever.
        app.run_syncs(&["/sync/datto", "/sync/psa", "/sync/datto", "/sync/psa"]).await?;
        assert!(!reported("rmm").await? && !reported("psa").await?);
        assert_eq!(client.assets().get(device).await?.hostname, "twin");
        Ok(())
    }

    async fn a_device_uid_belongs_to_one_record(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let (assets, uid) = (client.assets(), device_uid(7));
        let holder = asset(&app, &uid).await?;
        let names_it = |error: &codex_client::Error| error.to_string().contains(&format!("asset {holder} has the device uid"));
        let refused = assets.create(&with_uid("twin", &uid)).await.unwrap_err();
        assert!(refused.status() == Some(409) && names_it(&refused), "{refused}");
        let other = assets.create(&with_uid("other", "own")).await?.id;
        let refused = assets.update(other, &with_uid("other", &uid)).await.unwrap_err();
        assert!(refused.status() == Some(409) && names_it(&refused), "{refused}");
        assets.update(holder, &with_uid("same", &uid)).await?;
        assets.update(other, &with_uid("same", "own")).await?;
        let row = |id: Option<i64>, uid: &str| AssetBulkIn { id, asset: with_uid("row", uid) };
        let rows = [row(None, &uid), row(Some(other), &uid), row(None, "new"), row(None, "new"), row(Some(holder), &uid)];
        let out = assets.bulk_write(&rows[..4], BulkAction::Create, false).await?;
        let statuses: Vec<_> = out.results.iter().map(|row| row.status).collect();
        assert_eq!(statuses, [BulkStatus::Failed, BulkStatus::Failed, BulkStatus::Created, BulkStatus::Failed]);
        assert_eq!(out.results[0].errors[0].pointer, "/device_uid");
        let out = assets.bulk_write(&[rows[1].clone(), rows[4].clone()], BulkAction::Update, false).await?;
        assert_eq!((out.failed, out.updated), (1, 1));
        // Two at once.
        let (one, two) = (with_uid("one", "at-once"), with_uid("two", "at-once"));
        let (one, two) = tokio::join!(async { assets.create(&one).await }, async { assets.create(&two).await });
        assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
        // A deleted one comes back only where nobody has taken its place.
        assets.delete(other).await?;
        let next = assets.create(&with_uid("next", "own")).await?.id;
        let taken = client.deleted().restore("asset", other).await.unwrap_err();
        assert!(taken.status() == Some(409) && taken.to_string().contains(&next.to_string()), "{taken}");
        Ok(())
    }
}
