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
  codexd outbox                ticket changes that have not reached the PSA
  codexd outbox --all          all of them
  codexd outbox send           send what is due now; `codexd serve` does this every few seconds
  codexd outbox retry 42       send change 42 again; it overwrites what the PSA has now
  codexd outbox cancel 42      do not send change 42; the ticket keeps it in Codex

Status changes and notes that people make in Codex wait here until the PSA has them. Sending needs [upstream] write = on.
Exit code 1 when there is no such change, or it was sent or cancelled already.";

/// List, send, retry and cancel ticket changes that are queued for the PSA
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Outbox {
    #[command(subcommand)]
    command: Option<Command>,
    /// Include changes that were sent, replaced or cancelled
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send all changes that are due now
    Send,
    /// Send a change again, even if the ticket was changed in the PSA meanwhile
    Retry {
        /// Id of the change
        id: i64,
    },
    /// Do not send a change; the ticket keeps it in Codex
    Cancel {
        /// Id of the change
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
            output::line("No ticket changes are waiting.")?;
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
