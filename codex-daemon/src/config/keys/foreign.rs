//! Settings and variables of other programs, which Codex meets in its files and its environment.

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

/// Whether the Flask service had the key in its files, and Codex has no use for it.
pub fn is_unused(section: &str, name: &str) -> bool {
    UNUSED_SECTIONS.contains(&section) || UNUSED_KEYS.contains(&(section, name))
}

/// Whether the Flask service read the variable, and Codex has no use for it.
pub fn is_unused_variable(variable: &str) -> bool {
    UNUSED_VARIABLES.contains(&variable)
}

/// Whether the variable begins as ours do and is not ours.
pub(super) fn is_of_others(variable: &str) -> bool {
    is_unused_variable(variable)
        || OTHERS_VARIABLES.contains(&variable)
        || OTHERS_PREFIXES
            .iter()
            .any(|prefix| variable.starts_with(prefix))
}
