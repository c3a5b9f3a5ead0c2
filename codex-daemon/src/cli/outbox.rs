//! `codexd outbox`

use anyhow::Context as _;
use clap::Subcommand;
use codex_core::{
    Codex, Scope,
    outbox::{OutboxEntry, OutboxKind, OutboxState, wire::OutboxOut},
    plural::count_of,
    records::Author,
};

use serde_json::json;

use super::{UsageError, claims::time, load, output, sync, table::Table, with_codex};
use crate::config::{Config, Sources};

const EXAMPLES: &str = "\
Examples:
  codexd outbox                changes of tickets that have not reached the PSA
  codexd outbox --all          and those that have
  codexd outbox send           send what is due now; `codexd serve` does so by itself
  codexd outbox retry ID       send a change again, over what the PSA has now
  codexd outbox cancel ID      stop a change; here it stays

Nothing is sent unless [upstream] write = on. Exit code 1 when there is no such change, or it has ended.";

/// See and steer changes of tickets on their way to the PSA
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Outbox {
    #[command(subcommand)]
    command: Option<Command>,
    /// Also those that are done, replaced or stopped
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send what is due now
    Send,
    /// Send a change again
    Retry {
        /// Change
        id: i64,
    },
    /// Stop a change
    Cancel {
        /// Change
        id: i64,
    },
}

impl Outbox {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = load(sources)?;
        if let Some(Command::Send | Command::Retry { .. }) = &self.command {
            require_sending(&config)?;
        }
        with_codex(&config, false, async |codex| self.work(codex).await).await
    }

    async fn work(&self, codex: &Codex) -> anyhow::Result<()> {
        let scope = Scope::system();
        let author = Author::new("system", codex.now());
        let changed = match &self.command {
            None => return self.list(codex).await,
            Some(Command::Send) => {
                let tried = codex.send_outbox().await?;
                if self.json {
                    return output::json(&json!({"tried": tried}));
                }
                output::line(format_args!("Tried {}.", count_of(tried, "change")))?;
                return Ok(());
            }
            Some(Command::Retry { id }) => codex.retry_outbox(&scope, *id).await?,
            Some(Command::Cancel { id }) => codex.cancel_outbox(&scope, &author, *id).await?,
        };
        let entry = changed.context("there is no such change; `codexd outbox --all` shows all")?;
        if self.json {
            return output::json(&OutboxOut::from(&entry));
        }
        Ok(table(&[entry]).print()?)
    }

    async fn list(&self, codex: &Codex) -> anyhow::Result<()> {
        let mut entries = codex.outbox(&Scope::system(), None).await?;
        entries.retain(|entry| self.all || is_open(entry.state));
        if self.json {
            let entries: Vec<_> = entries.iter().map(OutboxOut::from).collect();
            return output::json(&entries);
        }
        if entries.is_empty() {
            output::line("No change of a ticket waits.")?;
            return Ok(());
        }
        Ok(table(&entries).print()?)
    }
}

/// # Errors
/// When nothing can be sent with these settings.
fn require_sending(config: &Config) -> anyhow::Result<()> {
    if config.freshservice.is_none() {
        return Err(UsageError::error(sync::FRESHSERVICE));
    }
    if !config.upstream_write {
        let message =
            "nothing is sent to the PSA; set [upstream] write = on in instance/codex.conf";
        return Err(UsageError::error(message));
    }
    Ok(())
}

/// Whether somebody may still want to do something about it.
fn is_open(state: OutboxState) -> bool {
    matches!(
        state,
        OutboxState::Pending | OutboxState::Failed | OutboxState::Off
    )
}

fn table(entries: &[OutboxEntry]) -> Table {
    let head = [
        "id", "state", "created", "ticket", "change", "by", "tried", "error",
    ];
    let mut table = Table::of(head);
    for entry in entries {
        let change = match (entry.kind, entry.status_id) {
            (OutboxKind::Status, Some(id)) => format!("status {id}"),
            _ => "note".to_owned(),
        };
        table.push([
            entry.id.to_string(),
            format!("{:?}", entry.state).to_lowercase(),
            time(Some(entry.created_at)),
            entry.number.to_string(),
            change,
            entry.author.clone(),
            entry.attempts.to_string(),
            entry.last_error.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table
}
