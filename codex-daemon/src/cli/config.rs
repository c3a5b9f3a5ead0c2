//! `codexd config`

use anyhow::Context as _;

use super::{UNUSABLE, output};
use crate::config::{Config, Defaults, Layers, Sources};

const EXAMPLES: &str = "\
Examples:
  codexd config              effective values, secrets masked, and where each came from
  codexd config --json       the same as JSON
  codexd config --check      check every setting; lists all errors and warnings at once
  codexd config --explain    the commented defaults: what each setting means

Exit codes:
  0  the configuration can be used
  2  it cannot; standard error names file, section and key of every fault, and what would be right

Settings that have no effect because another one is missing are warnings.";

/// Show and check the effective settings
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// Print the commented defaults instead
    #[arg(long, conflicts_with = "check")]
    explain: bool,
    /// Only check whether the configuration can be used
    #[arg(long)]
    check: bool,
    /// As JSON
    #[arg(long, conflicts_with_all = ["explain", "check"])]
    json: bool,
}

impl Show {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        if self.explain {
            output::lines(Defaults)?;
            return Ok(());
        }
        let layers = Layers::read(sources);
        if self.check {
            for warning in layers.without_effect() {
                output::error_line(format_args!("warning: {warning}"));
            }
        }
        if self.json {
            output::json(&layers.effective())?;
        } else if !self.check {
            output::lines(&layers)?;
        }
        Config::from_layers(layers, sources).context(UNUSABLE)?;
        if self.check {
            output::line("The configuration can be used.")?;
        }
        Ok(())
    }
}
