//! Every setting there is: its place, its environment variable, and how much of it may be shown.
//!
//! A new setting is a line in [`KEYS`] and one in `default.conf`. What is not declared here is an error
//! wherever it is set.

use codex_core::nearest::nearest;

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// As it is.
    Plain,
    /// Not at all.
    Secret,
    /// A host name or URL; a password in it is hidden.
    Address,
    /// A database's URL. Anything else that stands in its place is hidden whole: it may be a password.
    Connection,
}

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Section of `codex.conf`.
    pub section: &'static str,
    /// Key in the section.
    pub name: &'static str,
    /// An environment variable of its own (contract 4.2), besides `CODEX_<SECTION>_<KEY>`.
    pub env: Option<&'static str>,
    /// How it is shown.
    pub secrecy: Secrecy,
}

const fn plain(section: &'static str, name: &'static str) -> Key {
    Key {
        section,
        name,
        env: None,
        secrecy: Secrecy::Plain,
    }
}

const fn secret(section: &'static str, name: &'static str) -> Key {
    Key {
        secrecy: Secrecy::Secret,
        ..plain(section, name)
    }
}

const fn secret_from_env(section: &'static str, name: &'static str, env: &'static str) -> Key {
    Key {
        env: Some(env),
        ..secret(section, name)
    }
}

const fn from_env(section: &'static str, name: &'static str, env: &'static str) -> Key {
    Key {
        env: Some(env),
        ..plain(section, name)
    }
}

const fn address(key: Key) -> Key {
    Key {
        secrecy: Secrecy::Address,
        ..key
    }
}

/// All settings, in the order of `default.conf`.
pub const KEYS: &[Key] = &[
    plain("server", "bind"),
    plain("server", "port"),
    plain("server", "docs_public"),
    plain("server", "max_connections"),
    plain("server", "connections_per_address"),
    plain("server", "calls_per_minute"),
    plain("server", "body_limit"),
    plain("server", "header_timeout_seconds"),
    plain("server", "drain_seconds"),
    plain("server", "stall_seconds"),
    plain("server", "body_timeout_seconds"),
    plain("server", "download_wait_seconds"),
    plain("health", "disk_degraded_percent"),
    plain("health", "disk_unhealthy_percent"),
    Key {
        secrecy: Secrecy::Connection,
        ..plain("database", "connection_string")
    },
    from_env("service", "name", "SERVICE_NAME"),
    address(from_env("core", "url", "CORE_SERVICE_URL")),
    plain("auth", "check_target_service"),
    plain("auth", "check_revocation"),
    plain("auth", "revocation_cache_seconds"),
    plain("auth", "jwks_cache_seconds"),
    plain("auth", "jwks_cooldown_seconds"),
    plain("auth", "local_issuer"),
    secret("metrics", "token"),
    plain("psa", "default_provider"),
    plain("psa", "unworked_ticket_minutes"),
    plain("psa", "helpdesk_group"),
    plain("psa", "professional_services_group"),
    address(plain("freshservice", "domain")),
    secret("freshservice", "api_key"),
    address(plain("freshservice", "web_domain")),
    plain("freshservice", "first_ticket_days"),
    plain("freshservice", "all_workspaces"),
    plain("rmm", "default_provider"),
    address(plain("datto", "api_endpoint")),
    secret("datto", "public_key"),
    secret("datto", "secret_key"),
    plain("datto", "secret_udfs"),
    plain("datto", "map_pseudo_sites"),
    plain("datto", "calls_per_minute"),
    address(from_env("keycloak", "server_url", "KEYCLOAK_SERVER_URL")),
    address(from_env("keycloak", "backend_url", "KEYCLOAK_BACKEND_URL")),
    from_env("keycloak", "realm", "KEYCLOAK_REALM"),
    from_env("keycloak", "client_id", "KEYCLOAK_CLIENT_ID"),
    secret_from_env("keycloak", "client_secret", "KEYCLOAK_CLIENT_SECRET"),
    plain("keycloak", "admin_realm"),
    from_env("keycloak", "admin_user", "KEYCLOAK_ADMIN_USER"),
    secret_from_env("keycloak", "admin_password", "KEYCLOAK_ADMIN_PASS"),
    from_env("keycloak", "verify_ssl", "VERIFY_SSL"),
    plain("upstream", "write"),
    plain("scheduler", "time_zone"),
    plain("scheduler", "jitter_seconds"),
    plain("scheduler", "sync_run_on_startup"),
    plain("scheduler", "sync_psa_enabled"),
    plain("scheduler", "sync_psa_schedule"),
    plain("scheduler", "sync_rmm_enabled"),
    plain("scheduler", "sync_rmm_schedule"),
    plain("scheduler", "sync_rmm_audits_enabled"),
    plain("scheduler", "sync_rmm_audits_schedule"),
    plain("scheduler", "sync_tickets_enabled"),
    plain("scheduler", "sync_tickets_schedule"),
    plain("webhooks", "enabled"),
    secret("webhooks", "secret"),
    plain("webhooks", "require_signature"),
    plain("webhooks", "allowed_ips"),
    plain("webhooks", "log_payloads"),
    plain("sync", "max_delete_percent"),
    plain("sync", "min_delete"),
    plain("sync", "lease_seconds"),
    plain("sync", "requests_timeout"),
    plain("matching", "merge_score"),
    plain("matching", "candidate_score"),
    from_env("logging", "level", "LOG_LEVEL"),
    from_env("logging", "json", "ENABLE_JSON_LOGGING"),
];

