//! Places of values: which one wins, and how it is shown.

use secrecy::ExposeSecret as _;

use super::Dir;
use crate::config::{Config, Layers, Sources};

#[test]
fn later_layers_win_and_are_named() {
    let dir = Dir::new()
        .conf("[server]\nport = 1\nbind = 0.0.0.0\nmax_connections = 1\nbody_limit = 1\n")
        .file(
            ".flaskenv",
            "CODEX_SERVER_PORT=2\nCODEX_SERVER_MAX_CONNECTIONS='2'\n",
        );
    let mut sources = dir.sources().set("server.body_limit", "4");
    sources
        .env
        .insert("CODEX_SERVER_MAX_CONNECTIONS".into(), "3".into());
    let config = Config::load(&sources).unwrap();
    assert_eq!(config.server.bind.to_string(), "0.0.0.0");
    assert_eq!(config.server.port, 2);
    assert_eq!(config.server.max_connections, 3);
    assert_eq!(config.server.body_limit, 4);

    let shown = Layers::read(&sources).to_string();
    let line = |key: &str| {
        let line = shown.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_once("# ").unwrap().1.to_owned()
    };
    assert!(line("bind").ends_with("instance/codex.conf:3"));
    assert!(line("port").ends_with(".flaskenv CODEX_SERVER_PORT"));
    assert_eq!(
        line("max_connections"),
        "environment CODEX_SERVER_MAX_CONNECTIONS"
    );
    assert_eq!(line("body_limit"), "command line");
    assert_eq!(line("docs_public"), "default");
}

#[test]
fn legacy_environment_variables_are_read() {
    let dir = Dir::new()
        .file("services.json", r#"{"core": {"url": "http://services:1"}}"#)
        .conf("");
    assert_eq!(dir.load().auth.core_url.as_str(), "http://services:1/");
    let dir = dir.file(
        ".flaskenv",
        "CORE_SERVICE_URL='http://core:1/x'\nLOG_LEVEL=WARNING\n",
    );
    let config = dir.load();
    assert_eq!(config.auth.core_url.as_str(), "http://core:1/x/");
    assert_eq!(config.logging.level, tracing::Level::WARN);
}

#[test]
fn older_names_work_and_newer_ones_win() {
    let old = "[datto]\napi_key = old\napi_secret = s\n";
    let datto = Dir::new().conf(old).load().datto.unwrap();
    assert_eq!(datto.public_key.expose_secret(), "old");
    for conf in [
        "[datto]\npublic_key = new\napi_key = old\nsecret_key = s\n",
        "[datto]\napi_key = old\npublic_key = new\nsecret_key = s\n",
    ] {
        let datto = Dir::new().conf(conf).load().datto.unwrap();
        assert_eq!(datto.public_key.expose_secret(), "new");
    }
}

#[test]
fn comments_end_values_but_not_secrets() {
    let dir = Dir::new().conf(
        "[server]\nport = 7 # lucky\n[freshservice]\ndomain = d.example ; ours\napi_key = a #b\n",
    );
    let config = dir.load();
    assert_eq!(config.server.port, 7);
    let freshservice = config.freshservice.unwrap();
    assert_eq!(freshservice.base_url.as_str(), "https://d.example/api/v2/");
    assert_eq!(freshservice.site, "https://d.example");
    assert_eq!(freshservice.api_key.expose_secret(), "a #b");
}

#[test]
fn missing_named_file_is_an_error() {
    let dir = Dir::new();
    let named = |file: &str| Sources {
        file: Some(dir.0.path().join(file)),
        ..dir.sources()
    };
    let error = Config::load(&named("nope.conf")).unwrap_err().to_string();
    assert!(
        error.ends_with("nope.conf: there is no such file"),
        "{error}"
    );
    std::fs::write(dir.0.path().join("here.conf"), "[server]\nport = 7\n").unwrap();
    assert_eq!(Config::load(&named("here.conf")).unwrap().server.port, 7);
    // The usual place may be empty.
    dir.load();
}

#[test]
fn broken_file_is_reported_with_its_line() {
    let error = Dir::new().conf("[a]\nhunter2\n").error();
    assert!(
        error.contains("instance/codex.conf:2:") && !error.contains("hunter2"),
        "{error}"
    );
    let error = Dir::new().file("services.json", "[").error();
    assert!(error.contains("services.json:1:"), "{error}");
}
