//! A server with routes of its own, and clients that behave badly.

use std::time::Duration;

use axum::{
    Json, Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use futures::StreamExt as _;
use reqwest::Client;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    app,
    config::{Config, Server, Sources},
    http::{body, server},
};

/// A server with routes of its own inside the daemon's layers.
pub(super) struct Bare {
    pub(super) url: String,
    pub(super) stop: CancellationToken,
    pub(super) server: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

impl Bare {
    pub(super) async fn start(change: impl FnOnce(&mut Server)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::load(&Sources::new(dir.path()).set("server.port", "0")).unwrap();
        change(&mut config.server);
        let codex = app::open(&config, true).await.unwrap();
        let routes = Router::new()
            .route(
                "/slow",
                get(|| async {
                    tokio::time::sleep(Duration::from_millis(300)).await;
                    "done"
                }),
            )
            .route("/panic", get(panics))
            .route("/panic-midway", get(panics_midway))
            .route(
                "/length",
                post(|body: Bytes| async move { body.len().to_string() }),
            )
            .route(
                "/json",
                post(|Json(body): Json<Named>| async move { body.name }),
            )
            .route(
                "/object",
                post(|body::Body(object): body::Body<Named>| async move { object.name }),
            )
            .route("/endless", get(endless));
        let listener = server::bind(&config.server).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let limits = config.server.clone();
        let router = app::router_of(routes.into(), config, codex).unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(server::serve(listener, router, limits, stop.clone()));
        Self {
            url,
            stop,
            server,
            _dir: dir,
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.trim_start_matches("http://"))
            .await
            .unwrap()
    }
}

#[derive(serde::Deserialize)]
struct Named {
    name: String,
}

/// What a client reads of `/endless`, until somebody hangs up.
async fn endless() -> Body {
    let piece = Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'x'; 64 * 1024]));
    Body::from_stream(futures::stream::repeat(piece))
}

async fn panics() -> &'static str {
    panic!("hunter2")
}

/// An answer whose second piece is a panic.
async fn panics_midway() -> Body {
    let pieces = futures::stream::iter([false, true]).map(|broken| {
        assert!(!broken, "hunter2");
        Ok::<_, std::convert::Infallible>(Bytes::from_static(b"piece"))
    });
    Body::from_stream(pieces)
}

pub(super) fn client() -> Client {
    Client::builder().build().unwrap()
}

/// A connection whose system takes little before it is read.
pub(super) async fn reader(url: &str, path: &str) -> TcpStream {
    reader_with(url, path, "").await
}

/// The same with more lines in its head.
pub(super) async fn reader_with(url: &str, path: &str, lines: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    let address = url.trim_start_matches("http://").parse().unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{lines}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}
