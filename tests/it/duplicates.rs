//! Duplicate candidates: two records that may be one, decided by a person.

use codex_client::{
    AssetIn, ChangeOp, Client, CompanyIn, ContactIn, DuplicateOut, DuplicateState, ListOptions, Op,
};
use codex_tests::{
    harness::app::{TestApp, client},
    on_each_engine,
    sim::world::device_uid,
};

const OWN: &str = "100001";

fn serial(hostname: &str, serial: &str) -> AssetIn {
    AssetIn {
        hostname: hostname.into(),
        serial_number: serial.into(),
        ..AssetIn::default()
    }
}

fn person(name: &str, email: &str, companies: &[&str]) -> ContactIn {
    ContactIn {
        name: name.into(),
        email: email.into(),
        company_account_numbers: companies
            .iter()
            .map(|n| (*n).to_owned())
            .collect::<Vec<_>>()
            .into(),
        ..ContactIn::default()
    }
}

async fn text(app: &TestApp, sql: &'static str, id: i64) -> anyhow::Result<String> {
    let text: Option<Option<String>> = app.codex.db().query(sql).bind(id).scalar().await?;
    Ok(text.flatten().unwrap_or_default())
}

async fn open(client: &Client) -> anyhow::Result<Vec<DuplicateOut>> {
    let open = ListOptions::default().with("state", Op::Eq, "open");
    Ok(client.duplicates().list(&open).await?.items)
}

/// A manual asset with the serial number of a device of the RMM, and the candidate that they make.
async fn proposed(app: &TestApp, client: &Client) -> anyhow::Result<(i64, i64, DuplicateOut)> {
    let manual = AssetIn {
        description: "on the shelf".into(),
        ..serial("by-hand", "SN000007")
    };
    let manual = client.assets().create(&manual).await?.id;
    app.sync().await?;
    app.run_syncs(&["/sync/audits"]).await?;
    let q = "select id from assets where device_uid = $1 and deleted_at is null";
    let device: Option<i64> = app.codex.db().query(q).bind(device_uid(7)).scalar().await?;
    let device = device.unwrap_or_default();
    let mut open = open(client).await?;
    open.retain(|candidate| candidate.kind == "asset");
    anyhow::ensure!(open.len() == 1, "{open:?}");
    Ok((manual, device, open.remove(0)))
}

