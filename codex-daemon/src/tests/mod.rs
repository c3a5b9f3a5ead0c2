//! The daemon over HTTP, and the parts of documents that are generated.

mod bare;
mod bodies;
mod connections;
mod cors;
mod docs;
mod generated;
mod health;
mod metrics;
mod panics;
mod routes;
mod shutdown;
mod tokens;
mod webhooks;

use reqwest::{Client, Method, Response};
use serde_json::Value;

use crate::{
    app::{self, Running},
    config::{Config, Sources},
};

/// A daemon with a database of its own and a Core that is not there, unless the settings say otherwise.
struct Daemon {
    running: Running,
    http: Client,
    dir: tempfile::TempDir,
}

impl Daemon {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sources = Sources::new(dir.path())
            .set("server.port", "0")
            .set("core.url", "http://127.0.0.1:1");
        let sources = settings
            .iter()
            .fold(sources, |s, (key, value)| s.set(*key, *value));
        let config = Config::load(&sources).unwrap();
        let codex = app::open(&config, true).await.unwrap();
        let running = app::start(config, codex).await.unwrap();
        // Sees bodies as they are sent.
        let http = Client::builder()
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { running, http, dir }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.running.url()))
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

/// Asserts that an answer is a problem of a status at a path; gives its body.
async fn problem(response: Response, status: u16, path: &str) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(
        header(&response, "content-type"),
        "application/problem+json"
    );
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], status);
    assert_eq!(body["instance"], path);
    assert!(body["type"].as_str().unwrap().starts_with("about:blank#"));
    assert!(body.get("error").is_none());
    assert!(!body["detail"].as_str().unwrap().is_empty());
    body
}
