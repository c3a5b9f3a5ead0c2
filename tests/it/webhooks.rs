//! What vendors report, through the daemon.

use codex_tests::{
    harness::{app::TestApp, database::TestDatabase},
    on_each_engine, on_sqlite,
    sim::{
        fault::{FaultKind, When},
        freshservice::webhooks::{event, signature},
    },
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const PATH: &str = "/webhooks/freshservice/ticket";
const SECRET: &str = "an open secret";

fn settings() -> Vec<(&'static str, &'static str)> {
    vec![("webhooks.enabled", "true"), ("webhooks.secret", SECRET)]
}

fn known(app: &TestApp, body: impl Into<String>) -> RequestBuilder {
    let call = app
        .call(Method::POST, PATH)
        .header("x-webhook-secret", SECRET);
    call.body(body.into())
}

fn signed(app: &TestApp, secret: &str, at: i64, body: &str) -> RequestBuilder {
    app.call(Method::POST, PATH)
        .header("x-webhook-timestamp", at)
        .header("x-webhook-signature", signature(secret, at, body))
        .body(body.to_owned())
}

async fn answered(call: RequestBuilder) -> anyhow::Result<(u16, Value)> {
    let answer = call.send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

on_each_engine! {
    async fn events_are_answered_as_in_the_contract(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &settings()).await?;
        app.sync().await?;
        let (changed, new) = {
            let mut world = app.world.lock();
            world.tick(chrono::Duration::minutes(1));
            world.set_ticket(3, &json!({"status": 3}));
            world.set_ticket(4, &json!({"status": 3, "deleted": true}));
            let new = world.open_ticket();
            (event("ticket.updated", world.ticket(3).unwrap()), new)
        };
        let before = app.json("/api/ticket/3").await?["status"].clone();
        let (status, reported) = answered(known(&app, changed.to_string())).await?;
        assert_eq!((status, &reported["status"]), (200, &json!("updated")));
        assert_eq!((&reported["ticket_id"], &reported["provider"]), (&json!("INC-3"), &json!("freshservice")));
        let change = format!("status: {} -> pending", before.as_str().unwrap());
        assert!(reported["changes"].as_array().unwrap().contains(&json!(change)), "{reported}");
        assert_eq!(app.json("/api/ticket/3").await?["status"], "pending");
        let created = answered(known(&app, json!({"ticket_id": new}).to_string())).await?;
        assert_eq!(created, (201, json!({"status": "created", "ticket_id": new, "provider": "freshservice"})));
        let deleted = json!({"ticket_id": "4", "event": "ticket.deleted"}).to_string();
        let gone = json!({"status": "deleted", "ticket_id": "4", "provider": "freshservice", "new_status": "deleted"});
        assert_eq!(answered(known(&app, deleted.as_str())).await?, (200, gone));
        let (status, again) = answered(known(&app, deleted)).await?;
        assert_eq!((status, &again["status"]), (200, &json!("ignored")));
        assert!(again["reason"].is_string());
        Ok(())
    }

    /// A delivery that failed does not use it up.
    async fn signature_is_accepted_once(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &[settings(), vec![("webhooks.require_signature", "true")]].concat()).await?;
        app.sync().await?;
        let now = app.codex.now().timestamp();
        let body = json!({"ticket_id": 5}).to_string();
        assert_eq!(answered(known(&app, body.clone())).await?.0, 401, "a secret alone is not enough");
        app.freshservice.faults().add("/api/v2/tickets/", When::Always, FaultKind::Html);
        let (status, reported) = answered(signed(&app, SECRET, now, &body)).await?;
        assert_eq!(status, 502, "{reported}");
        app.freshservice.faults().clear();
        assert_eq!(answered(signed(&app, SECRET, now, &body)).await?.0, 200, "it may come again");
        let both = tokio::join!(
            answered(signed(&app, SECRET, now, &body)),
            answered(signed(&app, SECRET, now - 1, &body)),
        );
        assert_eq!((both.0?.0, both.1?.0), (409, 200));
        Ok(())
    }
}

