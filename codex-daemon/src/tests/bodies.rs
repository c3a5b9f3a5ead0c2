//! Bodies that are wrong, too large or too slow.

use std::time::Duration;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Daemon,
    bare::{Bare, client},
    problem,
};
use crate::auth::testing::{Core, service, token};

#[tokio::test]
async fn invalid_bodies_are_problems_with_the_right_status() {
    let bare = Bare::start(|_| ()).await;
    let send = |kind: &'static str, body: &'static str| {
        let request = client()
            .post(bare.url("/json"))
            .header("content-type", kind);
        async move { request.body(body).send().await.unwrap() }
    };
    assert_eq!(
        send("application/json", r#"{"name":"x"}"#)
            .await
            .text()
            .await
            .unwrap(),
        "x"
    );
    problem(send("application/json", "{").await, 400, "/json").await;
    problem(send("text/plain", "{}").await, 415, "/json").await;
    problem(send("application/json", "{}").await, 422, "/json").await;
}

#[tokio::test]
async fn oversized_body_is_413_with_or_without_a_length() {
    let bare = Bare::start(|server| server.body_limit = 1000).await;
    let length_of = |length: usize| {
        client()
            .post(bare.url("/length"))
            .body(vec![b'x'; length])
            .send()
    };
    assert_eq!(length_of(1000).await.unwrap().text().await.unwrap(), "1000");
    problem(length_of(1001).await.unwrap(), 413, "/length").await;
    // More than the socket buffers hold: the answer must still arrive.
    problem(length_of(20_000_000).await.unwrap(), 413, "/length").await;

    let mut stream = bare.connect().await;
    let head = "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = format!("3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn stalled_body_is_408_with_or_without_a_key() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url()), ("server.stall_seconds", "1")]).await;
    let token = token("k0", 0, &service(&json!({})));
    let address = daemon.running.addr();
    for (key, length, status) in [
        ("", "Content-Length: 100", 408),
        ("Idempotency-Key: half\r\n", "Content-Length: 100", 408),
        (
            "Idempotency-Key: half\r\n",
            "Transfer-Encoding: chunked",
            408,
        ),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/companies HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\n{key}{length}\r\n\r\n"
        );
        let half = if length.starts_with('C') {
            "{"
        } else {
            "1\r\n{\r\n"
        };
        stream
            .write_all(format!("{head}{half}").as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
        read.await.expect("it is held").unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
        assert!(answer.contains("about:blank#request-timeout"), "{answer}");
    }
}

/// The time for the whole body ends it, not a pause: a byte arrives every 50 ms until the answer does.
#[tokio::test]
async fn endless_body_is_408() {
    let bare = Bare::start(|server| server.body_timeout = Duration::from_secs(1)).await;
    let head = "POST /object HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
    let (mut answers, mut body) = bare.connect().await.into_split();
    body.write_all(head.as_bytes()).await.unwrap();
    // By itself: reading is never given up halfway. It ends when the server closes, or with the test.
    let sender = tokio::spawn(async move {
        while body.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut answer = [0; 12];
    // The whole body would take more than an hour.
    let read = tokio::time::timeout(Duration::from_secs(60), answers.read_exact(&mut answer));
    read.await.expect("it is held").unwrap();
    sender.abort();
    assert_eq!(
        String::from_utf8_lossy(&answer),
        "HTTP/1.1 408",
        "not the answer to a slow body"
    );
}

#[tokio::test]
async fn refusal_arrives_for_a_body_of_any_size() {
    let core = Core::start().await;
    let daemon = Daemon::start(&[("core.url", core.url())]).await;
    let invalid = token("k0", 1, &service(&json!({})));
    let body = vec![b'x'; 4 * 1024 * 1024];
    for (head, status) in [
        (
            format!("POST /api/contacts HTTP/1.1\r\nAuthorization: Bearer {invalid}"),
            401,
        ),
        ("POST /api/nothing HTTP/1.1".to_owned(), 404),
        ("POST /health HTTP/1.1".to_owned(), 405),
    ] {
        for _ in 0..3 {
            let head = format!(
                "{head}\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let mut stream = TcpStream::connect(daemon.running.addr()).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            // As most clients do: everything is sent before anything is read.
            stream.write_all(&body).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{answer}"
            );
            // Nobody sends the next request on a connection that is about to end.
            assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
        }
    }
}
