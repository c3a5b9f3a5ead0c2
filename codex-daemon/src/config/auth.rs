//! `[core]`, `[service]` and `[auth]`: whose tokens are believed.

use std::{path::PathBuf, time::Duration};

use super::{BaseUrl, ConfigError, Layers, Sources};

/// Whose tokens are believed.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Base URL of Core.
    pub core_url: BaseUrl,
    /// Name of this service in service tokens.
    pub service_name: String,
    /// Whether a service token for another service is refused.
    pub check_target_service: bool,
    /// Whether Core is asked if a user's session is over.
    pub check_revocation: bool,
    /// How long Core's answer to that holds.
    pub revocation_cache: Duration,
    /// How long keys are used before they are read again.
    pub jwks_cache: Duration,
    /// How long an address waits between two questions for unknown keys.
    pub jwks_cooldown: Duration,
    /// The file with the key whose tokens are believed beside Core's.
    pub local_issuer: Option<PathBuf>,
}

impl Auth {
    pub(super) fn load(layers: &Layers, sources: &Sources) -> Result<Self, ConfigError> {
        let auth = layers.section("auth");
        let local_issuer = auth.boolean("local_issuer")?;
        Ok(Self {
            core_url: layers.section("core").url("url")?,
            service_name: layers.section("service").text("name"),
            check_target_service: auth.boolean("check_target_service")?,
            check_revocation: auth.boolean("check_revocation")?,
            revocation_cache: auth.seconds("revocation_cache_seconds")?,
            jwks_cache: auth.seconds("jwks_cache_seconds")?,
            jwks_cooldown: auth.seconds("jwks_cooldown_seconds")?,
            local_issuer: local_issuer.then(|| sources.path("instance/local-issuer.pem")),
        })
    }
}
