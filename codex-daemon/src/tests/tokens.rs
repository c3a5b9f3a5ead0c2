//! Who is let in.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::{Daemon, header, problem};
use crate::auth::testing::{Core, service, token, user};

#[tokio::test]
async fn protected_routes_require_a_token() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url()), ("server.docs_public", "false")]).await;
    let with = |token: String| {
        daemon
            .request(Method::GET, "/openapi.json")
            .bearer_auth(token)
            .send()
    };

    let missing = daemon.get("/openapi.json").await;
    assert_eq!(header(&missing, "www-authenticate"), "Bearer");
    let body = problem(missing, 401, "/openapi.json").await;
    assert_eq!(body["type"], "about:blank#unauthorized");
    problem(daemon.get("/docs/").await, 401, "/docs/").await;

    let foreign = token("k9", 1, &user(&json!({})));
    let body = problem(with(foreign.clone()).await.unwrap(), 401, "/openapi.json").await;
    assert!(!body.to_string().contains(&foreign));
    for claims in [user(&json!({})), service(&json!({}))] {
        assert_eq!(with(token("k0", 0, &claims)).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_token_of_a_withdrawn_key_is_401() {
    let core = Core::start().await;
    let settings = [
        ("core.url", core.url()),
        ("server.docs_public", "false"),
        ("auth.jwks_cache_seconds", "1"),
    ];
    let daemon = Daemon::start(&settings).await;
    let with = async |kid: &str, key: usize| {
        let token = token(kid, key, &user(&json!({})));
        let call = daemon.request(Method::GET, "/openapi.json");
        call.bearer_auth(token).send().await.unwrap()
    };
    assert_eq!(with("k0", 0).await.status(), 200);
    core.serve_keys(&[("k1", 1)]);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused = with("k0", 0).await;
    assert_eq!(header(&refused, "www-authenticate"), "Bearer");
    problem(refused, 401, "/openapi.json").await;
    assert_eq!(with("k1", 1).await.status(), 200);
}

#[tokio::test]
async fn an_unreachable_core_with_no_keys_is_503() {
    let daemon = Daemon::start(&[("server.docs_public", "false")]).await;
    let token = token("k0", 0, &user(&json!({})));
    let request = daemon
        .request(Method::GET, "/openapi.json")
        .bearer_auth(token);
    let answer = request.send().await.unwrap();
    assert_eq!(header(&answer, "retry-after"), "1");
    problem(answer, 503, "/openapi.json").await;
}

#[tokio::test]
async fn metrics_require_a_local_caller_or_a_token() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url()), ("metrics.token", "m")]).await;
    assert_eq!(daemon.get("/metrics").await.status(), 200);
    let admin = token("k0", 0, &user(&json!({})));
    let client = token("k0", 0, &user(&json!({"permission_level": "client"})));
    for (token, status) in [
        ("", 401),
        ("m", 200),
        ("n", 401),
        (&admin, 200),
        (&client, 403),
    ] {
        let call = daemon.request(Method::GET, "/metrics");
        let mut call = call.header("x-forwarded-for", "192.0.2.1");
        if !token.is_empty() {
            call = call.bearer_auth(token);
        }
        assert_eq!(call.send().await.unwrap().status(), status, "{token}");
    }
}
