//! Commands of codexd that show what is known of records: claims, and the checks of `doctor`.

use codex_client::{AssetIn, Client, CompanyIn, RecordClaimsOut, TokenSource};
use codex_tests::{
    harness::{
        app::TestApp,
        child::{Ended, become_codexd, run},
    },
    on_each_engine,
};
use serde_json::{Value, json};

const CHILD: &str = "commands::codexd_child_process";
const ACME: &str = "100001";
const OTHER: &str = "100002";

#[test]
fn codexd_child_process() {
    become_codexd();
}

/// Runs a command beside the daemon.
async fn codexd(app: &TestApp, command: &str) -> anyhow::Result<Ended> {
    let settings = [
        format!("database.connection_string={}", app.database_url()),
        format!("core.url={}", app.core.url()),
        // The disk of whoever runs the tests is none of their business.
        "health.disk_degraded_percent=100".to_owned(),
        "health.disk_unhealthy_percent=100".to_owned(),
    ];
    let settings = settings
        .iter()
        .flat_map(|setting| ["--set", setting.as_str()]);
    let words = command.split(' ').chain(settings);
    let words: Vec<String> = words.map(str::to_owned).collect();
    run(CHILD, app.database().folder(), &words).await
}

fn client(app: &TestApp) -> anyhow::Result<Client> {
    let token = app.core.key.user("admin", "admin@msp.example")?;
    Ok(Client::new(&app.url(), TokenSource::fixed(token))?)
}

/// The line of a field in a table.
fn line<'o>(ended: &'o Ended, field: &str) -> Option<&'o str> {
    let is_of = |line: &&str| line.split_whitespace().next() == Some(field);
    ended.out.lines().find(is_of)
}

on_each_engine! {
    async fn claims_are_shown_and_released_on_the_command_line(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app)?;
        let theirs = client.companies().get(ACME).await?.description;
        let ours = CompanyIn { description: "Ours".into(), ..CompanyIn::default() };
        client.companies().update(ACME, &ours).await?;

        let shown = codexd(&app, &format!("claims show company {ACME}")).await?;
        assert_eq!(shown.code, 0, "{shown:?}");
        let description = line(&shown, "description").unwrap();
        assert!(description.contains("Ours") && description.contains("manual"), "{description}");
        assert!(description.contains("freshservice: "), "{description}");
        assert!(line(&shown, "name").unwrap().contains("freshservice"), "{shown:?}");
        assert!(line(&shown, "freshservice").is_some(), "the sources follow: {shown:?}");
        let all = codexd(&app, &format!("claims show companies {ACME} --all")).await?;
        assert!(all.out.lines().count() > shown.out.lines().count(), "{all:?}");
        let shown = codexd(&app, &format!("claims show company {ACME} --json")).await?;
        let shown: RecordClaimsOut = serde_json::from_str(&shown.out)?;
        assert_eq!(shown.manual("description").unwrap().value, json!("Ours"));

        let release = format!("claims release company {ACME} description");
        let foretold = codexd(&app, &format!("{release} --dry-run")).await?;
        assert_eq!(foretold.code, 0, "{foretold:?}");
        assert!(line(&foretold, "description").unwrap().contains("Ours"), "{foretold:?}");
        assert!(foretold.out.ends_with("Nothing was written.\n"), "{foretold:?}");
        assert_eq!(client.companies().get(ACME).await?.description.as_deref(), Some("Ours"));
        let released = codexd(&app, &release).await?;
        assert_eq!(released.code, 0, "{released:?}");
        assert!(line(&released, "description").unwrap().contains("freshservice"), "{released:?}");
        assert_eq!(client.companies().get(ACME).await?.description, theirs);

        for (command, code, says) in [
            (release.as_str(), 1, "nobody has set `description` of this company"),
            ("claims show company 999999", 1, "there is no company `999999`"),
            ("claims release company 100001 colour", 1, "a company has no field `colour`"),
            ("claims show planet 1", 2, "expected one of "),
        ] {
            let refused = codexd(&app, command).await?;
            assert_eq!((refused.code, refused.out.as_str()), (code, ""), "{command}: {refused:?}");
            assert!(refused.err.contains(says), "{command}: {refused:?}");
        }
        Ok(())
    }

    async fn release_shows_companies_by_account_number(app: TestApp) -> TestResult {
        app.sync().await?;
        let client = client(&app)?;
        let asset = client.companies().assets(ACME).await?[0].id;
        let moved = AssetIn { company_account_number: OTHER.into(), ..AssetIn::default() };
        client.assets().update(asset, &moved).await?;
        let release = format!("claims release asset {asset} company_account_number --dry-run");
        let reported = codexd(&app, &release).await?;
        let cells: Vec<&str> = line(&reported, "company_account_number").unwrap().split_whitespace().collect();
        assert_eq!(cells, ["company_account_number", OTHER, ACME], "{reported:?}");
        let reported: Value = serde_json::from_str(&codexd(&app, &format!("{release} --json")).await?.out)?;
        assert_eq!(reported[0]["record_id"], asset);
        assert_eq!(reported[0]["fields"], json!({"company_account_number": {"before": OTHER, "after": ACME}}));
        let company = CompanyIn { name: "Ours".into(), ..CompanyIn::default() };
        client.companies().update(ACME, &company).await?;
        let reported = codexd(&app, &format!("claims release company {ACME} name --dry-run --json")).await?;
        let reported: Value = serde_json::from_str(&reported.out)?;
        assert_eq!((&reported[0]["record_id"], &reported[0]["company_account_number"]), (&Value::Null, &json!(ACME)));
        Ok(())
    }

    async fn doctor_counts_the_companies_without_a_number(app: TestApp) -> TestResult {
        let total = {
            let mut world = app.world.lock();
            for (n, department) in world.departments.iter_mut().enumerate() {
                let number = (200_000 + n).to_string();
                department["custom_fields"] = if n < 2 { json!({}) } else { json!({"account_number": number}) };
            }
            world.departments.len()
        };
        let leaves_out = "no account number; `GET /api/companies` leaves";
        for (without, message) in [
            (2, format!("2 of {total} companies have {leaves_out} them out")),
            (1, format!("1 of {total} companies has {leaves_out} it out")),
            (0, format!("every company has a number ({total} companies)")),
        ] {
            if without < 2 {
                let number = (200_000 + without).to_string();
                app.world.lock().departments[without]["custom_fields"] = json!({"account_number": number});
            }
            app.run_syncs(&["/sync/psa"]).await?;
            let found = codexd(&app, "doctor --json").await?;
            assert_eq!(found.code, 0, "a warning is no error: {found:?}");
            let found: Vec<Value> = serde_json::from_str(&found.out)?;
            let accounts = found.iter().find(|one| one["check"] == "accounts").unwrap();
            assert_eq!(accounts["message"], message);
            let status = if without > 0 { "warning" } else { "ok" };
            assert_eq!(accounts["status"], status);
            let people = codexd(&app, "doctor").await?;
            assert!(line(&people, status).is_some() && people.out.contains(&message), "{people:?}");
            assert_eq!(people.out.contains("run `codexd accounts assign`"), without > 0, "{people:?}");
        }
        Ok(())
    }
}