on_each_engine! {
    async fn shared_serial_number_is_proposed_and_merged(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (manual, device, candidate) = proposed(&app, &client).await?;
        assert_eq!((candidate.record_a.id, candidate.record_b.id), (manual, device));
        assert_eq!((candidate.score, candidate.state), (50, DuplicateState::Open));
        assert_eq!(candidate.evidence[0].fact, "serial_number");
        assert_eq!(candidate.record_a.name.as_deref(), Some("by-hand"));
        assert_eq!(client.duplicates().get(candidate.id).await?, candidate);
        let before = client.assets().get(device).await?;
        // First only a dry run.
        let reported = client.duplicates().merge(candidate.id, None).dry_run().await?;
        assert!(reported.changes.iter().any(|change| change.op == ChangeOp::Delete && change.record_id == Some(device)), "{reported:?}");
        assert_eq!(open(&client).await?.len(), 1);
        let merged = client.duplicates().merge(candidate.id, None).await?;
        assert_eq!((merged.state, merged.kept), (DuplicateState::Merged, Some(manual)));
        assert!(merged.decided_by.is_some() && merged.decided_at.is_some());
        assert_eq!(client.assets().get(device).await.unwrap_err().status(), Some(404));
        let kept = client.assets().get(manual).await?;
        assert_eq!(kept.hostname, "by-hand");
        assert_eq!(text(&app, "select description from assets where id = $1", kept.id).await?, "on the shelf");
        assert_eq!((&kept.operating_system, kept.online), (&before.operating_system, before.online));
        assert!(client.assets().audit(manual).await?.software.len() > 200);
        // The device is that record from now on.
        app.run_syncs(&["/sync/datto", "/sync/audits"]).await?;
        assert_eq!(client.assets().get(device).await.unwrap_err().status(), Some(404));
        assert!(open(&client).await?.is_empty());
        let again = client.duplicates().merge(candidate.id, None).await.unwrap_err();
        assert_eq!(again.status(), Some(409), "{again}");
        assert_eq!(client.duplicates().reject(candidate.id).await.unwrap_err().status(), Some(409));
        Ok(())
    }

    async fn newer_record_can_be_kept_without_loss(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let user = client.contacts().create(&person("User", "user@x.example", &[])).await?.id;
        let (manual, device, candidate) = proposed(&app, &client).await?;
        let used = AssetIn { contact_ids: vec![user].into(), ..AssetIn::default() };
        client.assets().update(manual, &used).await?;
        let secrets = "select count(*) from asset_secrets where asset_id = $1";
        let secrets = async || app.codex.db().query(secrets).bind(device).scalar::<i64>().await;
        let before = secrets().await?;
        client.duplicates().merge(candidate.id, Some(device)).await?;
        assert_eq!(client.assets().get(manual).await.unwrap_err().status(), Some(404));
        let kept = client.assets().get(device).await?;
        assert_eq!(kept.hostname, "by-hand");
        assert_eq!(text(&app, "select description from assets where id = $1", kept.id).await?, "on the shelf");
        assert_eq!(secrets().await?, before);
        let users = "select count(*) from asset_contacts where asset_id = $1 and contact_id = $2 and not removed";
        let users: Option<i64> = app.codex.db().query(users).bind(device).bind(user).scalar().await?;
        assert_eq!(users, Some(1));
        app.run_syncs(&["/sync/datto"]).await?;
        assert_eq!(client.assets().get(device).await?.hostname, "by-hand", "a manual value still wins");
        Ok(())
    }

    async fn a_rejected_pair_is_never_proposed_again(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (manual, device, candidate) = proposed(&app, &client).await?;
        let rejected = client.duplicates().reject(candidate.id).await?;
        assert_eq!((rejected.state, rejected.kept), (DuplicateState::Rejected, None));
        // Even when more speaks for it: the same company.
        let q = "select c.account_number from assets a join companies c on c.id = a.company_id where a.id = $1";
        let number: Option<String> = app.codex.db().query(q).bind(device).scalar().await?;
        let placed = AssetIn { company_account_number: number.into(), ..AssetIn::default() };
        client.assets().update(manual, &placed).await?;
        app.run_syncs(&["/sync/datto", "/sync/audits"]).await?;
        assert!(open(&client).await?.is_empty());
        for id in [manual, device] {
            client.assets().get(id).await?;
        }
        Ok(())
    }

    async fn records_of_different_companies_are_not_merged(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        let (manual, device, candidate) = proposed(&app, &client).await?;
        let q = "select account_number from companies where account_number is not null and deleted_at is null \
            and id <> (select company_id from assets where id = $1) order by id limit 1";
        let other: Option<String> = app.codex.db().query(q).bind(device).scalar().await?;
        let placed = AssetIn { company_account_number: other.into(), ..AssetIn::default() };
        client.assets().update(manual, &placed).await?;
        let refused = client.duplicates().merge(candidate.id, None).await.unwrap_err();
        assert_eq!(refused.status(), Some(409));
        assert!(refused.to_string().contains("different companies"), "{refused}");
        assert_eq!(open(&client).await?.len(), 1, "it still waits");
        let wrong = client.duplicates().merge(candidate.id, Some(1_000_000)).await.unwrap_err();
        assert_eq!(wrong.status(), Some(422), "{wrong}");
        for status in [
            client.duplicates().get(999_999).await.unwrap_err().status(),
            client.duplicates().merge(999_999, None).await.unwrap_err().status(),
            client.duplicates().reject(999_999).await.unwrap_err().status(),
        ] {
            assert_eq!(status, Some(404));
        }
        for (query, status) in [("state=open&kind=asset", 200), ("state=nonsense", 400), ("kind=company", 400),
            ("q=x", 400), ("limit=501", 400), ("colour=red", 400)] {
            let answer = app.get_as("technician", &format!("/api/duplicates?{query}"))?.send().await?;
            assert_eq!(answer.status(), status, "{query}");
        }
        for level in ["client", "billing"] {
            assert_eq!(app.get_as(level, "/api/duplicates")?.send().await?.status(), 403, "{level}");
        }
        Ok(())
    }

    async fn contacts_sharing_an_address_in_a_company_are_proposed(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app, "technician")?;
        let theirs = client.companies().contacts(OWN).await?.remove(0);
        let twin = client.contacts().create(&person("Twin", &theirs.email.to_uppercase(), &[OWN])).await?.id;
        let apart = client.contacts().create(&person("Apart", &theirs.email, &["100002"])).await?.id;
        app.run_syncs(&["/sync/psa"]).await?;
        let of_twin = |candidate: &DuplicateOut| [candidate.record_a.id, candidate.record_b.id].contains(&twin);
        let candidates = open(&client).await?;
        let candidate = candidates.iter().find(|candidate| of_twin(candidate)).unwrap();
        assert_eq!((candidate.record_a.id, candidate.record_b.id), (theirs.id, twin), "{candidates:?}");
        assert_eq!(candidate.record_b.company_account_numbers, [OWN]);
        assert!(!candidates.iter().any(|one| one.record_b.id == apart || one.record_a.id == apart));
        let note = ContactIn { job_title: "Chief".into(), ..ContactIn::default() };
        client.contacts().update(twin, &note).await?;
        client.duplicates().merge(candidate.id, None).await?;
        let kept = client.contacts().get(theirs.id).await?;
        assert_eq!(kept.name, "Twin", "what a person said wins");
        assert_eq!(text(&app, "select job_title from contacts where id = $1", kept.id).await?, "Chief");
        assert_eq!(client.contacts().get(twin).await.unwrap_err().status(), Some(404));
        let listed = client.companies().contacts(OWN).await?;
        assert_eq!(listed.iter().filter(|one| one.id == theirs.id).count(), 1);
        app.run_syncs(&["/sync/psa"]).await?;
        assert!(!open(&client).await?.iter().any(of_twin));
        Ok(())
    }

    async fn a_manual_contact_of_another_company_is_not_matched(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        // The first three requesters are of the companies 100000, 100001 and 100002.
        let email = |n: usize| -> String {
            let world = app.world.lock();
            world.requesters[n]["primary_email"].as_str().unwrap_or_default().to_owned()
        };
        for number in ["100000", "100001"] {
            let company = CompanyIn {
                name: format!("By hand {number}").into(), account_number: number.into(), ..CompanyIn::default()
            };
            client.companies().create(&company).await?;
        }
        let create = async |name: &str, n: usize, companies: &[&str]| -> anyhow::Result<i64> {
            Ok(client.contacts().create(&person(name, &email(n), companies)).await?.id)
        };
        let elsewhere = create("Elsewhere", 0, &["100001"]).await?;
        let same = create("Same company", 1, &["100000", "100001"]).await?;
        let nowhere = create("No company", 2, &[]).await?;
        app.run_syncs(&["/sync/psa"]).await?;
        let all = client.contacts().all(&ListOptions::default()).await?;
        let with_email = |n: usize| -> Vec<i64> {
            let same = all.iter().filter(|one| one.email.eq_ignore_ascii_case(&email(n)));
            same.map(|one| one.id).collect()
        };
        assert_eq!((with_email(1), with_email(2)), (vec![same], vec![nowhere]), "matched as before");
        let arrived: Vec<i64> = with_email(0).into_iter().filter(|id| *id != elsewhere).collect();
        let [arrived] = arrived[..] else { panic!("{arrived:?}") };
        let candidates = open(&client).await?;
        let of_pair = |one: &&DuplicateOut| (one.record_a.id, one.record_b.id) == (elsewhere, arrived);
        let candidate = candidates.iter().find(of_pair).unwrap();
        assert_eq!((candidate.score, candidate.evidence[0].fact.as_str()), (50, "email"));
        assert_eq!(candidate.record_a.company_account_numbers, ["100001"]);
        assert_eq!(candidate.record_b.company_account_numbers, ["100000"]);
        assert_eq!(client.contacts().get(elsewhere).await?.name, "Elsewhere");
        // A person finds out that the company was wrong.
        let moved = person("Elsewhere", &email(0), &["100000"]);
        client.contacts().update(elsewhere, &moved).await?;
        client.duplicates().merge(candidate.id, None).await?;
        app.run_syncs(&["/sync/psa"]).await?;
        assert_eq!(client.contacts().get(arrived).await.unwrap_err().status(), Some(404));
        assert_eq!(client.contacts().get(elsewhere).await?.name, "Elsewhere");
        Ok(())
    }

    async fn placeholder_serial_numbers_propose_nothing(app: TestApp) -> TestResult {
        let client = client(&app, "technician")?;
        app.sync().await?;
        let texts = ["System Serial Number", "Default string\t", "0123456789", "None", "INVALID"];
        for (n, text) in (1..).zip(texts) {
            client.assets().create(&serial(text, text)).await?;
            let q = "select id from assets where device_uid = $1 and deleted_at is null";
            let device: Option<i64> = app.codex.db().query(q).bind(device_uid(n)).scalar().await?;
            let stated = AssetIn { serial_number: text.into(), ..AssetIn::default() };
            client.assets().update(device.unwrap_or_default(), &stated).await?;
        }
        let count = async || anyhow::Ok(client.assets().all(&ListOptions::default()).await?.len());
        let before = count().await?;
        app.run_syncs(&["/sync/datto", "/sync/audits"]).await?;
        assert_eq!(count().await?, before);
        assert!(open(&client).await?.iter().all(|candidate| candidate.kind != "asset"));
        // Nor does a bulk upsert take two machines for one.
        let row = |text: &str| codex_client::AssetBulkIn { id: None, asset: serial("bulk", text) };
        let out = client.assets().bulk_write(&[row("None"), row("none ")], codex_client::BulkAction::Upsert, false).await?;
        assert_eq!((out.created, out.updated, out.failed), (2, 0, 0), "{out:?}");
        Ok(())
    }
}
