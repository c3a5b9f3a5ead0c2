//! Every setting there is: its place, its environment variable, and how much of it may be shown.

/// How a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrecy {
    /// As it is.
    Plain,
    /// Not at all.
    Secret,
    /// A URL whose password is hidden.
    UrlPassword,
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

/// All settings, in the order of `default.conf`.
pub const KEYS: &[Key] = &[
    plain("server", "bind"),
    plain("server", "port"),
    plain("server", "docs_public"),
    plain("server", "max_connections"),
    plain("server", "calls_per_minute"),
    plain("server", "body_limit"),
    plain("server", "header_timeout_seconds"),
    plain("server", "drain_seconds"),
    plain("server", "stall_seconds"),
    plain("server", "download_wait_seconds"),
    plain("health", "disk_degraded_percent"),
    plain("health", "disk_unhealthy_percent"),
    Key {
        secrecy: Secrecy::UrlPassword,
        ..plain("database", "connection_string")
    },
    from_env("service", "name", "SERVICE_NAME"),
    from_env("core", "url", "CORE_SERVICE_URL"),
    plain("auth", "check_target_service"),
    plain("auth", "check_revocation"),
    plain("auth", "revocation_cache_seconds"),
    plain("auth", "jwks_cache_seconds"),
    plain("auth", "jwks_cooldown_seconds"),
    plain("psa", "default_provider"),
    plain("psa", "unworked_ticket_minutes"),
    plain("psa", "helpdesk_group"),
    plain("psa", "professional_services_group"),
    plain("freshservice", "domain"),
    secret("freshservice", "api_key"),
    plain("freshservice", "web_domain"),
    plain("freshservice", "first_ticket_days"),
    plain("freshservice", "all_workspaces"),
    plain("rmm", "default_provider"),
    plain("datto", "api_endpoint"),
    secret("datto", "public_key"),
    secret("datto", "secret_key"),
    plain("datto", "secret_udfs"),
    plain("datto", "map_pseudo_sites"),
    plain("datto", "calls_per_minute"),
    from_env("keycloak", "server_url", "KEYCLOAK_SERVER_URL"),
    from_env("keycloak", "backend_url", "KEYCLOAK_BACKEND_URL"),
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

/// Sections whose keys others write or read and this version does not use (contract 4.1): no warning.
const OTHERS: &[&str] = &["database_credentials", "psa.superops"];

/// Single keys of that kind.
const OTHERS_KEYS: &[(&str, &str)] = &[
    ("database", "db_host"),
    ("database", "db_port"),
    ("database", "db_name"),
    ("database", "db_user"),
    ("psa", "enabled_providers"),
];

impl Key {
    /// `section.key`, the name in `--set`.
    pub fn dotted(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The variable that every setting has.
    pub fn generic_env(&self) -> String {
        format!("CODEX_{}_{}", self.section, self.name).to_uppercase()
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

/// Whether another program is known to use the key.
pub fn belongs_to_others(section: &str, name: &str) -> bool {
    OTHERS.contains(&section) || OTHERS_KEYS.contains(&(section, name))
}
