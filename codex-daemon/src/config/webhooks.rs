//! `[webhooks]`: what is accepted from outside without a token (contract 1.2.I, 4.1).

use std::net::IpAddr;

use secrecy::SecretString;

use super::{ConfigError, Layers, secret};

const SECTION: &str = "webhooks";

/// What is accepted from outside without a token.
#[derive(Debug, Clone)]
pub struct Webhooks {
    /// Whether anything is.
    pub enabled: bool,
    /// What a caller must know; without one nobody is let in.
    pub secret: Option<SecretString>,
    /// Whether the secret alone is not enough: every call must be signed with it.
    pub require_signature: bool,
    /// The only addresses to call from; none means any.
    pub allowed_ips: Vec<IpAddr>,
    /// Whether bodies go to the log.
    pub log_payloads: bool,
}

impl Webhooks {
    pub(super) fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let allowed_ips = layers.read_as(SECTION, "allowed_ips", |text| {
            let addresses = text
                .split(',')
                .map(str::trim)
                .filter(|text| !text.is_empty());
            let address = |text: &str| {
                text.parse()
                    .map_err(|_| format!("`{text}` is no IP address"))
            };
            addresses.map(address).collect()
        });
        Ok(Self {
            enabled: layers.boolean(SECTION, "enabled")?,
            secret: secret(layers, SECTION, "secret"),
            require_signature: layers.boolean(SECTION, "require_signature")?,
            allowed_ips: match layers.text(SECTION, "allowed_ips") {
                Some(_) => allowed_ips?,
                None => Vec::new(),
            },
            log_payloads: layers.boolean(SECTION, "log_payloads")?,
        })
    }
}
