//! What is hidden wherever values are shown.

use super::Dir;
use crate::config::{Config, Layers, keys, setting::Secrecy};

#[test]
fn secrets_are_masked_wherever_values_are_shown() {
    let dir = Dir::new().conf(
        "[database]\nconnection_string = postgresql://u:hunter2@h:1/d?sslpassword=hunter2\n\
         [freshservice]\ndomain = d\napi_key = hunter2\n\
         [datto]\npublic_key = hunter2\nsecret_key = hunter2\n",
    );
    let shown = dir.shown();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("postgresql://u:***@h:1/d?***"), "{shown}");
    assert!(shown.contains("api_key = ***"));
    assert!(!format!("{:?}", dir.load()).contains("hunter2"));
    assert!(!format!("{:?}", Layers::read(&dir.sources())).contains("hunter2"));
}

#[test]
fn invalid_connection_string_is_not_shown() {
    for value in [
        "mysql://u:hunter2@h/d",
        "postgresql://u:hunter2@h:port/d",
        "hunter2",
    ] {
        let error = Dir::new()
            .conf(&format!("[database]\nconnection_string = {value}\n"))
            .error();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn passwords_in_any_url_are_masked() {
    let urls = [
        ("core.url", "http://user:hunter2@core:1/"),
        ("keycloak.server_url", "http://user:hunter2@keycloak:1/auth"),
        ("keycloak.backend_url", "http://user:hunter2@backend:1/"),
        ("datto.api_endpoint", "https://user:hunter2@datto/"),
        ("freshservice.domain", "user:hunter2@fresh.test"),
        (
            "freshservice.web_domain",
            "https://user:hunter2@fresh.test/?key=hunter2",
        ),
        ("freshservice.api_key", "k"),
        ("datto.public_key", "k"),
        ("datto.secret_key", "k"),
    ];
    let dir = Dir::new();
    let sources = urls
        .iter()
        .fold(dir.sources(), |s, (key, url)| s.set(*key, *url));
    let shown = Layers::read(&sources).to_string();
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("url = http://user:***@core:1/"), "{shown}");
    let config = Config::load(&sources).unwrap();
    assert_eq!(
        config.auth.core_url.password(),
        Some("hunter2"),
        "it is used all the same"
    );
    let debug = format!("{config:?}");
    assert!(!debug.contains("hunter2"), "{debug}");
    for key in ["core.url", "keycloak.server_url", "datto.api_endpoint"] {
        let wrong = dir.sources().set(key, "ftp://user:hunter2@host/");
        let error = Config::load(&wrong).unwrap_err().to_string();
        assert!(error.contains("ftp://user:***@host/"), "{error}");
    }
}

#[test]
fn every_url_setting_is_masked() {
    for setting in keys::settings() {
        let url = ["url", "domain", "endpoint", "connection_string"]
            .iter()
            .any(|word| setting.name.ends_with(word));
        let masked = matches!(setting.secrecy, Secrecy::Address | Secrecy::Connection);
        assert_eq!(url, masked, "[{}] {}", setting.section, setting.name);
    }
}
