//! `codexd accounts`

use std::io::Write as _;

use anyhow::Context as _;
use clap::Subcommand;
use codex_core::{Codex, Outcome, Scope, records::Author, sync::SyncKind};

use super::{UsageError, load, output, sync, with_codex};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd accounts assign --dry-run   which departments would get which number
  codexd accounts assign             give each department without a number a free one, at Freshservice
  codexd accounts push               write the numbers into Datto's site variables
  codexd accounts renumber 100001 654321
                                     another number for a company; vendors and Ledger do not follow

Writes to vendors only with [upstream] write = on; without it, assign and push show what they would do.
Exit code 1 when the run did not complete.";

/// Give companies their account numbers at the vendors
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Accounts {
    #[command(subcommand)]
    command: Command,
    /// Show what would change, change nothing
    #[arg(long, global = true)]
    dry_run: bool,
    /// The job, or what was or would be changed, as JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Numbers for Freshservice departments without one
    Assign,
    /// Numbers for Datto sites
    Push,
    /// Another number for a company; the old one leads to it for ever
    Renumber {
        /// Its number
        old: String,
        /// Six digits that nobody has or had
        new: String,
    },
}

impl Accounts {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut config = load(sources)?;
        config.upstream_write &= !self.dry_run;
        let part = match &self.command {
            Command::Renumber { old, new } => {
                let renumber = async |codex: &Codex| self.renumber(codex, old, new).await;
                return with_codex(&config, true, renumber).await;
            }
            Command::Assign if config.freshservice.is_none() => {
                return Err(UsageError::error(sync::FRESHSERVICE));
            }
            Command::Push if config.datto.is_none() => {
                return Err(UsageError::error(sync::DATTO));
            }
            Command::Assign => SyncKind::AssignAccounts,
            Command::Push => SyncKind::PushAccounts,
        };
        with_codex(&config, true, async |codex| {
            sync::run_and_report(codex, part, self.json).await
        })
        .await
    }

    async fn renumber(&self, codex: &Codex, old: &str, new: &str) -> anyhow::Result<()> {
        let scope = Scope::system();
        let mut author = Author::new("system", codex.now());
        author.dry_run = self.dry_run;
        let mut out = std::io::stdout();
        let done = codex.renumber_company(&scope, &author, old, new).await?;
        let done = match done.with_context(|| format!("no company has or had the number {old}"))? {
            Outcome::Applied(done) if self.json => return output::json(&done),
            Outcome::Planned(planned) if self.json => return output::json(&planned.changes),
            Outcome::Applied(done) => done,
            Outcome::Planned(planned) => {
                for change in &planned.changes {
                    writeln!(out, "would {change}")?;
                }
                return Ok(());
            }
        };
        let (number, previous) = (done.account_number, done.previous.join(", "));
        writeln!(
            out,
            "The company has account number {number} now; {previous} lead to it too."
        )?;
        writeln!(
            out,
            "Freshservice, Datto and what Ledger has stored under the old number do not follow by themselves."
        )?;
        Ok(())
    }
}
