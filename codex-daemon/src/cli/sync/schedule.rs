//! `codexd sync --schedule`

use std::io::Write as _;

use codex_core::{Codex, Scope};

use crate::{
    cli::{table::Table, with_codex},
    config::Config,
};

/// The next three runs of each schedule, and when each ran last.
pub(super) async fn show(config: &Config) -> anyhow::Result<()> {
    let read = async |codex: &Codex| {
        let planned = codex.schedules(&Scope::system()).await?;
        Ok((planned, codex.now()))
    };
    let (planned, now) = with_codex(config, true, read).await?;
    let mut out = std::io::stdout();
    if config.scheduler.entries.is_empty() {
        writeln!(
            out,
            "Nothing runs by itself: no vendor is configured, or [scheduler] is off."
        )?;
        return Ok(());
    }
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
        let last = last.map_or_else(|| "never".to_owned(), |at| entry.local(at));
        table.push([
            entry.kind().name().to_owned(),
            entry.cron(),
            last,
            runs.join(", "),
        ]);
    }
    write!(out, "{table}")?;
    Ok(())
}