on_sqlite! {
    async fn unknown_senders_are_refused(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &settings()).await?;
        let body = json!({"ticket_id": 1}).to_string();
        let now = app.codex.now().timestamp();
        let plain = || app.call(Method::POST, PATH).body(body.clone());
        let refused = [
            plain(),
            plain().header("x-webhook-secret", ""),
            plain().header("x-webhook-secret", "an open secre"),
            plain().header("x-webhook-secret", "an open secret2"),
            plain().header("x-webhook-timestamp", now),
            signed(&app, "another", now, &body),
            signed(&app, SECRET, now - 301, &body),
            signed(&app, SECRET, now + 400, &body),
            signed(&app, SECRET, now, &body).body("{\"ticket_id\": 2}"),
            plain().header("x-webhook-timestamp", now).header("x-webhook-signature", "sha256=00"),
            plain().header("x-webhook-timestamp", now)
                .header("x-webhook-signature", signature(SECRET, now, &body).to_uppercase()),
        ];
        for (n, call) in refused.into_iter().enumerate() {
            let (status, reported) = answered(call).await?;
            assert_eq!(status, 401, "call {n}: {reported}");
            assert!(reported["error"].is_string());
        }
        let health = answered(app.call(Method::GET, "/webhooks/health")).await?.1;
        assert_eq!((&health["status"], &health["webhooks_enabled"]), (&json!("ok"), &json!(true)));
        assert_eq!((&health["secret_configured"], &health["ip_allowlist_enabled"]), (&json!(true), &json!(false)));
        assert!(!health.to_string().contains(SECRET));
        let off = TestApp::on(codex_tests::harness::database::sqlite()?).await?;
        assert_eq!(answered(known(&off, "{}")).await?.0, 503);
        Ok(())
    }

    async fn invalid_bodies_are_named_and_change_nothing(database: TestDatabase) -> TestResult {
        let app = TestApp::with(database, &settings()).await?;
        app.sync().await?;
        let before = app.json("/api/tickets?limit=100").await?;
        for (body, says) in [
            ("", "body"), ("nonsense", "body"), ("[1]", "body"), ("{}", "body"), ("{\"ticket_id\": 4,", "body"),
            ("{\"subject\": \"x\"}", "ticket_id"), ("{\"ticket_id\": 0}", "ticket_id"), ("{\"ticket_id\": \"x\"}", "ticket_id"),
        ] {
            let (status, reported) = answered(known(&app, body)).await?;
            assert_eq!(status, 400, "{body}");
            assert!(reported["error"].as_str().unwrap().starts_with(says), "{body}: {reported}");
        }
        let large = format!("{{\"ticket_id\": 1, \"subject\": \"{}\"}}", "x".repeat(1 << 20));
        assert_eq!(answered(known(&app, large)).await?.0, 413);
        assert_eq!(app.json("/api/tickets?limit=100").await?, before);
        let superops = |body: &'static str| {
            let call = app.call(Method::POST, "/webhooks/superops/ticket");
            call.header("x-webhook-secret", SECRET).body(body)
        };
        assert_eq!(answered(superops("{\"a\": 1}")).await?.1["status"], "received");
        assert_eq!(answered(superops("{}")).await?.0, 400);
        Ok(())
    }

    async fn only_listed_addresses_may_call(database: TestDatabase) -> TestResult {
        let listed = [settings(), vec![("webhooks.allowed_ips", "192.0.2.7, 2001:db8::1")]].concat();
        let app = TestApp::with(database, &listed).await?;
        let test = |from: Option<&'static str>| {
            let call = app.call(Method::POST, "/webhooks/test").header("x-webhook-secret", SECRET);
            from.into_iter().fold(call, |call, from| call.header("x-forwarded-for", from))
        };
        assert_eq!(answered(test(None)).await?.0, 403);
        assert_eq!(answered(test(Some("192.0.2.7, 192.0.2.8"))).await?.0, 403);
        let (status, reported) = answered(test(Some("10.1.1.1, 192.0.2.7"))).await?;
        assert_eq!((status, &reported["status"], &reported["source_ip"]), (200, &json!("ok"), &json!("192.0.2.7")));
        Ok(())
    }
}
