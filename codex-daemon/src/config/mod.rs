//! Configuration: typed, with the place of every value known.
//!
//! [`keys`] declares every setting once; `layers` reads the places; here, and in a file for each larger section, the
//! values get their types. [`Defaults`] prints the declarations. The environment is read in this folder only.

mod address;
mod auth;
mod database;
mod defaults;
pub mod edit;
mod error;
mod flaskenv;
pub mod ini;
pub mod keys;
mod layers;
mod open_sections;
mod origin;
mod read;
mod scheduler;
mod server;
pub mod setting;
#[cfg(test)]
mod tests;
mod together;
mod vendors;
mod webhooks;

use std::time::Duration;

use codex_core::{duplicates::Matching, records::resolve::Precedence, tickets::status::Statuses};
use secrecy::SecretString;

pub use address::BaseUrl;
pub use auth::Auth;
pub use database::{Database, Health};
pub use defaults::Defaults;
pub use error::{ConfigError, ConfigErrors};
pub use layers::{Layers, Sources, ValueSource};
pub use origin::Origin;
pub use scheduler::Scheduler;
pub use server::Server;
pub use vendors::{Datto, Freshservice, Keycloak};
pub use webhooks::Webhooks;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the settings were read, to read them again.
    pub sources: Sources,
    /// How the daemon listens.
    pub server: Server,
    /// When the disk counts as full.
    pub health: Health,
    /// Where records are kept.
    pub database: Database,
    /// Whose tokens are believed.
    pub auth: Auth,
    /// With which token anybody may read the metrics.
    pub metrics_token: Option<SecretString>,
    /// Where companies, contacts and tickets come from.
    pub psa: String,
    /// The PSA's help desk and professional services groups, by their ids there.
    pub psa_groups: [Option<i64>; 2],
    /// Where devices come from.
    pub rmm: String,
    /// Access to Freshservice, when it is configured.
    pub freshservice: Option<Freshservice>,
    /// Access to Datto RMM, when it is configured.
    pub datto: Option<Datto>,
    /// Access to Keycloak, which knows the people who log in, when it is configured.
    pub keycloak: Option<Keycloak>,
    /// Whether Codex may write to vendors.
    pub upstream_write: bool,
    /// Which source wins, per field.
    pub precedence: Precedence,
    /// Words of the PSA's status numbers.
    pub statuses: Statuses,
    /// Where users are created and changed.
    pub helm: BaseUrl,
    /// Minutes that a ticket counts on which nobody has noted any.
    pub unworked_ticket_minutes: u16,
    /// What runs by itself.
    pub scheduler: Scheduler,
    /// What is accepted from outside without a token.
    pub webhooks: Webhooks,
    /// How syncs behave.
    pub sync: Sync,
    /// From which evidence on two records are one, or may be.
    pub matching: Matching,
    /// What is logged.
    pub logging: Logging,
    /// Where traces are sent, if anywhere.
    pub collector: Option<BaseUrl>,
}

/// How syncs behave.
#[derive(Debug, Clone)]
pub struct Sync {
    /// More deletions than this percentage of a collection are held for a person.
    pub max_delete_percent: u8,
    /// This many deletions are always allowed.
    pub min_delete: usize,
    /// How long a run may be silent before it is taken for dead.
    pub lease: Duration,
    /// How long to wait for one answer of a vendor.
    pub request_timeout: Duration,
}

/// What is logged.
#[derive(Debug, Clone)]
pub struct Logging {
    /// Least serious level.
    pub level: tracing::Level,
    /// Whether lines are JSON; `None`: unless they go to a terminal.
    pub json: Option<bool>,
    /// Whether lines go to Helm; `None` decides by [`Logging::is_helm_set`] and the kind of standard error.
    pub helm: Option<bool>,
    /// Whether Helm has said where it is.
    pub is_helm_set: bool,
}