/// Older names of settings (contract 4.1): section, old key, key. The newer name wins.
pub const ALIASES: &[(&str, &str, &str)] = &[
    ("datto", "api_key", "public_key"),
    ("datto", "api_secret", "secret_key"),
    ("scheduler", "sync_freshservice_enabled", "sync_psa_enabled"),
    (
        "scheduler",
        "sync_freshservice_schedule",
        "sync_psa_schedule",
    ),
    ("scheduler", "sync_datto_enabled", "sync_rmm_enabled"),
    ("scheduler", "sync_datto_schedule", "sync_rmm_schedule"),
];

/// Sections whose keys are not fixed: fields as `kind.field`, numbers of statuses.
pub const OPEN: [&str; 2] = [POLICIES, TICKET_STATUSES];
/// Who wins, by field.
pub const POLICIES: &str = "policies";
/// Words of the PSA's statuses, by number.
pub const TICKET_STATUSES: &str = "ticket_statuses";

/// Sections of the Flask service's files that Codex does not use: accepted, and listed as unused.
const UNUSED_SECTIONS: &[&str] = &[
    // Written by its installer and by Helm, which also read them.
    "database_credentials",
    // A PSA of its admin page that no sync was ever written for.
    "psa.superops",
    "superops",
    // Named by its public documentation, read by no version.
    "integrations",
];

/// Single keys of that kind.
const UNUSED_KEYS: &[(&str, &str)] = &[
    ("database", "db_host"),
    ("database", "db_port"),
    ("database", "db_name"),
    ("database", "db_dbname"),
    ("database", "db_user"),
    ("psa", "enabled_providers"),
];

/// Variables of that kind.
const UNUSED_VARIABLES: &[&str] = &[
    // The Flask service's scripts kept their own scheduler from starting with it; `[scheduler]` says what runs.
    "CODEX_SKIP_SCHEDULER",
    // Where it sent its log.
    "HELM_SERVICE_URL",
    // It signed cookies with it.
    "SECRET_KEY",
];

/// Variables that begin as ours do and belong to others, or to the tools around Codex.
const OTHERS_VARIABLES: &[&str] = &[
    // Where clients find a daemon, and their token.
    "CODEX_URL",
    "CODEX_TOKEN",
    "CODEX_HOME",
];

