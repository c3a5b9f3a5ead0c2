//! What a command says of a database that it cannot use.

use std::path::Path;

use anyhow::{bail, ensure};
use codex_core::Codex;
use secrecy::ExposeSecret as _;

use crate::config::{Config, masked_url};

/// The database for people, with its password masked.
pub(super) fn shown(config: &Config) -> String {
    masked_url(config.database.url.expose_secret())
}

/// What to look at when the database cannot be opened.
pub(super) fn refused(config: &Config) -> String {
    let url = shown(config);
    format!("cannot open {url} ([database] connection_string; `codexd init` sets it)")
}

/// Whether the database is a file that does not exist: opening would create it.
pub(super) fn is_missing(config: &Config) -> bool {
    let url = config.database.url.expose_secret();
    let file = match url.split_once("://") {
        Some(("sqlite", path)) => Some(path),
        Some(_) => None,
        None => Some(url),
    };
    file.is_some_and(|path| !Path::new(path).exists())
}

/// # Errors
/// When there is no database, for a command that does not create one.
pub(super) fn require_existing(config: &Config) -> anyhow::Result<()> {
    ensure!(
        !is_missing(config),
        "{} does not exist; `codexd migrate` or `codexd serve` creates it",
        shown(config)
    );
    Ok(())
}

/// # Errors
/// When the schema is of another version, for a command that does not migrate.
pub(super) async fn require_schema(codex: &Codex) -> anyhow::Result<()> {
    let state = codex.db().schema_state().await?;
    if !state.unknown.is_empty() {
        bail!("the database has the schema of a newer codexd; install that version");
    }
    ensure!(
        state.missing.is_empty(),
        "the database has the schema of an older codexd; run `codexd migrate`, or `codexd serve`, which migrates at its start"
    );
    Ok(())
}
