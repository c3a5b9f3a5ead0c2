//! `codexd migrate`

use codex_core::{
    Codex,
    plural::{agree, count_of},
    store::{Db, Engine, MigrationDef},
};

use super::{database, output, progress::Progress, with_database};
use crate::config::{Config, Sources};

const EXAMPLES: &str = "\
Examples:
  codexd migrate --plan     list what would be run, run nothing
  codexd migrate

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
    /// The plan as JSON
    #[arg(long, requires = "plan")]
    json: bool,
}

impl Migrate {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = super::load(sources)?;
        if self.plan {
            return self.show(&pending(&config).await?);
        }
        let progress = Progress::start("Migrating the database");
        let opened = database::open(&config, true).await;
        progress.end();
        opened?.close().await;
        println!("The database is up to date.");
        Ok(())
    }

    fn show(&self, pending: &[MigrationDef]) -> anyhow::Result<()> {
        if self.json {
            return output::json(pending);
        }
        if pending.is_empty() {
            output::line("The database is up to date.")?;
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

/// The migrations that a database lacks; all of them when there is none yet.
async fn pending(config: &Config) -> anyhow::Result<Vec<MigrationDef>> {
    if database::is_missing(config) {
        return Ok(Db::migrations(Engine::Sqlite).collect());
    }
    with_database(config, false, async |codex: &Codex| {
        let state = codex.db().schema_state().await?;
        state.refuse_newer()?;
        let all = Db::migrations(codex.db().engine());
        let missing = all.filter(|migration| state.missing.contains(&migration.version));
        Ok(missing.collect())
    })
    .await
}
