//! `[database]` and `[health]`: where records are kept, and when its disk counts as full.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{ConfigError, Layers, Sources};

/// Where records are kept.
#[derive(Debug, Clone)]
pub struct Database {
    /// `sqlite://path` or `postgresql://...`; secret because of its password.
    pub url: SecretString,
}

/// When the disk counts as full.
#[derive(Debug, Clone)]
pub struct Health {
    /// Percentage in use from which health is degraded.
    pub disk_degraded: u8,
    /// Percentage in use from which health is bad.
    pub disk_unhealthy: u8,
    /// Folders whose disks are looked at: the instance folder, and that of an embedded database.
    pub folders: Vec<PathBuf>,
}

impl Database {
    /// Python's connection strings may name a driver (`postgresql+psycopg2://`), which is none of ours.
    pub(super) fn load(layers: &Layers, sources: &Sources) -> Result<Self, ConfigError> {
        const KEY: &str = "connection_string";
        let database = layers.section("database");
        let Some(text) = database.get(KEY) else {
            let file = sources.path("instance/codex.db");
            let url = format!("sqlite://{}", file.display()).into();
            return Ok(Self { url });
        };
        let wrong = |message: &str| Err(database.wrong(KEY, message));
        // Written by the installer of the Flask service and looked for by Helm (contract 4.1).
        if text.contains("CHANGE_ME") {
            return wrong("still holds the placeholder CHANGE_ME; run `codexd init`");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("must start with postgresql:// or sqlite://");
        };
        let url = match scheme.split('+').next() {
            Some("postgresql" | "postgres") if Url::parse(text).is_ok() => {
                format!("postgresql://{rest}")
            }
            Some("postgresql" | "postgres") => {
                return wrong(
                    "is not a URL of the form postgresql://user:password@host:port/name; \
                     the password must be URL-encoded",
                );
            }
            // Not on the disk.
            Some("sqlite") if rest.starts_with(':') => format!("sqlite://{rest}"),
            Some("sqlite") if !rest.is_empty() => {
                format!("sqlite://{}", sources.path(rest).display())
            }
            Some("sqlite") => {
                return wrong("names no file; sqlite://instance/codex.db is the default");
            }
            _ => return wrong("must start with postgresql:// or sqlite://"),
        };
        Ok(Self { url: url.into() })
    }
}

impl Health {
    pub(super) fn load(
        layers: &Layers,
        sources: &Sources,
        database: &Database,
    ) -> Result<Self, ConfigError> {
        let health = layers.section("health");
        let file = database.url.expose_secret().strip_prefix("sqlite://");
        let folder = file.and_then(|file| Some(Path::new(file).parent()?.to_owned()));
        let instance = sources.path("instance");
        Ok(Self {
            disk_degraded: health.number("disk_degraded_percent")?,
            disk_unhealthy: health.number("disk_unhealthy_percent")?,
            folders: std::iter::once(instance).chain(folder).collect(),
        })
    }
}
