//! `codexd held`

use anyhow::bail;
use clap::Subcommand;
use codex_core::{
    Codex, Scope,
    holds::{Hold, HoldStatus, wire::HoldOut},
    records::Author,
};

use super::{load, output, table::Table, with_codex};
use crate::config::Sources;

const EXAMPLES: &str = "\
Examples:
  codexd held                  deletions that wait for a decision
  codexd held --all            all of them
  codexd held approve ID       delete the records; they return when their source lists them again
  codexd held reject ID        keep the records; Codex asks again only when more of them are missing

A sync deletes records that their source no longer lists. When more are missing than [sync] max_delete_percent allows, it
deletes none of them and holds the deletion for a person to decide.
Exit code 1 when there is no such held deletion, or it was decided already.";

/// List deletions that a sync has held back, and approve or reject them
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Held {
    #[command(subcommand)]
    command: Option<Command>,
    /// Include those that were decided or have expired
    #[arg(long)]
    all: bool,
    /// As JSON, with the ids of the records
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Delete the records
    Approve {
        /// Id of the held deletion
        id: String,
    },
    /// Keep the records
    Reject {
        /// Id of the held deletion
        id: String,
    },
}

impl Held {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        with_codex(&config, false, async |codex| self.work(codex).await).await
    }

    async fn work(&self, codex: &Codex) -> anyhow::Result<()> {
        let scope = Scope::system();
        let author = Author::new("system", codex.now());
        let decided = match &self.command {
            None => {
                let status = (!self.all).then_some(HoldStatus::Held);
                let holds = codex.holds(&scope, status).await?;
                if self.json {
                    let holds: Vec<_> = holds.iter().map(HoldOut::from).collect();
                    return output::json(&holds);
                }
                if holds.is_empty() {
                    output::line("No deletion waits for a decision.")?;
                    return Ok(());
                }
                return Ok(table(&holds).print()?);
            }
            Some(Command::Approve { id }) => codex.approve_hold(&scope, &author, id).await?,
            Some(Command::Reject { id }) => codex.reject_hold(&scope, &author, id).await?,
        };
        let Some(hold) = decided else {
            bail!("there is no such held deletion; `codexd held --all` shows all");
        };
        if self.json {
            return output::json(&HoldOut::from(&hold));
        }
        Ok(table(&[hold]).print()?)
    }
}

fn table(holds: &[Hold]) -> Table {
    let head = [
        "id", "status", "source", "scope", "records", "until", "missing", "of",
    ];
    let mut table = Table::of(head).numbers_from(6);
    for hold in holds {
        table.push([
            hold.id.clone(),
            format!("{:?}", hold.status).to_lowercase(),
            hold.source.clone(),
            hold.scope.clone(),
            hold.kind.to_string(),
            hold.expires_at.date_naive().to_string(),
            hold.missing.to_string(),
            hold.total.to_string(),
        ]);
    }
    table
}
