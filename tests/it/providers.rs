//! Choosing vendors, without a restart.

use std::{fs, net::TcpListener, time::Duration};

use codex_core::Providers;
use codex_tests::{
    harness::{
        app::TestApp,
        child::{become_codexd, codexd},
        database,
    },
    on_each_engine,
    sim::core::Core,
};
use reqwest::Method;
use serde_json::{Value, json};

/// Becomes codexd when [`codexd`] says so; otherwise there is nothing to test.
#[test]
fn codexd_child_process() {
    become_codexd();
}

on_each_engine! {
    async fn unknown_provider_is_503_and_no_vendor_is_called(app: TestApp) -> TestResult {
        app.sync().await?;
        app.codex.choose_providers(Providers { psa: "superops".into(), rmm: "superops".into() });
        let (psa, rmm) = (app.freshservice.calls(""), app.datto.calls(""));
        for path in [
            "/sync/psa", "/sync/freshservice", "/sync/tickets", "/sync/tickets/full-history", "/sync/datto", "/sync/audits",
            "/sync/create-account-numbers", "/sync/push-to-datto",
        ] {
            let answer = app.call_as("admin", Method::POST, path)?.send().await?;
            assert_eq!(answer.status(), 503, "{path}");
            let reported: Value = answer.json().await?;
            assert!(reported["error"].as_str().unwrap().contains("superops is not available"), "{path}: {reported}");
        }
        assert_eq!(app.get("/api/ticket/999999")?.send().await?.status(), 404);
        assert_eq!((app.freshservice.calls(""), app.datto.calls("")), (psa, rmm));
        assert_eq!(app.json("/api/psa/config").await?["default_provider"], "superops");
        // What was synced before stays.
        assert_eq!(app.json("/api/tickets").await?["total"], 60);
        Ok(())
    }
}

#[tokio::test]
async fn changed_provider_setting_applies_at_once() -> anyhow::Result<()> {
    let database = database::sqlite()?;
    let folder = database.folder();
    let core = Core::start().await?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let conf = folder.join("instance/codex.conf");
    fs::create_dir_all(folder.join("instance"))?;
    let settings = |psa: &str| {
        let url = core.url();
        format!("[psa]\ndefault_provider = {psa}\n[core]\nurl = {url}\n[logging]\nlevel = ERROR\n")
    };
    fs::write(&conf, settings("freshservice"))?;
    let arguments = ["serve".to_owned(), "--port".to_owned(), port.to_string()];
    let mut child = codexd("providers::codexd_child_process", folder, &arguments)?;
    let token = core.key.user("admin", "admin@msp.example")?;
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()?;
    let chosen = async || -> anyhow::Result<Value> {
        let call = http.get(format!("http://127.0.0.1:{port}/api/psa/config"));
        let answer = call.bearer_auth(&token).send().await?;
        Ok(answer.json::<Value>().await?["default_provider"].clone())
    };
    let becomes = async |wanted: &str| {
        for _ in 0..150 {
            if chosen().await.is_ok_and(|psa| psa == wanted) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    };
    assert!(becomes("freshservice").await);
    fs::write(&conf, "[psa\n")?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(
        chosen().await?,
        json!("freshservice"),
        "a broken file changes nothing"
    );
    fs::write(&conf, settings("superops"))?;
    assert!(becomes("superops").await);
    child.kill().await?;
    Ok(())
}
