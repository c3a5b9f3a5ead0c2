//! `[webhooks]`: what is accepted from outside without a token (contract 1.2.I, 4.1).

use std::net::IpAddr;

use secrecy::SecretString;

use super::{ConfigError, Layers};

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
        let section = layers.section("webhooks");
        Ok(Self {
            enabled: section.boolean("enabled")?,
            secret: section.secret("secret"),
            require_signature: section.boolean("require_signature")?,
            allowed_ips: section.ips("allowed_ips")?,
            log_payloads: section.boolean("log_payloads")?,
        })
    }
}
