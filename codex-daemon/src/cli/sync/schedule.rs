//! `codexd sync --schedule`

use codex_core::{Codex, Scope};
use serde_json::json;

use crate::{
    cli::{output, table::Table, with_codex},
    config::Config,
};

/// The next three runs of each schedule, and when each ran last.
pub(super) async fn show(config: &Config, json: bool) -> anyhow::Result<()> {
    let read = async |codex: &Codex| {
        let planned = codex.schedules(&Scope::system()).await?;
        Ok((planned, codex.now()))
    };
    let (planned, now) = with_codex(config, false, read).await?;
    if config.scheduler.entries.is_empty() && !json {
        output::line("Nothing is scheduled: no vendor is configured, or [scheduler] is off.")?;
        return Ok(());
    }
    let mut all = Vec::new();
    let mut table = Table::of(["sync", "schedule", "last started", "next"]);
    for entry in &config.scheduler.entries {
        let mut runs = Vec::new();
        let mut after = now;
        while let Some(next) = entry.next(after).filter(|_| runs.len() < 3) {
            runs.push(entry.local(next));
            after = next;
        }
        let known = planned.iter().find(|known| known.name == entry.name());
        let last = known.and_then(|known| known.last_at);
        let last = last.map(|at| entry.local(at));
        all.push(json!({
            "sync": entry.kind().name(),
            "schedule": entry.cron(),
            "last_started": last,
            "next": runs,
        }));
        let last = last.unwrap_or_else(|| "never".to_owned());
        table.push([
            entry.kind().name().to_owned(),
            entry.cron(),
            last,
            runs.join(", "),
        ]);
    }
    if json {
        return output::json(&all);
    }
    Ok(table.print()?)
}
