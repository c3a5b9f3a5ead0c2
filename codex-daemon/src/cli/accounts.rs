//! `codexd accounts`

use anyhow::bail;
use clap::Subcommand;
use codex_core::sync::Part;

use super::{load, sync, with_codex};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd accounts assign --dry-run   which departments would get which number
  codexd accounts assign             give each department without a number a free one, at Freshservice
  codexd accounts push               write the numbers into Datto's site variables

Writes only with [upstream] write = on; without it, both show what they would do.
Exit code 1 when the run did not complete.";

/// Give companies their account numbers at the vendors
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Accounts {
    #[command(subcommand)]
    command: Command,
    /// Show what would be written, write nothing
    #[arg(long, global = true)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Numbers for Freshservice departments without one
    Assign,
    /// Numbers for Datto sites
    Push,
}

impl Accounts {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut config = load(sources)?;
        config.upstream_write &= !self.dry_run;
        let part = match self.command {
            Command::Assign if config.freshservice.is_none() => {
                bail!("[freshservice] domain and api_key are not set in instance/codex.conf")
            }
            Command::Push if config.datto.is_none() => {
                bail!("[datto] public_key and secret_key are not set in instance/codex.conf")
            }
            Command::Assign => Part::AssignAccounts,
            Command::Push => Part::PushAccounts,
        };
        with_codex(&config, true, async |codex| {
            sync::run_and_report(codex, part).await
        })
        .await
    }
}
