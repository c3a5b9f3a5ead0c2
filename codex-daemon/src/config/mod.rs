//! Configuration: typed, with the place of every value known.
//!
//! `default.conf` is the documentation and the weakest layer; [`keys`] lists the settings; [`layers`]
//! reads the places; here the values get their types. The environment is read in this folder only.

mod address;
mod error;
mod flaskenv;
pub mod ini;
pub mod keys;
mod layers;
#[cfg(test)]
mod tests;
mod vendors;
mod webhooks;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::TimeDelta;
use codex_core::{
    duplicates::Matching,
    records::resolve::{Policy, Precedence},
    schedule::Entry,
    sync::{SyncKind, default_precedence},
    tickets::status::Statuses,
};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

pub use address::{BaseUrl, masked_url};
pub use error::{ConfigError, ConfigErrors};
pub use layers::{Layers, Sources, ValueSource};
use vendors::secret;
pub use vendors::{Datto, Freshservice, Keycloak};
pub use webhooks::Webhooks;

/// The commented defaults.
pub const DEFAULT: &str = include_str!("default.conf");

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Config {
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
}

/// How the daemon listens.
#[derive(Debug, Clone)]
pub struct Server {
    /// Address.
    pub bind: IpAddr,
    /// Port; 0 takes any free one.
    pub port: u16,
    /// Whether the API description answers without a token.
    pub docs_public: bool,
    /// Requests answered at once.
    pub max_connections: usize,
    /// Requests of one address answered at once.
    pub connections_per_address: usize,
    /// Calls that one caller may make in a minute; 0 counts none.
    pub calls_per_minute: u32,
    /// Largest request body in bytes.
    pub body_limit: usize,
    /// How long a request head may take, and how long an idle connection is kept.
    pub header_timeout: Duration,
    /// How long a stop waits for requests in flight.
    pub drain: Duration,
    /// How long the reader of an answer or the sender of a body may stand still.
    pub stall: Duration,
    /// How long a body may take in all.
    pub body_timeout: Duration,
    /// How long a download waits for its turn.
    pub download_wait: Duration,
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

/// Where records are kept.
#[derive(Debug, Clone)]
pub struct Database {
    /// `sqlite://path` or `postgresql://...`; secret because of its password.
    pub url: SecretString,
}

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

/// What runs by itself.
#[derive(Debug, Clone)]
pub struct Scheduler {
    /// Schedules whose vendors are configured.
    pub entries: Vec<Entry>,
    /// Whether each also runs when the daemon starts.
    pub at_once: bool,
}

/// How syncs behave.
#[derive(Debug, Clone)]
pub struct Sync {
    /// More deletions than this percentage of a scope wait for a person.
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
        let (freshservice, datto) = (vendors::freshservice(layers)?, vendors::datto(layers)?);
        let database = database_url(layers, &sources.path("instance/codex.db"))?;
        Ok(Self {
            scheduler: scheduler(layers, freshservice.is_some(), datto.is_some())?,
            webhooks: Webhooks::load(layers)?,
            server: server(layers)?,
            health: Health {
                disk_degraded: percentage(layers, "health", "disk_degraded_percent")?,
                disk_unhealthy: percentage(layers, "health", "disk_unhealthy_percent")?,
                folders: folders(&database, sources.path("instance")),
            },
            database: Database { url: database },
            auth: Auth {
                core_url: layers.read_as("core", "url", BaseUrl::read)?,
                service_name: text(layers, "service", "name"),
                check_target_service: layers.boolean("auth", "check_target_service")?,
                check_revocation: layers.boolean("auth", "check_revocation")?,
                revocation_cache: seconds(layers, "auth", "revocation_cache_seconds")?,
                jwks_cache: seconds(layers, "auth", "jwks_cache_seconds")?,
                jwks_cooldown: seconds(layers, "auth", "jwks_cooldown_seconds")?,
                local_issuer: layers
                    .boolean("auth", "local_issuer")?
                    .then(|| sources.path("instance/local-issuer.pem")),
            },
            metrics_token: secret(layers, "metrics", "token"),
            psa: text(layers, "psa", "default_provider"),
            psa_groups: [
                group(layers, "helpdesk_group")?,
                group(layers, "professional_services_group")?,
            ],
            rmm: text(layers, "rmm", "default_provider"),
            freshservice,
            datto,
            keycloak: vendors::keycloak(layers)?,
            upstream_write: layers.boolean("upstream", "write")?,
            precedence: precedence(layers)?,
            statuses: statuses(layers)?,
            unworked_ticket_minutes: layers.parse::<u16>(
                "psa",
                "unworked_ticket_minutes",
                "a number of minutes",
            )?,
            sync: Sync {
                max_delete_percent: percentage(layers, "sync", "max_delete_percent")?,
                min_delete: number(layers, "sync", "min_delete")?,
                lease: seconds(layers, "sync", "lease_seconds")?,
                request_timeout: seconds(layers, "sync", "requests_timeout")?,
            },
            matching: matching(layers)?,
            logging: Logging {
                level: layers.read_as("logging", "level", level)?,
                json: layers.read_as("logging", "json", |text| match text {
                    "auto" => Ok(None),
                    _ => boolean_or_auto(text).map(Some),
                })?,
            },
        })
    }
}

