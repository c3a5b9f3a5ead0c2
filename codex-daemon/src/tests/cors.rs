//! Calls of pages of other origins.

use reqwest::Method;

use super::{Daemon, header};

const ORIGIN: &str = "https://intranet.example";

#[tokio::test]
async fn no_origin_is_allowed_by_default() {
    let daemon = Daemon::start(&[]).await;
    let call = daemon.request(Method::GET, "/health/live");
    let answer = call.header("origin", ORIGIN).send().await.unwrap();
    assert_eq!(header(&answer, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn listed_origins_may_call_and_others_may_not() {
    let daemon = Daemon::start(&[(
        "server.cors_origins",
        "https://Intranet.example/, http://a.example:81",
    )])
    .await;
    for path in ["/health/live", "/api/companies", "/no/such/path"] {
        let call = daemon.request(Method::GET, path);
        let answer = call.header("origin", ORIGIN).send().await.unwrap();
        assert_eq!(
            header(&answer, "access-control-allow-origin"),
            ORIGIN,
            "{path}"
        );
        assert!(
            header(&answer, "access-control-expose-headers").contains("link"),
            "{path}"
        );
        let vary: Vec<_> = answer.headers().get_all("vary").iter().collect();
        assert!(
            vary.iter().any(|value| *value == "origin"),
            "{path}: {vary:?}"
        );
        for other in ["https://evil.example", "http://intranet.example", "null"] {
            let call = daemon.request(Method::GET, path);
            let answer = call.header("origin", other).send().await.unwrap();
            assert_eq!(
                header(&answer, "access-control-allow-origin"),
                "",
                "{path} {other}"
            );
        }
    }
}

#[tokio::test]
async fn preflights_name_methods_and_headers() {
    let daemon = Daemon::start(&[("server.cors_origins", "*")]).await;
    let options = || daemon.request(Method::OPTIONS, "/api/companies");
    let call = options().header("origin", ORIGIN);
    let answer = call
        .header("access-control-request-method", "PUT")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(header(&answer, "access-control-allow-origin"), "*");
    assert!(header(&answer, "access-control-allow-methods").contains("PUT"));
    assert!(header(&answer, "access-control-allow-headers").contains("authorization"));
    // OPTIONS that is no preflight goes on naming the methods of its path.
    let plain = options().send().await.unwrap();
    assert_eq!(plain.status(), 200);
    assert!(header(&plain, "allow").contains("GET"));
}
