//! Secret fields of assets that are revealed.

use codex_tests::{harness::app::TestApp, on_each_engine};
use serde_json::Value;

use super::Browser;

/// An asset with a secret: its id, the field's name, the value.
async fn secret(app: &TestApp) -> anyhow::Result<(i64, String, String)> {
    let sql = "select asset_id, name, value from asset_secrets order by asset_id, name limit 1";
    let found = app.codex.db().query(sql).optional().await?;
    found.ok_or_else(|| anyhow::anyhow!("no device has a secret"))
}

on_each_engine! {
    async fn each_reveal_is_shown_once_and_logged(app: TestApp) -> TestResult {
        app.sync().await?;
        let (id, name, value) = secret(&app).await?;
        let number = name.trim_start_matches("udf");
        let path = format!("/assets/{id}/secrets/{number}/reveal");
        for level in ["admin", "technician"] {
            let browser = Browser::new(&app, level)?;
            let sent = browser.members(&[]).await?;
            let answer = browser.send(&path, &sent).await?;
            assert_eq!(answer.status(), 200, "{level}");
            assert_eq!(answer.headers()["cache-control"], "no-store");
            assert!(answer.text().await?.contains(&value), "{level}");
            assert_eq!(browser.refused(&path, &[].into()).await?.0, 403, "{level}");
            let unknown = format!("/assets/{id}/secrets/299/reveal");
            assert_eq!(browser.refused(&unknown, &sent).await?.0, 404, "{level}");
        }
        let logged = "select cast(changes as text) from change_log where kind = 'asset' and record_id = $1 \
            and cast(changes as text) like '%revealed%' order by id";
        let logged: Vec<String> = app.codex.db().query(logged).bind(id).scalars().await?;
        assert_eq!(logged.len(), 2, "{logged:?}");
        let entry: Value = serde_json::from_str(&logged[0])?;
        assert_eq!(entry[&name], "revealed");
        Ok(())
    }

    async fn secrets_are_for_technicians_and_administrators(app: TestApp) -> TestResult {
        app.sync().await?;
        let (id, name, value) = secret(&app).await?;
        let path = format!("/assets/{id}/secrets/{}/reveal", name.trim_start_matches("udf"));
        for level in ["billing", "client"] {
            let (status, html) = Browser::new(&app, level)?.refused(&path, &[].into()).await?;
            assert_eq!(status, 403, "{level}");
            assert!(!html.contains(&value), "{level}");
        }
        let read = "select count(*) from change_log where cast(changes as text) like '%revealed%'";
        let read: Option<i64> = app.codex.db().query(read).scalar().await?;
        assert_eq!(read, Some(0));
        Ok(())
    }
}
