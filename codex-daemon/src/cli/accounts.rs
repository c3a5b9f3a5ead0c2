//! `codexd accounts`

use anyhow::Context as _;
use clap::Subcommand;
use codex_core::{Codex, Outcome, Scope, records::Author, sync::SyncKind};

use super::{UsageError, load, output, sync, with_codex};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd accounts assign --dry-run   show which departments would get which number
  codexd accounts assign             give each Freshservice department without a number a free one
  codexd accounts push               write the numbers to the variables of the Datto sites
  codexd accounts renumber 100001 654321
                                     change a number in Codex; change it at the vendors and in Ledger yourself

Writes to vendors only with [upstream] write = on; without it, assign and push show what they would do.
Exit code 1 when the run did not complete.";

/// Assign account numbers to companies, write them to the vendors, or change one
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Accounts {
    #[command(subcommand)]
    command: Command,
    /// Show what would change, and change nothing
    #[arg(long, global = true)]
    dry_run: bool,
    /// As JSON: the job, or the changes
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Give each Freshservice department without an account number a free one
    Assign,
    /// Write the account numbers to the variables of the Datto sites
    Push,
    /// Change the account number of a company; the old number keeps working as an alias
    Renumber {
        /// The number that the company has
        old: String,
        /// The new number: six digits that no company has or had
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
                return with_codex(&config, false, renumber).await;
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
        with_codex(&config, false, async |codex| {
            sync::run_and_report(codex, &config, part, self.json).await
        })
        .await
    }

    async fn renumber(&self, codex: &Codex, old: &str, new: &str) -> anyhow::Result<()> {
        let scope = Scope::system();
        let mut author = Author::new("system", codex.now());
        author.dry_run = self.dry_run;
        let done = codex.renumber_company(&scope, &author, old, new).await?;
        let done = match done.with_context(|| format!("no company has or had the number {old}"))? {
            Outcome::Applied(done) if self.json => return output::json(&done),
            Outcome::Planned(planned) if self.json => return output::json(&planned.changes),
            Outcome::Applied(done) => done,
            Outcome::Planned(planned) => {
                for change in &planned.changes {
                    output::line(format_args!("would {change}"))?;
                }
                return Ok(());
            }
        };
        let (number, previous) = (done.account_number, done.previous.join(", "));
        output::line(format_args!(
            "The company has account number {number} now. It is still found by {previous}."
        ))?;
        output::line(
            "Change the number in Freshservice, Datto and Ledger yourself: Codex does not.",
        )?;
        Ok(())
    }
}
