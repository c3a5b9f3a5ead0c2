//! Records that people created and that a vendor lists later.

use codex_client::{AssetIn, CompanyIn, ContactIn, DuplicateState, ListOptions};
use codex_core::store::Db;
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
};

use super::named;

on_each_engine! {
    async fn manual_record_matches_an_arriving_vendor_record(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let company = CompanyIn { account_number: "100001".into(), ..named("By hand") };
        client.companies().create(&company).await?;
        let email = {
            let world = app.world.lock();
            // Of the company that the person is given below.
            world.requesters[1]["primary_email"].as_str().unwrap_or_default().to_owned()
        };
        let uid = {
            let world = app.world.lock();
            world.devices[0].body["uid"].as_str().unwrap_or_default().to_owned()
        };
        let person = ContactIn {
            name: "By hand".into(),
            email: email.to_uppercase().into(),
            company_account_numbers: vec!["100001".to_owned()].into(),
            ..ContactIn::default()
        };
        let person = client.contacts().create(&person).await?;
        let device = AssetIn {
            hostname: "by-hand".into(), device_uid: uid.into(), ..AssetIn::default()
        };
        let device = client.assets().create(&device).await?;
        app.sync().await?;
        assert_eq!(client.companies().list().await?.len(), 3, "not one more");
        assert_eq!(client.companies().get("100001").await?.name, "By hand", "what a person said stays");
        assert_eq!(client.contacts().get(person.id).await?.name, "By hand");
        let contacts = client.contacts().all(&ListOptions::default()).await?;
        let same = contacts.iter().filter(|one| one.email.eq_ignore_ascii_case(&email));
        assert_eq!(same.count(), 1);
        let device = client.assets().get(device.id).await?;
        assert_eq!(device.hostname, "by-hand");
        assert!(device.last_seen.is_some(), "the RMM tells what moves");
        Ok(())
    }

    async fn matched_record_stays_when_its_vendor_loses_it(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (email, uid) = {
            let world = app.world.lock();
            let email = world.requesters[0]["primary_email"].as_str().unwrap().to_owned();
            (email, world.devices[0].body["uid"].as_str().unwrap().to_owned())
        };
        let company = CompanyIn { account_number: "100001".into(), ..named("By hand") };
        client.companies().create(&company).await?;
        let person = ContactIn { name: "By hand".into(), email: email.into(), ..ContactIn::default() };
        let person = client.contacts().create(&person).await?.id;
        let device = AssetIn { hostname: "by-hand".into(), device_uid: uid.clone().into(), ..AssetIn::default() };
        let device = client.assets().create(&device).await?.id;
        app.sync().await?;
        let counts = async || -> anyhow::Result<[usize; 3]> {
            let all = ListOptions::default();
            Ok([
                client.companies().list().await?.len(), client.contacts().all(&all).await?.len(),
                client.assets().all(&all).await?.len(),
            ])
        };
        let before = counts().await?;
        let gone = {
            let mut world = app.world.lock();
            world.delete_device(&uid).unwrap();
            let at = world.departments.iter().position(|one| one["custom_fields"]["account_number"] == 100_001);
            (world.departments.remove(at.unwrap()), world.requesters.remove(0))
        };
        // Two runs: one 404 is not enough.
        for _ in 0..3 {
            app.sync().await?;
        }
        let db = Db::open(app.database_url()).await?;
        let lost = "select kind from claims where gone_at is not null and anchor order by kind";
        // The main office is a part of its department and is lost with it.
        assert_eq!(db.query(lost).scalars::<String>().await?, ["asset", "company", "contact", "location"]);
        assert_eq!(counts().await?, before);
        assert_eq!(client.companies().get("100001").await?.name, "By hand");
        assert_eq!(client.contacts().get(person).await?.name, "By hand");
        assert_eq!(client.assets().get(device).await?.hostname, "by-hand");
        // What comes back is the same record, not one more.
        {
            let mut world = app.world.lock();
            world.departments.push(gone.0);
            world.requesters.push(gone.1);
        }
        app.sync().await?;
        assert_eq!(counts().await?, before);
        assert_eq!(db.query(lost).scalars::<String>().await?, ["asset"]);
        Ok(())
    }

    async fn ambiguous_matches_both_stay_and_are_reported(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let email = app.world.lock().requesters[0]["primary_email"].as_str().unwrap_or_default().to_owned();
        let person = ContactIn {
            name: "Twin".into(), email: email.into(), ..ContactIn::default()
        };
        client.contacts().create(&person).await?;
        client.contacts().create(&person).await?;
        app.sync().await?;
        let contacts = client.contacts().all(&ListOptions::default()).await?;
        assert_eq!(contacts.iter().filter(|one| one.name == "Twin").count(), 2);
        let jobs = app.json("/sync/jobs").await?;
        assert!(jobs.to_string().contains("possible duplicate: manual contact"), "{jobs}");
        Ok(())
    }

    async fn serial_number_found_twice_is_reported(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        for n in 0..9 {
            let device = AssetIn {
                hostname: format!("twin-{n}").into(), serial_number: format!("SN{n:06}").into(), ..AssetIn::default()
            };
            client.assets().create(&device).await?;
        }
        let before = client.assets().all(&ListOptions::default()).await?.len();
        app.run_syncs(&["/sync/audits"]).await?;
        assert_eq!(client.assets().all(&ListOptions::default()).await?.len(), before, "all stay");
        let found = client.duplicates().list(&ListOptions::default()).await?.items;
        assert!(!found.is_empty());
        let jobs = app.json("/sync/jobs").await?.to_string();
        for one in &found {
            let facts: Vec<&str> = one.evidence.iter().map(|fact| fact.fact.as_str()).collect();
            assert_eq!((one.kind.name(), one.state, facts), ("asset", DuplicateState::Open, vec!["serial_number"]));
            let reported = format!(
                "duplicate candidate: asset {} and asset {} may be one (serial_number)", one.record_a.id, one.record_b.id
            );
            assert!(jobs.contains(&reported), "{reported}: {jobs}");
        }
        Ok(())
    }
}
