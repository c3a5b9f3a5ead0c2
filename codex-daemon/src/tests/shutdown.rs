//! How the daemon stops.

use std::time::{Duration, Instant};

use super::{
    Daemon,
    bare::{Bare, client},
};

#[tokio::test]
async fn shutdown_refuses_connections_and_finishes_requests() {
    let bare = Bare::start(|_| ()).await;
    let url = bare.url("/slow");
    let in_flight = tokio::spawn(client().get(&url).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    bare.stop.cancel();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(client().get(&url).send().await.is_err());
    assert_eq!(
        in_flight.await.unwrap().unwrap().text().await.unwrap(),
        "done"
    );
    bare.server.await.unwrap();
}

#[tokio::test]
async fn shutdown_ends_after_the_drain_time() {
    let bare = Bare::start(|server| server.drain = Duration::from_millis(50)).await;
    let in_flight = tokio::spawn(client().get(bare.url("/slow")).send());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let start = Instant::now();
    bare.stop.cancel();
    bare.server.await.unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(250),
        "{:?}",
        start.elapsed()
    );
    assert!(in_flight.await.unwrap().is_err());
}

#[tokio::test]
async fn idle_connections_do_not_delay_shutdown() {
    let daemon = Daemon::start(&[]).await;
    assert_eq!(daemon.get("/health/live").await.status(), 200);
    let start = Instant::now();
    daemon.running.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(1));
}
