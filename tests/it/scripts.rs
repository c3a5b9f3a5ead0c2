//! The scripts of pages, and forms that are sent twice.

use codex_tests::{harness::app::TestApp, on_each_engine, on_sqlite};
use reqwest::{Method, StatusCode};

use crate::pages::{Browser, attribute, form};

/// The addresses of the scripts of a page.
fn sources(html: &str) -> Vec<String> {
    let tags = html.split("<script").skip(1);
    tags.filter_map(|tag| attribute(tag, "src")).collect()
}

on_sqlite! {
    async fn pages_load_scripts_by_content(app: TestApp) -> TestResult {
        let browser = Browser::new(&app, "technician")?;
        let found = sources(&browser.page("/companies/").await?);
        assert_eq!(found.len(), 2, "{found:?}");
        for source in &found {
            // Without a token: a script belongs to nobody.
            let answer = app.call(Method::GET, source).send().await?;
            assert_eq!(answer.status(), StatusCode::OK, "{source}");
            assert_eq!(answer.headers()["content-type"], "text/javascript; charset=utf-8");
            assert!(answer.headers()["cache-control"].to_str()?.contains("immutable"));
            let tag = answer.headers()["etag"].clone();
            assert!(answer.text().await?.len() > 1_000);
            let again = app.call(Method::GET, source).header("If-None-Match", tag).send().await?;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{source}");
        }
        let answer = app.call(Method::GET, "/static/codex-000000000000.js").send().await?;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let behind = browser.call(Method::GET, "/companies/").header("X-Forwarded-Prefix", "/codex").send().await?;
        assert!(sources(&behind.text().await?).iter().all(|source| source.starts_with("/codex/static/")));
        let own = browser.call(Method::GET, "/companies/").send().await?;
        let policy = own.headers()["content-security-policy"].to_str()?;
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        Ok(())
    }
}

on_each_engine! {
    async fn a_form_that_is_sent_twice_acts_once(app: TestApp) -> TestResult {
        app.sync().await?;
        let browser = Browser::new(&app, "technician")?;
        let path = "/companies/new";
        let mut sent = form(&browser.page(path).await?, path);
        sent.insert("name".into(), "Double Click Ltd".into());
        let (left, right) = tokio::join!(browser.done(path, &sent), browser.done(path, &sent));
        let first = left?;
        assert_eq!(right?, first, "two at once");
        let repeated = browser.done(path, &sent).await?;
        assert_eq!(repeated.strip_suffix("&repeated=true"), Some(&*first), "one behind the other");
        let companies = app.json("/api/companies").await?;
        let companies = companies.as_array().into_iter().flatten();
        assert_eq!(companies.filter(|one| one["name"] == "Double Click Ltd").count(), 1);
        // Other values are another call.
        sent.insert("name".into(), "Second Ltd".into());
        assert_ne!(browser.done(path, &sent).await?, first);
        Ok(())
    }
}