fn text(layers: &Layers, section: &str, key: &str) -> String {
    layers.text(section, key).unwrap_or_default().to_owned()
}

fn group(layers: &Layers, key: &str) -> Result<Option<i64>, ConfigError> {
    match layers.text("psa", key) {
        Some(_) => layers.parse("psa", key, "the id of a group").map(Some),
        None => Ok(None),
    }
}

fn number(layers: &Layers, section: &str, key: &str) -> Result<usize, ConfigError> {
    layers.parse(section, key, "a whole number")
}

fn matching(layers: &Layers) -> Result<Matching, ConfigError> {
    let points = |key| layers.parse("matching", key, "a number of points");
    let merge_score: u16 = points("merge_score")?;
    let candidate_score = layers.read_as("matching", "candidate_score", |text| {
        let points = text
            .parse()
            .ok()
            .filter(|points| (1..=merge_score).contains(points));
        points.ok_or_else(|| {
            format!("`{text}` is not a number from 1 to merge_score ({merge_score})")
        })
    })?;
    Ok(Matching {
        merge_score,
        candidate_score,
    })
}

fn percentage(layers: &Layers, section: &str, key: &str) -> Result<u8, ConfigError> {
    layers.read_as(section, key, |text| {
        let percent = text.parse().ok().filter(|percent| *percent <= 100);
        percent.ok_or_else(|| format!("`{text}` is not a percentage"))
    })
}

fn seconds(layers: &Layers, section: &str, key: &str) -> Result<Duration, ConfigError> {
    let seconds = layers.parse(section, key, "a number of seconds")?;
    Ok(Duration::from_secs(seconds))
}

fn boolean_or_auto(text: &str) -> Result<bool, String> {
    layers::boolean(text).ok_or_else(|| format!("`{text}` is not true, false or auto"))
}

fn some_seconds(layers: &Layers, key: &str) -> Result<Duration, ConfigError> {
    layers.read_as("server", key, |text| {
        let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
        let wrong = || format!("`{text}` is not a number of seconds above 0");
        seconds.map(Duration::from_secs).ok_or_else(wrong)
    })
}

fn server(layers: &Layers) -> Result<Server, ConfigError> {
    let bind: IpAddr = layers.parse("server", "bind", "an IP address")?;
    let docs_public = layers.read_as("server", "docs_public", |text| match text {
        "auto" => Ok(bind.is_loopback()),
        _ => boolean_or_auto(text),
    })?;
    let at_least_one = |key| {
        layers.read_as("server", key, |text| {
            let number = text.parse().ok().filter(|number| *number > 0);
            number.ok_or_else(|| format!("`{text}` is not a whole number above 0"))
        })
    };
    Ok(Server {
        bind,
        port: layers.parse("server", "port", "a port number")?,
        docs_public,
        max_connections: at_least_one("max_connections")?,
        connections_per_address: at_least_one("connections_per_address")?,
        calls_per_minute: layers.parse("server", "calls_per_minute", "a whole number")?,
        body_limit: at_least_one("body_limit")?,
        header_timeout: seconds(layers, "server", "header_timeout_seconds")?,
        drain: seconds(layers, "server", "drain_seconds")?,
        stall: some_seconds(layers, "stall_seconds")?,
        body_timeout: some_seconds(layers, "body_timeout_seconds")?,
        download_wait: seconds(layers, "server", "download_wait_seconds")?,
    })
}

/// The folders that must not run full.
fn folders(database: &SecretString, instance: PathBuf) -> Vec<PathBuf> {
    let file = database.expose_secret().strip_prefix("sqlite://");
    let folder = file.and_then(|file| Some(Path::new(file).parent()?.to_owned()));
    std::iter::once(instance).chain(folder).collect()
}

/// Python's connection strings may name a driver (`postgresql+psycopg2://`), which is none of ours.
fn database_url(layers: &Layers, default: &Path) -> Result<SecretString, ConfigError> {
    let Some(text) = layers.text("database", "connection_string") else {
        return Ok(format!("sqlite://{}", default.display()).into());
    };
    let wrong = |message: &str| {
        let message = message.to_owned();
        Err(layers.wrong("database", "connection_string", message))
    };
    // Written by the installer of today's Codex and looked for by Helm (contract 4.1).
    if text.contains("CHANGE_ME") {
        return wrong("still holds the placeholder CHANGE_ME; run `codexd init`");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return wrong("must start with postgresql:// or sqlite://");
    };
    match scheme.split('+').next() {
        Some("postgresql" | "postgres") if Url::parse(text).is_ok() => {
            Ok(format!("postgresql://{rest}").into())
        }
        Some("postgresql" | "postgres") => wrong(
            "is not a URL of the form postgresql://user:password@host:port/name; \
             the password must be URL-encoded",
        ),
        Some("sqlite") if !rest.is_empty() => Ok(format!("sqlite://{rest}").into()),
        Some("sqlite") => wrong("names no file; sqlite://instance/codex.db is the default"),
        _ => wrong("must start with postgresql:// or sqlite://"),
    }
}

