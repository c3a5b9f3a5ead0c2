//! `codexd config`

use std::io::Write as _;

use anyhow::Context as _;

use crate::config::{Config, DEFAULT, Layers, Sources};

const EXAMPLES: &str = "\
Examples:
  codexd config              effective values, secrets masked, and where each came from
  codexd config --explain    the commented defaults: what each setting means

Fails when a value cannot be used, naming file, section and key.";

/// Show the effective settings
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// Print the commented defaults instead
    #[arg(long)]
    explain: bool,
}

impl Show {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut out = std::io::stdout();
        if self.explain {
            write!(out, "{DEFAULT}")?;
            return Ok(());
        }
        let layers = Layers::read(sources).context("the configuration cannot be read")?;
        write!(out, "{layers}")?;
        for warning in layers.warnings() {
            eprintln!("warning: {warning}");
        }
        Config::from_layers(&layers, sources).context("the configuration cannot be used")?;
        Ok(())
    }
}
