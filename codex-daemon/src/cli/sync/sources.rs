//! `codexd sync` without a source

use codex_core::sync::SyncKind;
use serde_json::json;

use super::select;
use crate::{
    cli::{output, table::Table},
    config::Config,
};

/// What a sync reads or writes.
fn about(part: SyncKind) -> &'static str {
    match part {
        SyncKind::Psa => "companies, contacts and PSA agents",
        SyncKind::Tickets => "changed tickets with conversations and time entries",
        SyncKind::TicketsLight => "changed tickets, lists only",
        SyncKind::TicketHistory => "all tickets",
        SyncKind::Rmm => "sites and devices",
        SyncKind::RmmAudits => "hardware and software of devices",
        SyncKind::Agents => "the people who log in",
        SyncKind::AssignAccounts => "assigns account numbers at the PSA",
        SyncKind::PushAccounts => "pushes account numbers to the RMM",
    }
}

/// Lists every source with what it syncs and whether it is configured.
pub(super) fn show(config: &mut Config, json: bool) -> anyhow::Result<()> {
    let mut all = Vec::new();
    let mut table = Table::of(["source", "configured", "syncs"]);
    let mut missing = Vec::new();
    for part in SyncKind::ALL {
        let lacks = select(part, config).err().map(|error| error.to_string());
        all.push(json!({
            "source": part.name(),
            "configured": lacks.is_none(),
            "syncs": about(part),
            "other_names": part.aliases(),
        }));
        let configured = if lacks.is_none() { "yes" } else { "no" };
        table.push([part.name(), configured, about(part)].map(str::to_owned));
        if let Some(lacks) = lacks.filter(|lacks| !missing.contains(lacks)) {
            missing.push(lacks);
        }
    }
    if json {
        return output::json(&all);
    }
    table.print()?;
    output::line("\n`codexd sync all` runs what is configured, one source after another.")?;
    for lacks in missing {
        output::line(format_args!("{lacks}."))?;
    }
    Ok(())
}