/// `[policies]`: `kind.field = manual_wins | source_wins | write_if_empty`.
fn precedence(layers: &Layers) -> Result<Precedence, ConfigError> {
    let mut precedence = default_precedence();
    for (key, text) in layers.open(keys::POLICIES) {
        let wrong = |message: String| layers.wrong(keys::POLICIES, key, message);
        let policy = match text {
            "manual_wins" => Policy::ManualWins,
            "source_wins" => Policy::SourceWins,
            "write_if_empty" => Policy::WriteIfEmpty,
            "manual_until_changed" => Policy::ManualUntilChanged,
            _ => {
                return Err(wrong(format!(
                    "`{text}` is none of manual_wins, source_wins, write_if_empty, manual_until_changed"
                )));
            }
        };
        let (kind, field) = key
            .split_once('.')
            .ok_or_else(|| wrong("is no field of the form company.name".to_owned()))?;
        precedence = precedence
            .with_policy(kind, field, policy)
            .map_err(|error| match error {
                codex_core::Error::Invalid { message, .. } => wrong(message),
                other => wrong(other.to_string()),
            })?;
    }
    Ok(precedence)
}

/// `[scheduler]`: words or cron expressions; see contract 4.4 for the words.
fn scheduler(layers: &Layers, psa: bool, rmm: bool) -> Result<Scheduler, ConfigError> {
    const SECTION: &str = "scheduler";
    let zone = layers.text(SECTION, "time_zone").unwrap_or("UTC");
    let jitter = TimeDelta::seconds(
        layers
            .parse::<u32>(SECTION, "jitter_seconds", "a number of seconds")?
            .into(),
    );
    let mut entries = Vec::new();
    for (name, part, configured, enabled, schedule, daily) in [
        (
            "psa",
            SyncKind::Psa,
            psa,
            "sync_psa_enabled",
            "sync_psa_schedule",
            "0 2 * * *",
        ),
        (
            "rmm",
            SyncKind::Rmm,
            rmm,
            "sync_rmm_enabled",
            "sync_rmm_schedule",
            "0 3 * * *",
        ),
        (
            "rmm-audits",
            SyncKind::RmmAudits,
            rmm,
            "sync_rmm_audits_enabled",
            "sync_rmm_audits_schedule",
            "30 3 * * *",
        ),
        (
            "tickets",
            SyncKind::Tickets,
            psa,
            "sync_tickets_enabled",
            "sync_tickets_schedule",
            "0 4 * * *",
        ),
    ] {
        let cron = match layers.text(SECTION, schedule).unwrap_or("daily") {
            "hourly" => "0 * * * *",
            "daily" => daily,
            "frequent" => "*/5 * * * *",
            expression => expression,
        };
        let entry = Entry::new(name, part, cron, zone, jitter).map_err(|error| match error {
            codex_core::Error::Invalid { field, message } if field == "time_zone" => {
                layers.wrong(SECTION, "time_zone", message)
            }
            codex_core::Error::Invalid { message, .. } => layers.wrong(SECTION, schedule, message),
            other => layers.wrong(SECTION, schedule, other.to_string()),
        })?;
        if layers.boolean(SECTION, enabled)? && configured {
            entries.push(entry);
        }
    }
    Ok(Scheduler {
        entries,
        at_once: layers.boolean(SECTION, "sync_run_on_startup")?,
    })
}

/// `[ticket_statuses]`: `number = word`.
fn statuses(layers: &Layers) -> Result<Statuses, ConfigError> {
    let words = layers.open(keys::TICKET_STATUSES).map(|(key, word)| {
        let wrong = |message: &str| {
            layers.wrong(keys::TICKET_STATUSES, key, format!("`{word}`: {message}"))
        };
        // In one spelling, or a number could have two words.
        let id = key.parse().ok().filter(|id: &i64| id.to_string() == key);
        let id = id.ok_or_else(|| wrong("the key is no status number"))?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if word.is_empty() || !word.chars().all(plain) {
            return Err(wrong(
                "a word has lower-case letters, digits and underscores",
            ));
        }
        Ok((id, word.to_owned()))
    });
    Ok(Statuses::new(words.collect::<Result<_, _>>()?))
}

/// Python's level names.
fn level(text: &str) -> Result<tracing::Level, String> {
    match text.to_uppercase().as_str() {
        "CRITICAL" | "ERROR" => Ok(tracing::Level::ERROR),
        "WARNING" | "WARN" => Ok(tracing::Level::WARN),
        "INFO" => Ok(tracing::Level::INFO),
        "DEBUG" => Ok(tracing::Level::DEBUG),
        "TRACE" => Ok(tracing::Level::TRACE),
        _ => Err(format!("`{text}` is none of ERROR, WARNING, INFO, DEBUG")),
    }
}