/// Beginnings of such variables.
const OTHERS_PREFIXES: &[&str] = &[
    // Kubernetes describes a service named `codex` to every container beside it.
    "CODEX_PORT",
    "CODEX_SERVICE_HOST",
    "CODEX_SERVICE_PORT",
    // The tests' own settings.
    "CODEX_TEST_",
    "CODEX_REQUIRE_",
    "CODEX_VENDOR_",
    "CODEX_FUZZ_",
    "CODEX_CI_",
    // A coding assistant of the same name sets these for what it runs.
    "CODEX_SANDBOX",
    "CODEX_MANAGED_",
];

impl Key {
    /// `section.key`, the name in `--set`.
    pub fn dotted(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    fn underscored(&self) -> String {
        format!("{}_{}", self.section, self.name)
    }

    /// The variable that every setting has.
    pub fn generic_env(&self) -> String {
        format!("CODEX_{}", self.underscored()).to_uppercase()
    }
}

/// The setting of a section and key, by its newer or older name.
pub fn find(section: &str, name: &str) -> Option<&'static Key> {
    let name = ALIASES
        .iter()
        .find(|(s, old, _)| (*s, *old) == (section, name))
        .map_or(name, |(_, _, new)| new);
    KEYS.iter()
        .find(|key| key.section == section && key.name == name)
}

/// Whether the Flask service had the key in its files, and Codex has no use for it.
pub fn is_unused(section: &str, name: &str) -> bool {
    UNUSED_SECTIONS.contains(&section) || UNUSED_KEYS.contains(&(section, name))
}

/// Whether the Flask service read the variable, and Codex has no use for it.
pub fn is_unused_variable(variable: &str) -> bool {
    UNUSED_VARIABLES.contains(&variable)
}

/// Names of the settings of a section.
fn names(section: &str) -> impl Iterator<Item = &'static str> {
    let of_section = KEYS.iter().filter(move |key| key.section == section);
    of_section.map(|key| key.name)
}

/// Why there is no such setting, with the one that was probably meant.
pub fn unknown(section: &str, name: &str) -> String {
    let sections = || KEYS.iter().map(|key| key.section).chain(OPEN);
    if sections().any(|known| known == section) {
        let elsewhere = KEYS.iter().find(|key| key.name == name);
        let meant = match (nearest(name, names(section)), elsewhere) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, Some(key)) => format!("did you mean [{}] {}?", key.section, key.name),
            (None, None) => LISTED.to_owned(),
        };
        return format!("there is no such setting; {meant}");
    }
    let meant = match nearest(section, sections()) {
        Some(meant) => match nearest(name, names(meant)) {
            Some(name) => format!("did you mean [{meant}] {name}?"),
            None => format!("did you mean [{meant}]?"),
        },
        None => LISTED.to_owned(),
    };
    format!("there is no such section; {meant}")
}

const LISTED: &str = "`codexd config` lists them all";

/// Why a variable that begins as ours do sets nothing; `None` when it does, or is none of ours.
pub fn unknown_variable(variable: &str) -> Option<String> {
    let others = is_unused_variable(variable)
        || OTHERS_VARIABLES.contains(&variable)
        || OTHERS_PREFIXES
            .iter()
            .any(|prefix| variable.starts_with(prefix));
    let rest = variable.strip_prefix("CODEX_")?.to_lowercase();
    if others || KEYS.iter().any(|key| key.generic_env() == variable) {
        return None;
    }
    let of_section = KEYS.iter().find_map(|key| {
        let name = rest.strip_prefix(key.section)?.strip_prefix('_')?;
        Some((key.section, name))
    });
    let meant = if let Some((section, name)) = of_section {
        nearest(name, names(section)).and_then(|name| find(section, name))
    } else {
        let all: Vec<String> = KEYS.iter().map(Key::underscored).collect();
        let near = nearest(&rest, all.iter().map(String::as_str));
        near.and_then(|near| KEYS.iter().find(|key| key.underscored() == near))
    };
    let meant = meant.map_or_else(
        || LISTED.to_owned(),
        |key| format!("did you mean {}?", key.generic_env()),
    );
    Some(format!("there is no such setting; {meant}"))
}
