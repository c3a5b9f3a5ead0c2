//! `codexd migrate`

use std::fmt;

use codex_core::{
    Codex,
    plural::{agree, count_of},
    store::{Db, Engine, MigrationDef},
};

use serde::Serialize;

use super::{database, output, progress::Progress, with_database};
use crate::config::{Config, Sources};

const EXAMPLES: &str = "\
Examples:
  codexd migrate --plan     list what would be run, run nothing
  codexd migrate            migrate, and say from which schema to which
  codexd migrate --json     the same as JSON

`codexd serve` does this too. Run it alone to see that it succeeds before a restart. All pending migrations are one
transaction: when one fails, the schema stays as it was. It may be repeated. If two processes migrate at once, one waits
for the other. Exit code 1 when a migration fails, or when the database has the schema of a newer codexd.";

/// Bring the database's schema up to date
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Migrate {
    /// List the pending migrations and run none
    #[arg(long)]
    plan: bool,
    /// As JSON: the pending migrations, or those that were applied
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = super::load(sources)?;
        let pending = pending(&config).await?;
        if self.plan {
            return self.show(&pending);
        }
        let progress = Progress::start("Migrating the database");
        let opened = database::open(&config, true).await;
        progress.end();
        opened?.close().await;
        let done = Migrated::of(pending);
        if self.json {
            return output::json(&done);
        }
        output::line(done)?;
        Ok(())
    }

    fn show(&self, pending: &[MigrationDef]) -> anyhow::Result<()> {
        if self.json {
            return output::json(pending);
        }
        if pending.is_empty() {
            output::line(UP_TO_DATE)?;
            return Ok(());
        }
        let count = pending.len();
        let (migrations, are) = (count_of(count, "migration"), agree(count, "is", "are"));
        output::line(format_args!("{migrations} {are} pending:"))?;
        for migration in pending {
            output::line(format_args!(
                "  {:04} {}",
                migration.version, migration.name
            ))?;
        }
        Ok(())
    }
}

const UP_TO_DATE: &str = "The database is up to date.";

/// What a migration did: the schema's version is the number of its last migration.
#[derive(Debug, Serialize)]
struct Migrated {
    applied: Vec<MigrationDef>,
    /// The version before; null for a database without tables.
    from: Option<i64>,
    to: Option<i64>,
}

impl Migrated {
    fn of(applied: Vec<MigrationDef>) -> Self {
        let all = || Db::migrations(Engine::Sqlite).map(|migration| migration.version);
        let is_new = |version: &i64| {
            applied
                .iter()
                .any(|migration| migration.version == *version)
        };
        Self {
            from: all().filter(|version| !is_new(version)).max(),
            to: all().max(),
            applied,
        }
    }
}

impl fmt::Display for Migrated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = count_of(self.applied.len(), "migration");
        let to = self.to.unwrap_or_default();
        match self.from {
            _ if self.applied.is_empty() => f.write_str(UP_TO_DATE),
            Some(from) => write!(f, "Applied {count}: the schema was {from} and is {to} now."),
            None => write!(
                f,
                "Applied {count} to an empty database: the schema is {to} now."
            ),
        }
    }
}

/// The migrations that a database lacks; all of them when there is none yet.
async fn pending(config: &Config) -> anyhow::Result<Vec<MigrationDef>> {
    if database::is_missing(config) {
        return Ok(Db::migrations(Engine::Sqlite).collect());
    }
    with_database(config, false, async |codex: &Codex| {
        let state = codex.db().schema_state().await?;
        state.refuse_unknown()?;
        let all = Db::migrations(codex.db().engine());
        let missing = all.filter(|migration| state.missing.contains(&migration.version));
        Ok(missing.collect())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_migrations_are_counted_with_both_versions() {
        let all: Vec<MigrationDef> = Db::migrations(Engine::Sqlite).collect();
        let newest = all.last().unwrap().version;
        let of = |from: usize| Migrated::of(all[from..].to_vec());
        assert_eq!(of(all.len()).to_string(), UP_TO_DATE);
        assert_eq!(of(all.len()).from, Some(newest));
        let before = all[all.len() - 2].version;
        assert_eq!(
            of(all.len() - 1).to_string(),
            format!("Applied 1 migration: the schema was {before} and is {newest} now.")
        );
        let count = all.len();
        assert_eq!(
            of(0).to_string(),
            format!("Applied {count} migrations to an empty database: the schema is {newest} now.")
        );
        let json = serde_json::to_value(of(0)).unwrap();
        assert_eq!(
            (&json["from"], &json["to"]),
            (&serde_json::Value::Null, &newest.into())
        );
        assert_eq!(json["applied"][0]["name"], "core");
    }
}
