//! Panics of handlers and of answers.

use std::time::Duration;

use super::{
    bare::{Bare, client},
    problem,
};

/// Panics that were counted at a place. Other tests of this process may add to them.
fn counted(place: &str) -> u64 {
    let line = format!("codex_panics_total{{place=\"{place}\"}} ");
    let text = crate::metrics::text();
    let count = text.lines().find_map(|text| text.strip_prefix(&line));
    count.map_or(0, |count| count.parse().unwrap())
}

#[tokio::test]
async fn panic_is_counted_and_the_server_continues() {
    let bare = Bare::start(|server| server.max_connections = 2).await;
    for _ in 0..5 {
        let before = counted("request");
        let call = client().get(bare.url("/panic"));
        let answer = call.header("X-Correlation-ID", "abc").send().await.unwrap();
        assert_eq!(answer.headers()["x-correlation-id"], "abc");
        let body = problem(answer, 500, "/panic").await;
        assert!(body["detail"].as_str().unwrap().contains("correlation id"));
        assert!(counted("request") > before);

        let before = counted("connection");
        // The connection may end before the head of the answer has left.
        if let Ok(answer) = client().get(bare.url("/panic-midway")).send().await {
            assert_eq!(answer.status(), 200);
            assert!(answer.bytes().await.is_err(), "half an answer is not whole");
        }
        // The connection ends before it is counted.
        for _ in 0..100 {
            if counted("connection") > before {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(counted("connection") > before);
    }
    // No slot of a connection was kept.
    let length = client().post(bare.url("/length")).body("four");
    assert_eq!(length.send().await.unwrap().text().await.unwrap(), "4");
}

#[tokio::test]
async fn panic_is_500_without_its_message() {
    let bare = Bare::start(|_| ()).await;
    let body = problem(
        client().get(bare.url("/panic")).send().await.unwrap(),
        500,
        "/panic",
    )
    .await;
    assert!(!body.to_string().contains("hunter2"));
    assert_eq!(
        client()
            .get(bare.url("/slow"))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}
