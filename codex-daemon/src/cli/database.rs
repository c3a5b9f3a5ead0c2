//! What a command says of a database that it cannot use.

use std::path::Path;

use anyhow::{Context as _, ensure};
use codex_core::{Codex, Error, masked::masked_url};
use secrecy::ExposeSecret as _;

use super::UsageError;
use crate::{app, config::Config};

/// The database for people, with its password masked.
pub(super) fn shown(config: &Config) -> String {
    masked_url(config.database.url.expose_secret())
}

/// Opens the database as configured; `migrate` brings its schema up to date.
///
/// # Errors
/// Which database cannot be opened and where that is set, unless the reason alone says what to do.
pub(super) async fn open(config: &Config, migrate: bool) -> anyhow::Result<Codex> {
    require_folder(config)?;
    match app::open(config, migrate).await {
        Err(error @ (Error::Unsupported(_) | Error::Invalid { .. })) => Err(error.into()),
        opened => opened.with_context(|| {
            let url = shown(config);
            format!("cannot open {url} ([database] connection_string; `codexd init` sets it)")
        }),
    }
}

/// The file of an embedded database.
pub(super) fn file(config: &Config) -> Option<&Path> {
    let url = config.database.url.expose_secret();
    url.strip_prefix("sqlite://").map(Path::new)
}

/// Whether the database is a file that does not exist: opening would create it.
pub(super) fn is_missing(config: &Config) -> bool {
    file(config).is_some_and(|file| !file.exists())
}

/// # Errors
/// When the folder of the file does not exist: only that of the settings is created.
pub(super) fn require_folder(config: &Config) -> anyhow::Result<()> {
    let instance = config.sources.path("instance");
    match file(config).and_then(Path::parent) {
        Some(folder)
            if !folder.as_os_str().is_empty() && !folder.exists() && *folder != *instance =>
        {
            let folder = folder.display();
            Err(UsageError::error(format!(
                "there is no folder {folder}; create it, or correct the path of the database"
            )))
        }
        _ => Ok(()),
    }
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
    state.refuse_unknown()?;
    ensure!(
        state.missing.is_empty(),
        "the database has the schema of an older codexd; run `codexd migrate`, or `codexd serve`, which migrates at its start"
    );
    Ok(())
}
