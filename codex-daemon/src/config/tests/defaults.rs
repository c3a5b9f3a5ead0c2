//! What holds when nothing is set, and how it is printed.

use secrecy::ExposeSecret as _;

use super::Dir;
use crate::config::{Defaults, ini, keys};

#[test]
fn the_commented_defaults_are_those_of_the_declared_settings() {
    let text = Defaults.to_string();
    let printed: Vec<_> = ini::parse(&text)
        .unwrap()
        .into_iter()
        .map(|entry| (entry.section, entry.key, entry.value))
        .collect();
    let declared: Vec<_> = keys::settings()
        .map(|setting| {
            let parts = [setting.section, setting.name, setting.default];
            let [section, key, value] = parts.map(str::to_owned);
            (section, key, value)
        })
        .collect();
    assert_eq!(printed, declared);
    let dir = Dir::new();
    let unset = format!("{:?}", dir.load());
    assert_eq!(format!("{:?}", dir.conf(&text).load()), unset);
}

#[test]
fn every_setting_has_a_text_and_what_its_declaration_says() {
    for setting in keys::settings() {
        assert!(
            setting.doc.iter().any(|line| !line.trim().is_empty()),
            "{setting:?}"
        );
    }
    let text = Defaults.to_string();
    for lines in [
        "# Values: a port number from 0 to 65535.\nport = 5010\n",
        "# Environment: CORE_SERVICE_URL.\nurl = http://localhost:5000\n",
        "# Secret. Older name: api_key.\npublic_key =\n",
        "\n[policies]\n# Which value wins",
    ] {
        assert!(text.contains(lines), "{lines} in {text}");
    }
}

#[test]
fn defaults_are_loopback_and_sqlite() {
    let dir = Dir::new();
    let config = dir.load();
    assert_eq!(config.server.bind.to_string(), "127.0.0.1");
    assert_eq!(config.server.port, 5010);
    assert!(config.server.docs_public);
    assert!(!config.upstream_write);
    assert!(config.freshservice.is_none() && config.datto.is_none());
    let url = config.database.url.expose_secret().to_owned();
    assert!(
        url.starts_with("sqlite://") && url.ends_with("instance/codex.db"),
        "{url}"
    );
}
