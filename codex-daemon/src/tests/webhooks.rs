//! Webhooks that nobody has signed.

use std::{fmt::Write as _, time::Duration};

use aws_lc_rs::hmac;
use codex_core::clock::{Clock as _, SystemClock};
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Daemon, header};
use crate::auth::testing::{Core, service, token};

#[tokio::test]
async fn webhook_headers_are_checked_before_the_body() {
    let settings = [("webhooks.enabled", "true"), ("webhooks.secret", "s")];
    let daemon = Daemon::start(&settings).await;
    let signature = format!("sha256={}", "0".repeat(64));
    for lines in [
        "X-Webhook-Secret: wrong".to_owned(),
        format!("X-Webhook-Timestamp: 1000\r\nX-Webhook-Signature: {signature}"),
        "X-Webhook-Timestamp: 9999999999\r\nX-Webhook-Signature: sha256=made-up".to_owned(),
    ] {
        let mut stream = TcpStream::connect(daemon.running.addr()).await.unwrap();
        let head = format!(
            "POST /webhooks/test HTTP/1.1\r\nHost: x\r\n{lines}\r\nContent-Length: 100\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = tokio::time::timeout(Duration::from_secs(2), stream.read_exact(&mut answer));
        read.await.expect("the body is waited for").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{lines}");
    }
}

/// A webhook with a fresh, well-formed signature that nobody has made with the secret, and no body: a proxy on this
/// machine passes it on for an address.
async fn made_up(daemon: &Daemon, sender: &str) -> TcpStream {
    let now = SystemClock.now().timestamp();
    let signature = "0".repeat(64);
    let head = format!(
        "POST /webhooks/test HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {sender}\r\nX-Webhook-Timestamp: {now}\r\n\
         X-Webhook-Signature: sha256={signature}\r\nContent-Length: 100\r\n\r\n"
    );
    let mut stream = TcpStream::connect(daemon.running.addr()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn forged_slow_webhooks_block_nobody_else() {
    const SECRET: &str = "an open secret";
    const BODY: &str = r#"{"a":1}"#;
    let core = Core::start().await;
    let settings = [
        ("core.url", core.url()),
        ("webhooks.enabled", "true"),
        ("webhooks.secret", SECRET),
    ];
    let daemon = Daemon::start(&settings).await;
    let mut attackers = Vec::new();
    for _ in 0..100 {
        attackers.push(made_up(&daemon, "192.0.2.66").await);
    }
    // All but a few are refused at once.
    let mut refused = 0;
    for stream in &mut attackers {
        let mut answer = [0; 12];
        let read = stream.read_exact(&mut answer);
        if tokio::time::timeout(Duration::from_millis(500), read)
            .await
            .is_ok()
        {
            assert_eq!(&answer, b"HTTP/1.1 503");
            refused += 1;
        }
    }
    assert_eq!(refused, 92);

    for path in ["/health/live", "/webhooks/health"] {
        assert_eq!(daemon.get(path).await.status(), 200, "{path}");
    }
    let token = token("k0", 0, &service(&json!({})));
    let call = daemon.request(Method::GET, "/api/companies");
    assert_eq!(call.bearer_auth(token).send().await.unwrap().status(), 200);
    let webhook = |sender: &str| {
        let call = daemon.request(Method::POST, "/webhooks/test");
        call.header("x-forwarded-for", sender).body(BODY)
    };
    let at = SystemClock.now().timestamp();
    let signed = |sender: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let tag = hmac::sign(&key, format!("{at}.{BODY}").as_bytes());
        let hex = tag.as_ref().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").unwrap();
            hex
        });
        webhook(sender)
            .header("x-webhook-timestamp", at)
            .header("x-webhook-signature", format!("sha256={hex}"))
    };
    let elsewhere = signed("192.0.2.7").send().await.unwrap();
    assert_eq!(elsewhere.status(), 200, "signed, from another address");
    let beside = signed("192.0.2.66").send().await.unwrap();
    assert_eq!(beside.status(), 503, "the attacker's own address is busy");
    assert_eq!(header(&beside, "retry-after"), "1");
    let known = webhook("192.0.2.66").header("x-webhook-secret", SECRET);
    assert_eq!(
        known.send().await.unwrap().status(),
        200,
        "whoever knows the secret takes no place"
    );

    // A place is free again when its sender hangs up.
    drop(attackers);
    for _ in 0..100 {
        if made_up_is_read(&daemon).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the places are not given back");
}

/// Whether the body of a made-up webhook is waited for.
async fn made_up_is_read(daemon: &Daemon) -> bool {
    let mut stream = made_up(daemon, "192.0.2.66").await;
    let mut answer = [0; 12];
    let read = stream.read_exact(&mut answer);
    tokio::time::timeout(Duration::from_millis(200), read)
        .await
        .is_err()
}
