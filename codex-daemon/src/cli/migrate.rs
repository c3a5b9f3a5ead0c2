//! `codexd migrate`

use anyhow::Context as _;

use super::{database::refused, progress::Progress};
use crate::{app, config::Sources};

const EXAMPLES: &str = "\
Examples:
  codexd migrate

`codexd serve` does this too. Run it by itself to see it succeed before a restart. It may be repeated,
and two processes may do it at once.";

/// Bring the database's schema up to date
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Migrate {}

impl Migrate {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = super::load(sources)?;
        let progress = Progress::start("Migrating the database");
        let opened = app::open(&config, true).await;
        progress.end();
        opened.with_context(|| refused(&config))?.close().await;
        println!("The database is up to date.");
        Ok(())
    }
}