impl Sources {
    /// Files below the working directory and the environment of this process.
    pub fn of_process() -> Self {
        let env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            env,
            ..Self::new(".")
        }
    }
}

impl Config {
    /// Reads and checks everything that can be set.
    ///
    /// # Errors
    /// Everything that is wrong, not the first alone.
    pub fn load(sources: &Sources) -> Result<Self, ConfigErrors> {
        Self::from_layers(Layers::read(sources), sources)
    }

    /// Gives the values their types.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn from_layers(mut layers: Layers, sources: &Sources) -> Result<Self, ConfigErrors> {
        let mut problems = layers.take_problems();
        // Also in sections that are read no further, such as that of a vendor without credentials.
        problems.extend(layers.reset_wrong_values());
        loop {
            let error = match Self::typed(&layers, sources) {
                Ok(config) if problems.is_empty() => return Ok(config),
                Ok(_) => return Err(ConfigErrors(problems)),
                Err(error) => error,
            };
            // With the default in its place the next one is found too. Every turn uses one value up.
            let more = layers.reset(&error);
            problems.push(error);
            if !more {
                return Err(ConfigErrors(problems));
            }
        }
    }

    fn typed(layers: &Layers, sources: &Sources) -> Result<Self, ConfigError> {
        let freshservice = Freshservice::load(layers)?;
        let datto = Datto::load(layers)?;
        let database = Database::load(layers, sources)?;
        let psa = layers.section("psa");
        Ok(Self {
            sources: sources.clone(),
            helm: layers.section("helm").url("url")?,
            scheduler: Scheduler::load(layers, freshservice.is_some(), datto.is_some())?,
            webhooks: Webhooks::load(layers)?,
            server: Server::load(layers)?,
            health: Health::load(layers, sources, &database)?,
            database,
            auth: Auth::load(layers, sources)?,
            metrics_token: layers.section("metrics").secret("token"),
            psa: psa.text("default_provider"),
            psa_groups: [
                psa.number_if_set("helpdesk_group")?,
                psa.number_if_set("professional_services_group")?,
            ],
            rmm: layers.section("rmm").text("default_provider"),
            freshservice,
            datto,
            keycloak: Keycloak::load(layers)?,
            upstream_write: layers.section("upstream").boolean("write")?,
            precedence: open_sections::precedence(layers)?,
            statuses: open_sections::statuses(layers)?,
            unworked_ticket_minutes: psa.number("unworked_ticket_minutes")?,
            sync: Sync::load(layers)?,
            matching: matching(layers)?,
            logging: Logging::load(layers)?,
            collector: layers.section("telemetry").url_if_set("endpoint")?,
        })
    }
}

impl Sync {
    fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let sync = layers.section("sync");
        Ok(Self {
            max_delete_percent: sync.number("max_delete_percent")?,
            min_delete: sync.number("min_delete")?,
            lease: sync.seconds("lease_seconds")?,
            request_timeout: sync.seconds("requests_timeout")?,
        })
    }
}

impl Logging {
    fn load(layers: &Layers) -> Result<Self, ConfigError> {
        let logging = layers.section("logging");
        Ok(Self {
            level: logging.level("level")?,
            json: logging.boolean_or_auto("json")?,
            helm: logging.boolean_or_auto("helm")?,
            is_helm_set: !matches!(
                layers.source("helm", "url"),
                None | Some(ValueSource::Default | ValueSource::File(..))
            ),
        })
    }
}

fn matching(layers: &Layers) -> Result<Matching, ConfigError> {
    let matching = layers.section("matching");
    let merge_score: u16 = matching.number("merge_score")?;
    let candidate_score: u16 = matching.number("candidate_score")?;
    if candidate_score > merge_score {
        let message = format!("`{candidate_score}` is above merge_score ({merge_score})");
        return Err(matching.wrong("candidate_score", message));
    }
    Ok(Matching {
        merge_score,
        candidate_score,
    })
}
