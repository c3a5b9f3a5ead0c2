//! Who is cut off, and whose turn it is.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    bare::{Bare, client, reader, reader_with},
    problem,
};

#[tokio::test]
async fn client_without_a_complete_head_is_cut_off() {
    let bare = Bare::start(|server| server.header_timeout = Duration::from_millis(100)).await;
    for said in ["", "GET /slow HT", "PRI * HTT"] {
        let mut stream = bare.connect().await;
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let ended =
            tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "{said:?} held its connection");
    }
}

#[tokio::test]
async fn oversized_heads_are_431() {
    let bare = Bare::start(|_| ()).await;
    let head = format!(
        "GET /slow HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(3 << 20)
    );
    for _ in 0..3 {
        let mut stream = bare.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
}

#[tokio::test]
async fn half_closed_client_gets_its_answer() {
    let bare = Bare::start(|_| ()).await;
    for _ in 0..5 {
        let mut stream = bare.connect().await;
        let head = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
    }
}

#[tokio::test]
async fn stalled_reader_is_cut_off() {
    let bare = Bare::start(|server| {
        server.stall = Duration::from_millis(300);
        server.max_connections = 1;
    })
    .await;
    let mut still = reader(&bare.url, "/endless").await;
    // Its place is free.
    let next = client().get(bare.url("/slow")).send();
    let next = tokio::time::timeout(Duration::from_secs(5), next).await;
    assert_eq!(next.expect("the place is taken").unwrap().status(), 200);
    let mut all = Vec::new();
    let rest = tokio::time::timeout(Duration::from_secs(5), still.read_to_end(&mut all)).await;
    assert!(rest.is_ok() && !all.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn slow_steady_reader_is_not_cut_off() {
    let bare = Bare::start(|server| server.stall = Duration::from_millis(1_500)).await;
    let mut slow = reader(&bare.url, "/endless").await;
    let start = Instant::now();
    let mut some = vec![0; 16 * 1024];
    // 250 KB a second.
    while start.elapsed() < Duration::from_secs(5) {
        slow.read_exact(&mut some).await.expect("it was cut off");
        tokio::time::sleep(Duration::from_millis(64)).await;
    }
}

#[tokio::test]
async fn requests_above_the_limit_wait() {
    let bare = Bare::start(|server| server.max_connections = 1).await;
    let first = tokio::spawn(client().get(bare.url("/slow")).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    let second = client().get(bare.url("/slow")).send().await.unwrap();
    assert_eq!(second.status(), 200);
    assert!(begun.elapsed() > Duration::from_millis(400));
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn silent_connections_are_closed_for_others() {
    let bare = Bare::start(|server| server.max_connections = 2).await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(bare.connect().await);
    }
    let begun = Instant::now();
    let answer = client().get(bare.url("/slow")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn health_is_answered_at_the_connection_limit() {
    for one_address in [true, false] {
        let bare = Bare::start(|server| {
            let limit = if one_address {
                &mut server.connections_per_address
            } else {
                &mut server.max_connections
            };
            *limit = 3;
        });
        let bare = bare.await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            readers.push(reader(&bare.url, "/endless").await);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begun = Instant::now();
        let waiting: Vec<_> = (0..100)
            .map(|_| tokio::spawn(client().get(bare.url("/slow")).send()))
            .collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        for _ in 0..20 {
            let health = client().get(bare.url("/health/live")).send().await;
            assert_eq!(
                health.unwrap().status(),
                404,
                "no such route here, but an answer"
            );
        }
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{:?}",
            begun.elapsed()
        );
        for answer in waiting {
            // Some are refused at once, some after they have waited, and some lost their place.
            let Ok(answer) = answer.await.unwrap() else {
                continue;
            };
            assert_eq!(answer.headers()["retry-after"], "1");
            problem(answer, 503, "/slow").await;
        }
        assert!(begun.elapsed() < Duration::from_secs(9));
    }
}

#[tokio::test]
async fn one_address_cannot_use_up_all_connections() {
    let bare = Bare::start(|server| {
        server.connections_per_address = 2;
        server.max_connections = 10;
    })
    .await;
    let mut readers = Vec::new();
    for _ in 0..2 {
        readers.push(reader(&bare.url, "/endless").await);
    }
    // Both are answered by now: each has begun to read.
    for reader in &mut readers {
        reader.read_exact(&mut [0; 12]).await.unwrap();
    }
    let same = client().get(bare.url("/slow")).send().await.unwrap();
    problem(same, 503, "/slow").await;
    // What a proxy on this machine says.
    let other = client().get(bare.url("/slow"));
    let other = other.header("X-Forwarded-For", "192.0.2.1").send().await;
    assert_eq!(other.unwrap().status(), 200);
}

#[tokio::test]
async fn proxied_callers_are_not_limited_as_one_address() {
    let bare = Bare::start(|server| server.connections_per_address = 1).await;
    let mut readers = Vec::new();
    // More than one address may have, and than are in reserve.
    for n in 0..70 {
        let lines = format!("X-Forwarded-For: 192.0.2.{n}\r\n");
        let mut reader = reader_with(&bare.url, "/endless", &lines).await;
        let read = reader.read_exact(&mut [0; 12]).await;
        assert!(read.is_ok(), "{n} is answered");
        readers.push(reader);
    }
    let another = client().get(bare.url("/slow"));
    let another = another.header("X-Forwarded-For", "192.0.2.99").send().await;
    assert_eq!(another.unwrap().status(), 200);
}
