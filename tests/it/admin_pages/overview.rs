//! The overview, and tests of connections.

use codex_tests::{
    harness::{app::TestApp, database::TestDatabase},
    on_each_engine, on_sqlite,
};

use super::Browser;

on_each_engine! {
    async fn overview_shows_counts_jobs_and_schedules(app: TestApp) -> TestResult {
        let admin = Browser::new(&app, "admin")?;
        let html = admin.page("/admin/").await?;
        assert!(html.contains("No sync has run yet.") && html.contains("0 2 * * *"), "{html}");
        app.sync().await?;
        let before = app.codex.statements_run();
        let html = admin.page("/admin/").await?;
        let statements = app.codex.statements_run() - before;
        assert!(statements <= 6, "{statements} statements");
        assert!(html.contains("[Freshservice] tickets") && html.contains("badge--success"), "{html}");
        let companies = "select count(*) from companies where deleted_at is null";
        let companies: Option<i64> = app.codex.db().query(companies).scalar().await?;
        let shown = format!("/companies/\">{}</a>", companies.unwrap());
        assert!(html.contains(&shown), "{shown} in {html}");
        Ok(())
    }
}

on_sqlite! {
    async fn connections_are_tested_with_one_call(app: TestApp) -> TestResult {
        let admin = Browser::new(&app, "admin")?;
        let sent = admin.members(&[]).await?;
        for (system, says) in [
            ("freshservice", "Freshservice answers and accepts the key"),
            ("datto", "Datto RMM answers and accepts the key"),
            ("keycloak", "Keycloak answers and accepts the key"),
            ("core", "answers"),
        ] {
            let answer = admin.send(&format!("/admin/test/{system}"), &sent).await?;
            assert_eq!(answer.status(), 200, "{system}");
            let html = answer.text().await?;
            assert!(html.contains(says) && html.contains("alert--success"), "{system}: {html}");
        }
        assert_eq!(admin.refused("/admin/test/superops", &sent).await?.0, 404);
        Ok(())
    }

    async fn failed_tests_say_what_would_be_right(database: TestDatabase) -> TestResult {
        let settings = [
            ("freshservice.api_key", "hunter2"),
            ("datto.secret_key", "hunter2"),
            ("keycloak.admin_password", "hunter2"),
            ("keycloak.client_secret", "hunter2"),
        ];
        let app = TestApp::with(database, &settings).await?;
        let admin = Browser::new(&app, "admin")?;
        let sent = admin.members(&[]).await?;
        for (system, says) in [
            ("freshservice", "[freshservice] api_key"),
            ("datto", "[datto] public_key and secret_key"),
            ("keycloak", "[keycloak]"),
        ] {
            let answer = admin.send(&format!("/admin/test/{system}"), &sent).await?;
            let html = answer.text().await?;
            assert!(html.contains("alert--error") && html.contains(says), "{system}: {html}");
            assert!(!html.contains("hunter2"), "{system}: {html}");
        }
        Ok(())
    }
}
