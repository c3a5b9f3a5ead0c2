//! Clearing data: typed words, no running sync, manual records, and a new beginning.

use codex_tests::{harness::app::TestApp, on_each_engine};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Browser, form};

const PAGE: &str = "/admin/clear/companies";
const ACTION: &str = "/admin/clear-data";

async fn numbers(app: &TestApp) -> anyhow::Result<Vec<String>> {
    let companies = app.json("/api/companies").await?;
    let companies = companies.as_array().cloned().unwrap_or_default();
    let number = |company: &Value| company["account_number"].as_str().map(str::to_owned);
    let mut numbers: Vec<String> = companies.iter().filter_map(number).collect();
    numbers.sort();
    Ok(numbers)
}

async fn count(app: &TestApp, sql: &'static str) -> anyhow::Result<i64> {
    let count: Option<i64> = app.codex.db().query(sql).scalar().await?;
    Ok(count.unwrap_or_default())
}

on_each_engine! {
    async fn cleared_companies_come_back_with_the_next_sync(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = numbers(&app).await?;
        let companies = "select count(*) from companies where deleted_at is null";
        let synced = count(&app, companies).await?;
        let ours = json!({"name": "Ours", "account_number": "654321"});
        let made = app.call_as("admin", Method::POST, "/api/companies")?.json(&ours);
        made.send().await?.error_for_status()?;
        let admin = Browser::new(&app, "admin")?;
        let html = admin.page(PAGE).await?;
        assert!(html.contains("tickets</li>") && html.contains("compan"), "{html}");

        let mut sent = form(&html);
        sent.insert("phrase".into(), "clear".into());
        let (status, html) = admin.refused(ACTION, &sent).await?;
        assert_eq!(status, 422);
        assert!(html.contains("Type the words `clear companies` to clear."), "{html}");
        sent.insert("data_type".into(), "planets".into());
        assert_eq!(admin.refused(ACTION, &sent).await?.0, 422);
        assert_eq!(numbers(&app).await?.len(), before.len() + 1);

        sent.insert("data_type".into(), "companies".into());
        sent.insert("phrase".into(), "clear companies".into());
        assert_eq!(admin.done(ACTION, &sent).await?, "/admin/?done=cleared");
        assert_eq!(numbers(&app).await?, ["654321"]);
        for table in [
            "select count(*) from tickets where deleted_at is null",
            "select count(*) from assets where deleted_at is null",
            "select count(*) from site_links where deleted_at is null",
        ] {
            assert_eq!(count(&app, table).await?, 0, "{table}");
        }
        assert!(count(&app, "select count(*) from contacts where deleted_at is null").await? > 0);
        let logged = "select count(*) from change_log where op = 'delete' and kind = 'company'";
        assert_eq!(count(&app, logged).await?, synced);

        app.sync().await?;
        let mut wanted = before;
        wanted.push("654321".to_owned());
        wanted.sort();
        assert_eq!(numbers(&app).await?, wanted);
        assert!(count(&app, "select count(*) from tickets where deleted_at is null").await? > 0);
        Ok(())
    }

    async fn nothing_is_cleared_while_a_sync_runs(app: TestApp) -> TestResult {
        app.sync().await?;
        let before = numbers(&app).await?;
        let mut tx = app.codex.db().begin().await?;
        let job = "insert into sync_jobs (id, script, provider, status, started_at, report) \
            values ('j', 'psa', 'other', 'running', $1, '{}')";
        tx.query(job).bind(app.codex.now()).execute().await?;
        tx.commit().await?;
        let admin = Browser::new(&app, "admin")?;
        let mut sent = form(&admin.page(PAGE).await?);
        sent.insert("phrase".into(), "clear companies".into());
        let (status, html) = admin.refused(ACTION, &sent).await?;
        assert_eq!(status, 409);
        assert!(html.contains("a sync is at work"), "{html}");
        assert_eq!(numbers(&app).await?, before);
        Ok(())
    }
}
