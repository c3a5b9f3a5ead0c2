//! The API description and its pages.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{Daemon, header, problem};

#[tokio::test]
async fn docs_work_behind_a_prefix_and_without_the_internet() {
    let daemon = Daemon::start(&[]).await;
    for (path, target) in [
        ("/docs", "/codex/docs/"),
        ("/apidocs/index.html", "/codex/docs/"),
        ("/apispec.json", "/codex/openapi.json"),
    ] {
        let request = daemon
            .request(Method::GET, path)
            .header("X-Forwarded-Prefix", "/codex");
        let response = request.send().await.unwrap();
        assert_eq!(
            (response.status(), header(&response, "location")),
            (StatusCode::PERMANENT_REDIRECT, target)
        );
    }
    let page = daemon.get("/docs/").await;
    assert!(header(&page, "content-type").starts_with("text/html"));
    let page = page.text().await.unwrap();
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
    for file in [
        "swagger-ui.css",
        "index.css",
        "swagger-ui-bundle.js",
        "favicon-32x32.png",
    ] {
        assert!(page.contains(file));
        assert_eq!(
            daemon.get(&format!("/docs/{file}")).await.status(),
            200,
            "{file}"
        );
    }
    let script = daemon
        .get("/docs/swagger-initializer.js")
        .await
        .text()
        .await
        .unwrap();
    assert!(script.contains(r#""url": "../openapi.json""#), "{script}");
    problem(
        daemon.get("/docs/nothing.js").await,
        404,
        "/docs/nothing.js",
    )
    .await;
}

#[tokio::test]
async fn description_lists_routes_and_authentication() {
    let daemon = Daemon::start(&[]).await;
    let api: Value = daemon.get("/openapi.json").await.json().await.unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(api["paths"]["/health"]["get"]["operationId"], "get_health");
    assert_eq!(
        api["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
}
